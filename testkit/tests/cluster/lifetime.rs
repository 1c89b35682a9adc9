//! Clusters start soon, do not meet, and end with whoever started them.

use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, Options, User};

use crate::children::Child;
use crate::processes::running;

/// What a test may have to wait for the first answer of an API server.
const READY: Duration = Duration::from_secs(10);

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
    let Some(mut child) = Child::start(None) else { return };
    child.kill();
    child.wait_until_nothing_is_left();
}

#[test]
fn a_killed_supervisor_leaves_no_process() {
    let Some(mut child) = Child::start(None) else { return };
    child.kill_supervisor();
    let started = Instant::now();
    child.wait_until_nothing_runs();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    child.kill();
    child.remove();
}
