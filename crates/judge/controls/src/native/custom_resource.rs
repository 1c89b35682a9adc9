//! `schema/custom-resource`: what a custom resource's definition refuses: fields
//! that it does not name, values, and its rules.

use ironhull_model::{Node, Object, Pointer, Standing};
use ironhull_schema::crd::{self, ProblemKind};

use super::{Answer, Element, Looks, Rules, Subject};
use crate::definitions;
use crate::rules::Outcome;

pub(super) const RULES: Rules =
    &[("schema/custom-resource", custom_resource, Looks::At(&[(crd::GROUP, crd::KIND)]))];

fn custom_resource(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    // What the API server holds it has validated.
    let is_live = object.standing == Standing::Live;
    if is_live || !crd::is_custom(&object.thing.group, &object.thing.kind) {
        return Answer::NotApplicable;
    }
    let root = object.root();
    let definitions = (subject.definitions)();
    let Some((definition, rules)) = definitions::of(definitions, object, subject.schema.minor())
    else {
        return Answer::NotApplicable;
    };
    let schema = rules.schema();
    let mut elements = Vec::new();
    let unknown = crd::unknown_fields(schema, root);
    for (node, path) in &unknown {
        elements.push(element(node.pointer(), path, format!("unknown field {path:?}")));
    }
    // The API server drops them before it validates.
    let pruned = (!unknown.is_empty()).then(|| crd::pruned(root, &unknown));
    let root = pruned.as_ref().map_or(root, ironhull_model::Value::root);
    let problems = crd::validate(schema, root, &ironhull_cel::matches);
    let is_blocked = problems.iter().any(|problem| problem.kind == ProblemKind::Blocking);
    let mut outcome = Outcome::default();
    if !is_blocked {
        outcome = rules.ask(root);
    }
    for problem in problems.into_iter().chain(outcome.problems) {
        let message = match problem.field.as_str() {
            "<nil>" => problem.body.clone(),
            _ => problem.text(),
        };
        elements.push(element(problem.pointer, &message, message.clone()));
    }
    for (pointer, why) in outcome.broken {
        elements.push(broken(definition, root, &pointer, &why));
    }
    Answer::Elements(elements)
}

fn element(at: Pointer, name: &str, message: String) -> Element {
    Element { name: name.to_owned(), at, message, ..Element::default() }
}

/// A rule that the API server would not have let into the definition, or that we
/// do not understand.
fn broken(definition: &Object, root: Node<'_>, pointer: &str, why: &str) -> Element {
    let missing = format!("a rule of {} that compiles: {pointer}: {why}", definition.thing);
    Element {
        name: pointer.to_owned(),
        at: root.pointer(),
        missing: vec![missing],
        ..Element::default()
    }
}
