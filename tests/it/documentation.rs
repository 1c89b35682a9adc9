//! The two examples of a managed service's documentation, as they are printed
//! there: what a user is told of them, word for word, and that the corrected
//! policy is judged clean. `UPDATE_EXPECT=1` rewrites the expected texts.

use std::path::{Path, PathBuf};

use ironhull_claims::claims;

use super::cli::{Run, folder, repository, run_with_state};

const POD: &str = "examples/documentation/security-context-demo.yaml";
/// The controls that the pod's rows of requirements are about.
const POD_CONTROLS: &str =
    "@pss-restricted,image-without-digest,inert-capabilities,low-port-as-user,primary-group-root";
const POLICY_CONTROLS: &str = "network-policy-cidr,network-policy-host-network,network-policy-invalid,network-policy-one-family,network-policy-pods-by-range,network-policy-reopened";
const POLICY: &str = "examples/documentation/restrict-instance-metadata.yaml";

/// A folder with its own state in which `check` was run.
struct Session {
    state: PathBuf,
    directory: PathBuf,
}

impl Session {
    fn new(name: &str, directory: &Path) -> Session {
        Session { state: folder(&format!("documentation-{name}")), directory: directory.to_owned() }
    }

    fn run(&self, args: &[&str]) -> Run {
        let args: Vec<&str> = args.iter().copied().chain(["--at", "2026-11-24"]).collect();
        run_with_state(&self.directory, &self.state, &args, "")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.state);
    }
}

/// Compares with `documentation/NAME.txt`.
fn expect(name: &str, text: &str) {
    let path = repository().join("tests/it/documentation").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{} is not what is printed:\n{text}", path.display());
}

#[claims("APP-48")]
#[claims("APP-49")]
#[claims("APP-41")]
#[test]
fn the_pod_is_explained() {
    let session = Session::new("pod", &repository());
    let check = session.run(&["check", POD, "--all", "--only", POD_CONTROLS]);
    assert_eq!(check.code, 1, "{}", check.stderr);
    expect("pod-check", &check.stdout);
    let explained = session.run(&["explain", "Pod/security-context-demo"]).stdout;
    expect("pod-explain", &explained);
    for fact in [
        "uid 1000, by the container's",
        "gid 0, the root group, unless the image's /etc/passwd",
        "other groups  2000 ",
        "volumes       owned by group 2000",
        "none (CapEff 0): the bounding set has 16 with those added (NET_ADMIN, SYS_TIME)",
        "privileged  allowed",
        "baseline    refused: non-default capabilities",
        "restricted  refused: unrestricted capabilities",
        "runAsNonRoot != true",
        "seccompProfile (pod or container",
        "unknown  low-port-as-user",
        "age and vulnerabilities: not asked",
    ] {
        assert!(explained.contains(fact), "not said: {fact}");
    }
    let port = session.run(&["explain", "low-port-as-user/Pod/security-context-demo"]).stdout;
    expect("pod-port", &port);
    assert!(port.contains("ports: [{port: 80, targetPort: 8080}]"), "{port}");
}

#[claims("CLU-51")]
#[test]
fn the_policy_is_explained_in_seven_points() {
    let session = Session::new("policy", &repository());
    let check = session.run(&["check", POLICY, "--all", "--only", POLICY_CONTROLS]);
    assert_eq!(check.code, 1, "{}", check.stderr);
    expect("policy-check", &check.stdout);
    let explained = session.run(&["explain", "NetworkPolicy/restrict-instance-metadata"]).stdout;
    expect("policy-explain", &explained);
    for (point, said) in [
        ("a", "\"10.10.0.0/0#example\" is not a CIDR. A # begins a comment only after a space"),
        ("b", "10.10.0.0/0 means 0.0.0.0/0: every IPv4 address"),
        ("c", "the selected pods lose every IPv6 connection"),
        ("d", "Policies add up and none can deny"),
        (
            "e",
            "in Cilium it does not, so that traffic to the cluster's pods, and to its DNS, is denied",
        ),
        ("f", "It names no namespace: it guards the one it is applied to, and no other"),
        ("g", "Pods on the host network (hostNetwork: true) are not covered"),
    ] {
        assert!(explained.contains(said), "({point}) is not said: {said}\n{explained}");
    }
}

#[claims("CLU-51")]
#[test]
fn the_corrected_policy_passes_and_guards() {
    let estate = folder("estate-corrected");
    let text = std::fs::read_to_string(repository().join(POLICY)).unwrap();
    std::fs::write(
        estate.join("policy.yaml"),
        text.replace("metadata:\n", "metadata:\n  namespace: shop\n"),
    )
    .unwrap();
    std::fs::write(estate.join("ironhull.yaml"), "complete: true\n").unwrap();
    std::fs::write(
        estate.join("shop.yaml"),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  containers:\n  - {name: web, image: 'web:1'}\n",
    )
    .unwrap();
    let session = Session::new("corrected", &estate);
    let about_policies = |session: &Session| -> Vec<String> {
        let json: serde_json::Value =
            serde_json::from_str(&session.run(&["check", ".", "-o", "json"]).stdout).unwrap();
        let ids = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["id"].as_str().unwrap());
        ids.filter(|id| id.starts_with("network-policy") || id.starts_with("instance-metadata"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        about_policies(&session),
        [
            "network-policy-cidr/shop/NetworkPolicy/restrict-instance-metadata/10.10.0.0/0#example",
            "instance-metadata-reachable/Namespace/shop",
            "network-policy-one-family/shop/NetworkPolicy/restrict-instance-metadata/IPv6",
            "network-policy-pods-by-range/shop/NetworkPolicy/restrict-instance-metadata",
        ]
    );
    let names =
        ["network-policy-cidr", "network-policy-one-family", "network-policy-pods-by-range"];
    let fix: Vec<&str> = ["fix"].into_iter().chain(names).chain(["--write"]).collect();
    let fixed = session.run(&fix);
    assert_eq!(fixed.code, 0, "{}{}", fixed.stdout, fixed.stderr);
    expect("policy-fix", &fixed.stdout);
    assert_eq!(about_policies(&session), [""; 0]);
    std::fs::remove_dir_all(estate).unwrap();
}

/// Nothing is known of the files' names or of their values beside the decisive ones.
#[test]
fn other_names_give_the_same_explanation() {
    let estate = folder("estate-renamed");
    let rename = |text: &str| {
        text.replace("restrict-instance-metadata", "guard")
            .replace("10.10.0.0/0#example", "172.20.3.0/0#mine")
    };
    std::fs::write(
        estate.join("p.yaml"),
        rename(&std::fs::read_to_string(repository().join(POLICY)).unwrap()),
    )
    .unwrap();
    let session = Session::new("renamed", &estate);
    session.run(&["check", "p.yaml", "--only", POLICY_CONTROLS]);
    let explained = session.run(&["explain", "NetworkPolicy/guard"]).stdout;
    let expected =
        std::fs::read_to_string(repository().join("tests/it/documentation/policy-explain.txt"))
            .unwrap();
    let renamed = rename(&expected)
        .replace(POLICY.replace("restrict-instance-metadata", "guard").as_str(), "p.yaml")
        .replace("10.10.0.0/0", "172.20.3.0/0");
    assert_eq!(explained, renamed);
    std::fs::remove_dir_all(estate).unwrap();
}
