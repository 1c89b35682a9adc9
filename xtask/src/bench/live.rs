//! `cargo xtask bench-cluster` (`make bench-cluster`): the release binary on real API
//! servers with many objects, beside bare lists of the same kinds.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ironhull_testkit::cluster::{Cluster, Estate, Options, User};
use serde_json::{Value, json};

use super::{line, measure};
use crate::root;

/// How many requests are under way at once: as many as the product has.
const AT_ONCE: usize = 6;
/// Objects of a page: as many as the product asks for.
const PAGE: usize = 500;
/// How often the snapshot is judged; the best counts.
const SNAPSHOT_RUNS: usize = 7;
/// A control of a kind that no estate here has.
const ABOUT_NOTHING: &str = "reference-grant-data";
/// How many pods are made while it is watched.
const CHANGES: usize = 15;
/// Canaries of pods and of what stands beside them in namespaces.
const CANARIES: &str = "@pss-restricted,run-as-root,secret-literal,image-tag-mutable,image-short-name,\
                        image-without-digest,read-only-root-filesystem,node-port-service,service-external-ips,\
                        ingress-snippets,ingress-tls,ingress-wildcard-host,memory-limit,cpu-limit,resource-requests,\
                        default-account-rights,individual-binding,runtime-socket,host-path-sensitive,ssh-port-exposed,\
                        token-lifetime,service-account-token-mounted,system-priority,tolerates-every-taint";

pub(crate) fn run() -> Result<()> {
    let ironhull = root()?.join("target/dist/ironhull");
    ironhull.metadata().context("build the release binary first: make bench-cluster")?;
    println!("{:>7}  {:<12} {:>9} {:>9}", "pods", "what", "seconds", "MB");
    let small = Estate { pods: Estate::LARGE.pods / 10, ..Estate::LARGE };
    let mut ours = Vec::new();
    for estate in [small, Estate::LARGE] {
        let cluster =
            Cluster::start(&Options::default()).context("no Kubernetes is built: make testbed")?;
        cluster.fill(&estate);
        let kubeconfig = cluster.kubeconfig(&User::admin());
        ours.push(check(&ironhull, &cluster, &kubeconfig, estate.pods)?);
        if estate.pods == Estate::LARGE.pods {
            watch(&ironhull, &cluster, &kubeconfig, estate.pods)?;
            prove(&ironhull, &kubeconfig, estate.pods)?;
        }
    }
    println!("x10 pods cost x{:.1}", ours[1].as_secs_f64() / ours[0].as_secs_f64());
    Ok(())
}

fn check(ironhull: &Path, cluster: &Cluster, kubeconfig: &Path, pods: usize) -> Result<Duration> {
    let bare = (0..3).map(|_| lists(cluster)).min().unwrap_or_default();
    line(pods, "bare lists", bare, 0);
    let config = kubeconfig.display().to_string();
    let saved = std::env::temp_dir().join(format!("ironhull-bench-{}.ihs", std::process::id()));
    let saved = saved.display().to_string();
    let live = ["check", "cluster:", "--kubeconfig", &config, "--exit-zero", "--save", &saved];
    let (time, memory) = measure(ironhull, &live[..5], 3)?;
    line(pods, "check", time, memory);
    println!("{:>7}  {:<12} {:>8.1}x", "", "of bare", time.as_secs_f64() / bare.as_secs_f64());
    measure(ironhull, &live, 1)?;
    let snapshot = format!("snapshot:{saved}");
    let whole = ["check", &snapshot, "--exit-zero"];
    let (whole_time, memory) = measure(ironhull, &whole, SNAPSHOT_RUNS)?;
    line(pods, "the snapshot", whole_time, memory);
    line(pods, "its judging", judging(ironhull, &whole, whole_time)?, 0);
    _ = std::fs::remove_file(saved);
    Ok(time)
}

