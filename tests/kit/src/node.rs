//! The processes of a private node, and the folder that they live in.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::broker::Options;
use crate::node_files::{self, Identity};
use crate::tls::Certificates;
use crate::{find, wait_for};

pub struct Node {
    pub identity: Identity,
    pub certificates: Option<Certificates>,
    folder: PathBuf,
    programs: PathBuf,
    supervisor: Child,
    commands: Mutex<Option<ChildStdin>>,
}

impl Node {
    /// Makes the folder and starts the supervisor, which removes it; the node is started by [`Node::launch`].
    pub fn new(options: &Options) -> Self {
        let programs = find::rabbitmq();
        let folder = tempfile::Builder::new().prefix("millrace-rabbitmq-").tempdir().unwrap();
        let identity = Identity::new();
        let certificates = options.tls.then(|| Certificates::new(folder.path()));
        node_files::write(folder.path(), &identity, options, certificates.as_ref());
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("supervise.sh")).arg("millrace-rabbitmq");
        command.arg(folder.path()).arg(programs.join("rabbitmq-server")).arg(find::epmd());
        set_environment(&mut command, folder.path(), &identity);
        // Its own process group, out of reach of a Ctrl-C; nothing of the test's own output stays open for it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut supervisor = command.spawn().expect("/bin/sh could not be started");
        let commands = Mutex::new(supervisor.stdin.take());
        Self { identity, certificates, folder: folder.keep(), programs, supervisor, commands }
    }

    /// Starts the node's process, and returns at once.
    pub fn launch(&self) {
        for old in ["pid", "ended"] {
            let _ = fs::remove_file(self.folder.join(old));
        }
        self.command("start");
        wait_for("start of RabbitMQ's process", || self.folder.join("pid").exists().then_some(()));
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&self) {
        self.end("kill");
    }

    /// SIGTERM, upon which RabbitMQ shuts down in order, and waits for the end.
    pub fn stop(&self) {
        self.end("stop");
    }

    pub fn has_ended(&self) -> bool {
        self.folder.join("ended").exists()
    }

    fn end(&self, how: &str) {
        self.command(how);
        wait_for("end of RabbitMQ's process", || self.has_ended().then_some(()));
    }

    fn command(&self, line: &str) {
        let mut commands = self.commands.lock().unwrap();
        writeln!(commands.as_mut().unwrap(), "{line}").expect("the supervisor of RabbitMQ is gone");
    }

    /// Runs `rabbitmqctl`, and returns what it wrote. Panics where it fails.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.programs.join("rabbitmqctl"));
        set_environment(&mut command, &self.folder, &self.identity);
        let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmqctl {arguments:?} failed: {stdout}{stderr}");
        stdout
    }

    /// All that the node wrote so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("console.log")).unwrap_or_default()
    }

    /// The first errors that the node wrote, or its last lines where it wrote none.
    pub fn errors(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(20)..];
        // What follows the first errors is Erlang's account of everything that fell with it.
        let errors: Vec<_> = lines.iter().filter(|line| line.contains("[error]")).take(20).copied().collect();
        if errors.is_empty() { last.join("\n") } else { errors.join("\n") }
    }

    pub fn process_id(&self) -> u32 {
        fs::read_to_string(self.folder.join("pid")).unwrap().trim().parse().unwrap()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The end of the pipe is the supervisor's sign to end everything.
        *self.commands.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        let _ = self.supervisor.wait();
    }
}

fn set_environment(command: &mut Command, folder: &Path, identity: &Identity) {
    // What belongs to another node of this machine is no business of ours.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_")) {
        command.env_remove(name);
    }
    let loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
    let ports = [identity.distribution_port, identity.epmd_port, identity.ctl_port, identity.ctl_port + 20];
    let [distribution, epmd, ctl_first, ctl_last] = ports.map(|port| port.to_string());
    let below = |name: &str| folder.join(name).display().to_string();
    command.current_dir(folder).envs([
        ("HOME", below("home")),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
        ("ERL_EPMD_PORT", epmd),
        ("LC_ALL", "C.UTF-8".into()),
        ("RABBITMQ_NODENAME", identity.node_name.clone()),
        ("RABBITMQ_DIST_PORT", distribution),
        ("RABBITMQ_CTL_DIST_PORT_MIN", ctl_first),
        ("RABBITMQ_CTL_DIST_PORT_MAX", ctl_last),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback.into()),
        ("RABBITMQ_CTL_ERL_ARGS", loopback.into()),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ("RABBITMQ_CONFIG_FILE", below("rabbitmq.conf")),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", below("advanced.config")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", below("plugins")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", below("generated")),
        ("RABBITMQ_MNESIA_BASE", below("data")),
        ("RABBITMQ_LOG_BASE", below("log")),
        ("RABBITMQ_PID_FILE", below("rabbitmq.pid")),
        // Makes the script become the Erlang machine instead of waiting for it: its process id is the one to kill.
        ("RUNNING_UNDER_SYSTEMD", "true".into()),
    ]);
}
