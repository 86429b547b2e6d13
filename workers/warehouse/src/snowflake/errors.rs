//! What Snowflake's errors mean. The one place that knows its numbers.

use messages::FailureClass;
use reqwest_middleware::Error as Middleware;
use snowflake_api::SnowflakeApiError;
use snowflake_api::connection::ConnectionError;

use super::client::Refusal;
use crate::WarehouseError;

/// Our own number: the session ended in the middle of a transaction.
pub(super) const LEFT_TRANSACTION: &str = "transaction";

/// Our own number: what came in the place of an answer is not the service's.
pub(super) const NO_ANSWER: &str = "no answer";

/// The kinds that need different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The session has ended, or its token: a new one will do.
    Session,
    /// It could not be reached, or was busy. Whether it did what it was asked to is not known.
    Away,
    /// Another transaction holds the lock.
    Locked,
    /// User, role, warehouse or database: for a person to mend.
    Setup,
    /// The statement.
    Statement,
}

/// A statement or login that went wrong.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) trouble: Trouble,
    /// Snowflake's number, `HTTP 503`, or empty.
    code: String,
    text: String,
}

impl Fault {
    /// A fault of ours, or one without a number.
    pub(super) fn new(trouble: Trouble, text: impl Into<String>) -> Self {
        Self { trouble, code: String::new(), text: text.into() }
    }

    fn told(code: &str, text: &str) -> Self {
        Self { trouble: trouble(code), code: code.into(), text: text.split_whitespace().collect::<Vec<_>>().join(" ") }
    }

    /// The same of a statement that was begun before: a session that has ended does not mean that nothing was done.
    pub(super) fn of_something_begun(self) -> Self {
        let trouble = if self.trouble == Trouble::Session { Trouble::Away } else { self.trouble };
        Self { trouble, ..self }
    }

    /// Whether a new session may do better.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.trouble, Trouble::Session | Trouble::Away | Trouble::Locked)
    }
}

/// What may be done about an error that Snowflake numbers so (`000625`, `390100`): for whoever hears of it in another way, as
/// from dbt.
pub fn class_of(number: &str) -> FailureClass {
    WarehouseError::from(Fault::told(number, "")).class()
}

/// The kind of the trouble that Snowflake numbers so.
fn trouble(code: &str) -> Trouble {
    match code {
        // https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting: 390144, 394304 and their like.
        "390100" | "390101" | "390102" | "390106" | "390120" | "390132" | "390144" | "390186" | "390189" | "390190"
        | "390191" | "390192" | "390193" | "390195" | "390201" | "390420" | "390422" | "390432" | "394400"
        | "394507" => Trouble::Setup,
        code if code.starts_with("3943") => Trouble::Setup,
        // The account's trial is over.
        "000666" => Trouble::Setup,
        // Session and tokens that are over or not known.
        "390103" | "390104" | "390105" | "390108" | "390110" | "390111" | "390112" | "390113" | "390114" | "390115" => {
            Trouble::Session
        }
        // Lock timeout, deadlock, a transaction that was ended for others.
        "000625" | "000628" | "000632" | "000635" => Trouble::Locked,
        LEFT_TRANSACTION => Trouble::Session,
        // Cancelled, timed out, failed within; the warehouse is suspended and does not resume by itself, or its quota is used up; the service is busy.
        "000603" | "000604" | "000606" | "000612" | "000630" | "000639" | "090073" | "390098" | "390099"
        | "statement limit" | NO_ANSWER => Trouble::Away,
        // Once we are let in, whatever answers so is a proxy or the cloud's storage. Of a login it is otherwise: `of_login`.
        code if code.starts_with("HTTP ") => Trouble::Away,
        _ => Trouble::Statement,
    }
}

impl From<SnowflakeApiError> for Fault {
    fn from(error: SnowflakeApiError) -> Self {
        use snowflake_api::SnowflakeApiError as Api;
        match error {
            Api::ApiError(code, text) => Self::told(&code, &text),
            Api::AuthError(error) => of_login(error),
            Api::RequestError(error) => of_connection(error),
            other => Self::new(Trouble::Statement, format!("the answer can't be understood: {other}")),
        }
    }
}

/// The crate's `AuthError` can't be named from outside; what it holds can be asked for.
fn of_login(error: impl std::error::Error + 'static) -> Fault {
    let text = error.to_string();
    // `Failed to authenticate. Error code: 390100. Message: …`
    if let Some((_, rest)) = text.split_once("Error code: ")
        && let Some((code, message)) = rest.split_once(". Message: ")
    {
        return refused_login(Fault::told(code, message));
    }
    match within(&error) {
        Some(refusal) => refused_login(Fault::told(&refusal.code, &refusal.text)),
        None if is_of_network(&error) => Fault::new(Trouble::Away, plain(&error)),
        None if text.contains("JWT") || text.contains("key") => {
            Fault::new(Trouble::Setup, format!("the private key can't be used: {text}"))
        }
        None => Fault::new(Trouble::Away, plain(&error)),
    }
}

