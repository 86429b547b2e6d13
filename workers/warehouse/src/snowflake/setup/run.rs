//! Running the statements, one after the other.

use super::Step;
use crate::WarehouseError;

/// Runs every step that is no suggestion, in one session of an administrator. `execute` runs one statement; `done` hears of
/// each step that succeeded, with how many there are in all.
///
/// # Errors
/// The first step that failed, and what to do. Those before it stay done, and running all again goes on from there.
pub async fn run(
    steps: &[Step],
    execute: impl AsyncFn(&str) -> Result<(), WarehouseError>,
    mut done: impl FnMut(usize, usize, &Step),
) -> Result<(), WarehouseError> {
    let steps: Vec<_> = steps.iter().filter(|step| !step.optional).collect();
    for (number, step) in (1..).zip(&steps) {
        // Before every step and not only where it changes: a session that was opened anew has forgotten it.
        let role = execute(&format!("USE ROLE {}", step.role)).await.map_err(|error| {
            let cure = format!(
                "the user who runs this (SNOWFLAKE_ADMIN_USER) needs the role {}: log in as one who has it, or ACCOUNTADMIN",
                step.role
            );
            failed(step, number, steps.len(), error, &cure)
        });
        role?;
        execute(&step.sql).await.map_err(|error| {
            let cure = format!(
                "see whether the object is there already and belongs to another role than {}, or hand what `millrace setup \
                snowflake --print` prints to an administrator; all before it is done, and may be run again",
                step.role
            );
            failed(step, number, steps.len(), error, &cure)
        })?;
        done(number, steps.len(), step);
    }
    Ok(())
}

/// The same class of error, with the step in its text.
fn failed(step: &Step, number: usize, of: usize, error: WarehouseError, cure: &str) -> WarehouseError {
    let what = format!("step {number} of {of} ({}, as {})", step.sql, step.role);
    match error {
        WarehouseError::Unavailable(why) => {
            WarehouseError::Unavailable(format!("{what} was not run: {why}; run it again"))
        }
        WarehouseError::Held(why) => WarehouseError::Held(format!("{what} was not run: {why}; run it again")),
        WarehouseError::Configuration(why) => {
            WarehouseError::Configuration(format!("{what} was not run: {why}; {cure}"))
        }
        WarehouseError::Statement(why) => WarehouseError::Statement(format!("{what} was refused: {why}; {cure}")),
        WarehouseError::Source(failure) => WarehouseError::Source(failure),
    }
}
