//! The audits of the later stages, and what was taken back at any stage.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use messages::{CancelRequested, Envelope, Failure, LoadId, MessageId, Stage};

use super::write::{insert_if, insert_where};
use super::{Ledger, SampleLine, of_load};
use crate::sql::{literal, timestamp};
use crate::standing::is_taken_back;
use crate::{QualityLine, QualityOrigin, StageLine, StageStatus, WarehouseError};

/// A condition on lines that tell how something ended.
const IS_END: &str = "STATUS <> 'CANCEL_REQUESTED'";

/// What is known of messages of a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    lines: Vec<StageLine>,
}

impl Known {
    /// How the message ended, if it did: its newest line.
    pub fn end(&self, message_id: MessageId) -> Option<&StageLine> {
        self.lines.iter().find(|line| line.message_id == message_id && line.status != StageStatus::CancelRequested)
    }

    /// How the message is to end, if it was taken back.
    pub fn cancelled(&self, envelope: &Envelope) -> Option<Failure> {
        let requests = self.lines.iter().filter(|line| line.status == StageStatus::CancelRequested);
        let cancels = requests.filter_map(|line| serde_json::from_value(line.announced.clone()).ok());
        cancels.filter(|cancel: &CancelRequested| cancel.concerns(envelope)).map(|cancel| cancel.failure()).next()
    }
}

/// A condition on lines of `RAW.STAGE_AUDIT`: this command of ingest ended as cancelled, without a plan.
pub(super) fn is_cancelled(load_id: &LoadId, command_id: MessageId) -> String {
    format!(
        "STAGE = 'ingest' AND STATUS = 'CANCELLED' AND LOAD_ID = {} AND MESSAGE_ID = {}",
        literal(load_id.as_str()),
        literal(&command_id.to_string())
    )
}

impl Ledger {
    /// How a message of `stage` ended, if it did: its newest line.
    pub async fn stage_line(&self, stage: Stage, message_id: MessageId) -> Result<Option<StageLine>, WarehouseError> {
        let found = self
            .select(&format!(
                "WHERE STAGE = {} AND MESSAGE_ID = {} AND {IS_END} ORDER BY FINISHED_AT DESC LIMIT 1",
                literal(stage.as_str()),
                literal(&message_id.to_string())
            ))
            .await?;
        Ok(found.into_iter().next())
    }

    /// What is known of these messages of `stage`: how they ended, and whether they were taken back.
    pub async fn known(
        &self,
        stage: Stage,
        messages: impl IntoIterator<Item = &Envelope>,
    ) -> Result<Known, WarehouseError> {
        let names: BTreeSet<MessageId> = messages.into_iter().flat_map(Envelope::commands).collect();
        if names.is_empty() {
            return Ok(Known::default());
        }
        let sql = format!(
            "WHERE STAGE = {} AND MESSAGE_ID IN ({}) QUALIFY ROW_NUMBER() OVER (PARTITION BY MESSAGE_ID, \
            CASE WHEN {IS_END} THEN '' ELSE LOAD_ID END ORDER BY FINISHED_AT DESC) = 1",
            literal(stage.as_str()),
            ids(names.iter())
        );
        Ok(Known { lines: self.select(&sql).await? })
    }

    /// Records that somebody takes a command back, once: the line is [`StageLine::cancel_requested`]. `false`: it was known.
    pub async fn record_cancel(&self, line: &StageLine) -> Result<bool, WarehouseError> {
        let same = is_taken_back(line.stage, &line.load_id, line.message_id);
        let condition = format!("NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE {same})");
        let alone = Some(line.stage.as_str());
        Ok(self.warehouse().transact(&[insert_where(line, &condition)], alone).await? > 0)
    }

    /// Records stage lines, and quality lines with them, in one transaction. Whatever another worker has recorded for the
    /// same message since this work began stands, and is not recorded twice; what it did and what was cancelled exclude each
    /// other, whichever was first. `false`: something stood already, so ask what, and announce that.
    pub async fn record_stages(&self, stages: &[StageLine], quality: &[QualityLine]) -> Result<bool, WarehouseError> {
        self.record_verdicts(stages, quality, &[]).await
    }

