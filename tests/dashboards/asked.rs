//! What expressions ask Prometheus for.

use std::collections::BTreeSet;

use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use serde_json::Value;

/// A selector, and where it stands.
#[derive(Clone, Debug)]
pub struct Asked {
    pub metric: String,
    /// Labels that its series must have: those by which results are put together or named.
    pub labels: BTreeSet<String>,
    /// What one series at least must fit.
    pub matchers: Vec<Matcher>,
    pub place: String,
}

/// What a panel asks for, and names in its legend.
pub fn of_panel(panel: &Value) -> Vec<Asked> {
    let place = format!("panel {}", panel["title"].as_str().unwrap());
    let targets = panel["targets"].as_array().into_iter().flatten().filter(|target| target["expr"].is_string());
    let asked = targets.flat_map(|target| {
        let named = between(target["legendFormat"].as_str().unwrap_or_default(), "{{", "}}");
        of_expression(target["expr"].as_str().unwrap(), &named, &place)
    });
    asked.collect()
}

/// What a rule asks for, and names in its texts.
pub fn of_rule(rule: &Value) -> Vec<Asked> {
    let name = rule["alert"].as_str().or_else(|| rule["record"].as_str()).unwrap();
    let texts = rule["annotations"].as_object().into_iter().flat_map(|annotations| annotations.values());
    let named: BTreeSet<String> = texts.flat_map(|text| labels_named(text.as_str().unwrap())).collect();
    of_expression(rule["expr"].as_str().unwrap(), &named, &format!("rule {name}"))
}

/// What `label_values(metric, label)` asks for.
pub fn of_variable(query: &str) -> Asked {
    let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
    let (metric, label) = inner.split_once(", ").unwrap();
    let labels = BTreeSet::from([label.to_owned()]);
    Asked { metric: metric.into(), labels, matchers: Vec::new(), place: format!("variable {label}") }
}

fn labels_named(text: &str) -> BTreeSet<String> {
    let rest = text.split("$labels.").skip(1);
    rest.map(|rest| rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()).collect()
}

fn between(text: &str, begin: &str, end: &str) -> BTreeSet<String> {
    let rest = text.split(begin).skip(1);
    rest.map(|rest| rest.split_once(end).unwrap_or_else(|| panic!("{text:?} has no end")).0.trim().to_owned()).collect()
}

fn of_expression(expression: &str, named: &BTreeSet<String>, place: &str) -> Vec<Asked> {
    let mut plain = expression.to_owned();
    // As Grafana would.
    for (variable, value) in [("$__rate_interval", "1m"), ("$__range", "6h"), ("$plant", ".*"), ("$source", ".*")] {
        plain = plain.replace(variable, value);
    }
    assert!(!plain.contains('$'), "{place}: an unknown variable in {expression}");
    let parsed = parser::parse(&plain).unwrap_or_else(|error| panic!("{place}: {error} in {plain}"));
    let mut asked = Vec::new();
    walk(&parsed, named, place, &mut asked);
    assert!(!asked.is_empty(), "{place}: nothing is asked for in {plain}");
    asked
}

fn walk(expression: &Expr, labels: &BTreeSet<String>, place: &str, asked: &mut Vec<Asked>) {
    let with = |more: Option<&LabelModifier>| {
        let more = more.map(|modifier| modifier.labels().labels.clone()).unwrap_or_default();
        labels.iter().cloned().chain(more).collect::<BTreeSet<String>>()
    };
    match expression {
        Expr::Aggregate(of) => {
            // What is taken together keeps only these labels.
            let kept = of.modifier.as_ref().map(|modifier| modifier.labels().labels.clone()).unwrap_or_default();
            let lost: Vec<_> = labels.iter().filter(|label| !kept.contains(label)).collect();
            let all = is_selection(&of.to_string());
            assert!(all || lost.is_empty(), "{place}: {lost:?} are not in the result of {of}");
            walk(&of.expr, &with(of.modifier.as_ref()), place, asked);
        }
        Expr::Binary(of) => {
            let matching = of.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
            walk(&of.lhs, &with(matching), place, asked);
            // Of what only filters, nothing is named.
            let filters = ["and", "unless", ">", "<", ">=", "<=", "==", "!="].contains(&of.op.to_string().as_str());
            let own =
                || matching.map(|modifier| modifier.labels().labels.iter().cloned().collect()).unwrap_or_default();
            walk(&of.rhs, &if filters { own() } else { with(matching) }, place, asked);
        }
        Expr::Unary(of) => walk(&of.expr, labels, place, asked),
        Expr::Paren(of) => walk(&of.expr, labels, place, asked),
        Expr::Subquery(of) => walk(&of.expr, labels, place, asked),
        Expr::Call(of) => {
            let mut labels = labels.clone();
            // It is what histogram_quantile() eats.
            if of.func.name == "histogram_quantile" {
                labels.remove("le");
            }
            of.args.args.iter().for_each(|argument| walk(argument, &labels, place, asked));
        }
        Expr::VectorSelector(of) => asked.push(selected(of, labels, place)),
        Expr::MatrixSelector(of) => asked.push(selected(&of.vs, labels, place)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Whether an aggregation only chooses among series, with all their labels.
fn is_selection(text: &str) -> bool {
    ["topk", "bottomk"].iter().any(|name| text.starts_with(name))
}

fn selected(of: &VectorSelector, labels: &BTreeSet<String>, place: &str) -> Asked {
    Asked {
        metric: of.name.clone().unwrap_or_else(|| panic!("{place}: a selector without a name")),
        labels: labels.clone(),
        matchers: of.matchers.matchers.clone(),
        place: place.into(),
    }
}
