//! data/raw to source.file.discovered
