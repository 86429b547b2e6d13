//! What a consumer has fetched and not handed out yet.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::fault;
use crate::{BusError, Delivery};

/// Between the task that fetches and the one that asks. Not a channel, because what lies in it can be taken out again,
/// when the stage is paused or the channel has ended.
#[derive(Default)]
pub(super) struct Buffer {
    state: Mutex<State>,
    filled: Notify,
    closed: Notify,
}

#[derive(Default)]
struct State {
    fetched: VecDeque<Delivery>,
    closed: bool,
    /// Why nothing more will come.
    forbidden: Option<String>,
}

impl Buffer {
    /// Puts a delivery in.
    pub(super) fn put(&self, delivery: Delivery) {
        self.lock().fetched.push_back(delivery);
        self.filled.notify_one();
    }

    /// Waits for the next delivery, or for the news that none will come. Safe to cancel.
    pub(super) async fn next(&self) -> Result<Delivery, BusError> {
        loop {
            let filled = self.filled.notified();
            {
                let mut state = self.lock();
                if let Some(delivery) = state.fetched.pop_front() {
                    return Ok(delivery);
                }
                if let Some(why) = &state.forbidden {
                    return Err(fault::forbidden(why));
                }
            }
            filled.await;
        }
    }

    /// Nothing more will come, because the user may not read the queue.
    pub(super) fn forbid(&self, why: String) {
        self.lock().forbidden = Some(why);
        self.filled.notify_one();
    }

    /// Takes everything out. To be dropped by the caller, outside the lock.
    pub(super) fn empty(&self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.lock().fetched)
    }

    /// Nobody asks any more. What lies in it stays until it is taken out: if it were given back before the consumer is
    /// cancelled, the broker would send it to the same consumer again.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.closed.notify_one();
    }

    /// Waits for [`close`](Self::close).
    pub(super) async fn closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.lock().closed {
                return;
            }
            closed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::heard::Heard;

    fn delivery(body: u8) -> Delivery {
        Delivery::new(vec![body], 1, Box::new(Heard))
    }

    #[tokio::test]
    async fn it_hands_out_in_order_and_wakes_whoever_waits() {
        let buffer = Arc::new(Buffer::default());
        let waiting = tokio::spawn({
            let buffer = buffer.clone();
            async move { [buffer.next().await, buffer.next().await, buffer.next().await].map(|one| one.unwrap().body()[0]) }
        });
        tokio::task::yield_now().await;
        (1..=3).for_each(|body| buffer.put(delivery(body)));
        assert_eq!(waiting.await.ok(), Some([1, 2, 3]));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_takes_nothing_along() {
        let buffer = Buffer::default();
        let short = Duration::from_millis(1);
        assert!(tokio::time::timeout(short, buffer.next()).await.is_err());
        buffer.put(delivery(1));
        assert_eq!(buffer.next().await.unwrap().body(), [1]);
        buffer.put(delivery(2));
        assert_eq!(buffer.empty().len(), 1);
        assert!(tokio::time::timeout(short, buffer.next()).await.is_err(), "what was taken out came all the same");
    }

    #[tokio::test]
    async fn closed_it_says_so_before_and_after_and_keeps_what_it_holds() {
        let buffer = Arc::new(Buffer::default());
        let waiting = tokio::spawn({
            let buffer = buffer.clone();
            async move { buffer.closed().await }
        });
        tokio::task::yield_now().await;
        buffer.put(delivery(1));
        buffer.close();
        assert!(waiting.await.is_ok());
        buffer.closed().await;
        assert_eq!(buffer.empty().len(), 1);
    }
}
