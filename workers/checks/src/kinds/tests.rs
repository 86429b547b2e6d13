//! What contracts may say, and the SQL that becomes of it.

use messages::LoadId;
use proptest::prelude::*;
use runtime::{Contract, Contracts};
use serde_json::{Value, json};

use crate::deliveries::Deliveries;
use crate::plan::compile;
use crate::scan::Scan;

fn contracts(check: Value) -> Contracts {
    let contract = |source: &str, columns: Value, checks: Value| -> Contract {
        let files = [format!("**/{source}.csv")];
        serde_json::from_value(json!({"source": source, "files": files, "columns": columns, "checks": checks})).unwrap()
    };
    let mut all = Contracts::default();
    all.add(contract("orders", json!(["order_id", "state", "made_at"]), json!([check]))).unwrap();
    all.add(contract("materials", json!(["material_id"]), json!([]))).unwrap();
    all
}

/// The SQL of a check on `orders`, for a load that has slices of what `own` names.
fn sql_for(check: Value, own: &[&str]) -> String {
    let plan = compile(&contracts(check)).unwrap();
    let load_id = LoadId::new("it's a load").unwrap();
    let own: Vec<_> = own.iter().map(|table| (*table, "it's a load", "c1", "2026-11-23")).collect();
    let deliveries = Deliveries::of(&own);
    let subject = deliveries.subject(&plan.tables[0].table, &load_id, chrono::Utc::now());
    Scan::of(&plan.tables[0].checks[0].levels[0].check.measures(&subject)).sql
}

fn sql(check: Value) -> String {
    sql_for(check, &[])
}

fn fault(check: Value) -> String {
    compile(&contracts(check)).unwrap_err().remove(0).to_string()
}

fn expected(check: Value) -> String {
    compile(&contracts(check)).unwrap().tables[0].checks[0].levels[0].check.expected()
}

#[test]
fn the_sql_of_each_kind() {
    let given = |name: &str, value: &str| {
        format!(
            "CASE WHEN R.\"{name}\" BETWEEN '!' AND '~' THEN {value} WHEN TRIM(R.\"{name}\") <> '' THEN {value} END"
        )
    };
    let judged = |name: &str| format!("COUNT({})", given(name, "1"));
    let over = |values: &str| format!("SELECT * FROM (SELECT {values} FROM RAW.\"ORDERS\" R) S0");
    let each = |values: &str| {
        over(&format!("CAST(COALESCE(SUM(CASE {values} ELSE 1000000000001 END), 0) AS VARCHAR) AS M0_0"))
    };
    assert_eq!(sql(json!({"kind": "row_count", "min": 1})), over("COUNT(*) AS M0_0"));
    assert_eq!(
        sql(json!({"kind": "null_share", "column": "State", "max": 0.5})),
        over(&format!("{} AS M0_0, COUNT(*) AS M0_1", judged("STATE")))
    );
    assert_eq!(
        sql(json!({"kind": "unique", "columns": ["state"]})),
        over(&format!("COUNT(DISTINCT {}) AS M0_0, {} AS M0_1", given("STATE", "R.\"STATE\""), judged("STATE")))
    );
    let whole = "(R.\"ORDER_ID\" BETWEEN '!' AND '~' OR TRIM(R.\"ORDER_ID\") <> '') AND \
        (R.\"STATE\" BETWEEN '!' AND '~' OR TRIM(R.\"STATE\") <> '')";
    assert_eq!(
        sql(json!({"kind": "unique", "columns": ["order_id", "state"]})),
        format!(
            "SELECT * FROM (SELECT COUNT(*) AS M0_0 FROM (SELECT 1 FROM RAW.\"ORDERS\" R WHERE {whole} \
            GROUP BY R.\"ORDER_ID\", R.\"STATE\") D) S0 CROSS JOIN \
            (SELECT COUNT(CASE WHEN {whole} THEN 1 END) AS M1_0 FROM RAW.\"ORDERS\" R) S1"
        )
    );
    assert_eq!(
        sql(json!({"kind": "accepted_values", "column": "state", "values": ["it's", "b", 3], "ignore_case": true})),
        each(
            "WHEN R.\"STATE\" IN ('IT''S', 'B', '3') THEN 1 WHEN NULLIF(TRIM(R.\"STATE\"), '') IS NULL THEN 0 \
            WHEN UPPER(NULLIF(TRIM(R.\"STATE\"), '')) IN ('IT''S', 'B', '3') THEN 1"
        )
    );
    assert_eq!(
        sql(json!({"kind": "accepted_range", "column": "made_at", "min": "2010-01-01"})),
        each(&format!(
            "WHEN TRY_CAST(CASE WHEN R.\"MADE_AT\" LIKE '_%-%' THEN R.\"MADE_AT\" END AS TIMESTAMP) >= {BOUND} THEN 1 \
            WHEN {MADE} IS NULL THEN 0 WHEN {MADE_AT} >= {BOUND} THEN 1"
        ))
    );
    assert_eq!(
        sql(json!({"kind": "freshness", "max_age_hours": 1, "column": "made_at"})),
        over(&format!("CAST(MAX({MADE_AT}) AS VARCHAR) AS M0_0"))
    );
}

