//! What the last check found: its targets, the ids behind its numbers, and when
//! each finding was first seen. Local state never changes an exit code.

use std::io::{BufRead, BufReader, Read, Write};
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
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--kubeconfig`, as written.
    pub kubeconfig: Option<PathBuf>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--read-kubelets`.
    pub read_kubelets: bool,
    /// `--read-helm-releases`.
    pub read_helm_releases: bool,
    /// When it was, RFC 3339.
    pub at: String,
    /// The moments (RFC 3339) at which findings were first seen, over consecutive
    /// checks of the same targets.
    pub times: Vec<String>,
    /// Finding 1, 2, …
    #[serde(skip)]
    pub findings: Vec<Seen>,
}

/// A finding of the last check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen(
    /// Its readable id.
    pub String,
    /// When it was first seen: an index into [`LastCheck::times`].
    pub usize,
);

impl LastCheck {
    /// The id of a finding by its number from 1.
    pub fn id(&self, number: usize) -> Option<&str> {
        Some(&self.findings.get(number.checked_sub(1)?)?.0)
    }

    /// When the finding of an id was first seen; none when the check had no such finding.
    pub fn first_seen(&self, id: &str) -> Option<&str> {
        let Seen(_, time) = self.findings.iter().find(|Seen(known, _)| known == id)?;
        Some(self.times.get(*time)?)
    }

    /// Forgets the times at which nothing was seen that is still there.
    pub fn forget_unused_times(&mut self) {
        let mut place = vec![None; self.times.len()];
        let mut used = Vec::new();
        for Seen(_, time) in &mut self.findings {
            let Some(place) = place.get_mut(*time) else { continue };
            *time = *place.get_or_insert_with(|| {
                used.push(std::mem::take(&mut self.times[*time]));
                used.len() - 1
            });
        }
        self.times = used;
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
    load_if(path, |_| true).and_then(|check| check.ok_or(StoreError::Nothing))
}

/// Reads the last check if its first line, which is all but the findings, is
/// wanted. A small check after a large one does not pay for the large one's state.
pub fn load_if(
    path: &Path,
    is_wanted: impl FnOnce(&LastCheck) -> bool,
) -> Result<Option<LastCheck>, StoreError> {
    let io = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => StoreError::Nothing,
        _ => StoreError::Io { path: path.to_owned(), source },
    };
    let damaged = |source| StoreError::Damaged { path: path.to_owned(), source };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(io)?);
    let mut text = String::new();
    file.read_line(&mut text).map_err(io)?;
    let mut check: LastCheck = serde_json::from_str(&text).map_err(damaged)?;
    if !is_wanted(&check) {
        return Ok(None);
    }
    text.clear();
    file.read_to_string(&mut text).map_err(io)?;
    let findings = text.lines().map(serde_json::from_str);
    check.findings = findings.collect::<Result<_, _>>().map_err(damaged)?;
    Ok(Some(check))
}

/// Writes the last check, readable by the user only, in one step: a reader sees
/// the old state or the new one.
pub fn save(path: &Path, check: &LastCheck) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let mut text = Vec::new();
    line(&mut text, check)
        .and_then(|()| check.findings.iter().try_for_each(|seen| line(&mut text, seen)))
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

fn line(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *text, value)?;
    text.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LastCheck, Seen, StoreError, load, load_if, save};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn unused_times_are_forgotten() {
        let seen = |id: &str, time| Seen(id.into(), time);
        let mut check = LastCheck {
            times: vec!["1".into(), "2".into(), "3".into()],
            findings: vec![seen("a", 2), seen("b", 0), seen("c", 2)],
            ..LastCheck::default()
        };
        check.forget_unused_times();
        assert_eq!(check.times, ["3", "1"]);
        assert_eq!(check.first_seen("b"), Some("1"));
        assert_eq!(check.first_seen("c"), Some("3"));
    }

    #[test]
    fn what_was_saved_is_read_back_and_private() {
        let folder = std::env::temp_dir().join(format!("ironhull-store-{}", std::process::id()));
        let path = folder.join("state/last.json");
        assert!(matches!(load(&path), Err(StoreError::Nothing)));
        let check = LastCheck {
            targets: vec![".".into()],
            times: vec!["2026-11-24T00:00:00Z".into()],
            findings: vec![Seen("a/Pod/b\n\"".into(), 0), Seen("a/Pod/c".into(), 1)],
            ..LastCheck::default()
        };
        save(&path, &check).unwrap();
        assert_eq!(load(&path).unwrap(), check);
        assert_eq!((check.id(2), check.id(0), check.id(3)), (Some("a/Pod/c"), None, None));
        let seen = |id| check.first_seen(id);
        assert_eq!(seen("a/Pod/b\n\""), Some("2026-11-24T00:00:00Z"));
        assert_eq!((seen("a/Pod/c"), seen("a")), (None, None));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "{}\n{").unwrap();
        assert!(matches!(load(&path), Err(StoreError::Damaged { .. })));
        assert!(matches!(load_if(&path, |_| false), Ok(None)));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(load_if(&path, |_| false), Err(StoreError::Damaged { .. })));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
