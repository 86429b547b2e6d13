//! What others see of a process that runs roles: its port, and its pulse.

use std::time::Duration;

use prometheus::Registry;
use runtime::health::Health;
use runtime::http::{Port, Server};
use runtime::pulse::{BuildInfo, Pulse};

use crate::platform::Platform;

/// The port and the pulse, which go on while the roles end.
pub struct Outlook {
    server: Server,
    pulse: Pulse,
}

impl Outlook {
    /// Begins to answer at `port`, and to look at what is looked at now and then.
    pub fn open(port: Port, platform: &Platform, health: Health, registry: Registry) -> Self {
        let info = BuildInfo {
            role: platform.role,
            bus: platform.bus.system(),
            warehouse: platform.ledger.warehouse().system(),
        };
        let every = Duration::from_secs(platform.settings.telemetry.pulse_secs);
        let pulse = Pulse::start(platform.bus.clone(), health.clone(), every, info);
        Self { server: port.serve(health, registry), pulse }
    }

    /// Ends both.
    pub async fn close(self) {
        self.pulse.stop().await;
        self.server.stop().await;
    }
}