    /// The same with rows that did not pass.
    pub async fn record_verdicts(
        &self,
        stages: &[StageLine],
        quality: &[QualityLine],
        samples: &[SampleLine],
    ) -> Result<bool, WarehouseError> {
        let Some(begun) = stages.iter().map(|line| line.started_at).min() else {
            return Ok(true);
        };
        // Whenever they were written: the workers' clocks differ. Told here, because a subquery may only compare for equality with
        // what is outside of it.
        let is_cancel = stages.iter().any(|line| line.status == StageStatus::Cancelled);
        let others = if is_cancel { "'CANCELLED', 'FAILED', 'SUCCESS'" } else { "'CANCELLED'" };
        let meanwhile = |same: &str| {
            let messages = ids(stages.iter().map(|line| &line.message_id));
            let begun = timestamp(begun);
            format!(
                " WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = {} AND {same} \
                AND S.MESSAGE_ID IN ({messages}) AND S.{IS_END} AND (S.FINISHED_AT >= {begun} \
                OR S.STATUS IN ({others})))",
                literal(stages[0].stage.as_str())
            )
        };
        let mut statements = insert_if(quality, |_| meanwhile("S.LOAD_ID = V.LOAD_ID"));
        statements.extend(insert_if(samples, |_| meanwhile("S.LOAD_ID = V.LOAD_ID")));
        statements.extend(insert_if(stages, |_| meanwhile("S.MESSAGE_ID = V.MESSAGE_ID")));
        let written = self.warehouse().transact(&statements, Some(stages[0].stage.as_str())).await?;
        Ok(written == (stages.len() + quality.len() + samples.len()) as u64)
    }

    /// What the later stages did for a load, oldest first.
    pub async fn stage_lines(&self, load_id: &LoadId) -> Result<Vec<StageLine>, WarehouseError> {
        self.select(&format!("{} ORDER BY FINISHED_AT, STARTED_AT", of_load(load_id))).await
    }

    /// Stage lines finished at or after `since`, oldest first (for the summary of `up --once`).
    pub async fn stage_lines_since(&self, since: DateTime<Utc>) -> Result<Vec<StageLine>, WarehouseError> {
        self.select(&format!("WHERE FINISHED_AT >= {} ORDER BY FINISHED_AT, STARTED_AT", timestamp(since))).await
    }

    /// What each of dbt's tests found last for each of these loads.
    pub async fn newest_tests(
        &self,
        loads: impl IntoIterator<Item = &LoadId>,
    ) -> Result<Vec<QualityLine>, WarehouseError> {
        let loads: BTreeSet<String> = loads.into_iter().map(|load| literal(load.as_str())).collect();
        if loads.is_empty() {
            return Ok(Vec::new());
        }
        let loads = loads.into_iter().collect::<Vec<_>>().join(", ");
        self.select(&format!(
            "WHERE ORIGIN = {} AND LOAD_ID IN ({loads}) \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, TABLE_NAME, CHECK_NAME ORDER BY CHECKED_AT DESC) = 1 \
            ORDER BY LOAD_ID, TABLE_NAME, CHECK_NAME",
            literal(QualityOrigin::Dbt.as_str())
        ))
        .await
    }

    /// What the checks found for a load, oldest first.
    pub async fn quality_lines(&self, load_id: &LoadId) -> Result<Vec<QualityLine>, WarehouseError> {
        self.select(&format!("{} ORDER BY CHECKED_AT, TABLE_NAME, CHECK_NAME", of_load(load_id))).await
    }
}

fn ids<'a>(messages: impl Iterator<Item = &'a MessageId>) -> String {
    messages.map(|id| literal(&id.to_string())).collect::<Vec<_>>().join(", ")
}
