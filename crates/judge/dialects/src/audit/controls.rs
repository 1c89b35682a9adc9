//! Policies as controls, and how bad what they find is.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_controls::control::{Applies, Control, Rule, SeverityLine, Surface};
use ironhull_model::{Node, Object, Severity, World};

use super::SEVERITY;
use crate::policy::{Action, Flavour, GROUP, text};

/// The policies of a world as controls: `vap/NAME` and `map/NAME`.
pub fn controls(world: World<'_>) -> Vec<Control> {
    let mut named: BTreeMap<String, (Severity, Option<&Arc<Object>>)> = BTreeMap::new();
    for flavour in Flavour::ALL {
        for object in world.of_kind(GROUP, flavour.binding_kind()) {
            let Some(spec) = object.root().get("spec") else { continue };
            let severity = said_severity(object).unwrap_or_else(|| severity_of_actions(spec));
            let id = id(flavour, text(spec, "policyName"));
            let known = named.entry(id).or_insert((Severity::Low, None));
            known.0 = known.0.max(severity);
        }
        for object in world.of_kind(GROUP, flavour.kind()) {
            let known = named.entry(id(flavour, &object.thing.name));
            let known = known.or_insert((Severity::Medium, None));
            known.1 = Some(object);
            known.0 = said_severity(object).unwrap_or(known.0);
        }
    }
    named.into_iter().map(|(id, (severity, object))| control(&id, severity, object)).collect()
}

pub(super) fn id(flavour: Flavour, name: &str) -> String {
    match flavour {
        Flavour::Validating => format!("vap/{name}"),
        Flavour::Mutating => format!("map/{name}"),
    }
}

pub(super) fn said_severity(object: &Object) -> Option<Severity> {
    object.annotation(SEVERITY).or_else(|| object.label(SEVERITY))?.parse().ok()
}

fn severity_of_actions(spec: Node<'_>) -> Severity {
    let has = |action: &str| {
        let actions = spec.get("validationActions").into_iter().flat_map(Node::items);
        { actions }.any(|item| item.as_str() == Some(action))
    };
    match () {
        () if has("Deny") => Severity::High,
        () if has("Warn") => Severity::Medium,
        () => Severity::Low,
    }
}

pub(super) fn severity_of(actions: &[Action]) -> Severity {
    match () {
        () if actions.contains(&Action::Deny) => Severity::High,
        () if actions.contains(&Action::Warn) => Severity::Medium,
        () => Severity::Low,
    }
}

fn control(id: &str, severity: Severity, object: Option<&Arc<Object>>) -> Control {
    let name = id.split_once('/').map_or(id, |(_, name)| name);
    let description = object.and_then(|object| object.annotation("description"));
    let title = match (description, id.starts_with("map/")) {
        (Some(text), _) => text.to_owned(),
        (None, false) => format!("The admission policy {name} admits what is there"),
        (None, true) => format!("The admission policy {name} is in force and does not fail"),
    };
    Control {
        id: id.into(),
        catalogue: Vec::new(),
        surface: Surface::Cluster,
        title: title.into(),
        why: "An admission policy judges what changes, never what is there already; that is \
              refused as soon as somebody changes it."
            .into(),
        applies: Applies::Any,
        from: None,
        until: None,
        params: "{}".into(),
        related: Vec::new(),
        needs: Vec::new(),
        helps: Vec::new(),
        rule: Rule::Native("dialects/policy".into()),
        may: None,
        severity: vec![SeverityLine { severity, when: None }],
        standards: Vec::new(),
        packs: Vec::new(),
        portable: false,
        examples: "[]".into(),
    }
}
