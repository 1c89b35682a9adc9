//! What a watch does not wait for: its reader leaves, its rights are taken, the clock on
//! the wall jumps.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, User};
use ironhull_testkit::wait::until;
use serde_json::{Value, json};

use super::cli::{binary, folder, repository};
use super::watch::{Watch, check, check_with, started};

#[test]
fn it_ends_when_its_reader_leaves_though_nothing_happens() {
    let Some(cluster) = Cluster::shared() else { return };
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let mut child = Command::new(binary())
        .args(["check", "cluster:", "--watch", "-o", "json", "--only", "host-namespaces"])
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .env("XDG_STATE_HOME", folder("watch-reader"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    // While it is read it goes on.
    cluster.create_all(&[json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "host", "namespace": cluster.namespace("reader")},
        "spec": {"hostPID": true, "containers": [{"name": "c", "image": "registry.example/a:1"}]}})]);
    stdout.read_line(&mut String::new()).unwrap();
    assert!(child.try_wait().unwrap().is_none(), "its reader is still there");
    drop(stdout);
    let left = Instant::now();
    let ended = until(Duration::from_secs(20), || child.try_wait().unwrap());
    _ = child.kill();
    _ = child.wait();
    let status = ended.expect("nobody reads any more");
    assert_eq!(status.code(), Some(1), "the verdict of what it watched");
    println!("ended {:?} after its reader", left.elapsed());
}

/// A file of several objects is told as one change, and soon.
#[test]
fn what_is_applied_together_is_told_together() {
    let Some(cluster) = started() else { return };
    let kubeconfig = cluster.kubeconfig(&User::admin()).display().to_string();
    let mut watch = Watch::start(&kubeconfig);
    let pod = |namespace: &str, name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true}}]}})
    };
    for attempt in 0..15 {
        let namespace = cluster.namespace("apply");
        watch.read(Duration::from_secs(2));
        let before = watch.n_changes;
        // A client that sends one after the other, over more than one quiet moment.
        let began = Instant::now();
        let (mut slowest, mut last) = (Duration::ZERO, String::new());
        for n in 0..7 {
            let sent = Instant::now();
            last = format!("a{attempt}-{n}");
            cluster.create(&User::admin(), &pod(&namespace, &last)).expect_success();
            std::thread::sleep(Duration::from_millis(20).saturating_sub(sent.elapsed()));
            slowest = slowest.max(sent.elapsed());
        }
        let sent = began.elapsed();
        let took = watch.wait("privileged-container", &last, true);
        let n_told = watch.n_changes - before;
        println!("7 pods in {sent:?}, one in {slowest:?} at most: told {took:?} later in {n_told}");
        let of = |of: &&Value| of["control"] == "privileged-container";
        if n_told == 1 && took < Duration::from_secs(1) {
            assert_eq!(watch.findings.values().filter(of).count(), 7 * (attempt + 1));
            watch.end();
            return;
        }
        // A machine that is busy sends or tells them apart.
    }
    panic!("a part was told by itself, or late, each time");
}

/// What is taken from a view of everything is gone at once, and not with each watch.
#[test]
fn rights_that_are_taken_and_given_back_are_noticed_together() {
    let Some(cluster) = started() else { return };
    let (admin, rbac) = (User::admin(), "rbac.authorization.k8s.io");
    let namespace = cluster.namespace("rights");
    let binding = json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "sees"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "sees"},
        "subjects": [{"kind": "User", "name": "sees", "apiGroup": rbac}]});
    cluster.create_all(&[
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "sees"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list", "get", "watch"]}]}),
        binding.clone(),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad", "namespace": namespace},
            "spec": {"containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true}}]}}),
    ]);
    let kubeconfig = cluster.kubeconfig(&User::named("sees", &[])).display().to_string();
    let mut watch = Watch::start(&kubeconfig);
    assert_eq!(watch.gaps, json!([]));
    watch.compare(|| check(&kubeconfig), "all rights");

    let path = cluster.path(&binding);
    cluster.delete(&admin, &path).expect_success();
    let before = watch.n_changes;
    let took = watch.wait("privileged-container", "bad", false);
    watch.compare(|| check(&kubeconfig), "rights that were taken");
    assert!(watch.gaps.as_array().unwrap().len() > 20, "{}", watch.gaps);
    let n_told = watch.n_changes - before;
    println!("rights that were taken: noticed after {took:?}, told in {n_told} changes");
    assert!(took < Duration::from_secs(70), "{took:?}");
    assert!(n_told <= 4, "kind by kind: {n_told}");

    cluster.create(&admin, &binding).expect_success();
    let before = watch.n_changes;
    let took = watch.wait("privileged-container", "bad", true);
    watch.compare(|| check(&kubeconfig), "rights that were given");
    assert_eq!(watch.gaps, json!([]));
    let n_told = watch.n_changes - before;
    println!("rights that were given: noticed after {took:?}, told in {n_told} changes");
    assert!(took < Duration::from_secs(70), "{took:?}");
    assert!(n_told <= 6, "kind by kind: {n_told}");
    watch.end();
}