/// What judging is of the time that a check takes: what is left without the same check
/// by one control that has nothing to judge there.
fn judging(ironhull: &Path, check: &[&str], time: Duration) -> Result<Duration> {
    let by_one = [check, &["--only", ABOUT_NOTHING]].concat();
    let output = Command::new(ironhull)
        .args([&by_one[..], &["-o", "json"]].concat())
        .env("XDG_STATE_HOME", std::env::temp_dir().join("ironhull-bench-state"))
        .output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    anyhow::ensure!(
        report["summary"]["controls"] == 1 && report["summary"]["notApplicable"] == 1,
        "{ABOUT_NOTHING} has something to judge, so that reading cannot be told from judging"
    );
    let (reading, _) = measure(ironhull, &by_one, SNAPSHOT_RUNS)?;
    Ok(time.saturating_sub(reading))
}

/// How long after a pod is made its finding is told.
fn watch(ironhull: &Path, cluster: &Cluster, kubeconfig: &Path, pods: usize) -> Result<()> {
    let mut child = Command::new(ironhull)
        .args(["check", "cluster:", "--watch", "-o", "json", "--kubeconfig"])
        .arg(kubeconfig)
        .env("XDG_STATE_HOME", std::env::temp_dir().join("ironhull-bench-state"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    lines.next().context("no report")??;
    let namespace = cluster.namespace("bench");
    // Nobody makes it here, and without it no pod is admitted.
    cluster.create_all(&[json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": namespace},
    })]);
    let mut took = Vec::new();
    for index in 0..CHANGES {
        let name = format!("change-{index}");
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": {"automountServiceAccountToken": false, "containers": [{
                "name": "c", "image": "registry.example/a:1", "securityContext": {"privileged": true},
            }]},
        });
        let started = Instant::now();
        let answer = cluster.create(&User::admin(), &pod);
        anyhow::ensure!(answer.is_success(), "{}", answer.message());
        for told in lines.by_ref() {
            let change: Value = serde_json::from_str(&told?)?;
            let added = change["added"].as_array().into_iter().flatten();
            if added.into_iter().any(|finding| finding["subject"]["name"] == *name) {
                break;
            }
        }
        took.push(started.elapsed());
    }
    took.sort();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let high = high.and_then(|high| high.split_whitespace().next()?.parse().ok());
    line(pods, "watch: a pod", took[took.len() / 2], high.unwrap_or_default());
    line(pods, "the slowest", took[took.len() - 1], 0);
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn prove(ironhull: &Path, kubeconfig: &Path, pods: usize) -> Result<()> {
    let config = kubeconfig.display().to_string();
    let args = ["prove", "cluster:", "--kubeconfig", &config, "--fail-on", "never", "--only"];
    let args = [&args[..], &[CANARIES, "-o", "json"]].concat();
    let started = Instant::now();
    let output = Command::new(ironhull).args(args).output()?;
    line(pods, "prove", started.elapsed(), 0);
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let n = |field: &str| report[field].as_array().map_or(0, Vec::len);
    println!("{:>7}  {} canaries, {} proofs", "", n("canaries"), n("results"));
    Ok(())
}

/// Lists everything that can be listed, page by page, and keeps nothing of it.
fn lists(cluster: &Cluster) -> Duration {
    let admin = User::admin();
    let collections = collections(cluster);
    let started = Instant::now();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(path) =
                    collections.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let mut rest = String::new();
                    loop {
                        let page = cluster.get(&admin, &format!("{path}?limit={PAGE}{rest}"));
                        let token = page.body["metadata"]["continue"].as_str().unwrap_or_default();
                        if token.is_empty() {
                            break;
                        }
                        rest = format!("&continue={token}");
                    }
                }
            });
        }
    });
    started.elapsed()
}

/// The paths of all kinds that are listed, without occurrences and heartbeats.
fn collections(cluster: &Cluster) -> Vec<String> {
    const LEFT_OUT: [&str; 6] = [
        "events",
        "leases",
        "endpoints",
        "componentstatuses",
        "controllerrevisions",
        "replicasets",
    ];
    let mut paths = cluster.collections();
    paths.retain(|path| !path.rsplit('/').next().is_some_and(|name| LEFT_OUT.contains(&name)));
    paths
}
