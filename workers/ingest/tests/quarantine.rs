//! What the ingest stage makes of files that are held back, and of what somebody decides about them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use messages::{
    Decision, Envelope, Failure, FailureClass, IngestDiscardRequested, IngestDryRunCompleted, IngestDryRunRequested,
    IngestReleaseRequested, IngestRequested, LoadId, Message,
};
use millrace_ingest::IngestHandler;
use runtime::{Contract, Contracts, Handler, Work};
use warehouse::{Gate, GateAnswer, GateVerdict, Ledger, LoadStatus, WarehouseSettings};

/// Objects to more than two rows.
struct AtMostTwo;

impl Gate for AtMostTwo {
    fn questions(&self, rows: &str) -> Vec<String> {
        vec![format!("SELECT COUNT(*) FROM {rows}")]
    }

    fn names(&self) -> Vec<String> {
        vec!["PARTS.at_most_two".into()]
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        let rows: u64 = answers[0].as_ref().unwrap()[0].as_deref().unwrap().parse().unwrap();
        GateVerdict { checks: Vec::new(), held: (rows > 2).then(|| format!("{rows} rows")).into_iter().collect() }
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    ledger: Ledger,
    handler: IngestHandler,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (raw, sources) = (folder.path().join("raw"), folder.path().join("sources"));
        std::fs::create_dir(&raw).unwrap();
        std::fs::create_dir(&sources).unwrap();
        for (source, more) in [
            ("parts", ""),
            ("moves", ""),
            ("tools", "surprises: {new_column: evolve, bad_row: quarantine}"),
            ("rigs", "surprises: {missing_column: quarantine}"),
            ("narrow", "surprises: {missing_column: quarantine}"),
        ] {
            let contract = format!("source: {source}\nfiles: [\"**/{source}*.csv\"]\ncolumns: [id, name]\n{more}\n");
            std::fs::write(sources.join(format!("{source}.yaml")), contract).unwrap();
        }
        let called = "source: charges\nfiles: [\"**/charges*.csv\"]\nformat: {delimiter: \";\", encoding: windows-1252}\n\
            columns:\n  - {name: id, header: Charge Nr.}\n  - {name: groesse_kg, header: [Größe (kg), Menge]}\n  - grade\n\
            surprises: {bad_row: {policy: quarantine, max_share: 1}, missing_column: accept, new_column: evolve}\n";
        std::fs::write(sources.join("charges.yaml"), called).unwrap();
        let contracts = Arc::new(Contracts::read(&sources).unwrap());
        let settings = WarehouseSettings::new(format!("duckdb:{}", folder.path().join("w.duckdb").display()));
        let ledger = Ledger::new(warehouse::open(&settings).await.unwrap());
        ledger.warehouse().prepare(&contracts.table_specs()).await.unwrap();
        let gate = |contract: &Contract| (contract.source == "parts").then(|| Arc::new(AtMostTwo) as Arc<dyn Gate>);
        let handler = IngestHandler::new(&raw, contracts, ledger.clone(), "test".into()).unwrap().gated(gate);
        Self { folder, ledger, handler }
    }

    fn write(&self, uri: &str, rows: usize) {
        let rows: String = (0..rows).map(|row| format!("{row},{uri}\n")).collect();
        std::fs::write(self.folder.path().join("raw").join(uri), format!("id,name\n{rows}")).unwrap();
    }

    /// Handles a message; if it fails, gives it up. What it announces comes back.
    async fn handle(&mut self, envelope: &Envelope) -> Vec<Envelope> {
        let work = Work::new(envelope.clone(), 1);
        match self.handler.handle(std::slice::from_ref(&work)).await.remove(0) {
            Ok(handled) => handled.announce,
            Err(failure) => self.handler.give_up(&work, &failure).await.unwrap().announce,
        }
    }

    /// Plans a run and handles its files; what the last ones announce comes back.
    async fn run(&mut self, command: &Envelope) -> Vec<Envelope> {
        let mut ends = Vec::new();
        for file in self.handle(command).await {
            ends.extend(self.handle(&file).await);
        }
        ends
    }

