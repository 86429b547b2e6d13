//! What somebody decides about files that are held back: they become current, or are given up.

use chrono::{DateTime, SubsecRound, Utc};
use messages::{Decision, Failure, MessageId};
use runtime::{Handled, Work};
use warehouse::{Held, LoadLine, LoadStatus, RunState, taken_over};

use crate::handler::{SENDER, failed};
use crate::{IngestHandler, conclude, report};

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The files become current, as if nothing had held them back.
    Release,
    /// They are given up, and their rows removed.
    Discard,
}

impl Verdict {
    fn status(self) -> LoadStatus {
        match self {
            Self::Release => LoadStatus::Success,
            Self::Discard => LoadStatus::Discarded,
        }
    }
}

/// Decides about all files of a load that are held back, and announces what the run has become by it: after a release the later
/// stages go on under the same LOAD_ID, and a load that is given up is announced as cancelled, because somebody wanted it so and
/// nobody has to mend anything. The announcement has an id of its own, made of the decision's: whoever has heard that the load was
/// held back must hear this too. A decision that comes too late, or about a load that is not held back, changes nothing and is
/// answered with a failure; it is no dead letter. What is held back stays so, and can be decided about, where the load was asked for
/// again and that was cancelled.
pub(crate) async fn decide(
    handler: &IngestHandler,
    work: &Work,
    decision: &Decision,
    verdict: Verdict,
) -> Result<Handled, Failure> {
    let announce = |message: messages::Message| work.envelope.leads_to(SENDER, message);
    let Decided { command_id, as_of, lines } = match record(handler, work, decision, verdict).await? {
        Ok(decided) => decided,
        Err(refusal) => {
            report::refused(work, &refusal);
            return Ok(vec![announce(failed(&work.envelope, &refusal).into())].into());
        }
    };
    // Of those that were fenced out by a command which was cancelled then, nobody else will tell.
    let for_good = taken_over(&lines, command_id);
    let (mut state, mut is_cut_short) = (handler.ledger.run_state(&decision.load_id, command_id).await?, false);
    if let Some(RunState { overtaken, files, .. }) = &mut state {
        overtaken.retain(|table| {
            let is_for_good = for_good.contains(table);
            is_cut_short |= !is_for_good && files.iter().any(|line| is_missing(line, table));
            is_for_good
        });
    }
    let state = state.map(conclude::without_overtaken);
    if state.as_ref().is_some_and(|state| state.files.is_empty()) {
        // Announced without a table it would be a wish to build everything.
        let why = format!("a newer command for {} has taken over all of its files", decision.load_id);
        return Ok(vec![announce(failed(&work.envelope, &Failure::cancelled(why)).into())].into());
    }
    let message = state.as_ref().and_then(|state| match verdict {
        Verdict::Release => conclude::end_of(&decision.load_id, as_of, state),
        Verdict::Discard => Some(conclude::given_up(&decision.load_id, state)),
    });
    if let Some(state) = &state {
        conclude::tell_whole_tables(state);
    }
    if message.is_none() && is_cut_short {
        let why = format!(
            "{} is decided about, and does not become current: files of its run were not loaded any more, because it was asked for \
            again, and that was cancelled; ask for the load once more",
            decision.load_id
        );
        return Ok(vec![announce(failed(&work.envelope, &Failure::permanent(why)).into())].into());
    }
    // A run that has gone on meanwhile is announced by whoever ends it.
    Ok(message.map(announce).into_iter().collect::<Vec<_>>().into())
}

/// Whether it is a file of the table that was planned and is not there.
fn is_missing(line: &LoadLine, table: &str) -> bool {
    line.table == table && line.status == LoadStatus::Planned
}

/// What was decided about.
struct Decided {
    command_id: MessageId,
    /// How new its data is.
    as_of: DateTime<Utc>,
    /// All lines of the load.
    lines: Vec<LoadLine>,
}

