//! Dry runs over RabbitMQ.

use crate::fleet::RabbitMill;
use crate::told::tells_and_changes_nothing;

#[test]
fn a_dry_run_of_every_stage_tells_and_changes_nothing() {
    let mut mill = RabbitMill::new();
    tells_and_changes_nothing(&mut mill);
}