/// Whatever else a login is refused for, a person must look: an account that is not there is answered with 403 or 404.
fn refused_login(fault: Fault) -> Fault {
    let refused = fault.trouble == Trouble::Statement
        || (fault.code.starts_with("HTTP 4") && !["HTTP 408", "HTTP 429"].contains(&fault.code.as_str()));
    if refused { Fault { trouble: Trouble::Setup, ..fault } } else { fault }
}

/// Such an error tells addresses, in which any word may stand.
fn is_of_network(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<ConnectionError>() || error.is::<Middleware>() || error.is::<reqwest::Error>())
        || error.to_string().contains(" for url (")
}

fn of_connection(error: ConnectionError) -> Fault {
    match error {
        ConnectionError::RequestMiddlewareError(Middleware::Middleware(error)) => match error.downcast_ref::<Refusal>()
        {
            Some(refusal) => Fault::told(&refusal.code, &refusal.text),
            None => match error.downcast_ref::<reqwest_retry::RetryError>() {
                Some(error) => Fault::new(Trouble::Away, plain(error)),
                None => Fault::new(Trouble::Away, without_address(&error.to_string())),
            },
        },
        other => Fault::new(Trouble::Away, plain(&other)),
    }
}

/// A refusal of ours, however deep it lies.
fn within<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refusal> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| {
        error.downcast_ref::<Refusal>().or_else(|| match error.downcast_ref::<Middleware>() {
            Some(Middleware::Middleware(inner)) => inner.downcast_ref::<Refusal>(),
            _ => None,
        })
    })
}

/// An error with its causes and without its address, which holds ids and may hold tokens.
fn plain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |error| error.source()) {
        let text = without_address(&error.to_string());
        if told.last() != Some(&text) {
            told.push(text);
        }
    }
    told.join(": ")
}

fn without_address(text: &str) -> String {
    match text.split_once(" for url (") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => text.into(),
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code.as_str() {
            "" | LEFT_TRANSACTION | NO_ANSWER => formatter.write_str(&self.text),
            code => write!(formatter, "{} ({code})", self.text.trim_end_matches('.')),
        }
    }
}

impl From<Fault> for WarehouseError {
    fn from(fault: Fault) -> Self {
        match fault.trouble {
            Trouble::Session => Self::Unavailable(format!("the session at Snowflake ended: {fault}; it is begun anew")),
            Trouble::Away => Self::Unavailable(format!(
                "Snowflake can't be used now: {fault}; check the network, the proxy and SNOWFLAKE_HOST if it lasts"
            )),
            Trouble::Locked => Self::Held(format!("another transaction at Snowflake has the lock: {fault}")),
            Trouble::Setup => Self::Configuration(format!(
                "Snowflake does not let us in: {fault}; see SNOWFLAKE_ACCOUNT, _USER, _PASSWORD or _PRIVATE_KEY_PATH, _ROLE, \
                _WAREHOUSE and _DATABASE, and what `millrace setup snowflake --print` makes"
            )),
            Trouble::Statement if fault.code == "002003" && fault.text.contains("_AUDIT") => Self::Statement(format!(
                "nothing was loaded yet into this database, or the role may not see it: millrace makes its tables at its first \
                start ({fault})"
            )),
            Trouble::Statement if fault.code == "003001" => Self::Statement(format!(
                "Snowflake refuses the role: {fault}; grant what `millrace setup snowflake --print` grants"
            )),
            Trouble::Statement => Self::Statement(format!("Snowflake: {fault}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str) -> FailureClass {
        WarehouseError::from(Fault::told(code, "words")).class()
    }

    #[test]
    fn numbers_have_their_classes() {
        assert_eq!(class("390100"), FailureClass::Fatal);
        assert_eq!(class("390112"), FailureClass::Transient);
        assert_eq!(class("000625"), FailureClass::Transient);
        assert_eq!(class("HTTP 503"), FailureClass::Transient);
        assert_eq!(class("HTTP 403"), FailureClass::Transient);
        for (code, class) in [("HTTP 403", FailureClass::Fatal), ("HTTP 503", FailureClass::Transient)] {
            assert_eq!(WarehouseError::from(refused_login(Fault::told(code, "words"))).class(), class);
        }
        assert_eq!(class("001003"), FailureClass::Permanent);
    }

    #[test]
    fn addresses_are_left_out() {
        let text = "error sending request for url (https://a/?token=hush): connection refused";
        assert_eq!(without_address(text), "error sending request: connection refused");
    }
}
