//! What a receiver can be made to do to its clients.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::store::Store;

/// What a request suffers. It is decided when the request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    Healthy,
    /// It is taken at once and answered only after that long: who gives up before and sends it again sends it twice.
    Slow(Duration),
    /// It is answered with `UNAVAILABLE` (HTTP: 503), and not taken.
    Refusing,
    /// It is never answered, and not taken.
    Hanging,
}

/// Stands before every service, of either protocol.
pub async fn suffer(State(store): State<Arc<Store>>, request: Request, next: Next) -> Response {
    match store.request_came() {
        Fault::Healthy => next.run(request).await,
        Fault::Slow(delay) => {
            let response = next.run(request).await;
            tokio::time::sleep(delay).await;
            response
        }
        Fault::Refusing => refusal(request.headers()),
        Fault::Hanging => std::future::pending().await,
    }
}

fn refusal(headers: &HeaderMap) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    if kind.starts_with(b"application/grpc") {
        // What is refused with gRPC is a good answer to HTTP.
        return tonic::Status::unavailable("refused by the test").into_http();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "refused by the test").into_response()
}
