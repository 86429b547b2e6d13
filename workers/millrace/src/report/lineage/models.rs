//! The models' own SQL, for a project that nothing was built of yet.

use std::path::Path;

use super::Model;

/// Models in folders of folders, at most so deep.
const DEPTH: usize = 8;

/// The models below `folder`; the first folder below it names the schema.
pub(super) fn read(folder: &Path) -> Vec<Model> {
    let mut models = Vec::new();
    collect(folder, "", DEPTH, &mut models);
    models.sort_by(|one, other| one.name.cmp(&other.name));
    models
}

fn collect(folder: &Path, schema: &str, depth: usize, models: &mut Vec<Model>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() && depth > 0 {
            collect(&path, if schema.is_empty() { name } else { schema }, depth - 1, models);
        } else if path.extension().is_some_and(|end| end == "sql") {
            let sql = std::fs::read_to_string(&path).unwrap_or_default();
            models.push(Model {
                name: name.to_owned(),
                schema: schema.to_uppercase(),
                relation: name.to_uppercase(),
                reads: calls(&sql, "ref"),
                reads_raw: calls(&sql, "source").iter().map(|name| name.to_uppercase()).collect(),
            });
        }
    }
}

/// The last text in quotes of each call of `function`, each once: what `ref('model')` and `source('raw', 'table')` name.
fn calls(sql: &str, function: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in sql.match_indices(function) {
        let is_word = !sql[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let rest = sql[at + function.len()..].trim_start();
        let Some((arguments, _)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else { continue };
        let last = arguments.split(['\'', '"']).skip(1).step_by(2).last();
        if let (true, Some(name)) = (is_word && !arguments.contains('('), last)
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_however_they_are_written() {
        let sql = "select * from {{ ref('a') }} join {{ref( \"b\" )}} on 1 = 1 join {{ source('raw', 'c') }} \
            join {{ ref('a') }} where href('x') and ref and ref( and my_ref('y')";
        assert_eq!(calls(sql, "ref"), ["a", "b"]);
        assert_eq!(calls(sql, "source"), ["c"]);
    }
}
