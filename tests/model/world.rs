//! The real thing: files in a folder, the embedded bus, DuckDB, the ingest worker. It can end at any instant and be
//! opened again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use messages::{Envelope, MessageId, Stage};
use runtime::{Contracts, RetryPolicy, StageLoop, raw_folder};
use warehouse::{Ledger, Warehouse, WarehouseSettings};

use crate::files::Version;
use crate::gate::NoOddRows;
use crate::script::{Fault, Script, Seen};
use crate::shell::{ScriptedBus, ScriptedWarehouse};

/// Tries of a message in all.
pub const MAX_ATTEMPTS: u32 = 3;

const CONTRACTS: [(&str, &str); 2] = [
    (
        "parts.yaml",
        "source: parts\nfiles: [\"**/parts*.csv\"]\ncolumns: [id, name]\nsurprises: {missing_column: quarantine}\n",
    ),
    (
        "moves.yaml",
        "source: moves\nfiles: [\"**/moves*.csv\"]\ncolumns: [id, name]\nmode: increment\nsurprises: {missing_column: quarantine}\n",
    ),
];

pub struct World {
    folder: tempfile::TempDir,
    contracts: Arc<Contracts>,
    /// `None` only while it is opened anew.
    open: Option<Open>,
}

struct Open {
    bus: Arc<dyn Bus>,
    warehouse: Arc<dyn Warehouse>,
}

/// What was seen of one delivery.
#[derive(Debug)]
pub struct Delivered {
    pub id: MessageId,
    pub attempt: u32,
    pub seen: Vec<Seen>,
    /// Whether the process ended before it was through.
    pub crashed: bool,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sources = folder.path().join("sources");
        for folder in [&sources, &folder.path().join("raw")] {
            std::fs::create_dir(folder).unwrap();
        }
        for (name, contract) in CONTRACTS {
            std::fs::write(sources.join(name), contract).unwrap();
        }
        let contracts = Arc::new(Contracts::read(&sources).unwrap());
        let mut world = Self { folder, contracts, open: None };
        world.reopen().await;
        world
    }

    /// What a process does at its start, after the last one has ended.
    pub async fn reopen(&mut self) {
        self.open = None;
        let url = format!("sqlite:{}", self.path("bus.sqlite").display());
        let bus = bus::open(&bus::BusSettings::new(url), "model").await.unwrap();
        let settings = WarehouseSettings {
            url: format!("duckdb:{}", self.path("warehouse.duckdb").display()),
            memory_limit_bytes: 256 << 20,
            threads: 1,
            lock_wait_secs: 30,
            idle_close_millis: 10_000,
        };
        let warehouse = warehouse::open(&settings).await.unwrap();
        warehouse.prepare(&self.contracts.table_specs()).await.unwrap();
        self.open = Some(Open { bus, warehouse });
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join(below)
    }

    fn root(&self) -> std::path::PathBuf {
        self.path("raw").canonicalize().unwrap()
    }

    pub fn bus(&self) -> &dyn Bus {
        self.open.as_ref().unwrap().bus.as_ref()
    }

    /// Writes a file, and says what the watcher would say of it.
    pub fn write(&self, uri: &str, version: &Version) -> Envelope {
        let path = self.root().join(uri);
        std::fs::write(&path, version.content()).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(version.modified_at.into()).unwrap();
        let found = raw_folder::read_one(&self.root(), Path::new(&path)).unwrap();
        let hash = version.hash();
        watcher::announcement(&found, &hash, &self.contracts)
    }

    /// Handles one message of the ingest queue, after passing over `skip` others, as the worker does it.
    pub async fn deliver(&mut self, skip: u16, fault: Fault) -> Delivered {
        let open = self.open.as_ref().unwrap();
        let script = Arc::new(Script::new(fault));
        let warehouse = ScriptedWarehouse { real: open.warehouse.clone(), script: script.clone() };
        let ledger = Ledger::new(Arc::new(warehouse));
        let handler = ingest::IngestHandler::new(&self.root(), self.contracts.clone(), ledger, "model".into()).unwrap();
        let handler = handler.gated(|_| Some(Arc::new(NoOddRows)));
        let (first_delay, max_delay) = (Duration::from_millis(1), Duration::from_millis(2));
        let stage = StageLoop {
            bus: Arc::new(ScriptedBus { real: open.bus.clone(), script: script.clone(), skip }),
            handler,
            retry: RetryPolicy { max_attempts: MAX_ATTEMPTS, first_delay, max_delay },
            announced: None,
            cancels: runtime::Cancels::default(),
        };
        let running = stage.run(script.stop.clone());
        // `running` owns all of the process, and ends with the select.
        let crashed = tokio::select! {
            ended = running => { ended.unwrap(); false }
            () = script.crashed.notified() => true,
            () = tokio::time::sleep(Duration::from_secs(60)) => panic!("a delivery takes for ever: {:?}", script.seen()),
        };
        if crashed {
            self.reopen().await;
        }
        let (id, attempt) = script.handed_out().unwrap();
        Delivered { id, attempt, seen: script.seen(), crashed }
    }

    /// Rows of a query, every value as text.
    pub async fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.open.as_ref().unwrap().warehouse.query(sql, usize::MAX).await.unwrap();
        rows.rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect()
    }

    /// Unsettled messages of ingest and of transform, and dead letters.
    pub async fn depths(&self) -> (u64, u64, u64) {
        let depths = self.bus().depths().await.unwrap();
        let of = |stage: Stage| depths.iter().find(|depth| depth.stage == stage).unwrap();
        let dead = depths.iter().map(|depth| depth.dead).sum();
        (of(Stage::Ingest).unsettled(), of(Stage::Transform).unsettled(), dead)
    }

    /// All messages that wait for transform, as they were announced. They stay there.
    pub async fn announced(&self) -> Vec<Envelope> {
        let (_, waiting, _) = self.depths().await;
        let prefetch = u16::try_from(waiting).unwrap().max(1);
        let mut consumer = self.bus().consume(Stage::Transform, prefetch).await.unwrap();
        let mut deliveries = Vec::new();
        for _ in 0..waiting {
            deliveries.push(consumer.next().await.unwrap());
        }
        deliveries.iter().map(|delivery| delivery.envelope().unwrap()).collect()
    }
}
