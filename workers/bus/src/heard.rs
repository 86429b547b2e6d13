//! What a listener heard: there is nothing left to settle.

use std::time::Duration;

use async_trait::async_trait;
use messages::Failure;

use crate::{BusError, Settle};

/// A listener's delivery leaves its queue when it is handed out.
pub(crate) struct Heard;

#[async_trait]
impl Settle for Heard {
    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        Ok(())
    }

    async fn retry(self: Box<Self>, _after: Duration, _cause: &Failure) -> Result<(), BusError> {
        Ok(())
    }

    async fn dead_letter(self: Box<Self>, _cause: &Failure) -> Result<(), BusError> {
        Ok(())
    }

    async fn give_back(self: Box<Self>) -> Result<(), BusError> {
        Ok(())
    }
}
