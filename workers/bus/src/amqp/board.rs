//! What is known to be wrong with a connection, for whoever waits for it and for whoever asks how the bus is.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;

use crate::Trouble;

/// Written by whoever sees to the connection.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Mutex<Option<Trouble>>>);

impl Board {
    pub(super) fn read(&self) -> Option<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what is wrong now, `None` if nothing is, and answers what was. A trouble that changes its face began with the
    /// first one.
    pub(super) fn write(&self, text: Option<String>) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.take();
        let since = before.as_ref().map_or_else(Utc::now, |trouble| trouble.since);
        *known = text.map(|text| Trouble { text, since });
        before.map(|trouble| trouble.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_as_old_as_its_first_face() {
        let board = Board::default();
        assert_eq!(board.write(Some("lost".into())), None);
        let since = board.read().map(|trouble| trouble.since);
        assert_eq!(board.write(Some("refused".into())), Some("lost".into()));
        assert_eq!(board.read().map(|trouble| (trouble.text, trouble.since)), since.map(|at| ("refused".into(), at)));
        board.write(None);
        assert!(board.read().is_none());
    }
}
