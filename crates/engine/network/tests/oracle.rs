//! The validation equals the API server's: verdict, fields and kinds of errors.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;

use ironhull_model::Value;
use ironhull_network::validate::Validation;
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;

const N_POLICIES: usize = 6_000;

/// Ranges: sound ones first, so that a sound policy is likely.
const RANGES: &[&str] = &[
    "10.0.0.0/8",
    "0.0.0.0/0",
    "10.1.0.0/16",
    "169.254.169.254/32",
    "::/0",
    "fd00::/8",
    "fd00:ec2::254/128",
    "10.10.0.0/0#example",
    "10.10.0.0/0",
    "10.0.0.0",
    "10.0.0.0/33",
    "010.0.0.0/8",
    "10.0.0.0/08",
    "",
    "::ffff:10.0.0.0/104",
    "::ffff:0.0.0.0/96",
    "::ffff:10.1.1.0/120",
    "fd00::1/64",
    "1::2::3/64",
    "300.1.1.1/8",
    "10.0.0.1/8",
    "::1.2.3.4/128",
    "1:2:3:4:5:6:7:8/128",
    "1:2:3:4:5:6:7::/112",
    "::/129",
    "10.0.0.0/-1",
    " 10.0.0.0/8",
    "10.0.0.0/8 ",
    "10.0/16",
    "fe80::1%eth0/64",
    "00001::/16",
    "::00000/0",
    "1:2:3:4:5:6:7:8::/128",
    "10.0.0.0/8/8",
    "fd00::01.2.3.4/128",
];
const KEYS: &[&str] = &[
    "app",
    "app.kubernetes.io/name",
    "kubernetes.io/metadata.name",
    "",
    "-app",
    "a/b/c",
    "A_b.c-D",
    "UPPER.example/x",
    "example.com/",
    "/x",
    "a..b/x",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
    "ü",
];
const VALUES: &[&str] = &[
    "web",
    "",
    "a.b_c-d",
    "-x",
    "x-",
    "a b",
    "1",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
];
const PORTS: &[&str] = &[
    "80",
    "\"http\"",
    "443",
    "65535",
    "1",
    "0",
    "65536",
    "-1",
    "\"HTTP\"",
    "\"80\"",
    "\"a--b\"",
    "\"-a\"",
    "\"a-\"",
    "\"\"",
    "\"fifteen-letters\"",
    "\"sixteen-letters-\"",
    "\"abcdefghijklmnop\"",
    "null",
];
const PROTOCOLS: &[&str] =
    &["\"TCP\"", "\"UDP\"", "\"SCTP\"", "null", "\"tcp\"", "\"ICMP\"", "\"\""];

