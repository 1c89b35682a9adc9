//! `check cluster:` on bad days: what passes is waited for, what does not is a gap, and
//! both end in time.

use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, Connections, Effect, Fault, Proxy, User};
use serde_json::{Value, json};

use super::cli::{Run, binary, folder, run_with_state};
use super::cluster;

fn fault(path: &'static str, times: u32, effect: Effect) -> Fault {
    Fault { path, watch: None, effect, times }
}

/// A cluster with something to find in a namespace of its own, and a proxy before it.
fn filled(prefix: &str) -> Option<(&'static Cluster, String, Proxy<'static>)> {
    let cluster = Cluster::shared()?;
    let namespace = cluster.namespace(prefix);
    cluster::fill(cluster, &namespace);
    Some((cluster, namespace, cluster.proxy()))
}

fn check(cluster: &Cluster, proxy: &Proxy<'_>, name: &str) -> (Run, Duration) {
    let (here, state) = (folder(name), folder(&format!("{name}-state")));
    let kubeconfig = cluster.kubeconfig_through(proxy, &User::admin());
    let kubeconfig = kubeconfig.to_str().unwrap();
    // Findings would come before what could not be read in the exit code.
    let args = ["check", "cluster:", "--kubeconfig", kubeconfig, "-o", "json", "--exit-zero"];
    _ = binary();
    let started = Instant::now();
    (run_with_state(&here, &state, &args, ""), started.elapsed())
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

fn gaps(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let gaps = report["gaps"].as_array().unwrap().iter();
    gaps.map(|gap| (text(&gap["what"]), text(&gap["cause"]))).collect()
}

fn finds(report: &Value, namespace: &str) -> bool {
    report["findings"].as_array().unwrap().iter().any(|finding| {
        finding["control"] == "privileged-container"
            && finding["subject"]["namespace"] == *namespace
    })
}

#[test]
fn what_passes_is_waited_for() {
    let Some((cluster, namespace, proxy)) = filled("passes") else { return };
    let status = |code, retry_after| Effect::Status { code, retry_after };
    proxy.set(&[
        fault("", 0, Effect::Latency(Duration::from_millis(20))),
        fault("/api/v1/pods", 2, status(429, 1)),
        fault("/api/v1/configmaps", 2, status(410, 0)),
        fault("/api/v1/nodes", 3, status(503, 0)),
        fault("/version", 1, status(500, 0)),
        fault("/apis/apps", 2, Effect::Reset { after_bytes: 100 }),
        fault("/apis/batch", 1, Effect::Truncate { after_bytes: 10 }),
        fault("/apis/rbac", 2, Effect::Reset { after_bytes: 0 }),
        fault("/api/v1/services", 1, Effect::HalfOpen { after_bytes: 0 }),
        fault("/apis/authorization", 2, status(429, 1)),
    ]);
    let (run, took) = check(cluster, &proxy, "faults-pass");
    let report = report(&run);
    assert_eq!(gaps(&report), []);
    assert!(finds(&report, &namespace));
    assert!(took < Duration::from_secs(60), "{took:?}");
    let asked = proxy.take_requests();
    let of = |path: &str| asked.iter().filter(|seen| seen.uri.starts_with(path)).count();
    assert_eq!(of("/api/v1/pods?"), 3, "busy twice, then answered");
    assert_eq!(of("/api/v1/configmaps?"), 3, "a list that is gone is begun anew");
}

/// What a control came to, and what it says of the cluster that it could not see.
fn verdict<'r>(report: &'r Value, control: &str) -> (&'static str, &'r str) {
    let found = report["controls"].as_array().unwrap().iter().find(|of| of["id"] == control);
    let tally = found.unwrap_or_else(|| panic!("no {control}"));
    let n = |field: &str| tally[field].as_u64().unwrap();
    let word = match () {
        () if n("violated") > 0 => "violated",
        () if n("unknown") > 0 => "unknown",
        () if n("holds") > 0 => "holds",
        () => "not applicable",
    };
    let unknown = report["findings"].as_array().unwrap().iter().find(|finding| {
        finding["control"] == control
            && finding["verdict"] == "unknown"
            && finding["subject"]["kind"] == "cluster"
    });
    (word, unknown.and_then(|finding| finding["missing"][0].as_str()).unwrap_or_default())
}

