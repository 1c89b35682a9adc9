//! What the last check found: its targets, the ids behind its numbers, and when each
//! finding was first seen.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{File, StoreError, folder};

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

/// Where the state is: `last-check.json` in the state's folder; none without a home.
pub fn path() -> Option<PathBuf> {
    Some(folder()?.join("last-check.json"))
}

fn file(path: &Path) -> File<'_> {
    File { path, command: "check" }
}

/// Reads the last check.
pub fn load(path: &Path) -> Result<LastCheck, StoreError> {
    load_if(path, |_| true).and_then(|check| check.ok_or(StoreError::Nothing))
}

/// Reads the last check if its first line, which is all but the findings, is wanted.
pub fn load_if(
    path: &Path,
    is_wanted: impl FnOnce(&LastCheck) -> bool,
) -> Result<Option<LastCheck>, StoreError> {
    let read = file(path).load(is_wanted)?;
    Ok(read.map(|(check, findings)| LastCheck { findings, ..check }))
}

/// Writes the last check.
pub fn save(path: &Path, check: &LastCheck) -> Result<(), StoreError> {
    file(path).save(check, &check.findings)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{LastCheck, Seen, load, load_if, save};
    use crate::StoreError;

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
