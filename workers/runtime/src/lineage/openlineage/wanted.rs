//! Where events go: the settings, and the standard's own variables.

use std::path::PathBuf;

use url::Url;

use crate::settings::LineageSettings;

/// The path behind the receiver's address, where nothing says otherwise.
const ENDPOINT: &str = "api/v1/lineage";
/// The namespace of the jobs, where nothing says otherwise.
const NAMESPACE: &str = "millrace";

/// Where events go. Nothing of it is sent unless there is a receiver or a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) receiver: Option<Receiver>,
    pub(super) file: Option<PathBuf>,
    pub(super) namespace: String,
}

/// Who takes events over HTTP.
#[derive(Clone, PartialEq)]
pub(super) struct Receiver {
    pub(super) url: Url,
    pub(super) key: Option<String>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("url", &self.shown()).finish_non_exhaustive()
    }
}

impl Receiver {
    /// The address, without what logs in.
    pub(super) fn shown(&self) -> String {
        let mut url = self.url.clone();
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.to_string()
    }
}

impl Wanted {
    /// What is set, and what the environment says where nothing is. `variable` gives those that are not empty.
    pub(super) fn of(settings: &LineageSettings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let namespace = settings.namespace.clone().or_else(|| variable("OPENLINEAGE_NAMESPACE"));
        let namespace = namespace.unwrap_or_else(|| NAMESPACE.into());
        if variable("OPENLINEAGE_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self { namespace, ..Self::default() });
        }
        let (name, address) = match (&settings.url, variable("OPENLINEAGE_URL")) {
            (Some(url), _) => ("lineage.url", Some(url.clone())),
            (None, url) => ("OPENLINEAGE_URL", url),
        };
        let receiver = match address {
            None => None,
            Some(address) => {
                let endpoint = variable("OPENLINEAGE_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
                // From a file of a secret it comes with a line break, which no header may have.
                let key = variable("OPENLINEAGE_API_KEY").map(|key| key.trim().to_owned());
                if key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
                    return Err(
                        "OPENLINEAGE_API_KEY is no key: it may hold letters, digits and signs of ASCII alone".into()
                    );
                }
                Some(Receiver { url: url(name, &address, &endpoint)?, key })
            }
        };
        Ok(Self { receiver, file: settings.file.clone(), namespace })
    }
}

/// The receiver's address. What is wrong is told without the address, which may hold a password.
fn url(name: &str, address: &str, endpoint: &str) -> Result<Url, String> {
    let wrong = || format!("{name} is no address: write http://host:port or https://host");
    let mut url = Url::parse(address.trim()).map_err(|_| wrong())?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(wrong());
    }
    let path = format!("{}/{}", url.path().trim_end_matches('/'), endpoint.trim().trim_start_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(settings: LineageSettings, variables: &[(&str, &str)]) -> Result<Wanted, String> {
        Wanted::of(&settings, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn address(settings: LineageSettings, variables: &[(&str, &str)]) -> Option<String> {
        of(settings, variables).unwrap().receiver.map(|receiver| receiver.url.to_string())
    }

    #[test]
    fn nothing_is_sent_unless_somebody_asks() {
        let nothing = Wanted { namespace: "millrace".into(), ..Wanted::default() };
        assert_eq!(of(LineageSettings::default(), &[]), Ok(nothing.clone()));
        let disabled = [("OPENLINEAGE_URL", "http://a"), ("OPENLINEAGE_DISABLED", "True")];
        let with_file = LineageSettings { file: Some("x".into()), ..LineageSettings::default() };
        assert_eq!(of(with_file, &disabled), Ok(nothing));
    }

    #[test]
    fn settings_go_before_variables() {
        let none = LineageSettings::default;
        let url = [("OPENLINEAGE_URL", "http://marquez:5000")];
        assert_eq!(address(none(), &url).unwrap(), "http://marquez:5000/api/v1/lineage");
        let more = [url[0], ("OPENLINEAGE_ENDPOINT", "/ingest")];
        assert_eq!(address(none(), &more).unwrap(), "http://marquez:5000/ingest");
        let set = LineageSettings { url: Some("https://b/below/".into()), namespace: Some("plant".into()), file: None };
        assert_eq!(address(set.clone(), &url).unwrap(), "https://b/below/api/v1/lineage");
        let variables = [("OPENLINEAGE_NAMESPACE", "other")];
        assert_eq!(of(set, &variables).unwrap().namespace, "plant");
        assert_eq!(of(none(), &variables).unwrap().namespace, "other");
    }

    #[test]
    fn a_key_from_a_file_comes_without_its_line_break() {
        let variables = [("OPENLINEAGE_URL", "http://a"), ("OPENLINEAGE_API_KEY", " hush\r\n")];
        let receiver = of(LineageSettings::default(), &variables).unwrap().receiver.unwrap();
        assert_eq!(receiver.key.as_deref(), Some("hush"));
        // No request could be made with these, and it would look like a receiver that is away.
        for key in ["hu\nsh", "hu sh", "h\u{fc}sh"] {
            let fault = of(LineageSettings::default(), &[variables[0], ("OPENLINEAGE_API_KEY", key)]).unwrap_err();
            assert!(fault.contains("OPENLINEAGE_API_KEY") && !fault.contains(key), "{fault}");
        }
    }

    #[test]
    fn secrets_are_neither_shown_nor_told() {
        let variables = [("OPENLINEAGE_URL", "http://user:hush@a:1?k=hush"), ("OPENLINEAGE_API_KEY", "hush\n")];
        let wanted = of(LineageSettings::default(), &variables).unwrap();
        assert_eq!(wanted.receiver.clone().unwrap().shown(), "http://a:1/api/v1/lineage");
        assert!(!format!("{wanted:?}").contains("hush"));
        for address in ["ftp://user:hush@a", "user:hush@a", "hush"] {
            let fault = of(LineageSettings::default(), &[("OPENLINEAGE_URL", address)]).unwrap_err();
            assert!(fault.contains("OPENLINEAGE_URL") && !fault.contains("hush"), "{fault}");
        }
    }
}
