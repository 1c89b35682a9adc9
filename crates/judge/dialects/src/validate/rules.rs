//! What is refused of `matchConstraints`, `matchResources` and selectors.

use std::collections::BTreeSet;

use ironhull_model::Node;

use super::names::{is_path_segment, is_qualified};
use super::{Problems, REQUIRED, is_label_value};
use crate::policy::{list, text};

pub(super) fn resources(node: Node<'_>, path: &str, is_mutating: bool, problems: &mut Problems) {
    let policies = ["Equivalent", "Exact"];
    problems.one_of(text(node, "matchPolicy"), &policies, &format!("{path}.matchPolicy"));
    for name in ["namespaceSelector", "objectSelector"] {
        if let Some(node) = node.get(name).filter(|node| !node.is_null()) {
            selector(node, &format!("{path}.{name}"), problems);
        }
    }
    for name in ["resourceRules", "excludeResourceRules"] {
        for (index, node) in list(node, name).enumerate() {
            rule(node, &format!("{path}.{name}[{index}]"), problems);
        }
    }
    if is_mutating {
        let operations = list(node, "resourceRules").flat_map(|rule| list(rule, "operations"));
        if operations.filter_map(Node::as_str).any(|operation| operation == "DELETE") {
            let path = format!("{path}.resourceRules.operations");
            problems.add(path, "nothing that is deleted can be changed");
        }
    }
}

fn rule(node: Node<'_>, path: &str, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for (index, name) in list(node, "resourceNames").filter_map(Node::as_str).enumerate() {
        let path = format!("{path}.resourceNames[{index}]");
        problems.unless(is_path_segment(name), &path, "is no name");
        problems.unless(names.insert(name), &path, "is there twice");
    }
    let operations = strings(node, "operations");
    lone_star(&operations, &format!("{path}.operations"), problems);
    for (index, operation) in operations.iter().enumerate() {
        let known = ["*", "CREATE", "UPDATE", "DELETE", "CONNECT"];
        let path = format!("{path}.operations[{index}]");
        problems.unless(known.contains(operation), &path, "is no operation");
    }
    lone_star(&strings(node, "apiGroups"), &format!("{path}.apiGroups"), problems);
    let versions = strings(node, "apiVersions");
    lone_star(&versions, &format!("{path}.apiVersions"), problems);
    for (index, version) in versions.iter().enumerate() {
        problems.unless(!version.is_empty(), &format!("{path}.apiVersions[{index}]"), REQUIRED);
    }
    names_of(&strings(node, "resources"), &format!("{path}.resources"), problems);
    let scopes = ["*", "Cluster", "Namespaced"];
    problems.one_of(text(node, "scope"), &scopes, &format!("{path}.scope"));
}

fn strings<'a>(node: Node<'a>, name: &str) -> Vec<&'a str> {
    list(node, name).filter_map(Node::as_str).collect()
}

/// A list that must have an item, and no other beside a star.
fn lone_star(items: &[&str], path: &str, problems: &mut Problems) {
    problems.unless(!items.is_empty(), path, REQUIRED);
    problems.unless(items.len() < 2 || !items.contains(&"*"), path, "has more beside *");
}

/// Resources, none of which another one covers already.
fn names_of(items: &[&str], path: &str, problems: &mut Problems) {
    problems.unless(!items.is_empty(), path, REQUIRED);
    let (mut resources, mut subresources) = (BTreeSet::new(), BTreeSet::new());
    // Only the last one without a subresource counts there too.
    let mut is_plain = false;
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if item.is_empty() {
            problems.add(path, REQUIRED);
            continue;
        }
        let Some((resource, subresource)) = item.split_once('/') else {
            is_plain = *item != "*";
            continue;
        };
        problems.unless(!resources.contains(resource), &path, "is covered by another item");
        problems.unless(!subresources.contains(subresource), &path, "is covered by another item");
        if subresource == "*" {
            resources.insert(resource);
        }
        if resource == "*" {
            subresources.insert(subresource);
        }
    }
    let is_lone = items.len() < 2 || !items.contains(&"*/*");
    problems.unless(is_lone, path, "has more beside */*");
    problems.unless(!items.contains(&"*") || !is_plain, path, "has more resources beside *");
}

pub(super) fn selector(node: Node<'_>, path: &str, problems: &mut Problems) {
    for (key, value) in node.get("matchLabels").into_iter().flat_map(Node::entries) {
        let path = format!("{path}.matchLabels");
        problems.unless(is_qualified(key), &path, "has a key that is no label's");
        let value = value.as_str().unwrap_or_default();
        problems.unless(is_label_value(value), &path, "has a value that is no label's");
    }
    for (index, expression) in list(node, "matchExpressions").enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let values = strings(expression, "values");
        match text(expression, "operator") {
            "In" | "NotIn" => {
                problems.unless(!values.is_empty(), &format!("{path}.values"), REQUIRED);
            }
            "Exists" | "DoesNotExist" => {
                problems.unless(values.is_empty(), &format!("{path}.values"), "must not be given");
            }
            _ => problems.add(format!("{path}.operator"), "is no operator"),
        }
        let key = text(expression, "key");
        problems.unless(is_qualified(key), &format!("{path}.key"), "is no label's key");
        for (index, value) in values.iter().enumerate() {
            let path = format!("{path}.values[{index}]");
            problems.unless(is_label_value(value), &path, "is no label's value");
        }
    }
}
