//! How an emulator is broken.

use serde_json::{Value, json};

/// Where a fault strikes.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A login.
    Login,
    /// A statement.
    Query,
    /// A question for the result of a statement that takes longer.
    Poll,
    /// The renewal of a token.
    Token,
    /// The end of a session.
    Close,
    /// An upload to a stage.
    Upload,
    /// A part of a large result.
    Chunk,
}

/// A fault, which strikes what matches it once, or [`EmulatorFault::times`].
#[derive(Debug, Clone)]
pub struct EmulatorFault(Value);

impl EmulatorFault {
    fn new(place: Place, what: &str) -> Self {
        let at = match place {
            Place::Login => "login",
            Place::Query => "query",
            Place::Poll => "poll",
            Place::Token => "token",
            Place::Close => "close",
            Place::Upload => "upload",
            Place::Chunk => "chunk",
        };
        Self(json!({"at": at, "do": what}))
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// An HTTP status such as 503, 429 or 403, and nothing done.
    pub fn status(place: Place, status: u16) -> Self {
        Self::new(place, "status").with("status", status)
    }

    /// The connection ends before anything is done.
    pub fn dropped(place: Place) -> Self {
        Self::new(place, "drop")
    }

    /// All is done, and the connection ends without an answer. Whoever repeats the request with its `requestId` gets the
    /// answer of what was done, as of the service.
    pub fn dropped_after(place: Place) -> Self {
        Self::new(place, "drop_after")
    }

    /// The service's error with this code, and nothing done.
    pub fn error(place: Place, code: &str, message: &str) -> Self {
        Self::new(place, "error").with("code", code).with("message", message)
    }

    /// Code 390112: the session's token is worth nothing any more, the session and its transaction stay.
    pub fn expired(place: Place) -> Self {
        Self::new(place, "expired")
    }

    /// Code 390111: the session is gone, and its transaction rolled back.
    pub fn gone(place: Place) -> Self {
        Self::new(place, "gone")
    }

    /// A statement is executed, but said to run still, and so are the next `polls` questions for its result.
    pub fn long(polls: u32) -> Self {
        Self::new(Place::Query, "long").with("polls", polls)
    }

    /// All is done, but so many milliseconds later.
    pub fn delay(place: Place, millis: u64) -> Self {
        Self::new(place, "delay").with("millis", millis)
    }

    /// Strikes only where the statement's text (of an upload the key, of a chunk the path) contains this.
    pub fn containing(self, text: &str) -> Self {
        self.with("contains", text)
    }

    /// Lets so many pass that match.
    pub fn skip(self, matches: u32) -> Self {
        self.with("skip", matches)
    }

    /// Strikes so often.
    pub fn times(self, times: u32) -> Self {
        self.with("times", times)
    }

    pub(super) fn json(&self) -> &Value {
        &self.0
    }
}
