//! Questions about every namespace: default denies, and the way to the instance
//! metadata service.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use ironhull_model::{Node, Object, Pointer, RepairStep, Severity, ThingRef, Value};
use ironhull_network::isolation::Isolation;
use ironhull_network::{Certainty, Direction, Network, Workload};

use super::{Answer, Element, Subject, ask, some};

type Named<'a> = (&'a str, Option<&'a Arc<Object>>);

/// The namespaces that users work in. One that files do not even name is left
/// out: it is whichever they are applied to.
fn user_namespaces<'a>(network: &Network<'a>, params: Node<'_>) -> Vec<Named<'a>> {
    let platform = params.get("platform");
    let is_platform = |name: &str| {
        platform.is_some_and(|list| list.items().any(|item| item.as_str() == Some(name)))
    };
    let all = network.namespaces().into_iter();
    all.filter(|(name, _)| !name.is_empty() && !is_platform(name)).collect()
}

fn thing((name, object): Named<'_>) -> Arc<ThingRef> {
    object.map_or_else(
        || Arc::new(ThingRef::new("", "Namespace", "", name)),
        |object| object.thing.clone(),
    )
}

pub(super) fn default_deny(subject: &Subject<'_>) -> Answer {
    let network = (subject.network)();
    let direction = match subject.params.get("direction").and_then(Node::as_str) {
        Some("egress") => Direction::Egress,
        _ => Direction::Ingress,
    };
    let namespaces = user_namespaces(network, subject.params);
    if namespaces.is_empty() {
        return Answer::NotApplicable;
    }
    let elements = namespaces.into_iter().filter_map(|(name, object)| {
        let field = direction.field();
        let mut element = Element {
            subject: Some(thing((name, object))),
            related: proof(network, name),
            repair: ask(format!("which {field} do the pods of {name} need? Deny the rest by a policy with podSelector: {{}} and policyTypes: [{}], and allow what is needed by others", direction.policy_type())),
            ..Element::default()
        };
        match network.isolation(name, direction) {
            Isolation::DefaultDeny(_) => return None,
            Isolation::Open => {
                element.message = format!("no policy denies {field} to the pods of namespace {name} by default");
                // What was not read may hold it.
                element.missing = if network.knows_all_policies() { Vec::new() } else { network.missing() };
            }
            Isolation::Opened(policy, rule) => {
                element.message = format!("policy {} selects every pod of namespace {name} and allows nearly all {field}", policy.object.thing.name);
                element.related = vec![(policy.object.thing.clone(), rule.pointer())];
            }
        }
        Some(element)
    });
    Answer::Elements(elements.collect())
}

/// A namespace's workloads, or the namespace itself, prove that it is used.
fn proof(network: &Network<'_>, namespace: &str) -> Vec<(Arc<ThingRef>, Pointer)> {
    let workloads = network.workloads_in(namespace).iter().take(1);
    workloads.map(|workload| (workload.object.thing.clone(), workload.labels_pointer())).collect()
}

pub(super) fn metadata(subject: &Subject<'_>) -> Answer {
    let network = (subject.network)();
    let addresses = subject.params.get("addresses").into_iter().flat_map(Node::items);
    let addresses: Vec<IpAddr> =
        addresses.filter_map(|address| address.as_str()?.parse().ok()).collect();
    let namespaces: Vec<Named<'_>> = user_namespaces(network, subject.params)
        .into_iter()
        .filter(|(name, _)| !network.workloads_in(name).is_empty())
        .collect();
    if namespaces.is_empty() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for namespace in namespaces {
        let pods = reaching(network, namespace, &addresses);
        elements.extend(with_exempt(network, namespace, pods));
    }
    Answer::Elements(elements)
}

