//! Defaults of what an API server is extended with, and of devices that are claimed.

use ironhull_model::{Kind, Node};

use super::{Defaulter, Fill, Inner, is_missing, str_of};

/// The rule of a kind.
pub(super) fn rule(group: &str, kind: &str) -> Option<Inner> {
    Some(match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => |d, node| {
            let inner: [(&str, Inner); 2] = [("names", names), ("conversion", conversion)];
            let none = [("strategy", Fill::Str("None"))];
            spec_of(d, node, &inner, &[("conversion", Fill::Map(&none))]);
        },
        ("resource.k8s.io", "ResourceClaim") => |d, node| d.map(node, &[("spec", claim)], &[]),
        ("resource.k8s.io", "ResourceClaimTemplate") => {
            |d, node| spec_of(d, node, &[("spec", claim)], &[])
        }
        _ => return None,
    })
}

/// An object whose `spec` is a map like that.
fn spec_of(d: &mut Defaulter, node: Node<'_>, inner: &[(&str, Inner)], fills: &[(&str, Fill<'_>)]) {
    d.builder.begin_like(node);
    for (key, child) in node.entries() {
        d.builder.key(key, child.span().unwrap_or_default().key);
        if key == "spec" { d.map(child, inner, fills) } else { d.builder.copy(child) }
    }
    d.close(node);
}

fn names(d: &mut Defaulter, node: Node<'_>) {
    let kind = str_of(node, "kind");
    let (singular, list) = (kind.to_lowercase(), format!("{kind}List"));
    let fills = [("singular", Fill::Str(&singular)), ("listKind", Fill::Str(&list))];
    d.map(node, &[], if kind.is_empty() { &[] } else { &fills });
}

fn conversion(d: &mut Defaulter, node: Node<'_>) {
    let webhook: Inner = |d, node| {
        let client: Inner = |d, node| {
            let service: Inner = |d, node| d.map(node, &[], &[("port", Fill::Int(443))]);
            d.map(node, &[("service", service)], &[]);
        };
        d.map(node, &[("clientConfig", client)], &[]);
    };
    d.map(node, &[("webhook", webhook)], &[]);
}

fn claim(d: &mut Defaulter, node: Node<'_>) {
    let devices: Inner = |d, node| {
        d.map(node, &[("requests", |d, node| d.list(node, request))], &[]);
    };
    d.map(node, &[("devices", devices)], &[]);
}

/// Since version 1 what is wanted exactly stands apart.
fn request(d: &mut Defaulter, node: Node<'_>) {
    let inner: [(&str, Inner); 3] = [
        ("exactly", wanted),
        ("firstAvailable", |d, node| d.list(node, wanted)),
        ("tolerations", tolerations),
    ];
    match str_of(node, "deviceClassName") {
        "" => d.map(node, &inner, &[]),
        _ => devices(d, node, &inner),
    }
}

fn wanted(d: &mut Defaulter, node: Node<'_>) {
    devices(d, node, &[("tolerations", tolerations)]);
}

fn tolerations(d: &mut Defaulter, node: Node<'_>) {
    d.list(node, |d, node| d.map(node, &[], &[("operator", Fill::Str("Equal"))]));
}

/// One device, unless it is said otherwise.
fn devices(d: &mut Defaulter, node: Node<'_>, inner: &[(&str, Inner)]) {
    const ONE: [(&str, Fill<'static>); 2] =
        [("allocationMode", Fill::Str("ExactCount")), ("count", Fill::Int(1))];
    if node.kind() != Kind::Map {
        return d.builder.copy(node);
    }
    let is_counted =
        is_missing(node, "allocationMode") || str_of(node, "allocationMode") == "ExactCount";
    d.map(node, inner, if is_counted { &ONE } else { &[] });
}
