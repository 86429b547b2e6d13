//! Writes `schemas/` and `asyncapi.yaml` anew: `cargo run -p millrace-messages --example schemas`.

use std::error::Error;
use std::fs;
use std::path::Path;

use millrace_messages::schema::{asyncapi, json_schemas};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = crate_folder.join("schemas");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (name, schema) in json_schemas() {
        let text = serde_json::to_string_pretty(&sorted(schema))? + "\n";
        fs::write(folder.join(format!("{name}.json")), text)?;
    }
    let head = "# Made from the types by `cargo run -p millrace-messages --example schemas`: change those, not this.\n";
    let yaml = serde_saphyr::to_string(&sorted(asyncapi()))?;
    fs::write(crate_folder.join("asyncapi.yaml"), format!("{head}{yaml}"))?;
    Ok(())
}

/// Whether keys keep their order depends on the features of the build, and the files must not.
fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}
