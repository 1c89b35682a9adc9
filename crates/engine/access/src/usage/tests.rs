use std::sync::Arc;

use ironhull_model::{Minor, Object, Snapshot, World};

use super::{Usage, Used};
use crate::{Access, Identity, Subject};

fn used<'u>(verb: &'u str, resource: &'u str, namespace: &'u str, name: &'u str) -> Used<'u> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let namespace = (!namespace.is_empty()).then_some(namespace);
    Used::Resource { verb, group: "", resource, subresource, namespace, name }
}

/// The rules as JSON, each after its place.
fn minimal(uses: &[Used<'_>]) -> Vec<String> {
    let mut usage = Usage::new(2);
    uses.iter().for_each(|used| usage.add(used));
    let subject = Subject::account("shop", "ci");
    let roles = usage.minimal();
    let mut shown = Vec::new();
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    for role in &roles {
        let documents = role.documents("m", &subject);
        let rules = documents[0].root().get("rules").unwrap();
        let place = role.namespace().unwrap_or("*");
        shown.extend(rules.items().map(|rule| format!("{place} {}", rule.to_json())));
        let objects = documents.into_iter().map(|value| Object::new(value, None).unwrap());
        snapshot.objects.extend(objects.map(Arc::new));
    }
    snapshot.seal();
    let access = Access::new(World::new(&snapshot));
    let who = Identity::of(&subject);
    assert!(uses.iter().all(|used| used.is_allowed(&access, &who)), "{shown:?}");
    let other = Identity::of(&Subject::account("shop", "other"));
    assert!(!uses.iter().any(|used| used.is_allowed(&access, &other)));
    shown
}

#[test]
fn names_are_kept_where_they_are_few_and_the_verb_takes_them() {
    let one = used("get", "secrets", "shop", "a");
    let rule = |names: &str, verbs: &str| {
        format!(r#"shop {{"apiGroups":[""],"resources":["secrets"],{names}"verbs":[{verbs}]}}"#)
    };
    assert_eq!(minimal(&[one]), [rule(r#""resourceNames":["a"],"#, r#""get""#)]);
    let two = used("get", "secrets", "shop", "b");
    assert_eq!(minimal(&[two, one]), [rule(r#""resourceNames":["a","b"],"#, r#""get""#)]);
    let three = used("get", "secrets", "shop", "c");
    assert_eq!(minimal(&[one, two, three]), [rule("", r#""get""#)], "too many");
    let unnamed = used("list", "secrets", "shop", "");
    assert_eq!(minimal(&[unnamed]), [rule("", r#""list""#)]);
    let create = used("create", "secrets", "shop", "");
    assert_eq!(minimal(&[create]), [rule("", r#""create""#)]);
    let all = used("deletecollection", "secrets", "shop", "a");
    assert_eq!(minimal(&[all]), [rule("", r#""deletecollection""#)]);
    let update = used("update", "secrets", "shop", "a");
    let both = rule(r#""resourceNames":["a"],"#, r#""get","update""#);
    assert_eq!(minimal(&[update, one]), [both]);
}

#[test]
fn names_that_controllers_give_are_not_kept() {
    let exec = used("create", "pods/exec", "shop", "web-6756df7f74-fptb8");
    let rule = r#"shop {"apiGroups":[""],"resources":["pods/exec"],"verbs":["create"]}"#;
    assert_eq!(minimal(&[exec]), [rule]);
    let token = used("create", "serviceaccounts/token", "shop", "web");
    let rule = r#"shop {"apiGroups":[""],"resources":["serviceaccounts/token"],"resourceNames":["web"],"verbs":["create"]}"#;
    assert_eq!(minimal(&[token]), [rule], "the path of a subresource has its object's name");
}

#[test]
fn what_is_granted_everywhere_is_not_granted_once_more() {
    let everywhere = used("list", "pods", "", "");
    let here = used("list", "pods", "shop", "");
    let rule = r#"* {"apiGroups":[""],"resources":["pods"],"verbs":["list"]}"#;
    assert_eq!(minimal(&[here, everywhere]), [rule]);
    let there = used("list", "pods", "bank", "");
    assert_eq!(minimal(&[here, there]).len(), 2, "a role for each namespace");
}

#[test]
fn resources_that_are_used_alike_share_a_rule() {
    let uses = [used("list", "pods", "shop", ""), used("list", "services", "shop", "")];
    let rule = r#"shop {"apiGroups":[""],"resources":["pods","services"],"verbs":["list"]}"#;
    assert_eq!(minimal(&uses), [rule]);
}

#[test]
fn paths_are_bounded() {
    let url = |path| Used::Url { verb: "get", path };
    let rule = r#"* {"nonResourceURLs":["/metrics"],"verbs":["get"]}"#;
    assert_eq!(minimal(&[url("/metrics"), url("/metrics")]), [rule]);
    let paths: Vec<String> = (0..1000).map(|number| format!("/a/{number}")).collect();
    let uses: Vec<Used<'_>> = paths.iter().map(|path| url(path)).collect();
    let shown = minimal(&uses);
    assert!(shown[0].len() < 4000 && shown[0].contains("/a/*"), "{shown:?}");
    let paths: Vec<String> = (0..1000).map(|number| format!("/{number}/x")).collect();
    let uses: Vec<Used<'_>> = paths.iter().map(|path| url(path)).collect();
    assert_eq!(minimal(&uses), [r#"* {"nonResourceURLs":["*"],"verbs":["get"]}"#]);
}

/// What is kept of rules for a request: verb, group and resource with its subresource.
fn kept(rules: &str, (verb, group, full): (&str, &str, &str)) -> Vec<String> {
    kept_by("ClusterRole", rules, (verb, group, full))
}

fn kept_by(kind: &str, rules: &str, (verb, group, full): (&str, &str, &str)) -> Vec<String> {
    let object =
        |json: String| Arc::new(Object::new(serde_json::from_str(&json).unwrap(), None).unwrap());
    let place = if kind == "Role" { r#","namespace":"shop""# } else { "" };
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.objects.push(object(format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"{kind}","metadata":{{"name":"r"{place}}},"rules":[{rules}]}}"#
    )));
    snapshot.objects.push(object(format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"{kind}Binding","metadata":{{"name":"b"{place}}},"roleRef":{{"kind":"{kind}","name":"r"}},"subjects":[{{"kind":"ServiceAccount","namespace":"shop","name":"ci"}}]}}"#
    )));
    snapshot.seal();
    let access = Access::new(World::new(&snapshot));
    let mut usage = Usage::new(2);
    let (resource, subresource) = full.split_once('/').unwrap_or((full, ""));
    let (namespace, name) = (None, "one");
    usage.add(&Used::Resource { verb, group, resource, subresource, namespace, name });
    let kept = usage.keep_unseen(&access, &Subject::account("shop", "ci"));
    kept.into_iter().collect()
}

/// What is asked for inside of requests is in no log.
#[test]
fn what_no_request_shows_is_kept() {
    let certificates = "certificates.k8s.io";
    let approval = ("update", certificates, "certificatesigningrequests/approval");
    let status = ("patch", certificates, "certificatesigningrequests/status");
    let looks = ("get", certificates, "certificatesigningrequests");
    let signers = r#"{"apiGroups":["certificates.k8s.io"],"resources":["signers"],"resourceNames":["a.example/*"],"verbs":["approve","sign"]}"#;
    assert_eq!(kept(signers, approval), ["approve signers.certificates.k8s.io"]);
    assert_eq!(kept(signers, status), ["sign signers.certificates.k8s.io"]);
    assert!(kept(signers, looks).is_empty());
    let all = r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}"#;
    assert_eq!(kept(all, approval), ["approve signers.certificates.k8s.io"]);
    let custom = r#"{"apiGroups":["example.dev"],"resources":["vaults/unseal"],"verbs":["use","get","impersonate"]}"#;
    assert_eq!(kept(custom, looks), ["use vaults/unseal.example.dev"]);
    // Of a verb that is asked for elsewhere too.
    let attests = r#"{"apiGroups":["authentication.k8s.io"],"resources":["admissionReviewAPIGroups"],"verbs":["attest"]}"#;
    assert_eq!(kept(attests, looks), ["attest admissionReviewAPIGroups.authentication.k8s.io"]);
}

/// Ordinary verbs, which a log shows of requests only.
#[test]
fn ordinary_rights_that_no_request_shows_are_kept() {
    let admission = "admissionregistration.k8s.io";
    let reads = r#"{"apiGroups":[""],"resources":["configmaps","pods/log"],"verbs":["get","list","watch"]}"#;
    let one = r#"{"apiGroups":[""],"resources":["configmaps"],"resourceNames":["one"],"verbs":["get","list"]}"#;
    for policy in ["validatingadmissionpolicies", "mutatingadmissionpolicies"] {
        assert_eq!(kept(reads, ("create", admission, policy)), ["get configmaps"]);
        assert!(kept(reads, ("delete", admission, policy)).is_empty());
        assert!(kept(one, ("patch", admission, policy)).is_empty(), "it is asked of all");
        assert!(kept_by("Role", reads, ("patch", admission, policy)).is_empty(), "everywhere");
    }
    let both = ["get configmaps", "list configmaps"];
    for binding in ["validatingadmissionpolicybindings", "mutatingadmissionpolicybindings"] {
        assert_eq!(kept(one, ("update", admission, binding)), both);
        assert_eq!(kept_by("Role", reads, ("update", admission, binding)), both);
    }
    let all = r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}"#;
    assert_eq!(kept(all, ("create", admission, "validatingadmissionpolicies")), ["get *.*"]);

    let claims = "resource.k8s.io";
    let binds = r#"{"apiGroups":["resource.k8s.io"],"resources":["resourceclaims/binding"],"verbs":["update","patch"]}"#;
    let parts =
        r#"{"apiGroups":["*"],"resources":["*/binding"],"verbs":["update","patch","create"]}"#;
    for rules in [binds, parts, all] {
        let found = kept(rules, ("update", claims, "resourceclaims/status"));
        assert_eq!(found, ["update resourceclaims/binding.resource.k8s.io"]);
        let found = kept(rules, ("patch", claims, "resourceclaims/status"));
        assert_eq!(found, ["patch resourceclaims/binding.resource.k8s.io"]);
    }
    assert!(kept(binds, ("update", claims, "resourceclaims")).is_empty());

    let owner = r#"{"apiGroups":["example.dev"],"resources":["shops/finalizers","shops"],"verbs":["update","patch"]}"#;
    assert_eq!(kept(owner, ("create", "", "pods")), ["update shops/finalizers.example.dev"]);
    assert!(kept(owner, ("get", "", "pods")).is_empty());
    assert!(kept(all, ("create", "", "pods")).is_empty());
}

#[test]
fn a_rule_of_many_names_is_kept_in_time() {
    let names: Vec<String> = (0..20_000).map(|number| format!("\"n{number}\"")).collect();
    let resources: Vec<String> = (0..500).map(|number| format!("\"r{number}\"")).collect();
    let rule = format!(
        r#"{{"apiGroups":["a","b"],"resources":[{}],"resourceNames":[{}],"verbs":["use"]}}"#,
        resources.join(","),
        names.join(",")
    );
    // 20 million names, of which three of each resource say that all are meant.
    assert_eq!(kept(&rule, ("get", "", "pods")).len(), 1_000);
}

/// Who took four groups was asked for all of them, by a name that no group has.
#[test]
fn groups_are_taken_by_a_rule_of_all() {
    let takes = |names: &str| {
        let mut snapshot = Snapshot::new(Minor::NEWEST);
        let role = format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"r"}},"rules":[{{"apiGroups":["authentication.k8s.io"],"resources":["groups"],"resourceNames":["{names}"],"verbs":["impersonate:user-info"]}}]}}"#
        );
        let binding = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"stan"}]}"#;
        let objects = [&*role, binding].map(|text| serde_json::from_str(text).unwrap());
        snapshot.objects.extend(objects.map(|value| Arc::new(Object::new(value, None).unwrap())));
        snapshot.seal();
        let access = Access::new(World::new(&snapshot));
        let who = Identity::of(&Subject::user("stan"));
        let used = |name: &str| {
            let (group, resource, subresource) = ("authentication.k8s.io", "groups", "");
            let (verb, namespace) = ("impersonate:user-info", None);
            let used = Used::Resource { verb, group, resource, subresource, namespace, name };
            let by = used.granted_by(&access, &who, |_| true).is_some();
            assert_eq!(used.is_allowed(&access, &who), by);
            by
        };
        (used("ops"), used("system:masters"))
    };
    assert_eq!(takes("*"), (true, false));
    assert_eq!(takes("ops"), (true, false));
    assert_eq!(takes("dev"), (false, false));
}
