use ironhull_model::Value;

use super::{Level, Pod, Version, describe, evaluate};
use crate::policy::Policy;

fn text(level: Level, version: Version, spec: &str) -> String {
    let spec: Value = serde_json::from_str(spec).unwrap();
    describe(&evaluate(level, version, &Pod { spec: spec.root(), meta: None }))
}

#[test]
fn host_ports_sort_as_strings() {
    let spec = r#"{"containers":[{"name":"a","ports":[{"hostPort":9},{"hostPort":80},{"hostPort":8080},{"hostPort":0}]}]}"#;
    assert_eq!(
        text(Level::Baseline, Version::Latest, spec),
        r#"hostPort (container "a" uses hostPorts 80, 8080, 9)"#
    );
}

#[test]
fn lower_case_all_is_not_all() {
    let spec =
        r#"{"containers":[{"name":"a","securityContext":{"capabilities":{"drop":["all"]}}}]}"#;
    assert!(
        text(Level::Restricted, Version::V1(30), spec).contains(r#"capabilities.drop=["ALL"]"#)
    );
}

#[test]
fn user_namespaces_relax_by_version() {
    let spec = r#"{"hostUsers":false,"containers":[{"name":"a","securityContext":{"procMount":"Unmasked"}}]}"#;
    let says = |level, minor| text(level, Version::V1(minor), spec);
    assert!(
        says(Level::Baseline, 34).contains("procMount") && says(Level::Baseline, 35).is_empty()
    );
    assert!(says(Level::Restricted, 35).contains("procMount"));
    assert!(
        says(Level::Restricted, 34).contains("runAsNonRoot")
            && !says(Level::Restricted, 35).contains("runAsNonRoot")
    );
}

#[test]
fn wrong_labels_fail_as_the_api_server_fails() {
    let labels: Value = serde_json::from_str(
        r#"{"pod-security.kubernetes.io/enforce":"strict","pod-security.kubernetes.io/warn":"x","pod-security.kubernetes.io/audit-version":"v1.05"}"#,
    )
    .unwrap();
    let (policy, wrong) = Policy::of_labels(Some(labels.root()), Policy::PRIVILEGED);
    assert_eq!(policy.enforce.to_string(), "restricted:latest");
    assert_eq!(policy.warn.to_string(), "privileged:latest");
    assert_eq!(wrong.len(), 3);
}
