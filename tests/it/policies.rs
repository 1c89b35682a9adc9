//! Admission policies, driven as people drive them.

use ironhull_claims::claims;
use serde_json::{Value, json};

use crate::cli::{Run, folder, run_in};

const POLICY: &str = r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: registry}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]
  validations:
  - expression: "object.spec.containers.all(c, c.image.startsWith('registry.test/'))"
    messageExpression: "'not ' + object.spec.containers[0].image"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: registry-prod}
spec:
  policyName: registry
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {env: prod}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: labels}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: "Object{metadata: Object.metadata{labels: {'made': 'yes'}}}"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: labels-all}
spec: {policyName: labels}
"#;

const APP: &str = r#"apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    env: prod
    pod-security.kubernetes.io/enforce: baseline
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: "docker.io/nginx:1"}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: small, namespace: shop}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hooks}
webhooks:
- {name: far.example.dev, rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}], namespaceSelector: {matchLabels: {env: dev}}}
- {name: near.example.dev, failurePolicy: Ignore, rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}], namespaceSelector: {matchLabels: {env: prod}}}
"#;

const OURS: &str = "apiVersion: ironhull.dev/v1
kind: Policy
metadata: {name: shop-first}
spec: {controls: [host-path-sensitive], scope: [{namespace: shop}], rung: warn}
";

fn estate(name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    std::fs::write(folder.join("policy.yaml"), POLICY).unwrap();
    std::fs::write(folder.join("app.yaml"), APP).unwrap();
    folder
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
}

#[test]
#[claims("CLU-28", part = "admission policies judge what is there")]
fn a_check_judges_by_the_admission_policies_that_it_finds() {
    let folder = estate("vap-check");
    let run = run_in(&folder, &["check", ".", "-o", "json"], "");
    let report = report(&run);
    let findings = report["findings"].as_array().unwrap();
    let own: Vec<&Value> =
        findings.iter().filter(|finding| finding["control"] == "vap/registry").collect();
    assert_eq!(own.len(), 1, "{}", run.stdout);
    assert_eq!(own[0]["severity"], "high");
    let message = own[0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "the pods it makes: not docker.io/nginx:1, says registry by binding registry-prod"
    );
    assert_eq!(own[0]["pointer"], "/spec/template/spec/containers/0/image");
    // The policy in a file of its own counts as much.
    let alone = run_in(&folder, &["check", "app.yaml", "--only", "vap/registry"], "");
    assert_eq!(alone.code, 2, "no such policy there: {}", alone.stdout);
    let given = ["check", "app.yaml", "--policy", "policy.yaml", "--only", "vap/registry"];
    let given = run_in(&folder, &given, "");
    assert_eq!(given.code, 1, "{}{}", given.stdout, given.stderr);
    assert!(given.stdout.contains("not docker.io/nginx:1"), "{}", given.stdout);
}

