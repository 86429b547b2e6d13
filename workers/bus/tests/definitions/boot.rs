//! The node's own configuration file, as deploy/rabbitmq/README.md has it put in place.

use std::fs;

use messages::Stage;
use millrace_bus::amqp::AmqpBus;
use millrace_bus::{Bus, BusError, BusSettings};
use serde_json::{Value, json};
use testkit::Broker;

use crate::plant::{VHOST, command, file, next};

/// A new node that imports the files when it starts has the operator's passwords from the first moment, and keeps one
/// that was changed since over restarts.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_with_the_definitions_and_keeps_the_passwords() {
    let broker = tokio::task::spawn_blocking(|| Broker::start(testkit::Options::default())).await.unwrap();
    let folder = broker.folder().join("definitions.d");
    fs::create_dir(&folder).unwrap();
    fs::copy(file("definitions.json"), folder.join("definitions.json")).unwrap();
    // Before definitions.json, which gives these users their rights.
    fs::write(folder.join("0-users.json"), users(&broker, "first").to_string()).unwrap();
    let own = broker.folder().join("rabbitmq.conf");
    let ours = fs::read_to_string(file("rabbitmq.conf")).unwrap();
    let ours = ours.replace("/etc/rabbitmq/definitions.d", folder.to_str().unwrap());
    fs::write(&own, format!("{}{ours}", fs::read_to_string(&own).unwrap())).unwrap();

    tokio::task::block_in_place(|| {
        broker.stop();
        // As if it had never run.
        fs::remove_dir_all(broker.folder().join("data")).unwrap();
        broker.restart();
    });
    let users = broker.management().get("users");
    assert!(!users.to_string().contains("guest"), "{users}");
    let airflow = open(&broker, "millrace-airflow", "first").await.unwrap();
    airflow.publish(&command(Stage::Dq)).await.unwrap();
    let worker = open(&broker, "millrace-dq", "first").await.unwrap();
    next(&mut *worker.consume(Stage::Dq, 1).await.unwrap()).await.ack().await.unwrap();
    let timeout = broker.ctl(&["eval", "application:get_env(rabbit, consumer_timeout)."]);
    assert!(timeout.contains("14400000"), "{timeout}");

    broker.ctl(&["change_password", "millrace-dq", "second"]);
    tokio::task::block_in_place(|| broker.restart());
    open(&broker, "millrace-dq", "second").await.unwrap();
    open(&broker, "millrace-airflow", "first").await.unwrap();
}

/// As `rabbitmqctl hash_password` of later versions makes it.
fn hash(broker: &Broker, password: &str) -> String {
    let made = broker.ctl(&["eval", &format!("base64:encode(rabbit_password:hash(<<\"{password}\">>)).")]);
    made.trim().trim_start_matches("<<\"").trim_end_matches("\">>").to_owned()
}

/// The committed users with one password, and the administrator that the kit speaks through.
fn users(broker: &Broker, password: &str) -> Value {
    let mut users: Value = serde_json::from_str(&fs::read_to_string(file("users.json")).unwrap()).unwrap();
    let hashed = hash(broker, password);
    let all = users["users"].as_array_mut().unwrap();
    all.iter_mut().for_each(|user| user["password_hash"] = json!(hashed));
    let url = broker.management().url();
    let (name, password) = url.trim_start_matches("http://").split_once('@').unwrap().0.split_once(':').unwrap();
    // As compose.yaml writes them.
    all.push(json!({ "name": name, "password": password, "tags": "administrator" }));
    users
}

async fn open(broker: &Broker, user: &str, password: &str) -> Result<AmqpBus, BusError> {
    let url = format!("amqp://{user}:{password}@{}/{VHOST}", broker.address());
    AmqpBus::open(&BusSettings::new(url), user).await
}
