//! A run in which everything happens that can be measured on one machine: loads, a dead letter, a verdict that fails, a
//! retry, a source that is late, and a collector that is not there.

use std::collections::BTreeSet;

use crate::harness::holder::Holder;
use crate::harness::{Mill, materials, repository};
use crate::measured::Measured;

/// Plays it, and returns what is measured once nothing is missing. Panics if something still is after a while.
pub fn play(missing: impl Fn(&Measured) -> BTreeSet<String>) -> Measured {
    let mut mill = Mill::new();
    mill.set("HTTP__LISTEN", "127.0.0.1:0");
    mill.set("TELEMETRY__PULSE_SECS", "1");
    mill.set("WAREHOUSE__LOCK_WAIT_SECS", "1");
    mill.set("LINEAGE__FILE", mill.path("lineage.ndjson").display().to_string());
    // Nobody listens at port 9.
    let environment = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9\nOTEL_METRICS_EXPORTER=none\n";
    std::fs::write(mill.path(".env"), environment).unwrap();
    expect(&mut mill);
    mill.drop_sample();
    let running = mill.start(&["up"]);
    mill.wait("its address", || address(&mill.log()).is_some());
    let address = address(&mill.log()).unwrap();
    let ask = || Measured::parse(&get(&format!("http://{address}/metrics")));

    mill.wait("the sample's verdicts", || ask().sum("millrace_verdicts_total") >= 3.0);
    mill.drop_file("nobody_knows.csv", "a,b\n1,2\n");
    mill.wait("a dead letter", || ask().sum("millrace_dead_letters_total") >= 1.0);
    mill.drop_file("materials_twice.csv", materials(&["M1", "M1"]));
    mill.wait("a verdict more", || ask().sum("millrace_verdicts_total") >= 4.0);
    let holder = Holder::of(&mill);
    mill.drop_file("materials_late.csv", materials(&["M1", "M2"]));
    mill.wait("a retry", || ask().sum("millrace_retries_total") >= 1.0);
    drop(holder);
    mill.wait("the last verdict", || ask().sum("millrace_verdicts_total") >= 5.0);

    // What is looked at now and then comes a moment later.
    let begun = std::time::Instant::now();
    let measured = loop {
        let measured = ask();
        let missing = missing(&measured);
        if missing.is_empty() {
            break measured;
        }
        let names: Vec<&str> = measured.names().collect();
        assert!(begun.elapsed().as_secs() < 60, "not measured: {missing:#?}\nof {names:#?}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!(running.stop(), Some(0));
    measured
}

/// The contracts that ship, of which one expects more deliveries than any plant makes.
fn expect(mill: &mut Mill) {
    let folder = mill.path("contracts");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(repository().join("data/sources")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|end| end == "yaml") {
            let mut contract = std::fs::read_to_string(entry.path()).unwrap();
            if entry.file_name() == "batches.yaml" {
                // Some four seconds.
                contract.push_str("\narrival: {every_hours: 0.001}\n");
            }
            std::fs::write(folder.join(entry.file_name()), contract).unwrap();
        }
    }
    mill.set("PATHS__CONTRACTS", folder.display().to_string());
}

/// Where the process listens, as its log says.
fn address(log: &str) -> Option<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut said = lines.filter(|line| line.to_string().contains("\"listening\""));
    let line = said.next()?;
    let address = line.get("address").or_else(|| line["fields"].get("address"))?;
    Some(address.as_str()?.to_owned())
}

fn get(url: &str) -> String {
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}
