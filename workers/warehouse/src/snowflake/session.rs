//! One session at the service: a login, and statements one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
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

/// From one statement of a transaction to the next. After five minutes of silence the service ends a transaction that others
/// wait for (`sql-reference/transactions`, "Aborting transactions"). A statement that takes longer is taken for silence: that
/// costs one question to the audit.
const SILENCE_SECS: u64 = 240;

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
    /// When something was sent last, by the clock on the wall: the others stand still while a machine sleeps.
    sent_at_secs: AtomicI64,
    /// Whether the open transaction was silent for so long that the service may have ended it.
    doubtful: AtomicBool,
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
        Ok(Self { api: Some(api), talk, sent_at_secs: AtomicI64::new(0), doubtful: AtomicBool::new(false) })
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
        self.look_at_the_clock();
        let begun = std::time::Instant::now();
        // The blank keeps the crate from uploading a PUT's files itself: design.md tells why.
        let outcome = api.exec_raw(&format!(" {sql}")).await;
        let word = sql.split_whitespace().next().unwrap_or_default();
        tracing::trace!(word, took_ms = begun.elapsed().as_millis() as u64, ok = outcome.is_ok(), "statement");
        outcome.map_err(|why| match Fault::from(why) {
            // It was taken, and its result was asked for: a refusal says nothing any more about whether it was done.
            fault if again == Again::Never && self.talk.is_repeatable() => fault.of_something_begun(),
            fault => fault,
        })?;
        self.talk.take_answer().ok_or_else(|| Fault::new(Trouble::Away, "the service gave no answer"))
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<(), Fault> {
        self.ask("BEGIN TRANSACTION").await?;
        self.doubtful.store(false, Ordering::SeqCst);
        self.talk.set_in_transaction(true);
        Ok(())
    }

    /// Commits. After an error it is not known whether it was done. A transaction that was silent for so long that the service
    /// may have ended it is such an error too: a COMMIT that finds none says that all is well.
    pub(super) async fn commit(&self) -> Result<(), Fault> {
        self.execute("COMMIT").await?;
        self.look_at_the_clock();
        self.talk.set_in_transaction(false);
        if self.doubtful.load(Ordering::SeqCst) {
            return Err(Fault::new(Trouble::Session, "the transaction may have been ended before it was committed"));
        }
        Ok(())
    }

    fn look_at_the_clock(&self) {
        let now = chrono::Utc::now().timestamp();
        let before = self.sent_at_secs.swap(now, Ordering::SeqCst);
        if self.talk.in_transaction() && now.abs_diff(before) > SILENCE_SECS {
            self.doubtful.store(true, Ordering::SeqCst);
        }
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

    /// Ends the session; the service undoes what it had not committed. It is ended also if the caller goes away meanwhile.
    pub(super) async fn close(mut self) {
        if let Some(api) = self.api.take() {
            let _ended = tokio::spawn(end(api, Arc::clone(&self.talk))).await;
        }
    }
}

async fn end(mut api: SnowflakeApi, talk: Arc<Talk>) {
    talk.only_asks();
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
            runtime.spawn(end(api, Arc::clone(&self.talk)));
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::{Emulator, EmulatorFault, EmulatorOptions, Place};

    use super::*;

    fn session(emulator: &Emulator, database: &str) -> Session {
        let variables: std::collections::HashMap<_, _> = emulator.variables(database).into_iter().collect();
        let settings = SnowflakeSettings::read(|name| variables.get(name).cloned()).unwrap();
        Session::new(&settings, &client::connections().unwrap()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_after_a_long_silence_is_not_trusted() {
        let session = session(Emulator::shared(), "SILENT");
        session.begin().await.unwrap();
        session.commit().await.unwrap();
        session.begin().await.unwrap();
        session.sent_at_secs.fetch_sub(300, Ordering::SeqCst);
        assert_eq!(session.commit().await.unwrap_err().trouble, Trouble::Session);
        session.begin().await.unwrap();
        session.commit().await.unwrap();
        session.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_session_whose_token_can_not_be_renewed_can_be_closed() {
        let emulator = Emulator::start(&EmulatorOptions { token_secs: Some(1), ..EmulatorOptions::default() });
        let session = session(&emulator, "OLD");
        session.begin().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        emulator.fault(&EmulatorFault::status(Place::Token, 503));
        session.execute("SELECT 1").await.unwrap_err();
        session.close().await;
        // Else its locks would be kept for minutes.
        assert_eq!(emulator.count("closes"), 1);
    }
}