const BOUND: &str = "CAST('2010-01-01 00:00:00.000000' AS TIMESTAMP)";
const MADE: &str = "NULLIF(TRIM(R.\"MADE_AT\"), '')";
const MADE_AT: &str = "TRY_CAST(CASE WHEN TRY_CAST(NULLIF(TRIM(R.\"MADE_AT\"), '') AS DOUBLE) IS NULL THEN \
    NULLIF(TRIM(R.\"MADE_AT\"), '') END AS TIMESTAMP)";

#[test]
fn a_range_of_numbers_has_two_bounds_so_that_nan_is_outside() {
    let sql = sql(json!({"kind": "accepted_range", "column": "state", "min": 0}));
    assert!(sql.contains("AS DOUBLE) BETWEEN 0.0 AND 1.7976931348623157e308"), "{sql}");
}

#[test]
fn a_load_is_judged_by_its_own_slices() {
    let check = json!({"kind": "relationship", "column": "state", "to": "materials.material_id"});
    let own = "FROM (SELECT * FROM RAW_RUN.\"ORDERS_RUN\" WHERE LOAD_ID = 'it''s a load' AND COMMAND_ID = 'c1') R \
        WHERE NULLIF(TRIM(R.\"STATE\"), '') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ";
    let both = sql_for(check.clone(), &["ORDERS", "MATERIALS"]);
    let other = "(SELECT * FROM RAW_RUN.\"MATERIALS_RUN\" WHERE LOAD_ID = 'it''s a load' AND COMMAND_ID = 'c1') O \
        WHERE O.\"MATERIAL_ID\" = R.\"STATE\")";
    assert!(both.contains(&format!("{own}{other}")), "{both}");
    let plan = compile(&contracts(check)).unwrap();
    let load_id = LoadId::new("it's a load").unwrap();
    let known =
        Deliveries::of(&[("ORDERS", "it's a load", "c1", "2026-11-23"), ("MATERIALS", "other", "c2", "2026-11-23")]);
    let subject = known.subject(&plan.tables[0].table, &load_id, chrono::Utc::now());
    let sql = Scan::of(&plan.tables[0].checks[0].levels[0].check.measures(&subject)).sql;
    assert!(sql.contains(&format!("{own}RAW.\"MATERIALS\" O")), "{sql}");
}

