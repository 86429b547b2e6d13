//! A private key's file, in whichever form OpenSSL wrote it, turned into the one that snowflake-api takes: PEM of
//! PKCS #8, not encrypted.

mod fault;
mod public;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pkcs8::pkcs5;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;

pub use fault::{KeyError, KeyFault};
pub use public::PublicKey;

use super::Secret;

/// What Snowflake asks of a key, at least.
const LEAST_BITS: usize = 2048;
/// A key of 16,384 bits takes 13 KB; whatever is longer is another file.
const MOST_BYTES: u64 = 64 * 1024;

/// A private RSA key, and what Snowflake needs to know of it.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    pem: Secret,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a key: PKCS #8, plain or encrypted (PBES2), or PKCS #1 (`BEGIN RSA PRIVATE KEY`). Warns in the log if
    /// everybody on the machine may read the file.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub fn read(path: &Path, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let fault = |fault| KeyError { path: path.to_owned(), fault };
        let text = read_file(path).map_err(fault)?;
        let key = Self::parse(&text, passphrase).map_err(fault)?;
        warn_if_open(path);
        Ok(key)
    }

    /// Takes a key from the text of its file.
    fn parse(text: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyFault> {
        let pem = pem::parse(text).map_err(|_| KeyFault::NoPem)?;
        // How OpenSSL encrypted before PKCS #8: a hash without rounds, which opens as soon as somebody tries.
        let outdated = pem.headers().get("Proc-Type").is_some_and(|kind| kind.contains("ENCRYPTED"));
        let key = match pem.tag() {
            "RSA PRIVATE KEY" if outdated => return Err(KeyFault::Encryption),
            "PRIVATE KEY" | "RSA PRIVATE KEY" if passphrase.is_some() => return Err(KeyFault::PassphraseForNothing),
            "PRIVATE KEY" => from_pkcs8(pem.contents())?,
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(pem.contents()).map_err(|_| KeyFault::Damaged)?,
            "ENCRYPTED PRIVATE KEY" => {
                let passphrase = passphrase.ok_or(KeyFault::PassphraseMissing)?;
                let opened = decrypt(pem.contents(), passphrase)?;
                from_pkcs8(opened.as_bytes())?
            }
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" => return Err(KeyFault::NotRsa),
            other => return Err(KeyFault::Other(other.to_lowercase())),
        };
        let bits = key.n().bits();
        if bits < LEAST_BITS {
            return Err(KeyFault::Short(bits));
        }
        let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyFault::Damaged)?;
        Ok(Self { pem: Secret::new(pem.as_str()), public: PublicKey::of(&key).ok_or(KeyFault::Damaged)? })
    }

    /// PEM of PKCS #8, not encrypted: what snowflake-api takes.
    pub fn into_pem(self) -> Secret {
        self.pem
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

fn from_pkcs8(der: &[u8]) -> Result<RsaPrivateKey, KeyFault> {
    let info = PrivateKeyInfo::try_from(der).map_err(|_| KeyFault::Damaged)?;
    if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
        return Err(KeyFault::NotRsa);
    }
    RsaPrivateKey::from_pkcs8_der(der).map_err(|_| KeyFault::Damaged)
}

fn decrypt(der: &[u8], passphrase: &Secret) -> Result<SecretDocument, KeyFault> {
    let info = EncryptedPrivateKeyInfo::try_from(der).map_err(|_| KeyFault::Encryption)?;
    let opened = info.decrypt(passphrase.reveal()).map_err(|error| match error {
        // pkcs5 says EncryptFailed also of a decryption.
        pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed | pkcs5::Error::EncryptFailed) => {
            KeyFault::PassphraseWrong
        }
        pkcs8::Error::EncryptedPrivateKey(_) => KeyFault::Encryption,
        // The padding of one wrong passphrase in 256 looks right, and what comes out is not DER.
        _ => KeyFault::PassphraseWrong,
    })?;
    match PrivateKeyInfo::try_from(opened.as_bytes()) {
        Ok(_) => Ok(opened),
        Err(_) => Err(KeyFault::PassphraseWrong),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, KeyFault> {
    let unreadable = |error: std::io::Error| KeyFault::Unreadable(error.to_string());
    let mut text = Vec::new();
    File::open(path).map_err(unreadable)?.take(MOST_BYTES).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// ssh refuses such a key. A secret that an orchestrator mounts is often open within its container, so we only say it.
#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::metadata(path).is_ok_and(|facts| facts.permissions().mode() & 0o004 != 0);
    if open {
        tracing::warn!(path = %path.display(), "every user of this machine can read the private key: chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_path: &Path) {}
