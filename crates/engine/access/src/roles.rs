//! Roles and the rules that count for them.

use std::sync::Arc;

use ironhull_model::{Node, Object, Standing, World, selector};
use rustc_hash::FxHashMap;

use crate::GROUP;
use crate::rule::{Names, Rule};

/// A role with its effective rules.
#[derive(Debug)]
pub struct Role<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
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

    fn add(&mut self, namespace: Option<&'a str>, object: &'a Arc<Object>, names: &mut Names<'a>) {
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
        let mut reached: Vec<RoleSet> =
            aggregated.iter().map(|&(index, rule)| selected(rule, index, cluster_roles)).collect();
        // What an aggregated role reaches, whoever reaches that one does (Warshall).
        for through in 0..aggregated.len() {
            let more = reached[through].clone();
            for set in reached.iter_mut().filter(|set| set.has(aggregated[through].0)) {
                set.add_all(&more);
            }
        }
        for &(index, _) in &aggregated {
            reached.iter_mut().for_each(|set| set.remove(index));
        }
        let effective: Vec<(usize, Vec<u32>, bool)> = aggregated
            .iter()
            .zip(&reached)
            .map(|(&(index, _), parts)| {
                let role = &cluster_roles[index];
                let rules = parts.indices().flat_map(|part| &cluster_roles[part].rules);
                let mut rules: Vec<u32> = rules.copied().collect();
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

fn selected(rule: Node<'_>, own: usize, roles: &[Role<'_>]) -> RoleSet {
    let selectors: Vec<Node<'_>> =
        rule.get("clusterRoleSelectors").into_iter().flat_map(Node::items).collect();
    let is_selected = |role: &Object| {
        let labels = role.root().path(&["metadata", "labels"]);
        selectors.iter().any(|selector| selector::selects(*selector, labels))
    };
    let mut set = RoleSet(vec![0; roles.len().div_ceil(64)]);
    for (index, role) in roles.iter().enumerate() {
        if role.object.thing != roles[own].object.thing && is_selected(role.object) {
            set.add(index);
        }
    }
    set
}

/// Indices of roles, a bit each: roles that select each other would else be walked
/// once for each other.
#[derive(Clone)]
struct RoleSet(Vec<u64>);

impl RoleSet {
    fn add(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn remove(&mut self, index: usize) {
        self.0[index / 64] &= !(1 << (index % 64));
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] & 1 << (index % 64) != 0
    }

    fn add_all(&mut self, other: &RoleSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, more)| *own |= more);
    }

    fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        let of = |word: usize| (0..64).map(move |bit| word * 64 + bit);
        let words = self.0.iter().enumerate().filter(|(_, bits)| **bits != 0);
        words.flat_map(move |(word, _)| of(word)).filter(|index| self.has(*index))
    }
}

/// Whether an API server had it: what an author writes has no such field.
fn was_stored(role: &Object) -> bool {
    role.root().path(&["metadata", "resourceVersion"]).is_some()
}
