//! Reachability against an evaluator of another make: it lays out every
//! connection there could be and lets each policy mark what it allows. What is
//! not known to the engine is tried in every way it could be.
#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ironhull_model::{Coverage, Minor, Node, Object, Pointer, Snapshot, ThingRef, World};
use ironhull_network::reach::block_contains;
use ironhull_network::{Certainty, Direction, Network, Peer, Port, Protocol, notes};
use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

const N_ESTATES: usize = 1_500;
const FLOWS_PER_ESTATE: usize = 8;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];
const PORTS: [u16; 5] = [53, 80, 443, 8080, 65535];
/// Of container ports, and one that none has.
const NAMES: [&str; 3] = ["http", "dns", "none"];
const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
/// Addresses that are no pod's.
const OUTSIDE: [&str; 5] =
    ["203.0.113.9", "10.1.2.3", "169.254.169.254", "fd00:ec2::254", "2001:db8::1"];
/// Addresses that pods may have.
const POD_ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.1.1", "192.168.7.7", "fd00::1"];
const BLOCKS: [(&str, &[&str]); 7] = [
    ("0.0.0.0/0", &["169.254.169.254/32"]),
    ("0.0.0.0/0", &["10.0.0.0/8", "203.0.113.0/24"]),
    ("0.0.0.0/0", &[]),
    ("10.0.0.0/23", &["10.0.1.0/24"]),
    ("::/0", &["fd00:ec2::254/128"]),
    ("192.168.0.0/16", &[]),
    ("203.0.113.9/32", &[]),
];

type Labels = Vec<(&'static str, &'static str)>;

