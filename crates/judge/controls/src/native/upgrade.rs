//! `upgrade/removed-api`: API versions that the judged minor does not serve any
//! more, or has marked deprecated: the object's own, those its writers wrote with, and
//! those that a Helm release holds. `upgrade/alpha-api`: those that may go at any time.

use ironhull_model::object::split_api_version;
use ironhull_model::{Facts, Minor, Node, Object, Pointer, RepairStep, Severity};
use ironhull_upgrade::{Ending, State, Successor, ending, is_alpha, state, successor, writers};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[
    ("upgrade/alpha-api", alpha_api, Looks::Own),
    ("upgrade/removed-api", removed_api, Looks::Own),
];

fn removed_api(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let minor = subject.world.base.minor;
    let mut elements: Vec<Element> =
        ending(object, minor).map(|ending| own(object, &ending, minor)).into_iter().collect();
    let stale = subject.facts.get("now");
    let stale = stale.and_then(|now| a_year_before(now.value.root().as_str()?));
    elements.extend(writers(object, minor).iter().map(|writer| Element {
        name: format!("{}/{}", writer.manager, writer.api_version),
        at: writer.at.clone(),
        message: writer.sentence(minor),
        // Who has not written for a year may have changed, or be gone.
        severity: Some(match (&stale, writer.ending.state) {
            (Some(stale), State::Removed { .. }) if writer.time > *stale => Severity::High,
            (_, State::Removed { .. }) => Severity::Medium,
            (_, State::Deprecated) => Severity::Low,
        }),
        repair: vec![RepairStep::Ask {
            question: format!(
                "where is what {} writes? Change its apiVersion to what follows {}",
                writer.manager, writer.api_version
            ),
        }],
        ..Element::default()
    }));
    elements.extend(released(subject.facts, minor));
    Answer::Elements(elements)
}

/// The object's own version.
fn own(object: &Object, ending: &Ending, minor: Minor) -> Element {
    let ask = |question| vec![RepairStep::Ask { question }];
    let repair = match successor(object, ending, minor) {
        Successor::Steps(steps) => steps,
        Successor::ByHand(why) => ask(format!("how is it said in the next version? {why}")),
        Successor::NotYet(since) => ask(format!(
            "its successor is served from Kubernetes {since}: change it with that upgrade"
        )),
        Successor::Nothing => ask("nothing replaces it: what is to do its work?".to_owned()),
    };
    Element {
        name: object.api_version(),
        at: Pointer::root().join("apiVersion"),
        message: ending.sentence(minor),
        severity: Some(severity(ending.state)),
        repair,
        ..Element::default()
    }
}

fn severity(state: State) -> Severity {
    match state {
        State::Removed { .. } => Severity::High,
        State::Deprecated => Severity::Low,
    }
}

/// What a Helm release installs in a version that ends: its next upgrade fails on it.
fn released(facts: Facts<'_>, minor: Minor) -> Vec<Element> {
    let fact = facts.get("helm.release");
    let Some(release) = fact.map(|fact| fact.value.root()) else { return Vec::new() };
    let text = |node: Node<'_>, names: &[&str]| {
        node.path(names).and_then(Node::as_str).unwrap_or_default().to_owned()
    };
    let (name, chart) = (text(release, &["name"]), text(release, &["chart", "name"]));
    let version = text(release, &["chart", "version"]);
    let manifests = release.get("objects").into_iter().flat_map(Node::items);
    let ended = manifests.filter_map(|manifest| {
        let api_version = text(manifest, &["apiVersion"]);
        let (group, own) = split_api_version(&api_version);
        let kind = text(manifest, &["kind"]);
        let ending = state(group, own, &kind, minor)?;
        Some(Element {
            name: format!("{api_version}/{kind}/{}", text(manifest, &["name"])),
            at: Pointer::root(),
            message: format!(
                "Helm release {name} ({chart} {version}) installs {}: {}",
                text(manifest, &["name"]),
                ending.sentence(minor)
            ),
            severity: Some(severity(ending.state)),
            repair: vec![RepairStep::Ask {
                question: format!(
                    "which version of the chart {chart} uses what follows? Upgrade to it; where Kubernetes is upgraded already, helm mapkubeapis rewrites the release"
                ),
            }],
            ..Element::default()
        })
    });
    ended.collect()
}

/// The moment a year earlier, as text that compares with RFC 3339 in UTC.
fn a_year_before(now: &str) -> Option<String> {
    let (year, rest) = now.split_once('-')?;
    let year: u32 = year.parse().ok()?;
    Some(format!("{:04}-{rest}", year.checked_sub(1)?))
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
