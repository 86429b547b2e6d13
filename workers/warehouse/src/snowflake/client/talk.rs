//! What a session and its client tell each other beside the crate.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::tokens::Tokens;
use crate::snowflake::answer::Answer;

/// What the service said no to. It reaches the session through the crate, which knows no such errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(in crate::snowflake) struct Refusal {
    /// Snowflake's number for it, or the HTTP status as `HTTP 503`.
    pub(in crate::snowflake) code: String,
    pub(in crate::snowflake) text: String,
}

/// Shared by a session, which does one thing at a time, and the middleware of its client.
#[derive(Debug)]
pub(in crate::snowflake) struct Talk {
    in_transaction: AtomicBool,
    repeatable: AtomicBool,
    max_rows: AtomicUsize,
    statement_limit: Duration,
    answer: Mutex<Option<Answer>>,
    tokens: Mutex<Option<Tokens>>,
}

impl Talk {
    /// Of a session whose statements take `statement_limit` at most.
    pub(in crate::snowflake) fn new(statement_limit: Duration) -> Self {
        Self {
            in_transaction: AtomicBool::new(false),
            repeatable: AtomicBool::new(true),
            max_rows: AtomicUsize::new(usize::MAX),
            statement_limit,
            answer: Mutex::new(None),
            tokens: Mutex::new(None),
        }
    }

    /// Whether a transaction is open: a new login would leave it, and what follows would stand outside of it.
    pub(in crate::snowflake) fn in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::SeqCst)
    }

    pub(in crate::snowflake) fn set_in_transaction(&self, open: bool) {
        self.in_transaction.store(open, Ordering::SeqCst);
    }

    /// Prepares for a statement: whether it may be sent twice, and how many rows are wanted of it.
    pub(in crate::snowflake) fn begin(&self, repeatable: bool, max_rows: usize) {
        self.repeatable.store(repeatable, Ordering::SeqCst);
        self.max_rows.store(max_rows, Ordering::SeqCst);
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was answered to the statement.
    pub(in crate::snowflake) fn take_answer(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn set_answer(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_tokens(&self, tokens: Tokens) {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens);
    }

    pub(in crate::snowflake) fn is_repeatable(&self) -> bool {
        self.repeatable.load(Ordering::SeqCst)
    }

    /// What follows may be sent twice: asking for a result changes nothing, and neither does a login. The answer says whether
    /// that was so before.
    pub(in crate::snowflake) fn only_asks(&self) -> bool {
        self.repeatable.swap(true, Ordering::SeqCst)
    }

    pub(super) fn set_repeatable(&self, repeatable: bool) {
        self.repeatable.store(repeatable, Ordering::SeqCst);
    }

    pub(super) fn max_rows(&self) -> usize {
        self.max_rows.load(Ordering::SeqCst)
    }

    pub(super) fn statement_limit(&self) -> Duration {
        self.statement_limit
    }
}
