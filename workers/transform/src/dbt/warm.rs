//! The sidecar over time: replaced when it died, or when the project is no longer what it parsed.

use std::time::{Duration, Instant};

use super::sidecar::{Sidecar, SidecarError as Error};
use super::{BuildReport, BuildRequest, DbtError, DbtSettings, fingerprint};

pub(super) use super::sidecar::SidecarError as WarmError;

/// How long builds run cold after a sidecar that could not be had, so that they don't all wait for the next failure.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// Keeps one sidecar.
pub(super) struct Warm {
    settings: DbtSettings,
    current: Option<Current>,
    /// No new sidecar before this moment, and why.
    not_before: Option<(Instant, String)>,
}

struct Current {
    sidecar: Sidecar,
    /// Of the project before the sidecar read it, so that an edit in between is noticed.
    fingerprint: u64,
}

impl Warm {
    pub(super) fn new(settings: DbtSettings) -> Self {
        Self { settings, current: None, not_before: None }
    }

    /// Starts a sidecar that nobody waits for; what is wrong with it is told by the first build.
    pub(super) fn warm_up(&mut self) {
        self.current = self.spawn().ok();
    }

    pub(super) async fn build(&mut self, request: &BuildRequest) -> Result<BuildReport, Error> {
        if let Some((moment, reason)) = &self.not_before {
            if Instant::now() < *moment {
                return Err(Error::Unusable(reason.clone()));
            }
            self.not_before = None;
        }
        match self.try_build(request).await {
            Err(Error::Unusable(reason)) => {
                self.end().await;
                self.not_before = Some((Instant::now() + COOL_DOWN, reason.clone()));
                Err(Error::Unusable(reason))
            }
            ended => ended,
        }
    }

    pub(super) async fn stop(self) {
        if let Some(current) = self.current {
            current.sidecar.stop().await;
        }
    }

    async fn try_build(&mut self, request: &BuildRequest) -> Result<BuildReport, Error> {
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
        let timeout = self.settings.timeout();
        match tokio::time::timeout(timeout, sidecar.build(request)).await {
            Ok(ended) => ended.map_err(Error::Dbt),
            Err(_) => {
                self.end().await;
                Err(Error::Dbt(DbtError::TimedOut { timeout_secs: self.settings.timeout_secs }))
            }
        }
    }

    fn spawn(&self) -> Result<Current, Error> {
        let fingerprint = fingerprint::of(&self.settings.project_dir).map_err(|error| {
            let folder = self.settings.project_dir.display();
            Error::Dbt(DbtError::Project { message: format!("can't read {folder}: {error}") })
        })?;
        let sidecar = Sidecar::spawn(&self.settings)
            .map_err(|error| Error::Unusable(format!("the sidecar can't be started: {error}")))?;
        Ok(Current { sidecar, fingerprint })
    }

    async fn end(&mut self) {
        if let Some(current) = self.current.take() {
            current.sidecar.kill().await;
        }
    }
}
