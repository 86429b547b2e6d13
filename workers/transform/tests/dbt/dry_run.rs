//! What would be built, told without building it: by the driver, and by the handler on a warehouse of the platform's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use messages::{
    CancelRequested, Envelope, Failure, FailureClass, LoadId, Message, Stage, TraceContext, TransformCompleted,
    TransformDryRunCompleted, TransformDryRunRequested, TransformRequested,
};
use millrace_transform::dbt::{BuildReport, Dbt, DbtError, DbtSettings, DbtWarehouse, How, NodeStatus};
use millrace_transform::{Builder, TransformHandler};
use runtime::{Cancels, Contracts, Handler, Work};
use warehouse::{Ledger, WarehouseSettings};

use crate::mill::Mill;
use crate::of;

fn names(report: &BuildReport) -> BTreeSet<&str> {
    report.nodes.iter().map(|node| node.unique_id.as_str()).collect()
}

#[tokio::test]
async fn plans_warm_and_cold_what_the_build_then_builds() {
    for (mill, how) in [(Mill::new(), How::Warm), (Mill::new().with_broken_sidecar(), How::Cold)] {
        let mill = mill.with_own_project();
        let settings = mill.settings();
        let mut dbt = Dbt::start(settings.clone()).await.unwrap();
        let planned = dbt.plan(&of("batches")).await.unwrap();
        assert_eq!(planned.how, how);
        assert!(planned.nodes.iter().all(|node| node.status == NodeStatus::Selected && node.elapsed_secs() == 0.0));
        mill.write("the file is free after a plan");
        let left = std::fs::read_dir(&settings.target_dir).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("dry-run")));

        // The first build brings what it reads, the second does not.
        let first = dbt.build(&of("batches")).await.unwrap();
        assert_eq!(names(&planned), names(&first), "{how:?}");
        let planned = dbt.plan(&of("batches")).await.unwrap();
        assert!(planned.nodes.len() < first.nodes.len());
        assert_eq!(names(&planned), names(&dbt.build(&of("batches")).await.unwrap()), "{how:?}");

        let error = dbt.plan(&of("nothing")).await.unwrap_err();
        assert!(matches!(error, DbtError::NothingSelected { .. }), "{error}");
        mill.model("mart_wrong", "{% if execute %}{{ exceptions.raise_compiler_error('not today') }}{% endif %} select * from {{ ref('core_materials') }}");
        let error = dbt.plan(&of("materials")).await.unwrap_err();
        assert!(
            error.to_string().contains("mart_wrong") && error.to_string().contains("not today"),
            "{how:?}: {error}"
        );
        assert!(matches!(error, DbtError::Failed { report, .. } if report.nodes.len() > 5));
        let holder = mill.hold();
        let error = dbt.plan(&of("batches")).await.unwrap_err();
        assert!(matches!(error, DbtError::Transient { .. }), "{how:?}: {error}");
        drop(holder);
    }
}

/// A handler on a DuckDB file that the platform has made.
pub(crate) struct Plant {
    mill: Mill,
    target: PathBuf,
    pub(crate) ledger: Ledger,
    pub(crate) handler: TransformHandler,
}

impl Plant {
    pub(crate) async fn new() -> Self {
        let mill = Mill::new().with_own_project();
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources");
        let contracts = Arc::new(Contracts::read(&contracts).unwrap());
        let file = mill.settings().target_dir.with_file_name("plant.duckdb");
        let settings = WarehouseSettings::new(format!("duckdb:{}", file.display()));
        let ledger = Ledger::new(warehouse::open(&settings).await.unwrap());
        ledger.warehouse().prepare(&contracts.table_specs()).await.unwrap();
        let settings = DbtSettings { warehouse: DbtWarehouse::DuckDb(file), ..mill.settings() };
        let builder = Builder::new(Dbt::start(settings).await.unwrap(), contracts);
        let handler = TransformHandler::new(builder, ledger.clone(), "test".into(), 500);
        Self { target: mill.settings().target_dir, mill, ledger, handler }
    }

    /// What each message leads to; none may fail.
    pub(crate) async fn handle(&mut self, work: &[Work]) -> Vec<Envelope> {
        let results = self.handler.handle(work).await;
        results.into_iter().map(|result| result.unwrap().announce.remove(0)).collect()
    }

    /// Folders of dry runs.
    fn folders(&self) -> usize {
        let names = std::fs::read_dir(&self.target).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("dry-run-")).count()
    }

    /// Every table and view, and how many lines the audit of stages has.
    async fn state(&self) -> Vec<Vec<Option<String>>> {
        let sql = "SELECT table_schema, table_name, table_type FROM information_schema.tables UNION ALL \
            SELECT 'lines', CAST(count(*) AS VARCHAR), '' FROM RAW.STAGE_AUDIT ORDER BY ALL";
        self.ledger.warehouse().query(sql, 1000).await.unwrap().rows
    }
}

fn command(sources: &[&str], full_refresh: bool) -> TransformRequested {
    let sources = sources.iter().map(|&source| source.to_owned()).collect();
    TransformRequested { load_id: LoadId::new("run'1").unwrap(), sources, full_refresh }
}

