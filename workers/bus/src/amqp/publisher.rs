//! Publishing: `Ok` only after the broker has confirmed a message as stored and routed.
//!
//! One task owns the channel, and many publishes are in flight on it. A message that no queue takes is returned before
//! it is confirmed; which confirmation belongs to it is worked out in `returns.rs`.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::letter::Letter;
use super::link::Link;
use super::returns::{Outcome, Returns};
use super::{declare, fault};
use crate::{BusError, Trouble};

/// Publishes that may wait for the channel. Beyond that callers wait in line, within their own deadlines.
const WAITING: usize = 1_024;
/// Publishes that may wait for their confirmation. More gain nothing and only lengthen the wait of each.
const IN_FLIGHT: usize = 2_048;
/// How long it may take until those in flight hear of the end of their channel.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// Pause after a channel has ended.
const REST: Duration = Duration::from_millis(20);

/// The way to the task that publishes.
pub(super) struct Publisher {
    link: Arc<Link>,
    asks: mpsc::Sender<Ask>,
    wait: Duration,
    task: AbortHandle,
}

struct Ask {
    letter: Letter,
    reply: oneshot::Sender<Outcome>,
}

impl Publisher {
    /// Publishes over `link`; each message must be confirmed within `wait`.
    pub(super) fn start(link: Arc<Link>, wait: Duration) -> Self {
        let (asks, inbox) = mpsc::channel(WAITING);
        let task = tokio::spawn(run(link.clone(), inbox)).abort_handle();
        Self { link, asks, wait, task }
    }

    /// Publishes a message and waits for its confirmation. `Ok(false)`: no queue took it, and it is stored nowhere.
    ///
    /// # Errors
    /// `Unavailable`: it may be stored or not. `Configuration`: the user may not publish it.
    pub(super) async fn publish(&self, letter: Letter) -> Result<bool, BusError> {
        let (reply, answer) = oneshot::channel();
        let published = async {
            let ended = |_| BusError::Unavailable("the publisher has ended: restart this process".into());
            self.asks.send(Ask { letter, reply }).await.map_err(|_| ended(()))?;
            match answer.await.map_err(|_| ended(()))? {
                Outcome::Routed => Ok(true),
                Outcome::Returned => Ok(false),
                Outcome::Refused => Err(BusError::Unavailable(
                    "the broker refused the message: a queue is full or not available; see `millrace queues`".into(),
                )),
                Outcome::Lost(why) => Err(BusError::Unavailable(format!("not confirmed by RabbitMQ: {why}"))),
                Outcome::Forbidden(why) => Err(fault::forbidden(&why)),
            }
        };
        tokio::time::timeout(self.wait, published).await.unwrap_or_else(|_| {
            let secs = self.wait.as_secs_f32();
            Err(BusError::Unavailable(format!("not confirmed within {secs} s: {}", self.link.trouble(self.wait))))
        })
    }
}

impl Publisher {
    /// Why nothing can be published at the moment, if that is known.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.link.known_trouble()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(link: Arc<Link>, inbox: mpsc::Receiver<Ask>) {
    let mut inbox = Inbox { asks: inbox, kept: None };
    let mut no_way = false;
    loop {
        let connection = link.connection().await;
        if std::mem::take(&mut no_way)
            && let Some(Err(error)) = link.while_up(&connection, declare::make(&connection)).await
        {
            tracing::warn!(%error, "a message found no queue, and the queues can't be made");
        }
        let mut returns = Returns::default();
        let served = async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            serve(&channel, &mut inbox, &mut returns).await
        };
        match link.while_up(&connection, served).await.unwrap_or_else(|| Err(fault::lost())) {
            Ok(End::Asked) => return,
            Ok(End::Unroutable) => no_way = true,
            Err(error) => {
                tracing::debug!(error = fault::cause(&error), "the channel for publishing has ended; opening another");
                give_up(&mut returns, &error);
                no_way = fault::is_missing(&error);
                // The link notices a dead connection a moment later than we.
                tokio::time::sleep(REST).await;
            }
        }
    }
}

struct Inbox {
    asks: mpsc::Receiver<Ask>,
    /// Taken out, and not sent because the channel was found dead.
    kept: Option<Ask>,
}

