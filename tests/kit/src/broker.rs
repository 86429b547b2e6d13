//! A RabbitMQ node for tests.

use std::env;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::json;
use url::Url;

use crate::management::Management;
use crate::node::Node;
use crate::node_files::USER;
use crate::vhost::{Vhost, address};
use crate::{DEADLINE, unique};

/// What a private node does differently from RabbitMQ's defaults.
///
/// Numbers in its management API are a second and a half old at most in any case, instead of ten.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// After how many milliseconds an unacknowledged delivery closes its channel; looked at every 250 ms. RabbitMQ's
    /// own 30 minutes if unset.
    pub consumer_timeout_millis: Option<u64>,
    /// Listens for TLS too, and lets clients log in with their certificate (`EXTERNAL`): see [`Broker::certificates`].
    pub tls: bool,
    /// Refuses TLS connections without a certificate of the client.
    pub client_certificate_required: bool,
}

/// A RabbitMQ node: a private one, or the one that `AMQP_URL` names.
///
/// A private one listens on the loopback interface only, has ports, folders, cookie and port mapper of its own, and is
/// ended and removed when this is dropped or the test process goes away, by `SIGKILL` too.
pub struct Broker {
    pub(crate) url: Url,
    pub(crate) management: Management,
    pub(crate) node: Option<Node>,
}

impl Broker {
    /// Starts a private node, and returns once it accepts connections (5-8 s on two cores).
    pub fn start(options: Options) -> Self {
        // Somebody may take one of the ports before the node does.
        let mut tries_left = 3;
        loop {
            let broker = Self::private(&options);
            match broker.launch() {
                Ok(()) => return broker,
                Err(log) if tries_left > 0 && log.contains("eaddrinuse") => tries_left -= 1,
                Err(log) => panic!("RabbitMQ did not start; it wrote: {log}"),
            }
        }
    }

    /// The node that all tests of this process share, started at the first call. Make a [`Broker::fresh_vhost`] in it,
    /// and don't kill it.
    ///
    /// Where `AMQP_URL` is set, that one is used instead. Its user must be an administrator, and its management API is
    /// at `AMQP_MANAGEMENT_URL` (`http://user:password@host:port`), or else at port 15672 with the same credentials.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("AMQP_URL") {
            Ok(url) => Self::running(&url, env::var("AMQP_MANAGEMENT_URL").ok().as_deref()),
            Err(_) => Self::start(Options::default()),
        })
    }

    fn running(amqp_url: &str, management_url: Option<&str>) -> Self {
        let url = Url::parse(amqp_url).expect("AMQP_URL is no URL: write amqp://user:password@host:port");
        let mut management = url.clone();
        if let Some(other) = management_url {
            management =
                Url::parse(other).expect("AMQP_MANAGEMENT_URL is no URL: write http://user:password@host:port");
        } else {
            management = Url::parse(&format!("http://{}:15672", management.host_str().unwrap())).unwrap();
        }
        if management.username().is_empty() {
            management.set_username(url.username()).unwrap();
            management.set_password(url.password()).unwrap();
        }
        Self { url, management: Management::new(&management), node: None }
    }

    fn private(options: &Options) -> Self {
        let node = Node::new(options);
        let own = &node.identity;
        let url = |scheme: &str, port: u16| format!("{scheme}://{USER}:{}@127.0.0.1:{port}", own.password);
        let amqp = Url::parse(&url("amqp", own.amqp_port)).unwrap();
        let management = Management::new(&Url::parse(&url("http", own.management_port)).unwrap());
        Self { url: amqp, management, node: Some(node) }
    }

    /// Starts the process and waits until the node is ready. What it wrote is the error.
    pub(crate) fn launch(&self) -> Result<(), String> {
        let node = self.own();
        node.launch();
        let begun = Instant::now();
        let ready = format!("health/checks/port-listener/{}", node.identity.amqp_port);
        while !self.management.is_ok(&ready) {
            if node.has_ended() || begun.elapsed() > DEADLINE {
                return Err(node.errors());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(())
    }

    /// An empty vhost with a name of its own, in which the broker's user may do everything.
    pub fn fresh_vhost(&self) -> Vhost {
        let name = unique("test");
        self.management.put(&format!("vhosts/{name}"), &json!({}));
        self.management.permit(&name, &self.management.user);
        Vhost::new(name, self)
    }

    /// The management API.
    pub fn management(&self) -> &Management {
        &self.management
    }

    /// Where AMQP is listened for without TLS. Put a [`crate::Proxy`] in front of it to break the network.
    pub fn address(&self) -> SocketAddr {
        address(&self.url)
    }

    /// The private node. Panics where `AMQP_URL` names another one.
    #[track_caller]
    pub(crate) fn own(&self) -> &Node {
        self.node.as_ref().expect("this is for a node of the test's own: use Broker::start, or unset AMQP_URL")
    }
}
