//! What is made of what: source → RAW → STAGING → CORE → MARTS.
//!
//! dbt's manifest tells it where dbt has built; without one the models' own `ref()` and `source()` do.

mod manifest;
mod models;

use std::collections::HashMap;
use std::path::PathBuf;

use runtime::{Contracts, Settings};

use super::bounds::NODES;

/// Where dbt's project is, and what it wrote.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub manifest: PathBuf,
    pub models: PathBuf,
}

impl Project {
    pub fn of(settings: &Settings) -> Self {
        Self {
            manifest: settings.transform.target.join("manifest.json"),
            models: settings.transform.project.join("models"),
        }
    }
}

/// A model as dbt knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub name: String,
    /// Its schema, in capitals.
    pub schema: String,
    /// Its table or view, in capitals.
    pub relation: String,
    /// Models that it reads.
    pub reads: Vec<String>,
    /// Tables below RAW that it reads, in capitals.
    pub reads_raw: Vec<String>,
}

/// A source, a table or a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The column in which it stands, from the left.
    pub layer: usize,
    pub name: String,
    /// Its schema and name in capitals; none of a source.
    pub relation: Option<(String, String)>,
    pub rows: Option<u64>,
}

/// The graph: nodes, and edges between them by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The columns' names.
    pub layers: Vec<String>,
    pub nodes: Vec<Node>,
    pub edges: Vec<(usize, usize)>,
    /// Models that are left out.
    pub more: usize,
}

/// The graph of the contracts' tables and the project's models.
pub fn graph(project: &Project, contracts: &Contracts) -> Lineage {
    let models = manifest::read(&project.manifest).unwrap_or_else(|| models::read(&project.models));
    of(contracts, models)
}

fn of(contracts: &Contracts, mut models: Vec<Model>) -> Lineage {
    let mut lineage = Lineage { layers: vec!["Source".into(), "RAW".into()], ..Lineage::default() };
    for contract in contracts.iter() {
        let table = contract.table();
        lineage.push(0, &contract.source, None);
        lineage.push(1, &table, Some(("RAW".into(), table.clone())));
        lineage.edges.push((lineage.nodes.len() - 2, lineage.nodes.len() - 1));
    }
    lineage.more = (lineage.nodes.len() + models.len()).saturating_sub(NODES).min(models.len());
    models.truncate(models.len() - lineage.more);
    // The schemas in the order in which data reaches them.
    let depths = depths(&models);
    let mut schemas: HashMap<&str, usize> = HashMap::new();
    for model in &models {
        let deepest = schemas.entry(&model.schema).or_default();
        *deepest = (*deepest).max(depths[model.name.as_str()]);
    }
    let mut order: Vec<(usize, &str)> = schemas.into_iter().map(|(schema, depth)| (depth, schema)).collect();
    order.sort_unstable();
    lineage.layers.extend(order.iter().map(|(_, schema)| (*schema).to_owned()));
    let first = lineage.nodes.len();
    for model in &models {
        let layer = order.iter().position(|(_, schema)| *schema == model.schema).unwrap_or_default() + 2;
        lineage.push(layer, &model.name, Some((model.schema.clone(), model.relation.clone())));
    }
    for (at, model) in models.iter().enumerate() {
        let of_raw =
            |name: &String| lineage.nodes[..first].iter().position(|node| node.layer == 1 && node.name == *name);
        let of_model = |name: &String| models.iter().position(|other| other.name == *name).map(|at| first + at);
        let read = model.reads_raw.iter().filter_map(of_raw).chain(model.reads.iter().filter_map(of_model));
        let edges: Vec<(usize, usize)> = read.map(|from| (from, first + at)).collect();
        lineage.edges.extend(edges);
    }
    lineage
}

/// How many models lie between a model and RAW, at most. What reads itself in a circle, which dbt refuses, ends somewhere.
fn depths(models: &[Model]) -> HashMap<&str, usize> {
    let mut depths: HashMap<&str, usize> = models.iter().map(|model| (model.name.as_str(), 0)).collect();
    for _ in 0..models.len() {
        let mut is_settled = true;
        for model in models {
            let depth =
                model.reads.iter().filter_map(|name| depths.get(name.as_str())).max().map_or(0, |depth| depth + 1);
            if depths.insert(&model.name, depth) != Some(depth) {
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    depths
}

impl Lineage {
    fn push(&mut self, layer: usize, name: &str, relation: Option<(String, String)>) {
        self.nodes.push(Node { layer, name: name.to_owned(), relation, rows: None });
    }

    /// The tables and views, by schema and name in capitals.
    pub fn relations(&self) -> Vec<(String, String)> {
        self.nodes.iter().filter_map(|node| node.relation.clone()).collect()
    }

    /// Notes how many rows they have.
    pub fn count(&mut self, counts: &HashMap<(String, String), u64>) {
        for node in &mut self.nodes {
            node.rows = node.relation.as_ref().and_then(|relation| counts.get(relation)).copied();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_projects_own_models_lead_from_files_to_marts() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let contracts = Contracts::read(&folder.join("data/sources")).unwrap();
        let project = Project { manifest: "no such file".into(), models: folder.join("workers/transform/dbt/models") };
        let graph = graph(&project, &contracts);
        assert_eq!(graph.layers, ["Source", "RAW", "STAGING", "CORE", "MARTS"]);
        let at = |name: &str| graph.nodes.iter().position(|node| node.name == name).unwrap();
        for (from, to) in [
            ("batches", "BATCHES"),
            ("BATCHES", "stg_batches"),
            ("stg_batches", "core_batches"),
            ("core_fct_batch_output", "mart_material_performance"),
        ] {
            assert!(graph.edges.contains(&(at(from), at(to))), "{from} to {to}");
        }
        assert_eq!(graph.nodes[at("core_batches")].relation, Some(("CORE".into(), "CORE_BATCHES".into())));
        // Each model reads something.
        let first = graph.nodes.iter().position(|node| node.layer == 2).unwrap();
        assert!((first..graph.nodes.len()).all(|at| graph.edges.iter().any(|(_, to)| *to == at)));
    }

    #[test]
    fn what_reads_itself_ends() {
        let model = |name: &str, reads: &str| Model {
            name: name.into(),
            schema: "S".into(),
            relation: name.to_uppercase(),
            reads: vec![reads.into()],
            reads_raw: Vec::new(),
        };
        let graph = of(&Contracts::default(), vec![model("a", "b"), model("b", "a"), model("c", "no such model")]);
        assert_eq!((graph.nodes.len(), graph.edges.len()), (3, 2));
    }
}
