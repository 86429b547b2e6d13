//! The HTTP client that `snowflake-api` is given: what the crate lacks is done on the way.
//!
//! From the outside in: [`login`] (no login in a transaction; session parameters), [`answers`] (long statements, whole
//! answers), [`tokens`] (renewed when the service has ended them), [`address`] (where the service is), retries ([`retry`]).

mod address;
mod answers;
mod login;
mod retry;
mod talk;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

pub(super) use talk::{Refusal, Talk};

use super::SnowflakeSettings;
use crate::WarehouseError;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// The longest silence. The service answers a statement that takes longer than 45 s with where to ask for its result.
const SILENCE: Duration = Duration::from_secs(90);

/// Connections to the service, shared by all sessions.
pub(super) fn connections() -> Result<reqwest::Client, WarehouseError> {
    reqwest::Client::builder()
        .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .gzip(true)
        .referer(false)
        .build()
        .map_err(|why| WarehouseError::Configuration(format!("the client for Snowflake can't be made: {why}")))
}

/// The client of one session, which `talk` belongs to.
pub(super) fn client(
    connections: &reqwest::Client,
    settings: &SnowflakeSettings,
    talk: &Arc<Talk>,
) -> Result<ClientWithMiddleware, WarehouseError> {
    Ok(ClientBuilder::new(connections.clone())
        .with(login::Login::new(Arc::clone(talk)))
        .with(answers::Answers::new(Arc::clone(talk)))
        .with(tokens::Keeper::new(Arc::clone(talk)))
        .with(address::Address::new(&settings.address())?)
        .with(retry::retries(Arc::clone(talk)))
        .build())
}

/// An answer of ours, in the place of the service's.
fn told(body: &serde_json::Value) -> reqwest::Response {
    reqwest::Response::from(http::Response::new(reqwest::Body::from(body.to_string())))
}
