//! `cargo xtask bench-audit [GB]`: `access minimize` of the release binary over a stream of
//! audit events that stands on no disk, beside audit2rbac where it is installed.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::find;
use crate::root;

/// Events of a pass; more than those over which the product knows an audit id again.
const N_EVENTS: usize = 100_000;
/// How much memory a log of any size may take.
const MOST_MB: f64 = 128.0;
/// What stands where a number is written anew for each pass.
const NUMBER: &str = "0123456789abcdef";
/// Who is asked about: one of many.
const ACCOUNT: (&str, &str) = ("team-07", "ci");

pub(crate) fn run(gigabytes: u64) -> Result<()> {
    let ironhull = root()?.join("target/dist/ironhull");
    ironhull.metadata().context("build the release binary first: make bench")?;
    let mut stream = Stream::new();
    let folder = std::env::temp_dir().join(format!("ironhull-bench-audit-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let estate = folder.join("estate.yaml");
    std::fs::write(&estate, ESTATE)?;
    let (estate, subject) =
        (estate.display().to_string(), format!("sa:{}/{}", ACCOUNT.0, ACCOUNT.1));
    println!("{:>7}  {:<12} {:>9} {:>9} {:>9}", "GB", "tool", "seconds", "MB/s", "MB");
    let bytes = gigabytes * 1_000_000_000;
    let args = ["access", "minimize", &subject, &estate, "--audit", "-"];
    let memory = line(gigabytes as f64, "ironhull", &ironhull, &args, &mut stream, bytes)?;
    // As fast as anybody can have it.
    let bare = bytes.min(1_000_000_000);
    line(bare as f64 / 1e9, "cat", Path::new("cat"), &[], &mut stream, bare)?;
    // It keeps every event of the subject, so it gets no more.
    let theirs = bytes.min(1_000_000_000);
    match find("audit2rbac") {
        Some(peer) => {
            let account = format!("{}:{}", ACCOUNT.0, ACCOUNT.1);
            let args = ["--filename", "-", "--serviceaccount", &account];
            line(theirs as f64 / 1e9, "audit2rbac", &peer, &args, &mut stream, theirs)?;
        }
        None => println!("{:>7}  {:<12} not installed: make peers", "", "audit2rbac"),
    }
    _ = std::fs::remove_dir_all(folder);
    if memory > MOST_MB {
        bail!("{memory:.0} MB for {gigabytes} GB of audit log, and not at most {MOST_MB}");
    }
    Ok(())
}

/// Runs a tool over so many bytes and prints what it took; gives its peak of MB.
fn line(
    gigabytes: f64,
    tool: &str,
    program: &Path,
    args: &[&str],
    stream: &mut Stream,
    bytes: u64,
) -> Result<f64> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let mut input = child.stdin.take().context("piped")?;
    let started = Instant::now();
    let memory = std::thread::scope(|scope| {
        let fed = scope.spawn(move || stream.write(&mut input, bytes));
        let memory = watch(&mut child);
        fed.join().ok().context("the stream panicked")??;
        memory
    })?;
    let time = started.elapsed().as_secs_f64();
    let rate = bytes as f64 / 1e6 / time;
    println!("{gigabytes:>7.1}  {tool:<12} {time:>9.1} {rate:>9.0} {memory:>9.1}");
    Ok(memory)
}

/// The most memory of a process until it ends, in MB.
fn watch(child: &mut Child) -> Result<f64> {
    let path = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = high.and_then(|high| high.split_whitespace().next()?.parse::<f64>().ok());
            peak = peak.max(kib.unwrap_or_default() / 1024.0);
        }
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("it failed: {status}");
            }
            return Ok(peak);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What the account is bound to.
const ESTATE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: ci, namespace: team-07}]
";

/// Events as an API server writes them: one pass of them, whose ids and names of objects
/// are written anew before each pass, so that nothing comes twice.
struct Stream {
    pass: Vec<u8>,
    numbers: Vec<usize>,
    rng: Rng,
}

impl Stream {
    fn new() -> Self {
        let mut rng = Rng::new(1);
        let mut pass = Vec::new();
        for _ in 0..N_EVENTS {
            _ = writeln!(pass, "{}", event(&mut rng));
        }
        let text = String::from_utf8_lossy(&pass);
        let numbers = text.match_indices(NUMBER).map(|(at, _)| at).collect();
        Self { pass, numbers, rng }
    }

