//! With the rights of its role everybody can do his work.

use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicRejectOptions};
use messages::{Failure, Stage};
use millrace_bus::Bus;

use crate::plant::{Plant, assert_refused, command, message, next, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_its_way_from_role_to_role() {
    let plant = Plant::open().await;
    let watch = plant.bus("millrace-watch").await;
    watch.check().await.unwrap();
    watch.publish(&message("source.file.discovered")).await.unwrap();
    watch.publish(&message("source.overdue")).await.unwrap();
    for (stage, announces) in
        [(Stage::Ingest, "ingest.completed"), (Stage::Transform, "transform.completed"), (Stage::Dq, "dq.completed")]
    {
        let worker = plant.bus(&format!("millrace-{stage}")).await;
        let delivery = next(&mut *worker.consume(stage, 1).await.unwrap()).await;
        worker.publish(&message(announces)).await.unwrap();
        delivery.ack().await.unwrap();
        worker.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_settles_its_deliveries_in_every_way() {
    let plant = Plant::open().await;
    let (airflow, operator) = (plant.bus("millrace-airflow").await, plant.bus("millrace-operator").await);
    let cause = Failure::transient("locked");
    for stage in Stage::ALL {
        let worker = plant.bus(&format!("millrace-{stage}")).await;
        airflow.publish(&command(stage)).await.unwrap();
        let mut consumer = worker.consume(stage, 1).await.unwrap();
        next(&mut *consumer).await.retry(Duration::from_millis(50), &cause).await.unwrap();
        let second = next(&mut *consumer).await;
        assert_eq!(second.attempt(), 2);
        second.give_back().await.unwrap();
        drop(next(&mut *consumer).await);
        let third = next(&mut *consumer).await;
        assert_eq!(third.attempt(), 2);
        third.retry(Duration::ZERO, &cause).await.unwrap();
        next(&mut *consumer).await.dead_letter(&cause).await.unwrap();
        // The worker that is stopped with something in hand gives it back.
        airflow.publish(&command(stage)).await.unwrap();
        let held = next(&mut *consumer).await;
        drop((consumer, held));
        worker.close().await;
        until(&operator, stage, |depth| (depth.ready, depth.in_hand, depth.dead) == (1, 0, 1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_announces_the_files_of_a_run() {
    let plant = Plant::open().await;
    let worker = plant.bus("millrace-ingest").await;
    worker.publish(&message("source.file.discovered")).await.unwrap();
    next(&mut *worker.consume(Stage::Ingest, 1).await.unwrap()).await.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_to_dead_letters() {
    let plant = Plant::open().await;
    let (airflow, operator) = (plant.bus("millrace-airflow").await, plant.bus("millrace-operator").await);
    for stage in Stage::ALL {
        let worker = plant.bus(&format!("millrace-{stage}")).await;
        let mut consumer = worker.consume(stage, 1).await.unwrap();
        for _ in 0..2 {
            airflow.publish(&command(stage)).await.unwrap();
            next(&mut *consumer).await.dead_letter(&Failure::permanent("unreadable")).await.unwrap();
        }
        let dead = operator.dead(Some(stage), 10).await.unwrap();
        assert_eq!(dead.len(), 2);
        let (replayed, purged) = (vec![dead[0].dead_id.clone()], vec![dead[1].dead_id.clone()]);
        assert_eq!(operator.replay(&replayed).await.unwrap(), replayed);
        assert_eq!(operator.purge(&purged).await.unwrap(), purged);
        next(&mut *consumer).await.ack().await.unwrap();
    }
    assert!(operator.dead(None, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_the_queues_and_pauses_a_stage() {
    let plant = Plant::open().await;
    let (airflow, operator) = (plant.bus("millrace-airflow").await, plant.bus("millrace-operator").await);
    assert!(!operator.check().await.unwrap().contains("can't be asked"), "the management API answers");
    // Others see no rates, and work all the same.
    assert!(airflow.check().await.unwrap().contains("can't be asked"));
    for stage in Stage::ALL {
        assert!(operator.set_paused(stage, true).await.unwrap());
        until(&airflow, stage, |depth| depth.paused).await;
        let worker = plant.bus(&format!("millrace-{stage}")).await;
        let mut consumer = worker.consume(stage, 1).await.unwrap();
        operator.publish(&command(stage)).await.unwrap();
        assert!(consumer.next_within(Duration::from_millis(300)).await.unwrap().is_none());
        assert!(operator.set_paused(stage, false).await.unwrap());
        let held = next(&mut *consumer).await;
        // Known from the management API alone: the operator has nothing in hand himself.
        until(&operator, stage, |depth| !depth.paused && depth.in_hand == 1).await;
        held.ack().await.unwrap();
        until(&operator, stage, |depth| {
            depth.published_per_sec.is_some_and(|rate| rate > 0.0)
                && depth.acknowledged_per_sec.is_some_and(|rate| rate > 0.0)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_hears_the_answer() {
    let plant = Plant::open().await;
    for user in ["millrace-airflow", "millrace-operator"] {
        let asking = plant.bus(user).await;
        for stage in Stage::ALL {
            let worker = plant.bus(&format!("millrace-{stage}")).await;
            let dry_run = (message(&format!("{stage}.dry_run.requested")), format!("{stage}.dry_run.completed"));
            for (asked, name) in [(command(stage), format!("{stage}.failed")), dry_run] {
                let mut answer = message(&name);
                let types = [format!("{stage}.completed"), name];
                let mut listener =
                    asking.listen(answer.load_id(), &types.each_ref().map(String::as_str)).await.unwrap();
                asking.publish(&asked).await.unwrap();
                next(&mut *worker.consume(stage, 1).await.unwrap()).await.ack().await.unwrap();
                answer.correlation_id = Some(asked.id);
                worker.publish(&answer).await.unwrap();
                assert_eq!(next(&mut *listener).await.envelope().unwrap(), answer);
            }
        }
        asking.close().await;
    }
    let left = || plant.broker.management().queues("millrace").iter().any(is_listeners);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while tokio::task::block_in_place(left) {
        assert!(tokio::time::Instant::now() < deadline, "a listener's queue is left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whichever worker takes the cancel from the queue, the others hear of it; and they hear nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn every_worker_hears_the_cancels_of_its_stage_alone() {
    let plant = Plant::open().await;
    let airflow = plant.bus("millrace-airflow").await;
    for stage in Stage::ALL {
        let worker = plant.bus(&format!("millrace-{stage}")).await;
        let cancel = |stage: Stage| format!("{stage}.cancel.requested");
        let mut heard = worker.listen_to_all(&[&cancel(stage)]).await.unwrap();
        let sent = message(&cancel(stage));
        airflow.publish(&command(stage)).await.unwrap();
        airflow.publish(&sent).await.unwrap();
        assert_eq!(next(&mut *heard).await.envelope().unwrap(), sent);
        drop(heard);
        for other in Stage::ALL.into_iter().filter(|other| *other != stage) {
            assert_refused("another stage's cancels", worker.listen_to_all(&[&cancel(other)]).await);
        }
        assert_refused("commands", worker.listen_to_all(&[&format!("{stage}.requested")]).await);
        assert_refused("answers", worker.listen_to_all(&[&format!("{stage}.failed")]).await);
        // Whoever was refused works on.
        next(&mut *worker.consume(stage, 1).await.unwrap()).await.ack().await.unwrap();
        worker.close().await;
    }
    let watch = plant.bus("millrace-watch").await;
    assert_refused("the watcher", watch.listen_to_all(&["ingest.cancel.requested"]).await);
}

fn is_listeners(queue: &serde_json::Value) -> bool {
    queue["name"].as_str().unwrap().starts_with("millrace.answers.")
}

/// Far above what workers bear, the broker gives a message up by itself, and the operator finds it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_gives_up_is_a_dead_letter() {
    let plant = Plant::open().await;
    let operator = plant.bus("millrace-operator").await;
    let sent = command(Stage::Dq);
    operator.publish(&sent).await.unwrap();
    let connection = plant.connection("millrace-dq").await;
    let channel = connection.create_channel().await.unwrap();
    let mut tries = 0;
    while let Some(message) = channel.basic_get("millrace.dq".into(), BasicGetOptions::default()).await.unwrap() {
        tries += 1;
        message.delivery.acker.reject(BasicRejectOptions { requeue: true }).await.unwrap();
    }
    assert_eq!(tries, 51);
    until(&operator, Stage::Dq, |depth| depth.dead == 1).await;
    let dead = operator.dead(Some(Stage::Dq), 10).await.unwrap().swap_remove(0);
    assert_eq!((dead.worker.as_str(), dead.message_id), ("RabbitMQ", Some(sent.id)));
    assert!(dead.cause.message.contains("delivery_limit"), "{}", dead.cause.message);
    operator.replay(&[dead.dead_id]).await.unwrap();
    let worker = plant.bus("millrace-dq").await;
    let again = next(&mut *worker.consume(Stage::Dq, 1).await.unwrap()).await;
    assert_eq!(again.attempt(), 1);
    again.ack().await.unwrap();
}
