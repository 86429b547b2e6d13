//! `millrace health`: asks a running process how it is, for what starts processes and knows no HTTP (Docker Compose).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use messages::Failure;
use runtime::Settings;
use runtime::http::usual_port;
use serde_json::Value;
use ureq::Agent;

use crate::End;
use crate::cli::Health;
use crate::output::{self, Output};

/// An answer takes less than a second, and a machine that is very busy some more.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks, and says what was answered.
pub async fn health(settings: Settings, options: Health, output: &Output) -> Result<End, Failure> {
    let address = match options.address {
        Some(address) => address,
        None => address(settings.http.listen.as_deref())?,
    };
    let url = format!("http://{address}/{}", if options.ready { "readyz" } else { "healthz" });
    let (good, answer) = match tokio::task::spawn_blocking(move || ask(&url)).await {
        Ok(answered) => answered?,
        Err(error) => return Err(Failure::transient(format!("asking broke off: {error}"))),
    };
    output.value(&answer, |answer| show(answer, good, output))?;
    Ok(if good { End::Good } else { End::Bad })
}

/// Where a process of these settings can be asked from this machine.
fn address(listen: Option<&str>) -> Result<String, Failure> {
    let Some(listen) = listen else { return Ok(format!("127.0.0.1:{}", usual_port("up"))) };
    let unknown = |why: &str| Err(Failure::fatal(format!("http.listen is {listen:?}, {why}: name it with --address")));
    if listen.eq_ignore_ascii_case("off") {
        return unknown("so no process can be asked");
    }
    match listen.parse::<SocketAddr>() {
        Ok(at) if at.port() == 0 => unknown("so the port is not known here"),
        // Whoever listens everywhere listens here too.
        Ok(at) if at.ip() == Ipv4Addr::UNSPECIFIED => Ok(format!("127.0.0.1:{}", at.port())),
        Ok(at) if at.ip() == Ipv6Addr::UNSPECIFIED => Ok(format!("[::1]:{}", at.port())),
        _ => Ok(listen.into()),
    }
}

fn ask(url: &str) -> Result<(bool, Value), Failure> {
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
    let silent = |error: ureq::Error| {
        Failure::transient(format!("{url} gives no answer ({error}): see that it runs, and http.listen or --address"))
    };
    let mut answer = Agent::from(config).get(url).call().map_err(silent)?;
    let good = answer.status().is_success();
    let body = answer.body_mut().read_json().map_err(|_| {
        Failure::transient(format!("{url} is answered by something else than millrace: name another --address"))
    })?;
    Ok((good, body))
}

fn show(answer: &Value, good: bool, output: &Output) {
    let parts: Vec<_> = answer.as_object().into_iter().flatten().filter(|(_, part)| part["ok"].is_boolean()).collect();
    for (name, part) in &parts {
        let mark = if part["ok"] == true { output::good("ok     ") } else { output::bad("wrong  ") };
        output.note(&format!("{mark} {name:<11} {}", part["text"].as_str().unwrap_or_default()));
    }
    if parts.is_empty() {
        let role = answer["role"].as_str().unwrap_or_default();
        output.note(&if good { format!("{} {role}", output::good("runs")) } else { output::bad("does not run") });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        let at = |listen| address(listen).map_err(|failure| failure.message);
        assert_eq!(at(None), Ok("127.0.0.1:9460".into()));
        assert_eq!(at(Some("0.0.0.0:9464")), Ok("127.0.0.1:9464".into()));
        assert_eq!(at(Some("[::]:9464")), Ok("[::1]:9464".into()));
        assert_eq!(at(Some("10.0.0.7:80")), Ok("10.0.0.7:80".into()));
        for unknown in ["off", "127.0.0.1:0"] {
            assert!(at(Some(unknown)).is_err_and(|text| text.contains("--address")));
        }
    }
}
