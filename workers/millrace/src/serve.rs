//! Running roles: all in this process, or one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use messages::{Failure, Stage};
use prometheus::Registry;
use runtime::{Services, Settings};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::End;
use crate::outlook::Outlook;
use crate::output::Output;
use crate::platform::Platform;
use crate::progress::{Progress, Tally};
use crate::{queues, roles, shutdown};

/// Announcements that may wait for whoever shows progress. Beyond that the display falls behind, and says so.
const PROGRESS_BACKLOG: usize = 1 << 16;

/// A role of its own process.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    Watch,
    Ingest,
    Transform,
    Dq,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Dq => "dq",
        }
    }
}

/// Runs one role until it is asked to stop.
pub async fn role(settings: Settings, registry: Registry, role: Role) -> Result<End, Failure> {
    let mut services = Services::new();
    let mut outlook = Outlook::open(&settings, role.name(), services.stop_token(), registry).await?;
    let platform = Platform::open(settings, role.name()).await?;
    outlook.show(&platform);
    shutdown::on_signal(services.stop_token());
    match role {
        Role::Watch => roles::start_watcher(&mut services, &platform, &None)?,
        Role::Ingest => {
            roles::read_freshness(&platform);
            roles::start_ingest(&mut services, &platform, &None)?;
        }
        Role::Transform => {
            let handler = roles::open_transform(&platform).await?;
            outlook.show_part("dbt", Arc::new(handler.dbt()));
            roles::start_transform(&mut services, &platform, handler, &None);
        }
        Role::Dq => roles::start_dq(&mut services, &platform, &None)?,
    }
    outlook.started();
    tracing::info!(role = role.name(), "ready");
    let end = services.run(platform.settings.shutdown.drain()).await;
    platform.close().await;
    outlook.close().await;
    end.map(|()| End::Good)
}

/// Runs every role until it is asked to stop, and prints a line for each load that ends.
pub async fn up(settings: Settings, registry: Registry, output: &Output) -> Result<End, Failure> {
    let mut services = Services::new();
    let mut outlook = Outlook::open(&settings, "up", services.stop_token(), registry).await?;
    let platform = Platform::open(settings, "up").await?;
    outlook.show(&platform);
    shutdown::on_signal(services.stop_token());
    let (announced, heard) = broadcast::channel(PROGRESS_BACKLOG);
    let announced = Some(announced);
    let transform = roles::open_transform(&platform).await?;
    outlook.show_part("dbt", Arc::new(transform.dbt()));
    roles::start_transform(&mut services, &platform, transform, &announced);
    roles::read_freshness(&platform);
    roles::start_ingest(&mut services, &platform, &announced)?;
    roles::start_dq(&mut services, &platform, &announced)?;
    roles::start_watcher(&mut services, &platform, &announced)?;
    drop(announced);
    outlook.started();
    output.note(&format!("watching {}; drop files there, end with Ctrl-C", platform.settings.paths.raw.display()));
    let progress = Progress::follow(heard, output.clone());
    let end = services.run(platform.settings.shutdown.drain()).await;
    progress.finish().await;
    platform.close().await;
    outlook.close().await;
    end.map(|()| End::Good)
}

/// Works off all that is there, prints a summary, ends.
///
/// Every file is loaded before models are built, so that there is one build for all and checks across sources see all
/// sources.
pub async fn once(settings: Settings, output: &Output) -> Result<End, Failure> {
    let platform = Platform::open(settings, "up").await?;
    let end = work_off(&platform, output).await;
    platform.close().await;
    end
}

async fn work_off(platform: &Platform, output: &Output) -> Result<End, Failure> {
    let begun = Instant::now();
    let mut services = Services::new();
    let stop = services.stop_token();
    shutdown::on_signal(stop.clone());
    let dead_before = dead_letters(platform).await?;
    let (announced, heard) = broadcast::channel(PROGRESS_BACKLOG);
    let announced = Some(announced);
    let transform = roles::open_transform(platform).await?;
    let progress = Progress::follow(heard, output.clone());
    announce_all(platform, &announced, &stop).await?;
    roles::start_ingest(&mut services, platform, &announced)?;
    until_idle(platform, &stop, &[Stage::Ingest]).await?;
    roles::start_transform(&mut services, platform, transform, &announced);
    roles::start_dq(&mut services, platform, &announced)?;
    drop(announced);
    let bus = platform.bus.clone();
    services.start("idle", move |stop| async move {
        tokio::select! {
            idle = roles::until_idle(bus.as_ref(), &Stage::ALL) => idle?,
            () = stop.cancelled() => {}
        }
        stop.cancel();
        Ok(())
    });
    services.run(platform.settings.shutdown.drain()).await?;
    let tally = progress.finish().await;
    let dead = dead_letters(platform).await?.saturating_sub(dead_before);
    let end = summarise(&tally, dead, begun.elapsed(), output)?;
    Ok(if tell_paused(platform, output).await? { End::Bad } else { end })
}

/// Says what was not worked off because its stage is paused; tells whether there was any.
async fn tell_paused(platform: &Platform, output: &Output) -> Result<bool, Failure> {
    let depths = platform.bus.depths().await?;
    let mut waits = depths.iter().filter(|depth| depth.paused && depth.unsettled() > 0).peekable();
    let any = waits.peek().is_some();
    for depth in waits {
        output.note(&queues::paused_hint(depth));
    }
    Ok(any)
}

async fn dead_letters(platform: &Platform) -> Result<u64, Failure> {
    Ok(platform.bus.depths().await?.iter().map(|depth| depth.dead).sum())
}

/// Announces every file that is not known, those last that may still be written.
async fn announce_all(
    platform: &Platform,
    announced: &roles::Announced,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let mut watcher = roles::watcher(platform, announced)?;
    let settle = Duration::from_millis(platform.settings.watch.settle_millis);
    while watcher.reconcile().await?.unfinished > 0 && !stop.is_cancelled() {
        tokio::time::sleep(settle.max(Duration::from_millis(50))).await;
    }
    Ok(())
}

async fn until_idle(platform: &Platform, stop: &CancellationToken, stages: &[Stage]) -> Result<(), Failure> {
    tokio::select! {
        idle = roles::until_idle(platform.bus.as_ref(), stages) => idle,
        () = stop.cancelled() => Ok(()),
    }
}

/// `dead` counts the messages that this run gave up: some of them may not even be announced as failed.
fn summarise(tally: &Tally, dead: u64, elapsed: Duration, output: &Output) -> Result<End, Failure> {
    let summary = tally.summary(dead, elapsed);
    output.value(&summary, |summary| output.note(&summary.to_string()))?;
    Ok(if summary.is_good() { End::Good } else { End::Bad })
}