/// Writes the decision down. A copy of a decision finds its own lines.
async fn record(
    handler: &IngestHandler,
    work: &Work,
    decision: &Decision,
    verdict: Verdict,
) -> Result<Result<Decided, Failure>, Failure> {
    let trace_id = work.envelope.trace.trace_id();
    // Several decisions may belong to one trace; a copy has the moment of the original.
    let asked_at = work.envelope.time.trunc_subsecs(6);
    let is_ours = |line: &&LoadLine| {
        line.status == verdict.status()
            && line.trace_id == trace_id
            && line.started_at == asked_at
            && line.decided_by.as_ref() == Some(&decision.decided_by)
            && line.decided_why.as_ref() == Some(&decision.reason)
    };
    let ours = |lines: &[LoadLine]| lines.iter().rev().find(is_ours).map(|line| (line.command_id, line.as_of));
    let lines = handler.ledger.load_lines(&decision.load_id).await?;
    if let Some((command_id, as_of)) = ours(&lines) {
        return Ok(Ok(Decided { command_id, as_of, lines }));
    }
    let Some(held) = Held::of(&lines) else { return Ok(Err(not_held(decision, &lines))) };
    if held.open > 0 {
        return Ok(Err(Failure::permanent(format!(
            "{} is still being loaded: {} of its files have not ended; decide once they have",
            decision.load_id, held.open
        ))));
    }
    // Whoever decided has not seen what came after: a newer command's hold or end, or the end of another file.
    let since = lines.iter().filter(|line| line.command_id >= held.command_id);
    if since.map(|line| line.finished_at).max().is_some_and(|changed_at| changed_at > work.envelope.time) {
        return Ok(Err(Failure::permanent(format!(
            "{} has changed since this was decided: look at it with `millrace load`, and decide anew",
            decision.load_id
        ))));
    }
    let now = Utc::now().trunc_subsecs(6);
    let decided = |line: &LoadLine| LoadLine {
        status: verdict.status(),
        rows_loaded: if verdict == Verdict::Discard { 0 } else { line.rows_loaded },
        error: (verdict == Verdict::Discard).then(|| given_up(decision)),
        started_at: asked_at,
        finished_at: now,
        trace_id: trace_id.clone(),
        worker: handler.worker.clone(),
        decided_by: Some(decision.decided_by.clone()),
        decided_why: Some(decision.reason.clone()),
        ..line.clone()
    };
    let wanted: Vec<LoadLine> = held.files.iter().map(decided).collect();
    handler.ledger.decide(&wanted).await?;
    let lines = handler.ledger.load_lines(&decision.load_id).await?;
    let Some((command_id, as_of)) = ours(&lines) else { return Ok(Err(not_held(decision, &lines))) };
    for line in lines.iter().filter(is_ours) {
        report::decided(line);
    }
    Ok(Ok(Decided { command_id, as_of, lines }))
}

fn given_up(decision: &Decision) -> String {
    format!("discarded by {}: {}", decision.decided_by, decision.reason)
}

/// Why there is nothing to decide.
fn not_held(decision: &Decision, lines: &[LoadLine]) -> Failure {
    let load_id = &decision.load_id;
    let holds =
        |line: &&LoadLine| line.decided_by.is_some() && !taken_over(lines, line.command_id).contains(&line.table);
    let decided = lines.iter().rev().find(holds);
    Failure::permanent(match (lines, decided) {
        ([], _) => format!("no load is known as {load_id}: `millrace loads` lists the newest"),
        (_, Some(line)) => format!(
            "{load_id} is not held back any more: {} {} it at {} ({}); the first decision holds",
            line.decided_by.as_deref().unwrap_or("somebody"),
            if line.status == LoadStatus::Discarded { "discarded" } else { "released" },
            line.finished_at.format("%Y-%m-%d %H:%M:%S UTC"),
            line.decided_why.as_deref().unwrap_or_default(),
        ),
        (lines, None) if lines.iter().any(|line| line.status == LoadStatus::Quarantined) => format!(
            "what was held back of {load_id} is not any more: a newer command for it has taken over; `millrace load` shows it. If \
            that one failed, mend the file and replay it (`millrace dead list`), or load it again under the same LOAD_ID"
        ),
        _ => {
            format!("{load_id} is not held back, so there is nothing to decide: `millrace load` shows where it stands")
        }
    })
}
