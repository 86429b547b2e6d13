//! Where RabbitMQ is installed.

use std::env;
use std::path::{Path, PathBuf};

/// The folder that holds `rabbitmq-server` and `rabbitmqctl`.
///
/// Debian's own folder comes before `PATH`, where its packages put a wrapper that changes user and folder.
pub fn rabbitmq() -> PathBuf {
    let home = env::var_os("RABBITMQ_HOME").map(|home| Path::new(&home).join("sbin"));
    let known = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"];
    let mut folders = home.into_iter().chain(known.map(PathBuf::from)).chain(path());
    folders.find(|folder| folder.join("rabbitmq-server").is_file()).expect(
        "missing: RabbitMQ: run deploy/dev/rabbitmq.sh, or set RABBITMQ_HOME to where it is (tests that don't kill theirs take AMQP_URL too)",
    )
}

/// Erlang's port mapper, which lies in `PATH` or beside what `erl` there points to.
pub fn epmd() -> PathBuf {
    let beside_erl = path().filter_map(|folder| Some(folder.join("erl").canonicalize().ok()?.with_file_name("epmd")));
    path()
        .map(|folder| folder.join("epmd"))
        .chain(beside_erl)
        .find(|file| file.is_file())
        .expect("missing: epmd, Erlang's port mapper: put Erlang's bin folder into PATH")
}

fn path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}
