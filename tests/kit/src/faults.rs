//! What a private node can be made to suffer.

use crate::broker::Broker;
use crate::node_files::USER;
use crate::tls::Certificates;
use crate::wait;

impl Broker {
    /// SIGKILL, and waits until the process is gone. Connections to it are reset.
    ///
    /// About a second before, the node is made to write down which quorum queues it has. RabbitMQ 3.10 does so up to 3 s
    /// after it has declared one, and a queue that is not in that list is empty after the restart, whatever was
    /// confirmed: tests that declare and kill would fail by chance.
    #[track_caller]
    pub fn kill(&self) {
        self.ctl(&["eval", "[ok = dets:sync(Table) || Table <- dets:all()]."]);
        self.own().kill();
    }

    /// [`Broker::kill`] without that second: at once, and with what it may lose.
    #[track_caller]
    pub fn kill_now(&self) {
        self.own().kill();
    }

    /// Shuts the node down in order, and waits for its end (6 s with RabbitMQ 3.10).
    #[track_caller]
    pub fn stop(&self) {
        self.own().stop();
    }

    /// Starts the node again with the same data and ports, and waits until it accepts connections. One that still runs
    /// is shut down in order before.
    #[track_caller]
    pub fn restart(&self) {
        if !self.own().has_ended() {
            self.stop();
        }
        self.launch().unwrap_or_else(|log| panic!("RabbitMQ did not start again; it wrote: {log}"));
    }

    /// Sets or clears the memory alarm, which blocks every connection that publishes, and waits until it is so.
    #[track_caller]
    pub fn memory_alarm(&self, on: bool) {
        self.ctl(&["set_vm_memory_high_watermark", if on { "0" } else { "0.4" }]);
        wait("change of the memory alarm", || self.management.get("nodes")[0]["mem_alarm"] == on);
    }

    /// Runs `rabbitmqctl` on the node, and returns what it wrote.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.own().ctl(arguments)
    }

    /// The certificates of a node that was started with `tls`.
    #[track_caller]
    pub fn certificates(&self) -> &Certificates {
        self.own().certificates.as_ref().expect("this node has no certificates: start it with tls: true")
    }

    /// `amqps://user:password@localhost:port/vhost` of a node that was started with `tls`.
    #[track_caller]
    pub fn tls_url(&self, vhost: &str) -> String {
        self.certificates();
        let own = &self.own().identity;
        format!("amqps://{USER}:{}@localhost:{}/{vhost}", own.password, own.tls_port)
    }

    /// Where Prometheus finds the node's metrics: `http://host:port/metrics`.
    #[track_caller]
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.own().identity.metrics_port)
    }

    /// What the node has logged so far, over all its starts.
    #[track_caller]
    pub fn log(&self) -> String {
        self.own().log()
    }

    /// The process id of the node, for tests that look at it.
    #[track_caller]
    pub fn process_id(&self) -> u32 {
        self.own().process_id()
    }

    /// Where the node's files lie.
    #[track_caller]
    pub fn folder(&self) -> &std::path::Path {
        self.own().folder()
    }
}
