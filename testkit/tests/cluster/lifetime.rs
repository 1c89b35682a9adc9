//! Clusters start soon, do not meet, and end with whoever started them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, Options, User};

use crate::processes::{Pids, pids_of, running};

/// What a test may have to wait for the first answer of an API server.
const READY: Duration = Duration::from_secs(10);

/// Says to the child of `a_killed_test_leaves_nothing` what it is.
const CHILD: &str = "IRONHULL_TESTBED_CHILD";

#[test]
fn is_ready_within_ten_seconds() {
    // A machine that builds something else at the moment gets more tries.
    let mut took = Vec::new();
    for _ in 0..3 {
        let Some(cluster) = Cluster::start(&Options::default()) else { return };
        took.push(cluster.ready_after());
        if cluster.ready_after() <= READY {
            println!("the API server was ready after {took:?}");
            return;
        }
    }
    panic!("the API server was ready after {took:?}");
}

#[test]
fn clusters_at_the_same_time_do_not_meet() {
    let start = || Cluster::start(&Options::default());
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(start), scope.spawn(start));
        (one.join().unwrap(), other.join().unwrap())
    });
    let (Some(one), Some(other)) = (one, other) else { return };
    assert_ne!(one.url(), other.url());
    let namespace = one.namespace("only-here");
    let path = format!("/api/v1/namespaces/{namespace}");
    assert_eq!(one.get(&User::admin(), &path).status, 200);
    assert_eq!(other.get(&User::admin(), &path).status, 404);

    let kubeconfig = one.kubeconfig(&User::admin());
    let at_home = one.kubectl(&kubeconfig, &["get", "namespaces"], "");
    assert!(at_home.status.success(), "{}", String::from_utf8_lossy(&at_home.stderr));
    let server = format!("--server={}", other.url());
    let abroad = one.kubectl(&kubeconfig, &[&server, "get", "namespaces"], "");
    let said = String::from_utf8_lossy(&abroad.stderr);
    assert!(!abroad.status.success() && said.contains("unknown authority"), "{said}");
}

#[test]
fn a_cluster_ends_with_its_value() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let (pids, dir) = (cluster.pids(), cluster.dir().to_owned());
    assert_eq!(pids.keys().collect::<Vec<_>>(), ["etcd", "kube-apiserver", "supervisor"]);
    assert_eq!(running(&pids, &dir).len(), 3);
    drop(cluster);
    assert_eq!(running(&pids, &dir), [] as [&str; 0]);
    assert!(!dir.exists(), "{} is left", dir.display());
}

/// It would hang for minutes.
#[test]
fn an_api_server_without_its_store_is_killed() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    cluster.signal("etcd", "KILL");
    let (pids, dir) = (cluster.pids(), cluster.dir().to_owned());
    let started = Instant::now();
    drop(cluster);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(running(&pids, &dir), [] as [&str; 0]);
}

#[test]
fn an_api_server_comes_back_with_what_it_knew() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let namespace = cluster.namespace("kept");
    cluster.signal("kube-apiserver", "KILL");
    let path = format!("/api/v1/namespaces/{namespace}");
    assert_eq!(cluster.get(&User::admin(), &path).status, 502);
    cluster.start_again("kube-apiserver");
    assert_eq!(cluster.get(&User::admin(), &path).status, 200);
}

#[test]
fn a_killed_test_leaves_nothing() {
    let Some(mut victim) = child_with_a_cluster() else { return };
    victim.child.kill().unwrap();
    victim.child.wait().unwrap();
    wait_until_nothing_runs(&victim);
    for dir in [victim.dir, victim.temporary] {
        assert!(!dir.exists(), "{} is left", dir.display());
    }
}

#[test]
fn a_killed_supervisor_leaves_no_process() {
    let Some(mut victim) = child_with_a_cluster() else { return };
    let supervisor = victim.pids["supervisor"].to_string();
    assert!(Command::new("kill").args(["-KILL", &supervisor]).status().unwrap().success());
    let started = Instant::now();
    wait_until_nothing_runs(&victim);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    victim.child.kill().unwrap();
    victim.child.wait().unwrap();
    std::fs::remove_dir_all(&victim.dir).unwrap();
    std::fs::remove_dir_all(&victim.temporary).unwrap();
}

/// Not a test of its own: what the process does that the tests above kill.
#[test]
fn child_that_is_killed() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let Some(cluster) = Cluster::shared() else { return };
    let pids: Vec<String> =
        cluster.pids().iter().map(|(name, pid)| format!("{name}={pid}")).collect();
    let (dir, socket) = (cluster.dir().display(), cluster.socket());
    println!("\nCLUSTER {} {dir} {}", pids.join(","), socket.parent().unwrap().display());
    std::thread::sleep(Duration::from_secs(600));
}

/// A process with a cluster, which it was not asked to end.
struct Victim {
    child: std::process::Child,
    pids: Pids,
    /// The cluster's directory.
    dir: PathBuf,
    /// Where its components keep what is temporary.
    temporary: PathBuf,
}

fn child_with_a_cluster() -> Option<Victim> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifetime::child_that_is_killed", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("CLUSTER ").map(str::to_owned));
    let Some(line) = line else {
        // Without the program there is nothing to kill; anything else is a failure.
        assert!(child.wait().unwrap().success());
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
    Some(Victim { child, pids, dir, temporary })
}

fn wait_until_nothing_runs(Victim { pids, dir, .. }: &Victim) {
    let started = Instant::now();
    while !running(pids, dir).is_empty() || pids_of(dir) > 0 {
        assert!(started.elapsed() < Duration::from_secs(40), "{:?} run", running(pids, dir));
        std::thread::sleep(Duration::from_millis(50));
    }
}
