//! What the ingest stage makes of its messages, on DuckDB: once, twice, in parts, and overtaken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use messages::{
    CancelRequested, Envelope, Failure, FailureClass, IngestCancelRequested, IngestDryRunCompleted,
    IngestDryRunRequested, IngestRequested, LoadId, Message, MessageId, SourceFileDiscovered, TraceContext,
};
use millrace_ingest::IngestHandler;
use runtime::{Cancels, Contracts, Handler, Work};
use warehouse::{Ledger, WarehouseSettings};

fn contract(source: &str) -> String {
    format!("source: {source}\nfiles: [\"**/{source}*.csv\"]\ncolumns: [id, name]\n")
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
        for source in ["parts", "moves"] {
            std::fs::write(sources.join(format!("{source}.yaml")), contract(source)).unwrap();
        }
        let contracts = Arc::new(Contracts::read(&sources).unwrap());
        let settings = WarehouseSettings::new(format!("duckdb:{}", folder.path().join("w.duckdb").display()));
        let ledger = Ledger::new(warehouse::open(&settings).await.unwrap());
        ledger.warehouse().prepare(&contracts.table_specs()).await.unwrap();
        let handler = IngestHandler::new(&raw, contracts, ledger.clone(), "test".into()).unwrap();
        Self { folder, ledger, handler }
    }

    fn write(&self, uri: &str, content: &str) {
        std::fs::write(self.folder.path().join("raw").join(uri), content).unwrap();
    }

    fn raw(&self) -> std::path::PathBuf {
        self.folder.path().join("raw").canonicalize().unwrap()
    }

    fn remove(&self, uri: &str) {
        std::fs::remove_file(self.folder.path().join("raw").join(uri)).unwrap();
    }

    /// Handles a message; if it fails, gives it up. What it announces comes back.
    async fn handle(&mut self, envelope: &Envelope) -> Vec<Envelope> {
        self.handle_heeding(envelope, &Cancels::default()).await
    }

    /// The same, by a worker that has heard of these cancels.
    async fn handle_heeding(&mut self, envelope: &Envelope, heard: &Cancels) -> Vec<Envelope> {
        let work = Work::new(envelope.clone(), 1).heeding(heard);
        match self.handler.handle(std::slice::from_ref(&work)).await.remove(0) {
            Ok(handled) => handled.announce,
            Err(failure) => self.handler.give_up(&work, &failure).await.unwrap().announce,
        }
    }

    /// Takes a command back, as the worker does it that finds the cancel in its queue.
    async fn take_back(&mut self, command: &Envelope) {
        let cancel = cancel(command);
        let message = IngestCancelRequested(cancel.clone());
        self.handler.cancel(&Work::new(Envelope::new("test", message), 1), &cancel).await.unwrap();
    }

    async fn value(&self, sql: &str) -> String {
        self.ledger.warehouse().query(sql, 1).await.unwrap().rows[0][0].clone().unwrap()
    }
}

fn command(load_id: &str) -> Envelope {
    let load_id = LoadId::new(load_id).unwrap();
    Envelope::new("test", IngestRequested { load_id, sources: Vec::new(), files: Vec::new(), as_of: None })
}

fn cancel(command: &Envelope) -> CancelRequested {
    let (load_id, command_id) = (command.load_id().clone(), command.id);
    CancelRequested { load_id, command_id, reason: Some("a typo".into()) }
}

/// What a worker that was busy has heard.
fn heard(command: &Envelope) -> Cancels {
    let cancels = Cancels::default();
    cancels.hear(&cancel(command), TraceContext::root());
    cancels
}

/// The one thing that was announced: that it was cancelled, in these words, with these rows loaded by then.
fn assert_cancelled(announced: &[Envelope], command: &Envelope, words: &str, rows: u64) -> MessageId {
    let [Envelope { id, correlation_id, message: Message::IngestFailed(failed), .. }] = announced else {
        panic!("{announced:?}")
    };
    assert_eq!((failed.failure.class, failed.failure.message.as_str()), (FailureClass::Cancelled, words));
    assert_eq!(*correlation_id, Some(command.id));
    assert_eq!(failed.tables.iter().map(|table| table.rows_loaded).sum::<u64>(), rows);
    *id
}

