//! A mill on RabbitMQ, and its workers as processes.

use std::ops::{Deref, DerefMut};

use serde_json::Value;
use testkit::{Broker, Vhost};

use crate::harness::Mill;

/// A mill whose bus is a vhost of its own.
pub struct RabbitMill {
    mill: Mill,
    broker: BrokerRef,
    pub vhost: Vhost,
}

enum BrokerRef {
    Shared(&'static Broker),
    Own(Box<Broker>),
}

impl RabbitMill {
    /// On the broker that the tests of this program share.
    pub fn new() -> Self {
        Self::on(Mill::new(), BrokerRef::Shared(Broker::shared()))
    }

    /// The same where kills are the test's own doing: they must not use up the tries of a message.
    pub fn patient() -> Self {
        Self::on(Mill::patient(), BrokerRef::Shared(Broker::shared()))
    }

    /// On a broker of its own, which the test may break.
    pub fn with_broker(broker: Broker) -> Self {
        Self::on(Mill::patient(), BrokerRef::Own(Box::new(broker)))
    }

    fn on(mut mill: Mill, broker: BrokerRef) -> Self {
        let vhost = broker.get().fresh_vhost();
        mill.set("BUS__URL", vhost.url());
        mill.set("BUS__MANAGEMENT_URL", vhost.management_url());
        Self { mill, broker, vhost }
    }

    pub fn broker(&self) -> &Broker {
        self.broker.get()
    }

    /// Puts a body onto an exchange, as another program might.
    pub fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        let routed = self.broker().management().publish(
            self.vhost.name(),
            exchange,
            key,
            body,
            serde_json::json!({"delivery_mode": 2}),
        );
        assert!(routed, "{exchange} {key} leads nowhere");
    }

    /// The message of a log line or an event, from `millrace load`.
    pub fn load(&self, load_id: &str) -> Value {
        self.json(&["load", load_id])
    }
}

impl BrokerRef {
    fn get(&self) -> &Broker {
        match self {
            Self::Shared(broker) => broker,
            Self::Own(broker) => broker,
        }
    }
}

impl Deref for RabbitMill {
    type Target = Mill;
    fn deref(&self) -> &Mill {
        &self.mill
    }
}

impl DerefMut for RabbitMill {
    fn deref_mut(&mut self) -> &mut Mill {
        &mut self.mill
    }
}
