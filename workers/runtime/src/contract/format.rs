//! How a source's files are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the files of a source are written. What is absent is as in the CSV of RFC 4180, in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Format {
    /// What kind of file it is.
    #[serde(rename = "type")]
    pub kind: FileKind,
    /// What stands between two fields of a CSV file: one ASCII character, such as `";"` or `"\t"`.
    pub delimiter: char,
    /// What stands around a field of a CSV file: one ASCII character.
    pub quote: char,
    /// Whether the first line of a CSV file is its header; yes if absent. Without one a row's fields are the contract's columns, in
    /// the contract's order.
    pub header: bool,
    /// In which encoding text is written. A byte order mark of UTF-8 is believed whatever stands here; one of UTF-16 says which of
    /// the two it is.
    pub encoding: Encoding,
    /// What the files are packed with.
    pub compression: Compression,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Text with a header line, if `header` does not say otherwise, and fields with a delimiter between them.
    #[default]
    Csv,
    /// A JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// The encoding of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Windows' Western European.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-16; little-endian unless a byte order mark says otherwise.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What a file is packed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// What the file's name says: `.gz`, `.zst`, else nothing.
    #[default]
    Auto,
    /// Nothing.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            kind: FileKind::default(),
            delimiter: ',',
            quote: '"',
            header: true,
            encoding: Encoding::default(),
            compression: Compression::default(),
        }
    }
}
