//! Nothing of an emulator of Snowflake stays behind when its test process goes away.
#![allow(clippy::unwrap_used, missing_docs)]

mod orphan;

use millrace_testkit::{Emulator, EmulatorOptions};

/// Run by the other test, in a process of its own.
#[test]
fn child() {
    if orphan::is_child() {
        let emulator = Emulator::start(&EmulatorOptions::default());
        orphan::tell(emulator.process_id(), emulator.folder());
    }
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    orphan::killed_child_leaves_nothing();
}
