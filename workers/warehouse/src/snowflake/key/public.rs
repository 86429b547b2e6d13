//! The public half of a key, as Snowflake keeps it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncodePublicKey;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::{BigUint, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::{KeyError, KeyFault, LEAST_BITS, read_file};

/// The public half of a key, as Snowflake keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    base64: String,
    fingerprint: String,
}

impl PublicKey {
    /// Reads a public key, as `openssl pkey -pubout` or `openssl rsa -pubout` writes it.
    ///
    /// # Errors
    /// The file can't be read, or holds no public key of RSA of 2,048 bits or more.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fault = |fault| KeyError { path: path.to_owned(), fault };
        Self::parse(&read_file(path).map_err(fault)?).map_err(fault)
    }

    fn parse(text: &[u8]) -> Result<Self, KeyFault> {
        let pem = pem::parse(text).map_err(|_| KeyFault::NotPublic("no pem".into()))?;
        if pem.tag() != "PUBLIC KEY" {
            return Err(KeyFault::NotPublic(pem.tag().to_lowercase()));
        }
        let info = SubjectPublicKeyInfoRef::try_from(pem.contents()).map_err(|_| KeyFault::Damaged)?;
        if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
            return Err(KeyFault::NotRsa);
        }
        let key = rsa::pkcs1::RsaPublicKey::try_from(info.subject_public_key.raw_bytes());
        let modulus = key.map_err(|_| KeyFault::Damaged)?.modulus;
        match BigUint::from_bytes_be(modulus.as_bytes()).bits() {
            bits if bits < LEAST_BITS => Err(KeyFault::Short(bits)),
            _ => Ok(Self::of_der(pem.contents())),
        }
    }

    pub(super) fn of(key: &RsaPrivateKey) -> Option<Self> {
        let der = key.to_public_key().to_public_key_der().ok()?;
        Some(Self::of_der(der.as_bytes()))
    }

    fn of_der(der: &[u8]) -> Self {
        let fingerprint = format!("SHA256:{}", STANDARD.encode(Sha256::digest(der)));
        Self { base64: STANDARD.encode(der), fingerprint }
    }

    /// The DER of its SubjectPublicKeyInfo in base64, on one line: what `RSA_PUBLIC_KEY` takes.
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// `SHA256:…`, as `DESCRIBE USER` shows it in `RSA_PUBLIC_KEY_FP`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}
