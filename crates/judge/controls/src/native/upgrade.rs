//! `upgrade/removed-api`: API versions that the judged minor does not serve any
//! more, or has marked deprecated.

use ironhull_model::{Builder, Pointer, RepairStep, Severity};
use ironhull_schema::removed;

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("upgrade/removed-api", removed_api)];

fn removed_api(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let thing = &object.thing;
    let Some(removal) = removed::lookup(&thing.group, &object.version, &thing.kind) else {
        return Answer::Elements(Vec::new());
    };
    let minor = subject.world.base.minor;
    let api_version = object.api_version();
    let (message, severity) = match (removal.removed, removal.deprecated) {
        (Some(removed), _) if removed <= minor => (
            format!(
                "{api_version} {} was removed in Kubernetes {removed}; the server refuses it",
                thing.kind
            ),
            Severity::High,
        ),
        (Some(removed), Some(deprecated)) if deprecated <= minor => (
            format!(
                "{api_version} {} is deprecated since {deprecated} and removed in {removed}",
                thing.kind
            ),
            Severity::Low,
        ),
        (None, Some(deprecated)) if deprecated <= minor => (
            format!("{api_version} {} is deprecated since {deprecated}", thing.kind),
            Severity::Low,
        ),
        _ => return Answer::Elements(Vec::new()),
    };
    let at = Pointer::root().join("apiVersion");
    let hint =
        removal.replacement.map_or_else(String::new, |replacement| format!("; use {replacement}"));
    let repair = match removal.replacement.and_then(|replacement| replacement.rsplit_once('/')) {
        Some((version, kind)) if kind == &*thing.kind => {
            let mut builder = Builder::new();
            builder.str(version, 0, 0);
            vec![RepairStep::Set { pointer: at.clone(), value: builder.finish() }]
        }
        _ => Vec::new(),
    };
    Answer::Elements(vec![Element {
        name: api_version,
        at,
        message: message + &hint,
        severity: Some(severity),
        repair,
        ..Element::default()
    }])
}