fn types(announced: &[Envelope]) -> Vec<&str> {
    announced.iter().map(|envelope| envelope.message.type_name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delivery_says_the_same_and_loads_nothing_even_without_its_file() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n2,b\n");
    let files = fixture.handle(&command("run")).await;
    let first = fixture.handle(&files[0]).await;
    fixture.remove("parts.csv");
    let second = fixture.handle(&files[0]).await;
    assert_eq!(types(&first), ["ingest.completed"]);
    assert_eq!((first[0].id, &first[0].message), (second[0].id, &second[0].message));
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_again_means_the_same_files() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts_1.csv", "id,name\n1,a\n");
    let asked = command("run");
    let first = fixture.handle(&asked).await;
    fixture.write("parts_2.csv", "id,name\n2,b\n");
    let second = fixture.handle(&asked).await;
    let ids = |announced: &[Envelope]| announced.iter().map(|envelope| envelope.id).collect::<Vec<MessageId>>();
    assert_eq!((first.len(), ids(&first)), (1, ids(&second)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_announced_when_its_last_file_is_there_and_failed_if_one_is_bad() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts_1.csv", "id,name\n1,a\n");
    fixture.write("parts_2.csv", "id,name\n2\n");
    let files = fixture.handle(&command("run")).await;
    assert_eq!(types(&files), ["source.file.discovered", "source.file.discovered"]);
    assert!(fixture.handle(&files[0]).await.is_empty());
    let end = fixture.handle(&files[1]).await;
    let Message::IngestFailed(failed) = &end[0].message else { panic!("{end:?}") };
    assert_eq!((failed.uri.as_deref(), failed.tables[0].rows_loaded), (Some("parts_2.csv"), 1));
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "0");
    // Mended and replayed, the run is complete, and is announced as such under another id.
    fixture.write("parts_2.csv", "id,name\n2,b\n");
    let again = fixture.handle(&command("run")).await;
    assert!(fixture.handle(&again[0]).await.is_empty());
    let done = fixture.handle(&again[1]).await;
    assert_eq!(types(&done), ["ingest.completed"]);
    assert_ne!(done[0].id, end[0].id);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_of_two_commands_is_fenced_out() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let (older, newer) = (command("run"), command("run"));
    assert!(older.id < newer.id);
    let late = fixture.handle(&older).await;
    let files = fixture.handle(&newer).await;
    assert_eq!(types(&fixture.handle(&files[0]).await), ["ingest.completed"]);
    // Whoever asked for the older one hears that it is not done any more.
    let words = "a newer command for run has taken over all of its files, and is answered for them";
    let id = assert_cancelled(&fixture.handle(&late[0]).await, &older, words, 0);
    assert_eq!(assert_cancelled(&fixture.handle(&late[0]).await, &older, words, 0), id);
    assert_eq!(fixture.value("SELECT min(COMMAND_ID) FROM RAW_RUN.PARTS_RUN").await, newer.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_nothing_is_refused() {
    let mut fixture = Fixture::new().await;
    let end = fixture.handle(&command("run")).await;
    let Message::IngestFailed(failed) = &end[0].message else { panic!("{end:?}") };
    assert!(failed.failure.message.contains("no file in the raw folder"), "{}", failed.failure);
}

/// Nobody else would tell transform of the tables that the newer command does not have.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_overtaken_in_one_table_announces_the_others() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    fixture.write("moves.csv", "id,name\n2,b\n");
    let older = command("run");
    let files = fixture.handle(&older).await;
    assert_eq!(files.len(), 2);
    let load_id = LoadId::new("run").unwrap();
    let newer = IngestRequested { load_id, sources: vec!["parts".into()], files: Vec::new(), as_of: None };
    let newer = fixture.handle(&Envelope::new("test", newer)).await;
    let mut ends = Vec::new();
    for file in files.iter().chain(&newer) {
        ends.extend(fixture.handle(file).await);
    }
    // The file that was overtaken sees the end too, and says the same under the same id.
    ends.dedup_by_key(|end| end.id);
    let told = |end: &Envelope| {
        let Message::IngestCompleted(event) = &end.message else { panic!("{end:?}") };
        event.tables.iter().map(|table| table.table.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ends.iter().map(told).collect::<Vec<_>>(), [["MOVES"], ["PARTS"]]);
    assert_eq!(ends[0].correlation_id, Some(older.id));
}

/// The worker died between the commit and the announcement, and before the second delivery the run was asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_is_announced_although_a_newer_command_is_on_its_way() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let files = fixture.handle(&command("run")).await;
    let lost = fixture.handle(&files[0]).await;
    fixture.write("parts.csv", "id,name\n1\n");
    let newer = fixture.handle(&command("run")).await;
    assert_eq!(types(&newer), ["source.file.discovered"]);
    let again = fixture.handle(&files[0]).await;
    assert_eq!((again[0].id, &again[0].message), (lost[0].id, &lost[0].message));
    // The newer one fails, so that the older one's rows go on being shown.
    assert_eq!(types(&fixture.handle(&newer[0]).await), ["ingest.failed"]);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "1");
}

fn dry_run(sources: &[&str], files: &[&str]) -> Envelope {
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let load_id = LoadId::new("run").unwrap();
    let command = IngestRequested { load_id, sources: named(sources), files: named(files), as_of: None };
    Envelope::new("test", IngestDryRunRequested(command))
}

impl Fixture {
    /// What a dry run tells; it must not fail.
    async fn dry_run(&mut self, asked: &Envelope) -> IngestDryRunCompleted {
        let work = Work::new(asked.clone(), 1);
        let handled = self.handler.handle(std::slice::from_ref(&work)).await.remove(0).unwrap();
        let [answer] = handled.announce.as_slice() else { panic!("{handled:?}") };
        assert_eq!(answer.correlation_id, Some(asked.id));
        assert_eq!(answer.id, asked.leads_to("test", answer.message.clone()).id, "the same however often it is asked");
        let Message::IngestDryRunCompleted(told) = &answer.message else { panic!("{answer:?}") };
        told.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_the_load_then_does_and_writes_nothing() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts_1.csv", "id,name\n1,a\n2,b\n");
    fixture.write("parts_2.csv", "name,id,more\nc,3,x\n");
    fixture.write("moves.csv", "id,name\n4,\"d\ne\"\n");
    let asked = dry_run(&[], &[]);
    let told = fixture.dry_run(&asked).await;
    assert_eq!((told.failure.clone(), told.faults.len(), told.as_of), (None, 0, asked.time));
    assert_eq!(fixture.dry_run(&asked).await, told);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT").await, "0");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW_RUN.PARTS_RUN").await, "0");

    let mut end = Vec::new();
    for file in fixture.handle(&command("run")).await {
        end = fixture.handle(&file).await;
    }
    let Message::IngestCompleted(loaded) = &end[0].message else { panic!("{end:?}") };
    assert_eq!(told.tables, loaded.tables);
    assert_eq!(told.tables.iter().map(|table| (table.files, table.rows_loaded)).collect::<Vec<_>>(), [(1, 1), (2, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reads_every_file_to_its_end_and_tells_which_are_bad() {
    let mut fixture = Fixture::new().await;
    let many: String = (0..9000).map(|id| format!("{id},a\n")).collect();
    fixture.write("parts_1.csv", "id,name\n1,a\n");
    fixture.write("parts_2.csv", &format!("id,name\n{many}9000\n"));
    fixture.write("parts_3.csv", "id,nome\n1,a\n");
    fixture.write("parts_4.csv", "");
    let told = fixture.dry_run(&dry_run(&["parts"], &[])).await;
    assert_eq!((told.tables[0].files, told.tables[0].rows_loaded), (1, 1));
    let faults: Vec<(&str, bool)> = told
        .faults
        .iter()
        .zip(["line 9002: the row has 1 fields", "line 1: the header lacks name", "the file is empty"])
        .map(|(fault, why)| (fault.uri.as_str(), fault.failure.message.contains(why)))
        .collect();
    assert_eq!(faults, [("parts_2.csv", true), ("parts_3.csv", true), ("parts_4.csv", true)], "{:?}", told.faults);
    let failure = told.failure.unwrap().message;
    assert!(failure.starts_with("3 of 4 files would fail, parts_2.csv first: parts_2.csv: line 9002"), "{failure}");
    // The load fails for the same reason.
    let files = fixture.handle(&command("run")).await;
    let bad = Work::new(files[1].clone(), 1);
    let failed = fixture.handler.handle(std::slice::from_ref(&bad)).await.remove(0).unwrap_err();
    assert!(failed.message.ends_with(&told.faults[0].failure.message), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_would_be_refused_for_is_a_dry_runs_answer() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    for (sources, files, why) in [
        (vec!["nobody"], vec![], "unknown source \"nobody\": the contracts know"),
        (vec!["moves"], vec![], "no file in the raw folder belongs to moves"),
        (vec!["moves"], vec!["parts.csv"], "parts.csv belongs to source parts, not to moves"),
        (vec![], vec!["../parts.csv"], "is no path below the raw folder"),
    ] {
        let told = fixture.dry_run(&dry_run(&sources, &files)).await;
        let failure = told.failure.unwrap();
        assert!(failure.message.contains(why), "{failure}");
        assert_eq!((told.tables.len(), told.faults.len()), (0, 0));
    }
    // Given up after transient failures, it is answered too, and leaves no line.
    let work = Work::new(dry_run(&[], &[]), 9);
    let given_up = fixture.handler.give_up(&work, &Failure::transient("away")).await.unwrap().announce;
    let Message::IngestDryRunCompleted(told) = &given_up[0].message else { panic!("{given_up:?}") };
    assert_eq!(told.failure, Some(Failure::transient("away")));
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_taken_back_before_its_files_are_planned_has_none() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let (asked, heard_of, next) = (command("run"), command("run"), command("run"));
    fixture.take_back(&asked).await;
    fixture.take_back(&asked).await;
    let end = fixture.handle(&asked).await;
    let id = assert_cancelled(&end, &asked, "cancelled: a typo", 0);
    assert_eq!(assert_cancelled(&fixture.handle(&asked).await, &asked, "cancelled: a typo", 0), id);
    // One that only this worker has heard of holds for all others.
    let end = fixture.handle_heeding(&heard_of, &heard(&heard_of)).await;
    assert_cancelled(&end, &heard_of, "cancelled: a typo", 0);
    assert_cancelled(&fixture.handle(&heard_of).await, &heard_of, "cancelled: a typo", 0);
    // A command that can not even be planned is cancelled all the same.
    fixture.remove("parts.csv");
    assert_cancelled(&fixture.handle(&asked).await, &asked, "cancelled: a typo", 0);
    fixture.write("parts.csv", "id,name\n1,a\n");
    let files = fixture.handle(&next).await;
    assert_eq!(types(&fixture.handle(&files[0]).await), ["ingest.completed"]);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'CANCELLED'").await, "0");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "1");
}

/// Its messages may be on their way; a run of which all is loaded is announced so, although its command comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_has_a_plan_ends_with_its_files() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let asked = command("run");
    let files = fixture.handle(&asked).await;
    let done = fixture.handle(&files[0]).await;
    assert_eq!(types(&done), ["ingest.completed"]);
    fixture.take_back(&asked).await;
    let again = fixture.handle_heeding(&asked, &heard(&asked)).await;
    assert_eq!(again[0].id, files[0].id);
    let told = fixture.handle_heeding(&again[0], &heard(&asked)).await;
    assert_eq!((told[0].id, &told[0].message), (done[0].id, &done[0].message));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_run_that_is_taken_back_half_way_the_rest_is_not_loaded_and_nothing_is_shown() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts_1.csv", "id,name\n1,a\n");
    fixture.write("parts_2.csv", "id,name\n2,b\n");
    fixture.write("parts_3.csv", "id,name\n3,c\n");
    let old = fixture.handle(&command("run")).await;
    for file in &old {
        fixture.handle(file).await;
    }
    let asked = command("run");
    let files = fixture.handle(&asked).await;
    assert!(fixture.handle(&files[0]).await.is_empty());
    fixture.take_back(&asked).await;
    assert!(fixture.handle(&files[1]).await.is_empty(), "the run has not ended");
    let words = "cancelled: a typo (2 of 3 files were not loaded any more)";
    let id = assert_cancelled(&fixture.handle(&files[2]).await, &asked, words, 1);
    assert_eq!(assert_cancelled(&fixture.handle(&files[1]).await, &asked, words, 1), id, "a copy");
    assert_eq!(assert_cancelled(&fixture.handle(&files[0]).await, &asked, words, 1), id, "what was loaded stays so");
    let of_old = format!("SELECT count(*) FROM RAW_RUN.PARTS_RUN WHERE COMMAND_ID < '{}'", asked.id);
    assert_eq!(fixture.value(&of_old).await, "3");
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "3");
    let shown = "SELECT max(COMMAND_ID) FROM RAW.CURRENT_LOADS";
    assert!(fixture.value(shown).await < asked.id.to_string());
}

/// It is read no further, and nothing of it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_read_is_broken_off() {
    let mut fixture = Fixture::new().await;
    let rows: String = (0..400_000).map(|row| format!("{row},a name that is long enough to take a while\n")).collect();
    fixture.write("parts.csv", &format!("id,name\n{rows}"));
    let asked = command("run");
    let files = fixture.handle(&asked).await;
    let cancels = Cancels::default();
    let hearing = {
        let (cancels, cancel) = (cancels.clone(), cancel(&asked));
        tokio::spawn(async move { cancels.hear(&cancel, TraceContext::root()) })
    };
    let end = fixture.handle_heeding(&files[0], &cancels).await;
    hearing.await.unwrap();
    // Whichever was quicker: the answer says what the audit says, also to whoever asks again.
    let audit = "SELECT count(*) FROM RAW_RUN.PARTS_RUN";
    if types(&end) == ["ingest.completed"] {
        assert_eq!(fixture.value(audit).await, "400000");
    } else {
        assert_cancelled(&end, &asked, "cancelled: a typo", 0);
        assert_eq!(fixture.value(audit).await, "0");
    }
    let again = fixture.handle(&files[0]).await;
    assert_eq!((again[0].id, &again[0].message), (end[0].id, &end[0].message));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_had_failed_before_is_loaded_when_somebody_replays_it() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1\n");
    let asked = command("run");
    let files = fixture.handle(&asked).await;
    assert_eq!(types(&fixture.handle(&files[0]).await), ["ingest.failed"]);
    fixture.take_back(&asked).await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let Message::SourceFileDiscovered(file) = &files[0].message else { panic!("{files:?}") };
    let mended = runtime::raw_folder::read_one(&fixture.raw(), &fixture.raw().join("parts.csv")).unwrap();
    let file = SourceFileDiscovered { size_bytes: mended.size_bytes, modified_at: mended.modified_at, ..file.clone() };
    let replayed = Envelope { message: file.into(), ..files[0].clone() };
    assert_eq!(types(&fixture.handle_heeding(&replayed, &heard(&asked)).await), ["ingest.completed"]);
}

/// Nobody else would tell whoever waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_command_is_answered_although_a_newer_one_has_the_load() {
    let mut fixture = Fixture::new().await;
    fixture.write("parts.csv", "id,name\n1,a\n");
    let (older, newer) = (command("run"), command("run"));
    let late = fixture.handle(&older).await;
    fixture.take_back(&older).await;
    let files = fixture.handle(&newer).await;
    assert_cancelled(&fixture.handle(&late[0]).await, &older, "cancelled: a typo", 0);
    assert_eq!(types(&fixture.handle(&files[0]).await), ["ingest.completed"]);
    assert_cancelled(&fixture.handle(&late[0]).await, &older, "cancelled: a typo", 0);
    assert_eq!(fixture.value("SELECT count(*) FROM RAW.PARTS").await, "1");
}
