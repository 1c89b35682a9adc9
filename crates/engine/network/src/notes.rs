//! What a NetworkPolicy does and does not do, beyond what its fields seem to say.

use std::net::IpAddr;

use ironhull_model::{Node, Object, Pointer};

use crate::isolation::is_every_pod;
use crate::range::Range;
use crate::reach::block_contains;
use crate::validate::Validation;
use crate::{Certainty, Direction, Network, Policy};

/// One thing to know about a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Where in the policy; the root for the policy as a whole.
    pub at: Pointer,
    /// In one or two sentences.
    pub text: String,
}

/// What the broad ranges of a policy's egress leave open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Breadth {
    /// A range covers all of IPv4.
    pub ipv4: bool,
    /// A range covers all of IPv6.
    pub ipv6: bool,
    /// A rule or peer covers every pod.
    pub pods: bool,
}

/// How broad a policy's egress is. Ranges count as what they were meant to be.
pub fn breadth(policy: Policy<'_>) -> Breadth {
    let mut breadth = Breadth::default();
    for block in policy.ranges(Direction::Egress) {
        let range = block.get("cidr").and_then(Node::as_str).and_then(Range::meant);
        if let Some(range) = range.filter(|range| range.prefix() == 0) {
            breadth.ipv4 |= range.is_ipv4();
            breadth.ipv6 |= !range.is_ipv4();
        }
    }
    let any_peer = |rule: Node<'_>| rule.get("to").is_none_or(Node::is_empty);
    breadth.pods = policy.rules(Direction::Egress).any(any_peer)
        || policy.peers(Direction::Egress).any(is_every_pod);
    breadth
}

/// Another policy that allows again what an `except` of this one leaves out.
#[derive(Clone, Debug)]
pub struct Reopened<'a> {
    /// The `except` item.
    pub except: Node<'a>,
    /// The other policy.
    pub by: &'a Object,
    /// The rule of the other policy.
    pub rule: Node<'a>,
}

/// Where policies of the same namespace allow again what an exception of this
/// one leaves out, for pods that both select.
pub fn reopened<'a>(network: &Network<'a>, policy: Policy<'a>) -> Vec<Reopened<'a>> {
    let mut all = Vec::new();
    let mut blocks = policy.ranges(Direction::Egress);
    if !blocks.any(|block| block.get("except").is_some_and(|list| !list.is_empty())) {
        return all;
    }
    let mut others = network.beside(policy);
    others.retain(|other| other.covers(Direction::Egress));
    for block in policy.ranges(Direction::Egress) {
        for except in block.get("except").into_iter().flat_map(Node::items) {
            let range = except.as_str().and_then(Range::parse);
            let Some(address) = range.map(Range::network) else { continue };
            for &other in &others {
                let allows = |rule: &Node<'a>| allows_address(*rule, address, block);
                if let Some(rule) = other.rules(Direction::Egress).find(allows)
                    && share_a_pod(network, policy, other)
                {
                    all.push(Reopened { except, by: other.object, rule });
                }
            }
        }
    }
    all
}

fn allows_address(rule: Node<'_>, address: IpAddr, own: Node<'_>) -> bool {
    let Some(peers) = rule.get("to").filter(|peers| !peers.is_empty()) else { return true };
    let blocks = peers.items().filter_map(|peer| peer.get("ipBlock"));
    let is_own =
        |block: &Node<'_>| std::ptr::eq(block.value(), own.value()) && block.id() == own.id();
    blocks.filter(|block| !is_own(block)).any(|block| block_contains(block, address))
}

fn share_a_pod<'a>(network: &Network<'a>, one: Policy<'a>, other: Policy<'a>) -> bool {
    one.object.thing == other.object.thing
        || one.selects_all()
        || other.selects_all()
        || network.selected(one).any(|(workload, selected)| {
            selected == Certainty::Yes && other.selects(workload) == Certainty::Yes
        })
}

