//! What decides whether rows become current: none of them may be odd.

use messages::{CheckOutcome, CheckStatus, Severity};
use warehouse::{Gate, GateAnswer, GateVerdict};

use crate::files::ODD;

pub struct NoOddRows;

impl Gate for NoOddRows {
    fn questions(&self, rows: &str) -> Vec<String> {
        vec![format!("SELECT COUNT(CASE WHEN id LIKE '{ODD}%' THEN 1 END) FROM {rows}")]
    }

    fn names(&self) -> Vec<String> {
        vec!["no_odd_rows".into()]
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        let odd: u64 = answers[0].as_ref().unwrap()[0].as_ref().unwrap().parse().unwrap();
        let check = CheckOutcome {
            check: "no_odd_rows".into(),
            table: "RAW.PARTS".into(),
            severity: Severity::Error,
            status: if odd > 0 { CheckStatus::Fail } else { CheckStatus::Pass },
            observed: odd.to_string(),
            expected: "none".into(),
            failed_rows: Some(odd),
            kind: "custom_sql".into(),
            value: None,
        };
        let held = if odd > 0 { vec![format!("{odd} odd rows")] } else { Vec::new() };
        GateVerdict { checks: vec![check], held }
    }
}
