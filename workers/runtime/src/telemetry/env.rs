//! What the standard variables ask for. Those that the SDK reads by itself (sampling, batching, limits, resource, headers,
//! time-outs) are not here.

/// How a signal is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otlp {
    Grpc,
    HttpProtobuf,
}

/// What is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Nothing at all, not even measuring.
    pub(super) disabled: bool,
    pub(super) traces: Option<Otlp>,
    pub(super) metrics: Option<Otlp>,
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Wanted {
    /// Reads the environment. Without an endpoint, and without an exporter that is named, nothing is exported: a laptop has
    /// no collector, and the standard's default would look for one for ever.
    pub(super) fn read() -> Result<Self, String> {
        Self::of(&|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn of(get: Lookup<'_>) -> Result<Self, String> {
        if get("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self { disabled: true, ..Self::default() });
        }
        Ok(Self { disabled: false, traces: signal("TRACES", get)?, metrics: signal("METRICS", get)? })
    }
}

fn signal(name: &str, get: Lookup<'_>) -> Result<Option<Otlp>, String> {
    let own = |what: &str| get(&format!("OTEL_EXPORTER_OTLP_{name}_{what}"));
    let general = |what: &str| get(&format!("OTEL_EXPORTER_OTLP_{what}"));
    let endpoint = own("ENDPOINT").or_else(|| general("ENDPOINT"));
    let variable = format!("OTEL_{name}_EXPORTER");
    let wanted = match get(&variable) {
        None => endpoint.is_some(),
        Some(exporters) => {
            let mut wanted = false;
            for exporter in exporters.split(',').map(str::trim) {
                match exporter {
                    "otlp" => wanted = true,
                    // Metrics are always there to be scraped.
                    "none" | "prometheus" => {}
                    other => return Err(format!("{variable} is {other:?}: use otlp or none")),
                }
            }
            wanted
        }
    };
    let protocol = match own("PROTOCOL").or_else(|| general("PROTOCOL")).as_deref() {
        Some("grpc") => Otlp::Grpc,
        Some("http/protobuf") => Otlp::HttpProtobuf,
        Some(other) => {
            return Err(format!("OTEL_EXPORTER_OTLP_PROTOCOL is {other:?}: use grpc or http/protobuf"));
        }
        None => usual(endpoint.as_deref()),
    };
    Ok(wanted.then_some(protocol))
}

/// The standard's default is HTTP, but 4317 is the port of gRPC by the same standard, and nobody means otherwise.
fn usual(endpoint: Option<&str>) -> Otlp {
    let port = endpoint.and_then(|endpoint| endpoint.trim_end_matches('/').rsplit_once(':'));
    match port {
        Some((_, "4317")) => Otlp::Grpc,
        _ => Otlp::HttpProtobuf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Wanted, String> {
        Wanted::of(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn traces(variables: &[(&str, &str)]) -> Option<Otlp> {
        of(variables).unwrap_or_default().traces
    }

    #[test]
    fn nothing_is_exported_unless_somebody_asks() {
        assert_eq!(of(&[]), Ok(Wanted::default()));
        assert_eq!(traces(&[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318")]), None);
        assert_eq!(traces(&[("OTEL_METRICS_EXPORTER", "otlp")]), None);
        let disabled = [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318")];
        assert_eq!(of(&disabled), Ok(Wanted { disabled: true, ..Wanted::default() }));
    }

    #[test]
    fn an_endpoint_or_an_exporter_is_asking() {
        for variable in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            assert_eq!(traces(&[(variable, "http://a:4318")]), Some(Otlp::HttpProtobuf));
        }
        assert_eq!(traces(&[("OTEL_TRACES_EXPORTER", "otlp")]), Some(Otlp::HttpProtobuf));
    }

    #[test]
    fn the_protocol_is_the_named_one_or_that_of_the_port() {
        let at = |port: &'static str| ("OTEL_EXPORTER_OTLP_ENDPOINT", port);
        assert_eq!(traces(&[at("http://a:4317")]), Some(Otlp::Grpc));
        assert_eq!(
            traces(&[at("http://a:4317/"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]),
            Some(Otlp::HttpProtobuf)
        );
        let own = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
        assert_eq!(
            traces(&[at("http://a:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), own]),
            Some(Otlp::Grpc)
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let zipkin = of(&[("OTEL_TRACES_EXPORTER", "zipkin")]);
        assert!(zipkin.is_err_and(|text| text.contains("OTEL_TRACES_EXPORTER") && text.contains("zipkin")));
        let json = of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]);
        assert!(json.is_err_and(|text| text.contains("http/protobuf")));
    }
}