    /// What a dry run tells.
    async fn dry_run(&mut self, sources: &[&str]) -> IngestDryRunCompleted {
        let sources = sources.iter().map(|&source| source.to_owned()).collect();
        let command = IngestRequested { load_id: id("try"), sources, files: Vec::new(), as_of: None };
        let told = self.handle(&Envelope::new("test", IngestDryRunRequested(command))).await.remove(0).message;
        let Message::IngestDryRunCompleted(told) = told else { panic!("{told:?}") };
        told
    }

    async fn value(&self, sql: &str) -> String {
        self.ledger.warehouse().query(sql, 1).await.unwrap().rows[0][0].clone().unwrap()
    }

    async fn statuses(&self) -> Vec<LoadStatus> {
        let lines = self.ledger.load_lines(&id("run")).await.unwrap();
        lines.iter().map(|line| line.status).filter(|status| *status != LoadStatus::Planned).collect()
    }
}

fn id(load_id: &str) -> LoadId {
    LoadId::new(load_id).unwrap()
}

fn command() -> Envelope {
    command_of("run", None)
}

/// A load of data of `as_of`.
fn command_of(load_id: &str, as_of: Option<DateTime<Utc>>) -> Envelope {
    let asked = IngestRequested { load_id: id(load_id), sources: Vec::new(), files: Vec::new(), as_of };
    Envelope::new("test", asked)
}

fn decision(by: &str) -> Decision {
    Decision { load_id: id("run"), decided_by: by.into(), reason: "the line stood still".into() }
}

fn release(by: &str) -> Envelope {
    Envelope::new("test", IngestReleaseRequested(decision(by)))
}

fn discard(by: &str) -> Envelope {
    Envelope::new("test", IngestDiscardRequested(decision(by)))
}

#[track_caller]
fn failure(announced: &[Envelope]) -> &Failure {
    let [Envelope { message: Message::IngestFailed(failed), .. }] = announced else { panic!("{announced:?}") };
    &failed.failure
}

#[track_caller]
fn rows(announced: &[Envelope]) -> u64 {
    let [Envelope { message: Message::IngestCompleted(done), .. }] = announced else { panic!("{announced:?}") };
    done.tables.iter().map(|table| table.rows_loaded).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_announced_so_and_a_second_delivery_says_the_same() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    let asked = command();
    let files = fixture.handle(&asked).await;
    let first = fixture.handle(&files[0]).await;
    let told = failure(&first);
    assert_eq!(told.class, FailureClass::Quarantined);
    assert_eq!(
        told.message,
        "parts.csv is held back: 3 rows; 3 rows are kept and nobody sees them: `millrace release 'run' --reason …` lets them \
        become current, `millrace discard 'run' --reason …` gives them up"
    );
    let second = fixture.handle(&files[0]).await;
    assert_eq!((first[0].id, &first[0].message), (second[0].id, &second[0].message));
    assert_eq!(fixture.statuses().await, [LoadStatus::Quarantined]);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "3");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_announced_under_an_id_of_its_own_and_once() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    let asked = command();
    let held = fixture.run(&asked).await;
    let wanted = release("jane");
    let first = fixture.handle(&wanted).await;
    assert_eq!(rows(&first), 3);
    assert_eq!((first[0].correlation_id, first[0].trace.trace_id()), (Some(wanted.id), wanted.trace.trace_id()));
    assert!(first[0].id != held[0].id && first[0].id != asked.id.leading_to("ingest.completed"));
    let again = fixture.handle(&wanted).await;
    assert_eq!((again[0].id, &again[0].message), (first[0].id, &first[0].message));
    assert_eq!(fixture.statuses().await, [LoadStatus::Quarantined, LoadStatus::Success]);
    assert_eq!(
        fixture
            .value("SELECT DECIDED_BY || ': ' || DECIDED_WHY FROM RAW.RAW_LOAD_AUDIT WHERE DECIDED_BY IS NOT NULL")
            .await,
        "jane: the line stood still"
    );
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "3");
    // Somebody else comes too late, whatever they want.
    for late in [release("joe"), discard("joe")] {
        let told = fixture.handle(&late).await;
        let told = failure(&told);
        assert_eq!(told.class, FailureClass::Permanent);
        assert!(told.message.contains("jane released it") && told.message.contains("the line stood still"), "{told}");
    }
    assert_eq!(fixture.statuses().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_is_announced_as_cancelled_and_its_rows_are_gone() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    let files = fixture.handle(&command()).await;
    fixture.handle(&files[0]).await;
    let told = fixture.handle(&discard("jane")).await;
    let told = failure(&told);
    assert_eq!(
        (told.class, told.message.as_str()),
        (FailureClass::Cancelled, "discarded by jane: the line stood still")
    );
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "0");
    let late = fixture.handle(&release("joe")).await;
    assert!(failure(&late).message.contains("jane discarded it"), "{late:?}");
    // A second delivery of the file says how it ended.
    let again = fixture.handle(&files[0]).await;
    assert_eq!(failure(&again).message, "discarded by jane: the line stood still");
    assert_eq!(fixture.statuses().await, [LoadStatus::Quarantined, LoadStatus::Discarded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_about_what_is_not_held() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 2);
    let unknown = fixture.handle(&release("jane")).await;
    assert!(failure(&unknown).message.contains("no load is known as run"), "{unknown:?}");
    fixture.run(&command()).await;
    let told = fixture.handle(&release("jane")).await;
    assert!(failure(&told).message.contains("is not held back"), "{told:?}");
    assert_eq!(fixture.statuses().await, [LoadStatus::Success]);
}

