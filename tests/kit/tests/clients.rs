//! What the kit tells of clients, and does to them, seen by a real one.
#![allow(clippy::unwrap_used, missing_docs)]

use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use millrace_testkit::{Broker, Proxy, Vhost, wait};
use serde_json::json;

async fn connect(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.unwrap()
}

/// A connection that consumes from `work`, two messages at a time.
async fn consume(vhost: &Vhost, url: &str) -> (Connection, lapin::Consumer) {
    let api = Broker::shared().management();
    api.put(
        &format!("queues/{}/work", vhost.name()),
        &json!({"durable": true, "arguments": {"x-queue-type": "quorum"}}),
    );
    let connection = connect(url).await;
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(2, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume("work".into(), "me".into(), options, FieldTable::default()).await.unwrap();
    (connection, consumer)
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_and_connections_are_told_and_closed() {
    let broker = Broker::shared();
    let (api, vhost, other) = (broker.management(), broker.fresh_vhost(), broker.fresh_vhost());
    let bystander = connect(&other.url()).await;
    let (connection, _consumer) = consume(&vhost, &vhost.url()).await;
    wait("news of the consumer", || api.consumers(vhost.name()).len() == 1);
    let consumer = &api.consumers(vhost.name())[0];
    assert_eq!(consumer["prefetch_count"], 2, "{consumer}");
    assert_eq!(consumer["queue"]["name"], "work", "{consumer}");
    wait("news of the connection", || api.connections(vhost.name()).len() == 1);
    assert_eq!(api.close_connections(vhost.name()), 1);
    wait("end of the connection", || !connection.status().connected());
    wait("news of its end", || api.connections(vhost.name()).is_empty());
    assert!(bystander.status().connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_stands_in_front_of_a_broker() {
    let broker = Broker::shared();
    let vhost = broker.fresh_vhost();
    let proxy = Proxy::start(broker.address());
    let url = vhost.url_at(proxy.address());
    let (connection, _consumer) = consume(&vhost, &url).await;
    proxy.cut();
    wait("end of the connection", || !connection.status().connected());
    assert!(Connection::connect(&url, ConnectionProperties::default()).await.is_err());
    proxy.mend();
    assert!(connect(&url).await.status().connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_needs_the_right_password() {
    let broker = Broker::shared();
    let vhost = broker.fresh_vhost();
    let user = format!("user-{}", vhost.name());
    broker.management().set_password(&user, "right");
    broker.management().permit(vhost.name(), &user);
    assert!(connect(&vhost.url_as(&user, "right")).await.status().connected());
    let refused = Connection::connect(&vhost.url_as(&user, "wrong"), ConnectionProperties::default()).await;
    assert!(refused.is_err());
    broker.management().delete(&format!("users/{user}"));
}
