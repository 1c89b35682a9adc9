//! Which add-ons run in the cluster, what each does, who does the same, and what nobody
//! does.

use std::collections::BTreeSet;
use std::fmt::Write;

use ironhull_model::{Snapshot, World};
use ironhull_peers::{Does, Peer, Peers, Running, State, Webhook};
use serde_json::{Value as Json, json};

use super::{INDENT, MOST_NAMED, is_live};
use crate::text::{few, plain};

/// One line for each add-on, one for overlaps, one for what nobody does.
pub(super) fn table(world: World<'_>, out: &mut String) {
    let peers = Peers::new(world);
    for peer in &peers.found {
        let versions: Vec<&str> = peer.versions().into_iter().collect();
        let mut name = peer.known.name.to_owned();
        if !versions.is_empty() {
            name += &format!(" {}", versions.join(", "));
        }
        let parts = parts(peer, peers.complete);
        _ = writeln!(out, "{INDENT}{}  {}", plain(&name), plain(&parts.join(" · ")));
    }
    let overlaps = overlaps(&peers);
    if !overlaps.is_empty() {
        _ = writeln!(out, "{INDENT}twice: {}", plain(&overlaps.join(" · ")));
    }
    let unserved: Vec<&str> = peers.unserved().into_iter().map(|it| it.as_str()).collect();
    if !unserved.is_empty() {
        _ = writeln!(out, "{INDENT}no add-on that is known does {}", unserved.join(", "));
    }
}

/// What an add-on does, where, how much of it is up, and what it leaves out.
fn parts(peer: &Peer<'_>, is_complete: bool) -> Vec<String> {
    let functions: Vec<&str> = peer.functions().into_iter().map(|it| it.as_str()).collect();
    let mut parts = Vec::new();
    if !functions.is_empty() {
        parts.push(functions.join(", "));
    }
    let namespaces: Vec<&str> = peer.namespaces().into_iter().collect();
    let place = few(&namespaces, MOST_NAMED);
    parts.push(match (peer.state(), peer.ready()) {
        (None, _) if is_complete => "installed, but nothing of it runs".to_owned(),
        (None, _) => "installed; what runs was not all read".to_owned(),
        (Some(State::Off), _) => format!("switched off in {place}"),
        (Some(State::Unknown), _) | (Some(State::Up), None) => format!("in {place}"),
        (Some(State::Down | State::Partly), None) => format!("not ready in {place}"),
        (Some(_), Some((ready, wanted))) => format!("{ready} of {wanted} ready in {place}"),
    });
    let absent: BTreeSet<&str> =
        peer.serving().flat_map(|running| running.absent.iter().copied()).collect();
    if !absent.is_empty() {
        let absent: Vec<&str> = absent.into_iter().collect();
        parts.push(format!("on none of {}", few(&absent, MOST_NAMED)));
    }
    let policies = policies(peer);
    if !policies.is_empty() {
        parts.push(format!("policies: {policies}"));
    }
    let webhooks: Vec<String> = peer.webhooks.iter().map(webhook).collect();
    if !webhooks.is_empty() {
        let shown: Vec<&str> = webhooks.iter().map(String::as_str).collect();
        let several = if webhooks.len() == 1 { "webhook" } else { "webhooks" };
        parts.push(format!("{several} {}", few(&shown, MOST_NAMED)));
    }
    if !peer.left_out.is_empty() {
        let names: Vec<&str> = peer.left_out.iter().copied().collect();
        parts.push(format!("leaves out {}", few(&names, MOST_NAMED)));
    }
    parts
}

/// `validate.kyverno.svc-fail (Fail)`.
fn webhook(webhook: &Webhook<'_>) -> String {
    format!("{} ({})", webhook.name, failure_policy(webhook))
}

