//! May this connection be opened? Only the first packet is judged; replies are
//! always allowed.

use std::net::IpAddr;

use ironhull_model::{Node, Object, Pointer};

use crate::range::Range;
use crate::{Certainty, Direction, Network, Policy, Workload};

/// A transport protocol that NetworkPolicies know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// TCP, the default wherever a protocol may be left out.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }

    /// The protocol of a port that may leave it out.
    pub fn of(port: Node<'_>) -> Option<Protocol> {
        match port.get("protocol").filter(|protocol| !protocol.is_null()).map(Node::as_str) {
            None | Some(Some("TCP")) => Some(Protocol::Tcp),
            Some(Some("UDP")) => Some(Protocol::Udp),
            Some(Some("SCTP")) => Some(Protocol::Sctp),
            Some(_) => None,
        }
    }
}

/// A destination port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Port {
    /// Protocol.
    pub protocol: Protocol,
    /// Number.
    pub number: u16,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer<'n, 'a> {
    /// A workload's pods.
    Workload(&'n Workload<'a>),
    /// An address that is no pod's.
    Address(IpAddr),
    /// Some address of the Internet.
    Internet,
    /// Some pod of the cluster that is not known, such as an ingress controller's.
    SomePod,
}

/// An answer with what decided it.
#[derive(Clone, Debug)]
pub struct Reach<'a> {
    /// Whether the connection is allowed.
    pub allowed: Certainty,
    /// The policies that decide, and where in them: the rule that allows, or the
    /// spec that isolates. None when no policy does.
    pub because: Vec<(&'a Object, Pointer)>,
}

impl<'a> Network<'a> {
    /// Whether a workload's pods can open a connection to another's.
    pub fn connects(&self, from: &Workload<'a>, to: &Workload<'a>, port: Port) -> Reach<'a> {
        let out = self.decide(from, Direction::Egress, Peer::Workload(to), port);
        let into = self.decide(to, Direction::Ingress, Peer::Workload(from), port);
        match out.allowed.cmp(&into.allowed) {
            std::cmp::Ordering::Less => out,
            std::cmp::Ordering::Greater => into,
            std::cmp::Ordering::Equal => {
                let because = out.because.into_iter().chain(into.because).collect();
                Reach { allowed: out.allowed, because }
            }
        }
    }

    /// Whether a workload's pods can reach an address that is no pod's.
    pub fn reaches(&self, from: &Workload<'a>, to: IpAddr, port: Port) -> Reach<'a> {
        self.decide(from, Direction::Egress, Peer::Address(to), port)
    }

    /// Whether the policies of a workload allow a connection in a direction.
    /// They add up: nothing that one allows is denied by another.
    pub fn decide(
        &self,
        workload: &Workload<'a>,
        direction: Direction,
        peer: Peer<'_, 'a>,
        port: Port,
    ) -> Reach<'a> {
        if workload.is_on_host_network() {
            return Reach { allowed: Certainty::Yes, because: Vec::new() };
        }
        let mut decision = Decision { open: !self.knows_all_policies(), ..Decision::default() };
        for (policy, selected) in self.selecting(workload) {
            if policy.covers(direction) {
                let (allowed, rule) = self.allows(policy, workload, direction, peer, port);
                decision.add(policy, selected, allowed, rule);
            }
        }
        let mut reach = decision.reach();
        if self.has_other_policies() {
            reach.allowed = Certainty::Unknown;
        }
        reach
    }

    /// Whether a rule of a policy allows it, and which.
    fn allows(
        &self,
        policy: Policy<'a>,
        workload: &Workload<'a>,
        direction: Direction,
        peer: Peer<'_, 'a>,
        port: Port,
    ) -> (Certainty, Option<Node<'a>>) {
        let destination = match (direction, peer) {
            (Direction::Ingress, _) => Some(workload),
            (Direction::Egress, Peer::Workload(peer)) => Some(peer),
            (Direction::Egress, _) => None,
        };
        let mut best = (Certainty::No, None);
        for rule in policy.rules(direction) {
            let ports = rule.get("ports").filter(|ports| !ports.is_empty());
            let on_port = ports.is_none_or(|ports| {
                ports.items().any(|item| port_matches(item, destination, port))
            });
            if !on_port {
                continue;
            }
            let peers = rule.get(direction.peers()).filter(|peers| !peers.is_empty());
            let matches = peers.map_or(Certainty::Yes, |peers| {
                peers
                    .items()
                    .map(|item| self.peer_matches(item, workload, peer))
                    .fold(Certainty::No, Certainty::or)
            });
            if matches > best.0 {
                best = (matches, Some(rule));
            }
        }
        best
    }

    fn peer_matches(
        &self,
        item: Node<'a>,
        workload: &Workload<'a>,
        peer: Peer<'_, 'a>,
    ) -> Certainty {
        let field = |name| item.get(name).filter(|node: &Node<'a>| !node.is_null());
        if let Some(block) = field("ipBlock") {
            return match peer {
                Peer::Address(address) => block_contains(block, address).into(),
                Peer::Internet => covers_internet(block).into(),
                // Whether a range matches pods at all differs between engines, and
                // addresses are given at run time.
                Peer::SomePod => Certainty::Unknown,
                Peer::Workload(peer) if peer.addresses.is_empty() => Certainty::Unknown,
                Peer::Workload(peer) => {
                    peer.addresses.iter().any(|address| block_contains(block, *address)).into()
                }
            };
        }
        let (pods, namespaces) = (field("podSelector"), field("namespaceSelector"));
        match peer {
            Peer::Address(_) | Peer::Internet => Certainty::No,
            // Its traffic comes from the node, which no selector means.
            Peer::Workload(peer) if peer.is_on_host_network() => Certainty::No,
            Peer::Workload(peer) => {
                let in_namespace = match namespaces {
                    None => (peer.namespace() == workload.namespace()).into(),
                    Some(selector) => self.namespace_labels(peer.namespace()).selected_by(selector),
                };
                let labelled =
                    pods.map_or(Certainty::Yes, |selector| peer.labels.selected_by(selector));
                in_namespace.and(labelled)
            }
            Peer::SomePod => {
                let empty = |selector: Node<'_>| selector.items().all(Node::is_empty);
                let every = namespaces.is_some_and(empty) && pods.is_none_or(empty);
                if every { Certainty::Yes } else { Certainty::Unknown }
            }
        }
    }
}

