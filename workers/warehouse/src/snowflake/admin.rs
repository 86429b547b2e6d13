//! An administrator's session, in which an account is set up.

use super::session::Session;
use super::{SnowflakeSettings, client};
use crate::WarehouseError;

/// An administrator's session. The login is made for the first statement.
pub struct Admin(Session);

impl Admin {
    /// A session of the administrator that [`SnowflakeSettings::admin`] has read. Nothing is sent yet.
    ///
    /// # Errors
    /// `Configuration`: no client can be made of the settings.
    pub fn new(settings: &SnowflakeSettings) -> Result<Self, WarehouseError> {
        Ok(Self(Session::new(settings, &client::connections()?)?))
    }

    /// Runs a statement that does no harm twice.
    ///
    /// # Errors
    /// `Configuration` if the login is refused, `Unavailable` if Snowflake can't be reached, `Statement` if it refuses.
    pub async fn execute(&self, sql: &str) -> Result<(), WarehouseError> {
        Ok(self.0.ask(sql).await.map(drop)?)
    }

    /// Ends the session.
    pub async fn close(self) {
        self.0.close().await;
    }
}
