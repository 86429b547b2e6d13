//! What every bus must pass. A new bus implements [`Fixture`] and writes `conformance_tests!(fresh())` in a test.
//!
//! Nothing here sleeps for luck: what must come has a generous deadline, and what must not come is shown, where it
//! can be, by what comes in its place.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod close;
pub mod dead;
pub mod deliver;
pub mod depths;
pub mod listen;
pub mod pause;
pub mod settle;
pub mod share;
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use messages::Stage;

use crate::Bus;

pub use support::{SOON, envelope, fresh_load_id, next, nothing_comes};

/// A fresh, empty bus that lasts as long as this value.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens a handle on the bus, as a process of its own would.
    async fn open(&self, worker: &str) -> Arc<dyn Bus>;

    /// Puts any bytes into a stage's queue, as a foreign program might.
    async fn publish_raw(&self, stage: Stage, body: &[u8]);
}

/// Makes one test of each case. Takes an expression that gives a future of a fresh [`Fixture`].
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests! { @ $fixture;
            deliver: what_is_published_is_delivered
            deliver: a_message_outlives_its_sender
            deliver: each_type_goes_to_its_stage
            deliver: an_announcement_that_nobody_hears_is_dropped
            deliver: the_oldest_comes_first
            deliver: a_waiting_consumer_is_woken
            deliver: a_body_of_one_megabyte_arrives
            deliver: garbage_is_delivered_buried_and_replayed
            deliver: an_id_published_twice_is_delivered_twice
            share: each_message_goes_to_one_consumer
            share: prefetch_is_the_most_in_hand
            share: a_prefetch_of_nothing_is_one
            share: next_can_be_cancelled
            share: a_dropped_consumer_gives_back_what_it_fetched
            share: what_a_dropped_consumer_handed_out_stays_in_hand
            settle: dropped_it_comes_again_uncounted
            settle: given_back_it_comes_again_at_once_uncounted
            settle: retried_it_comes_after_the_delay_counted
            settle: a_retry_lets_others_pass
            settle: attempts_add_up
            dead: a_dead_letter_tells_its_story
            dead: dead_letters_come_newest_first_of_one_stage_or_all
            dead: replayed_it_starts_anew
            dead: purged_it_is_gone
            dead: many_are_replayed_or_purged_together
            dead: unknown_ids_change_nothing
            listen: a_listener_hears_its_load_and_types
            listen: a_listener_hears_only_what_comes_after
            listen: a_listener_takes_nothing_from_the_stage
            listen: listeners_hear_a_copy_each
            listen: what_a_listener_dropped_never_comes_again
            listen: a_listener_leaves_nothing_behind
            listen: a_listener_to_all_hears_every_load_once
            listen: a_listener_to_all_takes_nothing_and_leaves_nothing
            depths: depths_tell_where_every_message_is
            depths: depths_tell_who_consumes
            depths: the_oldest_tells_its_age_and_stays
            depths: the_check_names_the_bus
            pause: paused_it_keeps_everything_and_resumed_it_goes_on
            pause: what_is_in_hand_is_finished_while_paused
            pause: a_pause_is_seen_by_others_and_outlives_them
            pause: to_pause_twice_changes_nothing
            pause: a_pause_leaves_other_stages_alone
            close: closed_it_gives_back_what_was_dropped
        }
    };
    (@ $fixture:expr; $($group:ident: $case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$group::$case(&$fixture.await).await;
            }
        )+
    };
}