    /// Writes whole events until there are so many bytes. A program that reads no more
    /// has ended, which its caller sees.
    fn write(&mut self, to: &mut impl Write, bytes: u64) -> Result<()> {
        let mut left = bytes;
        while left > 0 {
            for &at in &self.numbers {
                let number = format!("{:016x}", self.rng.bits());
                self.pass[at..at + NUMBER.len()].copy_from_slice(number.as_bytes());
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let whole = match self.pass.get(..most) {
                Some(part) => part.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1),
                None => self.pass.len(),
            };
            if whole == 0 || to.write_all(&self.pass[..whole]).is_err() {
                break;
            }
            left = left.saturating_sub(self.pass.len() as u64);
        }
        Ok(())
    }
}

const RESOURCES: &[(&str, &str, &str)] = &[
    ("", "v1", "pods"),
    ("", "v1", "configmaps"),
    ("", "v1", "secrets"),
    ("", "v1", "services"),
    ("apps", "v1", "deployments"),
    ("apps", "v1", "replicasets"),
    ("batch", "v1", "jobs"),
    ("coordination.k8s.io", "v1", "leases"),
];
const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];

/// Of ten events seven are of level Metadata, two of Request, one of RequestResponse.
fn event(rng: &mut Rng) -> Value {
    let (group, version, resource) = *rng.pick(RESOURCES);
    let verb = *rng.pick(VERBS);
    let namespace = format!("team-{:02}", rng.below(40));
    let name = format!("web-{NUMBER}");
    let named = !matches!(verb, "list" | "watch" | "create");
    let root = if group.is_empty() { "/api".to_owned() } else { format!("/apis/{group}") };
    let path = format!("{root}/{version}/namespaces/{namespace}/{resource}");
    let uri = if named { format!("{path}/{name}") } else { path };
    let user = match rng.below(3) {
        0 => {
            let node = format!("node-{:03}", rng.below(100));
            json!({"username": format!("system:node:{node}"), "groups": ["system:nodes", "system:authenticated"]})
        }
        kind => {
            let account = if kind == 1 { "ci" } else { "operator" };
            json!({
                "username": format!("system:serviceaccount:{namespace}:{account}"),
                "uid": "55295d2b-8a1e-49ba-8488-5c11f647928e",
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
                "extra": {"authentication.kubernetes.io/credential-id": ["JTI=440fa0aa-a6b6-4ae8-82e8-01bfe8e07119"]},
            })
        }
    };
    let mut object = json!({"resource": resource, "namespace": namespace, "apiVersion": version});
    if !group.is_empty() {
        object["apiGroup"] = group.into();
    }
    if named {
        object["name"] = name.clone().into();
    }
    let level =
        ["Metadata", "Request", "RequestResponse"][[0, 0, 0, 0, 0, 0, 0, 1, 1, 2][rng.below(10)]];
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level,
        "auditID": format!("9b4f-{NUMBER}"),
        "stage": "ResponseComplete", "requestURI": uri, "verb": verb, "user": user,
        "sourceIPs": [format!("10.0.{}.{}", rng.below(256), rng.below(256))],
        "userAgent": "kubectl/v1.37.1 (linux/amd64) kubernetes/0f2c1d3", "objectRef": object,
        "responseStatus": {"metadata": {}, "code": if verb == "create" { 201 } else { 200 }},
        "requestReceivedTimestamp": "2026-11-26T01:06:00.123456Z",
        "stageTimestamp": "2026-11-26T01:06:00.128456Z",
        "annotations": {"authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": "RBAC: allowed by RoleBinding \"ci/ci\" of ClusterRole \"edit\" to ServiceAccount \"ci/ci\""},
    });
    if level != "Metadata" {
        event["requestObject"] = body(rng, &name);
    }
    if level == "RequestResponse" {
        event["responseObject"] = body(rng, &name);
    }
    event
}

/// A pod as the API server returns it.
fn body(rng: &mut Rng, name: &str) -> Value {
    let number = rng.below(1000);
    let text = ironhull_testkit::live::pod(rng, number);
    let mut pod: Value = serde_json::from_str(&text).unwrap_or_default();
    pod["metadata"]["name"] = name.into();
    pod
}
