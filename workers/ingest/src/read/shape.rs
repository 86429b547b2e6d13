//! A file's columns beside its contract's: where each stands, and what is done about those that are new, missing or moved.

use std::collections::HashSet;

use runtime::contract::column_fault;
use runtime::{Contract, Policy};
use warehouse::{ShapeChange, ShapeKind};

/// New columns that one file may add to a table.
pub const MAX_ADDED_COLUMNS: usize = 200;

/// Reasons to hold a file back that are told.
const MAX_REASONS: usize = 20;

/// Where the table's columns stand in a row of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Fields of every row.
    pub(super) fields: usize,
    /// For each column of the table, the field that it is; none if the file lacks it.
    pub(super) positions: Vec<Option<usize>>,
    /// Columns that the table must have beside the contract's.
    pub(super) added: Vec<String>,
    /// What is different.
    pub(super) changes: Vec<ShapeChange>,
    /// Why the file must not become current before somebody has looked at it.
    pub(super) held: Vec<String>,
}

impl Shape {
    /// Lays a file's columns, `names`, beside the contract's, whatever blanks stand around them and whatever their case: each may
    /// have its name or one of its headers. The error says what is missing, doubled or not wanted.
    pub(super) fn of<T: AsRef<str>>(names: &[T], contract: &Contract) -> Result<Self, String> {
        let keys: Vec<String> = names.iter().map(|name| key(name.as_ref())).collect();
        let mut seen = HashSet::with_capacity(keys.len());
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.as_str())) {
            return Err(match twice.as_str() {
                "" => "two columns of the header have no name".into(),
                twice => format!("the header names the column {twice:?} twice"),
            });
        }
        let (wanted, headers) = (contract.table_spec().columns, contract.headers());
        let columns: Vec<Option<usize>> = names.iter().map(|name| headers.column(name.as_ref())).collect();
        let mut places: Vec<Option<usize>> = vec![None; wanted.len()];
        for (field, column) in columns.iter().enumerate() {
            let Some(column) = *column else { continue };
            if let Some(first) = places[column].replace(field) {
                return Err(format!(
                    "the header has {:?} and {:?}, and both are the column {}; mend the file, or change its contract",
                    shown(&keys[first]),
                    shown(&keys[field]),
                    wanted[column]
                ));
            }
        }
        let missing: Vec<usize> = (0..wanted.len()).filter(|column| places[*column].is_none()).collect();
        // Told without its fields: they are a row's.
        if missing.len() == wanted.len() && !keys.is_empty() {
            return Err(format!(
                "the first line names none of the contract's columns, {}; is the header missing, or written otherwise? Say \
                under `header` what the files call a column",
                called(&missing, contract)
            ));
        }
        let new = keys.iter().zip(&columns).filter(|(_, column)| column.is_none());
        let new: Vec<String> = new.map(|(key, _)| key.clone()).collect();
        let mut shape = Self { fields: keys.len(), ..Self::default() };
        shape.miss(&missing, contract, Some(&keys))?;
        shape.gain(&new, contract)?;
        let found: Vec<usize> = places.iter().flatten().copied().collect();
        if !found.is_sorted() {
            let order: Vec<String> = columns.iter().flatten().map(|column| wanted[*column].clone()).collect();
            shape.reorder(&order, contract)?;
        }
        let place = |name: &String| keys.iter().position(|key| key == name);
        places.extend(shape.added.iter().map(place));
        shape.positions = places;
        Ok(shape)
    }

    /// The contract's columns, in its order: those of a file that does not name them.
    pub(super) fn by_position(contract: &Contract) -> Self {
        let fields = contract.columns.len();
        Self { fields, positions: (0..fields).map(Some).collect(), ..Self::default() }
    }

    /// Columns of the contract, by their places in it, that the file does not have, which has `keys`, if it names its columns
    /// anywhere.
    pub(super) fn miss(
        &mut self,
        missing: &[usize],
        contract: &Contract,
        keys: Option<&[String]>,
    ) -> Result<(), String> {
        let policy = contract.surprises.missing_column;
        let lacks = called(missing, contract);
        if policy == Policy::Reject && !missing.is_empty() {
            return Err(match keys {
                Some(keys) => {
                    format!("the header lacks {lacks}; it has {}; mend the file, or change its contract", list(keys))
                }
                None => format!("no row has {lacks}; mend the file, or change its contract"),
            });
        }
        let wanted = contract.table_spec().columns;
        let names: Vec<String> = missing.iter().map(|column| wanted[*column].clone()).collect();
        self.change(ShapeKind::MissingColumn, &names, policy);
        if policy == Policy::Quarantine && !missing.is_empty() {
            self.held.push(format!("the file lacks {lacks}"));
        }
        Ok(())
    }

    /// Columns of the file that the contract does not name.
    pub(super) fn gain(&mut self, new: &[String], contract: &Contract) -> Result<(), String> {
        let policy = contract.surprises.new_column;
        match policy {
            _ if new.is_empty() => {}
            Policy::Accept => {}
            Policy::Reject => {
                return Err(format!("the contract does not name {}; mend the file, or change its contract", list(new)));
            }
            // A file whose columns come one by one has told enough after some of them.
            Policy::Quarantine if self.held.len() >= MAX_REASONS => {}
            Policy::Quarantine => self.held.push(format!("the contract does not name {}", list(new))),
            Policy::Evolve => {
                if let Some(fault) = new.iter().find_map(|name| column_fault(name)) {
                    return Err(format!(
                        "the table can't be given a new column: {fault}; or let the contract say `new_column: accept`, and \
                        such a column is left out"
                    ));
                }
                let added: Vec<String> = new.iter().filter(|name| !self.added.contains(name)).cloned().collect();
                self.added.extend(added);
                if self.added.len() > MAX_ADDED_COLUMNS {
                    return Err(format!(
                        "the contract does not name {} of the file's columns; a file may add {MAX_ADDED_COLUMNS} to its table; \
                        is it the right file?",
                        self.added.len()
                    ));
                }
            }
        }
        self.change(ShapeKind::NewColumn, new, policy);
        Ok(())
    }

    fn reorder(&mut self, order: &[String], contract: &Contract) -> Result<(), String> {
        let policy = contract.surprises.reordered_columns;
        match policy {
            Policy::Reject => {
                return Err(format!(
                    "the columns stand in another order than in the contract: {}; mend the file, or change its contract",
                    list(order)
                ));
            }
            Policy::Quarantine => self.held.push("the columns stand in another order than in the contract".into()),
            Policy::Accept | Policy::Evolve => {}
        }
        self.change(ShapeKind::ReorderedColumns, &[order.join(",")], policy);
        Ok(())
    }

    fn change(&mut self, kind: ShapeKind, columns: &[String], policy: Policy) {
        let change = |column: &String| ShapeChange { kind, column: column.clone(), policy: policy.as_str().into() };
        self.changes.extend(columns.iter().map(change));
    }
}

