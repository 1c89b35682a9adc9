//! Test processes with the shared cluster, which are killed.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, User};
use ironhull_testkit::wait;

use crate::processes::{Pids, pids_of, running};

/// Says to a child what it is.
const CHILD: &str = "IRONHULL_TESTBED_CHILD";

/// Names the process that leads the child's run.
const RUN: &str = "IRONHULL_TESTBED_RUN";

/// What ending everything may take: an API server that hangs is killed after ten seconds.
const ENDS: Duration = Duration::from_secs(40);

/// A process with a cluster, which it was not asked to end.
pub(crate) struct Child {
    process: std::process::Child,
    requests: ChildStdin,
    lines: BufReader<ChildStdout>,
    /// The cluster's processes.
    pub(crate) pids: Pids,
    /// The cluster's directory.
    pub(crate) dir: PathBuf,
    /// Where its components keep what is temporary.
    temporary: PathBuf,
}

/// Starts a process that will have a cluster, of the run that `leader` leads or, without
/// one, of its own.
pub(crate) fn spawn(leader: Option<u32>) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "children::child_with_a_cluster", "--nocapture"]).env(CHILD, "1");
    match leader {
        Some(leader) => command.env(RUN, leader.to_string()),
        None => command.env_remove(RUN),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

impl Child {
    /// Starts a process and waits until it has a cluster; none where none is built.
    pub(crate) fn start(leader: Option<u32>) -> Option<Self> {
        Self::of(spawn(leader))
    }

    /// A process that was started, once it has a cluster.
    pub(crate) fn of(mut process: std::process::Child) -> Option<Self> {
        let requests = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let Some(line) = said(&mut lines, "CLUSTER ") else {
            // Without the program there is nothing to kill; anything else is a failure.
            assert!(process.wait().unwrap().success());
            return None;
        };
        let [pids, dir, temporary] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let pids: Pids = pids
            .split(',')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, pid)| (name.to_owned(), pid.parse().unwrap()))
            .collect();
        let (dir, temporary) = (PathBuf::from(dir), PathBuf::from(temporary));
        assert_eq!(running(&pids, &dir).len(), 4, "{pids:?}");
        Some(Self { process, requests, lines, pids, dir, temporary })
    }

    /// Lets it make a namespace, and gives its name.
    pub(crate) fn namespace(&mut self) -> String {
        self.requests.write_all(b"namespace\n").unwrap();
        said(&mut self.lines, "NAMESPACE ").unwrap()
    }

    /// The socket through which its run's other processes join.
    pub(crate) fn socket(&self) -> PathBuf {
        self.temporary.join("clients.sock")
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn kill_supervisor(&self) {
        let supervisor = self.pids["supervisor"].to_string();
        assert!(Command::new("kill").args(["-KILL", &supervisor]).status().unwrap().success());
    }

    pub(crate) fn wait_until_nothing_runs(&self) {
        let nothing = wait::until(ENDS, || {
            (running(&self.pids, &self.dir).is_empty() && pids_of(&self.dir) == 0).then_some(())
        });
        assert!(nothing.is_some(), "{:?} run", running(&self.pids, &self.dir));
    }

    pub(crate) fn wait_until_nothing_is_left(&self) {
        self.wait_until_nothing_runs();
        for dir in [&self.dir, &self.temporary] {
            assert!(!dir.exists(), "{} is left", dir.display());
        }
    }

    /// Removes what a killed supervisor could not.
    pub(crate) fn remove(self) {
        std::fs::remove_dir_all(&self.dir).unwrap();
        std::fs::remove_dir_all(&self.temporary).unwrap();
    }
}

/// The rest of the next line that begins so.
fn said(lines: &mut impl BufRead, beginning: &str) -> Option<String> {
    lines.lines().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once(beginning)?;
        Some(rest.to_owned())
    })
}

/// Not a test of its own: what the process does that others kill. It ends with its
/// input, so that it does not outlive them.
#[test]
fn child_with_a_cluster() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let Some(cluster) = Cluster::shared() else { return };
    let pids: Vec<String> =
        cluster.pids().iter().map(|(name, pid)| format!("{name}={pid}")).collect();
    let (dir, socket) = (cluster.dir().display(), cluster.socket());
    println!("\nCLUSTER {} {dir} {}", pids.join(","), socket.parent().unwrap().display());
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        let namespace = cluster.namespace("of-a-child");
        let path = format!("/api/v1/namespaces/{namespace}");
        assert_eq!(cluster.get(&User::admin(), &path).status, 200);
        println!("\nNAMESPACE {namespace}");
    }
}
