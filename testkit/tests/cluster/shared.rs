//! The processes of a run share one cluster, which ends with the run.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ironhull_testkit::wait;
use serde_json::{Value, json};

use crate::children::{Child, spawn};
use crate::processes::pids_of;

const SOON: Duration = Duration::from_secs(20);

/// What cargo is to its test processes.
struct Leader(std::process::Child);

impl Leader {
    /// It ends when this process does, whose pipe it reads.
    fn start() -> Self {
        Self(Command::new("cat").stdin(Stdio::piped()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn child(&self) -> Option<Child> {
        Child::start(Some(self.pid()))
    }

    /// The files that lead to its cluster.
    fn records(&self) -> Vec<PathBuf> {
        let beginning = format!("{}-", self.pid());
        std::fs::read_dir(testbed().join("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&beginning))
            .collect()
    }
}

fn testbed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testbed")
}

/// One who has joined, and asks what the harness would not.
struct Joined {
    requests: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Joined {
    fn to(child: &Child) -> Self {
        let requests = UnixStream::connect(child.socket()).unwrap();
        let answers = BufReader::new(requests.try_clone().unwrap());
        Self { requests, answers }
    }

    fn ask(&mut self, request: Value) -> Value {
        self.requests.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn processes_at_once_and_one_after_another_share_a_cluster() {
    let mut leader = Leader::start();
    let (first, second) = (spawn(Some(leader.pid())), spawn(Some(leader.pid())));
    let (Some(mut first), Some(mut second)) = (Child::of(first), Child::of(second)) else {
        return;
    };
    assert_eq!((&first.dir, &first.pids), (&second.dir, &second.pids));
    let names = [first.namespace(), first.namespace(), second.namespace(), second.namespace()];
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{names:?}");
    }
    // Whoever of them started it: the other goes on.
    let mut processes = [first, second];
    processes[0].kill();
    processes[1].namespace();
    processes[1].kill();
    // Between two test binaries of a run there is none.
    let mut later = leader.child().unwrap();
    assert_eq!(later.dir, processes[0].dir);
    assert!(!names.contains(&later.namespace()));
    later.kill();
    leader.kill();
    later.wait_until_nothing_is_left();
    assert_eq!(leader.records(), [] as [PathBuf; 0]);
}

#[test]
fn what_others_use_nobody_ends_and_what_one_opened_ends_with_it() {
    let mut leader = Leader::start();
    let Some(mut child) = leader.child() else { return };
    let mut joined = Joined::to(&child);
    assert_eq!(joined.ask(json!({"op": "join"}))["dir"], json!(child.dir));
    for request in [
        json!({"op": "stop", "name": "kube-apiserver"}),
        json!({"op": "signal", "name": "etcd", "signal": "KILL"}),
        json!({"op": "start", "name": "more", "args": ["/bin/true"]}),
        json!({"op": "share", "note": {}}),
    ] {
        let refused = joined.ask(request);
        assert!(
            refused["error"]
                .as_str()
                .is_some_and(|said| said.contains("share") || said.contains("others use")),
            "{refused}"
        );
    }
    let port = joined.ask(json!({"op": "proxy"}))["port"].as_u64().unwrap() as u16;
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(joined);
    let closed = wait::until(SOON, || TcpStream::connect(("127.0.0.1", port)).err());
    assert!(closed.is_some(), "the proxy is still there");
    child.namespace();
    child.kill();
    leader.kill();
    child.wait_until_nothing_is_left();
}

#[test]
fn a_run_that_is_killed_leaves_its_cluster_to_the_test_that_still_runs() {
    if !testbed().join("kubebed").exists() {
        return;
    }
    let mut leader = Leader::start();
    // The first is killed while it starts the cluster.
    let mut starter = spawn(Some(leader.pid()));
    let dir = testbed().join(format!("clusters/{}-0", starter.id()));
    assert!(wait::until(SOON, || dir.join("etcd/address").exists().then_some(())).is_some());
    starter.kill().unwrap();
    starter.wait().unwrap();
    let mut child = leader.child().unwrap();
    assert_ne!(child.dir, dir);
    leader.kill();
    child.namespace();
    child.kill();
    child.wait_until_nothing_is_left();
    assert!(wait::until(SOON, || (!dir.exists() && pids_of(&dir) == 0).then_some(())).is_some());
    assert_eq!(leader.records(), [] as [PathBuf; 0]);
}

#[test]
fn neither_another_runs_cluster_nor_one_that_is_gone_is_joined() {
    let (mut leader, mut another) = (Leader::start(), Leader::start());
    let Some(mut child) = leader.child() else { return };
    let mut foreign = another.child().unwrap();
    assert_ne!(child.dir, foreign.dir);
    child.kill_supervisor();
    child.wait_until_nothing_runs();
    assert_eq!(leader.records().len(), 1, "nobody took it away");
    let mut later = leader.child().unwrap();
    assert!(later.dir != child.dir && later.dir != foreign.dir);
    later.namespace();
    child.kill();
    later.kill();
    leader.kill();
    later.wait_until_nothing_is_left();
    child.remove();
    foreign.namespace();
    another.kill();
    foreign.kill();
    foreign.wait_until_nothing_is_left();
}
