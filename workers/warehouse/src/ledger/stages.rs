//! The audits of the later stages.

use chrono::{DateTime, Utc};
use messages::{LoadId, MessageId, Stage};

use super::write::insert;
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

    /// Records stage lines, and quality lines with them, in one transaction.
    pub async fn record_stages(&self, stages: &[StageLine], quality: &[QualityLine]) -> Result<(), WarehouseError> {
        let mut statements = insert(quality);
        statements.extend(insert(stages));
        if statements.is_empty() {
            return Ok(());
        }
        self.warehouse().transact(&statements).await
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
