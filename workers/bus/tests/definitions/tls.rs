//! Logging in with a certificate instead of a password, as deploy/rabbitmq/README.md has it.

use millrace_bus::amqp::AmqpBus;
use millrace_bus::{Bus, BusError, BusSettings};
use testkit::{Broker, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_a_login() {
    let options = Options { tls: true, ..Options::default() };
    let broker = tokio::task::spawn_blocking(|| Broker::start(options)).await.unwrap();
    let vhost = tokio::task::block_in_place(|| broker.fresh_vhost());
    let with_password = broker.tls_url(vhost.name());
    let (_, place) = with_password.rsplit_once('@').unwrap();
    let files = broker.certificates();
    let settings = BusSettings {
        ca_file: Some(files.ca.clone()),
        client_cert_file: Some(files.client_certificate.clone()),
        client_key_file: Some(files.client_key.clone()),
        ..BusSettings::new(format!("amqps://{place}"))
    };
    let told = AmqpBus::open(&settings, "a").await.unwrap().check().await.unwrap();
    assert!(told.contains("its certificate"), "{told}");

    // With the password and the authority alone, too.
    let settings =
        BusSettings { client_cert_file: None, client_key_file: None, url: with_password.clone(), ..settings };
    AmqpBus::open(&settings, "b").await.unwrap().check().await.unwrap();
    // A broker whose certificate nobody vouches for is not spoken to.
    let settings = BusSettings { ca_file: None, ..settings };
    let Err(stranger) = AmqpBus::open(&settings, "c").await else { panic!("a stranger was trusted") };
    assert!(matches!(&stranger, BusError::Configuration(text) if text.contains("bus.ca_file")), "{stranger}");
}
