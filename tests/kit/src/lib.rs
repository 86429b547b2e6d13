//! What tests and benchmarks need around millrace: a private RabbitMQ, an emulator of Snowflake, a network that breaks on
//! command, and receivers of traces and metrics: one that shows what came and breaks on command, and a real Jaeger.
//!
//! Everything here is synchronous, and panics with what to do where something goes wrong: it is for tests only.
//!
//! ```no_run
//! use millrace_testkit::{Broker, Collector, Emulator, EmulatorFault, Fault, Place, Proxy, Trace};
//!
//! let broker = Broker::shared(); // one per test process; `AMQP_URL` names another one
//! let vhost = broker.fresh_vhost(); // deleted when dropped
//! println!("{}", vhost.url()); // amqp://user:password@127.0.0.1:port/vhost
//! println!("{:?}", broker.management().queue(vhost.name(), "work.ingest"));
//!
//! let broken = Broker::start(Default::default()); // one of its own, for tests that kill it
//! broken.kill();
//! broken.restart();
//!
//! let proxy = Proxy::start(broker.address());
//! println!("{}", vhost.url_at(proxy.address()));
//! proxy.cut();
//!
//! let collector = Collector::start();
//! println!("{}", collector.grpc_url()); // for OTEL_EXPORTER_OTLP_ENDPOINT
//! let spans = collector.wait_for_spans("the root", |spans| spans.iter().any(|span| span.parent_span_id.is_none()));
//! println!("{}", Trace::single(&spans).render());
//! collector.set_fault(Fault::Hanging);
//!
//! let emulator = Emulator::shared(); // give each test a database of its own
//! println!("{:?}", emulator.variables("MY_TEST")); // SNOWFLAKE_HOST and so on
//! emulator.fault(&EmulatorFault::dropped_after(Place::Query).containing("COMMIT"));
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod broker;
mod collector;
mod faults;
mod find;
mod jaeger;
mod management;
mod metric;
mod node;
mod node_files;
mod objects;
mod ports;
mod program;
mod proxy;
mod proxy_gate;
mod snowflake;
mod span;
mod tls;
mod trace;
mod vhost;

use std::time::{Duration, Instant};

pub use broker::{Broker, Options};
pub use collector::{Collector, Fault};
pub use jaeger::{Jaeger, JaegerSpan, Reference};
pub use management::Management;
pub use metric::{Measured, Metric};
pub use proxy::Proxy;
pub use snowflake::{Aborted, Emulator, EmulatorFault, EmulatorOptions, Place, Statement};
pub use span::{Event, Kind, Link, Span, Status};
pub use tls::Certificates;
pub use trace::{Trace, render_all};
pub use vhost::Vhost;

/// Longer than anything takes that is not stuck, on a busy machine with two cores.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Waits until `condition` holds. Panics with `what` after [`DEADLINE`].
#[track_caller]
pub fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until there is something, and returns it. Panics with `what` after [`DEADLINE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen within {} s", DEADLINE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A name that nobody else uses.
fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::new_v4().simple())
}
