//! A handler that panics: a defect of ours, which must cost one message and not the worker.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use messages::Failure;

/// What a panic said.
pub(super) struct Panic(String);

/// Awaits `future`; a panic in it is an error. What it had half changed is left as it is: handlers commit in
/// transactions, and whatever comes again is handled to the same end.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panic> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| Panic(text(&*payload)))
}

fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "without a word".into(),
    }
}

impl Panic {
    /// The failure of the message that was being handled. It would panic again, so it is permanent.
    pub(super) fn failure(self) -> Failure {
        Failure::permanent(format!("the worker panicked: {}; this is a defect of millrace, please report it", self.0))
    }

    /// Says that a batch panicked, and nobody knows yet over which message.
    pub(super) fn report(&self, messages: usize) {
        tracing::error!(
            messages,
            error = self.0,
            "the worker panicked over several messages; each is handled alone now. This is a defect of millrace, please report it"
        );
    }
}
