//! From settings to what lapin needs, without ever showing a secret.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri, SASLMechanism};

use crate::{BusError, BusSettings};

/// How often each side must be heard of, in seconds, unless the address says otherwise. A dead broker is noticed after
/// twice that.
const HEARTBEAT_SECS: u16 = 20;
/// How long connecting may take, in milliseconds, unless the address says otherwise.
const CONNECT_MILLIS: u64 = 10_000;

/// A broker, and how to log in.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) uri: AMQPUri,
    pub(super) tls: OwnedTLSConfig,
}

impl Address {
    /// Reads the address and the files that the settings name.
    ///
    /// # Errors
    /// `Configuration`: the text names the setting and holds no part of the address.
    pub(super) fn new(settings: &BusSettings) -> Result<Self, BusError> {
        let mut uri = AMQPUri::from_str(&settings.url).map_err(|error| {
            wrong(format!(
                "bus.url can't be read ({error}): use amqp://user:password@host:5672/vhost, special characters as %XX"
            ))
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECS);
        uri.query.connection_timeout.get_or_insert(CONNECT_MILLIS);
        let encrypted = uri.scheme == AMQPScheme::AMQPS;
        let files = [&settings.ca_file, &settings.client_cert_file, &settings.client_key_file];
        if !encrypted && files.iter().any(|file| file.is_some()) {
            return Err(wrong(
                "bus.ca_file and the client's certificate need an encrypted connection: begin bus.url with amqps://"
                    .into(),
            ));
        }
        let identity = match (&settings.client_cert_file, &settings.client_key_file) {
            (Some(cert), Some(key)) => Some(OwnedIdentity::PKCS8 {
                pem: read("bus.client_cert_file", cert)?.into_bytes(),
                key: read("bus.client_key_file", key)?.into_bytes(),
            }),
            (None, None) => None,
            _ => {
                return Err(wrong(
                    "bus.client_cert_file and bus.client_key_file belong together: set both or none".into(),
                ));
            }
        };
        // A certificate and no name in the address: the certificate is the name.
        if identity.is_some() && uri.query.auth_mechanism.is_none() && !settings.url.contains('@') {
            uri.query.auth_mechanism = Some(SASLMechanism::External);
        }
        let cert_chain = settings.ca_file.as_deref().map(|path| read("bus.ca_file", path)).transpose()?;
        Ok(Self { uri, tls: OwnedTLSConfig { identity, cert_chain } })
    }

    /// The management API: as set, or at its usual port beside the broker, with the same user.
    pub(super) fn management(&self, settings: &BusSettings) -> ManagementAddress {
        let url = settings.management_url.clone().unwrap_or_else(|| {
            let (scheme, port) = match self.uri.scheme {
                AMQPScheme::AMQP => ("http", 15672),
                AMQPScheme::AMQPS => ("https", 15671),
            };
            format!("{scheme}://{}:{port}", self.uri.authority.host)
        });
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        let (userinfo, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        let known = &self.uri.authority.userinfo;
        let (user, password) = match userinfo {
            Some(userinfo) => {
                let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
                (decoded(user), decoded(password))
            }
            None => (known.username.clone(), known.password.clone()),
        };
        ManagementAddress { base: format!("{scheme}://{}", host.trim_end_matches('/')), user, password }
    }
}

/// Where the management API is.
#[derive(Clone)]
pub(super) struct ManagementAddress {
    /// Scheme, host and port.
    pub(super) base: String,
    pub(super) user: String,
    pub(super) password: String,
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn read(setting: &str, path: &Path) -> Result<String, BusError> {
    std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{setting} {} can't be read: {error}; give it a PEM file", path.display())))
}

fn wrong(text: String) -> BusError {
    BusError::Configuration(text)
}

/// For people: everything but the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (authority, vhost) = (&self.uri.authority, &self.uri.vhost);
        let user = match self.uri.query.auth_mechanism {
            Some(SASLMechanism::External) => "its certificate",
            _ => &authority.userinfo.username,
        };
        write!(f, "{}:{} (vhost {vhost}, user {user})", authority.host, authority.port)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::new(&url.into()).unwrap()
    }

    #[test]
    fn no_text_shows_the_password() {
        let address = address("amqp://mill:s3cret%40@broker:5673/plant%2Fa");
        assert_eq!(address.to_string(), "broker:5673 (vhost plant/a, user mill)");
        for url in [
            "amqp://mill:s3cret@broker:99999/x",
            "amqp://mill:s3cret@broker/x?heartbeat=never",
            "amqp://s3cret:s3cret@:5672:1",
        ] {
            let error = Address::new(&url.into()).err().unwrap().to_string();
            assert!(!error.contains("s3cret") && error.contains("bus.url"), "{error}");
        }
    }

    #[test]
    fn the_management_api_is_beside_the_broker_unless_told() {
        let beside = address("amqps://a%20b:c@broker/x").management(&"amqps://".into());
        assert_eq!(
            (beside.base.as_str(), beside.user.as_str(), beside.password.as_str()),
            ("https://broker:15671", "a b", "c")
        );
        let settings =
            BusSettings { management_url: Some("http://x:y%3a@other:1/".into()), ..BusSettings::new("amqp://") };
        let told = address("amqp://a:b@broker/x").management(&settings);
        assert_eq!((told.base.as_str(), told.user.as_str(), told.password.as_str()), ("http://other:1", "x", "y:"));
    }

    #[test]
    fn files_for_tls_are_refused_where_they_do_nothing() {
        let settings = BusSettings { ca_file: Some("ca.pem".into()), ..BusSettings::new("amqp://broker") };
        assert!(Address::new(&settings).err().unwrap().to_string().contains("amqps://"));
        let settings = BusSettings { client_cert_file: Some("c.pem".into()), ..BusSettings::new("amqps://broker") };
        assert!(Address::new(&settings).err().unwrap().to_string().contains("client_key_file"));
        let settings = BusSettings { ca_file: Some("/nowhere/ca.pem".into()), ..BusSettings::new("amqps://broker") };
        assert!(Address::new(&settings).err().unwrap().to_string().contains("/nowhere/ca.pem"));
    }
}