/// A sound choice mostly, any other now and then.
fn pick<'a>(rng: &mut Rng, sound: usize, all: &'a [&'a str]) -> &'a str {
    let n_choices = if rng.chance(85) { sound } else { all.len() };
    all[rng.below(n_choices)]
}

fn list(rng: &mut Rng, most: usize, mut item: impl FnMut(&mut Rng) -> String) -> String {
    let items: Vec<String> = (0..rng.below(most + 1)).map(|_| item(rng)).collect();
    format!("[{}]", items.join(","))
}

fn selector(rng: &mut Rng) -> String {
    if rng.chance(40) {
        return "{}".to_owned();
    }
    let mut labels = BTreeMap::new();
    for _ in 0..rng.below(3) {
        labels.insert(pick(rng, 3, KEYS), pick(rng, 3, VALUES));
    }
    let labels: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key:?}:{value:?}")).collect();
    let expressions = list(rng, 2, |rng| {
        let operator = pick(rng, 4, &["In", "NotIn", "Exists", "DoesNotExist", "in", "Near", ""]);
        let needs_values = matches!(operator, "In" | "NotIn") == rng.chance(90);
        let values =
            if needs_values { format!("[{:?}]", pick(rng, 3, VALUES)) } else { "[]".to_owned() };
        format!(r#"{{"key":{:?},"operator":{operator:?},"values":{values}}}"#, pick(rng, 3, KEYS))
    });
    format!(r#"{{"matchLabels":{{{}}},"matchExpressions":{expressions}}}"#, labels.join(","))
}

fn peer(rng: &mut Rng) -> String {
    let mut members = Vec::new();
    match rng.below(10) {
        0..=2 => members.push(format!(r#""podSelector":{}"#, selector(rng))),
        3..=4 => members.push(format!(r#""namespaceSelector":{}"#, selector(rng))),
        5 => members.extend([
            format!(r#""podSelector":{}"#, selector(rng)),
            format!(r#""namespaceSelector":{}"#, selector(rng)),
        ]),
        6..=8 => {}
        _ if rng.chance(30) => return "{}".to_owned(),
        _ if rng.chance(30) => return r#"{"podSelector":null}"#.to_owned(),
        _ => members.push(r#""podSelector":{}"#.to_owned()),
    }
    if members.is_empty() || rng.chance(3) {
        let except = list(rng, 2, |rng| format!("{:?}", pick(rng, 7, RANGES)));
        let cidr = pick(rng, 7, RANGES);
        let except = if rng.chance(50) { String::new() } else { format!(r#","except":{except}"#) };
        members.push(format!(r#""ipBlock":{{"cidr":{cidr:?}{except}}}"#));
    }
    format!("{{{}}}", members.join(","))
}

fn rule(rng: &mut Rng, peers: &str) -> String {
    let ports = list(rng, 2, |rng| {
        let end = if rng.chance(20) {
            format!(r#","endPort":{}"#, rng.pick(&["443", "65535", "70000", "0", "80"]))
        } else {
            String::new()
        };
        format!(r#"{{"protocol":{},"port":{}{end}}}"#, pick(rng, 4, PROTOCOLS), pick(rng, 5, PORTS))
    });
    let peers_list = list(rng, 2, peer);
    format!(r#"{{"ports":{ports},"{peers}":{peers_list}}}"#)
}

fn policy(rng: &mut Rng) -> String {
    let types = match rng.below(12) {
        0..=3 => String::new(),
        4..=6 => r#","policyTypes":["Egress"]"#.to_owned(),
        7..=8 => r#","policyTypes":["Ingress","Egress"]"#.to_owned(),
        9 => r#","policyTypes":["Ingress","Ingress","Egress"]"#.to_owned(),
        10 => r#","policyTypes":["ingress"]"#.to_owned(),
        _ => r#","policyTypes":[]"#.to_owned(),
    };
    let ingress = list(rng, 1, |rng| rule(rng, "from"));
    let egress = list(rng, 1, |rng| rule(rng, "to"));
    format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{{"name":"p","namespace":"n"}},"spec":{{"podSelector":{},"ingress":{ingress},"egress":{egress}{types}}}}}"#,
        selector(rng)
    )
}

fn ours(validation: Validation, policy: &str) -> String {
    let value: Value = serde_json::from_str(policy).unwrap();
    let mut refused: Vec<String> = validation
        .refusals(value.root())
        .iter()
        .map(|refusal| format!("{} {}", refusal.reason.as_str(), refusal.field()))
        .collect();
    refused.sort();
    refused.dedup();
    if refused.is_empty() { "allowed".to_owned() } else { refused.join("; ") }
}

#[test]
fn validation_equals_the_api_servers() {
    let mut rng = Rng::new(3);
    let mut mix: BTreeMap<String, usize> = BTreeMap::new();
    let cases: Vec<Case> = (0..N_POLICIES)
        .map(|index| {
            let strict_ranges = index % 2 == 0;
            let policy = policy(&mut rng);
            let ours = ours(Validation { strict_ranges }, &policy);
            for part in ours.split("; ") {
                // Which field, without its place.
                let kind = part.split_once(' ').map_or(part.to_owned(), |(reason, field)| {
                    let last = field.rsplit('.').next().unwrap_or_default();
                    format!("{reason} {}", last.split('[').next().unwrap_or_default())
                });
                *mix.entry(kind).or_default() += 1;
            }
            Case { input: format!(r#"{{"strict":{strict_ranges},"policy":{policy}}}"#), ours }
        })
        .collect();
    for (kind, n) in &mix {
        println!("{n:>6}  {kind}");
    }
    let allowed = mix["allowed"];
    assert!(
        allowed * 100 > N_POLICIES * 25 && allowed * 100 < N_POLICIES * 75,
        "{allowed} allowed"
    );
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    oracle::check(&golden, "network", &cases);
}
