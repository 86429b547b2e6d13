//! The files say what the code says, and the broker makes of them what the workers make.

use std::collections::BTreeSet;
use std::fs;

use messages::Stage;
use millrace_bus::amqp::AmqpBus;
use millrace_bus::amqp::definitions::{files, text};
use millrace_bus::{Bus, BusError, BusSettings};
use serde_json::{Value, json};
use testkit::Management;

use crate::plant::{Plant, USERS, VHOST, command, file, import, next, password};

#[test]
fn what_is_committed_is_made_from_the_topology() {
    for (name, content) in files() {
        let committed = fs::read_to_string(file(name)).unwrap_or_default();
        assert!(committed == text(&content), "deploy/rabbitmq/{name} is stale: run `make definitions` and commit it");
        assert_eq!(serde_json::from_str::<Value>(&committed).unwrap(), content, "{name} is written wrongly");
    }
}

/// Compose gives the users their passwords by a file of its own.
#[test]
fn compose_knows_every_user() {
    let compose = fs::read_to_string(file("../../compose.yaml")).unwrap();
    let users: Value = serde_json::from_str(&fs::read_to_string(file("users.json")).unwrap()).unwrap();
    for user in users["users"].as_array().unwrap() {
        let line = format!(r#"{{"name": {}, "tags": {}, "password": "#, user["name"], user["tags"]);
        assert!(compose.contains(&line), "compose.yaml: no line begins with {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_imported_topology_is_the_one_that_workers_make() {
    let plant = Plant::open().await;
    let made = tokio::task::spawn_blocking(|| plant.broker.fresh_vhost()).await.unwrap();
    AmqpBus::open(&BusSettings::new(made.url()), "maker").await.unwrap();
    let management = plant.broker.management();
    for what in ["exchanges", "queues", "bindings"] {
        let (imported, made) = (all(management, what, VHOST), all(management, what, made.name()));
        assert!(imported.len() > 3, "{what}: {imported:?}");
        assert_eq!(imported, made, "{what}");
    }
    // Each stage's queue has the limit, and no other has.
    for queue in management.queues(VHOST) {
        let name = queue["name"].as_str().unwrap();
        let stage = Stage::ALL.iter().any(|stage| stage.queue() == name);
        let limit = queue["effective_policy_definition"]["delivery-limit"].as_u64();
        assert_eq!(limit, stage.then_some(50), "{name}");
    }
}

/// What there is of a kind in a vhost, without what says nothing of it.
fn all(management: &Management, what: &str, vhost: &str) -> BTreeSet<String> {
    const TELLING: [&str; 11] = [
        "name",
        "type",
        "durable",
        "auto_delete",
        "internal",
        "exclusive",
        "arguments",
        "source",
        "destination",
        "destination_type",
        "routing_key",
    ];
    let all = management.get(&format!("{what}/{vhost}"));
    let one = |one: &Value| {
        let mut kept: Value = TELLING.iter().map(|field| ((*field).to_owned(), one[*field].clone())).collect();
        kept.sort_all_objects();
        kept.to_string()
    };
    all.as_array().unwrap().iter().map(one).collect()
}

/// Whoever may make queues can mend what is missing beside what was imported.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_queue_is_made_again_beside_the_imported_ones() {
    let plant = Plant::open().await;
    let management = plant.broker.management();
    assert!(management.delete_queue(VHOST, "millrace.dq.paused"));
    let refused = plant.try_bus("millrace-dq", &password("millrace-dq")).await;
    crate::plant::assert_refused("making the queue as a worker", refused);
    AmqpBus::open(&BusSettings::new(plant.administrators_url()), "administrator").await.unwrap();
    assert!(management.queue(VHOST, "millrace.dq.paused").is_some());
    plant.bus("millrace-dq").await.check().await.unwrap();
}

/// Nobody can log in before the operator has set a password, and a second import of the rights changes none.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_the_operators_and_outlive_an_upgrade() {
    let plant = Plant::open().await;
    import(plant.broker, "users.json");
    for user in USERS {
        for guess in ["", user, &password(user)] {
            let refused = match plant.try_bus(user, guess).await {
                Err(refused) => refused,
                // On a busy machine the first try may end before the broker has answered: nobody is let in yet.
                Ok(bus) => match bus.check().await {
                    Err(refused) => refused,
                    Ok(_) => panic!("{user} got in with {guess:?}"),
                },
            };
            assert!(matches!(refused, BusError::Configuration(_)), "{refused}");
            assert!(refused.to_string().contains("refuses the login"), "{refused}");
        }
        plant.broker.management().set_password(user, &password(user));
    }
    plant.broker.ctl(&["change_password", "millrace-dq", "of the README"]);
    plant
        .broker
        .management()
        .put(&format!("permissions/{VHOST}/millrace-dq"), &json!({"configure": "^$", "write": "^$", "read": "^$"}));
    import(plant.broker, "definitions.json");
    let worker = plant.try_bus("millrace-dq", "of the README").await.unwrap();
    plant.bus("millrace-airflow").await.publish(&command(Stage::Dq)).await.unwrap();
    next(&mut *worker.consume(Stage::Dq, 1).await.unwrap()).await.ack().await.unwrap();
    plant.broker.management().set_password("millrace-dq", &password("millrace-dq"));
    let tags = plant.broker.management().get("users/millrace-operator")["tags"].to_string();
    assert!(tags.contains("monitoring"), "{tags}");
}

/// RabbitMQ 3.10 does not know the limit, and says so instead of leaving it away.
#[tokio::test(flavor = "multi_thread")]
async fn the_policies_for_later_versions_are_refused_whole_by_an_older_one() {
    let plant = Plant::open().await;
    let version = plant.broker.management().get("overview")["rabbitmq_version"].as_str().unwrap().to_owned();
    if !(version.starts_with("3.10.") || version.starts_with("3.11.")) {
        import(plant.broker, "policies-3.12.json");
        let queue = plant.broker.management().queue(VHOST, "millrace.ingest").unwrap();
        assert_eq!(queue["effective_policy_definition"]["consumer-timeout"], 14_400_000);
        return;
    }
    let import = std::panic::catch_unwind(|| import(plant.broker, "policies-3.12.json"));
    let text = *import.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("consumer-timeout"), "{text}");
    let policies = plant.broker.management().get(&format!("policies/{VHOST}"));
    assert_eq!(policies.as_array().unwrap().len(), 1, "{policies}");
}
