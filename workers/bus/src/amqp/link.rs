//! A connection that is rebuilt after any failure, forever, with one log line per change of state.
//!
//! lapin can recover by itself; it is left off, because what a delivery or a confirmation of the old connection means
//! after a recovery is for us to decide, and because a channel that the broker closed needs the same care.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::{Connection, ConnectionBuilder, ConnectionProperties, Event};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::address::Address;
use super::board::Board;
use super::{declare, fault};
use crate::{BusError, RetryPolicy, Trouble};

/// The first pause before another try, and the longest, which is what a broker that is back waits for its workers.
const PAUSES: RetryPolicy =
    RetryPolicy { max_attempts: u32::MAX, first_delay: Duration::from_millis(250), max_delay: Duration::from_secs(1) };
/// The pause after a refusal, which a person has to see to, and which the broker writes into its log every time.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// How often an open connection is asked whether it still is, should its end go unheard.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A supervised connection.
pub(super) struct Link {
    address: Arc<Address>,
    state: watch::Receiver<State>,
    task: AbortHandle,
    /// What a caller who gives up waiting should hear: a whole sentence.
    trouble: Board,
}

#[derive(Clone, Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// The first try has ended, one way or the other.
    tried: bool,
    /// The first try failed, and no other can succeed.
    refused: Option<String>,
}

impl Link {
    /// Begins to connect. `purpose` tells this connection from the others in logs and at the broker.
    pub(super) fn start(address: Arc<Address>, worker: &str, purpose: &'static str) -> Self {
        let (sender, state) = watch::channel(State::default());
        let trouble = Board::default();
        trouble.write(Some(format!("RabbitMQ at {address}: not connected yet")));
        let supervisor = Supervisor {
            address: address.clone(),
            name: format!("{worker} {purpose}"),
            purpose,
            state: sender,
            trouble: trouble.clone(),
        };
        let task = tokio::spawn(supervisor.run()).abort_handle();
        Self { address, state, task, trouble }
    }

    /// Waits for the end of the first try. An error is one that further tries can't mend.
    pub(super) async fn first_try(&self) -> Result<(), BusError> {
        let mut state = self.state.clone();
        let refused = state.wait_for(|state| state.tried).await.map(|state| state.refused.clone());
        match refused {
            Ok(Some(text)) => Err(BusError::Configuration(text)),
            _ => Ok(()),
        }
    }

    /// The connection, once there is one.
    pub(super) async fn connection(&self) -> Arc<Connection> {
        let mut state = self.state.clone();
        loop {
            if let Some(connection) = &state.borrow_and_update().connection
                && connection.status().connected()
            {
                return connection.clone();
            }
            if state.changed().await.is_err() {
                // The supervisor ends with its link only, and whoever waits here holds one.
                return std::future::pending().await;
            }
        }
    }

    /// What a call over `connection` answers, or `None` once that is lost: lapin does not end every call that is under
    /// way when its connection breaks.
    pub(super) async fn while_up<T>(&self, connection: &Arc<Connection>, call: impl Future<Output = T>) -> Option<T> {
        let mut state = self.state.clone();
        let is_lost = |state: &State| !state.connection.as_ref().is_some_and(|now| Arc::ptr_eq(now, connection));
        tokio::select! {
            biased;
            answer = call => Some(answer),
            // An error is the supervisor's end, and so the connection's.
            _ = state.wait_for(is_lost) => None,
        }
    }

    /// What a call answers, if that comes within `wait`. A network that passes nothing does not tell of it, and a
    /// heartbeat takes longer to notice than whoever calls will wait.
    pub(super) async fn within<T>(
        &self,
        wait: Duration,
        call: impl Future<Output = Result<T, BusError>>,
    ) -> Result<T, BusError> {
        tokio::time::timeout(wait, call).await.unwrap_or_else(|_| Err(BusError::Unavailable(self.trouble(wait))))
    }

    /// Why nothing came within `wait`: the connection is not there, or the broker lets nothing through.
    pub(super) fn trouble(&self, wait: Duration) -> String {
        self.known_trouble()
            .map(|trouble| trouble.text)
            .unwrap_or_else(|| format!("RabbitMQ at {}: no answer within {} s", self.address, wait.as_secs_f32()))
    }

