//! The first signal asks to stop, the second one ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first SIGTERM or SIGINT. What is in hand is finished. At the second one the process ends, and
/// what was in hand is given back by its death.
pub fn on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals can't be heard: only SIGKILL ends this process");
        return;
    };
    tokio::spawn(async move {
        for count in 0.. {
            let code = tokio::select! {
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            if count > 0 {
                std::process::exit(code);
            }
            tracing::info!("stopping: what is in hand is finished first; a second signal ends at once");
            stop.cancel();
        }
    });
}
