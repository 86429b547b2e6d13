//! The sidecar over time: replaced when it died, or when the project is no longer what it parsed.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::protocol::Op;
use super::sidecar::{Sidecar, SidecarError as Error};
use super::{BuildReport, BuildRequest, DbtError, DbtSettings, DbtStatus, fingerprint};

pub(super) use super::sidecar::SidecarError as WarmError;

/// How long builds run cold after a sidecar that could not be had, so that they don't all wait for the next failure.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// Keeps one sidecar.
pub(super) struct Warm {
    settings: DbtSettings,
    current: Option<Current>,
    /// No new sidecar before this moment, and why.
    not_before: Option<(Instant, String)>,
    status: DbtStatus,
}

struct Current {
    sidecar: Sidecar,
    /// Of the project before the sidecar read it, so that an edit in between is noticed.
    fingerprint: u64,
}

impl Warm {
    pub(super) fn new(settings: DbtSettings, status: DbtStatus) -> Self {
        Self { settings, current: None, not_before: None, status }
    }

    /// Starts a sidecar that nobody waits for; what is wrong with it is told by the first build.
    pub(super) fn warm_up(&mut self) {
        match self.spawn() {
            Ok(current) => self.current = Some(current),
            Err(Error::Unusable(reason)) => self.status.cold(&reason),
            Err(Error::Dbt(error)) => self.status.unusable(&error.to_string()),
        }
    }

    /// Waits until a build can begin at once. What is wrong is told by the build that follows.
    pub(super) async fn ready(&mut self) {
        if self.may_try().is_ok() {
            let ready = self.sidecar().await.map(drop);
            let _ = self.cooled(ready).await;
        }
    }

    pub(super) async fn ask(
        &mut self,
        op: Op,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, Error> {
        self.may_try()?;
        let ended = self.try_once(op, request, stop).await;
        self.cooled(ended).await
    }

    fn may_try(&mut self) -> Result<(), Error> {
        match &self.not_before {
            Some((moment, reason)) if Instant::now() < *moment => Err(Error::Unusable(reason.clone())),
            _ => {
                self.not_before = None;
                Ok(())
            }
        }
    }

    /// After a sidecar that could not be had there is none for a while.
    async fn cooled<T>(&mut self, ended: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Unusable(reason)) = &ended {
            self.status.cold(reason);
            self.not_before = Some((Instant::now() + COOL_DOWN, reason.clone()));
            self.end().await;
        }
        ended
    }

    pub(super) async fn stop(self) {
        if let Some(current) = self.current {
            current.sidecar.stop().await;
        }
    }

    async fn try_once(
        &mut self,
        op: Op,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, Error> {
        let (timeout, timeout_secs) = (self.settings.timeout(), self.settings.timeout_secs);
        let sidecar = self.sidecar().await?;
        let ended = tokio::select! {
            // One that is stopped already is not begun.
            biased;
            () = stop.cancelled() => Err(DbtError::Stopped),
            ended = tokio::time::timeout(timeout, sidecar.ask(op, request)) => match ended {
                Ok(ended) => return ended.map_err(Error::Dbt),
                Err(_) => Err(DbtError::TimedOut { timeout_secs }),
            },
        };
        let is_stopped = matches!(ended, Err(DbtError::Stopped));
        if is_stopped && sidecar.is_usable() {
            return ended.map_err(Error::Dbt);
        }
        self.end().await;
        if is_stopped {
            // The next build is to find it warm.
            self.warm_up();
        }
        ended.map_err(Error::Dbt)
    }

    /// A sidecar that has parsed the project as it is now.
    async fn sidecar(&mut self) -> Result<&mut Sidecar, Error> {
        let is_current = match &mut self.current {
            Some(current) => {
                current.sidecar.is_usable()
                    && fingerprint::of(&self.settings.project_dir).ok() == Some(current.fingerprint)
            }
            None => false,
        };
        if !is_current {
            self.end().await;
            self.current = Some(self.spawn()?);
        }
        let Some(Current { sidecar, .. }) = &mut self.current else {
            return Err(Error::Unusable("there is no sidecar".into()));
        };
        sidecar.ready().await?;
        Ok(sidecar)
    }

    fn spawn(&self) -> Result<Current, Error> {
        let fingerprint = fingerprint::of(&self.settings.project_dir).map_err(|error| {
            let folder = self.settings.project_dir.display();
            Error::Dbt(DbtError::Project { message: format!("can't read {folder}: {error}") })
        })?;
        let sidecar = Sidecar::spawn(&self.settings, self.status.sidecar())
            .map_err(|error| Error::Unusable(format!("the sidecar can't be started: {error}")))?;
        Ok(Current { sidecar, fingerprint })
    }

    async fn end(&mut self) {
        if let Some(current) = self.current.take() {
            current.sidecar.kill().await;
        }
    }
}
