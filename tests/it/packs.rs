//! Packs of by-design exceptions: on by themselves, shown by name, switched off
//! by the configuration.

use super::cli::{Run, folder, run_with_state};

const AGENT: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec:
      hostNetwork: true
      serviceAccountName: flannel
      containers:
      - name: kube-flannel
        image: ghcr.io/flannel-io/flannel:v0.28.10
        securityContext: {privileged: true}
";

fn check(config: &str, manifest: &str) -> Run {
    let estate = folder(&format!("packs-{}", config.len() + manifest.len()));
    let state = folder("packs-state");
    std::fs::write(estate.join("agent.yaml"), manifest).unwrap();
    std::fs::write(estate.join("ironhull.yaml"), config).unwrap();
    let run = run_with_state(&estate, &state, &["check", ".", "--at", "2026-11-26"], "");
    std::fs::remove_dir_all(estate).unwrap();
    run
}

#[test]
fn a_pack_accepts_by_name_until_it_is_switched_off() {
    let accepted = check("", AGENT);
    assert_eq!(accepted.code, 0, "{}{}", accepted.stdout, accepted.stderr);
    assert!(
        accepted.stdout.contains("DaemonSet kube-flannel-ds")
            && accepted.stdout.contains("by-design pack flannel, review 2027-05-24, ironhull"),
        "{}",
        accepted.stdout
    );
    assert_eq!(check("packs: [flannel]\n", AGENT).code, 0);
    for off in ["packs: []\n", "packs: [calico]\n"] {
        let run = check(off, AGENT);
        assert_eq!(run.code, 1, "{}", run.stdout);
        assert!(!run.stdout.contains("ACCEPTED"), "{}", run.stdout);
    }
    let misspelt = check("packs: [flanel]\n", AGENT);
    assert_eq!(misspelt.code, 2);
    assert!(misspelt.stderr.contains("did you mean \"flannel\"?"), "{}", misspelt.stderr);
}

#[test]
fn a_look_alike_is_not_accepted() {
    for (what, with) in [
        ("ghcr.io/flannel-io/flannel", "registry.example/flannel-io/flannel"),
        ("serviceAccountName: flannel", "serviceAccountName: other"),
    ] {
        let run = check("", &AGENT.replace(what, with));
        assert_eq!(run.code, 1, "{with}: {}", run.stdout);
    }
}
