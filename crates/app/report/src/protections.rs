//! What guards a cluster already, whoever made it, and its holes; which add-ons run in
//! it; and what canaries showed the last time.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use ironhull_dialects::Estate;
use ironhull_dialects::guards::{Guard, Unlabelled, guards, pod_security, unlabelled};
use ironhull_model::{Object, Snapshot, Standing, World};
use serde_json::{Value as Json, json};

use crate::Report;
use crate::text::{few, plain};

mod add_ons;
mod proven;

pub(crate) use add_ons::json as add_ons_json;
pub use proven::{Open, Proven, Stops};

/// How many namespaces are named.
const MOST_NAMED: usize = 3;
/// What stands before a line of the block that is not its first.
const INDENT: &str = "               ";

/// Whether the snapshot is of a cluster, which is the only place where guards stand.
fn is_live(snapshot: &Snapshot) -> bool {
    snapshot.objects.iter().any(|object| object.standing == Standing::Live)
}

/// The block of the table; nothing for files.
pub(crate) fn table(report: &Report<'_>, out: &mut String) {
    let snapshot = report.snapshot;
    if !is_live(snapshot) {
        return;
    }
    let world = World::new(snapshot);
    let estate = Estate::new(world);
    let namespaces: Vec<&Object> = world.of_kind("", "Namespace").map(|object| &**object).collect();
    let guards = guards(world);
    let proof = |stops: Option<&Stops>| report.proven.map(|proven| proven.of_guard(stops));
    let mut first = by_pod_security(&namespaces, unlabelled(world));
    let of_levels = report.proven.and_then(Proven::pod_security);
    let are_all = snapshot.coverage.is_complete("", "Namespace");
    if !are_all && !namespaces.is_empty() {
        first.push("other namespaces could not be read".to_owned());
    }
    first.extend(proof(of_levels.as_ref()));
    _ = writeln!(out, "PROTECTIONS {:<3}{}", guards.len() + 1, first.join(" · "));
    for guard in &guards {
        let mut parts = vec![does(guard)];
        let outside = outside(guard, &estate, &namespaces);
        if guard.is_of_cluster(&estate) {
            // What it is asked about says it all.
        } else if are_all && outside.len() == namespaces.len() && !namespaces.is_empty() {
            parts.push("in no namespace".to_owned());
        } else if !outside.is_empty() {
            parts.push(format!("not in {}", few(&outside, MOST_NAMED)));
        }
        parts.extend(guard.holes.iter().map(ToString::to_string));
        parts.extend(proof(report.proven.and_then(|proven| proven.of(guard))));
        let changed = report.proven.is_some_and(|proven| proven.is_before(guard.object));
        parts.extend(changed.then(|| "changed since".to_owned()));
        _ = writeln!(out, "{INDENT}{}  {}", plain(&named(guard)), plain(&parts.join(" · ")));
    }
    add_ons::table(world, out);
    match report.proven {
        Some(proven) => _ = writeln!(out, "{INDENT}{}", plain(&proven.summary())),
        None => _ = writeln!(out, "{INDENT}what they really stop → ironhull prove cluster:"),
    }
}

/// The same for programs; none for files.
pub(crate) fn json(report: &Report<'_>) -> Vec<Json> {
    let snapshot = report.snapshot;
    if !is_live(snapshot) {
        return Vec::new();
    }
    let world = World::new(snapshot);
    let estate = Estate::new(world);
    let namespaces: Vec<&Object> = world.of_kind("", "Namespace").map(|object| &**object).collect();
    let labelled = namespaces.iter().filter_map(|namespace| {
        let policy = pod_security(namespace)?;
        Some(json!({
            "kind": "PodSecurity",
            "namespace": &*namespace.thing.name,
            "enforce": policy.enforce.to_string(),
            "warn": policy.warn.to_string(),
            "audit": policy.audit.to_string(),
        }))
    });
    let all = guards(world);
    let others = all.iter().map(|guard| {
        let mut json = json!({
            "kind": &*guard.object.thing.kind,
            "object": &*guard.object.thing.name,
            "name": guard.name,
            "effects": guard.effects.iter().map(|effect| effect.as_str()).collect::<Vec<_>>(),
            "asked": guard.asked,
            "outside": outside(guard, &estate, &namespaces),
            "holes": guard.holes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        if let Some(proven) = report.proven {
            let stops = proven.of(guard).cloned().unwrap_or_default();
            json["stopped"] = json!(stops.controls);
            json["older"] = json!(proven.older(&stops.namespaces));
            json["changedSince"] = proven.is_before(guard.object).into();
        }
        json
    });
    labelled.chain(others).collect()
}

/// Namespaces by the level that they enforce, the strictest first.
fn by_pod_security(namespaces: &[&Object], unlabelled: Unlabelled) -> Vec<String> {
    let mut levels: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for namespace in namespaces {
        let level = pod_security(namespace).map(|policy| policy.enforce);
        let shown = match (level, unlabelled) {
            (Some(level), _) => level.to_string(),
            (None, Unlabelled::Privileged) => "nothing".to_owned(),
            (None, Unlabelled::Unread) => "no level by label".to_owned(),
        };
        levels
            .entry((Reverse(level.map(|level| level.level)), shown))
            .or_default()
            .push(&namespace.thing.name);
    }
    let mut parts: Vec<String> = levels
        .iter()
        .map(|((_, level), names)| format!("{level} in {}", plain(&few(names, MOST_NAMED))))
        .collect();
    match parts.first_mut() {
        None => parts.push("Pod Security  the namespaces could not be read".to_owned()),
        Some(first) => *first = format!("Pod Security  enforces {first}"),
    }
    parts
}

/// `Kind/object (name)`.
pub fn named(guard: &Guard<'_>) -> String {
    let thing = &guard.object.thing;
    match guard.name == &*thing.name || guard.name.is_empty() {
        true => format!("{}/{}", thing.kind, thing.name),
        false => format!("{}/{} ({})", thing.kind, thing.name, guard.name),
    }
}

/// `denies create pods`.
pub fn does(guard: &Guard<'_>) -> String {
    let effects: Vec<&str> = guard.effects.iter().map(|effect| effect.as_str()).collect();
    let asked = if guard.asked.is_empty() { "nothing" } else { &guard.asked };
    match effects.is_empty() {
        true => format!("does nothing to {asked}"),
        false => format!("{} {asked}", effects.join(" and ")),
    }
}

fn outside<'n>(guard: &Guard<'_>, estate: &Estate<'_>, namespaces: &[&'n Object]) -> Vec<&'n str> {
    let names = namespaces.iter().map(|namespace| &*namespace.thing.name);
    names.filter(|name| guard.covers(estate, name) == Some(false)).collect()
}
