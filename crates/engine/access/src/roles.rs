//! Roles and the rules that count for them.

use ironhull_model::{Node, Object, Standing, World, selector};
use rustc_hash::FxHashMap;

use crate::GROUP;
use crate::rule::{Names, Rule};

/// A role with its effective rules.
#[derive(Debug)]
pub struct Role<'a> {
    /// The object.
    pub object: &'a Object,
    /// Indices into [`Roles::rules`], each once.
    pub(crate) rules: Vec<u32>,
    /// Whether these are all: parts of an aggregated role may stand elsewhere.
    pub complete: bool,
}

/// All roles of a world.
#[derive(Debug)]
pub(crate) struct Roles<'a> {
    pub(crate) rules: Vec<Rule<'a>>,
    pub(crate) all: Vec<Role<'a>>,
    /// (namespace, name); no namespace for ClusterRoles.
    by_name: FxHashMap<(Option<&'a str>, &'a str), u32>,
}

impl<'a> Roles<'a> {
    pub(crate) fn new(world: World<'a>, names: &mut Names<'a>) -> Roles<'a> {
        let mut roles = Roles { rules: Vec::new(), all: Vec::new(), by_name: FxHashMap::default() };
        for role in world.of_kind(GROUP, "ClusterRole") {
            roles.add(None, role, names);
        }
        let n_cluster_roles = roles.all.len();
        for role in world.of_kind(GROUP, "Role") {
            roles.add(Some(&role.thing.namespace), role, names);
        }
        let complete = world.base.coverage.is_complete(GROUP, "ClusterRole");
        roles.aggregate(n_cluster_roles, complete);
        roles
    }

    fn add(&mut self, namespace: Option<&'a str>, object: &'a Object, names: &mut Names<'a>) {
        let first = self.rules.len() as u32;
        let rules = object.root().get("rules").into_iter().flat_map(Node::items);
        self.rules.extend(rules.map(|node| Rule::read(object, node, names)));
        let index = self.all.len() as u32;
        let rules = (first..self.rules.len() as u32).collect();
        self.all.push(Role { object, rules, complete: true });
        let roles = &self.all;
        self.by_name
            .entry((namespace, &object.thing.name))
            .and_modify(|known| {
                // What is given counts more than what is assumed.
                let is_assumed =
                    |index: u32| roles[index as usize].object.standing == Standing::Assumed;
                if is_assumed(*known) && !is_assumed(index) {
                    *known = index;
                }
            })
            .or_insert(index);
    }

    /// The rules of an aggregated role are those of the roles that it selects, as
    /// the controller of the API machinery makes them: its own are overwritten.
    /// Selected roles may be aggregated too, even in a circle, so that what counts
    /// are the roles with rules of their own that are reached.
    fn aggregate(&mut self, n_cluster_roles: usize, complete: bool) {
        let cluster_roles = &self.all[..n_cluster_roles];
        let aggregated: Vec<(usize, Node<'a>)> = cluster_roles
            .iter()
            .enumerate()
            .filter_map(|(index, role)| Some((index, aggregation(role.object)?)))
            .collect();
        if aggregated.is_empty() {
            return;
        }
        let selected: FxHashMap<usize, Vec<usize>> = aggregated
            .iter()
            .map(|&(index, rule)| (index, selected(rule, index, cluster_roles)))
            .collect();
        let effective: Vec<(usize, Vec<u32>, bool)> = aggregated
            .iter()
            .map(|&(index, _)| {
                let role = &cluster_roles[index];
                let mut rules = self.sources(index, &selected);
                let complete = complete || role.object.standing == Standing::Assumed;
                // Parts of it stand elsewhere; what the API server had stored counts then.
                if !complete && was_stored(role.object) {
                    rules.extend(&role.rules);
                }
                (index, rules, complete)
            })
            .collect();
        for (index, rules, complete) in effective {
            self.all[index].rules = rules;
            self.all[index].complete = complete;
        }
    }

    fn sources(&self, start: usize, selected: &FxHashMap<usize, Vec<usize>>) -> Vec<u32> {
        let (mut rules, mut seen, mut todo) = (Vec::new(), vec![start], vec![start]);
        while let Some(index) = todo.pop() {
            let Some(parts) = selected.get(&index) else {
                rules.extend(self.all[index].rules.iter().copied());
                continue;
            };
            for part in parts {
                if !seen.contains(part) {
                    seen.push(*part);
                    todo.push(*part);
                }
            }
        }
        rules.sort_unstable();
        rules
    }

    /// The role that a binding in `namespace` (none: of the cluster) refers to.
    pub(crate) fn referred(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<u32> {
        let namespace = match kind {
            "ClusterRole" => None,
            "Role" if namespace.is_some() => namespace,
            _ => return None,
        };
        self.by_name.get(&(namespace, name)).copied()
    }
}

fn aggregation(role: &Object) -> Option<Node<'_>> {
    role.root().get("aggregationRule").filter(|node| !node.is_null())
}

fn selected(rule: Node<'_>, own: usize, roles: &[Role<'_>]) -> Vec<usize> {
    let selectors: Vec<Node<'_>> =
        rule.get("clusterRoleSelectors").into_iter().flat_map(Node::items).collect();
    let is_selected = |role: &Object| {
        let labels = role.root().path(&["metadata", "labels"]);
        selectors.iter().any(|selector| selector::selects(*selector, labels))
    };
    let others = roles.iter().enumerate().filter(|(index, role)| {
        *index != own && role.object.thing != roles[own].object.thing && is_selected(role.object)
    });
    others.map(|(index, _)| index).collect()
}

/// Whether an API server had it: what an author writes has no such field.
fn was_stored(role: &Object) -> bool {
    role.root().path(&["metadata", "resourceVersion"]).is_some()
}