/// Whoever has heard that it failed hears that it is held back, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_failed_file_is_decided_about_once_that_is_mended() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    std::fs::write(fixture.folder.path().join("raw/moves.csv"), "no,such\n1,2\n").unwrap();
    let asked = command();
    let files = fixture.handle(&asked).await;
    // In the order of their names: moves.csv, parts.csv.
    assert!(fixture.handle(&files[1]).await.is_empty());
    let early = fixture.handle(&release("early")).await;
    assert!(failure(&early).message.contains("1 of its files have not ended"), "{early:?}");
    let failed = fixture.handle(&files[0]).await;
    let told = failure(&failed);
    assert_eq!(told.class, FailureClass::Permanent);
    assert!(
        told.message.starts_with("1 of 2 files failed, moves.csv first")
            && told.message.contains("1 of 2 files are held back"),
        "{told}"
    );
    std::fs::write(fixture.folder.path().join("raw/moves.csv"), "id,name\n1,2\n").unwrap();
    let replayed = fixture.handle(&files[0]).await;
    let told = failure(&replayed);
    // The file is another one by now, so that it fails again; a new command takes all of it over.
    assert_eq!(told.class, FailureClass::Permanent, "{told}");
    let newer = command();
    let ends = fixture.run(&newer).await;
    assert_eq!(failure(&ends).class, FailureClass::Quarantined);
    assert_ne!(ends[0].id, failed[0].id);
    let released = fixture.handle(&release("jane")).await;
    assert_eq!(rows(&released), 4);
    assert_eq!(fixture.value("SELECT count(DISTINCT COMMAND_ID) FROM RAW_RUN.PARTS_RUN").await, "1");
}

/// Under the same LOAD_ID.
#[tokio::test(flavor = "multi_thread")]
async fn a_mended_file_supersedes_what_is_held() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    fixture.run(&command()).await;
    fixture.write("parts.csv", 1);
    let newer = command();
    let files = fixture.handle(&newer).await;
    let late = fixture.handle(&release("jane")).await;
    assert!(failure(&late).message.contains("a newer command for it has taken over"), "{late:?}");
    assert_eq!(rows(&fixture.handle(&files[0]).await), 1);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "1");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "1");
}

