//! `peers/…`: add-ons that are here and do not do what they are here for: they do not
//! run, run on some nodes only, only report, or get into each other's way; and
//! NetworkPolicies that nothing enforces.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_model::{Node, Pointer, RepairStep, Severity, ThingRef};
use ironhull_peers::{Does, Function, Peer, Peers, Running, State};

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[
    ("peers/not-running", not_running, Looks::Everywhere),
    ("peers/on-every-node", on_every_node, Looks::Everywhere),
    ("peers/one-for-each", one_for_each, Looks::Everywhere),
    ("peers/only-report", only_report, Looks::Everywhere),
    ("peers/unenforced", unenforced, Looks::Everywhere),
];

/// What stops or shows an attack: without it the cluster is open, or blind.
const GUARDS: [Function; 4] = [
    Function::Admission,
    Function::ImageVerification,
    Function::NetworkPolicy,
    Function::RuntimeDetection,
];

fn ask(question: String) -> Vec<RepairStep> {
    vec![RepairStep::Ask { question }]
}

/// Whether the control's parameters name a function.
fn is_named(subject: &Subject<'_>, function: Function) -> bool {
    let named = subject.params.get("functions").into_iter().flat_map(Node::items);
    named.filter_map(Node::as_str).any(|name| name == function.as_str())
}

/// What a workload's image says it is.
fn proof(running: &Running<'_>) -> (Arc<ThingRef>, Pointer) {
    (running.object.thing.clone(), running.at.clone())
}

fn answer(any: bool, elements: Vec<Element>) -> Answer {
    if any { Answer::Elements(elements) } else { Answer::NotApplicable }
}

fn not_running(subject: &Subject<'_>) -> Answer {
    let peers = (subject.peers)();
    let elements = peers.found.iter().filter_map(|peer| match peer.state() {
        None => left_behind(peer, peers),
        Some(State::Off | State::Down) => stopped(peer),
        Some(_) => None,
    });
    answer(!peers.found.is_empty(), elements.collect())
}

/// Definitions without anything that acts on what is made of them.
fn left_behind(peer: &Peer<'_>, peers: &Peers<'_>) -> Option<Element> {
    let name = peer.known.name;
    let definition = peer.definitions.first()?;
    let policies = match peer.rules.len() {
        0 => String::new(),
        1 => ", and its policy does nothing".to_owned(),
        n => format!(", and its {n} policies do nothing"),
    };
    let all = "all workloads of the cluster".to_owned();
    Some(Element {
        subject: Some(definition.thing.clone()),
        name: name.to_owned(),
        at: Pointer::root(),
        message: format!("the definitions of {name} are here, but nothing of it runs{policies}"),
        severity: Some(if peer.rules.is_empty() { Severity::Low } else { Severity::High }),
        related: { peer.rules.iter().take(3) }
            .map(|rule| (rule.object.thing.clone(), Pointer::root().join("spec")))
            .collect(),
        repair: ask(format!(
            "does {name} run outside of the cluster? Else bring it back, or remove its definitions with what is made of them"
        )),
        missing: if peers.complete { Vec::new() } else { vec![all] },
        ..Element::default()
    })
}

/// Workloads of which nothing is up.
fn stopped(peer: &Peer<'_>) -> Option<Element> {
    let name = peer.known.name;
    let running = peer.serving().find(|it| !it.works())?;
    let message = match (running.state, running.ready) {
        (State::Off, Some((_, 0))) if &*running.object.thing.kind == "DaemonSet" => {
            format!("{name} runs on no node")
        }
        (State::Off, _) => format!("{name} is switched off"),
        (_, Some((_, wanted))) => format!("nothing of {name} is ready: 0 of {wanted}"),
        (_, None) => format!("nothing of {name} is ready"),
    };
    let guards = peer.functions().iter().any(|function| GUARDS.contains(function));
    Some(Element {
        subject: Some(running.object.thing.clone()),
        name: name.to_owned(),
        at: running.at.clone(),
        message,
        severity: Some(if guards { Severity::High } else { Severity::Medium }),
        repair: ask(format!("is {name} still wanted? Bring it up, or remove it")),
        ..Element::default()
    })
}

fn on_every_node(subject: &Subject<'_>) -> Answer {
    let peers = (subject.peers)();
    let is_named = |function: &Function| is_named(subject, *function);
    let running = peers.found.iter().flat_map(|peer| {
        let works = peer.running.iter().filter(|it| it.works());
        works.map(move |running| (peer.known.name, running))
    });
    let on_nodes: Vec<_> = running
        .filter(|(_, it)| it.part.serves.iter().any(is_named))
        .filter(|(_, it)| &*it.object.thing.kind == "DaemonSet")
        .collect();
    let elements = on_nodes.iter().filter_map(|(name, running)| {
        let (ready, wanted) = running.ready?;
        let message = match running.absent.as_slice() {
            [] if ready >= wanted => return None,
            [] => format!("{name} is ready on {ready} of {wanted} nodes"),
            [one] => format!("{name} does not run on node {one}"),
            [one, .., last] if running.absent.len() == 2 => {
                format!("{name} does not run on nodes {one} and {last}")
            }
            [one, rest @ ..] => {
                format!("{name} does not run on node {one} and {} others", rest.len())
            }
        };
        let nodes = running.absent.iter().take(3);
        Some(Element {
            subject: Some(running.object.thing.clone()),
            name: (*name).to_owned(),
            at: running.at.clone(),
            message,
            related: nodes
                .map(|node| (Arc::new(ThingRef::new("", "Node", "", node)), Pointer::root()))
                .collect(),
            repair: ask(format!(
                "what keeps {name} from these nodes: taints that it does not tolerate, a selector, another operating system?"
            )),
            ..Element::default()
        })
    });
    answer(!on_nodes.is_empty(), elements.collect())
}

