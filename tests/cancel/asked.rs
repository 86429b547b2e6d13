//! Commands, and what becomes of them.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::Mill;

pub const LOAD_ID: &str = "dag::manual__2026-11-23";

/// Gives a command, and returns its id.
pub fn trigger(mill: &Mill, stage: &str, load_id: &str) -> String {
    let sent = mill.json(&["trigger", stage, "--load-id", load_id, "--source", "materials"]);
    sent["command_id"].as_str().unwrap().to_owned()
}

/// Something that waits for an answer in a process of its own.
pub struct Waiting(Child);

impl Waiting {
    pub fn begin(mill: &Mill, arguments: &[&str]) -> Self {
        let all = [&["--json"], arguments, &["--wait", "110"]].concat();
        Self(mill.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Whether it waits no more.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// The answer, and the exit code.
    #[track_caller]
    pub fn answer(self) -> (Value, i32) {
        let ended = self.0.wait_with_output().unwrap();
        let told: Value = serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ended.stderr)));
        (told["answer"].clone(), ended.status.code().unwrap())
    }
}

/// Takes a command back at a stage, and waits for its end.
pub fn take_back(mill: &Mill, stage: &str, command: &str) -> Waiting {
    let reason = ["--stage", stage, "--command", command, "--reason", "the wrong day"];
    Waiting::begin(mill, &[&["cancel", LOAD_ID], &reason[..]].concat())
}

/// The command was answered as cancelled.
#[track_caller]
pub fn assert_cancelled((answer, code): (Value, i32), command: &str) {
    let failure = &answer["data"]["failure"];
    assert_eq!(
        (&failure["class"], &answer["correlationid"], code),
        (&"cancelled".into(), &command.into(), 0),
        "{answer}"
    );
    assert!(failure["message"].as_str().unwrap().starts_with("cancelled: the wrong day"), "{failure}");
}

/// Nothing is left in any queue, and nothing is dead.
#[track_caller]
pub fn settled(mill: &Mill, stages: &[&str]) {
    mill.wait("an end of everything", || {
        stages.iter().all(|stage| {
            let queue = mill.queue(stage);
            ["ready", "delayed", "in_hand"].iter().all(|state| queue[*state] == 0)
        })
    });
    assert_eq!(mill.dead(), Vec::<Value>::new());
}

/// What the audit says of a message of transform or dq.
pub fn stage_ends(mill: &Mill, message: &str) -> Vec<String> {
    let sql = "SELECT STATUS FROM RAW.STAGE_AUDIT WHERE STATUS <> 'CANCEL_REQUESTED' AND MESSAGE_ID = ";
    mill.query(&format!("{sql}'{message}'")).into_iter().map(|mut row| row.remove(0)).collect()
}

/// The state that `millrace load` shows.
pub fn state(mill: &Mill, load_id: &str) -> String {
    mill.json(&["load", load_id])["state"].as_str().unwrap().to_owned()
}
