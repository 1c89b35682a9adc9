//! What guards namespaces, and the holes in it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use ironhull_dialects::Estate;
use ironhull_dialects::guards::{Guard, Hole, Unlabelled, guards, pod_security, unlabelled};
use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, ThingRef, World};

const ESTATE: &str = r#"
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {team: shop, pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.30}}
---
kind: Namespace
apiVersion: v1
metadata: {name: lab, labels: {exempt: "yes"}}
---
kind: Service
apiVersion: v1
metadata: {name: guard, namespace: guards}
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: guard-1, namespace: guards, labels: {kubernetes.io/service-name: guard}}
endpoints: [{addresses: [10.1.1.1], conditions: {ready: READY}}]
---
kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: guard}
webhooks:
- name: pods.guard.example
  failurePolicy: Ignore
  clientConfig: {service: {name: guard, namespace: guards}}
  rules: [{operations: [CREATE, UPDATE], apiGroups: [""], apiVersions: ["*"], resources: [pods, pods/exec]}]
  namespaceSelector: {matchExpressions: [{key: exempt, operator: DoesNotExist}]}
  objectSelector: {matchLabels: {guarded: "yes"}}
  matchConditions: [{name: a, expression: "true"}]
- name: nodes.guard.example
  failurePolicy: Fail
  clientConfig: {service: {name: nobody, namespace: guards}}
  rules: [{operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"]}]
---
kind: ValidatingAdmissionPolicy
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: tags}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{operations: [CREATE], apiGroups: [apps], apiVersions: [v1], resources: [deployments, deployments/scale]}]
    namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}
  validations: [{expression: "true"}]
---
kind: ValidatingAdmissionPolicyBinding
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: watch}
spec: {policyName: tags, validationActions: [Warn, Audit]}
---
kind: ValidatingAdmissionPolicy
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: loose}
spec:
  failurePolicy: Ignore
  matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]}
  validations: [{expression: "true"}]
"#;

fn snapshot(text: &str, coverage: Coverage) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = coverage;
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let objects = parsed.documents.into_iter().filter_map(|it| Object::new(it.value, None));
    snapshot.objects.extend(objects.map(Arc::new));
    snapshot.seal();
    snapshot
}

/// `object/name: effects asked | holes | namespaces outside`.
fn told(snapshot: &Snapshot) -> Vec<String> {
    let estate = Estate::new(World::new(snapshot));
    let one = |guard: &Guard<'_>| {
        let effects: Vec<&str> = guard.effects.iter().map(|effect| effect.as_str()).collect();
        let holes: Vec<String> = guard.holes.iter().map(ToString::to_string).collect();
        let outside: Vec<&str> = ["lab", "shop"]
            .into_iter()
            .filter(|name| guard.covers(&estate, name) == Some(false))
            .collect();
        let (object, name) = (&guard.object.thing.name, guard.name);
        let (effects, holes, outside) = (effects.join(","), holes.join(", "), outside.join(","));
        format!("{object}/{name}: {effects} {} | {holes} | {outside}", guard.asked)
    };
    guards(World::new(snapshot)).iter().map(one).collect()
}

#[test]
fn guards_say_what_they_do_where_and_with_which_holes() {
    let ready = snapshot(&ESTATE.replace("READY", "true"), Coverage::Complete);
    assert_eq!(
        told(&ready),
        [
            "loose/:  create pods | no binding puts it in force, fails open | ",
            "tags/watch: warns,audits create deployments.apps, deployments.apps/scale |  | lab",
            "guard/pods.guard.example: denies create, update pods, pods/exec | fails open, objects choose by their labels, only where a condition holds | lab",
            "guard/nodes.guard.example: denies everything to everything | guards/Service/nobody is missing | ",
        ]
    );
    let down = snapshot(&ESTATE.replace("READY", "false"), Coverage::Complete);
    assert!(
        told(&down)[2].contains("guards/Service/guard has no ready endpoint"),
        "{:?}",
        told(&down)
    );
}

#[test]
fn what_was_not_read_is_no_hole() {
    let part = snapshot(&ESTATE.replace("READY", "false"), Coverage::Fragment);
    let told = told(&part);
    assert!(
        !told.iter().any(|line| line.contains("missing") || line.contains("endpoint")),
        "{told:?}"
    );
    let world = World::new(&part);
    let estate = Estate::new(world);
    let guards = guards(world);
    let webhook = guards.iter().find(|guard| guard.name == "pods.guard.example").unwrap();
    assert_eq!(webhook.covers(&estate, "elsewhere"), None);
    assert_eq!(webhook.covers(&estate, "shop"), Some(true));
}

#[test]
fn what_is_of_the_cluster_governs_no_namespace() {
    let of = |rules: &str| {
        let text = format!(
            "kind: Namespace\napiVersion: v1\nmetadata: {{name: shop}}\n---\n\
             kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {{name: zones.own.dev}}\n\
             spec: {{group: own.dev, scope: Cluster, names: {{kind: Zone, plural: zones}}}}\n---\n\
             kind: ValidatingWebhookConfiguration\napiVersion: admissionregistration.k8s.io/v1\n\
             metadata: {{name: w}}\nwebhooks: [{{name: w.example, rules: [{rules}]}}]\n"
        );
        let snapshot = snapshot(&text, Coverage::Complete);
        let world = World::new(&snapshot);
        let guards = guards(world);
        guards[0].covers(&Estate::new(world), "shop").unwrap()
    };
    let rule = |groups: &str, resources: &str, scope: &str| {
        of(&format!(
            "{{operations: [CREATE], apiGroups: [{groups}], apiVersions: [v1], resources: [{resources}], scope: {scope}}}"
        ))
    };
    for (groups, resources, scope, covers) in [
        ("''", "nodes, nodes/status", "'*'", false),
        ("''", "nodes, pods", "'*'", true),
        ("''", "pods", "Cluster", false),
        ("'*'", "'*/*'", "Cluster", true),
        ("''", "namespaces", "Cluster", true),
        ("''", "namespaces", "Namespaced", false),
        ("apps", "'*'", "Cluster", false),
        ("apps", "'*/*'", "Namespaced", true),
        ("apiregistration.k8s.io", "'*'", "'*'", false),
        ("own.dev", "zones", "'*'", false),
        ("own.dev", "stars", "'*'", true),
    ] {
        assert_eq!(rule(groups, resources, scope), covers, "{groups} {resources} {scope}");
    }
}

