//! Every fault of the proxy is seen by a client: the real kubectl.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use ironhull_testkit::cluster::{Cluster, Connections, Effect, Fault, Proxy, User};
use serde_json::json;

const PATH: &str = "/api/v1/namespaces";

fn fault(effect: Effect) -> Fault {
    Fault { path: PATH, watch: None, effect, times: 0 }
}

/// A client behind a proxy of its own.
struct Client<'a> {
    cluster: &'a Cluster,
    proxy: Proxy<'a>,
    kubeconfig: PathBuf,
}

impl<'a> Client<'a> {
    fn new() -> Option<Self> {
        let cluster: &'a Cluster = Cluster::shared()?;
        let proxy = cluster.proxy();
        let kubeconfig = cluster.kubeconfig_through(&proxy, &User::admin());
        Some(Self { cluster, proxy, kubeconfig })
    }

    /// Reads the namespaces: whether that was a success, and what was said.
    fn ask(&self, timeout: &str) -> (bool, String) {
        let timeout = format!("--request-timeout={timeout}");
        let args = ["get", "--raw", PATH, &timeout];
        let output = self.cluster.kubectl(&self.kubeconfig, &args, "");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn fails_with(&self, timeout: &str, expected: &[&str]) {
        let (done, said) = self.ask(timeout);
        assert!(!done && expected.iter().any(|text| said.contains(text)), "{done} {said}");
    }

    fn succeeds(&self) {
        let (done, said) = self.ask("30s");
        assert!(done && said.contains("NamespaceList"), "{said}");
    }
}

#[test]
fn without_faults_the_proxy_is_transparent() {
    let Some(client) = Client::new() else { return };
    client.succeeds();
    let seen = client.proxy.take_requests();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let (method, uri) = (seen[0].method.as_str(), seen[0].uri.as_str());
    assert_eq!((method, uri), ("GET", "/api/v1/namespaces?timeout=30s"));
    assert_eq!(seen[0].user, "testbed-admin");
    assert!(seen[0].user_agent.starts_with("kubectl/"), "{seen:?}");
    assert!(client.proxy.take_requests().is_empty());

    // Who asks is who asks behind it, by certificate and by token. Without either,
    // kubectl would ask for a password.
    let namespace = client.cluster.namespace("behind");
    let users = [
        (User::named("jane", &["developers"]), "jane"),
        (
            User::service_account(&namespace, "default"),
            &format!("system:serviceaccount:{namespace}:default"),
        ),
    ];
    for (user, name) in users {
        let kubeconfig = client.cluster.kubeconfig_through(&client.proxy, &user);
        let output = client.cluster.kubectl(&kubeconfig, &["get", "--raw", PATH], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("User \"{name}\" cannot list")), "{name}: {said}");
    }
}

#[test]
fn answers_come_late() {
    let Some(client) = Client::new() else { return };
    client.proxy.set(&[fault(Effect::Latency(Duration::from_millis(1500)))]);
    let started = Instant::now();
    client.succeeds();
    assert!(started.elapsed() >= Duration::from_millis(1500), "{:?}", started.elapsed());
    client.fails_with("1s", &["Client.Timeout", "context deadline exceeded"]);
}

#[test]
fn answers_are_refusals() {
    let Some(client) = Client::new() else { return };
    for code in [410, 500, 503, 504] {
        client.proxy.set(&[fault(Effect::Status { code, retry_after: 0 })]);
        client.fails_with("30s", &["made by the fault proxy"]);
    }
    // A client waits as long as it is told to, and tries again.
    client.proxy.take_requests();
    let effect = Effect::Status { code: 429, retry_after: 1 };
    client.proxy.set(&[Fault { times: 1, ..fault(effect) }]);
    let started = Instant::now();
    client.succeeds();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(client.proxy.take_requests().len(), 2);
    // Of another path it does not concern.
    client.proxy.set(&[Fault { path: "/apis/", ..fault(effect) }]);
    client.succeeds();
}

#[test]
fn answers_break_off() {
    let Some(client) = Client::new() else { return };
    let reset = ["connection reset by peer", "EOF", "connection lost"];
    let truncated = ["EOF", "stream error", "INTERNAL_ERROR", "connection lost"];
    let silent = ["Client.Timeout", "context deadline exceeded"];
    for after_bytes in [0, 100] {
        for (effect, expected) in [
            (Effect::Reset { after_bytes }, &reset[..]),
            (Effect::Truncate { after_bytes }, &truncated),
            (Effect::HalfOpen { after_bytes }, &silent),
        ] {
            client.proxy.set(&[fault(effect)]);
            let started = Instant::now();
            let (done, said) = client.ask("2s");
            assert!(!done && expected.iter().any(|text| said.contains(text)), "{effect:?}: {said}");
            assert_eq!(said.contains("NamespaceList"), after_bytes > 0, "{effect:?}: {said}");
            let waited = started.elapsed() >= Duration::from_secs(2);
            assert_eq!(waited, matches!(effect, Effect::HalfOpen { .. }), "{effect:?}");
        }
    }
    client.proxy.clear();
    client.succeeds();
}

