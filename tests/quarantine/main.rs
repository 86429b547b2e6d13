//! Files that are held back and rows that are set aside, on both buses, with a process per role: nobody sees them, nothing is
//! built of them, and what somebody decides is done once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../cancel/asked.rs"]
#[allow(dead_code)]
mod asked;
#[path = "../rabbitmq/fleet.rs"]
#[allow(dead_code)]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;
#[macro_use]
#[path = "../harness/on_both.rs"]
mod on_both;

mod decided;
mod held;
mod rejected;
mod scene;

use fleet::RabbitMill;
use harness::Mill;

mod on {
    on_both!(held: a_gate_decides_before_anybody_sees_the_rows, held_released_and_judged, held_and_given_up,
        a_mended_file_under_the_same_load_id, a_cancelled_reload_leaves_what_is_held);
    on_both!(decided: of_two_decisions_at_once_one_holds, a_worker_dies_with_a_decision,
        a_worker_dies_while_it_holds_back);
    on_both!(rejected: rows_that_are_set_aside_are_shown);
}
