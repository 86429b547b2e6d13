//! Where Jaeger is.

use std::env;
use std::path::{Path, PathBuf};

/// Of the module that deploy/dev/jaeger.sh builds.
const VERSION: &str = "1.76.0";

pub fn jaeger() -> Option<PathBuf> {
    // Empty is unset, as in the shell.
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(named) = set("MILLRACE_JAEGER").map(PathBuf::from) {
        assert!(named.is_file(), "MILLRACE_JAEGER names {}, which is no file; set it to a program", named.display());
        return Some(named);
    }
    let caches = set("XDG_CACHE_HOME").map(PathBuf::from).or(set("HOME").map(|home| Path::new(&home).join(".cache")));
    let built = caches.map(|cache| cache.join(format!("millrace/jaeger-{VERSION}/jaeger")));
    let path = set("PATH").unwrap_or_default();
    let installed = env::split_paths(&path).map(|folder| folder.join("jaeger"));
    built.into_iter().chain(installed).find(|file| file.is_file())
}
