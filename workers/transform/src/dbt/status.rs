//! How dbt is, told to those who do not build.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use runtime::health::{Finding, Part};

use super::DbtSettings;
use super::once::Installed;
use super::protocol::Event;

/// How dbt is. Clones are the same one.
#[derive(Clone)]
pub struct DbtStatus(Arc<Shared>);

struct Shared {
    versions: String,
    /// What each build needs to find, and where it came from: looked at by name only, which costs nothing.
    needed: Vec<(PathBuf, &'static str)>,
    state: Mutex<State>,
}

struct State {
    /// Since when it builds.
    building: Option<Instant>,
    warmth: Warmth,
    /// Which sidecar is spoken of: what an older one still says is of no interest.
    sidecar: u64,
}

enum Warmth {
    /// The sidecar parses the project.
    WarmingUp,
    Warm,
    /// Builds run in a process of their own, which takes seconds longer: why.
    Cold(String),
    /// Builds can't succeed: why.
    Unusable(String),
}

impl DbtStatus {
    pub(super) fn new(settings: &DbtSettings, installed: Installed) -> Self {
        const MAKE: &str = "run `make dbt`";
        let ours = [
            (settings.sidecar.clone(), "set transform.sidecar"),
            (settings.project_dir.join("dbt_project.yml"), "set transform.project"),
        ];
        let theirs = installed.folders.into_iter().chain(Some(settings.python.clone())).map(|path| (path, MAKE));
        let warmth = match settings.warm {
            true => Warmth::WarmingUp,
            false => Warmth::Cold("transform.warm is false".into()),
        };
        Self(Arc::new(Shared {
            versions: installed.versions,
            // A bare name is looked up in PATH, by the system.
            needed: theirs.chain(ours).filter(|(path, _)| path.is_absolute()).collect(),
            state: Mutex::new(State { building: None, warmth, sidecar: 0 }),
        }))
    }

    /// It builds until the answer is dropped.
    pub(super) fn building(&self) -> impl Drop + use<> {
        self.lock().building = Some(Instant::now());
        Building(self.clone())
    }

    /// There is no sidecar for a while.
    pub(super) fn cold(&self, reason: &str) {
        self.lock().warmth = Warmth::Cold(reason.into());
    }

    /// Neither a sidecar nor anything else can build.
    pub(super) fn unusable(&self, reason: &str) {
        self.lock().warmth = Warmth::Unusable(reason.into());
    }

    /// The status as a new sidecar may tell it.
    pub(super) fn sidecar(&self) -> OfSidecar {
        let mut state = self.lock();
        state.sidecar += 1;
        state.warmth = Warmth::WarmingUp;
        OfSidecar { status: self.clone(), number: state.sidecar }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Building(DbtStatus);

impl Drop for Building {
    fn drop(&mut self) {
        self.0.lock().building = None;
    }
}

/// The status as one sidecar may tell it.
pub(super) struct OfSidecar {
    status: DbtStatus,
    number: u64,
}

impl OfSidecar {
    pub(super) fn hears(&self, event: &std::io::Result<Event>) {
        match event {
            Ok(Event::Ready { .. }) => self.tell(|_| Warmth::Warm),
            Ok(Event::Fatal { message }) => {
                let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
                self.tell(|_| Warmth::Unusable(format!("{message}; mend it, and the next build takes it up")));
            }
            _ => {}
        }
    }

    /// It ended, of itself or because it was made to.
    pub(super) fn ended(&self) {
        self.tell(|before| match before {
            Warmth::WarmingUp | Warmth::Warm => Warmth::Cold("it ended; the next build starts it again".into()),
            told => told,
        });
    }

    fn tell(&self, warmth: impl FnOnce(Warmth) -> Warmth) {
        let mut state = self.status.lock();
        if state.sidecar == self.number {
            let before = std::mem::replace(&mut state.warmth, Warmth::WarmingUp);
            state.warmth = warmth(before);
        }
    }
}

impl Part for DbtStatus {
    fn known(&self) -> Finding {
        if let Some((path, cure)) = self.0.needed.iter().find(|(path, _)| !path.exists()) {
            return Finding::bad(format!("{} is gone: {cure}", path.display()));
        }
        let (state, versions) = (self.lock(), &self.0.versions);
        if let Some(since) = state.building {
            return Finding::good(format!("{versions}, building for {} s", since.elapsed().as_secs()));
        }
        match &state.warmth {
            Warmth::Warm => Finding::good(format!("{versions}, warm")),
            Warmth::Cold(why) => Finding::good(format!("{versions}, cold, so builds take seconds longer: {why}")),
            Warmth::WarmingUp => {
                Finding::bad(format!("{versions} is warming up: it parses the project, for some seconds"))
            }
            Warmth::Unusable(why) => Finding::bad(format!("{versions} can't build: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbt::DbtWarehouse;

    fn status(folder: &std::path::Path) -> DbtStatus {
        let at = |name: &str| folder.join(name);
        for name in ["python", "sidecar.py", "dbt_project.yml"] {
            std::fs::write(at(name), "").unwrap_or_default();
        }
        let settings = DbtSettings {
            python: at("python"),
            sidecar: at("sidecar.py"),
            project_dir: folder.into(),
            warehouse: DbtWarehouse::DuckDb(at("w.duckdb")),
            target_dir: folder.into(),
            timeout_secs: 1,
            warm: true,
        };
        DbtStatus::new(&settings, Installed { versions: "dbt 1".into(), folders: vec![folder.into()] })
    }

    fn ready() -> std::io::Result<Event> {
        Ok(Event::Ready { protocol: 1, dbt_version: "1".into(), nodes: 1 })
    }

    #[test]
    fn it_is_ready_once_it_is_warm_or_known_to_stay_cold() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let status = status(folder.path());
        let sidecar = status.sidecar();
        assert!(!status.known().ok && status.known().text.contains("warming up"));
        sidecar.hears(&ready());
        assert!(status.known().ok && status.known().text.ends_with("warm"));
        sidecar.ended();
        assert!(status.known().ok && status.known().text.contains("cold"));
        Ok(())
    }

    #[test]
    fn an_older_sidecar_is_not_listened_to() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let status = status(folder.path());
        let (old, new) = (status.sidecar(), status.sidecar());
        new.hears(&Ok(Event::Fatal { message: "Compilation\n  Error".into() }));
        old.hears(&ready());
        old.ended();
        assert!(!status.known().ok && status.known().text.contains("Compilation Error"));
        Ok(())
    }

    #[test]
    fn a_build_is_told_and_what_was_removed_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let status = status(folder.path());
        let building = status.building();
        assert!(status.known().ok && status.known().text.contains("building"));
        drop(building);
        assert!(!status.known().ok);
        std::fs::remove_file(folder.path().join("python"))?;
        assert!(status.known().text.contains("python is gone: run `make dbt`"), "{:?}", status.known());
        Ok(())
    }
}
