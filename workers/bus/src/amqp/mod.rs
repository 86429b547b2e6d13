//! RabbitMQ, through lapin.
//!
//! See `design.md` beside this file for its queues, for how it survives, and for its limits.

mod address;
mod board;
mod buffer;
mod consumer;
mod dead;
mod declare;
pub mod definitions;
mod depths;
mod fault;
mod grip;
mod headers;
mod in_hand;
mod letter;
mod link;
mod listener;
mod management;
mod oldest;
mod publisher;
mod returns;
mod roles;
mod story;
pub mod topology;
mod used;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::QueuePurgeOptions;
use lapin::{BasicProperties, Channel};
use messages::{Envelope, LoadId, RoutingKey, Stage};
use tokio_util::task::TaskTracker;

use crate::{Bus, BusError, BusSettings, Consumer, DeadLetter, QueueDepth, Trouble};
use address::Address;
use consumer::StageConsumer;
use dead::Opened;
use grip::Grips;
use in_hand::Desk;
use letter::Letter;
use link::Link;
use listener::Listener;
use management::Management;
use publisher::Publisher;
use topology::{answers_queue, exchange_of, flag_key, flag_queue, stage_answers_queue};
use used::Used;

/// How long the end of a process waits for what was dropped to be given back.
const GOODBYE: Duration = Duration::from_secs(5);

/// A bus at RabbitMQ. Publishes over one connection and consumes over another, because a broker that is short of memory
/// or disk stops whoever publishes, and acknowledgements must go on.
pub struct AmqpBus {
    desk: Arc<Desk>,
    consuming: Arc<Link>,
    grips: BTreeMap<Stage, Arc<Grips>>,
    management: Management,
    /// Whoever looks at dead letters: between processes the broker sees to the turns, within this one we do.
    looking: tokio::sync::Mutex<()>,
    /// How long a call waits for a connection or a confirmation.
    wait: Duration,
}

impl AmqpBus {
    /// Begins to connect, and returns when the first try has ended. A broker that is away is waited for by every call.
    ///
    /// # Errors
    /// `Configuration` if the address or a file can't be used, or the broker refuses the user, the vhost, or the rights
    /// to see to its queues.
    pub async fn open(settings: &BusSettings, worker: &str) -> Result<Self, BusError> {
        let address = Arc::new(Address::new(settings)?);
        let wait = Duration::from_secs(settings.publish_timeout_secs.max(1));
        let consuming = Arc::new(Link::start(address.clone(), worker, "consume"));
        consuming.first_try().await?;
        let publishing = Arc::new(Link::start(address.clone(), worker, "publish"));
        let desk = Desk {
            publisher: Publisher::start(publishing, wait),
            worker: worker.to_owned(),
            returns: TaskTracker::new(),
            runtime: tokio::runtime::Handle::current(),
        };
        let ca_pem = address.tls.cert_chain.as_deref();
        Ok(Self {
            desk: Arc::new(desk),
            consuming,
            grips: Stage::ALL.into_iter().map(|stage| (stage, Arc::default())).collect(),
            looking: tokio::sync::Mutex::default(),
            management: Management::new(address.management(settings), address.uri.vhost.clone(), ca_pem),
            wait,
        })
    }

    /// Puts any bytes into a stage's queue, as another program might. For tests of what becomes of them.
    pub async fn publish_raw(&self, stage: Stage, body: Vec<u8>) -> Result<(), BusError> {
        self.put(topology::stage_key(stage), body).await
    }

    async fn put(&self, key: String, body: Vec<u8>) -> Result<(), BusError> {
        let letter = Letter::again(key.clone(), &BasicProperties::default(), body, Used::default());
        match self.desk.publisher.publish(letter).await? {
            true => Ok(()),
            false => Err(BusError::Unavailable(format!("no queue takes {key}"))),
        }
    }

