//! Encrypted, and known by a certificate.

use std::path::Path;

use messages::Stage;
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::next;
use millrace_bus::{Bus, BusError, BusSettings};

use crate::closed::strict;
use crate::support::{Rabbit, command};

/// The settings for the node's TLS port. The management API is not at its usual port there.
fn settings(rabbit: &Rabbit, ca_file: Option<&Path>) -> BusSettings {
    let url = rabbit.broker.tls_url(rabbit.vhost.name());
    BusSettings { ca_file: ca_file.map(Into::into), publish_timeout_secs: 20, ..BusSettings::new(url) }
}

async fn passes(bus: &AmqpBus) {
    let sent = command(Stage::Ingest);
    bus.publish(&sent).await.unwrap();
    let delivery = next(&mut *bus.consume(Stage::Ingest, 1).await.unwrap()).await;
    assert_eq!(delivery.envelope().unwrap(), sent);
    delivery.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_whose_authority_is_known_is_trusted() {
    let rabbit = strict();
    let bus = AmqpBus::open(&settings(&rabbit, Some(&rabbit.broker.certificates().ca)), "faults").await.unwrap();
    passes(&bus).await;
    // Without the management API there is less to tell, and nothing wrong.
    let told = bus.check().await.unwrap();
    assert!(told.contains("bus.management_url"), "{told}");
    let depths = bus.depths().await.unwrap();
    assert_eq!(depths.len(), 3);
    assert!(depths.iter().all(|depth| depth.published_per_sec.is_none() && depth.consumers.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_of_another_authority_is_refused_at_once() {
    let rabbit = strict();
    let files = rabbit.broker.certificates();
    let garbage = rabbit.broker.folder().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    // One that signed nothing, one that is none, and those of the system.
    for authority in [Some(files.client_certificate.as_path()), Some(garbage.as_path()), None] {
        let opened = AmqpBus::open(&settings(&rabbit, authority), "faults").await;
        if let Ok(bus) = &opened {
            println!("{authority:?} {:?}", bus.check().await);
            continue;
        }
        let error = opened.err().expect("it was trusted");
        assert!(matches!(error, BusError::Configuration(_)), "{authority:?}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("bus.ca_file") && text.contains("certificate"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_a_login() {
    let rabbit = strict();
    let files = rabbit.broker.certificates();
    let known = settings(&rabbit, Some(&files.ca));
    let (_, host) = known.url.split_once('@').unwrap();
    let nameless = BusSettings { url: format!("amqps://{host}"), ..known.clone() };
    let own = BusSettings {
        client_cert_file: Some(files.client_certificate.clone()),
        client_key_file: Some(files.client_key.clone()),
        ..nameless.clone()
    };
    let bus = AmqpBus::open(&own, "faults").await.unwrap();
    passes(&bus).await;
    assert!(bus.check().await.unwrap().contains("certificate"));
    // Neither a name nor a certificate: the usual guest, whom this broker does not know.
    let error = AmqpBus::open(&nameless, "faults").await.err().expect("a stranger came in");
    assert!(matches!(error, BusError::Configuration(_)), "{error:?}");
}