#[test]
fn policy_test_runs_cases() {
    let folder = estate("policy-test");
    let suite = |expect: &str| {
        format!(
            "apiVersion: ironhull.dev/v1\nkind: PolicyTest\nmetadata: {{name: registry}}\n\
             policies: [policy.yaml]\nobjects: [app.yaml]\ncases:\n\
             - name: a foreign image\n  expect: {expect}\n  message: not docker.io/a:1\n  \
               result: {{metadata: {{labels: {{made: 'yes'}}}}}}\n  \
               object: {{apiVersion: v1, kind: Pod, metadata: {{name: a, namespace: shop}}, \
               spec: {{containers: [{{name: c, image: 'docker.io/a:1'}}]}}}}\n"
        )
    };
    let run = |text: &str, more: &[&str]| {
        std::fs::write(folder.join("suite.yaml"), text).unwrap();
        run_in(&folder, &[&["policy", "test", "suite.yaml"], more].concat(), "")
    };
    let good = run(&suite("deny"), &[]);
    assert_eq!((good.code, good.stdout.as_str()), (0, "1 case, 0 failed\n"), "{}", good.stderr);
    let bad = run(&suite("allow"), &["-o", "json"]);
    assert_eq!(bad.code, 1, "{}", bad.stdout);
    assert_eq!(report(&bad)["cases"][0]["failure"], "expected allow, came out deny");
    let wrong = run(&suite("deny").replace("made: 'yes'", "made: 'no'"), &[]);
    assert_eq!(wrong.code, 1, "{}", wrong.stdout);
    assert!(wrong.stdout.contains("/metadata/labels/made is \"yes\""), "{}", wrong.stdout);
    // No request is without what its operation has: such a case would prove nothing.
    let of = |operation: &str| {
        suite("deny").replace("  expect", &format!("  operation: {operation}\n  expect"))
    };
    let of_old = |operation: &str| of(operation).replace("  object:", "  oldObject:");
    for (broken, why) in [
        (suite("perhaps"), "expect must be allow"),
        (suite("deny").replace("  message", "  mesage"), "mesage"),
        (of_old("CREATE"), "CREATE has an object and no oldObject"),
        (of("UPDATE"), "UPDATE has an object and an oldObject"),
        (of_old("UPDATE"), "UPDATE has an object and an oldObject"),
        (of("DELETE"), "DELETE has an oldObject and no object"),
        (of_old("CONNECT"), "CONNECT has an object and no oldObject"),
    ] {
        let broken = run(&broken, &[]);
        assert_eq!(broken.code, 2, "{}", broken.stdout);
        let told = &broken.stderr;
        assert!(told.contains("suite.yaml:") && told.contains(why), "{why}: {told}");
    }
    let deleted = run(&of_old("DELETE").replace("expect: deny", "expect: allow"), &[]);
    assert_ne!(deleted.code, 2, "{}", deleted.stderr);
    // In a folder suites are found however they are written, and objects beside them are none.
    std::fs::write(folder.join("suite.yaml"), suite("deny")).unwrap();
    let quoted = suite("allow").replace("kind: PolicyTest", "\"kind\": 'PolicyTest' # cases");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "image": "docker.io/a:1"}]}});
    let as_json = json!({"apiVersion": "ironhull.dev/v1", "kind": "PolicyTest",
        "metadata": {"name": "json"}, "policies": ["../policy.yaml"], "objects": ["../app.yaml"],
        "cases": [{"name": "a foreign image", "expect": "allow", "object": pod}]});
    std::fs::create_dir_all(folder.join("suites/more")).unwrap();
    let quoted = quoted.replace("[policy", "[../../policy").replace("[app", "[../../app");
    std::fs::write(folder.join("suites/more/a.yml"), quoted).unwrap();
    std::fs::write(folder.join("suites/b.json"), as_json.to_string()).unwrap();
    std::fs::write(folder.join("suites/c.json"), "{\"kind\": \"Pod\"}").unwrap();
    let all = run_in(&folder, &["policy", "test", "suites"], "");
    assert_eq!(all.code, 1, "{}{}", all.stdout, all.stderr);
    assert!(all.stdout.ends_with("2 cases, 2 failed\n"), "{}", all.stdout);
    // Beside their policies too; what is broken, or leads nowhere, is told.
    std::fs::write(folder.join("suite.yaml"), suite("deny")).unwrap();
    let beside = run_in(&folder, &["policy", "test", "."], "");
    assert_eq!((beside.code, &*beside.stderr), (1, ""), "{}", beside.stdout);
    assert!(beside.stdout.ends_with("3 cases, 2 failed\n"), "{}", beside.stdout);
    for (file, what) in [("broken.yaml", "a: ["), ("control.yaml", "id: x\nmust: 1\n")] {
        std::fs::write(folder.join(file), what).unwrap();
        let told = run_in(&folder, &["policy", "test", "."], "");
        assert!(told.code == 2 && told.stderr.contains(file), "{}", told.stderr);
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.join("link.yaml")).unwrap();
    let told = run_in(&folder, &["policy", "test", "."], "");
    assert!(told.code == 2 && told.stderr.contains("link.yaml"), "{}", told.stderr);
    std::fs::remove_file(folder.join("link.yaml")).unwrap();
    let named = run_in(&folder, &["policy", "test", "suites/b.json"], "");
    assert_eq!(named.code, 1, "{}{}", named.stdout, named.stderr);
}

#[test]
#[claims("GOV-02", part = "the origin of every rule of a namespace, from file to cluster")]
#[claims("CLU-34", part = "Pod Security, admission policies, webhooks, quotas, network policies")]
fn policy_effective_names_every_rule_and_where_it_stands() {
    let folder = estate("policy-effective");
    std::fs::write(folder.join("ours.yaml"), OURS).unwrap();
    let run = run_in(&folder, &["policy", "effective", "ns/shop", ".", "-o", "json"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let rules = report(&run);
    let shown: Vec<String> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            let text = |name: &str| rule[name].as_str().unwrap().to_owned();
            format!(
                "{} {} = {} [{} {}]",
                text("kind"),
                text("name"),
                text("effect"),
                text("origin"),
                text("place")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Pod Security enforce = baseline:latest [namespace ./app.yaml:7]",
            "Pod Security audit = privileged:latest, unless the API server's configuration says more [cluster the API server's default]",
            "Pod Security warn = baseline:latest, unless the API server's configuration says more [cluster the API server's default]",
            "MutatingAdmissionPolicy labels/labels-all = changes create pods [cluster ./policy.yaml:19]",
            "ValidatingAdmissionPolicy registry/registry-prod = denies create, update pods [cluster ./policy.yaml:1]",
            "validating webhook hooks/near.example.dev = denies create pods; fails open [cluster ./app.yaml:23]",
            "ResourceQuota small = limits what all objects use [namespace ./app.yaml:19]",
            "Ironhull policy shop-first = warn: host-path-sensitive [file ./ours.yaml:1]",
        ]
    );
    // Of a namespace that is not in a fragment nobody knows what selects it.
    let other = run_in(&folder, &["policy", "effective", "ns/other", "."], "");
    assert!(other.stdout.contains("if the namespace's labels say so"), "{}", other.stdout);
    assert!(!other.stdout.contains("shop-first") && !other.stdout.contains("small"));
    assert_eq!(run_in(&folder, &["policy", "effective", "pods/x", "."], "").code, 2);
}