#[test]
fn a_server_that_is_away_breaks_connections() {
    let Some(cluster) = Cluster::start(&ironhull_testkit::cluster::Options::default()) else {
        return;
    };
    let proxy = cluster.proxy();
    let kubeconfig = cluster.kubeconfig_through(&proxy, &User::admin());
    let client = Client { cluster: &cluster, proxy, kubeconfig };
    client.succeeds();
    cluster.signal("kube-apiserver", "KILL");
    client.fails_with("10s", &["connection reset by peer", "EOF"]);
    cluster.start_again("kube-apiserver");
    client.succeeds();
}

#[test]
fn connections_are_refused_broken_and_stalled() {
    let Some(client) = Client::new() else { return };
    client.proxy.connections(Connections::Refuse);
    client.fails_with("10s", &["connection refused", "connection to the server"]);
    client.proxy.connections(Connections::Reset);
    client.fails_with("10s", &["connection reset by peer", "EOF"]);
    client.proxy.connections(Connections::Stall);
    client.fails_with(
        "2s",
        &["Client.Timeout", "context deadline exceeded", "TLS handshake timeout"],
    );
    client.proxy.connections(Connections::Normal);
    client.succeeds();
}

/// A watch of namespaces that runs: its lines come through the channel.
struct Watch {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Watch {
    fn start(client: &Client<'_>) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testbed/kubebed");
        let mut child = Command::new(program)
            .arg("kubectl")
            .arg("--kubeconfig")
            .arg(&client.kubeconfig)
            .args(["get", "--raw", &format!("{PATH}?watch=true")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let reader = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            reader.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Waits for an event of the namespace; none when none comes in time.
    fn event_of(&self, namespace: &str, patience: Duration) -> Option<String> {
        let name = format!("\"name\":\"{namespace}\"");
        let started = Instant::now();
        while let Some(left) = patience.checked_sub(started.elapsed()) {
            let line = self.lines.recv_timeout(left).ok()?;
            if line.contains(&name) {
                return Some(line);
            }
        }
        None
    }

    /// What it says at its end, which comes by itself.
    fn end(mut self) -> String {
        // It has ended when its output has.
        let ended = loop {
            match self.lines.recv_timeout(SOON) {
                Ok(_) => {}
                Err(error) => break error == RecvTimeoutError::Disconnected,
            }
        };
        if !ended {
            self.child.kill().unwrap();
            panic!("the watch did not end within {SOON:?}");
        }
        self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_watch_is_told_that_its_version_is_gone() {
    let Some(client) = Client::new() else { return };
    client.proxy.set(&[Fault { watch: Some(true), ..fault(Effect::Gone) }]);
    client.succeeds();
    let watch = Watch::start(&client);
    let line = watch.lines.recv_timeout(SOON).unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["type"], "ERROR");
    assert_eq!(
        (&event["object"]["code"], &event["object"]["reason"]),
        (&json!(410), &json!("Expired"))
    );
    watch.end();
}

#[test]
fn a_watch_under_way_breaks() {
    let Some(client) = Client::new() else { return };
    for (effect, expected) in [
        (Effect::Reset { after_bytes: 0 }, ["connection reset by peer", "EOF", "connection lost"]),
        (Effect::Truncate { after_bytes: 0 }, ["EOF", "stream error", "INTERNAL_ERROR"]),
    ] {
        let watch = Watch::start(&client);
        assert!(watch.event_of("default", SOON).is_some());
        client.proxy.strike(&[fault(effect)]);
        let said = watch.end();
        assert!(expected.iter().any(|text| said.contains(text)), "{effect:?}: {said}");
        client.proxy.clear();
    }
}

#[test]
fn a_watch_under_way_falls_silent() {
    let Some(client) = Client::new() else { return };
    let mut watch = Watch::start(&client);
    assert!(watch.event_of("default", SOON).is_some());
    let heard = client.cluster.namespace("heard");
    assert!(watch.event_of(&heard, SOON).is_some());
    client
        .proxy
        .strike(&[Fault { watch: Some(true), ..fault(Effect::HalfOpen { after_bytes: 0 }) }]);
    let unheard = client.cluster.namespace("unheard");
    assert_eq!(watch.event_of(&unheard, Duration::from_secs(2)), None);
    // Still there, still waiting; others are served.
    assert!(watch.child.try_wait().unwrap().is_none());
    client.succeeds();
    watch.child.kill().unwrap();
    watch.end();
}

#[test]
fn connections_under_way_stall_and_go_on() {
    let Some(client) = Client::new() else { return };
    let watch = Watch::start(&client);
    assert!(watch.event_of("default", SOON).is_some());
    client.proxy.strike_connections(Connections::Stall);
    let late = client.cluster.namespace("late");
    assert_eq!(watch.event_of(&late, Duration::from_secs(2)), None);
    client.proxy.clear();
    assert!(watch.event_of(&late, SOON).is_some());
    client.proxy.strike_connections(Connections::Reset);
    let said = watch.end();
    assert!(said.contains("reset") || said.contains("EOF"), "{said}");
}
