//! Writes what operators import into RabbitMQ anew: `cargo run -p millrace-bus --example definitions`.

use std::path::Path;
use std::{fs, io};

use millrace_bus::amqp::definitions;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/rabbitmq");
    fs::create_dir_all(&folder)?;
    for (name, file) in definitions::files() {
        fs::write(folder.join(name), definitions::text(&file))?;
    }
    Ok(())
}