fn one_for_each(subject: &Subject<'_>) -> Answer {
    let peers = (subject.peers)();
    let named = |function| is_named(subject, function);
    let any = peers.found.iter().flat_map(Peer::functions).any(named);
    let overlaps = peers.overlaps().into_iter().filter(|overlap| named(overlap.function));
    let elements = overlaps.filter_map(|overlap| {
        let doing = peers.found.iter().filter(|peer| overlap.peers.contains(&peer.known.name));
        let running: Vec<_> =
            doing.filter_map(|peer| peer.at_work(overlap.function).next()).collect();
        let last = running.last()?;
        Some(Element {
            subject: Some(last.object.thing.clone()),
            name: overlap.function.as_str().to_owned(),
            at: last.at.clone(),
            message: format!(
                "{} is done by {}",
                overlap.function.as_str(),
                overlap.peers.join(" and by ")
            ),
            related: running.iter().rev().skip(1).map(|running| proof(running)).collect(),
            repair: ask(format!(
                "which of {} is to do it? Take it from the others",
                overlap.peers.join(", ")
            )),
            ..Element::default()
        })
    });
    answer(any, elements.collect())
}

fn only_report(subject: &Subject<'_>) -> Answer {
    let peers = (subject.peers)();
    let mut any = false;
    let mut elements = Vec::new();
    for peer in &peers.found {
        let Some(running) = peer.serving().find(|it| it.works()) else { continue };
        let effects = peer.by_effect();
        let n = |does| effects.get(&does).copied().unwrap_or(0);
        let (warn, audit, unknown) = (n(Does::Warns), n(Does::Audits), n(Does::Unknown));
        if warn + audit + unknown + n(Does::Denies) == 0 {
            continue;
        }
        any = true;
        if n(Does::Denies) == 0 {
            elements.push(reporting(peer, running, &effects));
        }
    }
    answer(any, elements)
}

fn reporting(peer: &Peer<'_>, running: &Running<'_>, effects: &BTreeMap<Does, usize>) -> Element {
    let name = peer.known.name;
    let n = |does| effects.get(&does).copied().unwrap_or(0);
    let parts = [(n(Does::Audits), "only report"), (n(Does::Warns), "only warn")];
    let parts: Vec<String> =
        { parts.iter() }.filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let missing = match n(Does::Unknown) {
        0 => Vec::new(),
        n => vec![format!("{n} of the policies of {name} as a whole")],
    };
    let policies =
        peer.rules.iter().filter(|rule| matches!(rule.says.does, Does::Audits | Does::Warns));
    Element {
        subject: Some(running.object.thing.clone()),
        name: name.to_owned(),
        at: running.at.clone(),
        message: format!("no policy of {name} denies anything: {}", parts.join(", ")),
        related: policies
            .take(3)
            .map(|rule| (rule.object.thing.clone(), Pointer::root().join("spec")))
            .collect(),
        repair: ask(format!(
            "which policies of {name} have nothing to report any more? Let them deny"
        )),
        missing,
        ..Element::default()
    }
}

fn unenforced(subject: &Subject<'_>) -> Answer {
    let peers = (subject.peers)();
    let doing = |function| {
        let found = peers.found.iter();
        found.filter_map(move |peer| Some((peer.known.name, peer.at_work(function).next()?)))
    };
    let Some((name, plugin)) = doing(Function::PodNetwork).next() else {
        return Answer::NotApplicable;
    };
    if doing(Function::NetworkPolicy).next().is_some() {
        return Answer::Elements(Vec::new());
    }
    let policies: Vec<_> = subject.world.of_kind("networking.k8s.io", "NetworkPolicy").collect();
    let without_effect = match policies.len() {
        0 => String::new(),
        1 => ": 1 is without effect".to_owned(),
        n => format!(": {n} are without effect"),
    };
    let all = "all workloads of the cluster".to_owned();
    Answer::Elements(vec![Element {
        subject: Some(plugin.object.thing.clone()),
        name: name.to_owned(),
        at: plugin.at.clone(),
        message: format!(
            "{name} does not enforce NetworkPolicies, and nothing else does{without_effect}"
        ),
        severity: Some(if policies.is_empty() { Severity::Medium } else { Severity::High }),
        related: { policies.iter().take(3) }
            .map(|policy| (policy.thing.clone(), Pointer::root().join("spec")))
            .collect(),
        repair: ask(format!(
            "which network plugin is to enforce them beside {name}, or in its place?"
        )),
        missing: if peers.complete { Vec::new() } else { vec![all] },
        ..Element::default()
    }])
}
