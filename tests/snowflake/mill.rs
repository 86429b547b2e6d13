//! A mill on RabbitMQ whose warehouse is a database at the emulator.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

use testkit::{Emulator, EmulatorOptions};

use crate::fleet::RabbitMill;

pub struct SnowMill {
    mill: RabbitMill,
    emulator: &'static Emulator,
    pub database: String,
}

impl SnowMill {
    /// At the emulator that the tests of this program share.
    pub fn new() -> Self {
        Self::on(RabbitMill::new())
    }

    /// The same where kills are the test's own doing.
    pub fn patient() -> Self {
        Self::on(RabbitMill::patient())
    }

    /// At an emulator of its own, whose counts are of nobody else.
    pub fn alone() -> Self {
        Self::at(RabbitMill::new(), Box::leak(Box::new(Emulator::start(&EmulatorOptions::default()))))
    }

    fn on(mill: RabbitMill) -> Self {
        Self::at(mill, shared())
    }

    fn at(mut mill: RabbitMill, emulator: &'static Emulator) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let database = format!("PLANT_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        mill.set("WAREHOUSE__URL", "snowflake:");
        // Some builds at the emulator were seen to hang, why is not known: such a one is ended, and tried again in the test's time.
        mill.set("TRANSFORM__TIMEOUT_SECS", "60");
        for (name, value) in emulator.variables(&database) {
            mill.set_variable(&name, value);
        }
        Self { mill, emulator, database }
    }

    pub fn emulator(&self) -> &'static Emulator {
        self.emulator
    }

    /// What was sent by millrace itself, in the order in which it ended: the statements of sessions that dbt has no part in,
    /// which marks nearly all of its own.
    pub fn sent(&self) -> Vec<String> {
        let all = self.emulator.statements(&self.database);
        let of_dbt = all.iter().filter(|statement| statement.sql.contains("\"app\": \"dbt\""));
        let of_dbt: BTreeSet<u64> = of_dbt.map(|statement| statement.session).collect();
        let ours = all.iter().filter(|statement| !of_dbt.contains(&statement.session));
        ours.map(|statement| statement.sql.trim().to_owned()).collect()
    }
}

/// A killed worker's transaction is ended soon: the service waits for minutes.
fn shared() -> &'static Emulator {
    static SHARED: std::sync::OnceLock<Emulator> = std::sync::OnceLock::new();
    let options = EmulatorOptions { idle_abort_secs: Some(1.0), ..EmulatorOptions::default() };
    SHARED.get_or_init(|| Emulator::start(&options))
}

impl Deref for SnowMill {
    type Target = RabbitMill;
    fn deref(&self) -> &RabbitMill {
        &self.mill
    }
}

impl DerefMut for SnowMill {
    fn deref_mut(&mut self) -> &mut RabbitMill {
        &mut self.mill
    }
}
