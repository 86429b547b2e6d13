//! What is answered.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http};
use prometheus::{Encoder, Registry, TEXT_FORMAT, TextEncoder};
use serde::Serialize;

use crate::health::Health;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const PATHS: &str = "there are /metrics, /healthz and /readyz\n";

/// What the answers are made of.
#[derive(Clone)]
struct Asked {
    health: Health,
    registry: Registry,
}

pub(super) fn routes(health: Health, registry: Registry) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(async || {
            answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET is answered here\n".into())
        })
        .fallback(async || answer(StatusCode::NOT_FOUND, TEXT, PATHS.into()))
        .with_state(Asked { health, registry })
}

async fn metrics(State(Asked { registry, .. }): State<Asked>) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&registry.gather(), &mut text) {
        Ok(()) => answer(StatusCode::OK, TEXT_FORMAT, text),
        Err(error) => answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            TEXT,
            format!("the metrics can't be written: {error}; this is a defect of millrace, please report it\n").into(),
        ),
    }
}

async fn healthz(State(Asked { health, .. }): State<Asked>) -> Response {
    json(StatusCode::OK, &health.alive())
}

async fn readyz(State(Asked { health, .. }): State<Asked>) -> Response {
    let parts = health.look().await;
    let is_ready = parts.values().all(|finding| finding.ok);
    json(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &parts)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Texts and numbers: they can always be written.
    answer(status, JSON, serde_json::to_vec(value).unwrap_or_default())
}

/// Connections are not kept: whoever asks comes again in seconds, and one that is forgotten would be in the way.
fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response {
    let headers: [(http::HeaderName, &'static str); 3] =
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store"), (CONNECTION, "close")];
    let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    (status, headers, body).into_response()
}
