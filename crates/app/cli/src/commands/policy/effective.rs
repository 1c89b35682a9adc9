//! `ironhull policy effective`: every rule that governs a namespace, with its origin.

use std::fmt::Write as _;

use anyhow::bail;
use ironhull_dialects::guards::{Hole, Unlabelled, guards, unlabelled};
use ironhull_dialects::{Estate, Flavour, GROUP, Namespace};
use ironhull_model::{Node, Object, Snapshot, SourceId, World};
use ironhull_pss::policy::Policy as PodSecurity;
use ironhull_report::protections;
use ironhull_report::table::count;
use serde_json::json;

use crate::args::access::Output;
use crate::args::{Effective, Global};
use crate::commands::access::reach::Reach;
use crate::commands::check::print_diagnostics;
use crate::estate::{self, documents};
use crate::exit::Exit;
use crate::{config, printer};

/// One rule.
struct Rule {
    /// Who enforces it.
    kind: &'static str,
    name: String,
    /// What it does.
    effect: String,
    /// `cluster`, `namespace` or `file`.
    origin: &'static str,
    /// Where it stands.
    place: String,
    /// False where what decides is not known.
    is_sure: bool,
}

const POD_SECURITY: &str = "Pod Security";

/// Runs the command.
pub(super) fn run(args: &Effective, global: &Global) -> anyhow::Result<Exit> {
    let name = args.namespace.strip_prefix("ns/").unwrap_or(&args.namespace);
    if name.is_empty() || name.contains('/') {
        bail!("{:?} is no namespace; write ns/NAME", args.namespace);
    }
    let here = [".".to_owned()];
    let given = &args.target.targets;
    let targets = if given.is_empty() { &here[..] } else { given };
    let config = config::load(global, targets)?;
    let minor = config::minor(args.target.kubernetes_version.as_deref(), &config)?;
    let asked = [name.to_owned()];
    let options = estate::Options {
        complete: config.complete,
        namespaces: &asked,
        policies: &args.policy,
        ..estate::Options::to_ask(minor, global)
    };
    let mut read = estate::read(targets, &options);
    let controls: Vec<_> = ironhull_catalogue::controls().iter().collect();
    let mut told = Vec::new();
    let ours = documents::policies(&read.own, &controls, &mut told);
    let mut rules = Vec::new();
    for (policy, object, source) in &ours {
        if policy.reaches(name) {
            rules.push(Rule {
                kind: "Ironhull policy",
                name: policy.name.clone(),
                effect: format!("{}: {}", policy.rung.as_str(), policy.controls().join(", ")),
                origin: "file",
                place: place_in(&read.snapshot, object.root(), *source),
                is_sure: true,
            });
        }
    }
    drop(ours);
    read.snapshot.diagnostics.extend(told);
    let snapshot = &read.snapshot;
    print_diagnostics(snapshot);
    let estate = Estate::new(World::new(snapshot));
    let namespace = estate.namespace(name);
    if matches!(namespace, Namespace::Missing) {
        bail!("there is no namespace {name}");
    }
    let mut all = pod_security(snapshot, name, namespace);
    all.extend(admission(snapshot, &estate, name));
    all.extend(inside(snapshot, name));
    all.append(&mut rules);
    let reach = Reach::of_kinds(snapshot, &governing(namespace), Some(name));
    print(name, &all, &reach, args.output);
    reach.tell();
    Ok(reach.exit())
}

/// The kinds whose objects govern a namespace.
fn governing(namespace: Namespace<'_>) -> Vec<(&'static str, &'static str)> {
    let policies = Flavour::ALL.map(|flavour| [flavour.kind(), flavour.binding_kind()]);
    let admission = policies.into_iter().flatten().chain(WEBHOOKS).map(|kind| (GROUP, kind));
    let inside = INSIDE.iter().map(|(group, kind, _)| (*group, *kind));
    let own = (!matches!(namespace, Namespace::There(_))).then_some(("", "Namespace"));
    own.into_iter().chain(admission).chain(inside).collect()
}

/// Configurations of webhooks.
const WEBHOOKS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn print(namespace: &str, rules: &[Rule], reach: &Reach<'_>, output: Output) {
    if output == Output::Json {
        let rules: Vec<_> = rules
            .iter()
            .map(|rule| {
                json!({"kind": rule.kind, "name": rule.name, "effect": rule.effect,
                    "origin": rule.origin, "place": rule.place, "sure": rule.is_sure})
            })
            .collect();
        let document = json!({"apiVersion": "ironhull.dev/v1", "kind": "PolicyEffective",
            "namespace": namespace, "rules": rules, "unread": reach.json()});
        return printer::data(&format!("{document:#}\n"));
    }
    let mut text = String::new();
    let width = |cell: fn(&Rule) -> &str| {
        rules.iter().map(|rule| cell(rule).chars().count()).max().unwrap_or(0)
    };
    let (kinds, names) = (width(|rule| rule.kind), width(|rule| &rule.name));
    for rule in rules {
        let doubt = match rule.is_sure || rule.kind == POD_SECURITY {
            true => "",
            false => " (if the namespace's labels say so)",
        };
        let place = if rule.place.is_empty() { String::new() } else { format!(" {}", rule.place) };
        _ = writeln!(
            text,
            "{:kinds$}  {:names$}  {}{doubt}  [{}{place}]",
            rule.kind, rule.name, rule.effect, rule.origin
        );
    }
    _ = writeln!(
        text,
        "{} {} namespace {namespace}",
        count(rules.len(), "rule"),
        if rules.len() == 1 { "governs" } else { "govern" }
    );
    printer::data(&text);
}

