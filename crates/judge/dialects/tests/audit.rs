//! Background audit: policies in force over what is there.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use ironhull_controls::Control;
use ironhull_controls::judge::Judgement;

use ironhull_dialects::audit::{self, Audit};
use ironhull_dialects::{Policies, Request};
use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, World};
use ironhull_schema::{Schema, defaults};

/// One policy about pods, bound; `{}` stands for its validations and more of its spec.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p, annotations: {ANNOTATIONS}}
spec: {matchConstraints: {resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], resources: [RESOURCES], operations: [CREATE]}]}, SPEC}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: b}
spec: {policyName: p, BINDING}
---
"#;

const APP: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {env: prod}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 5, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {hostPID: false, containers: [{name: c, image: "docker.io/nginx:1"}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: shop}
spec: {hostPID: true, containers: [{name: c, image: "registry.test/nginx:1"}]}
"#;

fn snapshot(text: &str, complete: bool) -> Snapshot {
    snapshot_of(Minor::NEWEST, text, complete)
}

fn snapshot_of(minor: Minor, text: &str, complete: bool) -> Snapshot {
    let mut snapshot = Snapshot::new(minor);
    if complete {
        snapshot.coverage = Coverage::Complete;
    }
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    for document in parsed.documents {
        let value = defaults::apply(Schema::of(minor), &document.value);
        snapshot.objects.extend(Object::new(value, None).map(Arc::new));
    }
    snapshot.seal();
    snapshot
}

/// The findings, one a line.
fn check(policy: &str, complete: bool, expected: &[&str]) {
    let snapshot = snapshot(&format!("{policy}{APP}"), complete);
    let world = World::new(&snapshot);
    let controls = audit::controls(world);
    let controls: Vec<&Control> = controls.iter().collect();
    let policies = Policies::new(world);
    let audit = Audit::new(&policies, &controls);
    let mut judgement = Judgement::default();
    for object in world.objects() {
        audit.object(object, &mut judgement);
    }
    audit.refused(&mut judgement);
    let shown = judgement.findings.iter().map(|finding| {
        let kind = &finding.subject.kind;
        let (verdict, severity) = (finding.verdict, finding.severity);
        format!("{kind} {verdict:?} {severity} {} {}", finding.at, finding.message)
    });
    let shown: Vec<String> = shown.collect();
    assert_eq!(shown, expected, "{policy}");
}

fn policy(resources: &str, spec: &str, binding: &str) -> String {
    let binding = if binding.is_empty() { "validationActions: [Deny]" } else { binding };
    POLICY
        .replace("RESOURCES", resources)
        .replace("SPEC", spec)
        .replace("BINDING", binding)
        .replace("ANNOTATIONS", "")
}

#[test]
fn workloads_are_judged_as_the_pods_that_they_make() {
    let spec = "validations: [{expression: \"object.spec.containers.all(c, c.image.startsWith('registry.test/'))\", message: foreign image}]";
    check(
        &policy("pods", spec, ""),
        true,
        &["Deployment Violated high /spec/template/spec/containers/0/image the pods it makes: \
           foreign image, says p by binding b"],
    );
}

#[test]
fn objects_are_seen_as_the_api_server_holds_them() {
    // false is left out where the type says omitempty.
    let spec = "validations: [{expression: '!has(object.spec.hostPID)', message: host}]";
    check(
        &policy("pods", spec, ""),
        true,
        &["Pod Violated high /spec/hostPID host, says p by binding b"],
    );
}

#[test]
fn actions_make_the_severity() {
    let spec = "validations: [{expression: 'object.spec.replicas < 3', message: many}, {expression: 'false'}]";
    for (actions, severity) in [("Deny", "high"), ("Warn", "medium"), ("Audit", "low")] {
        let bound = format!("validationActions: [{actions}]");
        let expected = format!(
            "Deployment Violated {severity} /spec/replicas many (and 1 more), says p by binding b"
        );
        check(&policy("deployments", spec, &bound), true, &[&expected]);
    }
    let own = policy("deployments", spec, "")
        .replace("annotations: {}", "annotations: {ironhull.dev/severity: critical}");
    check(
        &own,
        true,
        &["Deployment Violated critical /spec/replicas many (and 1 more), says p by binding b"],
    );
}

#[test]
fn what_is_not_known_is_unknown() {
    let user = "validations: [{expression: \"request.userInfo.username == 'x'\"}]";
    let unknown = |kind: &str, what: &str| {
        format!("{kind} Unknown medium /metadata it cannot be told: {what}")
    };
    check(&policy("deployments", user, ""), true, &[&unknown("Deployment", "who asks")]);
    let either = "validations: [{expression: \"object.spec.replicas > 1 || request.userInfo.username == 'x'\"}]";
    check(&policy("deployments", either, ""), true, &[]);
    // Only what it may look at is named.
    for (expression, what) in [
        ("request.dryRun", "whether it is a dry run"),
        ("has(request.options.dryRun)", "the options of the request"),
        ("authorizer.group('').resource('pods').check('get').allowed()", "who asks"),
        (
            "request == null || request.operation == 'x'",
            "who asks, whether it is a dry run, the options of the request",
        ),
    ] {
        let spec = format!("validations: [{{expression: \"{expression}\"}}]");
        check(&policy("deployments", &spec, ""), true, &[&unknown("Deployment", what)]);
        let spec = format!(
            "variables: [{{name: a, expression: \"{expression}\"}}, {{name: b, expression: variables.a}}], validations: [{{expression: variables.b}}]"
        );
        check(&policy("deployments", &spec, ""), true, &[&unknown("Deployment", what)]);
    }
    let uid = "validations: [{expression: \"has(object.metadata.uid)\"}]";
    let what = "/metadata/uid, which the API server sets";
    check(&policy("deployments", uid, ""), true, &[&unknown("Deployment", what)]);
    let old = "validations: [{expression: 'oldObject == null'}]";
    check(&policy("deployments", old, ""), true, &[]);
    let params =
        "paramKind: {apiVersion: v1, kind: ConfigMap}, validations: [{expression: 'false'}]";
    let bound = "validationActions: [Deny], paramRef: {name: x, parameterNotFoundAction: Allow}";
    check(&policy("deployments", params, bound), true, &[]);
    let what = "all ConfigMap objects";
    check(&policy("deployments", params, bound), false, &[&unknown("Deployment", what)]);
}

#[test]
fn only_what_is_in_force_judges() {
    let spec = "validations: [{expression: 'false'}]";
    let unbound = policy("deployments", spec, "").replace("policyName: p", "policyName: q");
    check(&unbound, true, &[]);
    let elsewhere =
        "validationActions: [Deny], matchResources: {namespaceSelector: {matchLabels: {env: dev}}}";
    check(&policy("deployments", spec, elsewhere), true, &[]);
    let other = policy("deployments", spec, "").replace("[CREATE]", "[UPDATE]");
    check(&other, true, &[]);
}

#[test]
fn what_the_api_server_refuses_is_told_and_does_not_judge() {
    let spec = "validations: [{expression: 'objekt == null'}]";
    let shown = "ValidatingAdmissionPolicy Violated medium /spec/validations/0/expression the API \
                 server refuses it: spec.validations[0].expression: compilation failed: ERROR: \
                 <input>:1:1: undeclared reference to \"objekt\"";
    check(&policy("deployments", spec, ""), true, &[shown]);
    let both = policy(
        "deployments",
        "validations: [{expression: 'false'}]",
        "validationActions: [Deny, Warn]",
    );
    check(
        &both,
        true,
        &[
            "ValidatingAdmissionPolicyBinding Violated medium /spec/validationActions the API server \
           refuses it: spec.validationActions: has both Deny and Warn",
        ],
    );
}

#[test]
fn what_a_custom_resource_is_named_like_says_nothing_of_it() {
    let definition = |kind: &str, plural: &str, scope: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata: {{name: {plural}.own.dev}}\n\
             spec: {{group: own.dev, scope: {scope}, names: {{kind: {kind}, plural: {plural}}}, \
             versions: [{{name: v1, served: true, storage: true}}]}}\n---\n\
             apiVersion: own.dev/v1\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\n---\n"
        )
    };
    let objects = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n".to_owned()
        + &definition("Service", "services", "Namespaced")
        + &definition("Node", "nodes", "Cluster")
        + &definition("Event", "events", "Namespaced");
    let core = "apiVersion: v1\nkind: Service\nmetadata: {name: core, namespace: shop}\n";
    let rules = "validations: [{expression: 'false', message: \"asked\"}]";
    let of_core = POLICY
        .replace(r#"apiGroups: ["*"]"#, r#"apiGroups: [""]"#)
        .replace("RESOURCES", "services, nodes, events")
        .replace("SPEC", rules)
        .replace("BINDING", "validationActions: [Deny]")
        .replace("ANNOTATIONS", "");
    assert_eq!(said_of(Minor::NEWEST, &of_core, &format!("{objects}{core}")), ["asked"]);
    let excluded = policy("services, nodes, events", rules, "").replace(
        "matchConstraints: {",
        r#"matchConstraints: {excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], resources: ["*"], operations: ["*"]}], "#,
    );
    let said = said_of(Minor::NEWEST, &excluded, &format!("{objects}{core}"));
    assert_eq!(said, ["asked", "asked", "asked"]);
}

