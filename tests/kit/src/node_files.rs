//! What a node reads when it starts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::broker::Options;
use crate::tls::Certificates;
use crate::{ports, unique};

/// The administrator of every node that the kit starts, and the common name of the client's certificate.
pub const USER: &str = "millrace";

/// What RabbitMQ 3.10's configuration file has no words for: how often a quorum queue tells its numbers, how often a
/// channel looks at its consumers' time-out (once a minute otherwise), and how often, in whole seconds, the management
/// API takes numbers over (each pair is how long it keeps them, and how often).
const ADVANCED: &str = "[
  {rabbit, [{quorum_tick_interval, 250}, {channel_tick_interval, 250}]},
  {rabbitmq_management_agent, [{sample_retention_policies,
    [{global, [{60, 1}]}, {basic, [{60, 1}]}, {detailed, [{60, 1}]}]}]}
].
";

/// What sets one node apart from every other one.
pub struct Identity {
    pub password: String,
    pub node_name: String,
    pub amqp_port: u16,
    pub management_port: u16,
    pub metrics_port: u16,
    pub tls_port: u16,
    pub distribution_port: u16,
    pub epmd_port: u16,
    /// The first of those through which `rabbitmqctl` speaks.
    pub ctl_port: u16,
}

impl Identity {
    pub fn new() -> Self {
        Self {
            password: unique("p"),
            node_name: format!("{}@localhost", unique("kit")),
            amqp_port: ports::free(),
            management_port: ports::free(),
            metrics_port: ports::free(),
            tls_port: ports::free(),
            distribution_port: ports::free(),
            epmd_port: ports::free(),
            ctl_port: ports::free(),
        }
    }
}

/// Writes configuration, plugins and cookie into `folder`.
pub fn write(folder: &Path, identity: &Identity, options: &Options, certificates: Option<&Certificates>) {
    let put = |name: &str, content: &str| fs::write(folder.join(name), content).unwrap();
    put("rabbitmq.conf", &configuration(identity, options, certificates));
    put("advanced.config", ADVANCED);
    let tls_plugin = if options.tls { ", rabbitmq_auth_mechanism_ssl" } else { "" };
    put("plugins", &format!("[rabbitmq_management, rabbitmq_prometheus{tls_plugin}].\n"));
    fs::create_dir(folder.join("home")).unwrap();
    put("home/.erlang.cookie", &unique("cookie"));
    // Erlang refuses a cookie that others may read.
    fs::set_permissions(folder.join("home/.erlang.cookie"), fs::Permissions::from_mode(0o400)).unwrap();
}

fn configuration(identity: &Identity, options: &Options, certificates: Option<&Certificates>) -> String {
    let Identity { password, amqp_port, management_port, metrics_port, tls_port, .. } = identity;
    let mut text = format!(
        "listeners.tcp.1 = 127.0.0.1:{amqp_port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {metrics_port}
default_user = {USER}
default_pass = {password}
collect_statistics_interval = 250
log.file = false
log.console = true
# Small machines run tests too: no alarm but those that a test asks for, and no large files.
disk_free_limit.absolute = 1MB
raft.wal_max_size_bytes = 67108864
"
    );
    if let Some(millis) = options.consumer_timeout_millis {
        text += &format!("consumer_timeout = {millis}\n");
    }
    if let Some(Certificates { ca, server_certificate, server_key, .. }) = certificates {
        let required = options.client_certificate_required;
        text += &format!(
            "listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {server_certificate}
ssl_options.keyfile = {server_key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = {required}
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
",
            ca = ca.display(),
            server_certificate = server_certificate.display(),
            server_key = server_key.display(),
        );
    }
    text
}
