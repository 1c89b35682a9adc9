//! `network/…`: what NetworkPolicies say, what they do not, and where they are missing.

use ironhull_model::{Builder, Node, Pointer, RepairStep, Severity, Value};
use ironhull_network::range::Range;
use ironhull_network::validate::Validation;
use ironhull_network::{Certainty, Direction, Network, Policy, Workload, notes};

use super::{Answer, Element, Looks, Rules, Subject};

mod namespaces;
mod rules;

pub(super) const RULES: Rules = &[
    ("network/allows-everything", allows_everything, Looks::Own),
    ("network/cidr", cidr, Looks::Own),
    ("network/default-deny", namespaces::default_deny, Looks::Everywhere),
    ("network/dns", rules::dns, Looks::Everywhere),
    ("network/host-network", host_network, Looks::Everywhere),
    ("network/invalid", invalid, Looks::Own),
    ("network/metadata", namespaces::metadata, Looks::Everywhere),
    ("network/one-family", one_family, Looks::Own),
    ("network/pods-by-range", pods_by_range, Looks::Own),
    ("network/port-names", rules::port_names, Looks::Everywhere),
    ("network/reopened", reopened, Looks::Everywhere),
    ("network/selects-nothing", selects_nothing, Looks::Everywhere),
    ("network/unlisted-rules", unlisted_rules, Looks::Own),
];

/// The policy at hand.
fn policy<'a>(subject: &Subject<'a>) -> Option<Policy<'a>> {
    subject.object.map(Policy::new)
}

fn cidr(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let blocks: Vec<Node<'_>> =
        Direction::ALL.into_iter().flat_map(|direction| policy.ranges(direction)).collect();
    if blocks.is_empty() {
        return Answer::NotApplicable;
    }
    let minor = subject.world.base.minor;
    let refusals = Validation::of(minor).refusals(policy.object.root());
    let mut elements = Vec::new();
    for refusal in refusals.into_iter().filter(|refusal| refusal.of_range) {
        let text = policy.object.value.at(&refusal.at).and_then(Node::as_str).unwrap_or_default();
        elements.push(Element {
            name: text.to_owned(),
            message: format!(
                "{}, the API server of {minor} refuses the policy{}",
                refusal.message,
                meaning(text)
            ),
            repair: corrected(&refusal.at, text),
            at: refusal.at,
            ..Element::default()
        });
    }
    // Before they were refused, host bits were silently dropped.
    for node in blocks.into_iter().flat_map(texts) {
        let text = node.as_str().unwrap_or_default();
        let lax = Range::parse(text).is_some_and(Range::has_host_bits);
        if lax && !elements.iter().any(|element| element.name == text) {
            elements.push(Element {
                name: text.to_owned(),
                at: node.pointer(),
                message: format!("{text} has bits set beyond the prefix length{}; Kubernetes 1.36 and later refuse it", meaning(text)),
                severity: Some(Severity::Low),
                repair: corrected(&node.pointer(), text),
                ..Element::default()
            });
        }
    }
    Answer::Elements(elements)
}

fn texts<'a>(block: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    let except = block.get("except").into_iter().flat_map(Node::items);
    block.get("cidr").into_iter().chain(except)
}

/// What a range that is wrong was meant to say.
fn meaning(text: &str) -> String {
    let comment = if text.contains('#') {
        "; the # has no space before it, so YAML takes it into the value"
    } else {
        ""
    };
    let Some(range) = Range::meant(text) else { return comment.to_owned() };
    let canonical = range.canonical();
    if canonical.to_string() == text {
        return comment.to_owned();
    }
    let all = if range.prefix() == 0 { ", which is every address" } else { "" };
    format!("{comment}; {range} means {canonical}{all}")
}

fn corrected(at: &Pointer, text: &str) -> Vec<RepairStep> {
    let meant = Range::meant(text).map(|range| range.canonical().to_string());
    let step = meant
        .filter(|meant| meant != text)
        .map(|meant| RepairStep::Set { pointer: at.clone(), value: string(&meant) });
    step.into_iter().collect()
}

