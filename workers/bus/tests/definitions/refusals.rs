//! Nobody can do what is not his, is told so, and goes on with what is.

use std::ops::Range;
use std::time::Duration;

use futures::future::join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ExchangeKind};
use messages::{Message, Stage};
use millrace_bus::{Bus, BusError};

use crate::plant::{Plant, USERS, assert_refused, command, message, next};

/// Every message, as everybody: who may say what.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_publishes_his_own_messages_only() {
    let plant = Plant::open().await;
    for user in USERS {
        let bus = plant.bus(user).await;
        let may = |name: &str| match user {
            "millrace-watch" => ["source.file.discovered", "source.overdue"].contains(&name),
            "millrace-operator" | "millrace-airflow" => name.ends_with(".requested"),
            worker => {
                let own = worker.trim_start_matches("millrace-").to_owned() + ".";
                name.starts_with(&own) && !name.ends_with(".requested")
                    || worker == "millrace-ingest" && name == "source.file.discovered"
            }
        };
        let mut allowed = 0;
        // Each refusal closes the channel under the next one.
        for name in Message::TYPES {
            let published = bus.publish(&message(name)).await;
            if may(name) {
                published.unwrap_or_else(|error| panic!("{user} could not publish {name}: {error}"));
                allowed += 1;
            } else {
                assert_refused(&format!("{user} publishing {name}"), published);
            }
        }
        assert!(allowed > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workers_copies_go_to_its_own_stage_only() {
    let plant = Plant::open().await;
    for user in USERS {
        let bus = plant.bus(user).await;
        for stage in Stage::ALL {
            let own = user == format!("millrace-{stage}") || user == "millrace-operator";
            let published = bus.publish_raw(stage, b"{}".to_vec()).await;
            match own {
                true => published.unwrap(),
                false => assert_refused(&format!("{user} publishing to {stage}"), published),
            }
            if user != "millrace-operator" {
                assert_refused(&format!("{user} pausing {stage}"), bus.set_paused(stage, true).await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_consumes_its_own_queue_only() {
    let plant = Plant::open().await;
    let airflow = plant.bus("millrace-airflow").await;
    for stage in Stage::ALL {
        airflow.publish(&command(stage)).await.unwrap();
    }
    for user in USERS {
        let bus = plant.bus(user).await;
        for stage in Stage::ALL {
            if user == "millrace-operator" {
                // To look at the oldest means to take it.
                airflow.publish(&command(stage)).await.unwrap();
                assert!(bus.oldest_secs(stage).await.unwrap().is_some());
                continue;
            }
            let mut consumer = bus.consume(stage, 1).await.unwrap();
            let came = consumer.next_within(Duration::from_secs(20)).await;
            if user == format!("millrace-{stage}") {
                came.unwrap().expect("a delivery").ack().await.unwrap();
            } else {
                assert_refused(&format!("{user} consuming {stage}"), came);
                assert_refused("asked again", consumer.next_within(Duration::from_secs(20)).await);
            }
            assert_refused(&format!("{user} looking at dead letters"), bus.dead(Some(stage), 10).await);
        }
        if !["millrace-operator", "millrace-airflow"].contains(&user) {
            let message = message("ingest.completed");
            assert_refused(&format!("{user} listening"), bus.listen(message.load_id(), &["ingest.completed"]).await);
        }
        bus.depths().await.unwrap();
        bus.close().await;
    }
}

/// A refused publish closes the channel that all of a process share: whoever was not at fault may have to publish
/// again, but hears of no refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_to_the_one_who_asked_and_to_no_other() {
    let plant = Plant::open().await;
    let bus = plant.bus("millrace-ingest").await;
    let refused = message("dq.completed");
    for _ in 0..20 {
        let good: Vec<_> = (0..40).map(|_| message("ingest.failed")).collect();
        let publish = |all: Range<usize>| join_all(good[all].iter().map(|envelope| bus.publish(envelope)));
        let (first, answer, second) = tokio::join!(publish(0..20), bus.publish(&refused), publish(20..40));
        assert_refused("publishing as dq", answer);
        for result in first.into_iter().chain(second) {
            assert!(matches!(result, Ok(()) | Err(BusError::Unavailable(_))), "{result:?}");
        }
        bus.publish(&good[0]).await.unwrap();
    }
}

/// The consumers of a process live on when a publish of it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn consumers_outlive_a_refused_publish() {
    let plant = Plant::open().await;
    let (airflow, bus) = (plant.bus("millrace-airflow").await, plant.bus("millrace-dq").await);
    airflow.publish(&command(Stage::Dq)).await.unwrap();
    let mut consumer = bus.consume(Stage::Dq, 1).await.unwrap();
    let held = next(&mut *consumer).await;
    assert_refused("publishing as ingest", bus.publish(&message("ingest.completed")).await);
    held.ack().await.unwrap();
    airflow.publish(&command(Stage::Dq)).await.unwrap();
    let second = next(&mut *consumer).await;
    assert_eq!(second.attempt(), 1);
    second.ack().await.unwrap();
}

/// Queues are the operator's: nobody makes, binds or deletes one, but for those in which answers are awaited.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_or_deletes_anything() {
    let plant = Plant::open().await;
    for user in USERS {
        let raw = Raw(plant.connection(user).await);
        let listens = ["millrace-operator", "millrace-airflow"].contains(&user);
        raw.refuses("make a queue", async |channel| raw_queue(channel, "other").await).await;
        raw.refuses("make a stage's queue", async |channel| raw_queue(channel, "millrace.ingest.extra").await).await;
        raw.refuses("delete a queue", async |channel| {
            channel.queue_delete("millrace.ingest".into(), QueueDeleteOptions::default()).await.map(drop)
        })
        .await;
        raw.refuses("make an exchange", async |channel| {
            let (kind, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
            channel.exchange_declare("other".into(), kind, options, FieldTable::default()).await
        })
        .await;
        raw.refuses("bind a stage's queue", async |channel| {
            let (queue, exchange) = ("millrace.ingest".into(), "millrace.events".into());
            let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
            channel.queue_bind(queue, exchange, "#".into(), options, arguments).await
        })
        .await;
        match listens {
            true => {
                let channel = raw.0.create_channel().await.unwrap();
                raw_queue(&channel, "millrace.answers.mine").await.unwrap();
                channel.queue_delete("millrace.answers.mine".into(), QueueDeleteOptions::default()).await.unwrap();
            }
            false => {
                raw.refuses("listen", async |channel| raw_queue(channel, "millrace.answers.mine").await).await;
            }
        }
    }
}

struct Raw(Connection);

impl Raw {
    async fn refuses(&self, what: &str, ask: impl AsyncFn(&Channel) -> lapin::Result<()>) {
        let channel = self.0.create_channel().await.unwrap();
        let error = ask(&channel).await.expect_err(what).to_string();
        assert!(error.contains("ACCESS_REFUSED") || error.contains("ACCESS-REFUSED"), "{what}: {error}");
    }
}

async fn raw_queue(channel: &Channel, name: &str) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(name.into(), options, FieldTable::default()).await.map(drop)
}
