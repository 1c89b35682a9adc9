//! Which processes run, from `/proc`.

use std::collections::BTreeMap;
use std::path::Path;

/// Processes of a cluster by the names of its components.
pub(crate) type Pids = BTreeMap<String, u32>;

/// How many processes at all name the directory.
pub(crate) fn pids_of(dir: &Path) -> usize {
    let name = dir.display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(&name))
        .count()
}

/// Which of them run; a number that was given to another process does not count.
pub(crate) fn running<'a>(pids: &'a Pids, dir: &Path) -> Vec<&'a str> {
    let name = dir.display().to_string();
    pids.iter()
        .filter(|(_, pid)| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&name))
        })
        .map(|(name, _)| name.as_str())
        .collect()
}
