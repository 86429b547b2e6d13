//! `custom_sql {sql | count_sql}`: a query of the contract's own, over `{rows}`: the rows that are judged, to stand behind FROM.
//! `sql` lists the rows at fault; `count_sql` gives one number, how many are at fault. One statement that reads, checked when
//! the contract is read. Takes thresholds, of all rows that are judged.

use warehouse::sql::{Reading, reading};

use crate::check::{Check, Compile, Failing, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::tolerance::Tolerance;

pub(super) const KIND: Kind = Kind {
    name: "custom_sql",
    parameters: &["sql", "count_sql", "describe", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const ROWS: &str = "{rows}";

const COMPILE: Compile = |parameters, _| {
    let example = "such as SELECT * FROM {rows} R WHERE R.END_TIME < R.START_TIME";
    let (list, count) =
        (parameters.optional_text("sql", "a query")?, parameters.optional_text("count_sql", "a query")?);
    let (sql, counts) = match (list, count) {
        (Some(sql), None) => (sql, false),
        (None, Some(sql)) => (sql, true),
        (None, None) => return Err(format!("sql is missing: give a query for the rows at fault, {example}")),
        (Some(_), Some(_)) => return Err("give either sql, which lists the rows at fault, or count_sql".into()),
    };
    if !sql.contains(ROWS) {
        return Err(format!("the query does not say {ROWS}, so it would judge nothing of the load; {example}"));
    }
    let sql = match reading(sql)? {
        Reading::Query(sql) => sql.to_owned(),
        Reading::Other(_) => return Err(format!("it must be a query, {example}")),
    };
    if !counts && is_one_count(&sql) {
        return Err("the query gives one number and not rows, so it would always find one; call it count_sql".into());
    }
    let says = parameters.optional_text("describe", "what is expected, in words")?.map(str::to_owned);
    Ok(Box::new(CustomSql { sql, counts, says, tolerance: Tolerance::read(parameters)? }))
};

/// Whether it looks like `SELECT COUNT(…) … ` over everything.
fn is_one_count(sql: &str) -> bool {
    let words = sql.to_uppercase().split_whitespace().collect::<Vec<_>>().join(" ").replace("COUNT (", "COUNT(");
    words.starts_with("SELECT COUNT(") && !words.contains("GROUP BY") && !words.contains("HAVING")
}

#[derive(Debug)]
struct CustomSql {
    sql: String,
    counts: bool,
    says: Option<String>,
    tolerance: Tolerance,
}

impl CustomSql {
    /// The query, to stand behind FROM. On lines of its own: it may end in a comment.
    fn query(&self, subject: &Subject<'_>) -> String {
        format!("(\n{}\n)", self.sql.replace(ROWS, &subject.rows()))
    }
}

impl Check for CustomSql {
    fn expected(&self) -> String {
        self.tolerance.expected(self.says.clone().unwrap_or_else(|| "the contract's query finds no row".into()))
    }

    fn may_fail(&self) -> bool {
        true
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let query = self.query(subject);
        let failed = match self.counts {
            // As a subquery: a second row would be an error, and no row is NULL.
            true => Measure { value: format!("CAST({query} AS BIGINT)"), from: "(SELECT 1 AS ONE) Q".into() },
            false => Measure { value: "COUNT(*)".into(), from: format!("{query} Q") },
        };
        vec![failed, Measure::over(subject, "COUNT(*)")]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        if self.counts && measured.text(0).is_none() {
            return Err("the query gave no number".into());
        }
        let failed = measured.count(0)?;
        let judged = measured.count(1)?;
        // A query may give a row for each pair, or for what is missing.
        if failed > judged {
            return Ok(Finding {
                observed: format!("{failed} rows found, {judged} judged"),
                ..self.tolerance.judge(failed, judged)
            });
        }
        Ok(self.tolerance.judge(failed, judged))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        (!self.counts).then(|| Failing::Query(self.query(subject)))
    }
}
