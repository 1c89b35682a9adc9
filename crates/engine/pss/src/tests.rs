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

/// What the API server would not start with is no configuration, and a misspelt
/// exemption is none.
#[test]
fn a_configuration_is_read_strictly() {
    let read = |more: &str| {
        let json = format!(
            r#"{{"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration"{more}}}"#
        );
        let value: ironhull_model::Value = serde_json::from_str(&json).unwrap();
        crate::admission::Configuration::read(value.root()).map(|read| read.exemptions)
    };
    let fine = read(r#","defaults":{"enforce":"baseline"},"exemptions":{"namespaces":["a","b"]}"#);
    assert_eq!(fine.unwrap().namespaces, ["a", "b"]);
    assert!(read(r#","defaults":null,"exemptions":{"usernames":null}"#).is_ok());
    for (more, why) in [
        (r#","exemptions":{"namespace":["a"]}"#, "unknown field \"exemptions.namespace\""),
        (r#","default":{}"#, "unknown field \"default\""),
        (r#","defaults":{"enforced":"baseline"}"#, "unknown field \"defaults.enforced\""),
        (r#","exemptions":{"namespaces":5}"#, "exemptions.namespaces is a integer, not a list"),
        (r#","exemptions":{"namespaces":[5]}"#, "exemptions.namespaces[0] is no text"),
        (
            r#","exemptions":{"usernames":["a","a"]}"#,
            "exemptions.usernames[1]: \"a\" is there twice",
        ),
    ] {
        assert_eq!(read(more).map(|_| ()), Err(why.to_owned()));
    }
}