/// Everything to know about a policy, in the order of its fields.
pub fn notes<'a>(network: &Network<'a>, policy: Policy<'a>) -> Vec<Note> {
    let mut notes = Vec::new();
    refused(network, policy, &mut notes);
    ranges(policy, &mut notes);
    subjects(network, policy, &mut notes);
    let root = policy.spec().map_or_else(Pointer::root, Node::pointer);
    let breadth = breadth(policy);
    if policy.covers(Direction::Egress) && breadth.ipv4 != breadth.ipv6 && !breadth.pods {
        let (has, lacks) = if breadth.ipv4 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
        notes.push(Note {
            at: root.clone(),
            text: format!("The egress rules name all of {has} and nothing of {lacks}: on a dual-stack cluster the selected pods lose every {lacks} connection."),
        });
    }
    if policy.covers(Direction::Egress) && (breadth.ipv4 || breadth.ipv6) && !breadth.pods {
        notes.push(Note {
            at: root,
            text: "Only ranges allow egress. Whether a range also means pods differs between network plugins: in Cilium it does not, so that traffic to the cluster's pods, and to its DNS, is denied there.".to_owned(),
        });
    }
    exceptions(network, policy, &mut notes);
    notes
}

fn refused(network: &Network<'_>, policy: Policy<'_>, notes: &mut Vec<Note>) {
    let minor = network.world.base.minor;
    for refusal in Validation::of(minor).refusals(policy.object.root()) {
        let node = policy.object.value.at(&refusal.at).and_then(Node::as_str);
        let comment = node.is_some_and(|text| text.contains('#'));
        let hint = if comment {
            " A # begins a comment only after a space; here it is part of the value."
        } else {
            ""
        };
        notes.push(Note {
            text: format!("The API server of Kubernetes {minor} refuses the policy, so it guards nothing: {} {}.{hint}", refusal.field(), refusal.message),
            at: refusal.at,
        });
    }
}

fn ranges(policy: Policy<'_>, notes: &mut Vec<Note>) {
    let blocks = Direction::ALL.into_iter().flat_map(|direction| policy.ranges(direction));
    for node in blocks.filter_map(|block| block.get("cidr")) {
        let range = node.as_str().and_then(Range::meant);
        if let Some(range) = range.filter(|range| range.has_host_bits()) {
            let canonical = range.canonical();
            let why = if range.prefix() == 0 {
                let family = if range.is_ipv4() { "IPv4" } else { "IPv6" };
                format!("every {family} address, for /0 looks at no bit of it")
            } else {
                format!("only the first {} bits count", range.prefix())
            };
            notes.push(Note {
                at: node.pointer(),
                text: format!("{range} means {canonical}: {why}."),
            });
        }
    }
}

fn subjects<'a>(network: &Network<'a>, policy: Policy<'a>, notes: &mut Vec<Note>) {
    let namespace = &*policy.object.thing.namespace;
    let others: Vec<&str> =
        network.namespaces().into_keys().filter(|name| *name != namespace).collect();
    let place = if namespace.is_empty() {
        "It names no namespace: it guards the one it is applied to".to_owned()
    } else {
        format!("It guards namespace {namespace}")
    };
    let others = match others.as_slice() {
        [] => String::new(),
        some => format!(" ({} here: {})", some.len(), some.join(", ")),
    };
    notes.push(Note {
        at: Pointer::root(),
        text: format!("{place}, and no other{others}. Every namespace needs a policy of its own."),
    });
    let on_host: Vec<&str> = network
        .workloads_in(namespace)
        .iter()
        .filter(|workload| workload.is_on_host_network())
        .filter(|workload| policy.selects(workload) == crate::Certainty::Yes)
        .map(|workload| &*workload.object.thing.name)
        .collect();
    let named =
        if on_host.is_empty() { String::new() } else { format!(" Here: {}.", on_host.join(", ")) };
    notes.push(Note {
        at: Pointer::root().join("spec").join("podSelector"),
        text: format!("Pods on the host network (hostNetwork: true) are not covered: their traffic is the node's.{named}"),
    });
}

fn exceptions<'a>(network: &Network<'a>, policy: Policy<'a>, notes: &mut Vec<Note>) {
    let found = reopened(network, policy);
    for Reopened { except, by, .. } in &found {
        notes.push(Note {
            at: except.pointer(),
            text: format!("{by_thing} allows {} again.", except.display(), by_thing = by.thing),
        });
    }
    let blocks = Direction::ALL.into_iter().flat_map(|direction| policy.ranges(direction));
    if let Some(first) =
        blocks.filter_map(|block| block.get("except")).find(|list| !list.is_empty())
    {
        notes.push(Note {
            at: first.pointer(),
            text: "An exception limits its own range only. Policies add up and none can deny: any other policy that selects these pods may allow the excepted addresses again. What must hold in any case needs a policy of the cluster's administrator (ClusterNetworkPolicy, tier Admin).".to_owned(),
        });
    }
}
