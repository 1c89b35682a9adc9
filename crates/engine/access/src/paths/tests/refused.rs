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
