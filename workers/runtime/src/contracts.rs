//! All contracts together: which source a file belongs to.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use messages::Failure;
use warehouse::TableSpec;

use crate::Contract;
use crate::contract::{Fault, Place, Places};

/// The contracts of a folder.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    all: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    contract: Contract,
    globs: Vec<GlobMatcher>,
    /// The file it was read from, and its text.
    file: Option<(PathBuf, String)>,
}

/// The contracts can't be used. The text names the file, where it can the line, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {fault}", path.display(), at(*.line))]
pub struct ContractError {
    /// The file or folder at fault.
    pub path: PathBuf,
    /// The line and the column at fault, from 1, where they can be told.
    pub line: Option<(usize, usize)>,
    /// What is wrong with it; below it, where it can be told, the line with a mark under the fault.
    pub fault: String,
}

impl ContractError {
    fn at(path: &Path, place: Option<Place>, text: &str, fault: String) -> Self {
        let shown = place.and_then(|place| place.shown(text)).map_or_else(String::new, |shown| format!("\n{shown}"));
        Self { path: path.into(), line: place.map(|place| (place.line, place.column)), fault: fault + &shown }
    }
}

fn at(line: Option<(usize, usize)>) -> String {
    line.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"))
}

impl Contracts {
    /// Reads every `*.yaml` and `*.yml` in `folder`. All faults of all files come back together.
    pub fn read(folder: &Path) -> Result<Self, Vec<ContractError>> {
        let fault = |path: &Path, fault: String| ContractError { path: path.into(), line: None, fault };
        let entries = std::fs::read_dir(folder)
            .map_err(|error| vec![fault(folder, format!("can't read the contracts: {error}; set paths.contracts"))])?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
        paths.sort();
        let (mut contracts, mut faults) = (Self::default(), Vec::new());
        for path in paths {
            match contracts.add_file(&path) {
                Ok(()) => {}
                Err(found) => faults.extend(found),
            }
        }
        if contracts.all.is_empty() && faults.is_empty() {
            faults.push(fault(folder, "holds no contract: add one YAML file per source".into()));
        }
        if faults.is_empty() { Ok(contracts) } else { Err(faults) }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Vec<ContractError>> {
        let error = |place: Option<Place>, text: &str, fault: String| {
            let shown =
                place.and_then(|place| place.shown(text)).map_or_else(String::new, |shown| format!("\n{shown}"));
            let line = place.map(|place| (place.line, place.column));
            ContractError { path: path.into(), line, fault: fault + &shown }
        };
        let text = std::fs::read_to_string(path).map_err(|why| vec![error(None, "", why.to_string())])?;
        let contract = parse(&text).map_err(|(place, fault)| vec![error(place, &text, fault)])?;
        self.try_add(contract).map_err(|faults| {
            let places = Places::of(&text);
            let place = |fault: &Fault| places.as_ref().and_then(|places| places.find(&fault.field));
            faults.into_iter().map(|fault| error(place(&fault), &text, fault.text)).collect::<Vec<_>>()
        })?;
        if let Some(known) = self.all.last_mut() {
            known.file = Some((path.into(), text));
        }
        Ok(())
    }

    /// A fault that somebody else has found in the contract of `source`, at `field`, such as `checks/2`.
    pub fn error(&self, source: &str, field: &str, fault: String) -> ContractError {
        let known = self.all.iter().find(|known| known.contract.source == source);
        let Some((path, text)) = known.and_then(|known| known.file.as_ref()) else {
            return ContractError { path: source.into(), line: None, fault };
        };
        let place = Places::of(text).and_then(|places| places.find(field));
        ContractError::at(path, place, text, fault)
    }

    /// Adds a contract, if it has no fault and takes no name that another has.
    pub fn add(&mut self, contract: Contract) -> Result<(), Vec<String>> {
        self.try_add(contract).map_err(|faults| faults.into_iter().map(|fault| fault.text).collect())
    }

    fn try_add(&mut self, contract: Contract) -> Result<(), Vec<Fault>> {
        let mut faults = contract.faults();
        for known in &self.all {
            if known.contract.source.eq_ignore_ascii_case(&contract.source) {
                faults.push(Fault::new("source", format!("source {} has another contract already", contract.source)));
            } else if known.contract.table() == contract.table() {
                let (table, source) = (contract.table(), &known.contract.source);
                faults.push(Fault::new("table", format!("table {table} is filled by source {source} already")));
            }
        }
        let mut globs = Vec::new();
        for (at, pattern) in contract.files.iter().enumerate() {
            match GlobBuilder::new(pattern).literal_separator(true).build() {
                Ok(glob) => globs.push(glob.compile_matcher()),
                Err(error) => {
                    faults.push(Fault::new(format!("files/{at}"), format!("pattern {pattern:?}: {}", error.kind())));
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.all.push(Known { contract, globs, file: None });
        Ok(())
    }

    /// The contract that the file at `uri` (its path below the raw folder) belongs to. None or several are the
    /// file's fault, permanent until somebody adds or mends a contract.
    pub fn for_file(&self, uri: &str) -> Result<&Contract, Failure> {
        let mut matching = self.all.iter().filter(|known| known.globs.iter().any(|glob| glob.is_match(uri)));
        match (matching.next(), matching.next()) {
            (Some(only), None) => Ok(&only.contract),
            (None, _) => Err(Failure::permanent(format!(
                "unknown source for {uri}: no contract in data/sources matches; add one or move the file, then replay"
            ))),
            (Some(one), Some(other)) => Err(Failure::permanent(format!(
                "{uri} belongs to two sources, {} and {}: make the patterns of their contracts narrower, then replay",
                one.contract.source, other.contract.source
            ))),
        }
    }

    /// The contract of a source.
    pub fn source(&self, name: &str) -> Option<&Contract> {
        self.iter().find(|contract| contract.source.eq_ignore_ascii_case(name))
    }

    /// The contracts of these sources; of all, if none is named. An unknown name is the asker's fault.
    pub fn named(&self, names: &[String]) -> Result<Vec<&Contract>, Failure> {
        if names.is_empty() {
            return Ok(self.iter().collect());
        }
        names
            .iter()
            .map(|name| {
                self.source(name).ok_or_else(|| {
                    let known: Vec<&str> = self.iter().map(|known| known.source.as_str()).collect();
                    Failure::permanent(format!("unknown source {name:?}: the contracts know {}", known.join(", ")))
                })
            })
            .collect()
    }

    /// The contract that fills a table (in capitals).
    pub fn table(&self, table: &str) -> Option<&Contract> {
        self.iter().find(|contract| contract.table() == table)
    }

    /// Every contract, in the order of their files' names.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.all.iter().map(|known| &known.contract)
    }

    /// Every table, as the warehouse makes it.
    pub fn table_specs(&self) -> Vec<TableSpec> {
        self.iter().map(Contract::table_spec).collect()
    }
}

/// Reads a contract; or where it is none, and why.
fn parse(text: &str) -> Result<Contract, (Option<Place>, String)> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().and_then(Place::of);
        // It says itself where, in several lines, and the place is told before the fault.
        let fault = error.without_snippet().to_string();
        let fault = fault.lines().next().unwrap_or_default();
        let end = fault.rfind(" at line ").or_else(|| fault.rfind("at line ")).unwrap_or(fault.len());
        (place, fault[..end].trim_end_matches([' ', ':', ',']).to_owned())
    })
}

#[cfg(test)]
mod tests;