#[derive(Clone)]
struct Pod {
    namespace: usize,
    labels: Labels,
    address: Option<&'static str>,
    host_network: bool,
    /// Name, number, protocol.
    ports: Vec<(&'static str, u16, Protocol)>,
}

#[derive(Clone, Default)]
struct Selector {
    equal: Labels,
    expressions: Vec<(&'static str, &'static str, Vec<&'static str>)>,
}

#[derive(Clone)]
enum Item {
    Selectors(Option<Selector>, Option<Selector>),
    Block(&'static str, &'static [&'static str]),
}

#[derive(Clone)]
enum PortItem {
    Any(Protocol),
    Numbers(Protocol, u16, Option<u16>),
    Named(Protocol, &'static str),
}

#[derive(Clone)]
struct Rule {
    peers: Vec<Item>,
    ports: Vec<PortItem>,
}

#[derive(Clone)]
struct Policy {
    namespace: usize,
    selector: Selector,
    types: Option<Vec<Direction>>,
    ingress: Vec<Rule>,
    egress: Option<Vec<Rule>>,
}

#[derive(Clone)]
struct Estate {
    /// Labels by namespace.
    namespaces: Vec<Labels>,
    pods: Vec<Pod>,
    policies: Vec<Policy>,
}

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum End {
    Pod(usize),
    Outside(usize),
}

type Connection = (End, usize, u16);

// ---- the generator

fn labels(rng: &mut Rng) -> Labels {
    let mut all = Vec::new();
    for (key, values) in [("app", ["web", "db"]), ("env", ["x", "y"])] {
        if rng.chance(70) {
            all.push((key, *rng.pick(&values)));
        }
    }
    all
}

fn selector(rng: &mut Rng) -> Selector {
    let mut selector = Selector::default();
    if rng.chance(35) {
        return selector;
    }
    if rng.chance(60) {
        selector.equal = labels(rng);
    }
    if rng.chance(45) {
        let key = *rng.pick(&["app", "env", "zone"]);
        let operator = *rng.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
        let values = match operator {
            "In" | "NotIn" => vec![*rng.pick(&["web", "x"]), *rng.pick(&["db", "y", "z"])],
            _ => Vec::new(),
        };
        selector.expressions.push((key, operator, values));
    }
    selector
}

fn rule(rng: &mut Rng) -> Rule {
    let mut rule = Rule { peers: Vec::new(), ports: Vec::new() };
    let n_peers = if rng.chance(20) { 0 } else { 1 + rng.below(2) };
    for _ in 0..n_peers {
        rule.peers.push(match rng.below(4) {
            0 => Item::Selectors(Some(selector(rng)), None),
            1 => Item::Selectors(None, Some(selector(rng))),
            2 => Item::Selectors(Some(selector(rng)), Some(selector(rng))),
            _ => {
                let (block, except) = *rng.pick(&BLOCKS);
                Item::Block(block, except)
            }
        });
    }
    let n_ports = if rng.chance(35) { 0 } else { 1 + rng.below(2) };
    for _ in 0..n_ports {
        let protocol = *rng.pick(&[Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
        rule.ports.push(match rng.below(4) {
            0 => PortItem::Any(protocol),
            1 => PortItem::Named(protocol, NAMES[rng.below(3)]),
            2 => PortItem::Numbers(protocol, *rng.pick(&PORTS), None),
            _ => {
                let first = *rng.pick(&[1, 80, 443]);
                PortItem::Numbers(
                    protocol,
                    first,
                    Some(*rng.pick(&[first, 8080, 65535])).map(|last| last.max(first)),
                )
            }
        });
    }
    rule
}

fn policy(rng: &mut Rng) -> Policy {
    let rules = |rng: &mut Rng| (0..rng.below(3)).map(|_| rule(rng)).collect::<Vec<_>>();
    Policy {
        namespace: rng.below(3),
        selector: selector(rng),
        types: match rng.below(5) {
            0 | 1 => None,
            2 => Some(vec![Direction::Ingress]),
            3 => Some(vec![Direction::Egress]),
            _ => Some(Direction::ALL.to_vec()),
        },
        ingress: rules(rng),
        egress: if rng.chance(60) { Some(rules(rng)) } else { None },
    }
}

fn estate(rng: &mut Rng) -> Estate {
    let pods = (0..6)
        .map(|_| Pod {
            namespace: rng.below(3),
            labels: labels(rng),
            address: Some(*rng.pick(&POD_ADDRESSES)),
            host_network: rng.chance(10),
            ports: vec![
                ("http", *rng.pick(&[80, 8080]), Protocol::Tcp),
                ("dns", 53, *rng.pick(&[Protocol::Udp, Protocol::Tcp])),
            ],
        })
        .collect();
    Estate {
        namespaces: NAMESPACES.iter().map(|_| labels(rng)).collect(),
        pods,
        policies: (0..rng.below(6)).map(|_| policy(rng)).collect(),
    }
}

// ---- as documents

fn map(labels: &Labels) -> Value {
    labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
}

fn selector_json(selector: &Selector) -> Value {
    let mut value = json!({});
    if !selector.equal.is_empty() {
        value["matchLabels"] = map(&selector.equal);
    }
    for (key, operator, values) in &selector.expressions {
        let mut expression = json!({"key": key, "operator": operator});
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        value["matchExpressions"] = json!([expression]);
    }
    value
}

fn rule_json(rule: &Rule, peers: &str) -> Value {
    let mut value = json!({});
    if !rule.peers.is_empty() {
        value[peers] = rule.peers.iter().map(item_json).collect();
    }
    if !rule.ports.is_empty() {
        value["ports"] = rule.ports.iter().map(port_json).collect();
    }
    value
}

fn item_json(item: &Item) -> Value {
    match item {
        Item::Block(cidr, except) => json!({"ipBlock": {"cidr": cidr, "except": except}}),
        Item::Selectors(pods, namespaces) => {
            let mut value = json!({});
            if let Some(pods) = pods {
                value["podSelector"] = selector_json(pods);
            }
            if let Some(namespaces) = namespaces {
                value["namespaceSelector"] = selector_json(namespaces);
            }
            value
        }
    }
}

fn port_json(port: &PortItem) -> Value {
    let (protocol, mut value) = match port {
        PortItem::Any(protocol) => (protocol, json!({})),
        PortItem::Named(protocol, name) => (protocol, json!({"port": name})),
        PortItem::Numbers(protocol, first, None) => (protocol, json!({"port": first})),
        PortItem::Numbers(protocol, first, Some(last)) => {
            (protocol, json!({"port": first, "endPort": last}))
        }
    };
    // TCP may be left out.
    if *protocol != Protocol::Tcp || matches!(port, PortItem::Any(_)) {
        value["protocol"] = json!(protocol.as_str());
    }
    value
}

fn snapshot(estate: &Estate, complete: bool, read_namespaces: bool) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    if complete {
        snapshot.coverage = if read_namespaces {
            Coverage::Complete
        } else {
            let kinds = ["networking.k8s.io/NetworkPolicy", "Pod"];
            Coverage::Kinds(kinds.map(str::to_owned).to_vec())
        };
    }
    let mut add = |value: Value| {
        let value = serde_json::from_str(&value.to_string()).unwrap();
        snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
    };
    for (name, labels) in NAMESPACES.iter().zip(&estate.namespaces).filter(|_| read_namespaces) {
        add(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": map(labels)}}),
        );
    }
    for (index, pod) in estate.pods.iter().enumerate() {
        let ports: Vec<Value> = pod.ports.iter().map(|(name, number, protocol)| {
            json!({"name": name, "containerPort": number, "protocol": protocol.as_str()})
        }).collect();
        let mut value = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p{index}"), "namespace": NAMESPACES[pod.namespace], "labels": map(&pod.labels)},
            "spec": {"hostNetwork": pod.host_network, "containers": [{"name": "c", "image": "i", "ports": ports}]},
        });
        if let Some(address) = pod.address {
            value["status"] = json!({"podIP": address});
        }
        add(value);
    }
    for (index, policy) in estate.policies.iter().enumerate() {
        let mut spec = json!({"podSelector": selector_json(&policy.selector)});
        if let Some(types) = &policy.types {
            spec["policyTypes"] =
                types.iter().map(|direction| json!(direction.policy_type())).collect();
        }
        if !policy.ingress.is_empty() {
            spec["ingress"] = policy.ingress.iter().map(|rule| rule_json(rule, "from")).collect();
        }
        if let Some(egress) = &policy.egress {
            spec["egress"] = egress.iter().map(|rule| rule_json(rule, "to")).collect();
        }
        add(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": format!("n{index}"), "namespace": NAMESPACES[policy.namespace]}, "spec": spec,
        }));
    }
    snapshot.seal();
    snapshot
}

// ---- the other evaluator

fn naive_selects(selector: &Selector, labels: &Labels) -> bool {
    let find =
        |wanted: &str| labels.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
    selector.equal.iter().all(|(key, value)| find(key) == Some(*value))
        && selector.expressions.iter().all(|(key, operator, values)| match (*operator, find(key)) {
            ("In", Some(value)) => values.contains(&value),
            ("NotIn", Some(value)) => !values.contains(&value),
            ("Exists", Some(_)) | ("NotIn" | "DoesNotExist", None) => true,
            _ => false,
        })
}

fn bits(address: &str) -> (bool, u128) {
    match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(address) => (true, u128::from(u32::from(address))),
        IpAddr::V6(address) => (false, u128::from(address)),
    }
}

fn naive_in(range: &str, address: &str) -> bool {
    let (network, prefix) = range.split_once('/').unwrap();
    let ((four, network), (also_four, address)) = (bits(network), bits(address));
    let free = if four { 32 } else { 128 } - prefix.parse::<u32>().unwrap();
    let first = network.checked_shr(free).unwrap_or(0);
    four == also_four && first == address.checked_shr(free).unwrap_or(0)
}

impl Estate {
    fn ends(&self) -> Vec<End> {
        let outside = (0..OUTSIDE.len()).map(End::Outside);
        (0..self.pods.len()).map(End::Pod).chain(outside).collect()
    }

