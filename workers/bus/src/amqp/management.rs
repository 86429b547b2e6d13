//! What RabbitMQ's management API tells beyond AMQP: rates, and what every process has in hand. A help and never a
//! need: without it, or without the right to it, those numbers are missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use messages::Stage;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use super::address::ManagementAddress;

/// Numbers that come later are of no use to whoever looks.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long a user who was refused is not tried again: the broker writes each refusal into its log.
const REFUSED_PAUSE: Duration = Duration::from_secs(600);

/// A client of the management API.
#[derive(Clone)]
pub(super) struct Management {
    agent: Agent,
    /// When it refused the user.
    refused_at: Arc<Mutex<Option<Instant>>>,
    address: ManagementAddress,
    vhost: String,
}

/// What it tells of a queue. Counted by the broker every few seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Told {
    /// In the hands of all processes together.
    #[serde(default, rename = "messages_unacknowledged")]
    pub(super) in_hand: Option<u64>,
    #[serde(default, rename = "message_stats")]
    stats: Stats,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Stats {
    #[serde(default)]
    publish_details: Option<Rate>,
    #[serde(default)]
    ack_details: Option<Rate>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Rate {
    /// Over the time that was asked for.
    #[serde(default)]
    avg_rate: Option<f64>,
    /// Between the last two counts.
    #[serde(default)]
    rate: f64,
}

impl Told {
    pub(super) fn published_per_sec(&self) -> f64 {
        per_sec(self.stats.publish_details)
    }

    pub(super) fn acknowledged_per_sec(&self) -> f64 {
        per_sec(self.stats.ack_details)
    }
}

/// A queue through which nothing has passed yet has no rate.
fn per_sec(rate: Option<Rate>) -> f64 {
    rate.map_or(0.0, |rate| rate.avg_rate.unwrap_or(rate.rate))
}

impl Management {
    /// A client; nothing is asked yet. `ca_pem` is the authority of the broker's certificate, if not one of the usual.
    pub(super) fn new(address: ManagementAddress, vhost: String, ca_pem: Option<&str>) -> Self {
        let mut tls = TlsConfig::builder();
        if let Some(pem) = ca_pem {
            let authorities: Vec<_> = ureq::tls::parse_pem(pem.as_bytes())
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&authorities));
        }
        let agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).tls_config(tls.build()).build().into();
        Self { agent, refused_at: Arc::default(), address, vhost }
    }

    /// What is told of each stage's queue, in the order of the way. Blocks, so it runs where that is allowed.
    pub(super) async fn stages(&self) -> Option<Vec<Told>> {
        if self.refused().is_some_and(|at| at.elapsed() < REFUSED_PAUSE) {
            return None;
        }
        let this = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            Stage::ALL.into_iter().map(|stage| this.queue(&stage.queue())).collect::<Result<Vec<_>, _>>()
        });
        match asked.await.ok()? {
            Ok(told) => Some(told),
            Err(error) => {
                if matches!(error, ureq::Error::StatusCode(401 | 403)) {
                    *self.refused() = Some(Instant::now());
                }
                tracing::debug!(%error, management = self.address.base, "the management API can't be asked");
                None
            }
        }
    }

    fn refused(&self) -> MutexGuard<'_, Option<Instant>> {
        self.refused_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, name: &str) -> Result<Told, ureq::Error> {
        let vhost = utf8_percent_encode(&self.vhost, NON_ALPHANUMERIC);
        // Rates are averages over the last minute.
        let url = format!("{}/api/queues/{vhost}/{name}?msg_rates_age=60&msg_rates_incr=10", self.address.base);
        let basic = base64(&format!("{}:{}", self.address.user, self.address.password));
        self.agent.get(url).header("authorization", format!("Basic {basic}")).call()?.body_mut().read_json()
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_who_was_refused_does_not_ask_again_for_a_while() -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]);
                let _ =
                    stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        let address = ManagementAddress { base, user: "worker".into(), password: "secret".into() };
        let management = Management::new(address, "millrace".into(), None);
        for _ in 0..3 {
            assert!(management.stages().await.is_none());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        Ok(())
    }
}
