//! What the API server refuses whatever RBAC says, and names that it reads in its own way.

use super::*;

#[test]
fn no_certificate_makes_a_member_of_masters() {
    let all = [rule("*", "*", "*", &[])];
    let masters = bound("ClusterRole", "root", &all, r#"{"kind":"Group","name":"system:masters"}"#);
    let more: Vec<&str> = masters.iter().map(String::as_str).collect();
    let certificates = "certificates.k8s.io";
    let approve = [
        rule(certificates, "certificatesigningrequests", "create", &[]),
        rule(certificates, "certificatesigningrequests/approval", "update", &[]),
        rule(certificates, "signers", "approve", &["kubernetes.io/kube-apiserver-client"]),
    ];
    let snapshot = estate("ClusterRole", &approve, &more);
    let is_masters = |power: &Power| power.to_string() == "group:system:masters";
    with(&snapshot, |paths| {
        assert!(!paths.reached().any(is_masters));
        let path = paths.to(&Power::ClusterAdmin).unwrap();
        assert_eq!(path[0].to.to_string(), "sa:shop/admin", "but who may do all is another");
        assert!(paths.to(&Power::Is(Subject::Group("ops".to_owned()))).is_some());
    });
    let access = Access::new(World::new(&snapshot));
    let escalation = Escalation::new(&access);
    let to = Power::Is(Subject::Group("system:masters".to_owned()));
    assert!(escalation.everybody_to(&to).path(&Subject::user("jane")).is_none());
}

/// The API server compares names as they are: a rule of the empty name grants requests that
/// carry none.
#[test]
fn the_empty_name_is_of_requests_without_a_name() {
    let reached = |rules: &[String]| {
        with(&estate("ClusterRole", rules, &[]), |paths| {
            paths.reached().map(ToString::to_string).collect::<Vec<_>>()
        })
    };
    let empty = |group: &str, resource: &str, verb: &str| rule(group, resource, verb, &[""]);
    for (group, resource, verb) in [
        ("", "secrets", "get"),
        ("", "users", "impersonate"),
        ("", "serviceaccounts", "impersonate"),
        ("", "serviceaccounts/token", "create"),
        ("", "pods/exec", "create"),
        ("", "pods", "patch"),
        ("", "nodes/proxy", "get"),
        ("apps", "deployments", "update"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "update"),
    ] {
        let whole = reached(&[rule(group, resource, verb, &[])]);
        let none = reached(&[empty(group, resource, verb)]);
        assert!(!whole.is_empty() && none.is_empty(), "{verb} {resource}: {whole:?} {none:?}");
    }
    let rewrites = [empty(RBAC, "clusterroles", "escalate"), empty(RBAC, "clusterroles", "patch")];
    assert!(reached(&rewrites).is_empty());
    let group = [rule("", "groups", "impersonate", &["ops"]), empty("", "users", "impersonate")];
    assert!(reached(&group).is_empty(), "a member of a group is some user");
    let applies = [empty("", "pods", "create"), rule("", "pods", "patch", &["x"])];
    assert!(reached(&applies[1..]).is_empty() && !reached(&applies).is_empty());
    for (resource, verb) in [("secrets", "list"), ("secrets", "watch"), ("pods", "create")] {
        let whole = reached(&[rule("", resource, verb, &[])]);
        assert_eq!(reached(&[empty("", resource, verb)]), whole, "{verb} {resource}");
    }
}
