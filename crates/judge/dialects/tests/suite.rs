//! Cases of a `PolicyTest`: who asks, and about which resource.
#![allow(clippy::unwrap_used, reason = "a test")]

use ironhull_dialects::suite::Suite;
use ironhull_model::{Minor, SourceId};

/// Policies over what `RULE` names, whose validation is `EXPRESSION`.
const SUITE: &str = r#"
apiVersion: ironhull.dev/v1
kind: PolicyTest
metadata: {name: s}
objects:
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: deployments.own.dev},
   spec: {group: own.dev, scope: Cluster, names: {kind: Deployment, plural: deployments},
   versions: [{name: v1beta1, served: true, storage: true}, {name: v1, served: true, storage: false}]}}
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicy
  metadata: {name: p}
  spec:
    matchConstraints: {matchPolicy: Exact, resourceRules: [RULE]}
    validations: [{expression: "false", messageExpression: "EXPRESSION"}]
- {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b},
   spec: {policyName: p, validationActions: [Deny]}}
cases:
- {name: c, CASE, expect: EXPECT}
"#;

/// The failure, or what was said.
fn run(rule: &str, expression: &str, case: &str, expect: &str) -> String {
    run_in(SUITE, rule, expression, case, expect)
}

fn run_in(suite: &str, rule: &str, expression: &str, case: &str, expect: &str) -> String {
    let text = suite
        .replace("RULE", rule)
        .replace("EXPRESSION", expression)
        .replace("CASE", case)
        .replace("EXPECT", expect);
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut told = Vec::new();
    let suite = Suite::read(parsed.documents[0].value.root(), SourceId(0), &mut told);
    assert!(told.is_empty(), "{told:?}");
    let outcome = suite.unwrap().run(Minor::NEWEST, &[]).remove(0);
    match outcome.failure {
        Some(failure) => format!("fails: {failure}"),
        None => outcome.said.join("; "),
    }
}

const SCALE: &str = "operation: UPDATE, user: alice, target: d, namespace: shop, \
    object: {apiVersion: autoscaling/v1, kind: Scale, metadata: {name: d, namespace: shop}, spec: {replicas: 9}}, \
    oldObject: {apiVersion: autoscaling/v1, kind: Scale, metadata: {name: d, namespace: shop}, spec: {replicas: 2}}";

#[test]
fn a_subresource_is_of_the_resource_that_is_named() {
    let rule = "{apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments/scale]}";
    let seen = "request.requestResource.group + ' ' + request.requestResource.version + ' ' + request.namespace";
    let scale = |resource: &str, expect: &str| {
        run(rule, seen, &format!("resource: {resource}, {SCALE}"), expect)
    };
    assert!(scale("deployments.apps/scale", "deny").ends_with("denied request: apps v1 shop"));
    assert_eq!(scale("statefulsets/scale", "allow"), "");
    assert_eq!(scale("deployments.own.dev/scale", "allow"), "");
    assert_eq!(
        scale("deployments/scale", "deny"),
        "fails: deployments is a resource of several groups: deployments.apps, deployments.own.dev"
    );
    let nothing = "fails: there is no resource deployment.apps; it is PLURAL or PLURAL.GROUP, and \
                   that of a custom resource needs its definition among the objects";
    assert_eq!(scale("deployment.apps/scale", "unknown"), nothing);
    assert_eq!(
        scale("deployments.apps", "allow"),
        "fails: a Scale is not of the resource deployments.apps"
    );
    let own = rule.replace("[apps]", "[own.dev]");
    let said = run(
        &own,
        "request.requestResource.version + string(has(request.namespace))",
        &format!("resource: deployments.own.dev/scale, {SCALE}"),
        "deny",
    );
    assert!(said.ends_with("denied request: v1false"), "{said}");
}

#[test]
fn one_group_alone_needs_no_name_and_the_objects_own_is_meant_first() {
    let evict =
        "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods/eviction]}";
    let object = "user: alice, target: d, namespace: shop, object: {apiVersion: policy/v1, kind: Eviction, metadata: {name: d, namespace: shop}}";
    let seen = "request.requestKind.kind + ' ' + request.name";
    let said = run(evict, seen, &format!("resource: pods/eviction, {object}"), "deny");
    assert!(said.ends_with("denied request: Eviction d"), "{said}");
    let status = "{apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments/status]}";
    let object = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: shop}}";
    let case = format!(
        "resource: deployments/status, operation: UPDATE, object: {object}, oldObject: {object}"
    );
    let said = run(status, "request.requestResource.group", &case, "deny");
    assert!(said.ends_with("denied request: apps"), "{said}");
}

#[test]
fn a_user_is_in_the_groups_that_everybody_like_it_is_in() {
    let rule =
        "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}";
    let groups = |user: &str| {
        let object =
            "object: {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}";
        let seen = "request.userInfo.groups.join(' ')";
        let said = run(rule, seen, &format!("{user}, {object}"), "deny");
        said.split_once("denied request: ").map(|(_, groups)| groups.to_owned()).unwrap_or(said)
    };
    assert_eq!(groups("user: alice"), "system:authenticated");
    assert_eq!(groups("user: alice, groups: [devs]"), "devs system:authenticated");
    assert_eq!(groups("user: 'system:anonymous'"), "system:unauthenticated");
    assert_eq!(
        groups("user: 'system:serviceaccount:shop:robot'"),
        "system:serviceaccounts system:serviceaccounts:shop system:authenticated"
    );
    assert_eq!(groups("user: 'system:node:a'"), "system:nodes system:authenticated");
}

#[test]
fn what_plugins_give_below_a_pod_is_unknown_where_it_was_not_read() {
    let part = SUITE.replace("cases:", "complete: false\ncases:");
    let rule = |sub: &str| {
        format!(
            "{{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [pods/{sub}]}}"
        )
    };
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: d, namespace: shop, uid: u}, spec: {containers: [{name: c, image: i}]}}";
    let resize =
        format!("resource: pods/resize, operation: UPDATE, object: {pod}, oldObject: {pod}");
    let seen = "string(has(object.spec.containers[0].resources.limits))";
    let said = |suite: &str, expect: &str| run_in(suite, &rule("resize"), seen, &resize, expect);
    assert!(said(SUITE, "deny").ends_with("denied request: false"), "{}", said(SUITE, "deny"));
    let unread = said(&part, "deny");
    assert!(unread.contains("reads what is not known): LimitRanges of namespace shop"), "{unread}");
    let binding = "resource: pods/binding, target: d, object: {apiVersion: v1, kind: Binding, metadata: {name: d, namespace: shop}, target: {kind: Node, name: worker}}";
    let seen = "string(has(object.metadata.labels))";
    let said = |suite: &str| run_in(suite, &rule("binding"), seen, binding, "deny");
    assert!(said(SUITE).ends_with("denied request: false"), "{}", said(SUITE));
    let unread = said(&part);
    assert!(unread.contains("reads what is not known): Node worker"), "{unread}");
}
