//! Writes `data/sources/contract.schema.json` anew: `cargo run -p millrace-runtime --example contract_schema`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources/contract.schema.json");
    let text = serde_json::to_string_pretty(&millrace_runtime::contract::json_schema())? + "\n";
    std::fs::write(path, text)?;
    Ok(())
}
