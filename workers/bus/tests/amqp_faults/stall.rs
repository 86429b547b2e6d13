//! A network that passes nothing and does not say so.

use std::future::Future;
use std::time::Duration;

use messages::Stage;
use millrace_bus::conformance::next;
use millrace_bus::{Bus, BusError};
use testkit::Proxy;
use tokio::time::Instant;

use crate::lines;
use crate::support::{Rabbit, command, id, publish, until};

const WAIT_SECS: u64 = 1;

/// Without a heartbeat in between, it is each call's own deadline that ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_outlasts_its_deadline() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.broker.address());
    let bus = rabbit.open_at(&rabbit.vhost.url_at(proxy.address()), WAIT_SECS).await;
    let sent = command(Stage::Ingest);
    bus.publish(&sent).await.unwrap();
    proxy.stall();
    let none = || vec!["none".to_owned()];
    tokio::join!(
        ends_in_time("publish", bus.publish(&sent)),
        ends_in_time("check", bus.check()),
        ends_in_time("depths", bus.depths()),
        ends_in_time("dead", bus.dead(None, 1)),
        async { ends_in_time("replay", bus.replay(&none())).await },
        async { ends_in_time("purge", bus.purge(&none())).await },
        ends_in_time("pause", bus.set_paused(Stage::Ingest, true)),
        ends_in_time("listen", bus.listen(sent.load_id(), &["ingest.requested"])),
    );
    proxy.resume();
    bus.check().await.unwrap();
    bus.publish(&sent).await.unwrap();
}

async fn ends_in_time<T>(what: &str, call: impl Future<Output = Result<T, BusError>>) {
    let begun = Instant::now();
    let result = tokio::time::timeout(Duration::from_secs(WAIT_SECS + 5), call).await;
    let error = result.unwrap_or_else(|_| panic!("{what} still waits after {:?}", begun.elapsed())).err();
    let error = error.unwrap_or_else(|| panic!("{what} succeeded over a network that passes nothing"));
    assert!(matches!(error, BusError::Unavailable(_)), "{what}: {error:?}");
    assert!(error.to_string().contains("127.0.0.1"), "{what} does not say who is away: {error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_network_is_noticed_by_its_silence() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.broker.address());
    let url = format!("{}?heartbeat=1&connection_timeout=300", rabbit.vhost.url_at(proxy.address()));
    let bus = rabbit.open_at(&url, 20).await;
    let here = proxy.address().to_string();
    let mut expected = publish(&bus, Stage::Ingest, 2).await;
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let held = next(&mut *consumer).await;
    let first = id(&held);
    proxy.stall();
    until("the loss of both connections", || lines::with(&["lost RabbitMQ", &here]).len() == 2).await;
    until("a try that got no answer", || !lines::with(&["no answer within 300 ms", &here]).is_empty()).await;
    // Those that gave up are not to pile up at the broker once the network passes again.
    until("several tries", || proxy.connections() >= 6).await;
    proxy.resume();
    let late = command(Stage::Ingest);
    bus.publish(&late).await.unwrap();
    expected.insert(late.id);
    held.ack().await.unwrap();
    expected.remove(&first);
    crate::support::drain(&mut *consumer, &expected).await;
    until("the end of what was begun meanwhile", || proxy.connections() == 2).await;
}
