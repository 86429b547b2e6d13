//! Who did it: the name that audits and dead letters carry.

/// `<host>/<process id>/<role>`.
pub fn worker_name(role: &str) -> String {
    format!("{}/{}/{role}", host_name(), std::process::id())
}

/// The machine's name.
pub(crate) fn host_name() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}
