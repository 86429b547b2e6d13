//! One severity, or thresholds for each.

use messages::Severity;
use serde_json::{Map, Value};

use crate::check::{Kind, Scope};
use crate::parameters::Parameters;
use crate::plan::Level;

/// The levels of a check with these parameters: one of `severity`, or one for each of `warn: {…}` and `error: {…}` that is
/// given, the gravest first. What stands beside them holds for both.
pub(crate) fn levels(
    kind: &Kind,
    severity: Severity,
    mut given: Map<String, Value>,
    scope: &Scope<'_>,
) -> Result<Vec<Level>, String> {
    let named = [(Severity::Error, "error"), (Severity::Warn, "warn")];
    let named = named.map(|(severity, name)| (severity, name, given.shift_remove(name)));
    if named.iter().all(|(_, _, thresholds)| thresholds.is_none()) {
        return Ok(vec![level(kind, severity, &given, scope)?]);
    }
    let mut levels = Vec::new();
    for (severity, name, thresholds) in named {
        let Some(thresholds) = thresholds else { continue };
        let both = with(kind, &given, &thresholds).map_err(|fault| format!("{name}: {fault}"))?;
        levels.push(level(kind, severity, &both, scope).map_err(|fault| format!("{name}: {fault}"))?);
    }
    Ok(levels)
}

fn level(kind: &Kind, severity: Severity, given: &Map<String, Value>, scope: &Scope<'_>) -> Result<Level, String> {
    Ok(Level { severity, check: (kind.compile)(&Parameters::new(given, scope.contract, kind)?, scope)? })
}

/// The parameters with the thresholds of one level.
fn with(kind: &Kind, given: &Map<String, Value>, thresholds: &Value) -> Result<Map<String, Value>, String> {
    let take = kind.thresholds.join(", ");
    if kind.thresholds.is_empty() {
        return Err(format!("{} has no thresholds; give severity: warn or severity: error instead", kind.name));
    }
    let thresholds = thresholds.as_object().filter(|thresholds| !thresholds.is_empty());
    let thresholds = thresholds.ok_or_else(|| format!("give thresholds, such as {{{}: 1}}", kind.thresholds[0]))?;
    let mut both = given.clone();
    for (name, value) in thresholds {
        if !kind.thresholds.contains(&name.as_str()) {
            return Err(format!("{name:?} is no threshold of {}: it takes {take}", kind.name));
        }
        if both.insert(name.clone(), value.clone()).is_some() {
            return Err(format!("{name} stands beside it too; give it in one of the two places"));
        }
    }
    Ok(both)
}
