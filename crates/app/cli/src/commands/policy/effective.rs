//! `ironhull policy effective`: every rule that governs a namespace, and where it is from.

use anyhow::bail;
use ironhull_dialects::Estate;
use ironhull_dialects::guards::{Hole, guards, pod_security};
use ironhull_model::{Node, Object, Snapshot, ThingRef, World};
use ironhull_report::protections;
use serde_json::{Value as Json, json};

use super::super::access::{document, read_targets, table};
use super::super::check::unread;
use crate::args::access::Output;
use crate::args::{Effective, Global};
use crate::exit::Exit;
use crate::printer;

/// Kinds that govern the namespace that they are in.
const OWN: [(&str, &str); 3] =
    [("networking.k8s.io", "NetworkPolicy"), ("", "ResourceQuota"), ("", "LimitRange")];

/// One rule.
struct Rule {
    /// `cluster`, or `namespace`.
    origin: &'static str,
    /// The object, such as `NetworkPolicy/deny-all`.
    object: String,
    /// What it does.
    effect: String,
    /// Holes in it.
    holes: Vec<String>,
    /// The file, where it was read from one.
    place: String,
}

pub(super) fn run(args: &Effective, global: &Global) -> anyhow::Result<Exit> {
    let here = [".".to_owned()];
    let targets = if args.targets.is_empty() { &here[..] } else { &args.targets };
    let name = args.namespace.strip_prefix("ns/").unwrap_or(&args.namespace);
    let snapshot = read_targets(targets, args.kubernetes_version.as_deref(), global)?;
    let world = World::new(&snapshot);
    let namespace = world.get(&ThingRef::new("", "Namespace", "", name));
    let is_used = snapshot.objects.iter().any(|object| *object.thing.namespace == *name);
    if namespace.is_none() && !is_used {
        bail!("there is no namespace {name:?} in {}", targets.join(" "));
    }
    let rules = rules(&snapshot, namespace.map(|object| &**object), name);
    match args.output {
        Output::Table => {
            let rows: Vec<Vec<String>> = rows(&rules);
            printer::text(&table(&["ORIGIN", "RULE", "EFFECT", "FROM"], &rows));
        }
        Output::Json => {
            let rules: Vec<Json> = rules.iter().map(rule_json).collect();
            let fields = json!({"namespace": name, "rules": rules});
            printer::data(&document("EffectivePolicy", &snapshot, fields));
        }
    }
    Ok(unread(&snapshot))
}

fn rows(rules: &[Rule]) -> Vec<Vec<String>> {
    let row = |rule: &Rule| {
        let holes = rule.holes.iter().map(|hole| format!(" · {hole}")).collect::<String>();
        let effect = format!("{}{holes}", rule.effect);
        vec![rule.origin.to_owned(), rule.object.clone(), effect, rule.place.clone()]
    };
    rules.iter().map(row).collect()
}

fn rule_json(rule: &Rule) -> Json {
    json!({
        "origin": rule.origin,
        "object": rule.object,
        "effect": rule.effect,
        "holes": rule.holes,
        "place": rule.place,
    })
}

/// Those of the cluster first, then those of the namespace.
fn rules(snapshot: &Snapshot, namespace: Option<&Object>, name: &str) -> Vec<Rule> {
    let world = World::new(snapshot);
    let estate = Estate::new(world);
    let mut rules = Vec::new();
    for guard in guards(world) {
        // What no binding puts in force governs nothing.
        if guard.holes.contains(&Hole::Unbound) {
            continue;
        }
        let covers = guard.covers(&estate, name);
        if covers == Some(false) {
            continue;
        }
        let mut holes: Vec<String> = guard.holes.iter().map(ToString::to_string).collect();
        if covers.is_none() {
            holes.push("whether it is for this namespace is not known".to_owned());
        }
        rules.push(Rule {
            origin: "cluster",
            object: protections::named(&guard),
            effect: protections::does(&guard),
            holes,
            place: place(snapshot, guard.object),
        });
    }
    rules.push(of_pod_security(snapshot, namespace));
    for (group, kind) in OWN {
        for object in world.in_namespace(group, kind, name) {
            rules.push(Rule {
                origin: "namespace",
                object: format!("{kind}/{}", object.thing.name),
                effect: own_effect(kind, object),
                holes: Vec::new(),
                place: place(snapshot, object),
            });
        }
    }
    rules
}

fn of_pod_security(snapshot: &Snapshot, namespace: Option<&Object>) -> Rule {
    let policy = namespace.and_then(pod_security);
    let effect = match (namespace, policy) {
        (_, Some(policy)) => {
            format!("enforces {}, warns {}, audits {}", policy.enforce, policy.warn, policy.audit)
        }
        (Some(_), None) => "what the API server's own configuration says: no label".to_owned(),
        (None, None) => "not known: the Namespace was not read".to_owned(),
    };
    Rule {
        origin: "namespace",
        object: "Pod Security".to_owned(),
        effect,
        holes: Vec::new(),
        place: namespace.map(|object| place(snapshot, object)).unwrap_or_default(),
    }
}

/// What an object of the namespace's own does.
fn own_effect(kind: &str, object: &Object) -> String {
    let spec = object.root().get("spec");
    let strings = |name: &str| -> Vec<&str> {
        let items = spec.and_then(|spec| spec.get(name)).into_iter().flat_map(Node::items);
        items.filter_map(Node::as_str).collect()
    };
    match kind {
        "NetworkPolicy" => {
            let all = spec.and_then(|spec| spec.get("podSelector"));
            let is_for_all =
                all.is_none_or(|selector| selector.entries().all(|(_, part)| part.is_empty()));
            let whom = if is_for_all { "all pods" } else { "some pods" };
            format!("{} of {whom}", strings("policyTypes").join(" and "))
        }
        "ResourceQuota" => {
            let hard = spec.and_then(|spec| spec.get("hard")).into_iter().flat_map(Node::entries);
            let parts: Vec<String> =
                hard.map(|(name, amount)| format!("{name} {}", amount.display())).collect();
            format!("at most {}", parts.join(", "))
        }
        _ => {
            let limits = spec.and_then(|spec| spec.get("limits")).into_iter().flat_map(Node::items);
            let types: Vec<&str> =
                limits.filter_map(|limit| limit.get("type").and_then(Node::as_str)).collect();
            format!("defaults and limits of each {}", types.join(", "))
        }
    }
}

/// `FILE:LINE` of an object.
fn place(snapshot: &Snapshot, object: &Object) -> String {
    super::super::access::place(snapshot, object, object.root())
}