#[test]
fn faults_name_contract_check_and_cure() {
    let cases = [
        (
            json!({"kind": "row_cont"}),
            "contract orders, check row_cont: unknown kind \"row_cont\": it is one of row_count, null_share, unique, relationship, accepted_values, accepted_range, matches, sum_between, mean_between, custom_sql, change, schema_change, new_content, reconcile, freshness",
        ),
        (
            json!({"kind": "row_count"}),
            "contract orders, check row_count: min and max are missing: give at least one of them",
        ),
        (
            json!({"kind": "row_count", "min": 3, "max": 2}),
            "contract orders, check row_count: min 3 is more than max 2",
        ),
        (
            json!({"kind": "row_count", "min": -1}),
            "contract orders, check row_count: min must be a whole number from 0, not -1",
        ),
        (
            json!({"kind": "null_share", "column": "state", "maxx": 0}),
            "contract orders, check null_share_state: unknown parameter \"maxx\": null_share takes column, max",
        ),
        (
            json!({"kind": "null_share", "column": "stat", "max": 0}),
            "contract orders, check null_share_stat: column: \"stat\" is no column of source orders; it has order_id, state, made_at",
        ),
        (
            json!({"kind": "null_share", "column": "state", "max": 5}),
            "contract orders, check null_share_state: max must be a share from 0 to 1, such as 0.05 for 5 %, not 5",
        ),
        (
            json!({"kind": "unique", "columns": []}),
            "contract orders, check unique: columns must be a list of columns, such as [order_id], not []",
        ),
        (
            json!({"kind": "relationship", "column": "state", "to": "material_id"}),
            "contract orders, check relationship_state: to must be \"source.column\", not \"material_id\"",
        ),
        (
            json!({"kind": "relationship", "column": "state", "to": "material.id"}),
            "contract orders, check relationship_state: to: no contract describes source \"material\"; there are orders, materials",
        ),
        (
            json!({"kind": "accepted_values", "column": "state", "values": [true]}),
            "contract orders, check accepted_values_state: values: put true in quotes; without them its spelling in the file can't be told",
        ),
        (
            json!({"kind": "accepted_range", "column": "state", "min": 0, "max": "2026-01-01"}),
            "contract orders, check accepted_range_state: min and max must both be numbers or both points in time",
        ),
        (
            json!({"kind": "accepted_range", "column": "state", "min": "soon"}),
            "contract orders, check accepted_range_state: min must be a number, or a point in time such as \"2026-11-23 12:00\", not \"soon\"",
        ),
        (
            json!({"kind": "freshness", "max_age_hours": 0}),
            "contract orders, check freshness: max_age_hours must be a number of hours above 0, not 0",
        ),
        (
            json!({"kind": "freshness", "max_age_hours": 1, "gate": true}),
            "contract orders, check freshness: gate: a late delivery is still the newest there is, and holding it back makes the data older; leave gate out",
        ),
        (
            json!({"kind": "reconcile", "with": "CORE.X", "columns": ["state"], "gate": true}),
            "contract orders, check reconcile_CORE_X_state: gate: a gate is asked before the models are built, so there is nothing to compare with; leave gate out",
        ),
        (
            json!({"kind": "schema_change", "gate": true}),
            "contract orders, check schema_change: gate: what a file's shape may be is decided while it is read; say quarantine under surprises instead",
        ),
        (
            json!({"kind": "new_content", "gate": true}),
            "contract orders, check new_content: gate: the audit knows a file's content only once its rows stand; leave gate out",
        ),
        (
            json!({"kind": "new_content", "within_days": 0}),
            "contract orders, check new_content: within_days must be a number of days above 0, not 0",
        ),
        (
            json!({"kind": "new_content", "within_days": 40_000}),
            "contract orders, check new_content: within_days must be at most 36525, a hundred years; leave it out instead",
        ),
        (
            json!({"kind": "schema_change", "allow": ["new"]}),
            "contract orders, check schema_change: allow: \"new\" is no change; there are new_column, missing_column, reordered_columns",
        ),
        (
            json!({"kind": "matches", "column": "state", "pattern": "^a$"}),
            "contract orders, check matches_state: pattern \"^a$\": leave ^ out: the whole value is compared; write \\^ for the character",
        ),
        (
            json!({"kind": "mean_between", "column": "state"}),
            "contract orders, check mean_between_state: min and max are missing: give at least one of them",
        ),
        (
            json!({"kind": "custom_sql", "sql": "SELECT * FROM RAW.ORDERS"}),
            "contract orders, check custom_sql: the query does not say {rows}, so it would judge nothing of the load; such as SELECT * FROM {rows} R WHERE R.END_TIME < R.START_TIME",
        ),
        (
            json!({"kind": "custom_sql", "sql": "SELECT 1 FROM {rows}; DROP TABLE RAW.ORDERS"}),
            "contract orders, check custom_sql: only one statement can be asked at a time",
        ),
        (
            json!({"kind": "custom_sql", "sql": "DELETE FROM {rows}"}),
            "contract orders, check custom_sql: only statements that read are allowed here (SELECT, WITH, FROM, VALUES, TABLE, DESCRIBE, DESC, SHOW, SUMMARIZE, EXPLAIN); this one starts with \"DELETE\"",
        ),
        (
            json!({"kind": "custom_sql", "sql": "select count (*) from {rows}"}),
            "contract orders, check custom_sql: the query gives one number and not rows, so it would always find one; call it count_sql",
        ),
        (
            json!({"kind": "change", "metric": "median"}),
            "contract orders, check change_median: metric must be row_count, null_share, mean, sum or distinct, not \"median\"",
        ),
        (
            json!({"kind": "change", "metric": "row_count", "training_loads": 20, "window_loads": 10}),
            "contract orders, check change_row_count: training_loads must be at least 3, and window_loads from that to 400, not 20 and 10",
        ),
        (
            json!({"kind": "change", "metric": "row_count", "except": ["christmas"]}),
            "contract orders, check change_row_count: except must list days, such as \"12-25\" or \"2026-04-06\", not \"christmas\"",
        ),
        (
            json!({"kind": "reconcile", "with": "CORE.X"}),
            "contract orders, check reconcile_CORE_X: columns is missing, and the contract has no keys: name the columns to compare",
        ),
        (
            json!({"kind": "row_count", "min": 1, "sample_rows": 3}),
            "contract orders, check row_count: sample_rows: row_count finds no rows of which some could be kept",
        ),
        (
            json!({"kind": "unique", "columns": ["state"], "sample_rows": 101}),
            "contract orders, check unique_state: sample_rows must be a whole number from 0 to 100, not 101",
        ),
        (
            json!({"kind": "unique", "columns": ["state"], "warn": {"max": 1}}),
            "contract orders, check unique_state: warn: \"max\" is no threshold of unique: it takes max_failed_rows, max_failed_share",
        ),
        (
            json!({"kind": "null_share", "column": "state", "max": 1, "error": {"max": 1}}),
            "contract orders, check null_share_state: error: max stands beside it too; give it in one of the two places",
        ),
        (
            json!({"kind": "schema_change", "warn": {}}),
            "contract orders, check schema_change: warn: schema_change has no thresholds; give severity: warn or severity: error instead",
        ),
        (
            json!({"kind": "row_count", "warn": {"min": 5, "max": 2}}),
            "contract orders, check row_count: warn: min 5 is more than max 2",
        ),
    ];
    for (check, message) in cases {
        assert_eq!(fault(check), message);
    }
}