fn string(text: &str) -> Value {
    let mut builder = Builder::new();
    builder.str(text, 0, 0);
    builder.finish()
}

fn invalid(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let minor = subject.world.base.minor;
    let refusals = Validation::of(minor).refusals(policy.object.root());
    let elements =
        refusals.into_iter().filter(|refusal| !refusal.of_range).map(|refusal| Element {
            name: refusal.field(),
            message: format!(
                "the API server refuses the policy: {} {}",
                refusal.field(),
                refusal.message
            ),
            at: refusal.at,
            ..Element::default()
        });
    Answer::Elements(elements.collect())
}

fn allows_everything(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let elements = Direction::ALL.into_iter().filter_map(|direction| {
        let rule = policy.allows_everything(direction)?;
        let whom = match direction {
            Direction::Ingress => "from everywhere",
            Direction::Egress => "to everywhere",
        };
        Some(Element {
            name: direction.field().to_owned(),
            at: rule.pointer(),
            message: format!("an empty {} rule allows every connection {whom}; no other policy can take that back", direction.field()),
            severity: (direction == Direction::Egress).then_some(Severity::Low),
            repair: ask(format!("which {} do the pods need? Name peers and ports in the rule", direction.field())),
            ..Element::default()
        })
    });
    Answer::Elements(elements.collect())
}

fn ask(question: String) -> Vec<RepairStep> {
    vec![RepairStep::Ask { question }]
}

fn host_network(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let network = (subject.network)();
    let found = network.selected(policy).filter(|(workload, selected)| {
        *selected == Certainty::Yes && workload.is_on_host_network()
    });
    let elements = found.map(|(workload, _)| Element {
        name: workload.shown(),
        at: selector(policy),
        message: format!(
            "{} is selected, but runs on the host network: no NetworkPolicy has an effect on it",
            workload.shown()
        ),
        related: vec![(workload.object.thing.clone(), workload.pod.pointer().join("hostNetwork"))],
        ..Element::default()
    });
    Answer::Elements(elements.collect())
}

fn selector(policy: Policy<'_>) -> Pointer {
    policy.spec().map_or_else(Pointer::root, Node::pointer).join("podSelector")
}

