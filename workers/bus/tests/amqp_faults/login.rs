//! Logins that can't succeed, and a broker that is not there yet.

use std::time::Duration;

use millrace_bus::amqp::AmqpBus;
use millrace_bus::{Bus, BusError};
use serde_json::json;
use testkit::Proxy;
use tokio::time::Instant;

use crate::support::{Rabbit, blocking, command};

const PASSWORD: &str = "s3cret-pass";

/// The error of opening a bus, which must come at once and tell what to do.
async fn refused(url: &str) -> String {
    let begun = Instant::now();
    let error = AmqpBus::open(&url.into(), "faults").await.err().expect("the bus was opened");
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    assert!(matches!(error, BusError::Configuration(_)), "{error:?}");
    let text = error.to_string();
    let (userinfo, _) = url.rsplit_once('@').unwrap();
    let (_, password) = userinfo.rsplit_once(':').unwrap();
    assert!(!text.contains(password), "{text}");
    assert!(text.contains("127.0.0.1"), "{text}");
    text
}

/// A user of this broker that is gone when this is dropped.
struct User<'a>(&'a Rabbit, String);

impl<'a> User<'a> {
    fn new(rabbit: &'a Rabbit, configure: Option<&str>) -> Self {
        let name = format!("user-of-{}", rabbit.vhost.name());
        blocking(|| {
            rabbit.management().set_password(&name, PASSWORD);
            if let Some(configure) = configure {
                let rights = json!({"configure": configure, "write": ".*", "read": ".*"});
                rabbit.management().put(&format!("permissions/{}/{name}", rabbit.vhost.name()), &rights);
            }
        });
        Self(rabbit, name)
    }

    fn url(&self) -> String {
        self.0.vhost.url_as(&self.1, PASSWORD)
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        blocking(|| self.0.management().delete(&format!("users/{}", self.1)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_vhost_is_refused_at_once() {
    let rabbit = Rabbit::shared();
    let user = User::new(&rabbit, Some(".*"));
    let error = refused(&rabbit.vhost.url_as(&user.1, "wr0ng-pass")).await;
    assert!(error.contains("login") && error.contains("bus.url"), "{error}");
    let error = refused(&user.url().replace(rabbit.vhost.name(), "not-there")).await;
    assert!(error.contains("vhost not-there") && error.contains("bus.url"), "{error}");
    AmqpBus::open(&user.url().as_str().into(), "faults").await.unwrap().check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_is_refused_at_once() {
    let rabbit = Rabbit::shared();
    {
        let stranger = User::new(&rabbit, None);
        let error = refused(&stranger.url()).await;
        assert!(error.contains("vhost") && error.contains("rights"), "{error}");
    }
    let user = User::new(&rabbit, Some(""));
    let error = refused(&user.url()).await;
    assert!(error.contains("rights") && error.contains("deploy/rabbitmq"), "{error}");
    // Where somebody with more rights has made everything, the same user can work.
    rabbit.open(20).await;
    let bus = AmqpBus::open(&user.url().as_str().into(), "faults").await.unwrap();
    bus.publish(&command(messages::Stage::Ingest)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_there_otherwise_is_refused_at_once() {
    let rabbit = Rabbit::shared();
    let classic = json!({"durable": true, "arguments": {"x-queue-type": "classic"}});
    blocking(|| rabbit.management().put(&format!("queues/{}/millrace.ingest", rabbit.vhost.name()), &classic));
    let error = refused(&rabbit.vhost.url()).await;
    assert!(error.contains("millrace.ingest") && error.contains("delete"), "{error}");
    assert!(blocking(|| rabbit.management().delete_queue(rabbit.vhost.name(), "millrace.ingest")));
    rabbit.open(20).await.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_there_is_waited_for() {
    let rabbit = Rabbit::shared();
    let proxy = Proxy::start(rabbit.broker.address());
    proxy.cut();
    let bus = rabbit.open_at(&rabbit.vhost.url_at(proxy.address()), 1).await;
    let begun = Instant::now();
    let error = bus.check().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(4), "it took {:?}", begun.elapsed());
    assert!(matches!(error, BusError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&proxy.address().to_string()) && !text.contains("not connected yet"), "{text}");
    proxy.mend();
    let deadline = Instant::now() + millrace_bus::conformance::SOON;
    while let Err(error) = bus.check().await {
        assert!(Instant::now() < deadline, "{error}");
    }
}
