//! What a process shows at `/metrics`.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::Matcher;

type Labels = BTreeMap<String, String>;

/// Series by name.
#[derive(Debug, Default)]
pub struct Measured(BTreeMap<String, Vec<(Labels, f64)>>);

impl Measured {
    /// Reads Prometheus' text format.
    pub fn parse(text: &str) -> Self {
        let mut measured = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels_of(labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}")));
            measured.0.entry(name.into()).or_default().push((labels, value.parse().unwrap()));
        }
        measured
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn has(&self, metric: &str) -> bool {
        self.0.contains_key(metric)
    }

    pub fn has_label(&self, metric: &str, label: &str) -> bool {
        self.series(metric).any(|(labels, _)| labels.contains_key(label))
    }

    /// Whether one series fits all matchers; a label that it doesn't have is empty.
    pub fn has_series(&self, metric: &str, matchers: &[&Matcher]) -> bool {
        let value = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        self.series(metric)
            .any(|(labels, _)| matchers.iter().all(|matcher| matcher.is_match(&value(labels, &matcher.name))))
    }

    /// The labels of a metric; of a histogram without its bounds.
    pub fn labels(&self, metric: &str) -> BTreeSet<String> {
        let name = if self.has(metric) { metric.to_owned() } else { format!("{metric}_count") };
        self.series(&name).flat_map(|(labels, _)| labels.keys().cloned()).collect()
    }

    /// The sum over all series.
    pub fn sum(&self, metric: &str) -> f64 {
        self.series(metric).map(|(_, value)| value).sum()
    }

    fn series(&self, metric: &str) -> impl Iterator<Item = &(Labels, f64)> {
        self.0.get(metric).into_iter().flatten()
    }
}

/// `a="x",b="y"`; no value of ours has a quotation mark.
fn labels_of(text: &str) -> Labels {
    let pairs = text.split("\",").filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once("=\"").unwrap_or_else(|| panic!("{text}")))
        .map(|(name, value)| (name.into(), value.trim_end_matches('"').into()))
        .collect()
}

#[test]
fn the_text_format_is_read() {
    let text = "# HELP a_total What\na_total{b=\"c, d\",e=\"\"} 2\na_total{b=\"x\"} 1.5\nf_seconds_count 1e3\n";
    let measured = Measured::parse(text);
    assert_eq!(measured.names().collect::<Vec<_>>(), ["a_total", "f_seconds_count"]);
    assert_eq!((measured.sum("a_total"), measured.sum("f_seconds_count")), (3.5, 1000.0));
    assert_eq!(measured.labels("a_total"), BTreeSet::from(["b".to_owned(), "e".to_owned()]));
    assert_eq!(measured.0["a_total"][0].0["b"], "c, d");
}
