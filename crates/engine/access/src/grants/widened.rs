//! Default roles to which somebody added rights: they are bound in every cluster, often to
//! everybody, and nobody looks for rights of his own there.

use std::collections::BTreeSet;

use ironhull_model::{Node, Object, Value, selector};

use super::defaults;

/// What a default role has and Kubernetes gives it in no supported minor.
#[derive(Debug)]
pub struct Added<'a> {
    /// A rule of it, or a selector by which it is aggregated.
    pub node: Node<'a>,
    /// What of the rule, in its order; nothing of a selector.
    pub rights: Vec<Right<'a>>,
}

/// A verb on something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Right<'a> {
    /// Verb.
    pub verb: &'a str,
    /// API group; empty for paths too.
    pub group: &'a str,
    /// Resource with its subresource, or a path.
    pub what: &'a str,
    /// The one object; empty for all.
    pub name: &'a str,
    /// Whether it is a path that is no resource.
    pub is_path: bool,
}

/// What somebody added to a default role; none where no default is called so. Rules that a
/// role is aggregated from are their own roles'.
pub fn added(role: &Object) -> Option<Vec<Added<'_>>> {
    let known = defaults::versions(role)?;
    let of_default = known.iter().filter_map(aggregation).collect::<Vec<_>>();
    if let Some(own) = aggregation(&role.value).filter(|_| !of_default.is_empty()) {
        let is_known = |selector: &Node<'_>| {
            of_default.iter().flat_map(|all| all.items()).any(|known| known == *selector)
        };
        let others = own.items().filter(|selector| !is_known(selector));
        return Some(others.map(|node| Added { node, rights: Vec::new() }).collect());
    }
    let mut given = Vec::new();
    let mut seen = BTreeSet::new();
    known.iter().for_each(|role| rules_of(role, &mut seen, &mut given));
    let rules = role.root().get("rules").into_iter().flat_map(Node::items);
    let found = rules.filter_map(|node| {
        let rights: Vec<Right<'_>> =
            rights(node).filter(|right| !given.iter().any(|rule| gives(*rule, right))).collect();
        (!rights.is_empty()).then_some(Added { node, rights })
    });
    Some(found.collect())
}

fn aggregation(role: &Value) -> Option<Node<'_>> {
    role.root().path(&["aggregationRule", "clusterRoleSelectors"])
}

/// The rules of a default role, those of the default roles that it is aggregated from
/// included.
fn rules_of<'d>(role: &'d Value, seen: &mut BTreeSet<usize>, into: &mut Vec<Node<'d>>) {
    if !seen.insert(std::ptr::from_ref(role) as usize) {
        return;
    }
    into.extend(role.root().get("rules").into_iter().flat_map(Node::items));
    let Some(selectors) = aggregation(role) else { return };
    for other in defaults::cluster_roles() {
        let labels = other.root().path(&["metadata", "labels"]);
        if selectors.items().any(|selector| selector::selects(selector, labels)) {
            rules_of(other, seen, into);
        }
    }
}

fn strings<'a>(rule: Node<'a>, field: &str) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
    let list: Vec<&str> =
        rule.get(field).into_iter().flat_map(Node::items).filter_map(Node::as_str).collect();
    list.into_iter()
}

/// Each right of a rule, by itself.
fn rights(rule: Node<'_>) -> impl Iterator<Item = Right<'_>> {
    let (groups, resources) = (strings(rule, "apiGroups"), strings(rule, "resources"));
    let mut names: Vec<&str> = strings(rule, "resourceNames").collect();
    if names.is_empty() {
        names.push("");
    }
    let urls = strings(rule, "nonResourceURLs");
    strings(rule, "verbs").flat_map(move |verb| {
        let mut all = Vec::new();
        for group in groups.clone() {
            for what in resources.clone() {
                let right = |name| Right { verb, group, what, name, is_path: false };
                all.extend(names.iter().copied().map(right));
            }
        }
        let path = |what| Right { verb, group: "", what, name: "", is_path: true };
        all.extend(urls.clone().map(path));
        all
    })
}

/// Whether a rule gives all of a right: `*` is given by `*` only.
fn gives(rule: Node<'_>, right: &Right<'_>) -> bool {
    let has = |field, wanted: &str| strings(rule, field).any(|own| own == "*" || own == wanted);
    if !has("verbs", right.verb) {
        return false;
    }
    if right.is_path {
        return strings(rule, "nonResourceURLs").any(|own| {
            let is_within =
                own.strip_suffix('*').is_some_and(|start| right.what.starts_with(start));
            own == right.what || is_within
        });
    }
    let of_any = right.what.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    let mut names = strings(rule, "resourceNames").peekable();
    has("apiGroups", right.group)
        && (has("resources", right.what)
            || of_any.is_some_and(|any| strings(rule, "resources").any(|own| own == any)))
        && (names.peek().is_none() || !right.name.is_empty() && names.any(|own| own == right.name))
}
