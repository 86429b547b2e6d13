//! Commands that are taken back, on both buses, with a process per role: whatever the moment, a command ends once, its answer
//! says what the audit says, and nothing is left in a queue or dead.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../rabbitmq/fleet.rs"]
#[allow(dead_code)]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;
#[macro_use]
#[path = "../harness/on_both.rs"]
mod on_both;

mod asked;
mod building;
mod loading;
mod moments;
mod waiting;

use fleet::RabbitMill;
use harness::Mill;

mod on {
    on_both!(waiting: a_build_that_nobody_has_begun, a_load_that_nobody_has_begun, what_has_ended_stays);
    on_both!(loading: a_big_file_in_hand, one_of_many_files);
    on_both!(building: a_build_in_hand, a_build_whose_worker_died);
    on_both!(moments: whatever_the_moment_a_command_ends_once);
}
