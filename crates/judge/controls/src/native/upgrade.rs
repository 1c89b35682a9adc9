//! `upgrade/removed-api`: API versions that the judged minor does not serve any
//! more, or has marked deprecated.

use ironhull_model::{Builder, Pointer, RepairStep, Severity};
use ironhull_upgrade::{State, ending};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("upgrade/removed-api", removed_api)];

fn removed_api(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let thing = &object.thing;
    let Some(ending) = ending(object, subject.world.base.minor) else {
        return Answer::Elements(Vec::new());
    };
    let api_version = object.api_version();
    let (kind, replacement) = (&thing.kind, ending.life.replacement);
    let (message, severity) = match ending.state {
        State::Removed { since } => (
            format!(
                "{api_version} {kind} was removed in Kubernetes {since}; the server refuses it"
            ),
            Severity::High,
        ),
        State::Deprecated { since, until: Some(until) } => (
            format!("{api_version} {kind} is deprecated since {since} and removed in {until}"),
            Severity::Low,
        ),
        State::Deprecated { since, until: None } => {
            (format!("{api_version} {kind} is deprecated since {since}"), Severity::Low)
        }
    };
    let at = Pointer::root().join("apiVersion");
    let hint = replacement.map_or_else(String::new, |replacement| format!("; use {replacement}"));
    let repair = match replacement.and_then(|replacement| replacement.rsplit_once('/')) {
        Some((version, of)) if *of == **kind => {
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
