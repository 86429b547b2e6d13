//! Points at which a test kills or delays a worker, named `stage:before` and `stage:after`.
//!
//! They are armed by the environment, as the crate `fail` reads it: `FAILPOINTS=name=action`, several parted by `;`.
//!
//! | action | what happens when the point is reached |
//! |---|---|
//! | `return` | the process is killed (SIGKILL), as by the kernel when memory is short: nothing is cleaned up |
//! | `sleep(ms)` | the thread sleeps |
//! | `pause` | the thread sleeps until the process ends |
//! | `panic` | the thread panics |
//! | `2*off->return` | the third time that it is reached |
//!
//! Without the feature `failpoints` nothing of this is compiled, and the variable means nothing. With it a point that is
//! not armed costs a look into a map; the points stand where a load passes a few times, never where a row does.

/// Reaches the failpoint of that name.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! point {
    ($name:literal) => {
        $crate::reach($name)
    };
}

/// Reaches the failpoint of that name: nothing happens, because failpoints are not compiled in.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! point {
    ($name:literal) => {};
}

/// Arms what `FAILPOINTS` names, for as long as the process lives. For the start of `main`, before any thread.
///
/// # Panics
/// `FAILPOINTS` can't be read.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // Dropping it would disarm the points again.
    std::mem::forget(fail::FailScenario::setup());
}

/// Arms nothing: failpoints are not compiled in.
#[cfg(not(feature = "failpoints"))]
pub fn arm() {}

/// See [`point!`].
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub fn reach(name: &str) {
    fail::fail_point!(name, |_| die(name));
}

/// The mark by which a test knows that it was this point that killed the process, and no other one.
#[cfg(feature = "failpoints")]
fn die(name: &str) {
    use nix::sys::signal::{Signal, kill};
    let this = nix::unistd::getpid();
    eprintln!("failpoint {name} kills {this}");
    let sent = kill(this, Signal::SIGKILL);
    panic!("failpoint {name} could not kill its own process: {sent:?}");
}
