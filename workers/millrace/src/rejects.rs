//! `millrace rejects`: the rows of a load that were set aside, for whoever mends them.

use std::time::Duration;

use messages::Failure;
use runtime::Settings;
use warehouse::{Ledger, RejectedLine};

use crate::End;
use crate::cli::Rejects;
use crate::output::{self, Output, counted};
use crate::platform;

/// Shows them, each with its file, line, reason and text.
pub async fn rejects(settings: Settings, options: &Rejects, output: &Output) -> Result<End, Failure> {
    let ledger = Ledger::new(platform::open_to_look(&settings).await?);
    let found = read(&ledger, options).await;
    let _ = tokio::time::timeout(Duration::from_secs(5), ledger.warehouse().close()).await;
    let (mut rows, is_known) = found?;
    if !is_known {
        return Err(Failure::permanent(format!(
            "no load is known as {}: `millrace loads` lists the newest",
            options.load_id
        )));
    }
    let more = rows.len() > options.limit;
    rows.truncate(options.limit);
    if options.csv {
        write_csv(&rows)?;
    } else {
        output.value(&rows, |rows| show(rows, more, output))?;
    }
    Ok(End::Good)
}

async fn read(ledger: &Ledger, options: &Rejects) -> Result<(Vec<RejectedLine>, bool), Failure> {
    let rows = ledger.rejected(&options.load_id, options.limit.saturating_add(1)).await?;
    let is_known = !rows.is_empty() || !ledger.load_lines(&options.load_id).await?.is_empty();
    Ok((rows, is_known))
}

fn show(rows: &[RejectedLine], more: bool, output: &Output) {
    if rows.is_empty() {
        return output.note("no row of it was set aside");
    }
    let cells = |row: &RejectedLine| {
        let goes_on = if row.truncated { " …" } else { "" };
        vec![row.uri.clone(), row.line.to_string(), row.reason.clone(), format!("{}{goes_on}", on_one_line(&row.raw))]
    };
    output.table(&["file", "line", "reason", "text"], rows.iter().map(cells).collect());
    if more {
        let shown = counted(rows.len(), "row");
        output.note(&output::faint(&format!("only the first {shown}: there are more, see --limit")));
    }
}

/// The text of a row on one line, without what a terminal would obey.
fn on_one_line(raw: &str) -> String {
    let shown = |character: char| match character {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        other if other.is_control() => other.escape_unicode().to_string(),
        other => other.to_string(),
    };
    raw.chars().map(shown).collect()
}

/// As CSV, with the texts as they are.
fn write_csv(rows: &[RejectedLine]) -> Result<(), Failure> {
    let fault = |error: &dyn std::fmt::Display| Failure::permanent(format!("the rows can't be written: {error}"));
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    writer.write_record(["file", "line", "reason", "truncated", "text"]).map_err(|error| fault(&error))?;
    for row in rows {
        let (line, truncated) = (row.line.to_string(), row.truncated.to_string());
        let record = [row.uri.as_str(), line.as_str(), row.reason.as_str(), truncated.as_str(), row.raw.as_str()];
        writer.write_record(record).map_err(|error| fault(&error))?;
    }
    writer.flush().map_err(|error| fault(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_no_row() {
        assert_eq!(on_one_line("a\tb\r\n\u{1b}[2Jé\\"), "a\\tb\\r\\n\\u{1b}[2Jé\\");
    }
}
