//! What happens to the process while it handles one message: nothing, a failure, or its end at a chosen instant.

use std::future::Future;
use std::sync::{Mutex, MutexGuard};

use messages::MessageId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the handling of a message does to the world outside, in the order in which it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A load was committed, or found to be there or overtaken.
    Load,
    /// Lines of the audit were committed.
    Audit,
    /// A message was published and confirmed.
    Publish(MessageId),
    /// The delivery was acknowledged.
    Ack,
    /// The delivery was put back for later.
    Retry,
    /// The delivery was given up.
    Bury,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    Nothing,
    /// The process ends before this act on the world outside (counted from 0), or after it.
    Crash { act: usize, after: bool },
    /// The warehouse is away when it is written to first.
    WarehouseAway,
    /// The bus is away when it is published to first: nothing was published.
    BusAway,
    /// The same, but the message was published: the confirmation was lost.
    ConfirmationLost,
}

/// The script of one delivery, and what was seen of it.
#[derive(Default)]
pub struct Script {
    state: Mutex<State>,
    /// The process has "ended": whoever waits for this drops all of it.
    pub crashed: Notify,
    /// No message but the first is handled.
    pub stop: CancellationToken,
}

#[derive(Default)]
struct State {
    fault: Fault,
    acts: usize,
    seen: Vec<Seen>,
    handed_out: Option<(MessageId, u32)>,
}

impl Script {
    pub fn new(fault: Fault) -> Self {
        Self { state: Mutex::new(State { fault, ..State::default() }), ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The message that was handed out, and which try it is.
    pub fn handed_out(&self) -> Option<(MessageId, u32)> {
        self.state().handed_out
    }

    pub fn hand_out(&self, id: MessageId, attempt: u32) {
        self.state().handed_out = Some((id, attempt));
    }

    /// Whether `fault` is to happen now. It happens once.
    pub fn strikes(&self, fault: Fault) -> bool {
        let mut state = self.state();
        let strikes = state.fault == fault;
        if strikes {
            state.fault = Fault::Nothing;
        }
        strikes
    }

    /// Does something to the world outside, unless the process ends first.
    pub async fn act<T, E>(&self, seen: Seen, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let act = {
            let mut state = self.state();
            state.acts += 1;
            state.acts - 1
        };
        self.crash_if(Fault::Crash { act, after: false }).await;
        let result = work.await;
        if result.is_ok() {
            self.state().seen.push(seen);
        }
        self.crash_if(Fault::Crash { act, after: true }).await;
        result
    }

    async fn crash_if(&self, fault: Fault) {
        if self.strikes(fault) {
            self.crashed.notify_one();
            // Nothing runs any more: what holds this future is dropped.
            std::future::pending::<()>().await;
        }
    }
}
