//! The loop: hints and rescans in, announcements out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Bus;
use chrono::Utc;
use globset::{Glob, GlobSet, GlobSetBuilder};
use messages::{Envelope, Failure, FailureClass};
use runtime::raw_folder::{self, FoundFile};
use runtime::telemetry::context;
use runtime::{Contracts, RetryPolicy, pulse};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use warehouse::Ledger;

use crate::announce::{SENDER, announcement, hash_file, hash_link};
use crate::arrivals::{self, Arrivals};
use crate::events::{self, Hint};
use crate::known::Known;
use crate::report;

/// What was announced and is not in the audit after this time is announced again.
const UNANSWERED: Duration = Duration::from_secs(600);
/// A file whose writer is known counts as finished without a closing event after this time: the writer may be on another
/// machine, from which no such event comes.
const ABANDONED: Duration = Duration::from_secs(60);

/// How to watch.
pub struct WatcherSettings {
    /// The raw folder.
    pub root: PathBuf,
    /// How often the folder is compared with the audit.
    pub rescan: Duration,
    /// How long a file found without a closing event must have been still.
    pub settle: Duration,
    /// Globs, over the path below the raw folder, of files that are no deliveries.
    pub ignore: Vec<String>,
}

/// Watches one folder.
pub struct Watcher {
    root: PathBuf,
    rescan: Duration,
    settle: Duration,
    ignore: GlobSet,
    contracts: Arc<Contracts>,
    ledger: Ledger,
    bus: Arc<dyn Bus>,
    retry: RetryPolicy,
    /// Hears of every file that was announced, for whoever shows progress.
    announced: Option<broadcast::Sender<Envelope>>,
    known: Known,
    /// Files that somebody was seen writing, and when last.
    growing: HashMap<PathBuf, Instant>,
    arrivals: Arrivals,
}

impl Watcher {
    /// A watcher that has not looked yet.
    ///
    /// # Errors
    /// The folder is not there, or a pattern can't be read: fatal.
    pub fn new(
        settings: &WatcherSettings,
        contracts: Arc<Contracts>,
        ledger: Ledger,
        bus: Arc<dyn Bus>,
        retry: RetryPolicy,
    ) -> Result<Self, Failure> {
        let root = settings.root.canonicalize().map_err(|error| {
            Failure::fatal(format!(
                "the raw folder {} can't be used: {error}; make it, or set paths.raw",
                settings.root.display()
            ))
        })?;
        let mut ignore = GlobSetBuilder::new();
        for pattern in &settings.ignore {
            ignore.add(
                Glob::new(pattern).map_err(|error| {
                    Failure::fatal(format!("watch.ignore has a pattern that can't be read: {error}"))
                })?,
            );
        }
        let ignore = ignore.build().map_err(|error| Failure::fatal(format!("watch.ignore: {error}")))?;
        Ok(Self {
            root,
            rescan: settings.rescan,
            settle: settings.settle,
            ignore,
            arrivals: Arrivals::new(contracts.clone(), Utc::now()),
            contracts,
            ledger,
            bus,
            retry,
            announced: None,
            known: Known::default(),
            growing: HashMap::new(),
        })
    }

    /// The same watcher, which also tells `announced` of every file.
    #[must_use]
    pub fn telling(self, announced: broadcast::Sender<Envelope>) -> Self {
        Self { announced: Some(announced), ..self }
    }

    /// Learns what the audit knows, and announces what lies in the folder and is not known. Returns how many files were
    /// announced, and whether some were passed over because they may not be finished.
    pub async fn reconcile(&mut self) -> Result<Reconciled, Failure> {
        let lines = self.ledger.newest_by_file().await?;
        self.known = Known::default();
        self.known.learn(&lines, &self.contracts);
        self.look_through().await
    }

