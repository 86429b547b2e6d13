//! The audits of the later stages.

use chrono::{DateTime, Utc};
use messages::{LoadId, MessageId, Stage};

use super::write::insert_if;
use super::{Ledger, of_load};
use crate::sql::{literal, timestamp};
use crate::{QualityLine, StageLine, WarehouseError};

impl Ledger {
    /// The commands of `stage` messages already handled: the line of this message, if there is one.
    pub async fn stage_line(&self, stage: Stage, message_id: MessageId) -> Result<Option<StageLine>, WarehouseError> {
        let found = self
            .select(&format!(
                "WHERE STAGE = {} AND MESSAGE_ID = {} ORDER BY FINISHED_AT DESC LIMIT 1",
                literal(stage.as_str()),
                literal(&message_id.to_string())
            ))
            .await?;
        Ok(found.into_iter().next())
    }

    /// What became of these messages of `stage`: the newest line of each that has one.
    pub async fn handled(&self, stage: Stage, messages: &[MessageId]) -> Result<Vec<StageLine>, WarehouseError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.select(&format!(
            "WHERE STAGE = {} AND MESSAGE_ID IN ({}) \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY MESSAGE_ID ORDER BY FINISHED_AT DESC) = 1",
            literal(stage.as_str()),
            ids(messages.iter())
        ))
        .await
    }

    /// Records stage lines, and quality lines with them, in one transaction. Whatever another worker has recorded for the
    /// same message since this work began stands, and is not recorded twice.
    pub async fn record_stages(&self, stages: &[StageLine], quality: &[QualityLine]) -> Result<(), WarehouseError> {
        let Some(begun) = stages.iter().map(|line| line.started_at).min() else {
            return Ok(());
        };
        let meanwhile = |same: &str| {
            let messages = ids(stages.iter().map(|line| &line.message_id));
            let begun = timestamp(begun);
            format!(
                " WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = {} AND {same} \
                AND S.MESSAGE_ID IN ({messages}) AND S.FINISHED_AT >= {begun})",
                literal(stages[0].stage.as_str())
            )
        };
        let mut statements = insert_if(quality, |_| meanwhile("S.LOAD_ID = V.LOAD_ID"));
        statements.extend(insert_if(stages, |_| meanwhile("S.MESSAGE_ID = V.MESSAGE_ID")));
        self.warehouse().transact(&statements, Some(stages[0].stage.as_str())).await
    }

    /// What the later stages did for a load, oldest first.
    pub async fn stage_lines(&self, load_id: &LoadId) -> Result<Vec<StageLine>, WarehouseError> {
        self.select(&format!("{} ORDER BY FINISHED_AT, STARTED_AT", of_load(load_id))).await
    }

    /// Stage lines finished at or after `since`, oldest first (for the summary of `up --once`).
    pub async fn stage_lines_since(&self, since: DateTime<Utc>) -> Result<Vec<StageLine>, WarehouseError> {
        self.select(&format!("WHERE FINISHED_AT >= {} ORDER BY FINISHED_AT, STARTED_AT", timestamp(since))).await
    }

    /// What the checks found for a load, oldest first.
    pub async fn quality_lines(&self, load_id: &LoadId) -> Result<Vec<QualityLine>, WarehouseError> {
        self.select(&format!("{} ORDER BY CHECKED_AT, TABLE_NAME, CHECK_NAME", of_load(load_id))).await
    }
}

fn ids<'a>(messages: impl Iterator<Item = &'a MessageId>) -> String {
    messages.map(|id| literal(&id.to_string())).collect::<Vec<_>>().join(", ")
}
