//! Who can do what, from RBAC objects, as the API server decides it.
//!
//! [`Access`] is an index of the roles and bindings of a world. [`Access::can`]
//! answers one question; [`Access::granted`] walks what each binding grants, with
//! the rule and the binding that are the proof.
//!
//! Source: `k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac` and the RBAC
//! documentation: what a rule covers is [`rule::Rule::covers`].

use std::collections::HashMap;

use ironhull_model::{Node, Object, ThingRef, World, selector};

pub mod rule;

pub use rule::{Question, Rule};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Whom a binding names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A ServiceAccount: namespace and name.
    ServiceAccount(String, String),
}

impl Subject {
    fn read(node: Node<'_>, binding: &Object) -> Option<Subject> {
        let text = |name: &str| node.get(name).and_then(Node::as_str);
        let name = text("name")?.to_owned();
        match text("kind")? {
            "User" => Some(Subject::User(name)),
            "Group" => Some(Subject::Group(name)),
            "ServiceAccount" => {
                let namespace = text("namespace").unwrap_or(&binding.thing.namespace);
                Some(Subject::ServiceAccount(namespace.to_owned(), name))
            }
            _ => None,
        }
    }

    /// The groups that the API server adds.
    fn groups(&self) -> Vec<String> {
        match self {
            Subject::User(name) if name == "system:anonymous" => {
                vec!["system:unauthenticated".to_owned()]
            }
            Subject::ServiceAccount(namespace, _) => vec![
                "system:authenticated".to_owned(),
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ],
            _ => vec!["system:authenticated".to_owned()],
        }
    }

    /// Whether a binding to `bound` is one to this subject.
    fn is(&self, bound: &Subject) -> bool {
        match (self, bound) {
            (_, Subject::Group(group)) => self == bound || self.groups().contains(group),
            // A ServiceAccount is also the user of its full name.
            (Subject::ServiceAccount(namespace, name), Subject::User(user)) => {
                *user == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => self == bound,
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::User(name) => write!(f, "user {name}"),
            Subject::Group(name) => write!(f, "group {name}"),
            Subject::ServiceAccount(namespace, name) => {
                write!(f, "ServiceAccount {namespace}/{name}")
            }
        }
    }
}

/// A binding with what it binds.
#[derive(Debug)]
pub struct Binding<'a> {
    /// The RoleBinding or ClusterRoleBinding.
    pub object: &'a Object,
    /// Where it holds; none is everywhere.
    pub namespace: Option<&'a str>,
    /// Whom.
    pub subjects: Vec<(Subject, Node<'a>)>,
    /// What the role grants; empty for a role that does not exist.
    pub rules: Vec<Rule<'a>>,
}

/// The rights in a world.
#[derive(Debug)]
pub struct Access<'a> {
    /// Every binding, in the world's order.
    pub bindings: Vec<Binding<'a>>,
}

/// Rules by namespace (empty for ClusterRoles) and role.
type Roles<'a> = HashMap<(&'a str, &'a str), Vec<Rule<'a>>>;

impl<'a> Access<'a> {
    /// Reads the roles and bindings of a world. Aggregated ClusterRoles grant what
    /// the ClusterRoles that they select grant.
    pub fn new(world: World<'a>) -> Access<'a> {
        let cluster_roles: Vec<&'a Object> =
            world.of_kind(GROUP, "ClusterRole").map(|object| &**object).collect();
        let mut roles = Roles::new();
        for role in &cluster_roles {
            roles.insert(("", &role.thing.name), effective_rules(role, &cluster_roles));
        }
        for role in world.of_kind(GROUP, "Role") {
            roles.insert((&role.thing.namespace, &role.thing.name), rule::read(role));
        }
        let bindings =
            world.of_kind(GROUP, "ClusterRoleBinding").chain(world.of_kind(GROUP, "RoleBinding"));
        Access { bindings: bindings.filter_map(|object| binding(object, &roles)).collect() }
    }

    /// Whether a subject may do something. `system:masters` may do everything.
    pub fn can(&self, subject: &Subject, question: &Question<'_>) -> bool {
        if *subject == Subject::Group("system:masters".to_owned()) {
            return true;
        }
        self.bindings.iter().any(|binding| {
            binding.reaches(question)
                && binding.subjects.iter().any(|(bound, _)| subject.is(bound))
                && binding.rules.iter().any(|rule| rule.covers(question))
        })
    }

    /// Every binding that grants something, with the first rule that does.
    pub fn granted<'q>(
        &'q self,
        question: &'q Question<'q>,
    ) -> impl Iterator<Item = (&'q Binding<'a>, &'q Rule<'a>)> {
        let reaching = self.bindings.iter().filter(|binding| binding.reaches(question));
        reaching.filter_map(|binding| {
            Some((binding, binding.rules.iter().find(|rule| rule.covers(question))?))
        })
    }
}

impl Binding<'_> {
    /// A RoleBinding holds in its namespace only, and never for what is in none.
    fn reaches(&self, question: &Question<'_>) -> bool {
        match (self.namespace, question.namespace) {
            (None, _) => true,
            (Some(own), Some(asked)) => own == asked || asked == Question::ANY,
            (Some(_), None) => false,
        }
    }

    /// The binding's name to findings.
    pub fn thing(&self) -> &ThingRef {
        &self.object.thing
    }
}

fn binding<'a>(object: &'a Object, roles: &Roles<'a>) -> Option<Binding<'a>> {
    let root = object.root();
    let role = root.get("roleRef")?;
    let name = role.get("name")?.as_str()?;
    let is_cluster_role = role.get("kind").and_then(Node::as_str) == Some("ClusterRole");
    let scope: &str = if is_cluster_role { "" } else { &object.thing.namespace };
    let subjects = root.get("subjects").into_iter().flat_map(Node::items);
    Some(Binding {
        object,
        namespace: object.is(GROUP, "RoleBinding").then_some(&*object.thing.namespace),
        subjects: subjects.filter_map(|node| Some((Subject::read(node, object)?, node))).collect(),
        rules: roles.get(&(scope, name)).cloned().unwrap_or_default(),
    })
}

/// A ClusterRole's own rules and those of the roles that its aggregation selects,
/// aggregated ones among them included; each role counts once.
fn effective_rules<'a>(role: &'a Object, all: &[&'a Object]) -> Vec<Rule<'a>> {
    let mut gathered: Vec<&'a Object> = vec![role];
    let mut at = 0;
    while let Some(next) = gathered.get(at).copied() {
        at += 1;
        let selectors = next.root().path(&["aggregationRule", "clusterRoleSelectors"]);
        for selector in selectors.into_iter().flat_map(Node::items) {
            for other in all {
                let labels = other.root().path(&["metadata", "labels"]);
                let new = gathered.iter().all(|known| known.thing != other.thing);
                if new && selector::selects(selector, labels) {
                    gathered.push(other);
                }
            }
        }
    }
    gathered.into_iter().flat_map(rule::read).collect()
}

#[cfg(test)]
mod tests;
