//! A file that appears when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::WrittenFile;
use super::line::Line;

/// A file in the making, under a name that no watcher takes for a delivery. Dropped before it is published, it is gone.
pub(super) struct SampleFile {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    /// Rows written, without the header.
    pub(super) rows: u64,
    bytes: u64,
}

impl SampleFile {
    /// Begins the file `name` in `dir` with its header.
    pub(super) fn create(dir: &Path, name: &str, header: &str) -> io::Result<Self> {
        let part = dir.join(format!(".{name}.part"));
        let file = File::create(&part).map_err(|error| named("can't write", &part, &error))?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        out.write_all(header.as_bytes())?;
        out.write_all(b"\n")?;
        let bytes = header.len() as u64 + 1;
        Ok(Self { path: dir.join(name), part, out, rows: 0, bytes })
    }

    /// Writes a row.
    pub(super) fn write(&mut self, line: &mut Line) -> io::Result<()> {
        let written = line.end(&mut self.out);
        self.bytes += written.map_err(|error| named("can't write", &self.part, &error))?;
        self.rows += 1;
        Ok(())
    }

    /// Brings what is buffered into the file.
    pub(super) fn complete(mut self) -> io::Result<Self> {
        self.out.flush().map_err(|error| named("can't write", &self.part, &error))?;
        Ok(self)
    }

    /// Gives the file its name.
    pub(super) fn publish(self) -> io::Result<WrittenFile> {
        fs::rename(&self.part, &self.path).map_err(|error| named("can't rename", &self.part, &error))?;
        Ok(WrittenFile { path: self.path.clone(), rows: self.rows, bytes: self.bytes })
    }
}

impl Drop for SampleFile {
    fn drop(&mut self) {
        // After publishing there is nothing under this name, and nothing to be done about an error.
        let _ = fs::remove_file(&self.part);
    }
}

fn named(doing: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{doing} {}: {error}", path.display()))
}
