//! What guards namespaces, and the holes in it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use ironhull_dialects::Estate;
use ironhull_dialects::guards::{Guard, guards, pod_security};
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
fn pod_security_is_what_labels_order() {
    let all = snapshot(&ESTATE.replace("READY", "true"), Coverage::Complete);
    let of = |name: &str| {
        let thing = ThingRef::new("", "Namespace", "", name);
        pod_security(World::new(&all).get(&thing).unwrap())
    };
    assert_eq!(of("shop").unwrap().enforce.to_string(), "baseline:v1.30");
    assert!(of("lab").is_none());
}
