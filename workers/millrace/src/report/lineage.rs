//! What is made of what: source → RAW → STAGING → CORE → MARTS.
//!
//! The models and what they read are those that `millrace trace` follows.

use std::collections::HashMap;
use std::path::Path;

use runtime::Contracts;
use runtime::lineage::graph::{self, Graph};

use super::bounds::NODES;

/// A model as the graph needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    name: String,
    /// Its schema, in capitals.
    schema: String,
    /// Its table or view, in capitals.
    relation: String,
    /// Models that it reads.
    reads: Vec<String>,
    /// Tables below RAW that it reads, in capitals.
    reads_raw: Vec<String>,
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

/// The graph of the contracts' tables and of the models of the dbt project in this folder. Where the project can't be read it holds the tables alone, and the text says why.
pub fn graph(project: &Path, contracts: &Contracts) -> (Lineage, Option<String>) {
    match Graph::read(project, contracts) {
        Ok(graph) => (of(contracts, models(&graph)), None),
        Err(fault) => (of(contracts, Vec::new()), Some(fault)),
    }
}

fn models(graph: &Graph) -> Vec<Model> {
    let model = |node: &graph::Node| {
        let (sources, models): (Vec<_>, Vec<_>) =
            node.parents.iter().filter_map(|name| graph.find(name)).partition(|parent| parent.is_source);
        Model {
            name: node.name.clone(),
            schema: node.schema.clone(),
            relation: node.table.clone(),
            reads: models.iter().map(|parent| parent.name.clone()).collect(),
            reads_raw: sources.iter().map(|parent| parent.table.clone()).collect(),
        }
    };
    graph.nodes().filter(|node| !node.is_source).map(model).collect()
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
        let (graph, fault) = graph(&folder.join("workers/transform/dbt"), &contracts);
        assert_eq!(fault, None);
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