/// A worker that knows only the contract comes after it, and an older file's rows have no value there.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_follows_its_files_and_keeps_what_it_has() {
    let mut fixture = Fixture::new().await;
    let drop = |fixture: &Fixture, text: &str| {
        std::fs::write(fixture.folder.path().join("raw/tools.csv"), text).unwrap();
    };
    drop(&fixture, "id,name\n1,drill\n");
    assert_eq!(rows(&fixture.run(&command()).await), 1);
    drop(&fixture, "id,grade,name\n1,A,drill\n2,B,saw\n");
    assert_eq!(rows(&fixture.run(&command()).await), 2);
    assert_eq!(fixture.value("SELECT string_agg(GRADE, ',' ORDER BY ID) FROM RAW.TOOLS").await, "A,B");
    let changes = fixture.ledger.shape_changes(&id("run")).await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|line| (line.change.as_str(), line.column.as_str(), line.policy.as_str())).collect();
    assert!(told.contains(&("NEW_COLUMN", "grade", "evolve")), "{told:?}");
    let sources = fixture.folder.path().join("sources");
    fixture.ledger.warehouse().prepare(&Contracts::read(&sources).unwrap().table_specs()).await.unwrap();
    drop(&fixture, "id,name\n3,file\n");
    assert_eq!(rows(&fixture.run(&command()).await), 1);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.TOOLS WHERE GRADE IS NULL").await, "1");
    // Its rows are there, be it gone.
    std::fs::remove_file(fixture.folder.path().join("raw/tools.csv")).unwrap();
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.TOOLS").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_set_aside_are_kept_with_their_text() {
    let mut fixture = Fixture::new().await;
    let good: String = (0..100).map(|row| format!("{row},x\n")).collect();
    std::fs::write(fixture.folder.path().join("raw/tools.csv"), format!("id,name\n{good}7,a,b,c\n")).unwrap();
    let told = fixture.run(&command()).await;
    let [Envelope { message: Message::IngestCompleted(done), .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((done.tables[0].rows_loaded, done.tables[0].rows_rejected), (100, 1));
    let kept = fixture.ledger.rejected(&id("run"), 10).await.unwrap();
    assert_eq!((kept[0].uri.as_str(), kept[0].line, kept[0].raw.trim_end()), ("tools.csv", 102, "7,a,b,c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_about_what_was_held_when_it_was_made() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    fixture.run(&command()).await;
    let early = release("jane");
    fixture.write("parts.csv", 5);
    fixture.run(&command()).await;
    let refused = fixture.handle(&early).await;
    assert!(failure(&refused).message.contains("has changed since this was decided"), "{refused:?}");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "0");
    assert_eq!(rows(&fixture.handle(&release("jane")).await), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_decision_in_the_same_trace_is_no_copy_of_the_first() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", 3);
    fixture.run(&command()).await;
    let first = release("jane");
    assert_eq!(rows(&fixture.handle(&first).await), 3);
    fixture.write("parts.csv", 4);
    fixture.run(&command()).await;
    let again = Envelope { trace: first.trace, ..release("jane") };
    assert_eq!(rows(&fixture.handle(&again).await), 4);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "4");
    // A copy of it is one.
    assert_eq!(rows(&fixture.handle(&again).await), 4);
}

/// What it would have replaced is older, what is current is newer: it counts as loaded, and nobody sees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_moves_nothing_back_behind_newer_data() {
    let mut fixture = Fixture::new().await;
    let now = Utc::now();
    fixture.write("parts.csv", 3);
    fixture.run(&command_of("run", Some(now - TimeDelta::days(1)))).await;
    fixture.write("parts.csv", 1);
    assert_eq!(rows(&fixture.run(&command_of("newer", Some(now))).await), 1);
    assert_eq!(rows(&fixture.handle(&release("jane")).await), 3);
    assert_eq!(fixture.statuses().await, [LoadStatus::Quarantined, LoadStatus::Success]);
    assert_eq!(fixture.value("SELECT string_agg(DISTINCT LOAD_ID, ' ') FROM RAW.PARTS").await, "newer");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "4");
    assert!(fixture.ledger.current_tables(&id("run")).await.unwrap().is_empty());
}

/// Its worker died before it had told anybody, and a newer command has all of its files by the time that the next one does: a
/// completed ingest without a table would ask for every model.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_whose_tables_a_newer_command_has_is_told_as_taken_over() {
    for decided in [release("jane"), discard("jane")] {
        let mut fixture = Fixture::new().await;
        let drop = |fixture: &Fixture, uri: &str, text: &str| {
            std::fs::write(fixture.folder.path().join("raw").join(uri), text).unwrap();
        };
        drop(&fixture, "rigs_1.csv", "id\n1\n");
        drop(&fixture, "rigs_2.csv", "id,name\n1,2,3\n");
        fixture.run(&command()).await;
        assert_eq!(fixture.statuses().await, [LoadStatus::Quarantined, LoadStatus::Failed]);
        let decided = Envelope { time: Utc::now(), ..decided };
        fixture.handle(&decided).await;
        drop(&fixture, "rigs_1.csv", "id,name\n1,a\n");
        drop(&fixture, "rigs_2.csv", "id,name\n1,b\n");
        assert_eq!(rows(&fixture.run(&command()).await), 2);
        let again = fixture.handle(&decided).await;
        let told = failure(&again);
        assert_eq!(told.class, FailureClass::Cancelled, "{told}");
        assert_eq!(told.message, "a newer command for run has taken over all of its files");
        assert_eq!(fixture.value("SELECT string_agg(NAME, '' ORDER BY NAME) FROM RAW.RIGS").await, "ab");
    }
}

