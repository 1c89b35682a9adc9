//! What was not read of an object, or is masked in it, is unknown to policies.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use ironhull_controls::Control;
use ironhull_controls::judge::Judgement;
use ironhull_dialects::Policies;
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, Standing, World};

const SETTING: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: limits.example.dev}
spec:
  group: example.dev
  scope: Namespaced
  names: {kind: Limit, plural: limits}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
";

/// Says what the policies of a text find in it, where objects of some kinds were read as far
/// as their standing says.
fn said(text: &str, standings: &[(&str, Standing)]) -> Vec<String> {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    let text = format!("{SETTING}{text}");
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    for document in parsed.documents {
        let mut object = Object::new(document.value, None).unwrap();
        let standing = standings.iter().find(|(kind, _)| *kind == &*object.thing.kind);
        object.standing = standing.map_or(Standing::Given, |(_, standing)| *standing);
        snapshot.objects.push(Arc::new(object));
    }
    snapshot.seal();
    let world = World::new(&snapshot);
    let policies = Policies::new(world);
    let controls = audit::controls(world);
    let controls: Vec<&Control> = controls.iter().collect();
    let audit = Audit::new(&policies, &controls);
    let mut judgement = Judgement::default();
    for object in world.objects() {
        audit.object(object, &mut judgement);
    }
    let findings = judgement.findings.iter();
    let mut said: Vec<String> = findings
        .map(|it| format!("{} {:?}: {}", it.subject.name, it.verdict, it.message))
        .collect();
    said.sort();
    said
}

/// A bound policy about new objects of a resource.
fn policy(group: &str, resource: &str, spec: &str, param: &str) -> String {
    format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: p}}
spec: {{matchConstraints: {{resourceRules: [{{apiGroups: ["{group}"], apiVersions: ["*"], resources: ["{resource}"], operations: [CREATE]}}]}}, {spec}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: b}}
spec: {{policyName: p, validationActions: [Deny]{param}}}
---
"#
    )
}

fn must(expression: &str) -> String {
    format!("validations: [{{expression: \"{expression}\"}}]")
}

const LIMIT: &str = "apiVersion: example.dev/v1\nkind: Limit\nmetadata: {name: l, namespace: shop, labels: {tier: low}}\n---\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: c, image: a}]}\n";

#[test]
fn of_an_object_of_which_only_metadata_was_read_only_metadata_is_judged() {
    let of = |spec: &str| {
        said(
            &format!("{}{LIMIT}", policy("example.dev", "limits", spec, "")),
            &[("Limit", Standing::Partial)],
        )
    };
    let unknown = "l Unknown: it cannot be told: /spec of Limit shop/l, which was not read";
    assert_eq!(of(&must("object.spec.max < 3")), [unknown]);
    assert_eq!(of(&must("!has(object.spec)")), [unknown]);
    assert_eq!(of(&must("object.?spec.max.orValue(1) < 3")), [unknown]);
    let all =
        "l Unknown: it cannot be told: the whole of Limit shop/l, of which only a part was read";
    assert_eq!(of(&must("size(object) == 3")), [all]);
    assert_eq!(of(&must("!('spec' in object)")), [all]);
    assert_eq!(of(&must("object.metadata.labels.tier == 'low'")), [""; 0]);
    let denied = of(&must("object.metadata.labels.tier == 'high'"));
    assert!(denied.len() == 1 && denied[0].starts_with("l Violated"), "{denied:?}");
    let late = "variables: [{name: max, expression: object.spec.max}], validations: [{expression: variables.max < 3}, {expression: variables.max < 4}]";
    assert_eq!(of(late).len(), 2, "a variable is read once: {:?}", of(late));
    assert!(of(late).iter().all(|said| said.starts_with("l Unknown")), "{:?}", of(late));
}

#[test]
fn a_parameter_of_which_only_metadata_was_read_decides_nothing_else() {
    let kind = "paramKind: {apiVersion: example.dev/v1, kind: Limit}";
    let param = ", paramRef: {name: l, namespace: shop, parameterNotFoundAction: Deny}";
    let of = |standing, expression: &str| {
        let spec = format!("{kind}, {}", must(expression));
        let text = format!("{}{LIMIT}{POD}", policy("", "pods", &spec, param));
        said(&text, &[("Limit", standing)])
    };
    let unknown =
        "web Unknown: it cannot be told: /maxReplicas of Limit shop/l, which was not read";
    assert_eq!(of(Standing::Partial, "params.maxReplicas > 1"), [unknown]);
    assert_eq!(of(Standing::Partial, "!has(params.maxReplicas)"), [unknown]);
    assert_eq!(of(Standing::Live, "!has(params.maxReplicas)"), [""; 0]);
    assert_eq!(of(Standing::Partial, "params.metadata.labels.tier == 'low'"), [""; 0]);
}

#[test]
fn values_of_a_live_secret_are_unknown() {
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\ntype: Opaque\n";
    let of = |expression: &str| {
        let text = format!("{}{secret}", policy("", "secrets", &must(expression), ""));
        said(&text, &[("Secret", Standing::Live)])
    };
    let unknown = |name: &str| {
        format!("s Unknown: it cannot be told: /{name} of Secret shop/s, which was not read")
    };
    assert_eq!(of("object.?immutable.orValue(false) == true"), [unknown("immutable")]);
    assert_eq!(of("!('root' in object.data)"), [unknown("data")]);
    assert_eq!(of("object.type == 'Opaque' && !has(object.spec)"), [""; 0]);
}