    /// Why the connection is not there, or the broker takes nothing; `None` if all is well as far as anybody knows.
    pub(super) fn known_trouble(&self) -> Option<Trouble> {
        self.trouble.read()
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Supervisor {
    address: Arc<Address>,
    name: String,
    purpose: &'static str,
    state: watch::Sender<State>,
    trouble: Board,
}

impl Supervisor {
    async fn run(self) {
        let mut failures = 0;
        loop {
            let mut pause = PAUSES.delay(failures + 1);
            match self.connect().await {
                Ok(connection) => {
                    (failures, pause) = (0, PAUSES.first_delay);
                    let connection = Arc::new(connection);
                    let events = connection.events_listener();
                    self.tell(None, Some(connection.clone()), None);
                    tracing::info!(purpose = self.purpose, broker = %self.address, "connected to RabbitMQ");
                    let cause = self.watch(&connection, events).await;
                    self.tell(Some(format!("RabbitMQ at {}: {cause}", self.address)), None, None);
                    tracing::warn!(purpose = self.purpose, broker = %self.address, cause, "lost RabbitMQ; connecting again until it is back");
                }
                Err(error) => {
                    let refused = matches!(error, BusError::Configuration(_));
                    if refused {
                        pause = REFUSED_PAUSE;
                    }
                    let why = match error {
                        BusError::Configuration(text) | BusError::Unavailable(text) => text,
                        other => other.to_string(),
                    };
                    let known = self.trouble.write(Some(why.clone()));
                    if failures == 0 || known.as_ref() != Some(&why) {
                        tracing::warn!(
                            purpose = self.purpose,
                            why,
                            "can't connect to RabbitMQ; trying until it is there"
                        );
                    }
                    self.tell(Some(why.clone()), None, refused.then_some(why));
                    failures += 1;
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn connect(&self) -> Result<Connection, BusError> {
        let failed = |error: &lapin::Error| fault::connecting(error, &self.address);
        let properties = ConnectionProperties::default().with_connection_name(self.name.clone().into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| failed(&error))?;
        let builder = ConnectionBuilder::new_with_runtime(runtime)
            .with_uri(self.address.uri.clone())
            .with_properties(properties)
            .with_tls_config(self.address.tls.clone());
        let wait = Duration::from_millis(self.address.uri.query.connection_timeout.unwrap_or(10_000));
        let connection = tokio::time::timeout(wait, async {
            let connection = builder.connect().await.map_err(|error| failed(&error))?;
            declare::ensure(&connection).await.map_err(|error| fault::preparing(error, &self.address))?;
            Ok(connection)
        });
        connection.await.unwrap_or_else(|_| {
            let millis = wait.as_millis();
            Err(BusError::Unavailable(format!("RabbitMQ at {}: no answer within {millis} ms", self.address)))
        })
    }

    /// Waits for the end of a connection, and says why it ended.
    async fn watch(
        &self,
        connection: &Connection,
        events: impl futures::Stream<Item = Event> + Send + 'static,
    ) -> String {
        futures::pin_mut!(events);
        loop {
            let event = tokio::time::timeout(LOOK_EVERY, events.next()).await;
            match event {
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    tracing::warn!(purpose = self.purpose, broker = %self.address, reason, "RabbitMQ takes no messages for now: see to its memory and disk");
                    let text = "takes no messages for now";
                    self.trouble.write(Some(format!(
                        "RabbitMQ at {} {text} ({reason}): see to its memory and disk",
                        self.address
                    )));
                }
                Ok(Some(Event::ConnectionUnblocked)) => {
                    tracing::info!(purpose = self.purpose, broker = %self.address, "RabbitMQ takes messages again");
                    self.trouble.write(None);
                }
                Ok(Some(Event::Error(error))) if !connection.status().connected() => return fault::cause(&error),
                Ok(None) => return "the connection was closed".into(),
                Ok(Some(_)) | Err(_) => {}
            }
            if !connection.status().connected() {
                return "the connection was closed".into();
            }
        }
    }

    fn tell(&self, trouble: Option<String>, connection: Option<Arc<Connection>>, refused: Option<String>) {
        self.trouble.write(trouble);
        let _ = self.state.send(State { connection, tried: true, refused });
    }
}
