//! Starting roles: each is a background loop that ends when it is asked to.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, QueueDepth};
use messages::{Envelope, Failure, Stage};
use runtime::{Cancels, Contract, Handler, Services, StageLoop, pulse};
use tokio::sync::broadcast;
use transform::TransformHandler;
use warehouse::{Freshness, Gate};
use watcher::{Watcher, WatcherSettings};

use crate::platform::Platform;

/// How long a warehouse that is away is left alone before it is asked again how fresh the data is.
const FRESHNESS_PAUSE: Duration = Duration::from_secs(30);

/// Where the loops tell what they announce.
pub type Announced = Option<broadcast::Sender<Envelope>>;

/// The watcher that the settings describe.
pub fn watcher(platform: &Platform, announced: &Announced) -> Result<Watcher, Failure> {
    let settings = WatcherSettings {
        root: platform.settings.paths.raw.clone(),
        rescan: Duration::from_secs(platform.settings.watch.rescan_secs),
        settle: Duration::from_millis(platform.settings.watch.settle_millis),
        ignore: platform.settings.watch.ignore.clone(),
    };
    let watcher = Watcher::new(
        &settings,
        platform.contracts.clone(),
        platform.ledger.clone(),
        platform.bus.clone(),
        platform.settings.retry.policy(),
    )?;
    Ok(match announced {
        Some(announced) => watcher.telling(announced.clone()),
        None => watcher,
    })
}

/// Starts the watcher.
pub fn start_watcher(services: &mut Services, platform: &Platform, announced: &Announced) -> Result<(), Failure> {
    let watcher = watcher(platform, announced)?;
    services.start("watcher", |stop| watcher.run(stop));
    Ok(())
}

/// Starts the ingest loops.
pub fn start_ingest(services: &mut Services, platform: &Platform, announced: &Announced) -> Result<(), Failure> {
    let plan = check_plan(platform)?;
    let gate = |contract: &Contract| Some(Arc::new(plan.gate(&contract.source)?) as Arc<dyn Gate>);
    for _ in 0..platform.settings.ingest.concurrency.max(1) {
        let handler = ingest::IngestHandler::new(
            &platform.settings.paths.raw,
            platform.contracts.clone(),
            platform.ledger.clone(),
            platform.worker(),
        )?;
        let handler = handler.gated(gate);
        start_stage(services, platform, "ingest", handler, announced);
    }
    Ok(())
}

/// Reads how fresh each source's data is, once; loads tell the rest. Nothing waits for it, and it is tried until it is known.
pub fn read_freshness(platform: &Platform) {
    let ledger = platform.ledger.clone();
    tokio::spawn(async move {
        loop {
            match ledger.freshness().await {
                Ok(sources) => return sources.iter().for_each(tell_freshness),
                Err(error) => tracing::warn!(%error, "how fresh the data is can't be read yet; trying again"),
            }
            tokio::time::sleep(FRESHNESS_PAUSE).await;
        }
    });
}

fn tell_freshness(known: &Freshness) {
    pulse::loaded(&known.source, known.loaded_at);
    if let Some(as_of) = known.as_of {
        pulse::current(&known.source, as_of);
    }
}

/// Makes the transform handler: dbt begins to warm up.
pub async fn open_transform(platform: &Platform) -> Result<TransformHandler, Failure> {
    let (contracts, ledger) = (platform.contracts.clone(), platform.ledger.clone());
    transform::open(&platform.settings, contracts, ledger, platform.worker()).await
}

/// Starts the transform loop.
pub fn start_transform(services: &mut Services, platform: &Platform, handler: TransformHandler, announced: &Announced) {
    start_stage(services, platform, "transform", handler, announced);
}

/// Starts the dq loop.
pub fn start_dq(services: &mut Services, platform: &Platform, announced: &Announced) -> Result<(), Failure> {
    let plan = Arc::new(check_plan(platform)?);
    let handler = dq::DqHandler::new(platform.ledger.clone(), plan, platform.worker(), platform.settings.dq.together);
    start_stage(services, platform, "dq", handler, announced);
    Ok(())
}

/// The checks of the contracts, or all that is wrong with them in one text.
fn check_plan(platform: &Platform) -> Result<dq::CheckPlan, Failure> {
    dq::compile(&platform.contracts).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::fatal(lines.join("\n"))
    })
}

fn start_stage<H: Handler + 'static>(
    services: &mut Services,
    platform: &Platform,
    name: &'static str,
    handler: H,
    announced: &Announced,
) {
    let stage = StageLoop {
        bus: platform.bus.clone(),
        handler,
        retry: platform.settings.retry.policy(),
        announced: announced.clone(),
        cancels: Cancels::default(),
    };
    services.start(name, |stop| stage.run(stop));
}

/// Waits until the queues of these stages are empty and nothing of theirs is in hand or delayed. What waits in a paused
/// stage is not waited for.
pub async fn until_idle(bus: &dyn Bus, stages: &[Stage]) -> Result<(), Failure> {
    let mut looks = 0;
    while looks < IDLE_LOOKS {
        // Whatever leads to another message publishes it before it is acknowledged, so an empty bus is done for good.
        let depths = bus.depths().await?;
        let idle = |depth: &QueueDepth| depth.unsettled() == 0 || (depth.paused && depth.in_hand == 0);
        let all = depths.iter().filter(|depth| stages.contains(&depth.stage)).all(idle);
        looks = if all { looks + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// How often in a row the queues must be found empty: at a broker a message that is on its way from a queue to a worker
/// is counted by nobody.
const IDLE_LOOKS: u32 = 3;