fn said_of(minor: Minor, policy: &str, object: &str) -> Vec<String> {
    let snapshot = snapshot_of(minor, &format!("{policy}{object}"), true);
    let policies = Policies::new(World::new(&snapshot));
    let kinds = policies.estate().kinds();
    let refused = policies.refused().iter().flat_map(|it| &it.problems);
    let mut said: Vec<String> =
        refused.map(|it| format!("refused: {}: {}", it.path, it.message)).collect();
    for object in World::new(&snapshot).objects().filter(|it| !it.is("", "Namespace")) {
        let Some(request) = Request::create(&kinds, object, &object.value) else { continue };
        let forms = policies.forms(&request);
        let decision = policies.answer(&request, &forms).decision;
        said.extend(decision.denials.iter().map(|denial| denial.message.clone()));
        said.extend(decision.doubts.iter().map(|doubt| format!("unknown: {}", doubt.missing)));
    }
    said
}

#[test]
fn the_minor_decides_what_is_known() {
    let pod = r"
apiVersion: v1
kind: Pod
metadata: {name: own, namespace: default}
spec: {resources: {limits: {cpu: 1}}, containers: [{name: c, image: i}]}
";
    let validations = r#"validations: [{expression: "has(object.spec.resources.requests)", message: no requests}]"#;
    let policy = policy("pods", validations, "validationActions: [Deny]");
    for minor in [Minor::v1(37), Minor::v1(36)] {
        assert_eq!(
            said_of(minor, &policy, pod),
            ["unknown: /spec/resources, which the API server derives from the containers' \
                 resources and from limits"]
        );
    }
    // Before that no pod has resources of its own.
    let any = policy.replace("object.spec.resources.requests", "object.spec.resources");
    assert_eq!(said_of(Minor::v1(33), &any, pod), ["no requests"]);
    let mutating = r"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: b}
spec: {policyName: p}
";
    assert!(said_of(Minor::v1(36), mutating, "").is_empty());
    assert_eq!(
        said_of(Minor::v1(35), mutating, ""),
        ["refused: apiVersion: Kubernetes 1.35 does not serve it in v1"]
    );
}
