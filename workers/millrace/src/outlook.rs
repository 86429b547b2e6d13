//! What others see of a process that runs roles: its port, and its pulse.

use std::sync::Arc;
use std::time::Duration;

use messages::Failure;
use prometheus::Registry;
use runtime::Settings;
use runtime::health::{Health, Part};
use runtime::http::{Port, Server};
use runtime::pulse::{BuildInfo, Pulse};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;

/// The port and the pulse. They begin before the roles do, so that whoever asks meanwhile is told, and outlive them.
pub struct Outlook {
    health: Health,
    server: Server,
    pulse: Option<Pulse>,
}

impl Outlook {
    /// Begins to answer: that the process runs, and that it is not ready yet.
    pub async fn open(
        settings: &Settings,
        role: &'static str,
        stop: CancellationToken,
        registry: Registry,
    ) -> Result<Self, Failure> {
        let health = Health::new(role, stop);
        let server = Port::take(&settings.http, role).await?.serve(health.clone(), registry);
        Ok(Self { health, server, pulse: None })
    }

    /// Shows the parts of the platform, and begins to look at what is looked at now and then.
    pub fn show(&mut self, platform: &Platform) {
        for (name, part) in platform.parts() {
            self.show_part(name, part);
        }
        let info = BuildInfo {
            role: platform.role,
            bus: platform.bus.system(),
            warehouse: platform.ledger.warehouse().system(),
        };
        let every = Duration::from_secs(platform.settings.telemetry.pulse_secs);
        self.pulse = Some(Pulse::start(platform.bus.clone(), self.health.clone(), every, info));
    }

    /// Shows something else that the role needs.
    pub fn show_part(&self, name: &'static str, part: Arc<dyn Part>) {
        self.health.add(name, part);
    }

    /// The roles run.
    pub fn started(&self) {
        self.health.started();
    }

    /// Ends both.
    pub async fn close(self) {
        if let Some(pulse) = self.pulse {
            pulse.stop().await;
        }
        self.server.stop().await;
    }
}