    fn address(&self, end: End) -> &'static str {
        match end {
            End::Pod(pod) => self.pods[pod].address.unwrap(),
            End::Outside(index) => OUTSIDE[index],
        }
    }

    /// The ends a peer item means, seen from a namespace.
    fn members(&self, item: &Item, from: usize) -> BTreeSet<End> {
        self.ends()
            .into_iter()
            .filter(|end| match (item, end) {
                (Item::Block(range, except), end) => {
                    let address = self.address(*end);
                    naive_in(range, address) && !except.iter().any(|range| naive_in(range, address))
                }
                (Item::Selectors(pods, namespaces), End::Pod(pod)) => {
                    let pod = &self.pods[*pod];
                    let own = namespaces.is_none() && pod.namespace == from;
                    let mut all = self.namespaces[pod.namespace].clone();
                    all.push(("kubernetes.io/metadata.name", NAMESPACES[pod.namespace]));
                    !pod.host_network
                        && (own
                            || namespaces
                                .as_ref()
                                .is_some_and(|selector| naive_selects(selector, &all)))
                        && pods.as_ref().is_none_or(|selector| naive_selects(selector, &pod.labels))
                }
                (Item::Selectors(..), End::Outside(_)) => false,
            })
            .collect()
    }

    /// The destination ports that a port item means at a pod, or elsewhere.
    fn numbers(item: &PortItem, destination: Option<&Pod>) -> BTreeSet<(usize, u16)> {
        let at =
            |protocol: Protocol| PROTOCOLS.iter().position(|known| *known == protocol).unwrap();
        match item {
            PortItem::Any(protocol) => PORTS.iter().map(|port| (at(*protocol), *port)).collect(),
            PortItem::Numbers(protocol, first, last) => PORTS
                .iter()
                .filter(|port| *port >= first && **port <= last.unwrap_or(*first))
                .map(|port| (at(*protocol), *port))
                .collect(),
            PortItem::Named(protocol, name) => destination
                .into_iter()
                .flat_map(|pod| &pod.ports)
                .filter(|(known, _, of)| known == name && of == protocol)
                .map(|(_, number, _)| (at(*protocol), *number))
                .collect(),
        }
    }

