//! Why an upload failed, in words that hold nothing secret.
//!
//! What `object_store` says is never shown: it has the URL in it, and on Azure the URL is the credential.

use std::error::Error;

use crate::WarehouseError;

/// Codes of S3 that mean that the credentials are too old, which it answers with 400.
const EXPIRED: [&str; 3] = ["ExpiredToken", "TokenRefreshRequired", "RequestExpired"];

/// Whether other credentials may help.
pub(super) fn is_refusal(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. })
        || code(&error.to_string()).is_some_and(|code| EXPIRED.contains(&code.as_str()))
}

/// What is told about it.
pub(super) fn not_uploaded(name: &str, host: &str, error: &object_store::Error) -> WarehouseError {
    WarehouseError::Unavailable(format!(
        "{name} could not be uploaded to the stage at {host}: {}; see that the proxy (HTTPS_PROXY, NO_PROXY) and the \
        firewall let this machine reach {host}",
        reason(error)
    ))
}

fn reason(error: &object_store::Error) -> String {
    let text = error.to_string();
    let answered = match (status(&text), code(&text)) {
        (Some(status), Some(code)) => Some(format!("it answered {status} ({code})")),
        (Some(status), None) => Some(format!("it answered {status}")),
        (None, Some(code)) => Some(format!("it answered {code}")),
        (None, None) => None,
    };
    if let Some(answered) = answered {
        return answered;
    }
    match error {
        object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. } => {
            "it refused the credentials".into()
        }
        object_store::Error::NotFound { .. } => "it knows no such place".into(),
        _ => transport(error),
    }
}

/// What the network said: the innermost of the errors, unless something in it looks like a part of a URL.
fn transport(error: &object_store::Error) -> String {
    let (mut at, mut innermost): (Option<&dyn Error>, String) = (Some(error), String::new());
    let mut kind = "the request failed";
    while let Some(error) = at {
        if let Some(request) = error.downcast_ref::<reqwest::Error>() {
            kind = match () {
                () if request.is_timeout() => "no answer in time",
                () if request.is_connect() => "no connection",
                () => kind,
            };
        }
        innermost = error.to_string();
        at = error.source();
    }
    let innermost = innermost.lines().next().unwrap_or_default();
    match innermost.is_empty() || innermost.len() > 200 || innermost.contains(['/', '?', '&', '=', '%']) {
        true => kind.into(),
        false => format!("{kind} ({innermost})"),
    }
}

/// The HTTP status that `object_store` quotes, as `403 Forbidden`.
fn status(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("non-2xx status code: ")?;
    let status: String = rest.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == ' ').collect();
    Some(status.trim().to_owned()).filter(|status| !status.is_empty() && status.len() < 50)
}

/// The code in a cloud's answer: `<Code>ExpiredToken</Code>`.
fn code(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() < 60 && code.chars().all(|char| char.is_ascii_alphanumeric())).then(|| code.to_owned())
}
