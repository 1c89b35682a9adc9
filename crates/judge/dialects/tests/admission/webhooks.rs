//! Mutating webhooks are asked before validating policies are: what they may mend says so.

use super::{MAP, changes, judged, policy, validates, workload};

fn webhook(name: &str, more: &str) -> String {
    let rules = match more.contains("rules:") {
        true => "",
        false => {
            "rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], resources: [pods, configmaps]}],"
        }
    };
    format!(
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: {name}}}\n\
         webhooks: [{{name: {name}.test, {rules} {more} clientConfig: {{url: 'https://x.test'}}, sideEffects: None, admissionReviewVersions: [v1]}}]\n"
    )
}

const LABELLED: &str = "has(object.metadata.labels) && 'team' in object.metadata.labels";

fn said(webhooks: &str) -> String {
    let found = judged(&[validates("configmaps", LABELLED)], &format!("{MAP}{webhooks}"), true);
    assert_eq!(found.len(), 1, "{found:#?}");
    let (_, said) = found[0].split_once("says v by binding v").unwrap();
    said.to_owned()
}

#[test]
fn a_violation_says_which_webhooks_may_mend_it() {
    assert_eq!(said(""), "");
    assert_eq!(said(&webhook("a", "")), ", unless the webhook a.test changes it first");
    let many: String = ["a", "b", "c", "d", "e"].map(|name| webhook(name, "")).concat();
    assert_eq!(
        said(&many),
        ", unless one of the webhooks a.test, b.test, c.test and 2 more changes it first"
    );
    for (more, is_asked) in [
        (
            "rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [UPDATE], resources: [configmaps]}],",
            false,
        ),
        ("rules: [],", false),
        ("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}},", true),
        ("namespaceSelector: {matchLabels: {inject: 'yes'}},", false),
        ("objectSelector: {matchLabels: {inject: 'yes'}},", false),
        ("matchConditions: [{name: c, expression: \"object.metadata.name == 'c'\"}],", true),
        ("matchConditions: [{name: c, expression: \"object.metadata.name != 'c'\"}],", false),
        ("matchConditions: [{name: c, expression: \"request.userInfo.username == 'x'\"}],", true),
        (
            "matchConditions: [{name: c, expression: \"authorizer.group('').resource('pods').check('x').allowed() && request.name != 'c'\"}],",
            false,
        ),
    ] {
        assert_eq!(!said(&webhook("a", more)).is_empty(), is_asked, "{more}");
    }
}

#[test]
fn what_webhooks_cannot_change_is_said_without_them() {
    let of = |expression: &str| {
        judged(&[validates("configmaps", expression)], &format!("{MAP}{}", webhook("a", "")), true)
    };
    assert_eq!(
        of("request.name == 'x'"),
        ["ConfigMap Violated /metadata refused, says v by binding v"]
    );
    // What a variable read stays read.
    let late = "variables: [{name: own, expression: object.metadata.name}], validations: [{expression: variables.own == 'c'}, {expression: variables.own == 'x', message: refused}]";
    let found = judged(
        &[policy("Validating", "configmaps", late)],
        &format!("{MAP}{}", webhook("a", "")),
        true,
    );
    assert!(
        found.len() == 1 && found[0].ends_with(", unless the webhook a.test changes it first"),
        "{found:#?}"
    );
    // What holds holds.
    assert!(of("object.metadata.name == 'c'").is_empty());
}

#[test]
fn webhooks_see_what_policies_left_and_the_pods_that_workloads_make() {
    let selected = webhook("a", "objectSelector: {matchLabels: {inject: 'yes'}},");
    let set = changes(
        "set",
        "configmaps",
        "Object{metadata: Object.metadata{labels: {'inject': 'yes'}}}",
        "",
    );
    let found =
        judged(&[set, validates("configmaps", LABELLED)], &format!("{MAP}{selected}"), true);
    assert_eq!(
        found,
        [
            "ConfigMap Violated /metadata refused, says v by binding v, after set changed it, unless the webhook a.test changes it first"
        ]
    );
    let found = judged(
        &[validates("pods", "object.spec.containers.all(c, has(c.resources.limits))")],
        &format!("{}{}", workload("Deployment", "", ""), webhook("a", "")),
        true,
    );
    assert!(
        found.len() == 1 && found[0].ends_with(", unless the webhook a.test changes it first"),
        "{found:#?}"
    );
}
