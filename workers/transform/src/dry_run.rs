//! What a command would build, told without building it.

use std::time::Instant;

use messages::{Envelope, Failure, FailureClass, NodeOutcome, TransformDryRunCompleted, TransformDryRunRequested};
use runtime::{Handled, Work};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use warehouse::Ledger;

use crate::TransformHandler;
use crate::builder::Builder;
use crate::dbt::{BuildReport, DbtError, Op};
use crate::handler::{SENDER, until_taken_back};
use crate::report;
use crate::wish::Wish;

/// What would be built, and why that would fail.
type Plan = (Vec<NodeOutcome>, Option<Failure>);

impl TransformHandler {
    /// Tells what the command would build. Nothing is recorded, and nothing follows from the answer. Commands that wait
    /// together are built together, dry runs are not: each is told its own.
    ///
    /// # Errors
    /// What another try may mend, and what stops the worker. Everything else is part of the answer.
    pub(crate) async fn try_out(
        &mut self,
        work: &Work,
        command: &TransformDryRunRequested,
    ) -> Result<Handled, Failure> {
        let begun = Instant::now();
        let wish = Wish { sources: command.sources.clone(), full_refresh: command.full_refresh };
        let span = report::planning(work, &wish.sources);
        let stop = CancellationToken::new();
        let planning = self.builder.plan(&self.ledger, &wish, &stop).instrument(span.clone());
        let (nodes, failure) = match until_taken_back(&[work], &stop, planning).await {
            Ok(plan) => plan,
            Err(failure) if failure.class == FailureClass::Permanent => (Vec::new(), Some(failure)),
            Err(failure) => return Err(work.cancel.heard().unwrap_or(failure)),
        };
        let told = event(command, nodes, failure);
        report::planned(&span, &told, begun.elapsed());
        Ok(vec![work.envelope.leads_to(SENDER, told)].into())
    }
}

/// The answer of a dry run that is given up.
pub(crate) fn given_up(envelope: &Envelope, command: &TransformDryRunRequested, failure: &Failure) -> Handled {
    vec![envelope.leads_to(SENDER, event(command, Vec::new(), Some(failure.clone())))].into()
}

fn event(
    command: &TransformDryRunRequested,
    nodes: Vec<NodeOutcome>,
    failure: Option<Failure>,
) -> TransformDryRunCompleted {
    let sources = command.sources.clone();
    TransformDryRunCompleted { load_id: command.load_id.clone(), sources, nodes, failure }
}

impl Builder {
    /// What [`Builder::build`] would build. dbt looks into the warehouse while it compiles, so it is lent.
    async fn plan(&mut self, ledger: &Ledger, wish: &Wish, stop: &CancellationToken) -> Result<Plan, Failure> {
        let request = self.request(wish)?;
        let lent = self.lent(ledger, stop).await?;
        let planned = self.when_free(Op::Plan, &request, stop).await;
        drop(lent);
        match planned {
            Ok(report) => Ok((nodes(&report), None)),
            Err(DbtError::Failed { report, message }) => Ok((nodes(&report), Some(Failure::permanent(message)))),
            Err(DbtError::NothingSelected { .. }) => {
                report::nothing_selected(wish);
                Ok((Vec::new(), None))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn nodes(report: &BuildReport) -> Vec<NodeOutcome> {
    report.nodes.iter().map(NodeOutcome::from).collect()
}
