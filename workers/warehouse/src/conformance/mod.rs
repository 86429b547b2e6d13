//! The suite that every warehouse must pass.
//!
//! A warehouse's test names a function that gives a fresh, empty one, and gets a test per case:
//!
//! ```ignore
//! async fn fresh() -> (impl Sized, Arc<dyn Warehouse>) { … }
//! warehouse::conformance!(fresh);
//! ```
//!
//! What the function gives first is kept until the case is over (a temporary folder, say).

// These are tests, in a library so that they can be shared: a broken expectation is what they are for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod cancels;
pub mod generations;
pub mod kit;
pub mod ledger;
pub mod loads;
pub mod quarantine;
pub mod reading;
pub mod remarks;
pub mod tables;

/// A test per case, for the warehouses that `$fresh` gives.
#[macro_export]
macro_rules! conformance {
    ($fresh:ident) => {
        $crate::conformance!($fresh, tables:
            prepare_twice_changes_nothing, contract_gains_a_column, contract_changes_its_mode, evolved_columns_stay_in_the_view,
            names_that_sql_reserves, contracts_that_can_not_be);
        $crate::conformance!($fresh, loads:
            rows_show_in_the_view, reload_replaces_only_its_slice, older_data_never_moves_the_view,
            failing_source_leaves_nothing, failing_end_leaves_nothing, count_mismatch_fails,
            same_command_loads_once, older_command_is_fenced, newer_plan_fences,
            any_load_id_survives, two_loads_of_one_slice_leave_one, empty_is_null, many_rows);
        $crate::conformance!($fresh, generations:
            run_shows_when_complete, reload_keeps_the_old_until_complete,
            increment_shows_every_file, increment_reload_and_newer, gap_in_a_run_stays_hidden);
        $crate::conformance!($fresh, reading:
            query_gives_text, query_refuses_writes, query_stops_at_max_rows, order_is_kept,
            transact_is_all_or_nothing, lend_blocks_and_releases, close_is_harmless, check_tells);
        $crate::conformance!($fresh, ledger:
            plan_is_made_once, long_plan, failure_is_recorded, run_state_tells, recent_is_newest_first,
            newest_line_of_each_file, freshness_of_each_source, stages_and_quality, hard_texts_survive, audit_and_rows_together);
        $crate::conformance!($fresh, cancels:
            a_command_that_was_taken_back_loads_nothing, what_was_loaded_stays, what_had_failed_may_be_loaded_again,
            cancelled_is_for_good, loaded_or_cancelled_and_never_both, no_plan_after_a_cancel,
            planned_or_cancelled_and_never_both, half_a_run_stays_hidden, a_cancel_is_known_once,
            a_stage_ends_once_whichever_was_first);
        $crate::conformance!($fresh, quarantine:
            a_gate_that_objects_holds_the_load_back, a_gate_that_passes_writes_its_checks,
            what_a_reader_objects_to_is_held, a_question_that_is_refused_holds_the_load,
            a_gate_can_not_write, a_run_is_judged_whole, a_run_of_held_files, release_makes_it_current,
            an_increment_is_held_and_released, discard_removes_the_rows, the_first_decision_holds,
            two_decisions_at_once, a_newer_command_supersedes_what_is_held, a_cancelled_reload_leaves_what_is_held, held_is_an_end);
        $crate::conformance!($fresh, remarks:
            rejected_rows_are_kept, many_rejected_rows, shape_changes_are_kept);
    };
    ($fresh:ident, $group:ident: $($case:ident),+ $(,)?) => {
        mod $group {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let (_guard, warehouse) = super::$fresh().await;
                    $crate::conformance::$group::$case(warehouse).await;
                }
            )+
        }
    };
}
