//! One build: the warehouse is lent to dbt, and what came of it is put into the words of messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use messages::{CheckOutcome, Failure, NodeOutcome};
use runtime::Contracts;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use warehouse::{Ledger, Lent};

use crate::dbt::{BuildReport, BuildRequest, Dbt, DbtError, DbtStatus, Op};
use crate::wish::Wish;
use crate::{report, rows, tests_as_checks};

/// How long a warehouse file that another program holds is waited for in place, before the messages are put off.
const HELD_WAIT: Duration = Duration::from_secs(30);
const HELD_PAUSE: Duration = Duration::from_millis(100);

/// Builds what wishes ask for, one at a time.
pub struct Builder {
    pub(crate) dbt: Dbt,
    contracts: Arc<Contracts>,
}

/// What came of a build.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Build {
    pub(crate) invocation_id: String,
    pub(crate) nodes: Vec<NodeOutcome>,
    /// What the tests found.
    pub(crate) tests: Vec<CheckOutcome>,
    /// Why it counts as failed: models that could not be built, or tests of severity error.
    pub(crate) failure: Option<Failure>,
}

impl Builder {
    /// A builder of the project that `dbt` has; `contracts` say which table a source fills.
    pub fn new(dbt: Dbt, contracts: Arc<Contracts>) -> Self {
        Self { dbt, contracts }
    }

    /// How dbt is.
    pub(crate) fn dbt(&self) -> DbtStatus {
        self.dbt.status()
    }

    /// Builds. An `Err` says that nothing can be said about the models: dbt could not be run, or not now.
    ///
    /// Once `stop` is cancelled the build is broken off, and its failure is of that class. What dbt had built by then stands.
    pub(crate) async fn build(
        &mut self,
        ledger: &Ledger,
        wish: &Wish,
        stop: &CancellationToken,
    ) -> Result<Build, Failure> {
        let request = self.request(wish)?;
        let lent = self.lent(ledger, stop).await?;
        let began = Instant::now();
        let built = self.when_free(Op::Build, &request, stop).instrument(tracing::info_span!("dbt build")).await;
        drop(lent);
        report::ran(&built, began.elapsed());
        if let Some(ran) = report::of(&built) {
            let rows = rows::of(ledger, ran).await;
            report::nodes(ran, &rows);
        }
        match built {
            Ok(report) => Ok(Build { failure: failed_tests(&report), ..done(&report) }),
            Err(DbtError::Failed { report, message }) => {
                Ok(Build { failure: Some(Failure::permanent(message)), ..done(&report) })
            }
            Err(DbtError::NothingSelected { .. }) => {
                report::nothing_selected(wish);
                Ok(Build { invocation_id: String::new(), nodes: Vec::new(), tests: Vec::new(), failure: None })
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Builder {
    /// What dbt is asked for.
    pub(crate) fn request(&self, wish: &Wish) -> Result<BuildRequest, Failure> {
        let tables: Vec<String> = match wish.sources.as_slice() {
            [] => Vec::new(),
            named => self.contracts.named(named)?.iter().map(|contract| contract.table().to_lowercase()).collect(),
        };
        Ok(BuildRequest::of_sources(tables.iter().map(String::as_str), wish.full_refresh))
    }

    /// The warehouse, once dbt is ready: others may have it as long as dbt only parses.
    pub(crate) async fn lent(&mut self, ledger: &Ledger, stop: &CancellationToken) -> Result<Lent, Failure> {
        tokio::select! {
            () = self.dbt.ready().instrument(tracing::info_span!("wait for dbt")) => {}
            () = stop.cancelled() => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(DbtError::Stopped.into()),
            lent = ledger.warehouse().lend() => Ok(lent?),
        }
    }

    /// dbt does not wait for a file that somebody else has open to look into it, so we do.
    pub(crate) async fn when_free(
        &mut self,
        op: Op,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, DbtError> {
        let began = Instant::now();
        loop {
            match self.dbt.run_until(op, request, stop).await {
                Err(error) if !stop.is_cancelled() && error.is_held() && began.elapsed() < HELD_WAIT => {
                    tokio::time::sleep(HELD_PAUSE).await
                }
                ended => return ended,
            }
        }
    }
}

fn done(report: &BuildReport) -> Build {
    Build {
        invocation_id: report.invocation_id.clone(),
        nodes: report.nodes.iter().map(NodeOutcome::from).collect(),
        tests: tests_as_checks::outcomes(report),
        failure: None,
    }
}

/// dbt does not build what lies behind a failed test, so the marts are not what they should be.
fn failed_tests(report: &BuildReport) -> Option<Failure> {
    let failed: Vec<String> = report
        .failed_tests()
        .map(|node| match node.failures {
            Some(rows) => format!("{} ({rows} rows)", node.name),
            None => node.name.clone(),
        })
        .collect();
    let first = report.failed_tests().find_map(|node| node.message.clone()).unwrap_or_default();
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    (!failed.is_empty()).then(|| {
        Failure::permanent(format!(
            "dbt tests failed, so what depends on them was not built: {}: {first}",
            failed.join(", ")
        ))
    })
}