#[test]
fn masked_values_are_there_and_unknown() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: c, image: a, env: [{name: DB_PASSWORD, value: ‹redacted:name›}], args: [‹redacted:argument›, serve]}]}\n";
    let of = |expression: &str| {
        said(&format!("{}{pod}", policy("", "pods", &must(expression), "")), &[])
    };
    let each = "object.spec.containers[0].env";
    for (expression, is_known) in [
        (format!("{each}.all(e, e.value.startsWith('ssm:'))"), false),
        (format!("{each}[0].value == 'a'"), false),
        (format!("{each}[0].value != 'a'"), false),
        (format!("{each} == [{{'name': 'DB_PASSWORD', 'value': 'a'}}]"), false),
        (format!("size({each}[0].value) < 10"), false),
        (format!("{each}[0].?value.orValue('') == 'a'"), false),
        ("'debug' in object.spec.containers[0].args".to_owned(), false),
        ("object.spec.containers[0].args.join(' ') == 'a serve'".to_owned(), false),
        ("!object.spec.containers[0].args.exists(a, a == 'debug')".to_owned(), false),
        (format!("has({each}[0].value)"), true),
        (format!("size({each}) == 1 && {each}.all(e, e.name == 'DB_PASSWORD')"), true),
        ("'serve' in object.spec.containers[0].args".to_owned(), true),
        ("size(object.spec.containers[0].args) == 2".to_owned(), true),
    ] {
        let said = of(&expression);
        match is_known {
            true => assert_eq!(said, [""; 0], "{expression}"),
            false => {
                assert!(said.len() == 1 && said[0].contains("Unknown"), "{expression}: {said:?}")
            }
        }
    }
    let value = "web Unknown: it cannot be told: /spec/containers/0/env/0/value of Pod shop/web, which is masked";
    assert_eq!(of(&format!("{each}[0].value == 'a'")), [value]);
    let within =
        "web Unknown: it cannot be told: what is masked in /spec/containers/0/args of Pod shop/web";
    assert_eq!(of("object.spec.containers[0].args.all(a, a == 'serve')"), [within]);
}

#[test]
fn an_object_whose_kind_nobody_defines_is_unknown_to_policies_that_may_be_asked() {
    let widget = "apiVersion: tools.dev/v1\nkind: Policy\nmetadata: {name: w, namespace: shop}\n";
    let of = |group: &str, resource: &str| {
        let mut said =
            said(&format!("{}{widget}", policy(group, resource, &must("false"), "")), &[]);
        said.retain(|said| said.starts_with("w "));
        said
    };
    let unknown = "w Unknown: it cannot be told: the definition of Policy in tools.dev/v1";
    for (group, resource) in
        [("tools.dev", "*"), ("*", "*/*"), ("tools.dev", "odd"), ("*", "policies")]
    {
        assert_eq!(of(group, resource)[..], [unknown][..], "{group}/{resource}");
    }
    for (group, resource) in [("example.dev", "limits"), ("apps", "*"), ("tools.dev", "odd/scale")]
    {
        assert_eq!(of(group, resource), [""; 0], "{group}/{resource}");
    }
}

/// Operations of a JSON Patch compare and copy only what is known.
#[test]
fn what_a_patch_compares_or_copies_must_be_known() {
    let of = |operations: &str, data: &str, standing| {
        let text = format!(
            r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: m}}
spec: {{matchConstraints: {{resourceRules: [{{apiGroups: [""], apiVersions: ["*"], resources: ["secrets"], operations: [CREATE]}}]}}, reinvocationPolicy: Never, mutations: [{{patchType: JSONPatch, jsonPatch: {{expression: "[{operations}]"}}}}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: b}}
spec: {{policyName: m}}
---
{}apiVersion: v1
kind: Secret
metadata: {{name: s, namespace: shop, labels: {{tier: low}}}}
type: Opaque
{data}
"#,
            policy("", "secrets", &must("object.metadata.labels.tier == 'high'"), "")
        );
        said(&text, &[("Secret", standing)])
    };
    let masked = "data: {key: ‹redacted:value›}";
    let patch = |op: &str, rest: &str| format!("JSONPatch{{op: '{op}', {rest}}}");
    let high = patch("add", "path: '/metadata/labels/tier', value: 'high'");
    let test = |path: &str| {
        format!("{}, {high}", patch("test", &format!("path: '{path}', value: 'eA=='")))
    };
    // A test that fails leaves the object as it is; one that nobody knows decides nothing.
    let known = of(&test("/type"), masked, Standing::Given);
    assert!(known.len() == 1 && known[0].starts_with("s Violated"), "{known:?}");
    assert_eq!(of(&high, masked, Standing::Given), [""; 0]);
    let hidden = "/data/key of Secret shop/s, which is masked";
    let unread = "/data/key of Secret shop/s, which was not read";
    let copy = format!("{}, {high}", patch("copy", "from: '/data/key', path: '/data/other'"));
    let moved = format!("{}, {high}", patch("move", "from: '/data/key', path: '/data/other'"));
    for (operations, data, standing, what) in [
        (&test("/data/key"), masked, Standing::Given, hidden),
        (&test("/data"), masked, Standing::Given, "/data of Secret shop/s, which is masked"),
        (&copy, masked, Standing::Given, hidden),
        (&moved, masked, Standing::Given, hidden),
        (&test("/data/key"), "", Standing::Live, unread),
        (&copy, "", Standing::Live, unread),
    ] {
        let said = of(operations, data, standing);
        assert!(said.len() == 1 && said[0].starts_with("s Unknown"), "{operations}: {said:?}");
        assert!(said[0].contains(what), "{operations}: {said:?}");
    }
}
