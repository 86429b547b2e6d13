//! The values of a row, taken one after the other.

use chrono::{DateTime, NaiveDateTime, Utc};

pub struct Row(std::vec::IntoIter<Option<String>>);

impl Row {
    pub fn new(values: Vec<Option<String>>) -> Self {
        Self(values.into_iter())
    }

    pub fn optional(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    /// NULL is an empty text, as one warehouse has it anyway.
    pub fn text(&mut self) -> String {
        self.optional().unwrap_or_default()
    }

    pub fn number(&mut self) -> u64 {
        // An aggregate may come as a decimal.
        self.text().split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default()
    }

    pub fn value(&mut self) -> Option<f64> {
        self.optional()?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    pub fn flag(&mut self) -> bool {
        self.text().eq_ignore_ascii_case("true")
    }

    /// As both warehouses write it: UTC, with a blank or a `T`, with or without a fraction.
    pub fn time(&mut self) -> Option<DateTime<Utc>> {
        let text = self.optional()?;
        let text = text.trim_end_matches('Z').replacen('T', " ", 1);
        Some(NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_both_warehouses_write_them() {
        let values =
            [Some("7"), Some("7.000"), None, Some("2026-11-23T12:00:00.5Z"), Some("2026-11-23 12:00:00"), None];
        let mut row = Row::new(values.map(|value| value.map(str::to_owned)).to_vec());
        assert_eq!((row.number(), row.number(), row.number()), (7, 7, 0));
        let (one, other) = (row.time(), row.time());
        assert_eq!(one.zip(other).map(|(one, other)| (one - other).num_milliseconds()), Some(500));
        assert_eq!((row.value(), row.text(), row.flag()), (None, String::new(), false));
    }
}
