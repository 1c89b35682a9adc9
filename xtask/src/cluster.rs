//! A real Kubernetes to try things on, with `examples/shop` applied.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use ironhull_testkit::cluster::{Cluster, Options, User};

/// Starts it, and runs `command` with `KUBECONFIG` set; without one, waits until
/// standard input ends. Interrupting this ends the cluster too.
pub(crate) fn run(command: &[&str]) -> Result<()> {
    let options =
        Options { controller_manager: true, scheduler: true, nodes: 2, ..Options::default() };
    let cluster = Cluster::start(&options).context("no Kubernetes is built: make testbed")?;
    let kubeconfig = cluster.kubeconfig(&User::admin());
    println!(
        "A real Kubernetes runs. Into it goes examples/shop; what its API server refuses of it,"
    );
    println!("because the shop is wrong in that, is said in the server's words:");
    apply_shop(&cluster, &kubeconfig)?;
    let Some((program, args)) = command.split_first() else {
        println!("export KUBECONFIG={}", kubeconfig.display());
        println!("target/testbed/kubebed kubectl get pods -A");
        println!("It runs until Enter is pressed.");
        std::io::stdin().read_line(&mut String::new())?;
        return Ok(());
    };
    let status = Command::new(program)
        .args(args)
        .env("KUBECONFIG", &kubeconfig)
        .status()
        .with_context(|| format!("failed to start {program}"))?;
    if !status.success() {
        bail!("{program}: {status}");
    }
    Ok(())
}

/// Applies what of the shop this API server takes, and says what it refuses. Its
/// hardened twin has the same names.
fn apply_shop(cluster: &Cluster, kubeconfig: &Path) -> Result<()> {
    let mut files = Vec::new();
    let root = crate::root()?;
    manifests(&root.join("examples/shop"), &mut files)?;
    // Namespaces come before what is in them, and webhooks, which nobody answers
    // here, after everything that they would stop.
    files.sort_by_key(|file| {
        let path = file.display().to_string();
        (path.contains("webhook"), !path.contains("namespaces"), path)
    });
    for file in files {
        let path = file.display().to_string();
        let output = cluster.kubectl(kubeconfig, &["apply", "--server-side", "-f", &path], "");
        let applied = String::from_utf8_lossy(&output.stdout).lines().count();
        let said = String::from_utf8_lossy(&output.stderr);
        let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        println!("{shown}: {applied} applied");
        for line in said.lines().filter(|line| !line.starts_with("ensure CRDs")) {
            println!("  {}", line.replace(&path, &shown));
        }
    }
    Ok(())
}

fn manifests(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_manifest =
            path.extension().is_some_and(|ending| ending == "yaml" || ending == "json")
                && path.file_name().is_some_and(|name| name != "ironhull.yaml");
        if path.is_dir() {
            manifests(&path, files)?;
        } else if is_manifest {
            files.push(path);
        }
    }
    Ok(())
}