#[test]
fn expectations_read_well() {
    assert_eq!(expected(json!({"kind": "row_count", "min": 1, "max": 5})), "from 1 to 5 rows");
    assert_eq!(
        expected(json!({"kind": "null_share", "column": "state", "max": 0.01})),
        "state is missing in at most 1 %"
    );
    assert_eq!(
        expected(json!({"kind": "unique", "columns": ["order_id"], "max_failed_share": 0.02})),
        "each row has another order_id, but for at most 2 %"
    );
    assert_eq!(
        expected(json!({"kind": "accepted_values", "column": "state", "values": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]})),
        "each state is one of 1, 2, 3, 4, 5, 6, 7, 8 or 2 more"
    );
    assert_eq!(expected(json!({"kind": "freshness", "max_age_hours": 48})), "the newest delivery is at most 48 h old");
}

#[test]
fn names_are_made_or_given_and_stand_once() {
    let mut all = Contracts::default();
    let checks = json!([{"kind": "row_count", "min": 1}, {"kind": "row_count", "max": 9}, {"kind": "row_count", "name": "size", "max": 9}]);
    all.add(
        serde_json::from_value(json!({"source": "a", "files": ["a"], "columns": ["x"], "checks": checks})).unwrap(),
    )
    .unwrap();
    let faults = compile(&all).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        faults[0].to_string(),
        "contract a, check row_count: another check has this name; give this one a name of its own"
    );
}

#[test]
fn the_shipped_contracts_have_no_fault() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources");
    let plan = compile(&Contracts::read(&folder).unwrap()).unwrap();
    assert_eq!(plan.tables.len(), 3);
    assert!(plan.len() > 30);
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("state")),
        proptest::sample::select(vec![
            "mean",
            "row_count",
            "CORE.X",
            "weekly",
            "keys",
            "sum",
            "SELECT 1 FROM {rows}",
            "a+"
        ])
        .prop_map(Value::from),
        Just(json!({"max": 1, "max_failed_share": 0.5, "min": 0})),
        Just(json!(["state"])),
        Just(json!("materials.material_id")),
        proptest::collection::vec(".{0,4}".prop_map(Value::from), 0..3).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn whatever_stands_in_a_contract_is_read_or_refused(
        kind in proptest::sample::select(super::kinds().collect::<Vec<_>>()),
        parameters in proptest::collection::hash_map(
            proptest::sample::select(vec!["column", "columns", "min", "max", "to", "values", "ignore_case", "max_age_hours", "max_failed_rows", "max_failed_share", "pattern", "sql", "count_sql", "metric", "training_loads", "window_loads", "sensitivity", "min_change", "season", "except", "with", "compare", "allow", "warn", "error", "sample_rows", "other"]),
            any_json(), 0..5),
    ) {
        let mut check = serde_json::Map::from_iter(parameters.into_iter().map(|(name, value)| (name.to_owned(), value)));
        check.insert("kind".into(), kind.into());
        let unknown = check.contains_key("other");
        match compile(&contracts(Value::Object(check))) {
            Ok(plan) => {
                prop_assert!(!unknown);
                prop_assert!(!plan.tables[0].checks[0].levels[0].check.expected().is_empty());
            }
            Err(faults) => prop_assert!(faults[0].to_string().starts_with("contract orders, check ")),
        }
    }

    #[test]
    fn accepted_values_never_leave_their_literals(value in "[ab'\\\\\"; ]{0,8}") {
        let sql = sql(json!({"kind": "accepted_values", "column": "state", "values": [value]}));
        // Without its literals, the statement is always the same.
        let mut outside = String::new();
        let mut inside = false;
        for c in sql.chars() {
            match c {
                '\'' => inside = !inside,
                c if !inside => outside.push(c),
                _ => {}
            }
        }
        prop_assert!(!inside);
        prop_assert!(!outside.contains(';') && !outside.contains('\\'), "{}", outside);
    }
}
