//! The world must be what the model says.

use std::collections::BTreeSet;

use messages::{Message, MessageId};

use crate::files::table_of;
use crate::ledger::{Line, Model};
use crate::predict;
use crate::world::World;

const TABLES: [&str; 2] = ["PARTS", "MOVES"];

/// After each step: how full the queues are, and what the views show.
pub async fn step(world: &World, model: &Model, story: &[String]) {
    let told = || story.join("\n");
    let expected = (model.queue.len() as u64, model.completed.len() as u64, model.dead.len() as u64);
    assert_eq!(world.depths().await, expected, "queues of ingest and transform, and dead letters\n{}", told());
    for table in TABLES {
        let shown = world.query(&format!("SELECT LOAD_ID, id FROM RAW.{table}")).await;
        let mut shown: Vec<_> = shown.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        shown.sort();
        assert_eq!(shown, model.view(table), "RAW.{table}\n{}", told());
    }
    promises(model, story);
}

/// In the end: every line, every row, every announcement, every dead letter.
pub async fn everything(world: &World, model: &Model, story: &[String]) {
    let told = || story.join("\n");
    assert_eq!(lines(world).await, expected_lines(model), "{}", told());
    assert_eq!(rows(world).await, expected_rows(model), "{}", told());

    let mut announced: Vec<(MessageId, Message)> =
        world.announced().await.into_iter().map(|envelope| (envelope.id, envelope.message)).collect();
    let mut completed = model.completed.clone();
    announced.sort_by_key(|(id, _)| *id);
    completed.sort_by_key(|(id, _)| *id);
    assert_eq!(announced, completed, "what was announced to transform\n{}", told());

    let letters = world.bus().dead(None, 10_000).await.unwrap();
    let mut dead: Vec<MessageId> = letters.iter().map(|letter| letter.message_id.unwrap()).collect();
    let mut expected: Vec<MessageId> = model.dead.iter().map(|sent| sent.id).collect();
    dead.sort();
    expected.sort();
    assert_eq!(dead, expected, "dead letters\n{}", told());
}

async fn lines(world: &World) -> Vec<Vec<String>> {
    let sql = "SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, STATUS, ROWS_LOADED, BYTES, RUN_FILES, TABLE_FILES, \
               epoch_us(AS_OF), epoch_us(MODIFIED_AT) FROM RAW.RAW_LOAD_AUDIT";
    let mut lines = world.query(sql).await;
    lines.sort();
    lines
}

fn expected_lines(model: &Model) -> Vec<Vec<String>> {
    let line = |line: &Line| {
        let texts = [line.load_id.to_string(), line.command_id.to_string(), line.table.into(), line.uri.clone()];
        let numbers = [line.rows, line.bytes, line.run_files.into(), line.table_files.into()];
        let times = [line.as_of, line.modified_at].map(|at| at.timestamp_micros().to_string());
        let texts = texts.into_iter().chain([line.status.to_owned()]);
        texts.chain(numbers.map(|number| number.to_string())).chain(times).collect()
    };
    let mut lines: Vec<Vec<String>> = model.lines.iter().map(line).collect();
    lines.sort();
    lines
}

async fn rows(world: &World) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in TABLES {
        rows.extend(
            world.query(&format!("SELECT LOAD_ID, COMMAND_ID, SOURCE_FILE, id FROM RAW_RUN.{table}_RUN")).await,
        );
    }
    rows.sort();
    rows
}

fn expected_rows(model: &Model) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for ((load_id, command_id, uri), ids) in &model.slices {
        rows.extend(ids.iter().map(|id| vec![load_id.to_string(), command_id.to_string(), uri.clone(), id.clone()]));
    }
    rows.sort();
    rows
}

/// What holds whatever the model predicted: the promises, told without the way that led there.
fn promises(model: &Model, story: &[String]) {
    let gone: BTreeSet<MessageId> = model.dead.iter().map(|sent| sent.id).chain(model.purged.iter().copied()).collect();
    let waiting: BTreeSet<MessageId> = model.queue.iter().map(|sent| sent.id).collect();
    for (id, file) in &model.found {
        let stands = |line: &Line| (line.command_id, &line.uri) == (file.command_id, &file.uri);
        let loaded = model.successes().chain(model.with("QUARANTINED")).any(stands);
        let overtaken = model.is_overtaken(&file.load_id, file.command_id, table_of(&file.uri));
        let kept = loaded || overtaken || gone.contains(id) || waiting.contains(id);
        assert!(kept, "{file:?} was lost\n{}", story.join("\n"));
    }
    for (load_id, command_id) in TABLES.into_iter().filter_map(|table| model.current(table)) {
        let is_told = |completed: MessageId, failed: &[MessageId]| {
            model.completed.iter().any(|(id, _)| *id == completed) || failed.iter().any(|id| model.failed.contains(id))
        };
        let failed = ["ingest.failed", "ingest.failed quarantined"].map(|kind| command_id.leading_to(kind));
        // Or by whoever has decided about it.
        let decisions = model.lines.iter().filter(|line| line.command_id == command_id).filter_map(|line| line.decided);
        let told = is_told(command_id.leading_to("ingest.completed"), &failed)
            || decisions.into_iter().any(|id| {
                let answers = ["ingest.completed", "ingest.failed"].map(|kind| predict::answer(id, kind, &load_id));
                waiting.contains(&id) || is_told(answers[0], &answers[1..])
            });
        let will_be = model.queue.iter().any(|sent| match &sent.message {
            Message::SourceFileDiscovered(file) => file.command_id == command_id,
            _ => sent.id == command_id,
        });
        assert!(told || will_be, "{load_id} by {command_id} is shown, and nobody was told\n{}", story.join("\n"));
    }
}
