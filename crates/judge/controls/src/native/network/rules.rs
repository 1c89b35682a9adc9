//! Rules that do not do what they are for: names of ports that nobody has, and
//! egress without DNS.

use ironhull_model::Node;
use ironhull_network::{Certainty, Direction, Port, Protocol, Workload};

use super::{Answer, Element, Subject, policy};

/// Names of ports in ingress rules that no selected pod declares.
pub(super) fn port_names(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let network = (subject.network)();
    let selected: Vec<&Workload<'_>> =
        network.selected(policy).map(|(workload, _)| workload).collect();
    let rules = policy.rules(Direction::Ingress);
    let ports = rules.filter_map(|rule| rule.get("ports")).flat_map(Node::items);
    let named = ports.filter_map(|port| Some((port, port.get("port")?.as_str()?)));
    let named: Vec<(Node<'_>, &str)> = named.collect();
    if named.is_empty() || selected.is_empty() {
        return Answer::NotApplicable;
    }
    let dead = named.into_iter().filter(|(port, name)| {
        let protocol = Protocol::of(*port);
        !selected.iter().any(|workload| workload.declares(name, protocol))
    });
    let elements = dead.map(|(port, name)| Element {
        name: name.to_owned(),
        at: port.pointer().join("port"),
        message: format!(
            "no selected pod declares a port {name} ({}): the rule opens nothing",
            Protocol::of(port).map_or("?", Protocol::as_str)
        ),
        related: selected
            .iter()
            .take(3)
            .map(|workload| {
                (workload.object.thing.clone(), workload.pod.pointer().join("containers"))
            })
            .collect(),
        ..Element::default()
    });
    Answer::Elements(elements.collect())
}

/// Pods that may connect somewhere, but not ask for names.
pub(super) fn dns(subject: &Subject<'_>) -> Answer {
    let (Some(object), Some(pod)) = (subject.object, subject.pod) else {
        return Answer::NotApplicable;
    };
    let network = (subject.network)();
    if network.policies_in(&object.thing.namespace).is_empty() {
        return Answer::NotApplicable;
    }
    let Some(workload) = network.workload(object) else { return Answer::NotApplicable };
    let restricting: Vec<_> = network
        .selecting(workload)
        .filter(|(policy, selected)| {
            *selected == Certainty::Yes && policy.covers(Direction::Egress)
        })
        .map(|(policy, _)| policy)
        .collect();
    // Who may connect nowhere needs no names; neither does who brings a resolver.
    let connects =
        restricting.iter().any(|policy| policy.rules(Direction::Egress).next().is_some());
    let own = pod.get("dnsPolicy").and_then(Node::as_str) == Some("None");
    if !connects || own || workload.is_on_host_network() {
        return Answer::NotApplicable;
    }
    let port = Port { protocol: Protocol::Udp, number: 53 };
    if restricting.iter().any(|policy| policy.opens(Direction::Egress, port)) {
        return Answer::Elements(Vec::new());
    }
    let names: Vec<&str> = restricting.iter().map(|policy| &*policy.object.thing.name).collect();
    Answer::Elements(vec![Element {
        at: workload.labels_pointer(),
        message: format!(
            "{} may connect to others but not to DNS (UDP 53), by {}: it cannot look up names",
            workload.shown(),
            names.join(", ")
        ),
        related: restricting
            .iter()
            .take(3)
            .map(|policy| {
                (
                    policy.object.thing.clone(),
                    ironhull_model::Pointer::root().join("spec").join("egress"),
                )
            })
            .collect(),
        // One that was not read may open it.
        missing: if network.knows_all_policies() { Vec::new() } else { network.missing() },
        ..Element::default()
    }])
}
