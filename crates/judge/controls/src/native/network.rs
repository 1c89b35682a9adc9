//! `network/cidr`: address ranges of NetworkPolicies that the API server refuses,
//! or that say something else than they seem to.

use ironhull_model::{Builder, Node, RepairStep, Severity};
use ironhull_network::range::Range;

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
        let outer = Range::parse(text);
        elements.extend(problem(node, text, outer));
        for except in block.get("except").into_iter().flat_map(Node::items) {
            let Some(text) = except.as_str() else { continue };
            let inner = Range::parse(text);
            elements.extend(problem(except, text, inner));
            if let (Some(outer), Some(inner)) = (outer, inner)
                && !outer.strictly_contains(inner)
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
        let with =
            Range::parse(head).filter(|_| head != text).map(|range| range.canonical().to_string());
        return Some(element(
            format!("{text:?} is not a CIDR, the API server refuses it{hint}"),
            Severity::High,
            with,
        ));
    };
    if !range.has_host_bits() {
        return None;
    }
    let with = range.canonical().to_string();
    let all = if range.prefix() == 0 { ", which is every address" } else { "" };
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
