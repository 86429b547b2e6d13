//! A mill of its own for each test: folders, bus and warehouse below a temporary folder, driven through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, missing_docs)]

pub mod holder;
pub mod invariants;
pub mod moments;
mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

#[allow(unused_imports)]
pub use running::{Running, stop_all};

/// Longer than anything takes that is not stuck, on a busy machine with two cores.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub struct Mill {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Mill {
    /// An empty mill with the contracts and the dbt project of this repository.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("raw")).unwrap();
        let python = repository().join(".venv/bin/python");
        assert!(python.exists(), "dbt is not installed: run `make dbt`");
        let mut mill = Self { folder, env: Vec::new() };
        let at = |name: &str| mill.path(name).display().to_string();
        let ours = |name: &str| repository().join(name).display().to_string();
        let settings = [
            ("PATHS__RAW", at("raw")),
            ("PATHS__CONTRACTS", ours("data/sources")),
            ("BUS__URL", format!("sqlite:{}", at("bus.sqlite"))),
            ("WAREHOUSE__URL", format!("duckdb:{}", at("warehouse.duckdb"))),
            ("WATCH__SETTLE_MILLIS", "50".into()),
            ("WATCH__RESCAN_SECS", "1".into()),
            ("RETRY__FIRST_DELAY_MILLIS", "100".into()),
            ("TRANSFORM__PROJECT", ours("workers/transform/dbt")),
            ("TRANSFORM__SIDECAR", ours("workers/transform/sidecar/millrace_dbt.py")),
            ("TRANSFORM__PYTHON", ours(".venv/bin/python")),
            ("TRANSFORM__TARGET", at("dbt")),
            // Tests run beside each other, and most have nothing to ask.
            ("HTTP__LISTEN", "off".into()),
        ];
        for (name, value) in settings {
            mill.set(name, value);
        }
        mill
    }

    /// The same where kills are the test's own doing: they must not use up the tries of a message.
    pub fn patient() -> Self {
        let mut mill = Self::new();
        mill.set("RETRY__MAX_ATTEMPTS", "10000");
        mill.set("RETRY__MAX_DELAY_SECS", "1");
        mill
    }

    /// Sets `MILLRACE_<name>` for all that is started from now on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.set_variable(&format!("MILLRACE_{name}"), value);
    }

    /// Sets a variable of the environment for all that is started from now on.
    pub fn set_variable(&mut self, name: &str, value: impl Into<String>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.into(), value.into()));
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Drops a file into the raw folder as it should be done: written elsewhere, then renamed.
    pub fn drop_file(&self, uri: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.drop_as(uri, content, None)
    }

    /// The same with a modification time, in seconds since 1970.
    pub fn drop_file_of(&self, uri: &str, content: impl AsRef<[u8]>, secs: u64) -> PathBuf {
        self.drop_as(uri, content, Some(UNIX_EPOCH + Duration::from_secs(secs)))
    }

    fn drop_as(&self, uri: &str, content: impl AsRef<[u8]>, modified: Option<SystemTime>) -> PathBuf {
        let path = self.path("raw").join(uri);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let part = self.path("dropping.part");
        std::fs::write(&part, content).unwrap();
        if let Some(modified) = modified {
            std::fs::File::options().write(true).open(&part).unwrap().set_modified(modified).unwrap();
        }
        std::fs::rename(part, &path).unwrap();
        path
    }

    /// Sets a file's modification time.
    pub fn set_time(&self, uri: &str, secs: u64) {
        let file = std::fs::File::options().write(true).open(self.path("raw").join(uri)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
    }

    /// Drops the sample that ships.
    pub fn drop_sample(&self) {
        for name in ["materials.csv", "production_orders.csv", "batches.csv"] {
            let uri = format!("source_system/{name}");
            self.drop_file(&uri, std::fs::read(repository().join("data/raw").join(&uri)).unwrap());
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MILLRACE_")) {
            command.env_remove(name);
        }
        let telling = ["OTEL_", "TRACE", "OPENLINEAGE_"];
        for (name, _) in std::env::vars().filter(|(name, _)| telling.iter().any(|begin| name.starts_with(begin))) {
            command.env_remove(name);
        }
        command.env_remove("FAILPOINTS");
        command.envs(self.env.iter().cloned());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |mut from: Box<dyn std::io::Read + Send>| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                from.read_to_end(&mut text).unwrap();
                String::from_utf8_lossy(&text).into_owned()
            })
        };
        let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > DEADLINE {
                child.kill().unwrap();
                panic!("millrace {arguments:?} did not end; it wrote {}", stderr.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let code = child.wait().unwrap().code();
        Ended { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    /// Works off all that is there.
    pub fn once(&self) -> Ended {
        self.run(&["up", "--once"])
    }

    /// Starts a command that goes on; it is killed when what is returned is dropped.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_armed(arguments, "")
    }

    /// Starts these roles, and waits until each has said that it is ready.
    pub fn start_all(&self, roles: &[&str]) -> Vec<Running> {
        let ready = || self.log().matches("\"ready\"").count();
        let before = ready();
        let workers = roles.iter().map(|role| self.start(&[role])).collect();
        self.wait("workers that are ready", || ready() >= before + roles.len());
        workers
    }

    /// The same with failpoints armed: `commit:before=return` kills it there.
    pub fn start_armed(&self, arguments: &[&str], failpoints: &str) -> Running {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(arguments);
        if !failpoints.is_empty() {
            command.env("FAILPOINTS", failpoints);
        }
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Running(child)
    }

    /// What everything started so far has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A command's JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[&["--json"], arguments].concat());
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ended:?}"))
    }

    /// Rows of a query, every value as text, NULL as an empty one.
    pub fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.json(&["query", sql, "--limit", "100000"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.as_array().unwrap().iter().map(|row| row.as_object().unwrap().values().map(text).collect()).collect()
    }

    /// The one value of a query.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.query(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0][0].clone()
    }

    /// Waits until `condition` holds.
    #[track_caller]
    pub fn wait(&self, what: &str, condition: impl FnMut() -> bool) {
        wait(what, condition, || self.log());
    }

    /// A stage's queue, as `millrace queues` tells it.
    pub fn queue(&self, stage: &str) -> Value {
        let queues = self.json(&["queues"]);
        queues.as_array().unwrap().iter().find(|queue| queue["stage"] == stage).unwrap().clone()
    }

    /// Dead letters, newest first.
    pub fn dead(&self) -> Vec<Value> {
        self.json(&["dead", "list"]).as_array().unwrap().clone()
    }
}

#[track_caller]
pub fn wait(what: &str, mut condition: impl FnMut() -> bool, log: impl Fn() -> String) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen; the log: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program of the virtual environment, run to its end.
pub fn python(code: &str, arguments: &[&str]) -> Output {
    Command::new(repository().join(".venv/bin/python")).arg("-c").arg(code).args(arguments).output().unwrap()
}

pub const MATERIALS: &str = "material_id,material_name,material_type,unit_of_measure,standard_cost,currency,supplier_id,lead_time_days,created_at";

/// A good file of materials with these ids.
pub fn materials(ids: &[&str]) -> String {
    let rows = ids.iter().map(|id| format!("{id},Steel {id},RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n"));
    format!("{MATERIALS}\n{}", rows.collect::<String>())
}

/// A contract's text without the block that begins with this line and ends with an empty one.
pub fn without_block(text: &str, begin: &str) -> String {
    let Some((before, rest)) = text.split_once(&format!("\n{begin}\n")) else { return text.into() };
    let after = rest.find("\n\n").map_or("", |at| &rest[at..]);
    format!("{before}\n{after}")
}