/// The pods of a namespace that can reach one of the addresses.
fn reaching(network: &Network<'_>, namespace: Named<'_>, addresses: &[IpAddr]) -> Option<Element> {
    let (name, _) = namespace;
    let mut open: Vec<&Workload<'_>> = Vec::new();
    let mut known = HashSet::new();
    let mut to = Vec::new();
    let mut unknown = false;
    let mut related = Vec::new();
    for address in addresses {
        for (workload, reach) in network.web_reach(name, *address) {
            unknown |= reach.allowed == Certainty::Unknown;
            if reach.allowed != Certainty::Yes {
                continue;
            }
            if !to.contains(address) {
                to.push(*address);
            }
            if known.insert(std::ptr::from_ref(workload)) {
                if open.is_empty() {
                    related.push((workload.object.thing.clone(), workload.labels_pointer()));
                    related.extend(
                        reach.because.into_iter().map(|(policy, at)| (policy.thing.clone(), at)),
                    );
                }
                open.push(workload);
            }
        }
    }
    if open.is_empty() && !unknown {
        return None;
    }
    let mut element = Element { subject: Some(thing(namespace)), ..Element::default() };
    if open.is_empty() {
        element.message =
            format!("whether pods of namespace {name} can reach the instance metadata");
        element.missing = network.missing();
        return Some(element);
    }
    let to: Vec<String> = to.iter().map(IpAddr::to_string).collect();
    element.message = format!(
        "pods of namespace {name} can reach the instance metadata at {}: {}",
        to.join(" and "),
        some(&open)
    );
    element.related = related;
    element.repair = repair(network, name, addresses);
    Some(element)
}

/// A policy that leaves everything but the metadata service open. Where policies
/// restrict egress already it would open what they close, so a person is asked.
fn repair(network: &Network<'_>, namespace: &str, addresses: &[IpAddr]) -> Vec<RepairStep> {
    let restricted =
        network.policies_in(namespace).iter().any(|policy| policy.covers(Direction::Egress));
    let refused =
        network.refused().iter().any(|policy| *policy.object.thing.namespace == *namespace);
    if restricted || refused {
        let question = format!(
            "which policy of {namespace} is to leave the instance metadata out? Policies add up, so every rule that allows it has to except it"
        );
        return ask(question);
    }
    let block = |is_ipv4: bool, all: &str, bits: u8| {
        let except: Vec<String> = addresses
            .iter()
            .filter(|address| address.is_ipv4() == is_ipv4)
            .map(|address| format!("\"{address}/{bits}\""))
            .collect();
        format!(r#"{{"ipBlock":{{"cidr":"{all}","except":[{}]}}}}"#, except.join(","))
    };
    let json = format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{{"name":"restrict-instance-metadata","namespace":"{namespace}"}},"spec":{{"podSelector":{{}},"policyTypes":["Egress"],"egress":[{{"to":[{},{},{{"namespaceSelector":{{}}}}]}}]}}}}"#,
        block(true, "0.0.0.0/0", 32),
        block(false, "::/0", 128),
    );
    let object: Option<Value> = serde_json::from_str(&json).ok();
    object.map(|object| RepairStep::Create { object }).into_iter().collect()
}

/// What was found, and the pods that no policy can keep from it: one finding, so
/// that it stays the same when a pod moves from one network to the other.
fn with_exempt(
    network: &Network<'_>,
    namespace: Named<'_>,
    found: Option<Element>,
) -> Option<Element> {
    let on_host: Vec<&Workload<'_>> = network
        .workloads_in(namespace.0)
        .iter()
        .filter(|workload| workload.is_on_host_network())
        .collect();
    let Some(first) = on_host.first() else { return found };
    let on_host = some(&on_host);
    let related = (first.object.thing.clone(), first.pod.pointer().join("hostNetwork"));
    let mut element = match found.filter(|found| found.missing.is_empty()) {
        Some(mut element) => {
            element.message += &format!("; on the host network, whatever policies say: {on_host}");
            element
        }
        None => Element {
            subject: Some(thing(namespace)),
            message: format!(
                "pods on the host network reach the instance metadata whatever policies say: {on_host}"
            ),
            severity: Some(Severity::Low),
            ..Element::default()
        },
    };
    element.related.push(related);
    Some(element)
}
