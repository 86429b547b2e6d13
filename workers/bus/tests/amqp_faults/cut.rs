//! A network that breaks in the middle of a message.

use std::collections::BTreeSet;

use futures::future::join_all;
use messages::Stage;
use millrace_bus::{Bus, BusError};
use testkit::Proxy;

use crate::support::{Rabbit, command, drain, large, until};

/// More than two frames.
const BODY_BYTES: usize = 300_000;

/// In the method, in the header, at the edges of the body's frames, and behind it.
const POSITIONS: [usize; 14] =
    [0, 1, 7, 40, 120, 300, 1_000, 70_000, 131_000, 131_072, 200_000, 262_144, 299_000, 301_000];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_is_cut_off_is_stored_or_an_error_and_can_be_repeated() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.broker.address());
    let bus = rabbit.open_at(&rabbit.vhost.url_at(proxy.address()), 20).await;
    let mut expected = BTreeSet::new();
    let mut errors = 0;
    for position in POSITIONS {
        // The way is whole, and nothing is under way.
        let before = command(Stage::Ingest);
        bus.publish(&before).await.unwrap();
        expected.insert(before.id);
        proxy.cut_after(position);
        let envelope = large(BODY_BYTES);
        let published = bus.publish(&envelope).await;
        proxy.mend();
        if let Err(error) = published {
            assert!(matches!(error, BusError::Unavailable(_)), "at {position}: {error:?}");
            errors += 1;
            bus.publish(&envelope).await.unwrap_or_else(|error| panic!("again, after {position}: {error}"));
        }
        expected.insert(envelope.id);
    }
    assert!(errors >= POSITIONS.len() - 2, "only {errors} were cut off");
    let direct = rabbit.open(20).await;
    drain(&mut *direct.consume(Stage::Ingest, 5).await.unwrap(), &expected).await;
}

/// The same among many that are under way at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_confirmed_message_of_many_is_stored_when_the_network_breaks() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.broker.address());
    let bus = rabbit.open_at(&rabbit.vhost.url_at(proxy.address()), 20).await;
    let direct = rabbit.open(20).await;
    let mut consumer = direct.consume(Stage::Ingest, 50).await.unwrap();
    for position in [500, 5_000, 20_000, 40_000, 60_000, 80_000] {
        bus.publish(&command(Stage::Dq)).await.unwrap();
        proxy.cut_after(position);
        let envelopes: Vec<_> = (0..200).map(|_| command(Stage::Ingest)).collect();
        let mend_when_cut = async {
            until("the cut", || proxy.is_cut()).await;
            proxy.mend();
        };
        let all = join_all(envelopes.iter().map(|envelope| bus.publish(envelope)));
        let (published, ()) = tokio::join!(all, mend_when_cut);
        let (confirmed, failed): (Vec<_>, Vec<_>) =
            envelopes.iter().zip(published).partition(|(_, published)| published.is_ok());
        assert!(!failed.is_empty(), "nothing was cut off at {position}");
        drain(&mut *consumer, &confirmed.iter().map(|(envelope, _)| envelope.id).collect()).await;
        for (envelope, _) in &failed {
            let again = bus.publish(envelope).await;
            again.unwrap_or_else(|error| panic!("again, after {position}: {error}"));
        }
        drain(&mut *consumer, &failed.iter().map(|(envelope, _)| envelope.id).collect()).await;
    }
}