/// Pod Security: what the labels say, and what holds where they say nothing.
fn pod_security(snapshot: &Snapshot, name: &str, namespace: Namespace<'_>) -> Vec<Rule> {
    let object =
        snapshot.objects.iter().find(|it| it.is("", "Namespace") && &*it.thing.name == name);
    let Namespace::There(value) = namespace else {
        return vec![Rule {
            kind: POD_SECURITY,
            name: "enforce, audit, warn".to_owned(),
            effect: "the Namespace is not in the input".to_owned(),
            origin: "namespace",
            place: String::new(),
            is_sure: false,
        }];
    };
    let labels = value.root().path(&["metadata", "labels"]);
    let (policy, _) = PodSecurity::of_labels(labels, PodSecurity::PRIVILEGED);
    let modes = [("enforce", policy.enforce), ("audit", policy.audit), ("warn", policy.warn)];
    let is_known = unlabelled(World::new(snapshot)) == Unlabelled::Privileged;
    let rule = |(mode, holds): (&str, ironhull_pss::policy::LevelVersion)| {
        let key = format!("pod-security.kubernetes.io/{mode}");
        let label = object.and_then(|object| object.root().path(&["metadata", "labels", &key]));
        let is_said = labels.and_then(|labels| labels.get(&key)).is_some();
        Rule {
            kind: POD_SECURITY,
            name: mode.to_owned(),
            effect: match is_said || is_known {
                true => holds.to_string(),
                false => format!("{holds}, unless the API server's configuration says more"),
            },
            origin: if is_said { "namespace" } else { "cluster" },
            place: match (object, label) {
                (Some(object), Some(label)) => place(snapshot, object, label),
                _ => "the API server's default".to_owned(),
            },
            is_sure: is_said || is_known,
        }
    };
    modes.into_iter().map(rule).collect()
}

/// Admission policies and webhooks, in the order in which they are asked.
fn admission(snapshot: &Snapshot, estate: &Estate<'_>, name: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for guard in guards(estate.world()) {
        let covers = guard.covers(estate, name);
        // What no binding puts in force governs nothing.
        if covers == Some(false) || guard.holes.contains(&Hole::Unbound) {
            continue;
        }
        let holes = guard.holes.iter().map(|hole| format!("; {hole}")).collect::<String>();
        rules.push(Rule {
            kind: guard.kind(),
            name: format!("{}/{}", guard.object.thing.name, guard.name),
            effect: format!("{}{holes}", protections::does(&guard)),
            origin: "cluster",
            place: place(snapshot, guard.object, guard.object.root()),
            is_sure: covers.is_some(),
        });
    }
    rules
}

/// Rules that stand in the namespace.
const INSIDE: &[(&str, &str, &str)] = &[
    ("", "ResourceQuota", "limits what all objects use"),
    ("", "LimitRange", "fills in and bounds what each uses"),
    ("networking.k8s.io", "NetworkPolicy", "closes and opens the network"),
];

fn inside(snapshot: &Snapshot, name: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (group, kind, effect) in INSIDE {
        let all = snapshot.objects.iter().filter(|object| object.is(group, kind));
        rules.extend(all.filter(|object| &*object.thing.namespace == name).map(|object| Rule {
            kind,
            name: object.thing.name.to_string(),
            effect: (*effect).to_owned(),
            origin: "namespace",
            place: place(snapshot, object, object.root()),
            is_sure: true,
        }));
    }
    rules
}

/// `FILE:LINE` of a node of an object; empty for one of a running cluster.
fn place(snapshot: &Snapshot, object: &Object, node: Node<'_>) -> String {
    object.origin.map_or_else(String::new, |origin| place_in(snapshot, node, origin.source))
}

fn place_in(snapshot: &Snapshot, node: Node<'_>, source: SourceId) -> String {
    let Some(source) = snapshot.source(source) else { return String::new() };
    match node.span().and_then(|span| source.shown_position(span.start)) {
        Some(position) => format!("{}:{}", source.path, position.line),
        None => source.path.clone(),
    }
}
