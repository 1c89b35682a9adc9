//! `dump:PATH`, who still writes with old versions, and what Helm releases hold, on a
//! cluster of their own, so that nothing changes between two looks at it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::{Run, folder, run_with_state};
use super::cluster;

const AT: &str = "2026-11-26";
const VALUE: &str = "value-that-stays-in-helm";

fn check(here: &Path, args: &[&str]) -> Run {
    let state = folder("dump-state");
    let all = ["--at", AT, "-o", "json"];
    run_with_state(here, &state, &[&["check"], args, &all[..]].concat(), "")
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

/// The ids of findings with a verdict, without those over facts that a dump has not.
fn ids(report: &Value, verdict: &str) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["verdict"] == verdict)
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    let mut child = std::process::Command::new("base64")
        .args(["-w", "0"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

/// A Secret as `helm install` makes it.
fn release(namespace: &str, revision: u32, manifest: &str) -> Value {
    let release = json!({
        "name": "web", "namespace": namespace, "version": revision,
        "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "shop", "version": "1.2.3"}, "values": {"password": VALUE}},
        "config": {"password": VALUE}, "manifest": manifest,
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(release.to_string().as_bytes()).unwrap();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": format!("sh.helm.release.v1.web.v{revision}"), "namespace": namespace},
        "stringData": {"release": base64(&encoder.finish().unwrap())},
    })
}

/// The cluster, a namespace with things to find, and a folder with a kubeconfig.
fn filled() -> Option<(Cluster, String)> {
    let cluster = Cluster::start(&Options {
        controller_manager: true,
        api_server_flags: vec!["--runtime-config=resource.k8s.io/v1beta2=true".to_owned()],
        ..Options::default()
    })?;
    let namespace = cluster.namespace("dumped");
    cluster::fill(&cluster, &namespace);
    Some((cluster, namespace))
}

/// Everything that `kubectl` can list.
fn dump(cluster: &Cluster, kubeconfig: &Path, format: &str) -> Vec<u8> {
    let ask = |args: &[&str]| {
        let output = cluster.kubectl(kubeconfig, args, "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let kinds = ask(&["api-resources", "--verbs=list", "-o", "name"]);
    let kinds = String::from_utf8(kinds).unwrap().lines().collect::<Vec<_>>().join(",");
    ask(&["get", &kinds, "-A", "-o", format, "--show-managed-fields"])
}

#[test]
fn a_dump_is_judged_as_the_cluster_it_was_made_of() {
    let Some((cluster, namespace)) = filled() else { return };
    let (cluster, namespace) = (&cluster, namespace.as_str());
    let here = folder("dump");
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let config = kubeconfig.to_str().unwrap();

    let live = report(&check(&here, &["cluster:", "--kubeconfig", config]));
    let mut dumps = Vec::new();
    for format in ["json", "yaml"] {
        let file = here.join(format!("all.{format}"));
        std::fs::write(&file, dump(cluster, &kubeconfig, format)).unwrap();
        assert!(
            std::fs::read_to_string(&file).unwrap().contains("kind: Secret") || format == "json"
        );
        let saved = here.join("saved");
        let run = check(&here, &[&format!("dump:all.{format}"), "--save", saved.to_str().unwrap()]);
        assert!(!run.stdout.contains(cluster::SECRET) && !run.stderr.contains(cluster::SECRET));
        assert_eq!(run.stderr, "");
        dumps.push(report(&run));
    }
    assert_eq!(dumps[0]["findings"], dumps[1]["findings"]);
    let dump = &dumps[0];
    assert_eq!(dump["objects"], live["objects"]);
    let (seen, here_too) = (ids(&live, "violated"), ids(dump, "violated"));
    assert!(here_too.contains(&format!("privileged-container/{namespace}/Deployment/web/web")));
    assert!(here_too.contains(&format!("privileged-container/{namespace}/Deployment/web/debug")));
    assert!(here_too.is_subset(&seen), "{:?}", here_too.difference(&seen).collect::<Vec<_>>());
    // What a list of unknown extent cannot show is unknown, and never missing.
    let unknown = ids(dump, "unknown");
    let lost: Vec<_> = seen.difference(&here_too).filter(|id| !unknown.contains(*id)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    assert!(here_too.len() > 20, "{} of {}", here_too.len(), seen.len());

    // The tree that kubectl makes says what it has all of; its lists name no kinds.
    let tree = here.join("tree");
    let args =
        ["cluster-info", "dump", "-A", "--output-directory", tree.to_str().unwrap(), "-o", "json"];
    let output = cluster.kubectl(&kubeconfig, &args, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(tree.join(namespace).join("pods.json").exists());
    let run = check(&here, &["dump:tree"]);
    assert_eq!(run.stderr, "", "there are lists without objects");
    let found = ids(&report(&run), "violated");
    assert!(found.contains(&format!("privileged-container/{namespace}/Deployment/web/debug")));
    assert!(found.is_subset(&seen), "{:?}", found.difference(&seen).collect::<Vec<_>>());
    let printed = cluster.kubectl(&kubeconfig, &["cluster-info", "dump", "-A"], "");
    std::fs::write(here.join("printed"), printed.stdout).unwrap();
    let printed = ids(&report(&check(&here, &["dump:printed"])), "violated");
    assert!(printed.contains(&format!("privileged-container/{namespace}/Deployment/web/web")));

    let twice = report(&check(&here, &["dump:all.json", "dump:all.json"]));
    assert_eq!(
        twice["findings"].as_array().map(Vec::len),
        dump["findings"].as_array().map(Vec::len)
    );

    let run = check(&here, &["dump:absent"]);
    assert!(run.code == 3 && run.stderr.contains("[IH0101]"), "{}", run.stderr);
    std::fs::write(here.join("bad.yaml"), "apiVersion: v1\nkind: [\n").unwrap();
    let run = check(&here, &["dump:bad.yaml"]);
    assert!(run.code == 3 && run.stderr.contains("bad.yaml:"), "{}", run.stderr);
}

#[test]
fn who_writes_with_old_versions_is_named() {
    let Some((cluster, namespace)) = filled() else { return };
    let (here, namespace) = (folder("writers"), namespace.as_str());
    let class = |name: &str| json!({"apiVersion": "resource.k8s.io/v1beta2", "kind": "DeviceClass", "metadata": {"name": name, "labels": {"a": "b"}}, "spec": {}});
    let path = "/apis/resource.k8s.io/v1beta2/deviceclasses?fieldManager=old-tool";
    cluster.post(&User::admin(), path, &class("by-tool")).expect_success();
    let kubeconfig = cluster.kubeconfig(&User::admin());
    let applied =
        cluster.kubectl(&kubeconfig, &["apply", "-f", "-"], &class("applied").to_string());
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let nightly = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: nightly}\n";
    cluster.create_all(&[release(
        namespace,
        9,
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
    )]);
    cluster.create_all(&[release(namespace, 10, nightly)]);

    let config = kubeconfig.to_str().unwrap();
    let only = ["cluster:", "--kubeconfig", config, "--only", "removed-api"];
    let messages = |report: &Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
    };
    let run = check(&here, &only);
    let all = messages(&report(&run));
    assert!(
        all.iter().any(|said| said.starts_with("old-tool last wrote it on 20")
            && said.contains("resource.k8s.io/v1beta2 DeviceClass is deprecated in v1.36+")),
        "{all:?}"
    );
    assert!(
        all.iter().any(|said| said.starts_with("kubectl-client-side-apply last wrote it on 20")),
        "{all:?}"
    );
    assert!(!all.iter().any(|said| said.starts_with("kubectl apply ")), "said twice: {all:?}");
    assert!(!all.iter().any(|said| said.contains("Helm")));
    let gaps = report(&run)["gaps"].clone();
    assert_eq!(gaps[0]["what"], "what 1 Helm releases installed");
    assert_eq!(gaps[0]["cause"], "notasked");

    let save = here.join("saved");
    let asked = ["--read-helm-releases", "--save", save.to_str().unwrap()];
    let run = check(&here, &[&only[..], &asked].concat());
    let all = messages(&report(&run));
    assert!(
        all.iter().any(|said| said.starts_with(
            "Helm release web (shop 1.2.3) installs nightly: batch/v1beta1 CronJob is not served"
        )),
        "{all:?}"
    );
    assert_eq!(report(&run)["gaps"], json!([]));
    let kept = super::snapshots::uncompressed(&save);
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("nightly") && !holds(VALUE) && !run.stdout.contains(VALUE));
}

/// What a live cluster leaves out is left out of its dump, and told as there.
#[test]
fn what_policies_are_about_and_is_left_out_of_a_dump_is_said() {
    let here = folder("dump-left-out");
    let policy = |group: &str, resource: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": resource},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [resource],
                }]},
                "validations": [{"expression": "has(object.metadata.labels)"}],
            },
        })
    };
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "leader", "namespace": "shop"},
    });
    let gaps = |group: &str, resource: &str| -> Vec<Value> {
        let items = json!([policy(group, resource), lease]);
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        std::fs::write(here.join("all.json"), list.to_string()).unwrap();
        let run = check(&here, &["dump:all.json", "--exit-zero"]);
        let gaps = report(&run)["gaps"].as_array().unwrap().clone();
        gaps.into_iter().filter(|gap| gap["what"].as_str().unwrap().ends_with(" objects")).collect()
    };
    let found = gaps("coordination.k8s.io", "leases");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["what"], "Lease.coordination.k8s.io objects");
    assert_eq!(found[0]["cause"], "notasked");
    assert!(gaps("", "pods").is_empty());
    assert_eq!(gaps("", "endpoints")[0]["what"], "Endpoints objects");
}