    /// Watches until `stop` is cancelled. A warehouse or bus that is away is waited for.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Failure> {
        let (_watching, mut hints) = events::watch(&self.root)?;
        let mut failures = 0;
        let mut learnt = false;
        let mut next_look = Instant::now();
        while !stop.is_cancelled() {
            let wait = next_look.saturating_duration_since(Instant::now());
            let hint = tokio::select! {
                () = stop.cancelled() => break,
                hint = hints.recv() => hint,
                () = tokio::time::sleep(wait) => Some(Hint::Rescan),
            };
            let done = match hint {
                Some(Hint::Growing(path)) => {
                    self.growing.insert(path, Instant::now());
                    continue;
                }
                Some(Hint::Finished(path)) if learnt => self.finished(&path).await.map(|()| None),
                _ if learnt => self.rescan().await.map(Some),
                _ => self.reconcile().await.map(Some),
            };
            // Also where the comparison failed: what can't be seen must not go on being told as in time.
            if !matches!(done, Ok(None)) {
                self.look_for_arrivals().await;
            }
            match done {
                Ok(None) => {}
                Ok(Some(looked)) => {
                    learnt = true;
                    failures = 0;
                    next_look = Instant::now() + if looked.unfinished > 0 { self.settle } else { self.rescan };
                }
                Err(failure) if failure.class == FailureClass::Transient => {
                    failures += 1;
                    let delay = self.retry.delay(failures);
                    tracing::warn!(delay_secs = delay.as_secs_f64(), error = %failure, "the raw folder could not be compared with the audit; trying again");
                    next_look = Instant::now() + delay;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// A file was closed or moved here: nobody writes it, whatever its age.
    async fn finished(&mut self, path: &Path) -> Result<(), Failure> {
        self.growing.remove(path);
        match raw_folder::read_one(&self.root, path) {
            Some(file) if self.wanted(&file) => self.announce(&file).await,
            _ => Ok(()),
        }
    }

    async fn rescan(&mut self) -> Result<Reconciled, Failure> {
        let waiting = self.known.waiting();
        if !waiting.is_empty() {
            let lines = self.ledger.newest_of_files(&waiting).await?;
            self.arrivals.heard(&lines, Utc::now());
            self.known.learn(&lines, &self.contracts);
            self.known.forget_unanswered(UNANSWERED);
        }
        self.look_through().await
    }

    /// Tells who has not delivered. Whatever is in the way, files go on being announced, and the next look tells it.
    async fn look_for_arrivals(&mut self) {
        if !self.arrivals.is_due(Utc::now()) {
            return;
        }
        let newest = match self.ledger.freshness().await {
            Ok(newest) => newest,
            Err(error) => {
                pulse::not_known();
                tracing::warn!(%error, "whether deliveries are overdue can't be seen; it is looked at again");
                return;
            }
        };
        for overdue in self.arrivals.look(&newest, Utc::now()) {
            let span = report::overdue(&overdue);
            let mut envelope = arrivals::event(SENDER, overdue.clone());
            context::adopt(&span, &mut envelope);
            if let Err(error) = self.bus.publish(&envelope).instrument(span).await {
                tracing::warn!(%error, source = overdue.source, "that a delivery is overdue can't be told yet");
                self.arrivals.look_again(Utc::now());
                continue;
            }
            self.arrivals.told(&overdue);
            report::told_overdue(&overdue);
        }
    }

    async fn look_through(&mut self) -> Result<Reconciled, Failure> {
        let root = self.root.clone();
        let found = blocking(move || raw_folder::list(&root)).await?;
        let mut result = Reconciled::default();
        for file in found {
            if !self.wanted(&file) {
                continue;
            }
            if !self.is_still(&file) {
                result.unfinished += 1;
                continue;
            }
            self.announce(&file).await?;
            result.announced += 1;
        }
        self.growing.retain(|_, last| last.elapsed() < ABANDONED);
        Ok(result)
    }

    fn wanted(&self, file: &FoundFile) -> bool {
        !self.known.has(file) && !self.ignore.is_match(&file.uri)
    }

    /// Whether nobody seems to write the file any more.
    fn is_still(&self, file: &FoundFile) -> bool {
        let being_written = self.growing.get(&file.path).is_some_and(|last| last.elapsed() < ABANDONED);
        let age = Utc::now().signed_duration_since(file.modified_at).to_std();
        // A time in the future says nothing about its age.
        !being_written && age.map_or(true, |age| age >= self.settle)
    }

    /// Here a trace begins: what follows from a file is part of it.
    async fn announce(&mut self, file: &FoundFile) -> Result<(), Failure> {
        let span = report::seen(file);
        self.announce_seen(file, &span).instrument(span.clone()).await
    }

    async fn announce_seen(&mut self, file: &FoundFile, span: &Span) -> Result<(), Failure> {
        let hashed = {
            let file = file.clone();
            blocking(move || if file.leads_outside { hash_link(&file.path) } else { hash_file(&file.path) }).await?
        };
        let hash = match hashed {
            Ok(hash) => hash,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                tracing::warn!(file = file.uri, %error, "the file can't be read yet; it is looked at again");
                return Ok(());
            }
        };
        // Written while it was read: its closing event, or the next rescan, comes to it again.
        if raw_folder::read_one(&self.root, &file.path).as_ref() != Some(file) {
            return Ok(());
        }
        let mut envelope = announcement(file, &hash, &self.contracts);
        context::adopt(span, &mut envelope);
        span.record("millrace.load_id", envelope.load_id().as_str());
        failpoint::point!("publish:before");
        self.bus.publish(&envelope).await?;
        failpoint::point!("publish:after");
        self.known.announced(file);
        report::announced(file, &envelope);
        if let Some(announced) = &self.announced {
            // Nobody listens: nobody needs to know.
            let _ = announced.send(envelope);
        }
        Ok(())
    }
}

/// What a look through the folder did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Files announced.
    pub announced: usize,
    /// Files that may not be finished and are looked at again.
    pub unfinished: usize,
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::transient(format!("a task ended early: {error}")))
}

#[cfg(test)]
mod tests;
