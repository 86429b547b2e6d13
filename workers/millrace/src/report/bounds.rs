//! How much of everything is shown, so that the file stays below two megabytes whatever the audit holds. The page says
//! where there is more.

/// Lines of the audit of loads that are read: a run of many files is many.
pub const LINES: usize = 20_000;
/// Loads in the table.
pub const RUNS: usize = 200;
/// Loads in a source's chart.
pub const BARS: usize = 60;
/// Checks in the table, those that did not pass first.
pub const CHECKS: usize = 120;
/// Results of a check in its history.
pub const RESULTS: usize = 30;
/// Groups of rejected rows, and rejected rows shown of all.
pub const REJECT_GROUPS: usize = 50;
/// Rejected rows that are shown.
pub const REJECTS: usize = 20;
/// Held loads, changes of shape, dead letters, things that need somebody.
pub const LISTED: usize = 50;
/// Dead letters that are asked for.
pub const DEAD_LETTERS: usize = 500;
/// Tables and models in the graph.
pub const NODES: usize = 120;
/// Characters of an error, of a LOAD_ID or name, of a rejected row.
pub const ERROR_CHARS: usize = 300;
/// Characters of a name.
pub const NAME_CHARS: usize = 120;
/// Characters of a rejected row.
pub const RAW_CHARS: usize = 200;