impl Policy<'_> {
    /// Whether a rule for a direction is about a port, whoever its peers are. Names
    /// of ports are not looked up.
    pub fn opens(self, direction: Direction, port: Port) -> bool {
        self.covers(direction)
            && self.rules(direction).any(|rule| {
                let ports = rule.get("ports").filter(|ports| !ports.is_empty());
                ports.is_none_or(|ports| ports.items().any(|item| port_matches(item, None, port)))
            })
    }
}

/// What the policies of one pod and direction amount to.
#[derive(Default)]
struct Decision<'a> {
    /// Policies may be missing.
    open: bool,
    /// What the policies that surely select the pod say; none where there are none.
    allowed: Option<Certainty>,
    because: Vec<(&'a Object, Pointer)>,
    /// Policies that may select the pod: whether one of them does not surely
    /// allow, and whether one of them may.
    may_isolate: bool,
    may_allow: bool,
}

impl<'a> Decision<'a> {
    fn add(
        &mut self,
        policy: Policy<'a>,
        selected: Certainty,
        allowed: Certainty,
        rule: Option<Node<'a>>,
    ) {
        if selected == Certainty::Unknown {
            self.may_isolate |= allowed < Certainty::Yes;
            self.may_allow |= allowed > Certainty::No;
            return;
        }
        let best = self.allowed.unwrap_or(Certainty::No);
        let pointer = rule.or(policy.spec()).map_or_else(Pointer::root, Node::pointer);
        if self.allowed.is_none() || allowed > best {
            self.because = vec![(policy.object, pointer)];
        } else if allowed == Certainty::No && best == Certainty::No {
            self.because.push((policy.object, pointer));
        }
        self.allowed = Some(best.or(allowed));
    }

    fn reach(self) -> Reach<'a> {
        let allowed = match self.allowed {
            Some(Certainty::Yes) => Certainty::Yes,
            Some(Certainty::No) if !self.may_allow && !self.open => Certainty::No,
            Some(_) => Certainty::Unknown,
            // Without a policy everything is allowed.
            None if self.may_isolate || self.open => Certainty::Unknown,
            None => Certainty::Yes,
        };
        Reach { allowed, because: self.because }
    }
}

/// Whether a port item of a rule covers a destination port. A name is looked up
/// on the destination pod, and means nothing elsewhere.
fn port_matches(item: Node<'_>, destination: Option<&Workload<'_>>, port: Port) -> bool {
    if Protocol::of(item) != Some(port.protocol) {
        return false;
    }
    let wanted = item.get("port").filter(|wanted| !wanted.is_null());
    let Some(wanted) = wanted else { return true };
    let number = i64::from(port.number);
    if let Some(first) = wanted.as_i64() {
        let last = item.get("endPort").and_then(Node::as_i64).unwrap_or(first);
        return (first..=last).contains(&number);
    }
    let named = |declared: Node<'_>| {
        declared.get("name").and_then(Node::as_str) == wanted.as_str()
            && Protocol::of(declared) == Some(port.protocol)
            && declared.get("containerPort").and_then(Node::as_i64) == Some(number)
    };
    destination.is_some_and(|workload| workload.ports().any(|(_, declared)| named(declared)))
}

fn ranges(block: Node<'_>) -> (Option<Range>, impl Iterator<Item = Range>) {
    let parse = |node: Node<'_>| node.as_str().and_then(Range::parse);
    let except = block.get("except").into_iter().flat_map(Node::items);
    (block.get("cidr").and_then(parse), except.filter_map(parse))
}

/// Whether an `ipBlock` contains an address; what `except` names it does not.
pub fn block_contains(block: Node<'_>, address: IpAddr) -> bool {
    let (whole, mut except) = ranges(block);
    whole.is_some_and(|whole| whole.contains(address))
        && !except.any(|range| range.contains(address))
}

/// Ranges that are no part of the Internet (RFC 1918, 6598, 3927, 1122, 4193, 4291).
const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

fn covers_internet(block: Node<'_>) -> bool {
    let private = |range: Range| {
        PRIVATE.iter().filter_map(|text| Range::parse(text)).any(|private| {
            private.canonical() == range.canonical() || private.strictly_contains(range)
        })
    };
    ranges(block).0.is_some_and(|range| !private(range))
}
