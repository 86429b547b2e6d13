//! What the roles and tools share: settings, contracts, bus, warehouse.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use messages::Failure;
use runtime::health::Named;
use runtime::lineage::openlineage::Telling;
use runtime::observed::{ObservedBus, ObservedWarehouse};
use runtime::{Contracts, Settings, worker_name};
use warehouse::{Ledger, Warehouse};

/// How long the warehouse may take to close: longer only if work in it was not done in time.
const CLOSE: Duration = Duration::from_secs(5);

/// The opened parts of the platform.
pub struct Platform {
    pub settings: Settings,
    pub contracts: Arc<Contracts>,
    pub bus: Arc<dyn Bus>,
    pub ledger: Ledger,
    /// The role, as dead letters and audits name it.
    pub role: &'static str,
    parts: [Named; 2],
    lineage: Option<Arc<Telling>>,
}

impl Platform {
    /// Reads the contracts, opens the bus and the warehouse, and makes the tables and views that are missing.
    pub async fn open(settings: Settings, role: &'static str) -> Result<Self, Failure> {
        let contracts = read_contracts(&settings)?;
        let bus = observed_bus(&settings, role).await?;
        let warehouse = observed_warehouse(&settings).await?;
        warehouse.prepare(&contracts.table_specs()).await.map_err(at_start)?;
        let parts: [Named; 2] = [("bus", bus.part()), ("warehouse", warehouse.part())];
        let contracts = Arc::new(contracts);
        let lineage = Telling::start(&settings, &contracts)?;
        Ok(Self { settings, contracts, bus, ledger: Ledger::new(warehouse), role, parts, lineage })
    }

    /// What every role needs, by name.
    pub fn parts(&self) -> [Named; 2] {
        self.parts.clone()
    }

    /// Gives back what was dropped and closes the warehouse. For the end of a process.
    pub async fn close(&self) {
        // First the bus: others wait for what is given back, and nobody waits for the file.
        self.bus.close().await;
        if let Some(lineage) = self.lineage.clone() {
            // It blocks until its last events are taken.
            let _ = tokio::task::spawn_blocking(move || lineage.end()).await;
        }
        if tokio::time::timeout(CLOSE, self.ledger.warehouse().close()).await.is_err() {
            tracing::warn!(
                "the warehouse is still at work; it is cut off, and what it had not committed is done again"
            );
        }
    }

    /// Host, process and role.
    pub fn worker(&self) -> String {
        worker_name(self.role)
    }
}

/// A warehouse that can't be had at start is the operator's to mend, whatever it would be later.
fn at_start(error: warehouse::WarehouseError) -> Failure {
    Failure::fatal(error.to_string())
}

/// The contracts, or all that is wrong with them in one text.
pub fn read_contracts(settings: &Settings) -> Result<Contracts, Failure> {
    Contracts::read(&settings.paths.contracts).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::fatal(lines.join("\n"))
    })
}

/// The bus that the settings name.
pub async fn open_bus(settings: &Settings, role: &str) -> Result<Arc<dyn Bus>, Failure> {
    Ok(observed_bus(settings, role).await?)
}

async fn observed_bus(settings: &Settings, role: &str) -> Result<Arc<ObservedBus>, Failure> {
    let bus = bus::open(&settings.bus.open(), &worker_name(role)).await;
    Ok(ObservedBus::new(bus.map_err(|error| Failure::fatal(error.to_string()))?))
}

/// The warehouse that the settings name.
pub async fn open_warehouse(settings: &Settings) -> Result<Arc<dyn Warehouse>, Failure> {
    Ok(observed_warehouse(settings).await?)
}

async fn observed_warehouse(settings: &Settings) -> Result<Arc<ObservedWarehouse>, Failure> {
    Ok(ObservedWarehouse::new(warehouse::open(&settings.warehouse.open()).await.map_err(at_start)?))
}

/// The same, only to look: nothing is made, and others may look at the same time.
pub async fn open_to_look(settings: &Settings) -> Result<Arc<dyn Warehouse>, Failure> {
    warehouse::open_read_only(&settings.warehouse.open()).await.map_err(at_start)
}
