//! What the components said, for the person who reads why a test failed.

use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Duration;

use super::Cluster;
use super::supervisor::Supervisor;

/// The last lines of each log that are shown, and how much of a line.
const N_LINES: usize = 12;
const LINE_WIDTH: usize = 400;

/// For how long the logs of a failed test are kept.
const AGE: Duration = Duration::from_secs(24 * 3600);

static LIVE: Mutex<Vec<Weak<Supervisor>>> = Mutex::new(Vec::new());

/// When a test fails while this cluster lives, shows the ends of its logs, once,
/// and keeps them.
pub(super) fn show_on_failure(supervisor: &Arc<Supervisor>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            for supervisor in take_live() {
                supervisor.keep_logs();
                let dir = supervisor.dir.join("logs");
                eprintln!("{}\nThe logs are kept in {}", tails(&dir), dir.display());
            }
        }));
    });
    LIVE.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(supervisor));
}

fn take_live() -> Vec<Arc<Supervisor>> {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.drain(..).filter_map(|supervisor| supervisor.upgrade()).collect()
}

impl Cluster {
    /// What a component has said until now.
    pub fn log(&self, component: &str) -> String {
        let path = self.dir().join("logs").join(format!("{component}.log"));
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    }

    /// The last lines of every component.
    pub fn log_tails(&self) -> String {
        tails(&self.dir().join("logs"))
    }
}

fn tails(dir: &Path) -> String {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let log = std::fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        if lines.is_empty() {
            continue;
        }
        text.push_str(&format!("--- {}\n", path.display()));
        for line in &lines[lines.len().saturating_sub(N_LINES)..] {
            text.extend(line.chars().take(LINE_WIDTH));
            text.push('\n');
        }
    }
    text
}

/// Removes what failed tests left long ago.
pub(super) fn remove_old(clusters: &Path) {
    for entry in std::fs::read_dir(clusters).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|data| data.modified()).map(|time| time.elapsed());
        if matches!(age, Ok(Ok(age)) if age > AGE) {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
