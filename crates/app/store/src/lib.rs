//! What the last check found: its targets, the ids behind its numbers, and when
//! each finding was first seen. Local state never changes an exit code.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// State that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No check was run yet.
    #[error("there is no last check; run `ironhull check` first")]
    Nothing,
    /// The file cannot be read or written.
    #[error("failed to use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not ours, or damaged.
    #[error("{path} is damaged ({source}); run `ironhull check` again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The last check, as far as later commands need it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastCheck {
    /// The folder it was run in.
    pub folder: PathBuf,
    /// Its targets, as written.
    pub targets: Vec<String>,
    /// `--kubernetes-version`.
    pub kubernetes_version: Option<String>,
    /// `--only`.
    pub only: Vec<String>,
    /// `--controls`.
    pub controls: Vec<PathBuf>,
    /// `--policy`.
    pub policy: Vec<PathBuf>,
    /// When it was, RFC 3339.
    pub at: String,
    /// The id of finding 1, 2, … and when it was first seen (RFC 3339), over
    /// consecutive checks of the same targets.
    pub findings: Vec<(String, String)>,
}

impl LastCheck {
    /// The id of a finding by its number from 1.
    pub fn id(&self, number: usize) -> Option<&str> {
        Some(&self.findings.get(number.checked_sub(1)?)?.0)
    }

    /// When the finding of an id was first seen; none when the check had no such finding.
    pub fn first_seen(&self, id: &str) -> Option<&str> {
        let (_, seen) = self.findings.iter().find(|(known, _)| known == id)?;
        Some(seen)
    }
}

/// Where the state is: `$XDG_STATE_HOME/ironhull/last-check.json`, by default
/// below `~/.local/state`; none without a home.
pub fn path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base =
        set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("ironhull/last-check.json"))
}

/// Reads the last check.
pub fn load(path: &Path) -> Result<LastCheck, StoreError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::Nothing);
        }
        Err(source) => return Err(StoreError::Io { path: path.to_owned(), source }),
    };
    serde_json::from_str(&text)
        .map_err(|source| StoreError::Damaged { path: path.to_owned(), source })
}

/// Writes the last check, readable by the user only, in one step: a reader sees
/// the old state or the new one.
pub fn save(path: &Path, check: &LastCheck) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let text = serde_json::to_vec(check)
        .map_err(|source| StoreError::Damaged { path: path.to_owned(), source })?;
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(io)?;
    file.write_all(&text).map_err(io)?;
    std::fs::rename(&new, path).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::{LastCheck, StoreError, load, save};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_saved_is_read_back_and_private() {
        let folder = std::env::temp_dir().join(format!("ironhull-store-{}", std::process::id()));
        let path = folder.join("state/last.json");
        assert!(matches!(load(&path), Err(StoreError::Nothing)));
        let check = LastCheck {
            targets: vec![".".into()],
            findings: vec![("a/Pod/b".into(), "2026-11-24T00:00:00Z".into())],
            ..LastCheck::default()
        };
        save(&path, &check).unwrap();
        assert_eq!(load(&path).unwrap(), check);
        assert_eq!((check.id(1), check.id(0), check.id(2)), (Some("a/Pod/b"), None, None));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(load(&path), Err(StoreError::Damaged { .. })));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
