//! What a NetworkPolicy does and does not do; what a workload's network is like.

use std::fmt::Write;

use ironhull_model::{Object, Snapshot, World};
use ironhull_network::{Certainty, Direction, Network, Policy, notes};

/// Sections about policies and workloads; nothing for other objects.
pub(super) fn write(object: &Object, snapshot: &Snapshot, out: &mut String) {
    let is_policy = object.is("networking.k8s.io", "NetworkPolicy");
    let network = Network::new(World::new(snapshot));
    if is_policy {
        policy(object, &network, out);
    } else if network.workload(object).is_some() {
        workload(object, &network, out);
    }
}

fn policy<'a>(object: &'a Object, network: &Network<'a>, out: &mut String) {
    let policy = Policy::new(object);
    out.push_str("\nTO KNOW\n");
    for (index, note) in notes::notes(network, policy).iter().enumerate() {
        let at = if note.at.as_str().is_empty() { "the policy" } else { note.at.as_str() };
        _ = writeln!(out, "  {}. {}\n     {at}", index + 1, note.text);
    }
    let selected: Vec<String> =
        network.selected(policy).map(|(workload, _)| workload.shown()).collect();
    let selected =
        if selected.is_empty() { "nothing that was read".to_owned() } else { selected.join(", ") };
    _ = writeln!(out, "\nSELECTS\n  {selected}");
}

fn workload<'a>(object: &'a Object, network: &Network<'a>, out: &mut String) {
    let Some(workload) = network.workload(object) else { return };
    out.push_str("\nNETWORK\n");
    if workload.is_on_host_network() {
        out.push_str("  host network: no NetworkPolicy has an effect on it\n");
    }
    for direction in Direction::ALL.into_iter().filter(|_| !workload.is_on_host_network()) {
        let policies: Vec<&str> = network
            .selecting(workload)
            .filter(|(policy, is)| policy.covers(direction) && *is == Certainty::Yes)
            .map(|(policy, _)| &*policy.object.thing.name)
            .collect();
        let unread = if network.knows_all_policies() { "" } else { " that was read" };
        let text = if policies.is_empty() {
            format!("open: no policy{unread} restricts it")
        } else {
            format!("restricted by {}", policies.join(", "))
        };
        _ = writeln!(out, "  {:<8} {text}", direction.field());
    }
    let exposures = network.exposures();
    let own = exposures.iter().filter(|exposure| {
        exposure.workload.object.thing == object.thing && exposure.allowed > Certainty::No
    });
    for exposure in own {
        _ = writeln!(
            out,
            "  {:<8} port {} from outside by {}: {} {}",
            "exposed",
            exposure.port.number,
            exposure.how.in_words(),
            exposure.entry.thing.kind,
            exposure.entry.thing.name,
        );
    }
}
