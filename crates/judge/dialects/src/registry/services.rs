//! Services: addresses, families and ports that they are allocated, and what of that
//! stays when they change (`pkg/registry/core/service`). Which addresses, which ports
//! and which family a cluster gives only it knows.

use serde_json::{Value as Json, json};

use super::{Prepared, is_nothing, items, items_mut, set, text};
use crate::plugins::Guess;

const NONE: &str = "None";
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];

pub(super) fn service(new: &mut Json, about: &Prepared<'_>) {
    let old = about.old.map(|old| &old["spec"]);
    let Some(spec) = new.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    match old {
        None => {
            if items(spec, "clusterIPs").is_empty() && !text(spec, "clusterIP").is_empty() {
                spec["clusterIPs"] = json!([spec["clusterIP"]]);
            }
        }
        Some(old) => {
            keep_allocated(spec, old);
            normalize(spec, old);
        }
    }
    if needs_address(spec) && !is_preferring_as_before(spec, old) {
        families(spec, old, about.guess);
        addresses(spec, old, about.guess);
    }
    node_ports(spec, about.guess);
    if needs_health_check(spec) && is_nothing_or_zero(&spec["healthCheckNodePort"]) {
        spec["healthCheckNodePort"] = json!(about.guess.of(30_000, 32_767));
    }
    if let Some(old) = old {
        drop_what_is_of_the_old_type(spec, old);
        if text(spec, "type") != "LoadBalancer" && new["status"].is_object() {
            new["status"]["loadBalancer"] = json!({});
        }
    }
}

fn is_nothing_or_zero(value: &Json) -> bool {
    is_nothing(value) || *value == 0
}

fn needs_address(spec: &Json) -> bool {
    text(spec, "type") != "ExternalName"
}

fn is_headless(spec: &Json) -> bool {
    text(spec, "clusterIP") == NONE
}

/// Whether ports of nodes are allocated.
fn needs_node_port(spec: &Json) -> bool {
    match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"] != false,
        _ => false,
    }
}

fn needs_health_check(spec: &Json) -> bool {
    text(spec, "type") == "LoadBalancer" && text(spec, "externalTrafficPolicy") == "Local"
}

/// What a manifest leaves out that was allocated before (`patchAllocatedValues`).
fn keep_allocated(spec: &mut Json, old: &Json) {
    if needs_address(old) && needs_address(spec) {
        for name in ["clusterIP", "clusterIPs"] {
            if is_nothing(&spec[name]) {
                set(spec, name, old.get(name).cloned());
            }
        }
    }
    if needs_node_port(old) && needs_node_port(spec) {
        let used: Vec<&Json> = items(old, "ports").iter().map(|port| &port["nodePort"]).collect();
        let taken: Vec<Json> = items(spec, "ports")
            .iter()
            .map(|port| port["nodePort"].clone())
            .filter(|own| !is_nothing_or_zero(own) && used.contains(&own))
            .collect();
        for port in items_mut(spec, "ports").filter(|port| is_nothing_or_zero(&port["nodePort"])) {
            let mut named = items(old, "ports").iter().rev();
            let before = named.find(|was| text(was, "name") == text(port, "name"));
            let before = before.map(|was| &was["nodePort"]).filter(|it| !is_nothing_or_zero(it));
            if let Some(before) = before.filter(|before| !taken.contains(before)) {
                port["nodePort"] = before.clone();
            }
        }
    }
    const HEALTH: &str = "healthCheckNodePort";
    let is_open = is_nothing_or_zero(&spec[HEALTH]);
    if needs_health_check(old) && needs_health_check(spec) && is_open {
        set(spec, HEALTH, old.get(HEALTH).cloned());
    }
}

/// One address and several say the same (`normalizeClusterIPs`).
fn normalize(spec: &mut Json, old: &Json) {
    let is_same = items(spec, "clusterIPs") == items(old, "clusterIPs");
    let (own, before) = (text(spec, "clusterIP").to_owned(), text(old, "clusterIP"));
    if own == before {
        if items(spec, "clusterIPs").is_empty() && !items(old, "clusterIPs").is_empty() {
            spec["clusterIPs"] = old["clusterIPs"].clone();
        }
    } else if own.is_empty() && is_same {
        set(spec, "clusterIPs", None);
    } else if is_same {
        spec["clusterIPs"] = json!([own]);
    }
}

/// What prefers two families is neither widened nor narrowed by itself.
fn is_preferring_as_before(spec: &Json, old: Option<&Json>) -> bool {
    const PREFERS: &str = "PreferDualStack";
    old.is_some_and(|old| {
        text(spec, "type") == text(old, "type")
            && text(spec, "ipFamilyPolicy") == PREFERS
            && matches!(text(old, "ipFamilyPolicy"), "" | PREFERS)
            && ["clusterIP", "clusterIPs", "ipFamilies"].iter().all(|name| {
                spec[name] == old[name] || is_nothing(&spec[name]) && is_nothing(&old[name])
            })
    })
}