/// A column's name as names are compared.
pub(super) fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Names that are told at once.
const TOLD: usize = 20;

/// Names for people, not too many of them.
fn list(names: &[String]) -> String {
    let name = |name: &String| if name.is_empty() { "a column without a name".into() } else { shown(name) };
    some(names.len(), names.iter().take(TOLD).map(name).collect())
}

/// Columns of the contract as they may be called in a file, not too many of them.
fn called(columns: &[usize], contract: &Contract) -> String {
    some(columns.len(), columns.iter().take(TOLD).map(|column| contract.called(*column)).collect())
}

fn some(all: usize, told: Vec<String>) -> String {
    match all - told.len() {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// So much of a name as is told.
fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::kit::{calling, contract};
    use super::*;
    use runtime::Surprises;

    fn with(columns: &[&str], change: impl Fn(&mut Contract)) -> Contract {
        let mut contract = contract(columns);
        change(&mut contract);
        contract
    }

    fn noted(shape: &Shape) -> Vec<(&'static str, &str, &str)> {
        let changes = shape.changes.iter();
        changes.map(|change| (change.kind.as_str(), change.column.as_str(), change.policy.as_str())).collect()
    }

    #[test]
    fn columns_are_found_in_any_order_and_case() {
        let shape = Shape::of(&[" State", "EXTRA", "id "], &contract(&["id", "state"])).unwrap();
        assert_eq!((shape.fields, shape.positions.as_slice()), (3, &[Some(2), Some(0)][..]));
        assert_eq!(noted(&shape), [("NEW_COLUMN", "extra", "accept"), ("REORDERED_COLUMNS", "state,id", "accept")]);
        assert!(shape.added.is_empty() && shape.held.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = Shape::of(&["id", "state"], &contract(&["id", "grade", "site"]));
        assert_eq!(
            missing,
            Err("the header lacks grade, site; it has id, state; mend the file, or change its contract".into())
        );
        let doubled = Shape::of(&["id", "ID"], &contract(&["id"]));
        assert_eq!(doubled, Err("the header names the column \"id\" twice".into()));
        let blanks = Shape::of(&["id", "", " "], &contract(&["id"]));
        assert_eq!(blanks, Err("two columns of the header have no name".into()));
    }

    #[test]
    fn columns_are_found_by_what_files_call_them() {
        let called = calling(contract(&["id", "menge_kg"]), "menge_kg", &["Menge (kg)", "Größe"]);
        for name in ["menge (KG) ", "Menge\n(kg)", "GRÖßE", "Gro\u{308}ße", "MENGE_KG"] {
            let shape = Shape::of(&[name, "id"], &called).unwrap();
            assert_eq!(shape.positions, [Some(1), Some(0)], "{name:?}");
            assert_eq!(noted(&shape), [("REORDERED_COLUMNS", "menge_kg,id", "accept")]);
        }
        let twice = Shape::of(&["id", "Menge_kg", "Menge (KG)"], &called).unwrap_err();
        assert_eq!(
            twice,
            "the header has \"menge_kg\" and \"menge (kg)\", and both are the column menge_kg; mend the file, or change its \
            contract"
        );
        let lacks = Shape::of(&["id", "Menge"], &called).unwrap_err();
        assert!(
            lacks.starts_with("the header lacks menge_kg (or \"Menge (kg)\" or \"Größe\"); it has id, menge;"),
            "{lacks}"
        );
        let none = Shape::of(&["4711", "12"], &called).unwrap_err();
        assert!(
            none.contains("columns, id, menge_kg (or \"Menge (kg)\" or \"Größe\");") && !none.contains("4711"),
            "{none}"
        );
        // What is held back says it in the same words; the audit has the column's name.
        let held =
            Contract { surprises: Surprises { missing_column: Policy::Quarantine, ..called.surprises }, ..called };
        let shape = Shape::of(&["id"], &held).unwrap();
        assert_eq!(shape.held, ["the file lacks menge_kg (or \"Menge (kg)\" or \"Größe\")"]);
        assert_eq!(noted(&shape), [("MISSING_COLUMN", "menge_kg", "quarantine")]);
    }

    #[test]
    fn a_table_evolves_beside_columns_with_headers() {
        let mut called = calling(contract(&["id", "menge_kg"]), "menge_kg", &["Menge"]);
        called.surprises.new_column = Policy::Evolve;
        let shape = Shape::of(&["Charge", "Menge", "ID"], &called).unwrap();
        assert_eq!((shape.positions, shape.added), (vec![Some(2), Some(1), Some(0)], vec!["charge".to_owned()]));
    }

    #[test]
    fn each_surprise_has_its_policy() {
        let policies = [Policy::Accept, Policy::Quarantine, Policy::Reject];
        for policy in policies {
            let contract = with(&["a", "b"], |contract| {
                contract.surprises.new_column = policy;
                contract.surprises.missing_column = policy;
                contract.surprises.reordered_columns = policy;
            });
            let word = policy.as_str();
            for (names, change, held) in [
                (&["a", "b", "c"][..], ("NEW_COLUMN", "c", word), "the contract does not name c"),
                (&["b"], ("MISSING_COLUMN", "a", word), "the file lacks a"),
                (&["b", "a"], ("REORDERED_COLUMNS", "b,a", word), "another order"),
            ] {
                match (policy, Shape::of(names, &contract)) {
                    (Policy::Reject, Err(_)) => {}
                    (_, Ok(shape)) => {
                        assert_eq!(noted(&shape), [change]);
                        assert_eq!(shape.held.len(), usize::from(policy == Policy::Quarantine));
                        assert!(shape.held.iter().all(|why| why.contains(held)), "{:?}", shape.held);
                    }
                    (_, other) => panic!("{policy:?} {names:?}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_table_evolves_by_names_that_it_can_have() {
        let evolving = with(&["a"], |contract| contract.surprises.new_column = Policy::Evolve);
        let shape = Shape::of(&["New_One", "a", "z"], &evolving).unwrap();
        assert_eq!(
            (shape.added.as_slice(), shape.positions.as_slice()),
            (&["new_one".into(), "z".into()][..], &[Some(1), Some(0), Some(2)][..])
        );
        assert_eq!(noted(&shape), [("NEW_COLUMN", "new_one", "evolve"), ("NEW_COLUMN", "z", "evolve")]);
        for bad in ["größe", "a b", "1st", "", "load_id", "x;drop"] {
            let fault = Shape::of(&["a", bad], &evolving).unwrap_err();
            assert!(fault.contains("can't be given a new column"), "{bad}: {fault}");
        }
        let many: Vec<String> =
            (0..=MAX_ADDED_COLUMNS).map(|number| format!("c{number}")).chain(["a".into()]).collect();
        assert!(Shape::of(&many, &evolving).unwrap_err().contains("is it the right file?"));
    }
}