/// A control plane that restarts while it is read: nobody listens for ten seconds.
#[test]
fn an_outage_is_bridged() {
    let Some((cluster, namespace, proxy)) = filled("outage") else { return };
    // It reads for a while, so that the outage is in the middle of it.
    let slow = fault("", 0, Effect::Latency(Duration::from_millis(150)));
    proxy.set(std::slice::from_ref(&slow));
    let (run, took, n_before) = std::thread::scope(|scope| {
        let checking = scope.spawn(|| check(cluster, &proxy, "faults-outage"));
        let mut n_before = 0;
        cluster.wait_for("the first lists", Duration::from_secs(60), || {
            let asked = proxy.take_requests();
            n_before += asked.iter().filter(|seen| seen.uri.contains("limit=")).count();
            (n_before > 5).then_some(())
        });
        proxy.strike_connections(Connections::Refuse);
        std::thread::sleep(Duration::from_secs(10));
        proxy.clear();
        let (run, took) = checking.join().unwrap();
        (run, took, n_before)
    });
    let report = report(&run);
    assert_eq!(gaps(&report), [], "{n_before} lists before it");
    assert!(finds(&report, &namespace));
    assert!((10..60).contains(&took.as_secs()), "{took:?}");
    assert!(run.stderr.contains("note: waiting for the API server: "), "{}", run.stderr);
}

#[test]
fn what_does_not_pass_is_a_gap_and_the_rest_is_judged() {
    let Some((cluster, namespace, proxy)) = filled("stays") else { return };
    let status = |code| Effect::Status { code, retry_after: 0 };
    proxy.set(&[
        fault("/api/v1/services", 0, status(500)),
        fault("/api/v1/configmaps", 0, status(410)),
        fault("/apis/batch/v1/jobs", 0, Effect::Reset { after_bytes: 1 }),
        fault("/apis/batch/v1/cronjobs", 0, status(403)),
    ]);
    let (run, took) = check(cluster, &proxy, "faults-stay");
    let report = report(&run);
    let told = gaps(&report);
    for (what, cause) in [
        ("Service objects", "unreadable"),
        ("ConfigMap objects", "unreadable"),
        ("Job.batch objects", "unreadable"),
        ("CronJob.batch objects", "denied"),
    ] {
        assert!(told.contains(&(what.to_owned(), cause.to_owned())), "{what}: {told:?}");
    }
    assert!(told.iter().all(|(what, _)| !what.starts_with("Pod ")), "{told:?}");
    assert!(finds(&report, &namespace));
    // A check of which parts could not be read says so to whoever only sees its exit code.
    assert_eq!((run.code, &report["exit"]), (3, &json!(3)), "{}", run.stderr);
    let unread = told.iter().filter(|(_, cause)| cause == "unreadable");
    for (what, _) in unread {
        let line = format!(": {what}: ");
        assert!(run.stderr.lines().any(|told| told.contains("IH0110") && told.contains(&line)));
    }
    assert_eq!(verdict(&report, "load-balancer-public"), ("unknown", "all Service objects"));
    assert_eq!(verdict(&report, "privileged-container").0, "violated", "of the pods that are seen");
    assert!(took < Duration::from_secs(60), "{took:?}");
    // Each was tried a few times and then left alone.
    let asked = proxy.take_requests();
    let of = |path: &str| asked.iter().filter(|seen| seen.uri.starts_with(path)).count();
    assert_eq!(of("/api/v1/services?"), 4);
    assert_eq!(of("/apis/batch/v1/cronjobs?"), 1);
}

#[test]
fn a_server_that_falls_silent_ends_the_check() {
    let Some(cluster) = Cluster::shared() else { return };
    let proxy = cluster.proxy();
    // It answers what it is, and then nothing any more.
    proxy.set(&[
        fault("/api/v1", 0, Effect::HalfOpen { after_bytes: 0 }),
        fault("/apis/", 0, Effect::HalfOpen { after_bytes: 0 }),
    ]);
    let (run, took) = check(cluster, &proxy, "faults-silent");
    assert_eq!(run.code, 3, "{}", run.stderr);
    // It was waited for once, and not by each of the kinds.
    assert!(took < Duration::from_secs(60), "{took:?}");
    let report = report(&run);
    let told = gaps(&report);
    assert!(told.iter().any(|(what, cause)| what == "Pod objects" && cause == "unreadable"));
    assert!(run.stderr.contains("nothing may be listed") || run.stderr.contains("[IH0110]"));
}
