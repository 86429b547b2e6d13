//! Loads that are judged together.
//!
//! First all of them are measured, then each is judged as if those with older data had been judged and recorded before it: what
//! is usual is learned from the audit, where their verdicts do not stand yet.

use std::sync::Arc;

use checks::{Deliveries, Scans, Subject, TablePlan, Together, judge};
use chrono::{DateTime, Utc};
use messages::{CheckOutcome, Failure, FailureClass, MessageId};
use runtime::Work;
use tracing::Instrument;

/// What was found for one message.
pub(crate) struct Measured<'n, 'w> {
    pub(crate) work: &'w Work,
    tables: &'n [Arc<TablePlan>],
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: DateTime<Utc>,
    /// Of its tables one after the other.
    pub(crate) checks: Vec<CheckOutcome>,
}

/// What the checks of these messages find, and which messages were taken back meanwhile: these teach the others nothing.
///
/// A cancel that comes later than this does not change what the others learned; its load is the same all the same.
pub(crate) async fn measure<'n, 'w>(
    named: &'n [(&'w Work, Vec<Arc<TablePlan>>)],
    deliveries: &Deliveries,
    scans: &mut Scans<'_>,
) -> Result<(Vec<Measured<'n, 'w>>, Vec<(MessageId, Failure)>), Failure> {
    let (mut measured, mut cancelled) = (Vec::with_capacity(named.len()), Vec::new());
    for (work, tables) in named {
        let started_at = Utc::now();
        match outcomes(work, tables, deliveries, started_at, scans).await {
            Err(failure) if failure.class == FailureClass::Cancelled => cancelled.push((work.envelope.id, failure)),
            checks => {
                let (checks, finished_at) = (checks?, Utc::now());
                measured.push(Measured { work, tables, started_at, finished_at, checks });
            }
        }
    }
    measured.retain(|one| match one.work.cancel.check() {
        Ok(()) => true,
        Err(failure) => {
            cancelled.push((one.work.envelope.id, failure));
            false
        }
    });
    if measured.len() > 1 {
        learn(&mut measured, deliveries, scans).await?;
    }
    Ok((measured, cancelled))
}

/// Judges again what may learn from the others. Nothing is measured for it: the statements are the same ones.
async fn learn(
    measured: &mut [Measured<'_, '_>],
    deliveries: &Deliveries,
    scans: &mut Scans<'_>,
) -> Result<(), Failure> {
    let mut together = Together::default();
    for one in &*measured {
        let mut rest = one.checks.as_slice();
        for table in one.tables {
            let (of_table, others) = rest.split_at(table.len());
            together.add(&one.subject(table, deliveries), of_table);
            rest = others;
        }
    }
    for one in measured {
        let mut checks = Vec::with_capacity(one.checks.len());
        for table in one.tables {
            let of_table = checks.len()..checks.len() + table.len();
            checks.extend(match together.knows(&table.table().table) {
                true => {
                    let subject = one.subject(table, deliveries).beside(&together);
                    judge(table, &subject, scans).instrument(one.work.span.clone()).await?
                }
                false => one.checks[of_table].to_vec(),
            });
        }
        one.checks = checks;
    }
    Ok(())
}

impl Measured<'_, '_> {
    fn subject<'a>(&'a self, table: &'a TablePlan, deliveries: &'a Deliveries) -> Subject<'a> {
        deliveries.subject(table.table(), self.work.envelope.load_id(), self.started_at)
    }
}

/// What the checks of these tables find for the message's load. Ends between two tables once the message is taken back.
pub(crate) async fn outcomes(
    work: &Work,
    tables: &[Arc<TablePlan>],
    deliveries: &Deliveries,
    at: DateTime<Utc>,
    scans: &mut Scans<'_>,
) -> Result<Vec<CheckOutcome>, Failure> {
    let mut checks = Vec::new();
    for table in tables {
        work.cancel.check()?;
        let subject = deliveries.subject(table.table(), work.envelope.load_id(), at);
        checks.extend(judge(table, &subject, scans).instrument(work.span.clone()).await?);
    }
    Ok(checks)
}
