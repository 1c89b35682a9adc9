//! `upgrade/removed-api`: API versions that the judged minor does not serve any
//! more, or has marked deprecated. `upgrade/alpha-api`: those that may go at any time.

use ironhull_model::{Pointer, RepairStep, Severity};
use ironhull_upgrade::{State, Successor, ending, is_alpha, successor};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] =
    &[("upgrade/alpha-api", alpha_api), ("upgrade/removed-api", removed_api)];

fn removed_api(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let minor = subject.world.base.minor;
    let Some(ending) = ending(object, minor) else { return Answer::Elements(Vec::new()) };
    let ask = |question| vec![RepairStep::Ask { question }];
    let repair = match successor(object, &ending, minor) {
        Successor::Steps(steps) => steps,
        Successor::ByHand(why) => ask(format!("how is it said in the next version? {why}")),
        Successor::NotYet(since) => ask(format!(
            "its successor is served from Kubernetes {since}: change it with that upgrade"
        )),
        Successor::Nothing => ask("nothing replaces it: what is to do its work?".to_owned()),
    };
    Answer::Elements(vec![Element {
        name: object.api_version(),
        at: Pointer::root().join("apiVersion"),
        message: ending.sentence(minor),
        severity: Some(match ending.state {
            State::Removed { .. } => Severity::High,
            State::Deprecated => Severity::Low,
        }),
        repair,
        ..Element::default()
    }])
}

fn alpha_api(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object.filter(|object| is_alpha(object)) else {
        return Answer::Elements(Vec::new());
    };
    Answer::Elements(vec![Element {
        name: object.api_version(),
        at: Pointer::root().join("apiVersion"),
        message: format!(
            "{} {} is an alpha API: off by default, and it may change or go in any release",
            object.api_version(),
            object.thing.kind
        ),
        ..Element::default()
    }])
}
