//! How fast canaries are sent, by the API server's own clock.

use std::collections::BTreeMap;

use ironhull_testkit::cluster::{Cluster, Effect, Fault, Options, User};
use serde_json::{Value, json};

use super::super::cli::{folder, run_with_state};
use super::{outcomes, prove, writes};

/// When requests came, in seconds, as the API server's own audit log says it.
fn arrivals(events: &[Value]) -> Vec<f64> {
    let time = |event: &Value| -> jiff::Timestamp {
        event["requestReceivedTimestamp"].as_str().unwrap().parse().unwrap()
    };
    let mut times: Vec<f64> =
        events.iter().map(|event| time(event).as_microsecond() as f64 / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// No more requests a second than are allowed, and none while the server asks for rest.
#[test]
fn canaries_are_sent_at_the_rate_that_is_allowed() {
    let options = Options {
        audit_policy: Some(json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "verbs": ["create"], "users": ["slow", "fast", "held"]}],
        })),
        controller_manager: true,
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    // Of this level each refusal has a twin after it, which counts too.
    let namespace =
        cluster.namespace_with("rate", &[("pod-security.kubernetes.io/enforce", "baseline")]);
    let args = |rate| ["-n", &namespace, "-o", "json", "--only", "@pss-baseline", "--rate", rate];
    let at = |user: &str, rate| {
        let user = User::named(user, &["system:masters"]);
        outcomes(&prove(cluster, &user, "rate", &args(rate))).len()
    };
    let sent = |user: &str| {
        let mut events = writes(cluster, user);
        events.retain(|event| event["userAgent"].as_str().unwrap().ends_with(" canary"));
        arrivals(&events)
    };
    let n = at("fast", "10000");
    let fast = sent("fast");
    assert!(n >= 8 && fast.len() > n, "{} requests for {n}", fast.len());
    let span = |times: &[f64]| times[times.len() - 1] - times[0];
    // The first goes at once, each other a quarter of a second after the one before.
    at("slow", "4");
    let slow = sent("slow");
    assert_eq!(slow.len(), fast.len());
    let least = 0.25 * (slow.len() as f64 - 1.0);
    // What is under way may take longer than what follows, but never by so much.
    let late = 0.25;
    assert!(span(&slow) >= least - late, "{slow:?}");
    let any_second = |times: &[f64]| {
        let until =
            |start: f64| times.iter().filter(move |time| (start..start + 1.0).contains(*time));
        times.iter().map(|start| until(*start).count()).max().unwrap()
    };
    println!(
        "4 a second: {} requests in {:.2} s, at most {} within one",
        slow.len(),
        span(&slow),
        any_second(&slow)
    );
    assert!(any_second(&slow) <= 6, "{slow:?}");
    assert!(any_second(&fast) > 6, "without a limit: the test shows nothing: {fast:?}");
    let refused = prove(cluster, &User::admin(), "none", &args("0"));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    held(cluster, &args("10000"), n);
}

/// A server that is busy says for how long, and is asked nothing until then.
fn held(cluster: &Cluster, args: &[&str], n: usize) {
    let proxy = cluster.proxy();
    let pods = format!("/api/v1/namespaces/{}/pods", args[1]);
    let pods: &'static str = Box::leak(pods.into_boxed_str());
    let busy = Effect::Status { code: 429, retry_after: 3 };
    let user = User::named("held", &["system:masters"]);
    let kubeconfig = cluster.kubeconfig_through(&proxy, &user);
    let run = |times| {
        proxy.set(&[Fault { path: pods, watch: None, effect: busy, times }]);
        let all = [&["prove", "cluster:", "--kubeconfig", kubeconfig.to_str().unwrap()], args];
        let state = folder("held");
        let run = run_with_state(&state, &state, &all.concat(), "");
        let seen = proxy.take_requests();
        let n_sent = seen.iter().filter(|it| it.method == "POST" && it.uri.contains("dryRun=All"));
        (outcomes(&run), n_sent.count())
    };
    let (told, n_sent) = run(1);
    assert_eq!(told.len(), n);
    let untried = |told: &BTreeMap<(String, String), Value>| {
        told.values().filter(|result| result["outcome"] == "untried").count()
    };
    assert_eq!(untried(&told), 0, "{told:?}");
    let mut events = writes(cluster, "held");
    events.retain(|event| event["userAgent"].as_str().unwrap().ends_with(" canary"));
    // The one that was refused by the proxy came to no log.
    assert_eq!(events.len() + 1, n_sent);
    let times = arrivals(&events);
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = pauses.fold(0.0, f64::max);
    let before = times.iter().filter(|time| **time < times[0] + 1.0).count();
    println!("after a 429 with Retry-After: 3: {longest:.2} s of rest, {before} were under way");
    // What was under way comes at once; then nothing, for all of it.
    let least = if before < times.len() { 2.5 } else { 0.0 };
    assert!(longest >= least && before <= 8, "{times:?}");
}
