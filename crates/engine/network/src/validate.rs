//! Which NetworkPolicies the API server refuses, and why: its own validation
//! (`ValidateNetworkPolicy`), field by field.

use std::fmt::Write;

use ironhull_model::{Minor, Node, Pointer};

use crate::range::{Laxity, Range};
use crate::{Direction, Protocol};

mod label;

/// What kind of error, in the API machinery's terms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// May not be there.
    Forbidden,
    /// Has a value that is not allowed.
    Invalid,
    /// Is none of the known values.
    NotSupported,
    /// Has to be there.
    Required,
}

impl Reason {
    /// As the API machinery names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Forbidden => "Forbidden",
            Reason::Invalid => "Invalid",
            Reason::NotSupported => "NotSupported",
            Reason::Required => "Required",
        }
    }
}

/// One thing that the API server refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Kind of error.
    pub reason: Reason,
    /// Where; the field itself may be missing.
    pub at: Pointer,
    /// Why, after the name of the field.
    pub message: String,
    /// Whether it is about an address range.
    pub of_range: bool,
}

impl Refusal {
    /// The field as the API machinery writes it: `spec.egress[0].to[0].ipBlock.cidr`.
    pub fn field(&self) -> String {
        let mut path = String::new();
        for segment in self.at.segments() {
            if segment.bytes().all(|byte| byte.is_ascii_digit()) {
                _ = write!(path, "[{segment}]");
            } else {
                path += if path.is_empty() { "" } else { "." };
                path += &segment;
            }
        }
        path
    }
}

/// The validation of one Kubernetes version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validation {
    /// `StrictIPCIDRValidation`: leading zeros, mapped addresses and host bits are refused.
    pub strict_ranges: bool,
}

impl Validation {
    /// As a minor validates by default.
    pub fn of(minor: Minor) -> Validation {
        Validation { strict_ranges: minor >= Minor::v1(36) }
    }

    /// Everything the API server refuses in the spec of a new policy. Types and
    /// field names are not looked at: strict decoding is told elsewhere.
    pub fn refusals(self, root: Node<'_>) -> Vec<Refusal> {
        let mut found = Refusals { validation: self, all: Vec::new() };
        let spec = Pointer::root().join("spec");
        let Some(node) = root.get("spec") else { return found.all };
        if let Some(selector) = present(node, "podSelector") {
            label::selector(selector, &mut found);
        }
        for direction in Direction::ALL {
            let rules = node.get(direction.field()).into_iter().flat_map(Node::items);
            for rule in rules {
                for port in rule.get("ports").into_iter().flat_map(Node::items) {
                    found.port(port);
                }
                for peer in rule.get(direction.peers()).into_iter().flat_map(Node::items) {
                    found.peer(peer);
                }
            }
        }
        found.policy_types(node.get("policyTypes"), &spec);
        found.all
    }
}

fn present<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.get(name).filter(|child| !child.is_null())
}

struct Refusals {
    validation: Validation,
    all: Vec<Refusal>,
}

impl Refusals {
    fn add(&mut self, reason: Reason, at: Pointer, message: impl Into<String>) {
        self.all.push(Refusal { reason, at, message: message.into(), of_range: false });
    }

    fn policy_types(&mut self, types: Option<Node<'_>>, spec: &Pointer) {
        let Some(types) = types else { return };
        if types.len() > 2 {
            let at = spec.join("policyTypes");
            self.add(Reason::Invalid, at, "may not specify more than two policyTypes");
            return;
        }
        for item in types.items() {
            if !matches!(item.as_str(), Some("Ingress" | "Egress")) {
                let message = format!("{} is neither Ingress nor Egress", item.to_json());
                self.add(Reason::NotSupported, item.pointer(), message);
            }
        }
    }

