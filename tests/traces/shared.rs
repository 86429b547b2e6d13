//! Loads that are built together: the build is told once, and linked to each.

use testkit::{Span, Trace};

use crate::harness::{Mill, materials};
use crate::told::{Told, way_to};

#[test]
fn a_build_that_serves_several_loads_links_to_each_over_the_embedded_bus() {
    let told = Told::embedded();
    linked_to_each(&told, &told);
}

#[test]
fn a_build_that_serves_several_loads_links_to_each_over_rabbitmq() {
    let told = Told::rabbit();
    linked_to_each(&told, &told);
}

fn linked_to_each<M>(told: &Told<M>, mill: &Mill) {
    for number in 1..=3 {
        mill.drop_file(&format!("materials_{number}.csv"), materials(&[&format!("M{number}")]));
    }
    // Every file is loaded before models are built.
    mill.once().expect(0);
    let spans = told.collector.spans();
    let traces = Trace::all(&spans);
    assert_eq!(traces.len(), 3, "{}", testkit::render_all(&spans));
    let builds: Vec<&Span> = spans.iter().filter(|span| span.name == "build models").collect();
    let served: usize = builds.iter().map(|build| build.attribute("millrace.loads").parse::<usize>().unwrap()).sum();
    assert_eq!(served, 3);
    let shared: Vec<&&Span> = builds.iter().filter(|build| build.attribute("millrace.loads") != "1").collect();
    assert!(!shared.is_empty(), "no build was shared: {}", testkit::render_all(&spans));
    for trace in &traces {
        let process = trace.path(&way_to("process millrace.transform"));
        let own = trace.named("build models");
        let linked: Vec<&&&Span> = shared.iter().filter(|build| process.links_to(build)).collect();
        assert_eq!(own.len() + linked.len(), 1, "{}", trace.render());
        for build in linked {
            assert!(build.links_to(process), "{}", trace.render());
        }
        assert_eq!(trace.named("publish dq.completed").len(), 1);
    }
    let named = shared[0].attribute("millrace.load_id");
    assert_eq!(named.split(", ").count().to_string(), shared[0].attribute("millrace.loads"), "{named}");
}
