//! What is said on the bus.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::BusSettings;
use messages::{Envelope, Message, SourceOverdue};

use crate::harness::{DEADLINE, Mill};

/// All `source.overdue` that were published since.
pub struct Heard {
    events: Arc<Mutex<Vec<Envelope>>>,
    // The runtime ends with it, and with that the listener.
    _runtime: tokio::runtime::Runtime,
}

impl Heard {
    /// Listens from now on.
    pub fn begin(mill: &Mill) -> Self {
        let command = mill.command(&[]);
        let mut set = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        let url = set.find(|(name, _)| *name == "MILLRACE_BUS__URL").unwrap().1.to_owned();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut consumer = runtime.block_on(async {
            let bus = bus::open(&BusSettings::new(url), "test").await.unwrap();
            bus.listen_to_all(&["source.overdue"]).await.unwrap()
        });
        let all = events.clone();
        runtime.spawn(async move {
            while let Ok(delivery) = consumer.next().await {
                all.lock().unwrap().push(delivery.envelope().unwrap());
                delivery.ack().await.unwrap();
            }
        });
        Self { events, _runtime: runtime }
    }

    pub fn all(&self) -> Vec<Envelope> {
        self.events.lock().unwrap().clone()
    }

    /// Waits until so many were heard.
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Envelope> {
        let begun = Instant::now();
        while self.all().len() < count {
            assert!(begun.elapsed() < DEADLINE, "{count} events were not heard, but {:?}", self.all());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.all()
    }
}

pub fn overdue(envelope: &Envelope) -> &SourceOverdue {
    match &envelope.message {
        Message::SourceOverdue(overdue) => overdue,
        other => panic!("{other:?}"),
    }
}
