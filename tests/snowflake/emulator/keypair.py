"""Tokens that a user makes from a private key."""

import base64
import hashlib
import time

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key


class Refused(Exception):
    """The token is worth nothing; the text says why, for the emulator's own log."""


def verify(token: str, public_key: str, account: str, user: str) -> None:
    """As the service documents it: RS256, issuer ACCOUNT.USER.SHA256:fingerprint, subject ACCOUNT.USER, not expired."""
    if not public_key:
        raise Refused("the user has no public key")
    key = load_pem_public_key(public_key.encode())
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    try:
        claims = jwt.decode(token, key, algorithms=["RS256"], options={"require": ["iss", "sub", "iat", "exp"]})
    except jwt.PyJWTError as error:
        raise Refused(str(error)) from error
    subject = f"{account}.{user}"
    if claims["sub"] != subject:
        raise Refused(f"the subject is {claims['sub']!r}, not {subject!r}")
    if claims["iss"] != f"{subject}.SHA256:{fingerprint}":
        raise Refused(f"the issuer is {claims['iss']!r}, not {subject}.SHA256:{fingerprint}")
    # A longer life is not refused by the service but cut to an hour, of which a login needs a second.
    if claims["iat"] + 3600 < time.time():
        raise Refused("it is older than an hour")
