//! The hold on a delivery, which outlives the channel that it came by.
//!
//! When a channel ends, the broker hands its deliveries out again. If one comes back to the process that still works on
//! it, the hold passes over to the new delivery: a build of an hour is not begun twice because the connection broke,
//! or because the broker closed a channel that held a delivery for longer than its `consumer_timeout`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use lapin::Acker;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::ShortString;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long an acknowledgement may take to be written.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// A hold on one message.
pub(super) struct Grip {
    id: Option<ShortString>,
    body: Vec<u8>,
    hold: Mutex<Hold>,
    passed_on: Notify,
}

struct Hold {
    acker: Acker,
    /// A channel without any owner is closed, and its deliveries with it. Shared, because every delivery holds it.
    channel: Arc<Channel>,
}

impl Grip {
    pub(super) fn new(id: Option<ShortString>, body: Vec<u8>, acker: Acker, channel: Arc<Channel>) -> Arc<Self> {
        let hold = Mutex::new(Hold { acker, channel });
        Arc::new(Self { id, body, hold, passed_on: Notify::new() })
    }

    /// The body of the message.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the broker still counts the delivery as ours.
    pub(super) fn holds(&self) -> bool {
        self.hold().acker.usable()
    }

    /// Acknowledges, and waits up to `wait` for the message to come back if its channel has ended. `false`: it did not.
    pub(super) async fn ack(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        loop {
            // Before the look, so that what is passed on in between is not missed.
            let passed_on = self.passed_on.notified();
            let acker = self.hold().acker.clone();
            let acked = tokio::time::timeout(WRITE_WAIT, acker.ack(BasicAckOptions::default())).await;
            if matches!(acked, Ok(Ok(true))) {
                return true;
            }
            if tokio::time::timeout_at(deadline, passed_on).await.is_err() {
                return false;
            }
        }
    }

    /// Puts the message back into its queue, which counts as a try: for when nothing better can be done. If its channel
    /// has ended it is back already.
    pub(super) async fn nack(&self) {
        let acker = self.hold().acker.clone();
        put_back(&acker).await;
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        // Whoever holds the lock only moves values.
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Grip {
    /// A delivery that came again may have been passed on to a hold that was just being given up. Nobody would settle it,
    /// and it would stay in hand for as long as its channel lives.
    fn drop(&mut self) {
        let hold = self.hold.get_mut().unwrap_or_else(PoisonError::into_inner);
        if hold.acker.usable()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (acker, channel) = (hold.acker.clone(), hold.channel.clone());
            runtime.spawn(async move {
                put_back(&acker).await;
                drop(channel);
            });
        }
    }
}

async fn put_back(acker: &Acker) {
    let options = BasicNackOptions { requeue: true, multiple: false };
    let _ = tokio::time::timeout(WRITE_WAIT, acker.nack(options)).await;
}

/// The deliveries of a consumer that are in somebody's hands.
#[derive(Default)]
pub(super) struct Grips(Mutex<Held>);

#[derive(Default)]
struct Held {
    grips: Vec<Weak<Grip>>,
    /// So many are there before those that are gone are looked for.
    sweep_at: usize,
}

impl Held {
    fn alive(&self) -> impl Iterator<Item = Arc<Grip>> {
        self.grips.iter().filter_map(Weak::upgrade)
    }
}

impl Grips {
    pub(super) fn add(&self, grip: &Arc<Grip>) {
        let mut held = self.lock();
        if held.grips.len() >= held.sweep_at {
            held.grips.retain(|grip| grip.strong_count() > 0);
            held.sweep_at = held.grips.len() * 2 + 16;
        }
        held.grips.push(Arc::downgrade(grip));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().grips.iter().filter(|grip| grip.strong_count() > 0).count()
    }

    /// Gives a delivery that came again to whoever still works on it. `false`: nobody does.
    pub(super) fn pass_on(&self, id: Option<&ShortString>, body: &[u8], acker: &Acker, channel: &Arc<Channel>) -> bool {
        for grip in self.lock().alive() {
            let mut hold = grip.hold();
            if grip.id.as_ref() == id && grip.body == body && !hold.acker.usable() {
                *hold = Hold { acker: acker.clone(), channel: channel.clone() };
                drop(hold);
                grip.passed_on.notify_one();
                return true;
            }
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
