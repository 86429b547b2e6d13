//! How the data would be judged, told without recording it.

use std::sync::Arc;

use checks::{Deliveries, Scans, TablePlan};
use chrono::Utc;
use messages::{CheckOutcome, DqDryRunCompleted, Failure, FailureClass, Message, Verdict};
use runtime::Work;

use crate::DqHandler;
use crate::handler::{Answer, sources};
use crate::report;
use crate::together::outcomes;
use crate::verdict::told;

impl DqHandler {
    /// Runs the checks that the message names, and writes nothing.
    ///
    /// # Errors
    /// What another try may mend, and what stops the worker. Everything else is part of the answer.
    pub(crate) async fn try_out(&self, work: &Work) -> Answer {
        let started_at = Utc::now();
        let told = match self.checks(work).await {
            Ok(checks) => verdict(work, checks),
            Err(failure) if failure.class == FailureClass::Permanent => unjudged(work, &failure),
            Err(failure) => return Err(failure),
        };
        report::dry_run(work, &told, started_at);
        Ok(told.into())
    }

    async fn checks(&self, work: &Work) -> Result<Vec<CheckOutcome>, Failure> {
        let tables = self.plan.named(sources(&work.envelope)?)?;
        let deliveries = self.deliveries(work).await?;
        let checks = self.outcomes(work, &tables, &deliveries).await?;
        if Verdict::over(&checks) != Verdict::Failed {
            return Ok(checks);
        }
        // As where the verdict counts: a newer command may have replaced a slice between the two looks.
        let now = self.deliveries(work).await?;
        if now == deliveries { Ok(checks) } else { self.outcomes(work, &tables, &now).await }
    }

    async fn deliveries(&self, work: &Work) -> Result<Deliveries, Failure> {
        Ok(Deliveries::read(&self.ledger, [work.envelope.load_id()]).await?)
    }

    async fn outcomes(
        &self,
        work: &Work,
        tables: &[Arc<TablePlan>],
        deliveries: &Deliveries,
    ) -> Result<Vec<CheckOutcome>, Failure> {
        outcomes(work, tables, deliveries, Utc::now(), &mut Scans::new(&self.ledger)).await
    }
}

/// The answer of a dry run that is given up.
pub(crate) fn not_judged(work: &Work, failure: &Failure) -> Message {
    unjudged(work, failure).into()
}

fn unjudged(work: &Work, failure: &Failure) -> DqDryRunCompleted {
    let load_id = work.envelope.load_id().clone();
    DqDryRunCompleted { load_id, verdict: None, checks: Vec::new(), failure: Some(failure.clone()) }
}

/// What would be announced of these outcomes, as an answer.
fn verdict(work: &Work, checks: Vec<CheckOutcome>) -> DqDryRunCompleted {
    let verdict = Verdict::over(&checks);
    let failure = (verdict == Verdict::Failed).then(|| Failure::permanent(told(&checks)));
    DqDryRunCompleted { load_id: work.envelope.load_id().clone(), verdict: Some(verdict), checks, failure }
}