fn one_family(subject: &Subject<'_>) -> Answer {
    let Some(policy) = broad_egress(subject) else { return Answer::NotApplicable };
    let breadth = notes::breadth(policy);
    if breadth.pods || breadth.ipv4 == breadth.ipv6 {
        return Answer::Elements(Vec::new());
    }
    let (has, lacks, metadata) = if breadth.ipv4 {
        ("IPv4", "IPv6", Some(r#"{"ipBlock":{"cidr":"::/0","except":["fd00:ec2::254/128"]}}"#))
    } else {
        (
            "IPv6",
            "IPv4",
            Some(r#"{"ipBlock":{"cidr":"0.0.0.0/0","except":["169.254.169.254/32"]}}"#),
        )
    };
    Answer::Elements(vec![Element {
        name: lacks.to_owned(),
        at: egress(policy),
        message: format!(
            "egress names all of {has} and nothing of {lacks}: on a dual-stack cluster the pods lose every {lacks} connection"
        ),
        repair: append_peer(policy, metadata),
        ..Element::default()
    }])
}

fn pods_by_range(subject: &Subject<'_>) -> Answer {
    let Some(policy) = broad_egress(subject) else { return Answer::NotApplicable };
    let breadth = notes::breadth(policy);
    if breadth.pods {
        return Answer::Elements(Vec::new());
    }
    Answer::Elements(vec![Element {
        at: egress(policy),
        message: "egress to every address is allowed by a range only: in Cilium a range does not mean pods, so the cluster's pods and its DNS are cut off there".to_owned(),
        repair: append_peer(policy, Some(r#"{"namespaceSelector":{}}"#)),
        ..Element::default()
    }])
}

/// A policy whose egress allows all of a family by a range.
fn broad_egress<'a>(subject: &Subject<'a>) -> Option<Policy<'a>> {
    let policy = policy(subject).filter(|policy| policy.covers(Direction::Egress))?;
    let breadth = notes::breadth(policy);
    (breadth.ipv4 || breadth.ipv6).then_some(policy)
}

fn egress(policy: Policy<'_>) -> Pointer {
    policy.spec().map_or_else(Pointer::root, Node::pointer).join("egress")
}

/// Adds a peer beside the range that covers everything, in its rule.
fn append_peer(policy: Policy<'_>, peer: Option<&str>) -> Vec<RepairStep> {
    let broad = |peer: Node<'_>| {
        let range = peer.path(&["ipBlock", "cidr"]).and_then(Node::as_str).and_then(Range::meant);
        range.is_some_and(|range| range.prefix() == 0)
    };
    let list = policy
        .rules(Direction::Egress)
        .filter_map(|rule| rule.get("to"))
        .find(|peers| peers.items().any(broad));
    let value = peer.and_then(|peer| serde_json::from_str(peer).ok());
    match (list, value) {
        (Some(list), Some(value)) => vec![RepairStep::Append { pointer: list.pointer(), value }],
        _ => Vec::new(),
    }
}

fn reopened(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let mut blocks = policy.ranges(Direction::Egress);
    if !blocks.any(|block| block.get("except").is_some_and(|list| !list.is_empty())) {
        return Answer::NotApplicable;
    }
    let found = notes::reopened((subject.network)(), policy);
    let elements = found.into_iter().map(|found| Element {
        name: format!("{}/{}", found.except.display(), found.by.thing.name),
        at: found.except.pointer(),
        message: format!(
            "the exception {} is void: policy {} allows it again, and policies add up",
            found.except.display(),
            found.by.thing.name
        ),
        related: vec![(found.by.thing.clone(), found.rule.pointer())],
        ..Element::default()
    });
    Answer::Elements(elements.collect())
}

fn selects_nothing(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject).filter(|policy| !policy.selects_all()) else {
        return Answer::NotApplicable;
    };
    let network = (subject.network)();
    if network.selected(policy).next().is_some() {
        return Answer::Elements(Vec::new());
    }
    let namespace = &policy.object.thing.namespace;
    Answer::Elements(vec![Element {
        at: selector(policy),
        message: format!(
            "no pod of namespace {namespace} has these labels: the policy guards nothing"
        ),
        missing: unread_workloads(network),
        ..Element::default()
    }])
}

fn unread_workloads(network: &Network<'_>) -> Vec<String> {
    let complete = network.knows_all_workloads();
    if complete { Vec::new() } else { vec!["all workloads of the cluster".to_owned()] }
}

fn unlisted_rules(subject: &Subject<'_>) -> Answer {
    let Some(policy) = policy(subject) else { return Answer::NotApplicable };
    let elements = Direction::ALL.into_iter().filter_map(|direction| {
        let rule = policy.rules(direction).next().filter(|_| !policy.covers(direction))?;
        let types = policy.spec().map_or_else(Pointer::root, Node::pointer).join("policyTypes");
        Some(Element {
            name: direction.field().to_owned(),
            at: rule.pointer(),
            message: format!(
                "policyTypes does not name {0}, so the {1} rules have no effect and {1} stays open",
                direction.policy_type(),
                direction.field()
            ),
            evidence: vec![rule.pointer(), types.clone()],
            repair: vec![RepairStep::Append {
                pointer: types,
                value: string(direction.policy_type()),
            }],
            ..Element::default()
        })
    });
    Answer::Elements(elements.collect())
}

/// Names for a message: the first few, and how many more.
fn some(workloads: &[&Workload<'_>]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> =
        workloads.iter().take(SHOWN).map(|workload| workload.shown()).collect();
    match workloads.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
