use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bus::conformance::Fixture;
use bus::embedded::EmbeddedBus;
use bus::{Bus, conformance_tests};
use messages::Stage;
use millrace_runtime::observed::ObservedBus;
use tempfile::TempDir;

struct File {
    path: PathBuf,
    _folder: TempDir,
}

async fn fresh() -> File {
    let folder = tempfile::tempdir().unwrap();
    File { path: folder.path().join("bus.sqlite"), _folder: folder }
}

#[async_trait]
impl Fixture for File {
    async fn open(&self, worker: &str) -> Arc<dyn Bus> {
        ObservedBus::new(Arc::new(EmbeddedBus::open(&self.path, worker).await.unwrap()))
    }

    async fn publish_raw(&self, stage: Stage, body: &[u8]) {
        let bus = EmbeddedBus::open(&self.path, "foreign").await.unwrap();
        bus.publish_raw(stage, body.to_vec()).await.unwrap();
    }
}

conformance_tests!(fresh());
