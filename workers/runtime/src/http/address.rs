//! Where to listen.

use std::io::{Error, ErrorKind};
use std::net::Ipv4Addr;

use messages::Failure;
use tokio::net::TcpListener;

use crate::settings::HttpSettings;

/// What the settings want.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listen {
    Off,
    /// This address and no other: somebody was told to ask there.
    At(String),
    /// This port of this machine, or any other if it is taken.
    Usual(u16),
}

impl Listen {
    pub(super) fn of(settings: &HttpSettings, role: &str) -> Result<Self, Failure> {
        let Some(listen) = settings.listen.as_deref().map(str::trim) else { return Ok(Self::Usual(usual_port(role))) };
        if listen.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        match listen.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && is_port(port) => Ok(Self::At(listen.into())),
            _ => Err(Failure::fatal(format!(
                "http.listen is {listen:?}: write an address and a port, such as 0.0.0.0:9464 or 127.0.0.1:0 (a free one), or off"
            ))),
        }
    }

    /// Takes the port; `None` if there is to be none.
    pub(super) async fn bind(&self) -> Result<Option<TcpListener>, Failure> {
        match self {
            Self::Off => Ok(None),
            Self::At(address) => match TcpListener::bind(address).await {
                Ok(listener) => Ok(Some(listener)),
                Err(error) => Err(Failure::fatal(format!(
                    "http.listen is {address}, which can't be had ({error}): {}",
                    cure(&error)
                ))),
            },
            Self::Usual(port) => Ok(usual(*port).await),
        }
    }
}

/// Nobody asked for this port, so its lack stops nobody: a second worker on one machine is not refused.
async fn usual(port: u16) -> Option<TcpListener> {
    let bound = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            tracing::info!(port, "the usual port is taken, so a free one is used; http.listen sets one");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        bound => bound,
    };
    match bound {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(port, %error, "no port can be had, so metrics and health can't be asked; http.listen sets one");
            None
        }
    }
}

/// The port that a role listens at where the settings name none.
pub fn usual_port(role: &str) -> u16 {
    match role {
        "watch" => 9461,
        "ingest" => 9462,
        "transform" => 9463,
        "dq" => 9464,
        _ => 9460,
    }
}

fn cure(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "end what has the port, or set another one (port 0 takes a free one), or off",
        ErrorKind::PermissionDenied => "ports below 1024 need rights; set another one, or off",
        _ => "set an address of this machine, such as 127.0.0.1:9464 or 0.0.0.0:9464, or off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listen: Option<&str>) -> Result<Listen, Failure> {
        Listen::of(&HttpSettings { listen: listen.map(str::to_owned) }, "ingest")
    }

    #[test]
    fn an_address_is_taken_as_it_is_and_nothing_is_the_roles_own() {
        assert_eq!(of(None), Ok(Listen::Usual(9462)));
        assert_eq!(of(Some("OFF")), Ok(Listen::Off));
        for address in ["0.0.0.0:9464", "[::1]:0", "localhost:80"] {
            assert_eq!(of(Some(address)), Ok(Listen::At(address.into())));
        }
        for wrong in ["9464", ":9464", "localhost", "a:port", "on"] {
            assert!(of(Some(wrong)).is_err_and(|failure| failure.message.contains("0.0.0.0:9464")), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_fatal_only_if_somebody_named_it() {
        let taken = Listen::Usual(0).bind().await.ok().flatten();
        let port = taken.as_ref().and_then(|taken| taken.local_addr().ok()).map_or(0, |address| address.port());
        let named = Listen::At(format!("127.0.0.1:{port}")).bind().await;
        assert!(named.is_err_and(|failure| failure.message.contains("set another one")));
        let other = Listen::Usual(port).bind().await.ok().flatten().and_then(|other| other.local_addr().ok());
        assert!(other.is_some_and(|other| other.ip().is_loopback() && other.port() != port));
    }
}
