//! What was not read of an object, or is masked in it, is unknown to controls, as it is to
//! admission policies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use ironhull_controls::{Assignment, Compiler, Judge};
use ironhull_model::{
    Coverage, Finding, Minor, Object, Snapshot, SourceId, Standing, Verdict, World,
};

fn parse(text: &str) -> ironhull_model::Value {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.documents.into_iter().next().unwrap().value
}

/// What a control says of objects, each with its standing.
fn findings(control: &str, objects: &[(Standing, &str)]) -> Vec<Finding> {
    let text = format!(
        "{{id: own, surface: application, title: t, why: w, {control}, message: m, severity: low, examples: [{{given: [], expect: na}}]}}"
    );
    let mut diagnostics = Vec::new();
    let document = parse(&text);
    let control = Compiler::default().control(document.root(), SourceId(0), &mut diagnostics);
    let control = control.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    for (standing, text) in objects {
        let mut object = Object::new(parse(text), None).unwrap();
        object.standing = *standing;
        snapshot.objects.push(Arc::new(object));
    }
    snapshot.seal();
    let controls = [&control];
    let assignments = [Assignment::by_default(0, &control, None)];
    let judge = Judge::new(World::new(&snapshot), &controls, &assignments);
    let mut judgement = judge.judgement();
    let judged = snapshot.objects.iter().filter(|object| object.is_judged());
    judged.for_each(|object| judge.object(object, &mut judgement));
    judgement.findings
}

/// `holds`, `violated`, or what is missing.
fn said(control: &str, objects: &[(Standing, &str)]) -> String {
    let findings = findings(control, objects);
    match findings.as_slice() {
        [] => "holds".to_owned(),
        [one] if one.verdict == Verdict::Violated => "violated".to_owned(),
        [one] => one.missing.join(", "),
        more => panic!("{more:?}"),
    }
}

const BARE: &str = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, labels: {team: a}}, type: Opaque}";
const FULL: &str = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {key: ‹redacted:value›}}";
const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: [{name: c}]}}";

#[test]
fn the_values_of_a_live_secret_are_unknown_to_controls() {
    let of = |must: &str| {
        let control = format!("applies: Secret, must: \"{must}\"");
        said(&control, &[(Standing::Live, BARE)])
    };
    assert_eq!(of("has(object.data)"), "/data of Secret shop/s, which was not read");
    assert_eq!(of("!has(object.data)"), "/data of Secret shop/s, which was not read");
    assert_eq!(
        of("object.?immutable.orValue(false)"),
        "/immutable of Secret shop/s, which was not read"
    );
    assert_eq!(of("object.type == 'Opaque'"), "holds");
    assert_eq!(of("object.type == 'kubernetes.io/tls' || has(object.metadata.labels)"), "holds");
    assert_eq!(of("object.metadata.labels.team == 'b'"), "violated");
    // Of a file all of it was read.
    let given = |must: &str| {
        said(&format!("applies: Secret, must: \"{must}\""), &[(Standing::Given, BARE)])
    };
    assert_eq!(given("has(object.data)"), "violated");
    assert_eq!(given("!has(object.data)"), "holds");
    // The list of `each`, whom it is about, and what is named are asked the same.
    let each = "applies: Secret, each: {k: 'object.?data.orValue({})'}, must: 'false'";
    let unread = "/data of Secret shop/s, which was not read";
    assert_eq!(said(each, &[(Standing::Live, BARE)]), unread);
    let when = "applies: Secret, when: 'has(object.data)', must: 'false'";
    assert_eq!(said(when, &[(Standing::Live, BARE)]), unread);
    let named = "applies: Secret, let: {many: 'object.?data.orValue({}).size()'}, must: 'many > 0'";
    assert_eq!(said(named, &[(Standing::Live, BARE)]), unread);
}

#[test]
fn what_was_not_read_of_a_related_object_is_unknown_to_controls() {
    let of = |must: &str, standing| {
        let control = format!(
            "applies: pods, related: {{secrets: {{kind: Secret, in: namespace}}, maps: {{kind: ConfigMap, in: namespace}}}}, must: \"{must}\""
        );
        let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: shop}}";
        said(&control, &[(Standing::Live, POD), (standing, BARE), (Standing::Partial, map)])
    };
    let has = "secrets.exists(s, has(s.data))";
    assert_eq!(of(has, Standing::Live), "/data of Secret shop/s, which was not read");
    assert_eq!(of(has, Standing::Given), "violated");
    assert_eq!(of("secrets.all(s, s.type == 'Opaque')", Standing::Live), "holds");
    assert_eq!(
        of("maps.all(m, !has(m.data))", Standing::Given),
        "/data of ConfigMap shop/m, which was not read"
    );
}

#[test]
fn masked_values_are_there_and_unknown_to_controls() {
    let of = |must: &str| {
        said(&format!("applies: Secret, must: \"{must}\""), &[(Standing::Given, FULL)])
    };
    assert_eq!(of("has(object.data.key)"), "holds");
    assert_eq!(of("object.data.key == 'x'"), "/data/key of Secret shop/s, which is masked");
    assert_eq!(of("object.data.key != ''"), "/data/key of Secret shop/s, which is masked");
    assert_eq!(of("'key' in object.data"), "holds");
    assert_eq!(
        of("object.data.exists(k, object.data[k] == 'x')"),
        "/data/key of Secret shop/s, which is masked"
    );
}
