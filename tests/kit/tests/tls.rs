//! A node that listens for TLS and knows clients by their certificates.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{read, read_to_string};

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::{Connection, ConnectionProperties};
use millrace_testkit::{Broker, Options};

async fn connect(url: &str, tls: OwnedTLSConfig) -> lapin::Result<Connection> {
    let runtime = lapin::runtime::default_runtime()?;
    Connection::connect_with_config(url, ConnectionProperties::default(), tls, runtime).await
}

/// One test, for each node takes seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn clients_come_in_with_their_certificate_only() {
    let broker = Broker::start(Options { tls: true, client_certificate_required: true, ..Options::default() });
    let (vhost, files) = (broker.fresh_vhost(), broker.certificates());
    let url = broker.tls_url(vhost.name());
    let ca = read_to_string(&files.ca).unwrap();
    let identity =
        OwnedIdentity::PKCS8 { pem: read(&files.client_certificate).unwrap(), key: read(&files.client_key).unwrap() };
    let known = OwnedTLSConfig { identity: Some(identity), cert_chain: Some(ca.clone()) };

    assert!(connect(&url, known.clone()).await.unwrap().status().connected());
    let by_certificate = format!("amqps://localhost:{}/{}?auth_mechanism=external", port(&url), vhost.name());
    assert!(connect(&by_certificate, known).await.unwrap().status().connected());

    let nobody = OwnedTLSConfig { identity: None, cert_chain: Some(ca) };
    assert!(connect(&url, nobody).await.is_err(), "came in without a certificate");
    assert!(connect(&url, OwnedTLSConfig::default()).await.is_err(), "trusted an authority that it does not know");
}

fn port(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}