    async fn hear(&self, queue: String, keys: Vec<(&'static str, RoutingKey)>) -> Result<Box<dyn Consumer>, BusError> {
        let opened = Listener::open(self.consuming.clone(), self.desk.clone(), queue, &keys);
        Ok(Box::new(self.within(opened).await?))
    }

    async fn channel(&self) -> Result<Channel, BusError> {
        let connection = self.consuming.connection().await;
        connection.create_channel().await.map_err(|error| fault::calling(&error))
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        self.consuming.within(self.wait, call).await
    }

    async fn take_out(&self, ids: &[String], publisher: Option<&Publisher>) -> Result<Vec<String>, BusError> {
        let _turn = self.looking.lock().await;
        let mut found = Vec::new();
        for stage in Stage::ALL {
            if found.len() == ids.len() {
                break;
            }
            let opened = Opened::open(&self.consuming, self.wait, stage).await?;
            let taken = opened.take_out(ids, publisher).await;
            opened.close().await;
            found.extend(taken?);
        }
        Ok(found)
    }
}

#[async_trait]
impl Bus for AmqpBus {
    fn system(&self) -> &'static str {
        "rabbitmq"
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        match self.desk.publisher.publish(Letter::first(envelope)?).await? {
            true => Ok(()),
            false => Err(BusError::Unroutable { type_name: envelope.message.type_name().into() }),
        }
    }

    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError> {
        let grips = self.grips.get(&stage).cloned().unwrap_or_default();
        Ok(Box::new(StageConsumer::start(self.consuming.clone(), self.desk.clone(), grips, stage, prefetch)))
    }

    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let key = |name: &&str| (exchange_of(name), RoutingKey::new(name, load_id));
        self.hear(answers_queue(), types.iter().map(key).collect()).await
    }

    async fn listen_to_all(&self, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let stage = types.first().and_then(|name| name.split('.').next()).unwrap_or_default();
        self.hear(
            stage_answers_queue(stage),
            types.iter().map(|name| (exchange_of(name), RoutingKey::any(name))).collect(),
        )
        .await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        let told = self.management.stages().await;
        let in_hand = |stage: Stage| self.grips.get(&stage).map_or(0, |grips| grips.count() as u64);
        let counted = async {
            let channel = self.channel().await?;
            depths::count_all(&channel, in_hand, told).await.map_err(|error| fault::calling(&error))
        };
        self.within(counted).await
    }

    async fn oldest_secs(&self, stage: Stage) -> Result<Option<u64>, BusError> {
        let asked = self.consuming.within(self.wait, async {
            let connection = self.consuming.connection().await;
            let channel = connection.create_channel().await.map_err(|error| fault::calling(&error))?;
            oldest::age_secs(&channel, &self.desk.publisher, stage).await
        });
        asked.await
    }

    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        let _turn = self.looking.lock().await;
        let mut letters = Vec::new();
        for stage in Stage::ALL.into_iter().filter(|one| stage.is_none_or(|stage| stage == *one)) {
            let opened = Opened::open(&self.consuming, self.wait, stage).await?;
            letters.extend(opened.letters().cloned());
            opened.close().await;
        }
        // The oldest come first out of a queue, and of two that died in the same moment the later one.
        letters.reverse();
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.died_at));
        letters.truncate(limit);
        Ok(letters)
    }

    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.take_out(dead_ids, Some(&self.desk.publisher)).await
    }

    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.take_out(dead_ids, None).await
    }

    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError> {
        let failed = |error| fault::calling(&error);
        let looked = async {
            let channel = self.channel().await?;
            let is_so = depths::is_paused(&channel, stage).await.map_err(failed)? == paused;
            Ok((channel, is_so))
        };
        let (channel, is_so) = self.within(looked).await?;
        if is_so {
            return Ok(false);
        }
        if paused {
            self.put(flag_key(stage), self.desk.worker.clone().into_bytes()).await?;
        } else {
            let flag = flag_queue(stage);
            let purged = channel.queue_purge(flag.as_str().into(), QueuePurgeOptions::default());
            self.within(async { purged.await.map_err(failed) }).await?;
        }
        Ok(true)
    }

    async fn check(&self) -> Result<String, BusError> {
        self.within(async { declare::ensure(&*self.consuming.connection().await).await }).await?;
        let told = match self.management.stages().await {
            Some(_) => "",
            None => {
                "; its management API can't be asked, so rates and what other processes have in hand are not known (bus.management_url)"
            }
        };
        Ok(format!("RabbitMQ at {}{told}", self.consuming.address()))
    }

    fn trouble(&self) -> Option<Trouble> {
        let trouble = self.consuming.known_trouble().or_else(|| self.desk.publisher.trouble())?;
        let text =
            format!("{}; it is tried again until it answers: see that it runs and that bus.url names it", trouble.text);
        Some(Trouble { text, ..trouble })
    }

    async fn close(&self) {
        self.desk.returns.close();
        if tokio::time::timeout(GOODBYE, self.desk.returns.wait()).await.is_err() {
            tracing::warn!(
                "not all deliveries could be given back in time; RabbitMQ does it, and counts them as tried"
            );
        }
    }
}
