//! Has anybody edited the project? Cheap enough to ask before each build.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::Path;

/// A number that changes with the name, size or modification time of any file that dbt parses. Folders that dbt writes to
/// (`target`, `logs`) and hidden ones don't count.
pub(super) fn of(project_dir: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    visit(project_dir, &mut hasher)?;
    Ok(hasher.finish())
}

fn visit(folder: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let metadata = match std::fs::metadata(&path) {
            // Editors write through files that are gone a moment later.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            let skipped = name == "target" || name == "logs" || name.to_string_lossy().starts_with('.');
            if !skipped {
                visit(&path, hasher)?;
            }
        } else if path.extension().is_some_and(is_parsed) {
            (path, metadata.len(), metadata.modified()?).hash(hasher);
        }
    }
    Ok(())
}

fn is_parsed(extension: &std::ffi::OsStr) -> bool {
    ["sql", "yml", "yaml", "csv", "md", "py"].iter().any(|known| extension == *known)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn changes_with_models_and_not_with_what_dbt_writes() -> io::Result<()> {
        let project = tempfile::tempdir()?;
        let models = project.path().join("models");
        let target = project.path().join("target");
        fs::create_dir_all(&models)?;
        fs::create_dir_all(&target)?;
        fs::write(models.join("a.sql"), "select 1")?;
        let before = of(project.path())?;

        fs::write(target.join("a.sql"), "select 1")?;
        fs::write(models.join(".a.sql.swp"), "x")?;
        assert_eq!(of(project.path())?, before);

        fs::write(models.join("a.sql"), "select 12")?;
        let edited = of(project.path())?;
        assert_ne!(edited, before);

        fs::write(models.join("b.yml"), "")?;
        assert_ne!(of(project.path())?, edited);
        Ok(())
    }
}