impl Inbox {
    async fn next(&mut self) -> Option<Ask> {
        match self.kept.take() {
            Some(ask) => Some(ask),
            None => self.asks.recv().await,
        }
    }
}

enum End {
    /// Nobody can ask any more.
    Asked,
    /// A message that must be handled found no queue: see to it that all are there.
    Unroutable,
}

/// Publishes what is asked for. Every error is the channel's end, and what is not answered by then is lost.
async fn serve(channel: &Channel, inbox: &mut Inbox, returns: &mut Returns) -> lapin::Result<End> {
    let mut in_flight = FuturesUnordered::new();
    let mut number = 0_u64;
    loop {
        tokio::select! {
            ask = inbox.next(), if in_flight.len() < IN_FLIGHT => {
                let Some(ask) = ask else { return Ok(End::Asked) };
                if ask.reply.is_closed() {
                    continue;
                }
                if !channel.status().connected() {
                    inbox.kept = Some(ask);
                    return Err(told(fault::other("it was closed while idle"), &mut in_flight, returns).await);
                }
                number += 1;
                returns.sent(number, &ask.letter, ask.reply);
                in_flight.push(publish(channel, number, ask.letter));
            }
            Some((number, confirmed)) = in_flight.next() => {
                if let Err(error) = settle(returns, number, confirmed) {
                    return Err(told(error, &mut in_flight, returns).await);
                }
                // A return may have come with another's confirmation that is ready as well: all that are ready are
                // heard before anybody is answered.
                while let Some(Some((number, confirmed))) = in_flight.next().now_or_never() {
                    if let Err(error) = settle(returns, number, confirmed) {
                        return Err(told(error, &mut in_flight, returns).await);
                    }
                }
                if returns.answer() {
                    // Others in flight are not lost by that: they are confirmed before this channel is given up.
                    while let Some((number, confirmed)) = in_flight.next().await {
                        settle(returns, number, confirmed)?;
                    }
                    returns.answer();
                    return Ok(End::Unroutable);
                }
            }
        }
    }
}

/// What the channel's end means for those that are not answered yet.
fn give_up(returns: &mut Returns, error: &lapin::Error) {
    returns.answer();
    let why = fault::cause(error);
    if fault::is_forbidden(error) {
        returns.forbid(&why);
    }
    returns.lose(&why);
}

/// Why a channel has ended: the broker's own words, if one of those in flight hears them.
async fn told(
    first: lapin::Error,
    in_flight: &mut FuturesUnordered<impl Future<Output = (u64, lapin::Result<Confirmation>)>>,
    returns: &mut Returns,
) -> lapin::Error {
    if first.is_amqp_error() {
        return first;
    }
    let heard = async {
        while let Some((number, confirmed)) = in_flight.next().await {
            match settle(returns, number, confirmed) {
                Err(error) if error.is_amqp_error() => return Some(error),
                _ => {}
            }
        }
        None
    };
    tokio::time::timeout(TOLD_WITHIN, heard).await.ok().flatten().unwrap_or(first)
}

/// Sends a message and waits for its confirmation. Many wait at a time, for the first as for the second.
async fn publish(channel: &Channel, number: u64, letter: Letter) -> (u64, lapin::Result<Confirmation>) {
    let options = BasicPublishOptions { mandatory: letter.mandatory, immediate: false };
    let (exchange, key) = (letter.exchange.into(), letter.key.into());
    let sent = channel.basic_publish(exchange, key, options, &letter.body, letter.properties).await;
    failpoint::point!("confirm:before");
    match sent {
        Ok(confirmed) => (number, confirmed.await),
        Err(error) => (number, Err(error)),
    }
}

fn settle(returns: &mut Returns, number: u64, confirmed: lapin::Result<Confirmation>) -> lapin::Result<()> {
    let (stored, returned) = match confirmed? {
        Confirmation::Ack(returned) => (true, returned),
        Confirmation::Nack(returned) => (false, returned),
        Confirmation::NotRequested => return Err(fault::other("the channel confirms nothing")),
    };
    let returned = returned.as_ref().and_then(|message| message.properties.message_id().as_ref());
    returns.confirmed(number, stored, returned);
    Ok(())
}
