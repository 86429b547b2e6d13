//! Sessions, kept for who comes next: a login takes as long as several statements.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::session::Session;
use super::{SnowflakeSettings, client};
use crate::WarehouseError;

/// Sessions of one process at a time. What is more waits.
const SESSIONS: usize = 8;

/// Sessions that nobody uses at the moment, and the right to make more.
pub(super) struct Pool {
    settings: SnowflakeSettings,
    connections: reqwest::Client,
    idle: Mutex<Vec<Session>>,
    gate: Semaphore,
}

/// A session in use. Give it [back](Taken::give_back) once it is in order; dropped, it is not used again.
pub(super) struct Taken<'a> {
    session: Session,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    /// A pool of sessions with these settings. Nothing is sent yet.
    pub(super) fn new(settings: SnowflakeSettings) -> Result<Self, WarehouseError> {
        let connections = client::connections()?;
        // Wrong settings show now and not with the first file.
        drop(Session::new(&settings, &connections)?);
        Ok(Self { settings, connections, idle: Mutex::default(), gate: Semaphore::new(SESSIONS) })
    }

    pub(super) fn settings(&self) -> &SnowflakeSettings {
        &self.settings
    }

    /// A session that was used before, or a new one.
    pub(super) async fn take(&self) -> Result<Taken<'_>, WarehouseError> {
        let permit = self.gate.acquire().await;
        let permit = permit.map_err(|_| WarehouseError::Unavailable("the sessions at Snowflake are closed".into()))?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match kept {
            Some(session) => session,
            None => Session::new(&self.settings, &self.connections)?,
        };
        Ok(Taken { session, pool: self, _permit: permit })
    }

    /// Ends all sessions that nobody uses.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for session in idle {
            session.close().await;
        }
    }
}

impl Taken<'_> {
    /// Keeps the session for others; one with an open transaction is ended.
    pub(super) async fn give_back(self) {
        if self.session.in_transaction() {
            return self.session.close().await;
        }
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.session);
    }

    /// Ends the session.
    pub(super) async fn discard(self) {
        self.session.close().await;
    }
}

impl std::ops::Deref for Taken<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}
