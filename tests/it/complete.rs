//! What an estate that says it is complete means for a part of it.

use crate::cli::{folder, run_in, run_with_state};

/// `complete: true` is about the directory: a check of one file of it does not
/// take what stands beside the file for missing.
#[test]
fn one_file_of_a_complete_estate_is_a_fragment() {
    let estate = folder("complete");
    std::fs::write(estate.join("ironhull.yaml"), "complete: true\n").unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\nspec:\n  serviceAccountName: web\n  containers: [{name: c, image: 'r.example/a:1'}]\n";
    std::fs::write(estate.join("pod.yaml"), pod).unwrap();
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: x}\n";
    let check = |target: &str| {
        let args = ["check", target, "--only", "service-account-missing", "--all"];
        run_in(&estate, &args, "").stdout
    };
    let missing = "ServiceAccount web does not exist";
    assert!(check(".").contains(missing), "{}", check("."));
    assert!(!check("pod.yaml").contains(missing), "{}", check("pod.yaml"));
    std::fs::write(estate.join("account.yaml"), account).unwrap();
    assert!(!check(".").contains(missing), "{}", check("."));
}

/// Of some kinds nothing is taken out of a dump: that there is none of them is not known.
#[test]
fn a_dump_is_not_complete_for_kinds_that_are_left_out_of_it() {
    let folder = folder("complete-dump");
    let control = |id: &str, kind: &str| {
        format!(
            "id: {id}\nsurface: cluster\ntitle: There is one\nwhy: It is needed.\napplies: Pod\n\
             related: {{all: {{kind: {kind}}}}}\nmust: all.size() > 0\nmessage: there is none\n\
             severity: high\nexamples:\n\
             - given: [{{kind: Pod, spec: {{containers: []}}}}]\n  expect: [{{}}]\n\
             - given: [{{kind: Pod, spec: {{containers: []}}}}, {{kind: {kind}}}]\n  expect: holds\n"
        )
    };
    std::fs::write(folder.join("ironhull.yaml"), "complete: true\n").unwrap();
    std::fs::write(folder.join("a.yaml"), control("needs-service", "Service")).unwrap();
    std::fs::write(folder.join("b.yaml"), control("needs-endpoints", "Endpoints")).unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec: {containers: [{name: c, image: a}]}\n";
    std::fs::write(folder.join("pods.yaml"), pod).unwrap();
    let args = ["check", "dump:pods.yaml", "--config", "ironhull.yaml", "-o", "json"];
    let only = ["--controls", "a.yaml", "--controls", "b.yaml", "--only", "needs-*"];
    let run = run_with_state(&folder, &folder.join("state"), &[&args[..], &only].concat(), "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    let said: Vec<String> = { report["findings"].as_array().into_iter().flatten() }
        .map(|it| {
            format!("{} {}", it["control"].as_str().unwrap(), it["verdict"].as_str().unwrap())
        })
        .collect();
    assert_eq!(said, ["needs-service violated", "needs-endpoints unknown"], "{}", run.stderr);
}