fn failure_policy(webhook: &Webhook<'_>) -> &'static str {
    if webhook.fails_open { "Ignore" } else { "Fail" }
}

/// `2 deny, 5 only report`.
fn policies(peer: &Peer<'_>) -> String {
    let parts = peer.by_effect().into_iter().map(|(does, n)| match does {
        Does::Denies => format!("{n} deny"),
        Does::Warns => format!("{n} only warn"),
        Does::Audits => format!("{n} only report"),
        Does::Changes => format!("{n} change"),
        Does::Stands => format!("{n}"),
        Does::Unknown => format!("{n} not read"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn overlaps(peers: &Peers<'_>) -> Vec<String> {
    let functions = { peers.overlaps().into_iter() }
        .map(|it| format!("{} by {}", it.function.as_str(), it.peers.join(" and ")));
    let twins = peers.twins.iter().map(|same| {
        let names: Vec<String> = same.iter().map(|object| object.thing.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{} say the same", few(&names, MOST_NAMED))
    });
    functions.chain(twins).collect()
}

/// The same for programs; none for files.
pub(crate) fn json(snapshot: &Snapshot) -> Option<Json> {
    if !is_live(snapshot) {
        return None;
    }
    let peers = Peers::new(World::new(snapshot));
    let overlaps: Vec<Json> = { peers.overlaps().into_iter() }
        .map(|it| json!({"function": it.function.as_str(), "names": it.peers}))
        .collect();
    let twins: Vec<Vec<String>> = { peers.twins.iter() }
        .map(|same| same.iter().map(|object| object.thing.to_string()).collect())
        .collect();
    Some(json!({
        "found": peers.found.iter().map(peer).collect::<Vec<_>>(),
        "overlaps": overlaps,
        "sameText": twins,
        "unserved": peers.unserved().into_iter().map(|it| it.as_str()).collect::<Vec<_>>(),
    }))
}

fn peer(peer: &Peer<'_>) -> Json {
    let policies: serde_json::Map<String, Json> = { peer.by_effect().into_iter() }
        .map(|(does, n)| (effect(does).to_owned(), n.into()))
        .collect();
    let webhooks = peer.webhooks.iter().map(|webhook| {
        let thing = &webhook.object.thing;
        json!({
            "kind": &*thing.kind,
            "object": &*thing.name,
            "name": webhook.name,
            "failurePolicy": failure_policy(webhook),
        })
    });
    let webhooks: Vec<Json> = webhooks.collect();
    let definitions: Vec<&str> = peer.definitions.iter().map(|it| &*it.thing.name).collect();
    json!({
        "name": peer.known.name,
        "functions": peer.functions().into_iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "state": peer.state().map_or("notRunning", state),
        "versions": peer.versions(),
        "namespaces": peer.namespaces(),
        "workloads": peer.running.iter().map(workload).collect::<Vec<_>>(),
        "definitions": definitions,
        "policies": policies,
        "leftOut": peer.left_out,
        "webhooks": webhooks,
    })
}

fn workload(running: &Running<'_>) -> Json {
    let thing = &running.object.thing;
    let serves: Vec<&str> = running.part.serves.iter().map(|it| it.as_str()).collect();
    let mut json = json!({
        "kind": &*thing.kind,
        "namespace": &*thing.namespace,
        "name": &*thing.name,
        "pointer": running.at.as_str(),
        "knownBy": running.signal.as_str(),
        "serves": serves,
        "state": state(running.state),
    });
    if let Some(version) = running.version {
        json["version"] = version.into();
    }
    if let Some((ready, wanted)) = running.ready {
        json["ready"] = ready.into();
        json["wanted"] = wanted.into();
    }
    if !running.absent.is_empty() {
        json["absentFrom"] = json!(running.absent);
    }
    json
}

fn state(state: State) -> &'static str {
    match state {
        State::Off => "off",
        State::Down => "down",
        State::Partly => "partly",
        State::Up => "up",
        State::Unknown => "unknown",
    }
}

fn effect(does: Does) -> &'static str {
    match does {
        Does::Denies => "denies",
        Does::Warns => "warns",
        Does::Audits => "audits",
        Does::Changes => "changes",
        Does::Stands => "counted",
        Does::Unknown => "unknown",
    }
}