/// What the reader holds back is told as the load tells it, and the gates that may object yet are named.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_held_back_and_which_gates_it_does_not_ask() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts_1.csv", 3);
    fixture.write("moves.csv", 1);
    let told = fixture.dry_run(&[]).await;
    assert_eq!((told.faults.len(), &told.failure), (0, &None), "a gate would object, and nobody has asked it");
    assert_eq!(told.gates_not_asked, ["PARTS.at_most_two"]);
    assert!(fixture.dry_run(&["moves"]).await.gates_not_asked.is_empty());
    fixture.write("narrow_1.csv", 2);
    let narrow = fixture.folder.path().join("raw/narrow_2.csv");
    std::fs::write(narrow, "id\n7\n").unwrap();
    let told = fixture.dry_run(&["narrow"]).await;
    assert_eq!((told.tables[0].files, told.tables[0].rows_loaded), (2, 3), "it would be loaded");
    let [fault] = told.faults.as_slice() else { panic!("{told:?}") };
    let failure = told.failure.as_ref().unwrap();
    assert_eq!((fault.uri.as_str(), fault.failure.class), ("narrow_2.csv", FailureClass::Quarantined));
    assert_eq!(failure.class, FailureClass::Quarantined);
    assert!(
        failure.message.starts_with("1 of 2 files would be held back: narrow_2.csv would be held back: "),
        "{failure}"
    );
    // The load is held back for the same reason.
    let asked = IngestRequested { load_id: id("run"), sources: vec!["narrow".into()], files: Vec::new(), as_of: None };
    let ends = fixture.run(&Envelope::new("test", asked)).await;
    let held = self::failure(&ends);
    let why = fault.failure.message.trim_start_matches("narrow_2.csv would be held back: ");
    assert!(held.class == FailureClass::Quarantined && held.message.contains(why), "{held}: {why}");
    // What can't be read counts first.
    std::fs::write(fixture.folder.path().join("raw/narrow_3.csv"), "id,name\n1\n").unwrap();
    let failure = fixture.dry_run(&["narrow"]).await.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Permanent);
    assert!(
        failure.message.starts_with("1 of 3 files would fail, narrow_3.csv first: narrow_3.csv: line 2"),
        "{failure}"
    );
}

/// As Excel in German writes it: the table and the audit know the columns by their names.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_headers_of_its_own_is_loaded_under_the_columns_names() {
    let mut fixture = Fixture::new().await;
    let text = b"GR\xd6\xdfE (KG);shift;Charge Nr.\r\n1,5;F\xfch;A\r\n2;torn\r\n3;Sp\xe4t;B\r\n";
    std::fs::write(fixture.folder.path().join("raw/charges.csv"), text).unwrap();
    let announced = fixture.run(&command()).await;
    assert!(matches!(announced[0].message, Message::IngestCompleted(_)), "{announced:?}");
    let rows = "SELECT STRING_AGG(ID || ' ' || GROESSE_KG || ' ' || SHIFT || ' ' || COALESCE(GRADE, '-'), ', ' ORDER BY ID) \
        FROM RAW.CHARGES";
    assert_eq!(fixture.value(rows).await, "A 1,5 Füh -, B 3 Spät -");
    let changes = "SELECT STRING_AGG(CHANGE || ' ' || COLUMN_NAME, '; ' ORDER BY CHANGE) FROM RAW.SCHEMA_CHANGES";
    assert_eq!(fixture.value(changes).await, "MISSING_COLUMN grade; NEW_COLUMN shift; REORDERED_COLUMNS groesse_kg,id");
    assert_eq!(fixture.value("SELECT SOURCE_LINE || ' ' || RAW_TEXT FROM RAW.REJECTED_ROWS").await, "3 2;torn");
}
