//! `millrace`: the one binary. A subcommand per role, and the tools for people.

mod cancel;
mod check;
mod cli;
mod dead;
mod decide;
mod dry_run;
mod freshness;
mod health;
mod load;
mod outlook;
mod output;
mod platform;
mod progress;
mod query;
mod queues;
mod rejects;
mod report;
mod roles;
mod sample;
mod serve;
mod setup;
mod shutdown;
mod trace;
mod trigger;
mod write_sample;

use std::process::ExitCode;

use clap::Parser;
use messages::{Failure, FailureClass};
use runtime::{Settings, Telemetry};

use crate::cli::{Cli, Command};
use crate::output::Output;

fn main() -> ExitCode {
    failpoint::arm();
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::fatal(format!("no threads can be started: {error}"))),
    };
    let mut telemetry = Telemetry::default();
    let end = runtime.block_on(run(cli, &output, &mut telemetry));
    // Not on the runtime: the exporters' last words are waited for, and that blocks.
    telemetry.shutdown();
    // Whatever still blocks (a stuck file system, say) must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match end {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Bad) => ExitCode::from(1),
        Err(failure) => report(&failure),
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As hoped.
    Good,
    /// A load or a verdict failed.
    Bad,
}

async fn run(cli: Cli, output: &Output, telemetry: &mut Telemetry) -> Result<End, Failure> {
    if let Command::Sample(options) = &cli.command {
        return write_sample::write(options, output);
    }
    let settings = Settings::load(cli.config.as_deref()).map_err(|error| Failure::fatal(error.to_string()))?;
    let service = match &cli.command {
        Command::Up(up) => !up.once && !output.is_terminal(),
        Command::Watch | Command::Ingest | Command::Transform | Command::Dq => true,
        _ => false,
    };
    let level = settings.log.level.as_deref().unwrap_or(if service { "info" } else { "warn" });
    *telemetry = start_telemetry(&cli.command)?;
    runtime::init_logs(level, settings.log.format, telemetry).map_err(Failure::fatal)?;
    let registry = telemetry.registry();
    match cli.command {
        Command::Up(up) if up.once => serve::once(settings, output).await,
        Command::Up(_) => serve::up(settings, registry, output).await,
        Command::Watch => serve::role(settings, registry, serve::Role::Watch).await,
        Command::Ingest => serve::role(settings, registry, serve::Role::Ingest).await,
        Command::Transform => serve::role(settings, registry, serve::Role::Transform).await,
        Command::Dq => serve::role(settings, registry, serve::Role::Dq).await,
        Command::Trigger(asked) => trigger::trigger(settings, asked, output).await,
        Command::Cancel(options) => cancel::cancel(settings, &options, output).await,
        Command::Release(asked) => decide::decide(settings, decide::Verdict::Release, asked, output).await,
        Command::Discard(asked) => decide::decide(settings, decide::Verdict::Discard, asked, output).await,
        Command::Loads(options) => load::loads(settings, &options, output).await,
        Command::Load(options) => load::load(settings, &options, output).await,
        Command::Report(options) => report::report(settings, &options, output).await,
        Command::Freshness => freshness::freshness(settings, output).await,
        Command::Rejects(options) => rejects::rejects(settings, &options, output).await,
        Command::Dead(what) => dead::dead(settings, what, output).await,
        Command::Queues(options) => queues::queues(settings, &options, output).await,
        Command::Pause(of) => queues::set_paused(settings, of.stage, true, output).await,
        Command::Resume(of) => queues::set_paused(settings, of.stage, false, output).await,
        Command::Query(options) => query::query(settings, &options, output).await,
        Command::Trace(options) => trace::trace(settings, &options, output).await,
        Command::Check => check::check(settings, output).await,
        Command::Setup(what) => setup::setup(what, output).await,
        Command::Health(options) => health::health(settings, options, output).await,
        Command::Sample(options) => write_sample::write(&options, output),
    }
}

/// Roles, and what begins a trace, are told of. Other tools only look.
fn start_telemetry(command: &Command) -> Result<Telemetry, Failure> {
    let role = match command {
        Command::Up(_) => "up",
        Command::Watch => "watch",
        Command::Ingest => "ingest",
        Command::Transform => "transform",
        Command::Dq => "dq",
        Command::Trigger(_) => "trigger",
        Command::Cancel(_) => "cancel",
        Command::Release(_) => "release",
        Command::Discard(_) => "discard",
        _ => return Ok(Telemetry::default()),
    };
    Telemetry::start(role).map_err(Failure::fatal)
}

/// Says what went wrong, and turns it into an exit code.
fn report(failure: &Failure) -> ExitCode {
    anstream::eprintln!("{} {failure}", output::bad("error:"));
    match failure.class {
        FailureClass::Fatal => ExitCode::from(2),
        FailureClass::Permanent | FailureClass::Transient | FailureClass::Cancelled | FailureClass::Quarantined => {
            ExitCode::from(1)
        }
    }
}
