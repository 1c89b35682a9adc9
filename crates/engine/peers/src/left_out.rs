//! Namespaces that an admission engine leaves out by its own configuration. What its
//! webhooks are not asked about stands in their configurations.

use std::collections::BTreeSet;

use ironhull_model::{Node, World};

use crate::running::Running;

/// The namespaces that an add-on's own configuration leaves out.
pub(crate) fn left_out<'w>(
    name: &str,
    running: &[Running<'w>],
    world: World<'w>,
) -> BTreeSet<&'w str> {
    match name {
        "Kyverno" => kyverno(running, world),
        "Gatekeeper" => gatekeeper(running, world),
        _ => BTreeSet::new(),
    }
}

/// `resourceFilters` of the ConfigMap in its namespace: `[*/*,kube-system,*]` is all of a
/// namespace; what filters only kinds or names is none.
fn kyverno<'w>(running: &[Running<'w>], world: World<'w>) -> BTreeSet<&'w str> {
    let namespaces: BTreeSet<&str> =
        running.iter().map(|running| &*running.object.thing.namespace).collect();
    let maps = namespaces.iter().flat_map(|space| world.in_namespace("", "ConfigMap", space));
    let filters = maps.filter_map(|map| map.root().path(&["data", "resourceFilters"])?.as_str());
    let filters = filters.flat_map(|text| text.split(']')).filter_map(|filter| {
        let (_, inside) = filter.split_once('[')?;
        let mut parts = inside.split(',').map(str::trim);
        let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
        let is_all = matches!(kind, "*" | "*/*" | "*/*/*") && name == "*";
        (is_all && !namespace.contains('*') && !namespace.is_empty()).then_some(namespace)
    });
    filters.collect()
}

/// `--exempt-namespace` only lets a label take effect; the `Config` leaves out by itself.
fn gatekeeper<'w>(_: &[Running<'w>], world: World<'w>) -> BTreeSet<&'w str> {
    let configs = world.of_kind("config.gatekeeper.sh", "Config");
    let matches = configs.filter_map(|config| config.root().path(&["spec", "match"]));
    let at_admission = matches.flat_map(Node::items).filter(|entry| {
        let processes = entry.get("processes").into_iter().flat_map(Node::items);
        processes.filter_map(Node::as_str).any(|process| matches!(process, "*" | "webhook"))
    });
    let names = at_admission.filter_map(|entry| entry.get("excludedNamespaces"));
    names.flat_map(Node::items).filter_map(Node::as_str).collect()
}
