//! A broker into which the files were imported, as deploy/rabbitmq/README.md tells.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use messages::schema::examples;
use messages::{Envelope, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::{Bus, BusError, BusSettings, Consumer, Delivery};
use testkit::Broker;
use tokio::sync::{Mutex, MutexGuard};

pub const VHOST: &str = "millrace";
pub const USERS: [&str; 6] =
    ["millrace-watch", "millrace-ingest", "millrace-transform", "millrace-dq", "millrace-operator", "millrace-airflow"];

/// Of a broker that the kit starts.
const ADMINISTRATOR: &str = "millrace";

/// The vhost's name is in the files, so the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

pub struct Plant {
    pub broker: &'static Broker,
    _turn: MutexGuard<'static, ()>,
}

/// The path of a file for operators.
pub fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../deploy/rabbitmq", name].iter().collect()
}

/// An administrator's command.
pub fn import(broker: &Broker, name: &str) {
    broker.ctl(&["import_definitions", file(name).to_str().unwrap()]);
}

/// The password that a user of these tests has.
pub fn password(user: &str) -> String {
    format!("{user}'s secret")
}

impl Plant {
    /// The broker with empty queues, for one test at a time.
    pub async fn open() -> Self {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        let turn = TURN.lock().await;
        let prepared = || {
            let broker = BROKER.get_or_init(|| {
                let broker = Broker::start(testkit::Options::default());
                import(&broker, "users.json");
                import(&broker, "definitions.json");
                USERS.iter().for_each(|user| broker.management().set_password(user, &password(user)));
                broker.management().permit(VHOST, ADMINISTRATOR);
                broker
            });
            for queue in broker.management().queues(VHOST) {
                broker.management().delete(&format!("queues/{VHOST}/{}/contents", queue["name"].as_str().unwrap()));
            }
            broker
        };
        Self { broker: tokio::task::spawn_blocking(prepared).await.unwrap(), _turn: turn }
    }

    /// The address of one who may do everything.
    pub fn administrators_url(&self) -> String {
        let management = self.broker.management().url();
        let login = management.trim_start_matches("http://").rsplit_once('@').unwrap().0;
        format!("amqp://{login}@{}/{VHOST}", self.broker.address())
    }

    /// The bus as a user of the role opens it.
    pub async fn bus(&self, user: &str) -> AmqpBus {
        self.try_bus(user, &password(user)).await.unwrap()
    }

    /// A connection of the user's, for what the bus does not do.
    pub async fn connection(&self, user: &str) -> Connection {
        let url = format!("amqp://{user}:{}@{}/{VHOST}", escaped(&password(user)), self.broker.address());
        Connection::connect(&url, ConnectionProperties::default()).await.unwrap()
    }

    pub async fn try_bus(&self, user: &str, password: &str) -> Result<AmqpBus, BusError> {
        let password = escaped(password);
        let management = self.broker.management().url().rsplit_once('@').unwrap().1.to_owned();
        let settings = BusSettings {
            management_url: Some(format!("http://{user}:{password}@{management}")),
            ..BusSettings::new(format!("amqp://{user}:{password}@{}/{VHOST}", self.broker.address()))
        };
        AmqpBus::open(&settings, user).await
    }
}

fn escaped(password: &str) -> String {
    password.replace('\'', "%27").replace(' ', "%20")
}

/// A new message of the type `name`.
pub fn message(name: &str) -> Envelope {
    let example = examples().into_iter().find(|example| example.message.type_name() == name).unwrap();
    Envelope::new("test", example.message)
}

/// The command that a stage takes.
pub fn command(stage: Stage) -> Envelope {
    message(&format!("{stage}.requested"))
}

/// The next delivery, which must come.
pub async fn next(consumer: &mut dyn Consumer) -> Delivery {
    consumer.next_within(Duration::from_secs(20)).await.unwrap().expect("a delivery was due and did not come")
}

/// Fails if the answer is anything but the refusal of a right, in words that tell what to do.
#[track_caller]
pub fn assert_refused<T>(what: &str, answer: Result<T, BusError>) {
    let Err(error) = answer else { panic!("{what} was not refused") };
    let text = error.to_string();
    assert!(matches!(error, BusError::Configuration(_)), "{what}: {text}");
    assert!(text.contains("refuses a right") && text.contains("deploy/rabbitmq"), "{what}: {text}");
}

/// Waits until `bus` counts the stage's queue as told.
pub async fn until(bus: &dyn Bus, stage: Stage, told: impl Fn(&millrace_bus::QueueDepth) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let depths = bus.depths().await.unwrap();
        let depth = depths.into_iter().find(|depth| depth.stage == stage).unwrap();
        if told(&depth) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the depth stays {depth:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
