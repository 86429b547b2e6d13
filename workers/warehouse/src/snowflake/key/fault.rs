//! What can be wrong with a key's file, and the cure.

use std::fmt;
use std::path::PathBuf;

use super::LEAST_BITS;

/// A key's file that can't be used. The text names the file and the cure, and nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// What is wrong with a key's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// It can't be read; the system's words.
    Unreadable(String),
    /// It is not PEM.
    NoPem,
    /// It is PEM of something else; of what.
    Other(String),
    /// It should be a public key; what it is.
    NotPublic(String),
    /// What stands between BEGIN and END is no key.
    Damaged,
    /// It is encrypted and no passphrase is given.
    PassphraseMissing,
    /// It is encrypted with another passphrase.
    PassphraseWrong,
    /// A passphrase is given and the key is not encrypted.
    PassphraseForNothing,
    /// It is encrypted in a way that is out of date (PBES1, `Proc-Type: 4,ENCRYPTED`).
    Encryption,
    /// It is a key, but not of RSA.
    NotRsa,
    /// It is shorter than Snowflake takes; its bits.
    Short(usize),
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let anew = "make one with `openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out rsa_key.p8`";
        let again = format!("`openssl pkcs8 -topk8 -v2 aes256 -in {path} -out rsa_key.p8`");
        match &self.fault {
            KeyFault::Unreadable(why) => write!(
                formatter,
                "{path} can't be read: {why}; check the path, and that the user of this process may read the file"
            ),
            KeyFault::NoPem => write!(
                formatter,
                "{path} holds no key in PEM: name the file that begins with -----BEGIN PRIVATE KEY----- (or ENCRYPTED, \
                or RSA), or {anew}"
            ),
            KeyFault::Other(what) => {
                write!(formatter, "{path} holds a {what}, not a private key: name the private key's file, or {anew}")
            }
            KeyFault::NotPublic(what) => write!(
                formatter,
                "{path} holds a {what}, not a public key: write that with `openssl pkey -in rsa_key.p8 -pubout -out \
                rsa_key.pub`"
            ),
            KeyFault::Damaged => {
                write!(formatter, "the key in {path} is damaged: restore the file, or {anew}")
            }
            KeyFault::PassphraseMissing => {
                write!(formatter, "the key in {path} is encrypted: set SNOWFLAKE_PRIVATE_KEY_PASSPHRASE")
            }
            KeyFault::PassphraseWrong => write!(
                formatter,
                "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE does not open the key in {path}: try it with `openssl pkey -in {path} \
                -noout`"
            ),
            KeyFault::PassphraseForNothing => write!(
                formatter,
                "the key in {path} is not encrypted: remove SNOWFLAKE_PRIVATE_KEY_PASSPHRASE, which dbt would refuse, \
                or encrypt the key with {again}"
            ),
            KeyFault::Encryption => {
                write!(
                    formatter,
                    "the key in {path} is encrypted in a way that is out of date: write it anew with {again}"
                )
            }
            KeyFault::NotRsa => write!(formatter, "the key in {path} is not of RSA, which Snowflake asks for: {anew}"),
            KeyFault::Short(bits) => {
                write!(formatter, "the key in {path} has {bits} bits, and Snowflake asks for {LEAST_BITS}: {anew}")
            }
        }
    }
}

impl std::error::Error for KeyError {}
