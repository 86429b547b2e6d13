//! A source that does not deliver is told of, on both buses, and one that does is not.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../health/asking.rs"]
#[allow(dead_code)]
mod asking;
#[path = "../rabbitmq/fleet.rs"]
#[allow(dead_code)]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;

mod heard;
mod overdue;

use fleet::RabbitMill;
use harness::Mill;

/// A test of each of these, on the embedded bus and on RabbitMQ.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod embedded {
            $(#[test]
            fn $case() {
                crate::overdue::$case(&mut crate::Mill::new());
            })+
        }
        mod rabbitmq {
            $(#[test]
            fn $case() {
                crate::overdue::$case(&mut crate::RabbitMill::new());
            })+
        }
    };
}

on_both!(
    what_did_not_come_is_told_under_one_id_until_it_comes,
    who_never_delivered_is_told_of,
    while_the_warehouse_is_away_nobody_is_told_of,
);