    /// Every connection that a pod's policies allow it in a direction.
    fn allowed(&self, pod: usize, direction: Direction) -> BTreeSet<Connection> {
        let subject = &self.pods[pod];
        let mut marked = BTreeSet::new();
        let mut isolated = false;
        for policy in self.policies.iter().filter(|policy| {
            policy.namespace == subject.namespace
                && naive_selects(&policy.selector, &subject.labels)
        }) {
            let rules = match direction {
                Direction::Ingress => policy.ingress.as_slice(),
                Direction::Egress => policy.egress.as_deref().unwrap_or(&[]),
            };
            let types = policy.types.clone().unwrap_or_else(|| {
                if policy.egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
                    Direction::ALL.to_vec()
                } else {
                    vec![Direction::Ingress]
                }
            });
            if !types.contains(&direction) {
                continue;
            }
            isolated = true;
            for rule in rules {
                let ends: BTreeSet<End> = if rule.peers.is_empty() {
                    self.ends().into_iter().collect()
                } else {
                    rule.peers
                        .iter()
                        .flat_map(|item| self.members(item, subject.namespace))
                        .collect()
                };
                for end in ends {
                    let destination = match (direction, end) {
                        (Direction::Ingress, _) => Some(subject),
                        (Direction::Egress, End::Pod(peer)) => Some(&self.pods[peer]),
                        (Direction::Egress, End::Outside(_)) => None,
                    };
                    let ports: BTreeSet<(usize, u16)> = if rule.ports.is_empty() {
                        every_port()
                    } else {
                        rule.ports
                            .iter()
                            .flat_map(|item| Estate::numbers(item, destination))
                            .collect()
                    };
                    marked.extend(ports.into_iter().map(|(protocol, port)| (end, protocol, port)));
                }
            }
        }
        if isolated && !subject.host_network {
            return marked;
        }
        self.ends()
            .into_iter()
            .flat_map(|end| {
                every_port().into_iter().map(move |(protocol, port)| (end, protocol, port))
            })
            .collect()
    }

    fn connects(&self, from: End, to: End, protocol: usize, port: u16) -> bool {
        let out = match from {
            End::Pod(pod) => self.allowed(pod, Direction::Egress).contains(&(to, protocol, port)),
            End::Outside(_) => true,
        };
        let into = match to {
            End::Pod(pod) => {
                self.allowed(pod, Direction::Ingress).contains(&(from, protocol, port))
            }
            End::Outside(_) => true,
        };
        out && into
    }
}

fn every_port() -> BTreeSet<(usize, u16)> {
    (0..PROTOCOLS.len())
        .flat_map(|protocol| PORTS.iter().map(move |port| (protocol, *port)))
        .collect()
}

