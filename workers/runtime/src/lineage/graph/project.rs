//! Reading a dbt project: its models, what their SQL reads, and what their YAML says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use walkdir::WalkDir;

use super::condition::is_name;
use super::{Condition, Graph, LOADED_AT, Node, ORIGIN, Way};
use crate::Contracts;

/// The schema of models that no setting names one for: the profile's.
const USUAL_SCHEMA: &str = "CORE";

/// What a file beside the models says of them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    models: Vec<ModelSaid>,
    sources: Vec<SourceSaid>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelSaid {
    name: String,
    description: Option<String>,
    columns: Vec<ColumnSaid>,
    config: ConfigSaid,
    meta: MetaSaid,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigSaid {
    schema: Option<String>,
    meta: MetaSaid,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetaSaid {
    millrace: Option<Said>,
}

/// What a model says of its lineage.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    from: BTreeMap<String, Condition>,
    not_traced: Option<String>,
}

#[derive(Deserialize)]
struct ColumnSaid {
    name: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SourceSaid {
    name: String,
    schema: Option<String>,
    tables: Vec<TableSaid>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TableSaid {
    name: String,
    identifier: Option<String>,
    description: Option<String>,
    columns: Vec<ColumnSaid>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Project {
    name: String,
    model_paths: Option<Vec<PathBuf>>,
    models: Value,
}

pub(super) fn read(folder: &Path, contracts: &Contracts) -> Result<Graph, String> {
    let project: Project = yaml(&folder.join("dbt_project.yml"))?;
    let mut graph = Graph::default();
    let mut said = BTreeMap::new();
    let mut sql = Vec::new();
    for models in project.model_paths.clone().unwrap_or_else(|| vec!["models".into()]) {
        let models = folder.join(models);
        for entry in WalkDir::new(&models).sort_by_file_name() {
            let entry =
                entry.map_err(|error| format!("the dbt project can't be read: {error}; see transform.project"))?;
            let path = entry.path();
            match path.extension().and_then(|end| end.to_str()) {
                Some("yml" | "yaml") => {
                    let properties: Properties = yaml(path)?;
                    properties.sources.into_iter().for_each(|source| graph.add_source(source, contracts));
                    said.extend(properties.models.into_iter().map(|model| (model.name.clone(), model)));
                }
                Some("sql") => {
                    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                    let schema = schema(&project, path.strip_prefix(&models).unwrap_or(path));
                    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    sql.push((name, schema, text));
                }
                _ => {}
            }
        }
    }
    for (name, schema, text) in sql {
        graph.add_model(said.remove(&name).unwrap_or_default(), name, schema, &text);
    }
    graph.faults = graph.found_faults();
    Ok(graph)
}

fn yaml<T: DeserializeOwned + Default>(path: &Path) -> Result<T, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}; see transform.project", path.display()))?;
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The schema that `dbt_project.yml` gives to the models of a file: the one that is named closest to it.
fn schema(project: &Project, path: &Path) -> String {
    let own = |at: &Value| ["+schema", "schema"].iter().find_map(|key| Some(at.get(key)?.as_str()?.to_owned()));
    let mut at = project.models.get(&project.name).cloned().unwrap_or_default();
    let mut found = own(&at);
    for part in path.parent().into_iter().flat_map(Path::iter) {
        at = at.get(part.to_string_lossy().as_ref()).cloned().unwrap_or_default();
        found = own(&at).or(found);
    }
    found.unwrap_or_else(|| USUAL_SCHEMA.into()).to_uppercase()
}

impl Graph {
    fn add_source(&mut self, source: SourceSaid, contracts: &Contracts) {
        let schema = source.schema.unwrap_or_else(|| source.name.clone()).to_uppercase();
        for table in source.tables {
            let name = format!("{}.{}", source.name, table.name);
            let identifier = table.identifier.unwrap_or(table.name).to_uppercase();
            let contract = contracts.table(&identifier).filter(|_| schema == "RAW");
            let contracted = contract.into_iter().flat_map(|contract| contract.table_spec().columns);
            let mut columns: Vec<(String, String)> = contracted.map(|name| (name, String::new())).collect();
            columns.extend(columns_of(table.columns));
            self.nodes.insert(
                name.clone(),
                Node {
                    name,
                    schema: schema.clone(),
                    table: identifier,
                    description: table.description.unwrap_or_default().trim().into(),
                    columns,
                    parents: Vec::new(),
                    from: Vec::new(),
                    not_traced: None,
                    is_source: true,
                },
            );
        }
    }

    fn add_model(&mut self, said: ModelSaid, name: String, schema: String, sql: &str) {
        let parents = parents(sql);
        let lineage = said.config.meta.millrace.or(said.meta.millrace).unwrap_or_default();
        let mut from: Vec<Way> = lineage.from.into_iter().map(|(to, condition)| Way { to, condition }).collect();
        // What every staging model does: it reads one table, and carries on where its rows came from.
        if let ([only], true, true) = (parents.as_slice(), from.is_empty(), sql.contains("lineage()")) {
            let same = ORIGIN.into_iter().chain([LOADED_AT]).map(Into::into).collect();
            from.push(Way { to: only.clone(), condition: Condition::Same(same) });
        }
        let node = Node {
            table: name.to_uppercase(),
            schema: said.config.schema.map_or(schema, |schema| schema.to_uppercase()),
            description: said.description.unwrap_or_default().trim().into(),
            columns: columns_of(said.columns),
            parents,
            from,
            not_traced: lineage.not_traced,
            is_source: false,
            name: name.clone(),
        };
        self.nodes.insert(name, node);
    }

    fn found_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for node in self.nodes.values() {
            if !is_name(&node.table) || !is_name(&node.schema) {
                faults.push(format!("{}: its name must be letters, digits and _", node.name));
            }
            for parent in node.parents.iter().filter(|parent| !node.from.iter().any(|way| way.to == **parent)) {
                faults.push(format!(
                    "{0} reads {parent}, and nothing says to which rows of it a row leads: add {parent} to \
                    config.meta.millrace.from of {0}",
                    node.name
                ));
            }
            for way in &node.from {
                match self.nodes.get(&way.to) {
                    Some(parent) if node.parents.contains(&way.to) => {
                        let told = way.condition.faults(node, parent).into_iter();
                        faults.extend(told.map(|fault| format!("{}, lineage from {}: {fault}", node.name, way.to)));
                    }
                    Some(_) => {
                        faults.push(format!("{}: its lineage names {}, which its SQL does not read", node.name, way.to))
                    }
                    None => faults.push(format!(
                        "{}: its lineage names {}, which is no model, and no table of a source (source.table)",
                        node.name, way.to
                    )),
                }
            }
        }
        faults
    }
}

fn columns_of(columns: Vec<ColumnSaid>) -> Vec<(String, String)> {
    let told = |column: ColumnSaid| (column.name.to_lowercase(), column.description.unwrap_or_default());
    columns.into_iter().map(told).collect()
}

/// What the SQL of a model reads: `ref('…')` and `source('…', '…')` outside of comments, each once.
fn parents(sql: &str) -> Vec<String> {
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(start) = rest.find("{#") {
        text.push_str(&rest[..start]);
        rest = rest[start..].find("#}").map_or("", |end| &rest[start + end + 2..]);
    }
    text.push_str(rest);
    let text: String =
        text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices('(') {
        let before = text[..at].trim_end();
        let called = |word: &str| {
            before
                .strip_suffix(word)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.'))
        };
        let arguments = text[at + 1..].split(')').next().unwrap_or_default();
        let names: Vec<&str> = arguments.split(',').filter_map(|text| unquoted(text.trim())).collect();
        let name = match names.as_slice() {
            [source, table] if called("source") => format!("{source}.{table}"),
            // Another project's models come with its name first.
            [.., model] if called("ref") => (*model).to_owned(),
            _ => continue,
        };
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn unquoted(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sql_reads_is_found_outside_of_comments() {
        let sql = "{# ref('no') #}\nselect * from {{ ref('a') }} join {{ref( \"b\" )}} -- ref('c')\n join {{ source('raw', 'x') }} \
            join {{ ref('pkg', 'd') }} where e in (select 1) and prefer('f') {{ ref('a') }}";
        assert_eq!(parents(sql), ["a", "b", "raw.x", "d"]);
    }
}
