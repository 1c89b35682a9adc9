//! One cluster for all tests of a run: `cargo test` starts the binaries of a workspace
//! one after another, and the first that needs a cluster starts it for all.
//!
//! A run is named by the process that leads it, and by when that was started, so that
//! no other run is taken for it. The cluster lives for as long as the leader or a test
//! process does, and ends with the last of them. A record leads the processes of the
//! run to it; it names the build too.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::supervisor::Supervisor;
use super::{Cluster, Options, logs, program, testbed};

/// Names the leader of a run that is none of cargo's, by the number of its process.
const VARIABLE: &str = "IRONHULL_TESTBED_RUN";

/// The test processes that share a cluster.
pub(super) struct Run {
    leader: u32,
    /// When the leader was started, in the kernel's ticks since the machine was.
    started: u64,
}

impl Run {
    /// The run that this process belongs to; none for a test binary that a person
    /// started, whose cluster ends with it.
    ///
    /// # Panics
    /// When the environment names a process that is not there.
    pub(super) fn current() -> Option<Self> {
        if let Ok(named) = std::env::var(VARIABLE) {
            let run = named.parse().ok().and_then(Self::led_by);
            return Some(run.unwrap_or_else(|| panic!("{VARIABLE}={named}: no such process runs")));
        }
        let parent = std::os::unix::process::parent_id();
        let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).ok()?;
        // cargo, cargo-nextest.
        if name.starts_with("cargo") { Self::led_by(parent) } else { None }
    }

    fn led_by(leader: u32) -> Option<Self> {
        Some(Self { leader, started: started(leader)? })
    }

    /// As the supervisor is told.
    pub(super) fn leader(&self) -> String {
        format!("{}:{}", self.leader, self.started)
    }

    /// Joins the run's cluster, or starts it where there is none, or none any more.
    pub(super) fn cluster(&self, options: &Options) -> Option<Cluster> {
        let (kubebed, supervisor) = (program("kubebed")?, program("supervisor")?);
        let runs = testbed().join("runs");
        std::fs::create_dir_all(&runs).expect("target/testbed/runs");
        let lock = File::create(runs.join("lock")).expect("target/testbed/runs/lock");
        // Until one is started, others of the run wait. The lock ends with its holder.
        lock.lock().expect("the lock of runs");
        remove_stale(&runs);
        let record = runs.join(self.record(&[&kubebed, &supervisor]));
        join(&record, &kubebed).or_else(|| {
            let cluster = Cluster::start_for(options, Some(self))?;
            cluster.share(&record);
            Some(cluster)
        })
    }

    /// The record's name. Programs that were built anew stand elsewhere.
    fn record(&self, programs: &[&PathBuf]) -> String {
        let mut hasher = DefaultHasher::new();
        for program in programs {
            std::fs::canonicalize(program).expect("a built program").hash(&mut hasher);
        }
        format!("{}-{}-{:016x}", self.leader, self.started, hasher.finish())
    }
}

impl Cluster {
    /// Lets others join. With an empty record nobody learns of it; it only keeps
    /// tests from ending what others use.
    pub(super) fn share(&self, record: &Path) {
        let note = json!({
            "port": self.port,
            "socket": self.socket(),
            "components": *self.components.lock().expect("components"),
            "readyAfter": self.ready_after.as_millis() as u64,
        });
        self.supervisor.ask(json!({"op": "share", "note": note, "record": record}));
    }
}

fn join(record: &Path, kubebed: &Path) -> Option<Cluster> {
    let socket = std::fs::read_to_string(record).ok()?;
    // A killed supervisor leaves its record, to which nobody answers.
    let (supervisor, note) = Supervisor::join(Path::new(&socket)).ok()?;
    let components = serde_json::from_value(note["components"].clone()).ok()?;
    let supervisor = std::sync::Arc::new(supervisor);
    logs::show_on_failure(&supervisor);
    Some(Cluster {
        supervisor,
        kubebed: kubebed.to_owned(),
        port: note["port"].as_u64()? as u16,
        socket: std::sync::Mutex::new(note["socket"].as_str()?.into()),
        components: std::sync::Mutex::new(components),
        resources: std::sync::Mutex::default(),
        ready_after: Duration::from_millis(note["readyAfter"].as_u64()?),
    })
}

/// Removes the records of runs that have ended.
fn remove_stale(runs: &Path) {
    for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let parts: Vec<&str> = name.to_str().unwrap_or_default().split('-').collect();
        let [leader, start, _] = parts[..] else { continue };
        let (Ok(leader), Ok(start)) = (leader.parse(), start.parse::<u64>()) else { continue };
        if started(leader) != Some(start) {
            _ = std::fs::remove_file(entry.path());
        }
    }
}

/// When a process was started that has not exited: fields 3 and 22 of its `stat`,
/// counted from behind its name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}