/// Every way the estate could be, given what the engine is not told.
fn possible(estate: &Estate, complete: bool, read_namespaces: bool) -> Vec<Estate> {
    let mut worlds = vec![estate.clone()];
    if !read_namespaces {
        for namespace in 0..NAMESPACES.len() {
            worlds = worlds
                .into_iter()
                .flat_map(|world| {
                    [vec![], vec![("env", "x")], vec![("app", "db"), ("env", "y"), ("zone", "z")]]
                        .map(|labels| {
                            let mut world = world.clone();
                            world.namespaces[namespace] = labels;
                            world
                        })
                })
                .collect();
        }
    }
    for pod in 0..estate.pods.len() {
        if estate.pods[pod].address.is_none() {
            worlds = worlds
                .into_iter()
                .flat_map(|world| {
                    POD_ADDRESSES.map(|address| {
                        let mut world = world.clone();
                        world.pods[pod].address = Some(address);
                        world
                    })
                })
                .collect();
        }
    }
    if !complete {
        let everything = Rule { peers: Vec::new(), ports: Vec::new() };
        let more = |rules: Vec<Rule>| {
            (0..NAMESPACES.len()).map(move |namespace| Policy {
                namespace,
                selector: Selector::default(),
                types: Some(Direction::ALL.to_vec()),
                ingress: rules.clone(),
                egress: Some(rules.clone()),
            })
        };
        worlds = worlds
            .into_iter()
            .flat_map(|world| {
                let [mut denied, mut opened] = [world.clone(), world.clone()];
                denied.policies.extend(more(Vec::new()));
                opened.policies.extend(more(vec![everything.clone()]));
                [world, denied, opened]
            })
            .collect();
    }
    worlds
}

fn ours(network: &Network<'_>, from: End, to: End, port: Port) -> Certainty {
    let workload = |pod: usize| {
        network
            .workloads()
            .find(|workload| *workload.object.thing.name == *format!("p{pod}"))
            .unwrap()
    };
    let address = |index: usize| OUTSIDE[index].parse().unwrap();
    match (from, to) {
        (End::Pod(from), End::Pod(to)) => {
            network.connects(workload(from), workload(to), port).allowed
        }
        (End::Pod(from), End::Outside(to)) => {
            network.reaches(workload(from), address(to), port).allowed
        }
        (End::Outside(from), End::Pod(to)) => {
            network
                .decide(workload(to), Direction::Ingress, Peer::Address(address(from)), port)
                .allowed
        }
        (End::Outside(_), End::Outside(_)) => Certainty::Yes,
    }
}

