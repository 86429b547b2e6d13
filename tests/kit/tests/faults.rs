//! A node that is killed, filled and restarted.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use millrace_testkit::{Broker, Options, Vhost, wait};
use serde_json::json;

/// One test, for each node takes seconds to start.
#[test]
fn a_node_of_its_own_suffers_what_it_is_told() {
    let broker = Broker::start(Options { consumer_timeout_millis: Some(500), ..Options::default() });
    let vhost = broker.fresh_vhost();
    durable_messages_survive(&broker, &vhost);
    broker.memory_alarm(true);
    broker.memory_alarm(false);
    unacknowledged_deliveries_close_the_channel(&vhost);
    another_process_uses_it(&broker, &vhost);
    assert!(broker.log().contains("SIGTERM received"), "the log is not complete: {}", broker.log());
}

fn durable_messages_survive(broker: &Broker, vhost: &Vhost) {
    let api = broker.management();
    for kind in ["classic", "quorum"] {
        let arguments = json!({"durable": true, "arguments": {"x-queue-type": kind}});
        api.put(&format!("queues/{}/{kind}", vhost.name()), &arguments);
        assert!(api.publish(vhost.name(), "", kind, b"payload", json!({"delivery_mode": 2})));
        wait("count of the message", || api.queue(vhost.name(), kind).unwrap()["messages_ready"] == 1);
    }
    for end in [Broker::kill, Broker::stop] {
        end(broker);
        assert!(std::net::TcpStream::connect(broker.address()).is_err());
        broker.restart();
        for kind in ["classic", "quorum"] {
            let kept = || api.queue(vhost.name(), kind).is_some_and(|queue| queue["messages_ready"] == 1);
            wait("return of the message", kept);
        }
    }
}

#[tokio::main]
async fn unacknowledged_deliveries_close_the_channel(vhost: &Vhost) {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let declared = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("quorum".into(), declared, FieldTable::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let _consumer = channel.basic_consume("quorum".into(), "me".into(), options, FieldTable::default()).await.unwrap();
    wait("end of the channel", || !channel.status().connected());
    assert!(connection.status().connected());
}

fn another_process_uses_it(broker: &Broker, vhost: &Vhost) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "guest"]).env("MILLRACE_TESTKIT_GUEST", broker.address().to_string());
    command.env("AMQP_URL", vhost.url()).env("AMQP_MANAGEMENT_URL", vhost.management_url());
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

/// Run by [`another_process_uses_it`], in a process of its own.
#[test]
fn guest() {
    let Ok(address) = std::env::var("MILLRACE_TESTKIT_GUEST") else { return };
    let broker = Broker::shared();
    assert_eq!(broker.address().to_string(), address);
    let vhost = broker.fresh_vhost();
    assert!(vhost.url().starts_with("amqp://") && vhost.url().ends_with(vhost.name()));
    assert!(broker.management().queues(vhost.name()).is_empty());
    assert!(std::panic::catch_unwind(|| broker.kill()).is_err(), "somebody else's broker was killed");
}
