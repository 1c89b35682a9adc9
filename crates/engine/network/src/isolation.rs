//! What a namespace's policies do for every pod in it, present and future.

use std::net::IpAddr;

use ironhull_model::Node;

use crate::{Certainty, Direction, Network, Policy, Port, Protocol, Reach, Workload};

/// How a namespace stands in one direction.
#[derive(Clone, Copy, Debug)]
pub enum Isolation<'a> {
    /// A policy selects every pod, so that only what policies name is allowed.
    DefaultDeny(Policy<'a>),
    /// A policy selects every pod, but one that does allows nearly everything by a rule.
    Opened(Policy<'a>, Node<'a>),
    /// No policy selects every pod.
    Open,
}

impl<'a> Network<'a> {
    /// How a namespace stands in one direction, by the policies that were read.
    pub fn isolation(&self, namespace: &str, direction: Direction) -> Isolation<'a> {
        let everywhere = self
            .policies_in(namespace)
            .iter()
            .filter(|policy| policy.selects_all() && policy.covers(direction));
        let mut state = Isolation::Open;
        for policy in everywhere {
            if let Some(rule) = policy.allows_nearly_everything(direction) {
                return Isolation::Opened(*policy, rule);
            }
            state = Isolation::DefaultDeny(*policy);
        }
        state
    }

    /// Workloads of a namespace on the pod network with what is known of their
    /// way to an address on TCP port 80, where a metadata service listens.
    pub fn web_reach(
        &self,
        namespace: &str,
        address: IpAddr,
    ) -> impl Iterator<Item = (&Workload<'a>, Reach<'a>)> {
        let port = Port { protocol: Protocol::Tcp, number: 80 };
        self.workloads_in(namespace)
            .iter()
            .filter(|workload| !workload.is_on_host_network())
            .map(move |workload| (workload, self.reaches(workload, address, port)))
    }

    /// The workloads that a policy selects, certainly or possibly.
    pub fn selected(&self, policy: Policy<'a>) -> impl Iterator<Item = (&Workload<'a>, Certainty)> {
        self.candidates(&policy.object.thing.namespace, policy.wanted_labels())
            .map(move |workload| (workload, policy.selects(workload)))
            .filter(|(_, selected)| *selected > Certainty::No)
    }
}

impl<'a> Policy<'a> {
    /// The first rule that allows everything, or every address of a family, or
    /// every pod, on every port.
    pub fn allows_nearly_everything(self, direction: Direction) -> Option<Node<'a>> {
        let all_ports = |rule: Node<'a>| rule.get("ports").is_none_or(Node::is_empty);
        let broad = |rule: Node<'a>| {
            let peers = rule.get(direction.peers()).filter(|peers| !peers.is_empty());
            peers.is_none_or(|peers| {
                peers.items().any(|peer| {
                    is_every_pod(peer) || peer.get("ipBlock").is_some_and(is_whole_family)
                })
            })
        };
        self.covers(direction)
            .then(|| self.rules(direction).find(|rule| all_ports(*rule) && broad(*rule)))
            .flatten()
    }
}

/// Whether a peer is every pod of every namespace.
pub(crate) fn is_every_pod(peer: Node<'_>) -> bool {
    let empty = |selector: Node<'_>| !selector.is_null() && selector.items().all(Node::is_empty);
    peer.get("namespaceSelector").is_some_and(empty)
        && peer.get("podSelector").is_none_or(|selector| selector.is_null() || empty(selector))
}

fn is_whole_family(block: Node<'_>) -> bool {
    let range = block.get("cidr").and_then(Node::as_str).and_then(crate::range::Range::parse);
    range.is_some_and(|range| range.prefix() == 0)
}