#[test]
fn reach_equals_brute_force() {
    let mut rng = Rng::new(20_261_125);
    let (mut n_flows, mut n_allowed, mut n_unknown, mut n_vague) = (0, 0, 0, 0);
    for index in 0..N_ESTATES {
        let mut estate = estate(&mut rng);
        // Most are known in full; in the others something is missing, in every combination.
        let (complete, read_namespaces) = match index % 16 {
            0 => (false, true),
            1 => (true, false),
            2 => {
                let pod = rng.below(6);
                estate.pods[pod].address = None;
                (true, true)
            }
            3 => (false, false),
            _ => (true, true),
        };
        let snapshot = snapshot(&estate, complete, read_namespaces);
        let network = Network::new(World::new(&snapshot));
        assert!(network.refused().is_empty(), "the generator writes valid policies");
        let worlds = possible(&estate, complete, read_namespaces);
        for _ in 0..FLOWS_PER_ESTATE {
            let (from, to) = match rng.below(4) {
                0 => (End::Pod(rng.below(6)), End::Outside(rng.below(OUTSIDE.len()))),
                1 => (End::Outside(rng.below(OUTSIDE.len())), End::Pod(rng.below(6))),
                _ => {
                    let from = rng.below(6);
                    (End::Pod(from), End::Pod((from + 1 + rng.below(5)) % 6))
                }
            };
            let protocol = rng.below(3);
            let number = *rng.pick(&PORTS);
            let answers: BTreeSet<bool> =
                worlds.iter().map(|world| world.connects(from, to, protocol, number)).collect();
            let got = ours(&network, from, to, Port { protocol: PROTOCOLS[protocol], number });
            let truth = match answers.into_iter().collect::<Vec<_>>().as_slice() {
                [known] => Certainty::from(*known),
                _ => Certainty::Unknown,
            };
            n_flows += 1;
            n_allowed += usize::from(got == Certainty::Yes);
            n_unknown += usize::from(got == Certainty::Unknown);
            // Where all is known the answers are equal. Else "unknown" may be said of
            // what is decided by several unknowns together, but nothing that is wrong.
            let vague = worlds.len() > 1 && got == Certainty::Unknown;
            n_vague += usize::from(vague && truth != Certainty::Unknown);
            assert!(
                got == truth || vague,
                "{from:?} -> {to:?} {:?} {number}: {got:?}, not {truth:?}\n{}",
                PROTOCOLS[protocol],
                snapshot
                    .objects
                    .iter()
                    .map(|object| object.root().to_json())
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
    }
    println!(
        "{n_flows} flows over {N_ESTATES} estates: {n_allowed} allowed, {n_unknown} unknown, {n_vague} of these decided by all worlds"
    );
    assert!(n_flows >= 10_000 && n_allowed * 5 > n_flows && n_unknown * 100 > n_flows);
    assert!(n_vague * 4 < n_unknown, "too much is called unknown");
}

/// The indices give what looking at every policy gives, in the same order.
#[test]
fn policies_are_found_by_the_pods_that_they_select() {
    let mut rng = Rng::new(77);
    let (mut n_selecting, mut n_reopened) = (0, 0);
    for _ in 0..N_ESTATES {
        let estate = estate(&mut rng);
        let snapshot = snapshot(&estate, true, true);
        let network = Network::new(World::new(&snapshot));
        for workload in network.workloads() {
            assert!(network.workload(workload.object).is_some_and(|it| std::ptr::eq(it, workload)));
            let naive: Vec<_> = network
                .policies_in(workload.namespace())
                .iter()
                .map(|policy| (&policy.object.thing, policy.selects(workload)))
                .filter(|(_, selected)| *selected > Certainty::No)
                .collect();
            let found: Vec<_> = network
                .selecting(workload)
                .map(|(policy, selected)| (&policy.object.thing, selected))
                .collect();
            assert_eq!(found, naive);
            n_selecting += found.len();
        }
        for policy in network.policies() {
            let found = notes::reopened(&network, policy);
            let found: Vec<_> = found
                .iter()
                .map(|found| (found.except.pointer(), &found.by.thing, found.rule.pointer()))
                .collect();
            let naive = naive_reopened(&network, policy);
            n_reopened += naive.len();
            assert_eq!(found, naive);
        }
    }
    println!("{n_selecting} selections, {n_reopened} reopened exceptions");
    assert!(n_selecting > 1_000 && n_reopened > 50, "{n_selecting} and {n_reopened}");
}

/// Every policy of the namespace that allows what an exception leaves out, for a
/// pod that both select.
fn naive_reopened<'a>(
    network: &Network<'a>,
    policy: ironhull_network::Policy<'a>,
) -> Vec<(Pointer, &'a Arc<ThingRef>, Pointer)> {
    let namespace = &*policy.object.thing.namespace;
    let mut found = Vec::new();
    for block in policy.ranges(Direction::Egress) {
        for except in block.get("except").into_iter().flat_map(Node::items) {
            let text = except.as_str().unwrap_or_default();
            let address = text.split('/').next().unwrap_or_default().parse().unwrap();
            for other in network.policies_in(namespace) {
                let rule = other.rules(Direction::Egress).find(|rule| {
                    let Some(peers) = rule.get("to").filter(|peers| !peers.is_empty()) else {
                        return true;
                    };
                    peers.items().filter_map(|peer| peer.get("ipBlock")).any(|other| {
                        other.pointer() != block.pointer() && block_contains(other, address)
                            || !std::ptr::eq(other.value(), block.value())
                                && block_contains(other, address)
                    })
                });
                let is_shared = other.object.thing == policy.object.thing
                    || other.selects_all()
                    || policy.selects_all()
                    || network.workloads_in(namespace).iter().any(|workload| {
                        policy.selects(workload) == Certainty::Yes
                            && other.selects(workload) == Certainty::Yes
                    });
                if let Some(rule) = rule.filter(|_| is_shared && other.covers(Direction::Egress)) {
                    found.push((except.pointer(), &other.object.thing, rule.pointer()));
                }
            }
        }
    }
    found
}