    fn port(&mut self, port: Node<'_>) {
        let at = port.pointer();
        if Protocol::of(port).is_none() {
            let named = port.get("protocol").map(Node::to_json).unwrap_or_default();
            let message = format!("{named} is none of TCP, UDP, SCTP");
            self.add(Reason::NotSupported, at.join("protocol"), message);
        }
        let end = present(port, "endPort").and_then(Node::as_i64);
        let Some(value) = present(port, "port") else {
            if end.is_some() {
                let message = "may not be specified when port is not specified";
                self.add(Reason::Invalid, at.join("endPort"), message);
            }
            return;
        };
        let number = |number: i64| (1..=65535).contains(&number);
        match (value.as_i64(), value.as_str()) {
            (Some(first), _) => {
                if !number(first) {
                    let message = format!("{first} is no port (1 to 65535)");
                    self.add(Reason::Invalid, at.join("port"), message);
                }
                if let Some(end) = end.filter(|end| *end < first) {
                    let message = format!("{end} is less than port {first}");
                    self.add(Reason::Invalid, at.join("endPort"), message);
                }
                if let Some(end) = end.filter(|end| !number(*end)) {
                    let message = format!("{end} is no port (1 to 65535)");
                    self.add(Reason::Invalid, at.join("endPort"), message);
                }
            }
            (None, Some(name)) => {
                if end.is_some() {
                    let message = "may not be specified when port is a name";
                    self.add(Reason::Invalid, at.join("endPort"), message);
                }
                if !label::is_port_name(name) {
                    let message = format!(
                        "{name:?} is no port name (at most 15 of a-z, 0-9 and single hyphens, with a letter)"
                    );
                    self.add(Reason::Invalid, at.join("port"), message);
                }
            }
            _ => {}
        }
    }

    fn peer(&mut self, peer: Node<'_>) {
        let selectors = ["podSelector", "namespaceSelector"];
        let mut n_peers = 0;
        for selector in selectors.into_iter().filter_map(|name| present(peer, name)) {
            n_peers += 1;
            label::selector(selector, self);
        }
        let block = present(peer, "ipBlock");
        if let Some(block) = block {
            n_peers += 1;
            self.block(block);
        }
        if n_peers == 0 {
            self.add(
                Reason::Required,
                peer.pointer(),
                "names no peer: podSelector, namespaceSelector or ipBlock",
            );
        } else if n_peers > 1 && block.is_some() {
            self.add(Reason::Forbidden, peer.pointer(), "may not hold both ipBlock and a selector");
        }
    }

    fn block(&mut self, block: Node<'_>) {
        let cidr = block.get("cidr").and_then(Node::as_str).unwrap_or_default();
        let at = block.pointer().join("cidr");
        let before = self.all.len();
        if cidr.is_empty() {
            self.add(Reason::Required, at, "is missing");
        } else {
            let outer = self.range(cidr, at);
            for except in block.get("except").into_iter().flat_map(Node::items) {
                let (Some(outer), Some(text)) = (outer, except.as_str()) else { continue };
                let inner = self.range(text, except.pointer());
                if inner.is_some_and(|inner| !outer.strictly_contains(inner)) {
                    let message = format!("{text} is not strictly inside {cidr}");
                    self.add(Reason::Invalid, except.pointer(), message);
                }
            }
        }
        self.all[before..].iter_mut().for_each(|refusal| refusal.of_range = true);
    }

    fn range(&mut self, text: &str, at: Pointer) -> Option<Range> {
        let Some(range) = Range::parse(text) else {
            self.add(Reason::Invalid, at, format!("{text:?} is not a CIDR"));
            return None;
        };
        if self.validation.strict_ranges
            && let Some(laxity) = range.laxity(text)
        {
            let message = match laxity {
                Laxity::LeadingZeros => format!("{text} has leading zeros"),
                Laxity::Mapped => format!("{text} is an IPv4 address in IPv6 form"),
                Laxity::HostBits => format!("{text} has bits set beyond the prefix length"),
            };
            self.add(Reason::Invalid, at, message);
        }
        Some(range)
    }
}
