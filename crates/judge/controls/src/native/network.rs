//! `network/cidr`: address ranges of NetworkPolicies that the API server refuses,
//! or that say something else than they seem to.

use std::net::IpAddr;

use ironhull_model::{Builder, Node, RepairStep, Severity};

use super::{Answer, Element, Native, Subject};

pub(super) const RULES: &[(&str, Native)] = &[("network/cidr", cidr)];

fn cidr(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    let mut blocks = Vec::new();
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = object.root().path(&["spec", direction]).into_iter().flat_map(Node::items);
        let peers = rules.filter_map(|rule| rule.get(peers)).flat_map(Node::items);
        blocks.extend(peers.filter_map(|peer| peer.get("ipBlock")));
    }
    if blocks.is_empty() {
        return Answer::NotApplicable;
    }
    let mut elements = Vec::new();
    for block in blocks {
        let whole = block.get("cidr").and_then(|node| Some((node, node.as_str()?)));
        let Some((node, text)) = whole else { continue };
        let outer = parse(text);
        elements.extend(problem(node, text, outer));
        for except in block.get("except").into_iter().flat_map(Node::items) {
            let Some(text) = except.as_str() else { continue };
            let inner = parse(text);
            elements.extend(problem(except, text, inner));
            if let (Some(outer), Some(inner)) = (outer, inner)
                && !contains(outer, inner)
            {
                elements.push(Element {
                    name: text.to_owned(),
                    at: except.pointer(),
                    message: format!(
                        "the exception {text} is not inside its range; the API server refuses it"
                    ),
                    ..Element::default()
                });
            }
        }
    }
    Answer::Elements(elements)
}

type Range = (IpAddr, u8);

fn parse(text: &str) -> Option<Range> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let plain = !length.is_empty()
        && length.bytes().all(|byte| byte.is_ascii_digit())
        && (length == "0" || !length.starts_with('0'));
    let length: u8 = plain.then(|| length.parse().ok()).flatten()?;
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

/// The address with the bits behind the prefix cleared.
fn masked((address, length): Range) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

fn contains(outer: Range, inner: Range) -> bool {
    outer.0.is_ipv4() == inner.0.is_ipv4()
        && inner.1 >= outer.1
        && masked((inner.0, outer.1)) == masked(outer)
}

fn problem(node: Node<'_>, text: &str, range: Option<Range>) -> Option<Element> {
    let element = |message: String, severity: Severity, with: Option<String>| Element {
        name: text.to_owned(),
        at: node.pointer(),
        message,
        severity: Some(severity),
        repair: with.map(|with| set(node, &with)).into_iter().collect(),
        ..Element::default()
    };
    let Some(range) = range else {
        // A `#` without a space before it is part of the value.
        let (head, hint) = match text.split_once('#') {
            Some((head, _)) => {
                (head.trim(), "; the # has no space before it, so YAML takes it into the value")
            }
            None => (text, ""),
        };
        let with = parse(head)
            .filter(|_| head != text)
            .map(|range| format!("{}/{}", masked(range), range.1));
        return Some(element(
            format!("{text:?} is not a CIDR, the API server refuses it{hint}"),
            Severity::High,
            with,
        ));
    };
    let network = masked(range);
    if network == range.0 {
        return None;
    }
    let with = format!("{network}/{}", range.1);
    let all = if range.1 == 0 { ", which is every address" } else { "" };
    Some(element(
        format!("{text} has host bits set: it means {with}{all}"),
        Severity::Low,
        Some(with),
    ))
}

fn set(node: Node<'_>, text: &str) -> RepairStep {
    let mut builder = Builder::new();
    builder.str(text, 0, 0);
    RepairStep::Set { pointer: node.pointer(), value: builder.finish() }
}