#[test]
fn a_webhook_that_no_rule_has_called_is_no_guard() {
    let of = |rules: &str| {
        let text = format!(
            "kind: ValidatingWebhookConfiguration\napiVersion: admissionregistration.k8s.io/v1\n\
             metadata: {{name: w}}\nwebhooks: [{{name: w.example, rules: [{rules}]}}]\n"
        );
        let snapshot = snapshot(&text, Coverage::Complete);
        let world = World::new(&snapshot);
        let guards = guards(world);
        let is_told = guards[0].holes.contains(&Hole::NeverCalled);
        assert_eq!(
            guards[0].covers(&Estate::new(world), "shop") == Some(false),
            is_told,
            "{rules}"
        );
        is_told
    };
    let rule = |groups: &str| {
        format!(
            "{{operations: ['*'], apiGroups: [{groups}], apiVersions: ['*'], resources: ['*']}}"
        )
    };
    assert!(of(""));
    assert!(of(&rule("admissionregistration.k8s.io")));
    assert!(!of(&rule("admissionregistration.k8s.io, apps")));
    assert!(!of(&format!("{}, {}", rule("admissionregistration.k8s.io"), rule("'*'"))));
}

#[test]
fn what_a_policy_or_its_binding_leaves_out_is_not_governed() {
    let pods = "{operations: [CREATE], apiGroups: ['', apps], apiVersions: [v1], resources: [pods, daemonsets]}";
    let nodes = "{operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [nodes]}";
    let excluded = |operations: &str| {
        format!(
            "matchConstraints: {{resourceRules: [{pods}], excludeResourceRules: [{{operations: [{operations}], apiGroups: ['*'], apiVersions: ['*'], resources: ['*']}}]}}"
        )
    };
    let plain = format!("matchConstraints: {{resourceRules: [{pods}]}}");
    let bound = format!("matchResources: {{resourceRules: [{nodes}]}}");
    for (constraints, binding, covers) in [
        (plain.clone(), String::new(), true),
        (plain, bound, false),
        (excluded("'*'"), String::new(), false),
        (excluded("UPDATE"), String::new(), true),
    ] {
        let text = format!(
            "kind: Namespace\napiVersion: v1\nmetadata: {{name: shop}}\n---\n\
             kind: ValidatingAdmissionPolicy\napiVersion: admissionregistration.k8s.io/v1\nmetadata: {{name: p}}\n\
             spec: {{{constraints}}}\n---\n\
             kind: ValidatingAdmissionPolicyBinding\napiVersion: admissionregistration.k8s.io/v1\nmetadata: {{name: b}}\n\
             spec: {{policyName: p, {binding}}}\n"
        );
        let snapshot = snapshot(&text, Coverage::Complete);
        let world = World::new(&snapshot);
        let guards = guards(world);
        assert_eq!(guards[0].covers(&Estate::new(world), "shop"), Some(covers), "{text}");
    }
}

#[test]
fn a_name_outside_of_the_cluster_answers() {
    let text = ESTATE.replace("READY", "false").replace(
        "metadata: {name: guard, namespace: guards}\n---",
        "metadata: {name: guard, namespace: guards}\nspec: {type: ExternalName, externalName: hooks.example.com}\n---",
    );
    let all = snapshot(&text, Coverage::Complete);
    let told = told(&all);
    assert!(!told.iter().any(|line| line.contains("endpoint")), "{told:?}");
}

#[test]
fn pod_security_is_what_labels_order() {
    let all = snapshot(&ESTATE.replace("READY", "true"), Coverage::Complete);
    let of = |name: &str| {
        let thing = ThingRef::new("", "Namespace", "", name);
        pod_security(World::new(&all).get(&thing).unwrap())
    };
    assert_eq!(of("shop").unwrap().enforce.to_string(), "baseline:v1.30");
    assert!(of("lab").is_none());
}

/// The API server's own configuration decides where no label does.
#[test]
fn what_unlabelled_namespaces_enforce_is_known_by_the_api_servers_flags() {
    let of = |flags: &[&str]| {
        let pods: Vec<String> = flags
            .iter()
            .enumerate()
            .map(|(n, flag)| {
                format!("kind: Pod\napiVersion: v1\nmetadata: {{name: s{n}, namespace: kube-system}}\nspec: {{containers: [{{name: s, image: a, command: [kube-apiserver, {flag}]}}]}}\n")
            })
            .collect();
        let all = snapshot(&pods.join("---\n"), Coverage::Complete);
        unlabelled(World::new(&all))
    };
    assert_eq!(of(&["--v=2", "--v=2"]), Unlabelled::Privileged);
    assert_eq!(of(&["--v=2", "--admission-control-config-file=/a.yaml"]), Unlabelled::Unread);
    assert_eq!(of(&[]), Unlabelled::Unread, "a hosted control plane is not seen");
}
