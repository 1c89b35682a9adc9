//! `estate/duplicates`: objects that are written more than once in one file.

use ironhull_model::{Object, Pointer, RepairStep, World};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[("estate/duplicates", duplicates, Looks::Everywhere)];

fn duplicates(subject: &Subject<'_>) -> Answer {
    let world = subject.world;
    let given = world.objects().filter(|object| object.is_judged());
    let objects: Vec<&Object> = given.map(|object| &**object).collect();
    if objects.is_empty() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    // A snapshot is sorted by thing: equal ones stand side by side.
    for same in objects.chunk_by(|a, b| a.thing == b.thing) {
        let Some(first) = same.first().filter(|first| !first.thing.name.is_empty()) else {
            continue;
        };
        // Variants and overlays stand in files of their own; within one file it is a mistake.
        let file = |object: &Object| object.origin.map(|origin| origin.source);
        let Some(other) = same[1..].iter().find(|other| file(other) == file(first)) else {
            continue;
        };
        elements.push(Element {
            subject: Some(first.thing.clone()),
            at: Pointer::root(),
            message: format!(
                "{} {} is written twice: also {}; the one that is applied last wins",
                first.thing.kind,
                first.thing.name,
                shown(world, other)
            ),
            repair: vec![RepairStep::Ask {
                question: "which of the two is meant? Delete the other".to_owned(),
            }],
            ..Element::default()
        });
    }
    Answer::Elements(elements)
}

/// Where an object stands: `deploy/web.yaml:12`.
fn shown(world: World<'_>, object: &Object) -> String {
    let found = object.origin.zip(object.root().span()).and_then(|(origin, span)| {
        let source = world.base.source(origin.source)?;
        Some(format!("at {}:{}", source.path, source.position(span.start).line))
    });
    found.unwrap_or_else(|| "elsewhere".to_owned())
}
