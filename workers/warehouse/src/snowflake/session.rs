//! One session at the service: a login, and statements one after the other.

use std::sync::Arc;
use std::time::Duration;

use snowflake_api::{AuthArgs, AuthType, CertificateArgs, PasswordArgs, SnowflakeApi, SnowflakeApiBuilder};

use super::answer::Answer;
use super::client::{self, Talk};
use super::errors::{Fault, Trouble};
use super::statements::STATEMENT_LIMIT;
use super::{Login, SnowflakeSettings};
use crate::WarehouseError;

/// Longer than the service allows, so that its own word comes first.
const LIMIT: Duration = Duration::from_secs(STATEMENT_LIMIT.as_secs() + 60);
/// The longest wait for a session's end, which nobody depends on.
const CLOSE: Duration = Duration::from_secs(5);

/// Whether a statement may be sent again when it is not known whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It reads, or does the same twice.
    Harmless,
    /// Twice would be too much.
    Never,
}

/// A session. The login is made for the first statement.
pub(super) struct Session {
    /// Taken when it is closed.
    api: Option<SnowflakeApi>,
    talk: Arc<Talk>,
}

impl Session {
    /// A session over `connections`.
    pub(super) fn new(settings: &SnowflakeSettings, connections: &reqwest::Client) -> Result<Self, WarehouseError> {
        let talk = Arc::new(Talk::new(LIMIT));
        // Empty only for an administrator who is yet to make them: a login that names what is not there is refused.
        let named = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
        let auth = AuthArgs {
            account_identifier: settings.account_for_token(),
            warehouse: named(&settings.warehouse),
            database: named(&settings.database),
            schema: None,
            username: settings.user.clone(),
            role: settings.role.clone(),
            auth_type: match &settings.login {
                Login::Password(password) => AuthType::Password(PasswordArgs { password: password.reveal().into() }),
                Login::Key(pem) => AuthType::Certificate(CertificateArgs { private_key_pem: pem.reveal().into() }),
            },
        };
        let client = client::client(connections, settings, &talk)?;
        let api = SnowflakeApiBuilder::new(auth).with_client(client).build();
        let api = api.map_err(|why| WarehouseError::from(Fault::from(why)))?;
        Ok(Self { api: Some(api), talk })
    }

    /// Runs a statement that may be sent again.
    pub(super) async fn ask(&self, sql: &str) -> Result<Answer, Fault> {
        self.run(sql, Again::Harmless, usize::MAX).await
    }

    /// Runs a statement that must not be done twice.
    pub(super) async fn execute(&self, sql: &str) -> Result<Answer, Fault> {
        self.run(sql, Again::Never, usize::MAX).await
    }

    /// Runs a statement; at most `max_rows` rows are fetched. In a transaction nothing is sent twice: its beginner does it all
    /// again.
    pub(super) async fn run(&self, sql: &str, again: Again, max_rows: usize) -> Result<Answer, Fault> {
        let api = self.api.as_ref().ok_or_else(|| Fault::new(Trouble::Session, "the session is closed"))?;
        self.talk.begin(again == Again::Harmless && !self.talk.in_transaction(), max_rows);
        let begun = std::time::Instant::now();
        // The blank keeps the crate from uploading a PUT's files itself: design.md tells why.
        let outcome = api.exec_raw(&format!(" {sql}")).await;
        let word = sql.split_whitespace().next().unwrap_or_default();
        tracing::trace!(word, took_ms = begun.elapsed().as_millis() as u64, ok = outcome.is_ok(), "statement");
        outcome?;
        self.talk.take_answer().ok_or_else(|| Fault::new(Trouble::Away, "the service gave no answer"))
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<(), Fault> {
        self.ask("BEGIN TRANSACTION").await?;
        self.talk.set_in_transaction(true);
        Ok(())
    }

    /// Commits. After an error it is not known whether it was done.
    pub(super) async fn commit(&self) -> Result<(), Fault> {
        self.execute("COMMIT").await?;
        self.talk.set_in_transaction(false);
        Ok(())
    }

    /// Undoes the transaction.
    pub(super) async fn roll_back(&self) -> Result<(), Fault> {
        self.execute("ROLLBACK").await?;
        self.talk.set_in_transaction(false);
        Ok(())
    }

    /// Whether a transaction is open.
    pub(super) fn in_transaction(&self) -> bool {
        self.talk.in_transaction()
    }

    /// Ends the session; the service undoes what it had not committed.
    pub(super) async fn close(mut self) {
        if let Some(api) = self.api.take() {
            end(api).await;
        }
    }
}

async fn end(mut api: SnowflakeApi) {
    if tokio::time::timeout(CLOSE, api.close_session()).await.is_err() {
        tracing::debug!("the session at Snowflake could not be closed in time; it ends by itself");
    }
}

impl Drop for Session {
    /// A session that is dropped in a transaction (its task was cancelled, say) would keep its locks for minutes.
    fn drop(&mut self) {
        if let (true, Some(api), Ok(runtime)) =
            (self.talk.in_transaction(), self.api.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(end(api));
        }
    }
}
