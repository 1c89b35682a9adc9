//! What policies may cost is bounded for all objects of a check together.

use std::sync::Arc;
use std::time::Duration;

use ironhull_controls::Control;
use ironhull_controls::judge::Judgement;
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::{Coverage, Minor, Object, Snapshot, SourceId, World};
use ironhull_testkit::work::processor_time;

use super::{MAP, changes, policy, validates};

/// What is said of the one ConfigMap that policies are about, among so many objects of an
/// estate.
fn said(policies: &[String], n_others: usize) -> Vec<String> {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    let text = format!(
        "{}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop}}\n---\n{MAP}",
        policies.join("\n---\n")
    );
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let written = parsed.documents.into_iter().map(|document| document.value);
    let others = (0..n_others).map(|n| {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"o{n}","namespace":"shop"}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    });
    let objects = written.chain(others).map(|value| Arc::new(Object::new(value, None).unwrap()));
    snapshot.objects.extend(objects);
    snapshot.seal();
    let world = World::new(&snapshot);
    let controls = audit::controls(world);
    let controls: Vec<&Control> = controls.iter().collect();
    let policies = audit::policies(world, &controls);
    let audit = Audit::new(&policies, &controls);
    let mut judgement = Judgement::default();
    let own = world.objects().filter(|object| *object.thing.kind == *"ConfigMap");
    own.for_each(|object| audit.object(object, &mut judgement));
    let findings = judgement.findings.iter();
    findings.map(|it| format!("{} {:?} {}", it.control, it.verdict, it.message)).collect()
}

/// About so many times 6,000 units, or 600 for none.
fn costly(times: usize) -> String {
    let list = |n: usize| {
        let items: Vec<String> = (0..n).map(|item| item.to_string()).collect();
        format!("[{}]", items.join(","))
    };
    match times {
        0 => format!("{}.all(x, x >= 0)", list(100)),
        times => format!("{}.all(y, {}.all(x, x + y >= 0))", list(times * 10), list(100)),
    }
}

const SO_MANY: usize = 40_000;

#[test]
fn what_costs_too_much_for_so_many_objects_is_unknown() {
    for (times, n_others, is_known) in
        [(0, SO_MANY, true), (1, SO_MANY, true), (9, SO_MANY, false), (9, 10, true)]
    {
        let found = said(&[validates("configmaps", &costly(times))], n_others);
        let unknown = "vap/v Unknown it cannot be told: more cost units than the 15258 that one policy may cost about one object when so many are checked; check fewer at once, or only this policy (--only)";
        let expected: &[&str] = if is_known { &[] } else { &[unknown] };
        assert_eq!(found, expected, "{times} {n_others}");
    }
}

#[test]
fn what_the_api_server_itself_ends_is_its_error() {
    // One expression may cost a million.
    let found = said(&[validates("configmaps", &costly(400))], 10);
    assert!(
        found.len() == 1
            && found[0].starts_with("vap/v Violated ends in an error: ")
            && found[0].contains("actual cost limit exceeded"),
        "{found:#?}"
    );
    let all: Vec<String> = (0..30).map(|_| format!("{{expression: '{}'}}", costly(100))).collect();
    let many = policy("Validating", "configmaps", &format!("validations: [{}]", all.join(",")));
    let found = said(std::slice::from_ref(&many), 10);
    assert!(found.len() == 1 && found[0].contains("running out of cost budget"), "{found:#?}");
    let mut found = Vec::new();
    let work = processor_time(|| found = said(&[many], SO_MANY));
    assert!(
        found.len() == 1
            && found[0].starts_with("vap/v Unknown it cannot be told: more cost units"),
        "{found:#?}"
    );
    // Making so many objects takes a second or two of it.
    assert!(work < Duration::from_secs(60), "{work:?}");
}

#[test]
fn variables_conditions_messages_and_mutations_cost_too() {
    let costly = costly(9);
    let of = |spec: &str| policy("Validating", "configmaps", spec);
    let variables: Vec<String> = (0..50)
        .map(|n| match n {
            0 => format!("{{name: v0, expression: '{costly}'}}"),
            n => format!("{{name: v{n}, expression: 'variables.v{} || {costly}'}}", n - 1),
        })
        .collect();
    for spec in [
        format!(
            "variables: [{}], validations: [{{expression: variables.v49}}]",
            variables.join(",")
        ),
        format!(
            "matchConditions: [{{name: c, expression: '{costly}'}}], validations: [{{expression: 'true'}}]"
        ),
        format!("validations: [{{expression: 'false', messageExpression: 'string({costly})'}}]"),
        format!(
            "validations: [{{expression: 'true'}}], auditAnnotations: [{{key: k, valueExpression: 'string({costly})'}}]"
        ),
    ] {
        let found = said(&[of(&spec)], SO_MANY);
        assert!(
            found.len() == 1
                && found[0].starts_with("vap/v Unknown it cannot be told: more cost units"),
            "{spec}: {found:#?}"
        );
        let few = said(&[of(&spec)], 10);
        assert!(few.iter().all(|line| !line.contains("Unknown")), "{few:#?}");
    }
    let part = format!("Object{{metadata: Object.metadata{{labels: {{'a': string({costly})}}}}}}");
    let set = changes("set", "configmaps", &part, "");
    let has = validates("configmaps", "has(object.metadata.labels)");
    assert!(said(&[set.clone(), has.clone()], 10).is_empty());
    let found = said(&[set, has], SO_MANY);
    assert!(
        found.len() == 1
            && found[0].contains("the object as set leaves it (more cost units than the 7629"),
        "{found:#?}"
    );
}

#[test]
fn all_bindings_of_a_policy_share_what_it_may_cost() {
    let own = validates("configmaps", &costly(1));
    let more: String = (0..9)
        .map(|n| format!("\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: w{n}}}\nspec: {{policyName: v, validationActions: [Deny]}}"))
        .collect();
    let found = said(&[own + &more], SO_MANY);
    assert_eq!(found.len(), 8, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with("vap/v Unknown")), "{found:#?}");
}
