//! How to reach a bus.

use std::path::PathBuf;

/// How to reach a bus. All but the address has a default and is for RabbitMQ only.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// `sqlite:<path>`, `amqp://user:password@host:port/vhost` or `amqps://…`. May hold a password: never shown.
    pub url: String,
    /// PEM file of the authority that signed the broker's certificate; the system's own authorities without it.
    pub ca_file: Option<PathBuf>,
    /// PEM file with the certificate that this client shows.
    pub client_cert_file: Option<PathBuf>,
    /// PEM file with the key of that certificate (PKCS 8, not encrypted).
    pub client_key_file: Option<PathBuf>,
    /// `http(s)://user:password@host:port` of the management API, for rates and for what other processes have in hand;
    /// port 15672 (15671 with TLS) of the broker's host without it.
    pub management_url: Option<String>,
    /// How long a message may wait for the broker's confirmation before publishing it counts as failed, in seconds.
    pub publish_timeout_secs: u64,
}

impl BusSettings {
    /// The address, and defaults for all else.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            management_url: None,
            publish_timeout_secs: 30,
        }
    }
}

impl From<&str> for BusSettings {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}
