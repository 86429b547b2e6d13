//! What others have written, made fit to be shown. Escaping for HTML is maud's.

use chrono::{DateTime, Utc};

/// `text` with at most `max_chars` characters, in which nothing is invisible, breaks the line or turns its direction.
pub fn shown(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    let mut chars = text.chars();
    for character in chars.by_ref().take(max_chars) {
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that change how others are shown, or show nothing themselves.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A moment, in UTC and to the second.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `0.35 s`, `12 s`, `3 min`.
pub fn duration(secs: f64) -> String {
    match secs {
        ..10.0 => format!("{:.2} s", secs.max(0.0)),
        ..120.0 => format!("{secs:.0} s"),
        ..7200.0 => format!("{:.0} min", secs / 60.0),
        _ => format!("{:.1} h", secs / 3600.0),
    }
}

/// A measured number, in as many digits as say something.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (size >= 1.0 && value.fract() == 0.0 && size < 1e15) {
        format!("{value:.0}")
    } else if (0.001..1e6).contains(&size) {
        let digits = format!("{value:.4}");
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_or_turns_around() {
        assert_eq!(shown("a\u{202e}b\n\0c", 10), "a\\u{202e}b\\n\\u{0}c");
        assert_eq!(shown("שלום <b>", 100), "שלום <b>", "another script is no trick, and HTML is escaped elsewhere");
    }

    #[test]
    fn what_is_too_long_is_cut_where_a_character_ends() {
        assert_eq!(shown("🏭🏭🏭", 2), "🏭🏭…");
        assert_eq!(shown("ab", 2), "ab");
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        let shown = [0.0, 2000.0, 0.25, 12.34567, 0.000_012, 3e20, -4.5].map(number);
        assert_eq!(shown, ["0", "2000", "0.25", "12.3457", "1.200e-5", "3.000e20", "-4.5"]);
        assert_eq!([0.351, 12.4, 600.0, 9000.0, -1.0].map(duration), ["0.35 s", "12 s", "10 min", "2.5 h", "0.00 s"]);
    }
}
