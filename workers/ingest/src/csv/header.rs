//! From the header to the contract's columns.

/// Where the contract's columns stand in a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Fields of every row.
    pub(super) fields: usize,
    /// For each column of the contract, the field that it is.
    pub(super) positions: Vec<usize>,
    /// Columns of the file that the contract does not name.
    pub(super) extra: Vec<String>,
}

impl Header {
    /// Finds `columns` among `names`, trimmed and whatever their case. The error says what is missing or doubled.
    pub(super) fn new(names: &[&str], columns: &[String]) -> Result<Self, String> {
        let keys: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        if let Some(at) = (1..keys.len()).find(|at| keys[..*at].contains(&keys[*at])) {
            return Err(match keys[at].as_str() {
                "" => "line 1: two columns of the header have no name".into(),
                key => format!("line 1: the header names the column {key:?} twice"),
            });
        }
        let wanted: Vec<String> = columns.iter().map(|name| name.to_lowercase()).collect();
        let missing: Vec<_> = wanted.iter().filter(|name| !keys.contains(name)).cloned().collect();
        if !missing.is_empty() {
            return Err(format!(
                "line 1: the header lacks {}; it has {}; mend the file, or change its contract",
                list(&missing),
                list(&keys)
            ));
        }
        let positions = wanted.iter().filter_map(|name| keys.iter().position(|key| key == name)).collect();
        let extra = keys.iter().filter(|key| !wanted.contains(key)).cloned().collect();
        Ok(Self { fields: keys.len(), positions, extra })
    }
}

/// Names for people, not too many of them.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| name.chars().take(60).collect::<String>()).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn columns_are_found_in_any_order_and_case() {
        let header = Header::new(&[" State", "EXTRA", "id "], &columns(&["id", "state"]));
        assert_eq!(header, Ok(Header { fields: 3, positions: vec![2, 0], extra: columns(&["extra"]) }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = Header::new(&["id", "state"], &columns(&["id", "grade", "site"]));
        assert_eq!(
            missing,
            Err("line 1: the header lacks grade, site; it has id, state; mend the file, or change its contract".into())
        );
        let doubled = Header::new(&["id", "ID"], &columns(&["id"]));
        assert_eq!(doubled, Err("line 1: the header names the column \"id\" twice".into()));
    }
}
