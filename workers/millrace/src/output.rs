//! What people and programs see: tables and colours on a terminal, plain text elsewhere, JSON when asked for.

use std::io::IsTerminal;

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{ContentArrangement, Table};
use messages::Failure;
use owo_colors::OwoColorize;
use serde::Serialize;

/// Where results go.
#[derive(Clone, Debug)]
pub struct Output {
    json: bool,
    terminal: bool,
}

impl Output {
    /// Results to standard output, as JSON if `json`.
    pub fn new(json: bool) -> Self {
        Self { json, terminal: std::io::stdout().is_terminal() }
    }

    /// Whether a person looks on.
    pub fn is_terminal(&self) -> bool {
        self.terminal && !self.json
    }

    /// Prints a result: as JSON if asked for, otherwise as `show` does it.
    pub fn value<T: Serialize>(&self, value: &T, show: impl FnOnce(&T)) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::permanent(format!("the result can't be written as JSON: {error}")))?;
            anstream::println!("{text}");
        } else {
            show(value);
        }
        Ok(())
    }

    /// A line for people. Nothing with `--json`.
    pub fn note(&self, text: &str) {
        if !self.json {
            anstream::println!("{text}");
        }
    }

    /// One JSON object on a line of its own, with `--json`.
    pub fn json_line<T: Serialize>(&self, value: &T) {
        if let (true, Ok(text)) = (self.json, serde_json::to_string(value)) {
            anstream::println!("{text}");
        }
    }

    /// A table, as wide as the terminal; elsewhere every cell stays whole, on one line.
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        if self.terminal {
            table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        }
        table.set_header(header);
        table.add_rows(rows);
        for line in table.lines() {
            anstream::println!("{}", line.trim_end());
        }
    }
}

/// Text that says all is well.
pub fn good(text: &str) -> String {
    text.green().to_string()
}

/// Text to look at.
pub fn warn(text: &str) -> String {
    text.yellow().to_string()
}

/// Text that says something failed.
pub fn bad(text: &str) -> String {
    text.red().bold().to_string()
}

/// Text of less weight.
pub fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

/// A status or verdict in its colour.
pub fn status(word: &str) -> String {
    match word {
        "SUCCESS" | "PASSED" | "PASS" | "LOADED" | "ok" => good(word),
        "WARNED" | "WARN" | "CANCELLED" | "CANCEL_REQUESTED" | "QUARANTINED" | "DISCARDED" | "PLANNED" | "RUNNING"
        | "warning" => warn(word),
        _ => bad(word),
    }
}

/// A whole number with its thousands set apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 load`, `2 loads`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// How old something is, as people say it: `12 s`, `3 min`, `2 h`, `5 d`.
pub fn age(secs: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const TWO_DAYS: u64 = 2 * DAY;
    match secs {
        ..MINUTE => format!("{secs} s"),
        MINUTE..HOUR => format!("{} min", secs / MINUTE),
        // Two days and less are still clearer in hours.
        HOUR..=TWO_DAYS => format!("{} h", secs / HOUR),
        _ => format!("{} d", secs / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_age_as_people_do() {
        let told = [0, 59, 60, 3_599, 3_600, 172_800, 172_801].map(age);
        assert_eq!(told, ["0 s", "59 s", "1 min", "59 min", "1 h", "48 h", "2 d"]);
    }

    #[test]
    fn sets_thousands_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (2_000_000, "2,000,000")] {
            assert_eq!(thousands(number), text);
        }
    }
}
