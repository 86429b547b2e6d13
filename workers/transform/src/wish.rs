//! What messages ask to be built.

use std::collections::BTreeSet;

use messages::{Failure, Message};

/// What a message asks to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Sources by the names of their contracts; none means everything.
    pub(crate) sources: Vec<String>,
    pub(crate) full_refresh: bool,
}

/// What the message asks for.
pub(crate) fn wish_of(message: &Message) -> Result<Wish, Failure> {
    match message {
        Message::IngestCompleted(event) => {
            let sources: BTreeSet<String> = event.tables.iter().map(|table| table.source.clone()).collect();
            Ok(Wish { sources: sources.into_iter().collect(), full_refresh: false })
        }
        Message::TransformRequested(command) => {
            Ok(Wish { sources: command.sources.clone(), full_refresh: command.full_refresh })
        }
        other => Err(misrouted(other)),
    }
}

/// One wish for all: whoever wants everything wants it for all.
pub(crate) fn together<'a>(wishes: impl Iterator<Item = &'a Wish>, full_refresh: bool) -> Wish {
    let mut sources = BTreeSet::new();
    for wish in wishes {
        if wish.sources.is_empty() {
            return Wish { sources: Vec::new(), full_refresh };
        }
        sources.extend(wish.sources.iter().cloned());
    }
    Wish { sources: sources.into_iter().collect(), full_refresh }
}

/// A message that this stage does not take.
pub(crate) fn misrouted(message: &Message) -> Failure {
    Failure::permanent(format!(
        "{} is not for the transform stage: bind its queue as deploy/ describes",
        message.type_name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(sources: &[&str]) -> Wish {
        Wish { sources: sources.iter().map(|&name| name.into()).collect(), full_refresh: false }
    }

    #[test]
    fn wishes_that_wait_together_become_one() {
        let (one, other) = (wish(&["materials"]), wish(&["batches", "materials"]));
        assert_eq!(together([&one, &other].into_iter(), false), wish(&["batches", "materials"]));
    }

    #[test]
    fn a_wish_for_everything_covers_all_others() {
        let (one, all) = (wish(&["materials"]), wish(&[]));
        assert_eq!(together([&one, &all].into_iter(), false), wish(&[]));
    }
}
