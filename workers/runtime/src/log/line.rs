//! How a line is written.

use std::fmt;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::identity::Belonging;

/// A line for people, or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text,
    Json,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let belonging = Belonging::of(context, event);
        match self {
            Self::Json => writeln!(to, "{}", Value::Object(json(event, belonging))),
            Self::Text => {
                let said = Said::by(event);
                write!(to, "{} ", Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true))?;
                level(&mut to, *event.metadata().level())?;
                context.format_fields(to.by_ref(), event)?;
                for (name, value) in [("load_id", belonging.load_id), ("trace_id", belonging.trace_id)] {
                    if let Some(value) = value.filter(|_| !said.0.contains(&name)) {
                        named(&mut to, name, &value)?;
                    }
                }
                writeln!(to)
            }
        }
    }
}

fn json(event: &Event<'_>, belonging: Belonging) -> Map<String, Value> {
    let metadata = event.metadata();
    let mut line = Map::new();
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    line.insert("timestamp".into(), now.into());
    line.insert("level".into(), metadata.level().as_str().into());
    let mut fields = Fields::default();
    event.record(&mut fields);
    line.extend(fields.0);
    for (name, value) in [("load_id", belonging.load_id), ("trace_id", belonging.trace_id)] {
        if let Some(value) = value {
            line.entry(name).or_insert_with(|| value.into());
        }
    }
    line.insert("target".into(), metadata.target().into());
    line
}

/// The names of what the event says itself.
struct Said(Vec<&'static str>);

impl Said {
    fn by(event: &Event<'_>) -> Self {
        Self(event.fields().map(|field| field.name()).collect())
    }
}

fn level(to: &mut Writer<'_>, level: Level) -> fmt::Result {
    let colour = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    if to.has_ansi_escapes() { write!(to, "\x1b[{colour}m{level:>5}\x1b[0m ") } else { write!(to, "{level:>5} ") }
}

fn named(to: &mut Writer<'_>, name: &str, value: &str) -> fmt::Result {
    if to.has_ansi_escapes() {
        write!(to, " \x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}")
    } else {
        write!(to, " {name}={value}")
    }
}