fn families(spec: &mut Json, old: Option<&Json>, guess: Guess) {
    let is_selectorless = is_headless(spec) && is_nothing(&spec["selector"]);
    if is_nothing(&spec["ipFamilyPolicy"]) {
        let before = old.map_or("", |old| text(old, "ipFamilyPolicy"));
        spec["ipFamilyPolicy"] = match before {
            "" if is_selectorless => json!("RequireDualStack"),
            "" => json!("SingleStack"),
            before => json!(before),
        };
    }
    let policy = text(spec, "ipFamilyPolicy").to_owned();
    if let Some(old) = old.filter(|_| policy == "SingleStack") {
        for name in ["clusterIPs", "ipFamilies"] {
            if spec[name] == old[name] && items(spec, name).len() > 1 {
                spec[name] = json!([spec[name][0]]);
            }
        }
    }
    let mut families = items(spec, "ipFamilies").to_vec();
    let known = items(spec, "clusterIPs").iter().skip(families.len());
    for address in known.filter_map(Json::as_str).take_while(|address| *address != NONE) {
        families.push(json!(FAMILIES[usize::from(address.contains(':'))]));
    }
    if families.is_empty() {
        families.push(json!(guess.of(FAMILIES[0], FAMILIES[1])));
    }
    // Whether a cluster has two only it knows.
    let has_both = match &*policy {
        "SingleStack" => false,
        "RequireDualStack" => true,
        _ => is_selectorless || guess == Guess::Second,
    };
    if has_both && families.len() == 1 {
        let other = usize::from(families[0] == FAMILIES[0]);
        families.push(json!(FAMILIES[other]));
    }
    spec["ipFamilies"] = json!(families);
}

fn addresses(spec: &mut Json, old: Option<&Json>, guess: Guess) {
    if is_headless(spec) || items(spec, "clusterIPs").first().is_some_and(|ip| *ip == NONE) {
        return;
    }
    let mut all = items(spec, "clusterIPs").to_vec();
    let families = items(spec, "ipFamilies");
    let was = old.filter(|old| needs_address(old)).map(|old| items(old, "ipFamilies").len());
    if was.is_some_and(|was| was == families.len()) && !all.is_empty() {
        return;
    }
    for (index, family) in families.iter().enumerate() {
        let address = match *family == FAMILIES[0] {
            true => guess.of("10.96.0.10", "172.31.255.254"),
            false => guess.of("fd00::10", "2001:db8::fffe"),
        };
        match all.get_mut(index) {
            Some(known) if is_nothing(known) => *known = json!(address),
            Some(_) => {}
            None => all.push(json!(address)),
        }
    }
    spec["clusterIP"] = all[0].clone();
    spec["clusterIPs"] = json!(all);
}

/// Ports of one number share the port of the nodes.
fn node_ports(spec: &mut Json, guess: Guess) {
    if !needs_node_port(spec) {
        return;
    }
    let mut known: Vec<(Json, Json)> = items(spec, "ports")
        .iter()
        .filter(|port| !is_nothing_or_zero(&port["nodePort"]))
        .map(|port| (port["port"].clone(), port["nodePort"].clone()))
        .collect();
    for (index, port) in items_mut(spec, "ports").enumerate() {
        if !is_nothing_or_zero(&port["nodePort"]) {
            continue;
        }
        let shared = known.iter().find(|(number, _)| *number == port["port"]);
        let number = shared.map_or_else(
            || json!(guess.of(30_001 + index, 32_766_usize.saturating_sub(index))),
            |(_, number)| number.clone(),
        );
        known.push((port["port"].clone(), number.clone()));
        port["nodePort"] = number;
    }
}

/// What does not go with the new type, and was not changed (`dropTypeDependentFields`).
fn drop_what_is_of_the_old_type(spec: &mut Json, old: &Json) {
    let is_same = |spec: &Json, name: &str| {
        spec[name] == old[name] || is_nothing_or_zero(&spec[name]) && is_nothing_or_zero(&old[name])
    };
    if needs_address(old) && !needs_address(spec) {
        if is_same(spec, "clusterIP") && is_same(spec, "clusterIPs") {
            set(spec, "clusterIP", None);
            set(spec, "clusterIPs", None);
        }
        for name in ["ipFamilies", "ipFamilyPolicy"] {
            if is_same(spec, name) {
                set(spec, name, None);
            }
        }
    }
    let has_ports = |spec: &Json| matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if has_ports(old) && !has_ports(spec) {
        let before = items(old, "ports");
        let was = |port: &Json| before.iter().any(|old| old["nodePort"] == port["nodePort"]);
        let mut own = items(spec, "ports").iter();
        if own.all(|port| is_nothing_or_zero(&port["nodePort"]) || was(port)) {
            items_mut(spec, "ports").for_each(|port| set(port, "nodePort", None));
        }
    }
    let is_balanced = |spec: &Json| text(spec, "type") == "LoadBalancer";
    let is_external = |spec: &Json| {
        has_ports(spec) || text(spec, "type") == "ClusterIP" && !is_nothing(&spec["externalIPs"])
    };
    for (name, goes) in [
        ("healthCheckNodePort", needs_health_check(old) && !needs_health_check(spec)),
        ("allocateLoadBalancerNodePorts", is_balanced(old) && !is_balanced(spec)),
        ("loadBalancerClass", is_balanced(old) && !is_balanced(spec)),
        ("externalTrafficPolicy", is_external(old) && !is_external(spec)),
    ] {
        if goes && is_same(spec, name) {
            set(spec, name, None);
        }
    }
}
