//! `millrace check`: what is wrong, and how to mend it.

use messages::Failure;
use runtime::{Contracts, Settings};
use serde::Serialize;

use crate::End;
use crate::output::{self, Output};
use crate::{platform, trace};

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    /// What it is, or what is wrong and how to mend it.
    text: String,
}

/// Checks everything, whatever else is wrong, and prints a line for each.
pub async fn check(settings: Settings, output: &Output) -> Result<End, Failure> {
    let contracts = platform::read_contracts(&settings);
    let findings = vec![
        finding("raw folder", raw_folder(&settings)),
        finding("contracts", described(&contracts)),
        finding("checks", checks(contracts.as_ref().ok())),
        finding("lineage", trace::check(&settings, contracts.as_ref().ok())),
        finding("bus", bus(&settings).await),
        finding("warehouse", warehouse(&settings).await),
        finding("dbt", transform::check(&settings).await),
    ];
    let end = if findings.iter().all(|finding| finding.ok) { Ok(End::Good) } else { Err(()) };
    output.value(&findings, |findings| {
        for finding in findings {
            let mark = if finding.ok { output::good("ok     ") } else { output::bad("wrong  ") };
            let text = finding.text.replace('\n', &format!("\n{:20}", ""));
            output.note(&format!("{mark} {:<11} {text}", finding.what));
        }
    })?;
    end.map_err(|()| Failure::fatal("not everything is in order; see above"))
}

fn finding(what: &'static str, result: Result<String, Failure>) -> Finding {
    match result {
        Ok(text) => Finding { what, ok: true, text },
        Err(failure) => Finding { what, ok: false, text: failure.message },
    }
}

fn raw_folder(settings: &Settings) -> Result<String, Failure> {
    let path = &settings.paths.raw;
    match std::fs::read_dir(path) {
        Ok(_) => Ok(path.display().to_string()),
        Err(error) => Err(Failure::fatal(format!("{}: {error}; make it, or set paths.raw", path.display()))),
    }
}

fn described(contracts: &Result<Contracts, Failure>) -> Result<String, Failure> {
    let contracts = contracts.as_ref().map_err(Clone::clone)?;
    let names: Vec<&str> = contracts.iter().map(|contract| contract.source.as_str()).collect();
    Ok(names.join(", "))
}

fn checks(contracts: Option<&Contracts>) -> Result<String, Failure> {
    let contracts = contracts.ok_or_else(|| Failure::fatal("not looked at: the contracts can't be read"))?;
    match dq::compile(contracts) {
        Ok(_) => {
            let checks: usize = contracts.iter().map(|contract| contract.checks.len()).sum();
            Ok(output::counted(checks, "check"))
        }
        Err(faults) => {
            let placed = |fault: &dq::ContractFault| {
                contracts.error(&fault.source_name, &format!("checks/{}", fault.number), fault.to_string()).to_string()
            };
            let lines: Vec<String> = faults.iter().map(placed).collect();
            Err(Failure::fatal(lines.join("\n")))
        }
    }
}

async fn bus(settings: &Settings) -> Result<String, Failure> {
    Ok(platform::open_bus(settings, "check").await?.check().await?)
}

async fn warehouse(settings: &Settings) -> Result<String, Failure> {
    let warehouse = platform::open_warehouse(settings).await?;
    let found = warehouse.check().await;
    warehouse.close().await;
    Ok(found?)
}
