//! `cargo xtask bench` (`make bench`): the release binary beside its peers on
//! generated estates, best of several runs, with peak memory. Peers that are not
//! installed are named and left out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::root;

pub(crate) mod audit;
pub(crate) mod live;

pub(crate) fn run() -> Result<()> {
    let ironhull = root()?.join("target/dist/ironhull");
    let size = ironhull.metadata().context("build the release binary first: make bench")?.len();
    let folder = std::env::temp_dir().join(format!("ironhull-bench-{}", std::process::id()));
    println!("binary {:.1} MB", size as f64 / 1e6);
    println!("{:>7}  {:<12} {:>9} {:>9}", "objects", "tool", "seconds", "MB");
    let mut ours = Vec::new();
    for n in [1, 100, 1_000, 10_000] {
        let files = generate(&folder.join(n.to_string()), n)?;
        let target = folder.join(n.to_string()).display().to_string();
        let (time, memory) =
            measure(&ironhull, &["check", &target, "--exit-zero"], if n > 1_000 { 3 } else { 7 })?;
        line(n, "ironhull", time, memory);
        ours.push((n, time));
        if n == 1 {
            continue;
        }
        for (tool, args, most) in [
            ("kube-score", vec!["score", "--exit-one-on-warning=false"], 10_000),
            ("trivy", vec!["config", "--skip-check-update", "--quiet"], 1_000),
            ("checkov", vec!["--framework", "kubernetes", "--compact", "--quiet", "-d"], 1_000),
        ] {
            if n > most {
                continue;
            }
            let Some(program) = find(tool) else {
                println!("{n:>7}  {tool:<12} not installed: make peers");
                continue;
            };
            let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            if tool == "kube-score" {
                args.extend(files.iter().cloned())
            } else {
                args.push(target.clone())
            }
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let (theirs, memory) = measure(&program, &args, if n > 100 { 1 } else { 3 })?;
            line(n, tool, theirs, memory);
            println!(
                "{:>7}  {:<12} {:>8.1}x",
                "",
                "ratio",
                theirs.as_secs_f64() / time.as_secs_f64()
            );
        }
    }
    if let [.., (_, thousand), (_, ten_thousand)] = ours.as_slice() {
        println!("x10 objects cost x{:.1}", ten_thousand.as_secs_f64() / thousand.as_secs_f64());
    }
    _ = std::fs::remove_dir_all(folder);
    Ok(())
}

fn line(n: usize, tool: &str, time: Duration, memory: u64) {
    println!("{n:>7}  {tool:<12} {:>9.3} {:>9.1}", time.as_secs_f64(), memory as f64 / 1024.0);
}

fn find(tool: &str) -> Option<PathBuf> {
    let own = root().ok()?.join("target/peers/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(own).chain(std::env::split_paths(&path));
    folders.find_map(|folder| Some(folder.join(tool)).filter(|path| path.is_file()))
}

/// Best time and peak resident memory (KiB) of a program.
fn measure(program: &Path, args: &[&str], runs: usize) -> Result<(Duration, u64)> {
    let (mut best, mut peak) = (Duration::MAX, 0);
    for _ in 0..runs {
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(args)
            .env("XDG_STATE_HOME", std::env::temp_dir().join("ironhull-bench-state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        let status = format!("/proc/{}/status", child.id());
        loop {
            if let Ok(text) = std::fs::read_to_string(&status) {
                let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kib = high.and_then(|high| high.split_whitespace().next()?.parse::<u64>().ok());
                peak = peak.max(kib.unwrap_or_default());
            }
            if child.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        best = best.min(started.elapsed());
    }
    Ok((best, peak))
}

/// Six workloads to two Services and two Roles, one file each, of different shapes.
fn generate(folder: &Path, n: usize) -> Result<Vec<String>> {
    std::fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for index in 0..n {
        let text = match index % 10 {
            0..=5 => workload(index),
            6 | 7 => format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: s{index}, namespace: ns{}}}\nspec:\n  type: {}\n  selector: {{app: a{index}}}\n  ports:\n  - {{port: 80, targetPort: 8080}}\n",
                index % 40,
                if index.is_multiple_of(3) { "NodePort" } else { "ClusterIP" }
            ),
            _ => format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r{index}, namespace: ns{}}}\nrules:\n- apiGroups: [\"\"]\n  resources: [pods, services, configmaps]\n  verbs: [get, list, watch]\n- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, update]\n",
                index % 40
            ),
        };
        let path = folder.join(format!("{index:05}.yaml"));
        std::fs::write(&path, text)?;
        files.push(path.display().to_string());
    }
    Ok(files)
}

fn workload(index: usize) -> String {
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a{index}\n  namespace: ns{}\n  labels: {{app: a{index}}}\nspec:\n  replicas: {}\n  selector:\n    matchLabels: {{app: a{index}}}\n  template:\n    metadata:\n      labels: {{app: a{index}}}\n    spec:\n",
        index % 40,
        1 + index % 3
    );
    if index.is_multiple_of(4) {
        text += "      securityContext:\n        runAsNonRoot: true\n        seccompProfile: {type: RuntimeDefault}\n";
    }
    text += "      containers:\n";
    for container in 0..=index % 2 {
        _ = write!(
            text,
            "      - name: c{container}\n        image: registry.example.com/team/app:{}.{container}\n        ports:\n        - containerPort: 8080\n        env:\n        - name: MODE\n          value: production\n        - name: POD\n          valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}\n        resources:\n          requests: {{cpu: 100m, memory: 128Mi}}\n",
            index % 7
        );
        if index.is_multiple_of(3) {
            text += "        securityContext:\n          allowPrivilegeEscalation: false\n          capabilities: {drop: [ALL]}\n        readinessProbe:\n          httpGet: {path: /ready, port: 8080}\n";
        }
    }
    text
}
