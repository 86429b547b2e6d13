//! The ways that events take: to a receiver over HTTP, and into a file.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::wanted::Receiver;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is taken.
    Taken,
    /// It will never be.
    Refused(String),
    /// It is not: the receiver has a fault.
    Faulty(String),
    /// It is not: nobody answers.
    Away(String),
}

/// A way that events take.
pub(super) trait Way: Send {
    /// Where to, for people: no secret.
    fn to(&self) -> String;

    /// Sends one event, a line of JSON.
    fn send(&mut self, event: &str) -> Sent;
}

/// To a receiver over HTTP.
pub(super) struct Post {
    agent: ureq::Agent,
    receiver: Receiver,
}

impl Post {
    pub(super) fn new(receiver: Receiver) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        Self { agent: config.build().into(), receiver }
    }
}

impl Way for Post {
    fn to(&self) -> String {
        self.receiver.shown()
    }

    fn send(&mut self, event: &str) -> Sent {
        let mut request = self.agent.post(self.receiver.url.as_str()).header("Content-Type", "application/json");
        if let Some(key) = &self.receiver.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        match request.send(event) {
            // What went wrong may name the address, with what logs in.
            Err(ureq::Error::Timeout(_)) => Sent::Away("no answer in time".into()),
            Err(ureq::Error::Io(error)) => Sent::Away(error.kind().to_string()),
            Err(ureq::Error::HostNotFound) => Sent::Away("its name is not known".into()),
            Err(ureq::Error::Rustls(_) | ureq::Error::Tls(_)) => Sent::Away("no connection over TLS".into()),
            Err(_) => Sent::Away("no connection".into()),
            Ok(mut answer) => {
                let status = answer.status();
                // Read to its end, so that the connection can be used again.
                let _ = answer.body_mut().with_config().limit(1 << 16).read_to_vec();
                match status.as_u16() {
                    200..=299 => Sent::Taken,
                    408 | 425 | 429 | 500..=599 => Sent::Faulty(format!("it answers {status}")),
                    _ => Sent::Refused(format!("it answers {status}")),
                }
            }
        }
    }
}

/// Into a file, a line for each event.
pub(super) struct Append {
    path: PathBuf,
    file: Option<File>,
}

impl Append {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    fn write(&mut self, event: &str) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                self.file.insert(File::options().create(true).append(true).open(&self.path)?)
            }
        };
        // In one piece: several processes may write to it.
        file.write_all(format!("{event}\n").as_bytes())
    }
}

impl Way for Append {
    fn to(&self) -> String {
        self.path.display().to_string()
    }

    fn send(&mut self, event: &str) -> Sent {
        match self.write(event) {
            Ok(()) => Sent::Taken,
            Err(error) => {
                // Whoever rotates it may have taken it away.
                self.file = None;
                Sent::Faulty(error.to_string())
            }
        }
    }
}
