"""Logins, tokens, and the end of sessions."""

import base64
import hashlib
import time
import unittest

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import kit
from .kit import Refused, Session

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key()


def token(**other) -> str:
    der = PUBLIC.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    now = int(time.time())
    claims = {"iss": f"TESTACCOUNT.MILLRACE.SHA256:{fingerprint}", "sub": "TESTACCOUNT.MILLRACE", "iat": now, "exp": now + 59}
    return jwt.encode({**claims, **other}, KEY, algorithm="RS256")


class Login(unittest.TestCase):
    def test_answers_what_clients_read(self):
        session = Session(kit.shared(), "named", schemaName="raw", warehouse="millrace_wh", roleName="millrace_loader")
        info = session.login["sessionInfo"]
        self.assertEqual(info["databaseName"], "NAMED")
        self.assertEqual((info["warehouseName"], info["roleName"]), ("MILLRACE_WH", "MILLRACE_LOADER"))
        for name in ("token", "masterToken", "serverVersion", "sessionId", "validityInSeconds", "masterValidityInSeconds"):
            self.assertTrue(session.login[name], name)

    def test_refuses_a_wrong_password(self):
        for wrong in ({"PASSWORD": "wrong"}, {"PASSWORD": None}, {"LOGIN_NAME": "somebody"}):
            answer = kit.login(kit.shared(), wrong)
            self.assertEqual((answer["code"], answer["success"]), ("390100", False))
            self.assertEqual(answer["message"], "Incorrect username or password was specified.")

    def test_refuses_an_unknown_role_and_warehouse(self):
        with self.assertRaises(Refused) as refused:
            Session(kit.shared(), "t", roleName="nobody")
        self.assertEqual(refused.exception.code, "390189")
        strict = {"CLIENT_VALIDATE_DEFAULT_PARAMETERS": True}
        with self.assertRaises(Refused) as refused:
            Session(kit.shared(), "t", strict, warehouse="none")
        self.assertEqual(refused.exception.code, "390201")
        self.assertIsNone(Session(kit.shared(), "t", warehouse="none").login["sessionInfo"]["warehouseName"])

    def test_renews_tokens_and_keeps_the_session(self):
        session = Session(kit.shared(), kit.fresh_database())
        session.query("CREATE SCHEMA S")
        session.query("CREATE TABLE S.T (A INT)")
        session.query("BEGIN")
        session.query("INSERT INTO S.T VALUES (1)")
        master = {"Authorization": f'Snowflake Token="{session.master}"'}
        asked = {"oldSessionToken": session.token, "requestType": "RENEW"}
        # One client writes the path with two slashes.
        renewed = kit.shared().post("//session/token-request", asked, master)["data"]
        self.assertEqual(renewed["sessionId"], session.login["sessionId"])
        session.token = renewed["sessionToken"]
        session.query("COMMIT")
        self.assertEqual(session.value("SELECT COUNT(*) FROM S.T"), "1")

    def test_a_closed_session_is_gone_and_rolled_back(self):
        database = kit.fresh_database()
        session = Session(kit.shared(), database)
        session.query("CREATE SCHEMA S")
        session.query("CREATE TABLE S.T (A INT)")
        session.query("BEGIN")
        session.query("INSERT INTO S.T VALUES (1)")
        session.close()
        self.assertEqual(session.ask("SELECT 1")["code"], "390111")
        self.assertEqual(Session(kit.shared(), database).value("SELECT COUNT(*) FROM S.T"), "0")


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pem = PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        cls.server = kit.Server("--token-secs", "1", "--database", "KNOWN", "--public-key", pem)

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def with_key(self, token: str) -> str | None:
        asked = {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token, "PASSWORD": None}
        return kit.login(self.server, asked, databaseName="known")["code"]

    def test_key_pairs(self):
        self.assertIsNone(self.with_key(token()))
        for wrong in ({"sub": "TESTACCOUNT.OTHER"}, {"iss": "TESTACCOUNT.MILLRACE.SHA256:x"}, {"exp": 1}):
            self.assertEqual(self.with_key(token(**wrong)), "390144", wrong)
        self.assertEqual(self.with_key(jwt.encode({}, "x" * 32, algorithm="HS256")), "390144")

    def test_unknown_database(self):
        with self.assertRaises(Refused) as refused:
            Session(self.server, "unknown", {"CLIENT_VALIDATE_DEFAULT_PARAMETERS": True})
        self.assertEqual(refused.exception.code, "390201")

    def test_tokens_expire(self):
        session = Session(self.server, "known")
        session.query("SELECT 1")
        time.sleep(1.1)
        self.assertEqual(session.ask("SELECT 1")["code"], "390112")
        master = {"Authorization": f'Snowflake Token="{session.master}"'}
        session.token = self.server.post("/session/token-request", {}, master)["data"]["sessionToken"]
        session.query("SELECT 1")