/// A day from now, as a date.
fn day(from_now: u64) -> String {
    let output = Command::new("date")
        .args(["-u", "-d", &format!("{from_now} days"), "+%Y-%m-%d"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A waiver ends when the wall says so, whichever way that came; what is timed goes on.
#[test]
fn a_clock_that_jumps_is_followed_and_delays_nothing() {
    let Some(cluster) = started() else { return };
    let place = folder("watch-clock");
    let shim = place.join("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&shim)
        .arg(repository().join("tests/it/clock.c"))
        .status();
    if !built.is_ok_and(|status| status.success()) {
        println!("not proven: no C compiler");
        return;
    }
    let clock = place.join("seconds");
    let jump = |days: i64| std::fs::write(&clock, (days * 86_400).to_string()).unwrap();
    jump(0);
    let namespace = cluster.namespace("clock");
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true}}]}})
    };
    cluster.create_all(&[pod("waived")]);
    let waiver = json!({
        "apiVersion": "ironhull.dev/v1", "kind": "Exception", "metadata": {"name": "for-now"},
        "spec": {"type": "waiver", "controls": ["privileged-container"],
            "subjects": [{"kind": "Pod", "namespace": namespace, "name": "waived"}],
            "reason": "legacy", "owner": "shop", "expires": day(2)},
    });
    let policy = place.join("waiver.yaml");
    std::fs::write(&policy, waiver.to_string()).unwrap();
    let args = ["--policy", policy.to_str().unwrap()];
    let variables =
        [("LD_PRELOAD", shim.to_str().unwrap()), ("IRONHULL_TEST_CLOCK", clock.to_str().unwrap())];
    let kubeconfig = cluster.kubeconfig(&User::admin()).display().to_string();
    let whole = || check_with(&kubeconfig, &args, &variables);
    jump(5);
    let at = whole()["at"].as_str().unwrap()[..10].to_owned();
    if at != day(5) {
        println!("not proven: the binary reads the clock without the C library ({at})");
        return;
    }
    jump(0);
    let mut watch = Watch::start_with(&kubeconfig, &args, &variables);
    let accepted = |watch: &Watch| {
        let mut findings = watch.findings.values();
        let is = |finding: &&Value| {
            finding["control"] == "privileged-container" && finding["name"] == "waived"
        };
        findings.find(is).is_none_or(|finding| finding.get("accepted").is_some())
    };
    assert!(accepted(&watch), "{:#?}", watch.findings);
    // Forward, back, forward, and back but not all the way; what happens meanwhile is told
    // as ever. The certificates of the cluster are good for longer.
    for (days, name, is_accepted) in
        [(5, "a", false), (0, "b", true), (5, "c", false), (1, "d", true)]
    {
        jump(days);
        cluster.create(&User::admin(), &pod(name)).expect_success();
        let took = watch.wait("privileged-container", name, true);
        assert!(took < Duration::from_secs(20), "{took:?} after a jump to day {days}");
        watch.compare(whole, &format!("day {days}"));
        assert_eq!(accepted(&watch), is_accepted, "day {days}");
    }
    let (_, errors) = watch.end();
    assert!(!errors.contains("may be late"), "{errors}");
}
