//! What `millrace report` writes is opened in a real browser: it is laid out as it should be, runs nothing, asks nobody, and what
//! others wrote into it stays text. Without a browser (deploy/dev/browser.sh) only the file itself is looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;

mod browser;
mod many;
mod opened;
mod plain;
mod scene;
