//! How fast our bus is at RabbitMQ, beside lapin alone with the same settings, in turns in the same minute: quorum
//! queues, persistent and mandatory messages, a confirmation for each publish, an acknowledgement for each delivery.
//!
//! `cargo bench -p millrace-bus --bench amqp` starts a private RabbitMQ, or uses the one at `AMQP_URL`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use messages::{COMMANDS_EXCHANGE, Envelope, IngestRequested, LoadId, MessageId, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::{Bus, BusSettings};
use testkit::Broker;

const MESSAGES: usize = 20_000;
const SENDERS: usize = 64;
const PREFETCH: u16 = 200;
const ROUNDS: usize = 5;

fn main() {
    let vhost = Broker::shared().fresh_vhost();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // First, so that the queues are there.
        let bus = Arc::new(AmqpBus::open(&BusSettings::new(vhost.url()), "bench").await.unwrap());
        let bare = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.unwrap();
        println!("{MESSAGES} messages of {} bytes, {ROUNDS} rounds in turns", envelope().to_json().unwrap().len());
        let (mut published, mut handled, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let reference = publish_bare(&bare, SENDERS, MESSAGES).await;
            let taken = consume_bare(&bare, MESSAGES).await;
            published.push((publish(&bus, SENDERS, MESSAGES).await, reference));
            handled.push((consume(&bus, MESSAGES).await, taken));
            let reference = publish_bare(&bare, 1, MESSAGES / 20).await;
            alone.push((publish(&bus, 1, MESSAGES / 20).await, reference));
            consume(&bus, MESSAGES / 10).await;
        }
        report(&format!("confirmed publishes, {SENDERS} senders"), published);
        report("confirmed publishes, one after the other", alone);
        report(&format!("deliveries taken and acknowledged, prefetch {PREFETCH}"), handled);
    });
}

/// Medians of both, and of the ratios within each round.
fn report(what: &str, rounds: Vec<(f64, f64)>) {
    let median = |mut of: Vec<f64>| {
        of.sort_by(f64::total_cmp);
        of[of.len() / 2]
    };
    let ours = median(rounds.iter().map(|round| round.0).collect());
    let bare = median(rounds.iter().map(|round| round.1).collect());
    let ratio = median(rounds.iter().map(|round| round.0 / round.1).collect());
    println!("{what:55} {ours:8.0}/s, lapin alone {bare:8.0}/s: {ratio:.2} of it");
}

fn per_second(count: usize, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

fn envelope() -> Envelope {
    let load_id = LoadId::new(format!("bench::{}", MessageId::fresh())).unwrap();
    Envelope::new("bench", IngestRequested { load_id, sources: vec!["batches".into()], files: vec![], as_of: None })
}

async fn publish(bus: &Arc<AmqpBus>, senders: usize, messages: usize) -> f64 {
    let begun = Instant::now();
    let tasks = (0..senders).map(|_| {
        let bus = bus.clone();
        tokio::spawn(async move {
            for _ in 0..messages / senders {
                bus.publish(&envelope()).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    per_second(messages, begun)
}

async fn publish_bare(connection: &Connection, senders: usize, messages: usize) -> f64 {
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let begun = Instant::now();
    let tasks = (0..senders).map(|_| {
        let channel = channel.clone();
        tokio::spawn(async move {
            for _ in 0..messages / senders {
                send_bare(&channel).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    per_second(messages, begun)
}

async fn send_bare(channel: &Channel) {
    let envelope = envelope();
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    // The same message as ours: what is compared is the way, not the load.
    let mut headers = FieldTable::default();
    headers.insert("load_id".into(), AMQPValue::LongString(envelope.load_id().as_str().into()));
    headers.insert("traceparent".into(), AMQPValue::LongString(envelope.trace.to_string().into()));
    let properties = BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(2)
        .with_message_id(envelope.id.to_string().into())
        .with_type(envelope.message.type_name().into())
        .with_app_id("millrace".into())
        .with_timestamp(envelope.time.timestamp().unsigned_abs())
        .with_headers(headers);
    let key = envelope.routing_key();
    let confirmed = channel
        .basic_publish(COMMANDS_EXCHANGE.into(), key.as_str().into(), options, &envelope.to_json().unwrap(), properties)
        .await
        .unwrap()
        .await
        .unwrap();
    assert!(confirmed.is_ack() && confirmed.take_message().is_none());
}

async fn consume(bus: &Arc<AmqpBus>, messages: usize) -> f64 {
    let begun = Instant::now();
    let mut consumer = bus.consume(Stage::Ingest, PREFETCH).await.unwrap();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    for _ in 0..messages / SENDERS * SENDERS {
        let delivery = consumer.next().await.unwrap();
        let acknowledged = acknowledged.clone();
        tokio::spawn(async move {
            delivery.envelope().unwrap();
            delivery.ack().await.unwrap();
            acknowledged.fetch_add(1, Ordering::Relaxed);
        });
    }
    until(&acknowledged, messages / SENDERS * SENDERS).await;
    per_second(messages, begun)
}

async fn consume_bare(connection: &Connection, messages: usize) -> f64 {
    let begun = Instant::now();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let (queue, options) = (Stage::Ingest.queue(), BasicConsumeOptions::default());
    let mut consumer =
        channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await.unwrap();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    for _ in 0..messages / SENDERS * SENDERS {
        let delivery = consumer.next().await.unwrap().unwrap();
        let acknowledged = acknowledged.clone();
        tokio::spawn(async move {
            Envelope::from_json(&delivery.data).unwrap();
            delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
            acknowledged.fetch_add(1, Ordering::Relaxed);
        });
    }
    until(&acknowledged, messages / SENDERS * SENDERS).await;
    per_second(messages, begun)
}

async fn until(counter: &AtomicUsize, count: usize) {
    while counter.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