fn dry(sources: &[&str], full_refresh: bool) -> Work {
    Work::new(Envelope::new("test", TransformDryRunRequested(command(sources, full_refresh))), 1)
}

fn real(sources: &[&str]) -> Work {
    Work::new(Envelope::new("test", command(sources, false)), 1)
}

fn told(answer: &Envelope) -> &TransformDryRunCompleted {
    let Message::TransformDryRunCompleted(told) = &answer.message else { panic!("{answer:?}") };
    told
}

fn built(answer: &Envelope) -> &TransformCompleted {
    let Message::TransformCompleted(built) = &answer.message else { panic!("{answer:?}") };
    built
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_names_the_nodes_and_the_warehouse_stays_as_it_was() {
    let mut plant = Plant::new().await;
    let before = plant.state().await;
    let asked = [dry(&["materials"], false), dry(&[], true), dry(&["nobody"], false)];
    let first = plant.handle(&asked).await;
    assert_eq!(plant.state().await, before);
    assert_eq!((told(&first[0]).failure.as_ref(), told(&first[1]).failure.as_ref()), (None, None));
    assert!(told(&first[0]).nodes.iter().all(|node| node.status == "selected" && node.elapsed_secs == 0.0));
    let refused = told(&first[2]).failure.as_ref().unwrap();
    assert!(refused.message.starts_with("unknown source \"nobody\": the contracts know"), "{refused}");
    assert_eq!(first[0].correlation_id, Some(asked[0].envelope.id));

    // Asked again it says the same under the same id, and among real commands each has its own answer.
    let work = [real(&["materials"]), asked[0].clone(), dry(&["materials"], false), real(&["materials"])];
    let answers = plant.handle(&work).await;
    assert_eq!((answers[1].id, told(&answers[1])), (first[0].id, told(&first[0])));
    assert_ne!(answers[2].id, first[0].id);
    let names = |nodes: &[messages::NodeOutcome]| -> BTreeSet<String> {
        nodes.iter().map(|node| node.unique_id.clone()).collect()
    };
    assert_eq!(names(&told(&first[0]).nodes), names(&built(&answers[0]).nodes));
    assert_eq!(built(&answers[0]).invocation_id, built(&answers[3]).invocation_id, "real ones share their build");
    assert_eq!(plant.ledger.stage_lines(&LoadId::new("run'1").unwrap()).await.unwrap().len(), 2);
    let all = plant.handle(&[real(&[])]).await;
    assert_eq!(names(&told(&first[1]).nodes), names(&built(&all[0]).nodes));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_fail_is_the_answer_of_a_dry_run() {
    let mut plant = Plant::new().await;
    plant.mill.model("mart_wrong", "{{ no_such_macro() }} select * from {{ ref('core_materials') }}");
    let before = plant.state().await;
    let answer = plant.handle(&[dry(&["materials"], false)]).await.remove(0);
    let failure = told(&answer).failure.clone().unwrap();
    assert!(failure.message.contains("mart_wrong") && failure.message.contains("no_such_macro"), "{failure}");
    assert_eq!(plant.state().await, before);

    let away = Failure::transient("the warehouse is away");
    let given_up = plant.handler.give_up(&dry(&[], false), &away).await.unwrap().announce.remove(0);
    assert_eq!((told(&given_up).failure.as_ref(), told(&given_up).nodes.len()), (Some(&away), 0));
    assert_eq!(plant.state().await, before);

    plant.mill.model("mart_wrong", "select * from {{ ref('core_materials') }}");
    let answers = plant.handle(&[dry(&["materials"], false), real(&["materials"])]).await;
    assert_eq!(told(&answers[0]).failure, None);
    assert!(built(&answers[1]).nodes.iter().any(|node| node.unique_id == "model.millrace.mart_wrong"));
    assert_eq!(plant.ledger.stage_line(Stage::Transform, given_up.id).await.unwrap(), None);
}

/// dbt is killed while it compiles, and can't tidy up by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_that_is_taken_back_leaves_no_folder() {
    let mut plant = Plant::new().await;
    let endless =
        "{% if execute %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}";
    plant.mill.model("mart_endless", &format!("{endless} select * from {{{{ ref('core_materials') }}}}"));
    let (cancels, work) = (Cancels::default(), dry(&["materials"], false));
    let work = work.heeding(&cancels);
    let before = plant.state().await;
    let (load_id, command_id) = (work.envelope.load_id().clone(), work.envelope.id);
    let (target, signal) = (plant.target.clone(), cancels.clone());
    let cancelling = tokio::spawn(async move {
        let has_begun = || {
            std::fs::read_dir(&target)
                .unwrap()
                .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("dry-run-"))
        };
        while !has_begun() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        signal.hear(&CancelRequested { load_id, command_id, reason: None }, TraceContext::root());
    });
    let ended = tokio::time::timeout(Duration::from_secs(100), plant.handler.handle(std::slice::from_ref(&work)));
    let failure = ended.await.unwrap().remove(0).unwrap_err();
    cancelling.await.unwrap();
    assert_eq!(failure.class, FailureClass::Cancelled);
    assert_eq!((plant.folders(), plant.state().await), (0, before));
}
