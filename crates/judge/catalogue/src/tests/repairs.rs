//! Repairs, tested by applying them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ironhull_controls::examples::{self, Example};
use ironhull_controls::{Assignment, Control, Judge};
use ironhull_model::{Finding, Node, Object, RepairStep, Snapshot, Value, Verdict, World};
use ironhull_schema::{Schema, defaults, strict};

use crate::controls;

/// After a repair its finding is gone, no control finds anything that it did not
/// find before, every mount still has its volume, and the API server would decode
/// what came out.
#[test]
fn repairs_make_the_control_hold_and_nothing_worse() {
    let (mut n_repairs, mut wrong) = (0, Vec::new());
    for control in controls() {
        let violating = examples::read(control).into_iter().flatten();
        for (number, example) in violating.filter(Example::expects_violation).enumerate() {
            for finding in &examples::judge(control, &example).findings {
                let Some(after) = repaired(&example, finding) else { continue };
                n_repairs += 1;
                let mut told = |what: String| {
                    wrong.push(format!("{} example {}: {what}", control.id, number + 1));
                };
                compare(control, &example, finding, &after, &mut told);
            }
        }
    }
    println!("{n_repairs} repairs applied");
    assert!(n_repairs > 100, "only {n_repairs} repairs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(
    control: &Control,
    example: &Example,
    finding: &Finding,
    after: &Snapshot,
    told: &mut impl FnMut(String),
) {
    let found_before = found(control, example, &example.snapshot);
    let found_after = found(control, example, after);
    if found_after.iter().any(|found| is(found, finding)) {
        told(format!("the repair leaves {:?}", finding.message));
    }
    for new in &found_after {
        // An element without a name is known by its content, which a repair may change.
        let known = |old: &Finding| {
            (&old.control, &old.subject) == (&new.control, &new.subject)
                && (old.element == new.element || old.message == new.message)
        };
        if !found_before.iter().any(known) {
            told(format!(
                "the repair of {:?} brings {}: {}",
                finding.message, new.control, new.message
            ));
        }
    }
    let schema = Schema::of(after.minor);
    for object in &after.objects {
        let before = example.snapshot.objects.iter().find(|before| before.thing == object.thing);
        let old = before.map(|before| faults(schema, before)).unwrap_or_default();
        for fault in faults(schema, object).difference(&old) {
            told(format!("the repair of {:?} brings {fault}", finding.message));
        }
    }
}

/// The estate after the finding's own steps; none if only a person can help.
fn repaired(example: &Example, finding: &Finding) -> Option<Snapshot> {
    let steps = &finding.repair.steps;
    if steps.iter().all(|step| matches!(step, RepairStep::Ask { .. })) {
        return None;
    }
    let objects = &example.snapshot.objects;
    let at = objects.iter().position(|object| object.thing == finding.subject)?;
    let fixed = ironhull_patch::apply(&objects[at].value, steps).unwrap();
    let mut after = example.with(at, completed(&fixed, example.snapshot.minor));
    for step in steps {
        if let RepairStep::Create { object } = step {
            after.objects.push(Arc::new(completed(object, after.minor)));
        }
    }
    after.seal();
    Some(after)
}

fn completed(value: &Value, minor: ironhull_model::Minor) -> Object {
    Object::new(defaults::apply(Schema::of(minor), value), None).unwrap()
}

/// What all controls find; the example's own with its parameters.
fn found(control: &Control, example: &Example, snapshot: &Snapshot) -> Vec<Finding> {
    let all: Vec<&Control> = controls().iter().collect();
    let assignments: Vec<Assignment<'_>> = all
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let given = if one.id == control.id { example.params.as_ref() } else { None };
            Assignment::by_default(index, one, given)
        })
        .collect();
    let judge = Judge::new(World::new(snapshot), &all, &assignments);
    let mut judgement = judge.judgement();
    snapshot.objects.iter().for_each(|object| judge.object(object, &mut judgement));
    judge.estate(&mut judgement);
    judgement.findings.retain(|finding| finding.verdict == Verdict::Violated);
    judgement.findings
}

fn is(found: &Finding, finding: &Finding) -> bool {
    (&found.control, &found.subject, &found.element, &found.message)
        == (&finding.control, &finding.subject, &finding.element, &finding.message)
}

/// What strict decoding refuses, and mounts without volume.
fn faults(schema: Schema, object: &Object) -> BTreeSet<String> {
    let refused = strict::check(schema, object.root()).unwrap_or_default();
    let mut faults: BTreeSet<String> = refused.into_iter().map(|error| error.message).collect();
    if let Some(pod) = schema.pod_spec(&object.thing.group, &object.thing.kind, object.root()) {
        let names = |node: Option<Node<'_>>| -> Vec<String> {
            let items = node.into_iter().flat_map(Node::items);
            items.filter_map(|item| Some(item.get("name")?.display())).collect()
        };
        let volumes = names(pod.get("volumes"));
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        for container in lists.iter().filter_map(|list| pod.get(list)).flat_map(Node::items) {
            for list in ["volumeMounts", "volumeDevices"] {
                for name in names(container.get(list)).iter().filter(|name| !volumes.contains(name))
                {
                    faults.insert(format!("a mount of {name}, which is no volume"));
                }
            }
        }
    }
    faults
}
