//! A message that must be handled, and no queue that takes it.

use std::collections::BTreeSet;

use futures::future::join_all;
use messages::{Envelope, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::{SOON, next};
use millrace_bus::{Bus, BusError};
use tokio::time::Instant;

use crate::support::{Rabbit, blocking, command, drain, id};

fn is_unroutable(result: &Result<(), BusError>) -> bool {
    matches!(result, Err(BusError::Unroutable { .. }))
}

/// A bus whose connection for publishing stands: when that is made it sees to all queues.
async fn open(rabbit: &Rabbit) -> AmqpBus {
    let bus = rabbit.open(20).await;
    bus.publish(&command(Stage::Transform)).await.unwrap();
    bus
}

/// The bus makes what is missing when it has heard of it: soon, and not before the next publish.
async fn until_published(bus: &dyn Bus, envelope: &Envelope) {
    let deadline = Instant::now() + SOON;
    while let Err(error) = bus.publish(envelope).await {
        assert!(matches!(error, BusError::Unroutable { .. }), "{error}");
        assert!(Instant::now() < deadline, "it stays unroutable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_is_made_again_by_the_publish_that_misses_it() {
    let rabbit = Rabbit::shared();
    let bus = open(&rabbit).await;
    assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), &Stage::Ingest.queue())));
    let sent = command(Stage::Ingest);
    let error = bus.publish(&sent).await.unwrap_err();
    assert!(matches!(&error, BusError::Unroutable { type_name } if type_name == "ingest.requested"), "{error:?}");
    until_published(&bus, &sent).await;
    assert_eq!(next(&mut *bus.consume(Stage::Ingest, 1).await.unwrap()).await.envelope().unwrap(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_binding_is_made_again_by_the_publish_that_misses_it() {
    let rabbit = Rabbit::shared();
    let bus = open(&rabbit).await;
    let way = format!("bindings/{}/e/millrace.commands/q/{}", rabbit.vhost.name(), Stage::Dq.queue());
    let bindings = blocking(|| rabbit.management().get(&way));
    for binding in bindings.as_array().unwrap() {
        let key = binding["properties_key"].as_str().unwrap();
        assert!(blocking(|| rabbit.management().delete(&format!("{way}/{key}"))));
    }
    let sent = command(Stage::Dq);
    assert!(is_unroutable(&bus.publish(&sent).await));
    until_published(&bus, &sent).await;
    assert_eq!(next(&mut *bus.consume(Stage::Dq, 1).await.unwrap()).await.envelope().unwrap(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_exchange_is_made_again_by_the_publish_that_misses_it() {
    let rabbit = Rabbit::shared();
    let bus = open(&rabbit).await;
    assert!(blocking(|| rabbit.management().delete(&format!("exchanges/{}/millrace.commands", rabbit.vhost.name()))));
    let sent = command(Stage::Ingest);
    bus.publish(&sent).await.unwrap_err();
    bus.publish(&sent).await.unwrap();
    assert_eq!(next(&mut *bus.consume(Stage::Ingest, 1).await.unwrap()).await.envelope().unwrap(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_exactly_those_that_no_queue_took_are_errors() {
    let rabbit = Rabbit::shared();
    let bus = open(&rabbit).await;
    for _ in 0..5 {
        assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), &Stage::Dq.queue())));
        let stage = |number: usize| if number % 20 == 7 { Stage::Dq } else { Stage::Ingest };
        let envelopes: Vec<_> = (0..200).map(|number| command(stage(number))).collect();
        let results = join_all(envelopes.iter().map(|envelope| bus.publish(envelope))).await;
        let mut stored = [BTreeSet::new(), BTreeSet::new()];
        let mut unroutable = 0;
        for (number, (envelope, result)) in envelopes.iter().zip(&results).enumerate() {
            match (stage(number), result) {
                (Stage::Ingest, Ok(())) => _ = stored[0].insert(envelope.id),
                // Sent after the queue had been made again.
                (Stage::Dq, Ok(())) => _ = stored[1].insert(envelope.id),
                (Stage::Dq, Err(BusError::Unroutable { .. })) => unroutable += 1,
                (stage, other) => panic!("{stage}: {other:?}"),
            }
        }
        assert!(unroutable > 0, "all were routed");
        until_published(&bus, &command(Stage::Dq)).await;
        for (stage, expected) in [Stage::Ingest, Stage::Dq].into_iter().zip(stored) {
            let mut consumer = bus.consume(stage, 50).await.unwrap();
            let came = drain(&mut *consumer, &expected).await;
            assert!(stage == Stage::Dq || came.len() == expected.len(), "some came twice");
            let others =
                BTreeSet::from_iter(envelopes.iter().map(|envelope| envelope.id)).difference(&expected).count();
            assert_eq!(others, 200 - expected.len());
            while let Some(delivery) = consumer.next_within(std::time::Duration::from_millis(100)).await.unwrap() {
                let refused = envelopes.iter().zip(&results).find(|(one, _)| one.id == id(&delivery));
                assert!(refused.is_none_or(|(_, result)| result.is_ok()), "it was said to be stored nowhere");
                delivery.ack().await.unwrap();
            }
        }
    }
}
