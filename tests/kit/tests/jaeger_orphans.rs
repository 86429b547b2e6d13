//! Nothing of a Jaeger stays behind when its test process goes away.
#![allow(clippy::unwrap_used, missing_docs)]

mod orphan;

use millrace_testkit::Jaeger;

/// Run by the other test, in a process of its own.
#[test]
fn child() {
    if orphan::is_child() {
        let jaeger = Jaeger::start();
        orphan::tell(jaeger.process_id(), jaeger.folder());
    }
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    let Some(_) = Jaeger::start_or_skip("a_killed_test_leaves_nothing_behind") else { return };
    orphan::killed_child_leaves_nothing();
}
