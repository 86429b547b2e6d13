//! An emulator of Snowflake for tests.

mod control;
mod fault;
mod options;
mod process;

use std::sync::OnceLock;

pub use control::Statement;
pub use fault::{EmulatorFault, Place};
pub use options::{Aborted, EmulatorOptions};

use control::Control;
use process::Process;

/// A stand-in for Snowflake: `tests/snowflake`, whose README tells what it can't prove.
///
/// It listens on the loopback interface only, on a port of its own, and is ended when this is dropped or the test process
/// goes away, by `SIGKILL` too. Databases are made by the login that first names one: give each test its own.
pub struct Emulator {
    process: Process,
    control: Control,
}

impl Emulator {
    /// The account that variables name.
    pub const ACCOUNT: &str = "TESTACCOUNT";
    /// Its only user.
    pub const USER: &str = "MILLRACE";
    /// The role that variables name; `PUBLIC` is there too.
    pub const ROLE: &str = "MILLRACE_LOADER";
    /// Its only warehouse.
    pub const WAREHOUSE: &str = "MILLRACE_WH";

    /// Starts one, and returns once it answers (two seconds).
    #[track_caller]
    pub fn start(options: &EmulatorOptions) -> Self {
        // Somebody may take the port before it does.
        let mut tries_left = 3;
        loop {
            match Process::start(options) {
                Ok(process) => return Self { control: Control::new(process.port), process },
                Err(log) if tries_left > 0 && log.contains("address already in use") => tries_left -= 1,
                Err(log) => panic!("the emulator of Snowflake did not start; it wrote: {log}"),
            }
        }
    }

    /// The one that all tests of this process share, started at the first call. Its faults strike whoever comes first:
    /// arm them in one of your own ([`Emulator::start`]), or with the text of a statement that only you send.
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&EmulatorOptions::default()))
    }

    /// What millrace reads from its environment, for a database, with the password.
    pub fn variables(&self, database: &str) -> Vec<(String, String)> {
        let mut all = self.variables_without_secret(database);
        all.push(("SNOWFLAKE_PASSWORD".into(), self.password().into()));
        all
    }

    /// [`Emulator::variables`] without the password, for who logs in with a key.
    pub fn variables_without_secret(&self, database: &str) -> Vec<(String, String)> {
        let port = self.port().to_string();
        let all = [
            ("ACCOUNT", Self::ACCOUNT),
            ("USER", Self::USER),
            ("ROLE", Self::ROLE),
            ("WAREHOUSE", Self::WAREHOUSE),
            ("DATABASE", database),
            ("HOST", "127.0.0.1"),
            ("PORT", &port),
            ("PROTOCOL", "http"),
        ];
        all.map(|(name, value)| (format!("SNOWFLAKE_{name}"), value.to_owned())).into()
    }

    /// Its port of the loopback interface.
    pub fn port(&self) -> u16 {
        self.process.port
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The password of [`Emulator::USER`].
    pub fn password(&self) -> &str {
        &self.process.password
    }

    /// Arms a fault, which strikes after those that are armed already.
    #[track_caller]
    pub fn fault(&self, fault: &EmulatorFault) {
        self.control.fault(fault);
    }

    /// Disarms all faults.
    #[track_caller]
    pub fn clear(&self) {
        self.control.clear();
    }

    /// The statements that were sent in sessions of a database, in the order in which they ended.
    #[track_caller]
    pub fn statements(&self, database: &str) -> Vec<Statement> {
        self.control.statements(database)
    }

    /// Forgets the statements of a database.
    #[track_caller]
    pub fn forget_statements(&self, database: &str) {
        self.control.forget_statements(database);
    }

    /// How often something was done since the start: `logins`, `refused_logins`, `renewals`, `queries`, `polls`,
    /// `chunks`, `uploads`, `upload_bytes`, `closes`, `copied_files`, `copied_rows`, `replays`, `faults`.
    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        self.control.count(name)
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        self.process.program.log()
    }

    /// Its process id, for tests that look at it.
    pub fn process_id(&self) -> u32 {
        self.process.program.process_id()
    }

    /// Where its files lie.
    pub fn folder(&self) -> &std::path::Path {
        self.process.program.folder()
    }
}
