//! The index that questions are asked of.

use std::sync::Arc;

use ironhull_model::{Node, Object, World};
use rustc_hash::FxHashMap;

use crate::GROUP;
use crate::node::NodeAccess;
use crate::roles::{Role, Roles};
use crate::rule::{self, Asked, Names, Question, Rule};
use crate::subject::{Identity, MASTERS, Named, Subject};

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug)]
pub struct Binding<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
    /// Where it holds, none for everywhere; empty where a file does not say it.
    pub namespace: Option<&'a str>,
    /// Its index among all bindings.
    index: u32,
    /// The role's index, when it was read.
    pub(crate) role: Option<u32>,
    /// Whether its rules are all known: the role, or a part of it, may stand elsewhere.
    pub complete: bool,
}

impl Binding<'_> {
    /// Whether it holds where the question is asked.
    pub fn reaches(&self, question: &Question<'_>) -> bool {
        let Some(own) = self.namespace else { return true };
        question.namespace.is_some_and(|asked| asked == Question::ANY || asked == own)
    }
}

/// Why something is allowed.
#[derive(Clone, Copy, Debug)]
pub enum Reason<'i, 'a> {
    /// Members of `system:masters` may do everything.
    Masters,
    /// The Node authorizer lets a kubelet do it.
    Node,
    /// RBAC grants it.
    Granted {
        /// By which binding.
        binding: &'i Binding<'a>,
        /// By which rule of its role.
        rule: &'i Rule<'a>,
    },
}

/// Who may do what in a world: every authorizer that the objects decide.
#[derive(Debug)]
pub struct Access<'a> {
    world: World<'a>,
    names: Names<'a>,
    roles: Roles<'a>,
    /// Those of the cluster first, then by namespace.
    bindings: Vec<Binding<'a>>,
    by_subject: BySubject<'a>,
    /// Each role as it counts for whoever comes to be bound to it, by its index.
    as_bound: Vec<Binding<'a>>,
    nodes: NodeAccess<'a>,
}

impl<'a> Access<'a> {
    /// Indexes a world.
    pub fn new(world: World<'a>) -> Access<'a> {
        let mut names = Names::new();
        let roles = Roles::new(world, &mut names);
        let mut bindings = Vec::new();
        for kind in ["ClusterRoleBinding", "RoleBinding"] {
            bindings.extend(world.of_kind(GROUP, kind).map(|object| bind(world, &roles, object)));
        }
        // World gives what an overlay puts last.
        bindings.sort_by_key(|binding| binding.namespace);
        let mut by_subject = BySubject::default();
        for (index, binding) in bindings.iter_mut().enumerate() {
            binding.index = index as u32;
            let namespace = binding.namespace;
            for entry in binding.object.root().get("subjects").into_iter().flat_map(Node::items) {
                let Some(named) = Named::read(entry, namespace.unwrap_or_default()) else {
                    continue;
                };
                let list = by_subject.entry(named);
                if list.last() != Some(&(index as u32)) {
                    list.push(index as u32);
                }
            }
        }
        let as_bound = { roles.all.iter().enumerate() }
            .map(|(index, role)| Binding {
                object: role.object,
                namespace: None,
                index: u32::MAX,
                role: Some(index as u32),
                complete: role.complete,
            })
            .collect();
        let nodes = NodeAccess::new(world);
        Access { world, names, roles, bindings, by_subject, as_bound, nodes }
    }

    /// What a role would give to whoever is bound to it, by its index; the binding's
    /// object is the role.
    pub(crate) fn as_bound(&self, role: u32) -> &Binding<'a> {
        &self.as_bound[role as usize]
    }

    /// The index of a ClusterRole, or of a Role in its namespace.
    pub(crate) fn role_index(&self, namespace: Option<&str>, name: &str) -> Option<u32> {
        let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
        self.roles.referred(kind, namespace, name)
    }

    /// What the Node authorizer knows.
    pub(crate) fn nodes(&self) -> &NodeAccess<'a> {
        &self.nodes
    }

    /// The names that rules use, numbered.
    pub(crate) fn numbers(&self) -> &Names<'a> {
        &self.names
    }

    /// The world that is indexed.
    pub fn world(&self) -> World<'a> {
        self.world
    }

    /// All bindings: those of the cluster, then by namespace.
    pub fn bindings(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// All roles: those of the cluster, then the others.
    pub fn roles(&self) -> &[Role<'a>] {
        &self.roles.all
    }

    /// The effective rules of a role.
    pub fn rules_of(&self, role: &Role<'a>) -> impl Iterator<Item = &Rule<'a>> {
        role.rules.iter().map(|&index| &self.roles.rules[index as usize])
    }

    /// The role that a binding refers to, when it was read.
    pub fn role(&self, binding: &Binding<'a>) -> Option<&Role<'a>> {
        Some(&self.roles.all[binding.role? as usize])
    }

    /// The effective rules that a binding gives.
    pub fn rules(&self, binding: &Binding<'a>) -> impl Iterator<Item = &Rule<'a>> {
        self.role(binding).into_iter().flat_map(|role| self.rules_of(role))
    }

    /// The bindings that name one of an identity's names: those of the cluster and
    /// those of `namespace` ([`Question::ANY`] for every one).
    pub fn bindings_of<'i, 'q>(
        &'i self,
        who: &'q Identity,
        namespace: Option<&'q str>,
    ) -> impl Iterator<Item = &'i Binding<'a>> + use<'i, 'a, 'q> {
        named(who).filter_map(|name| self.by_subject.get(name)).flat_map(move |list| {
            let everywhere = list.partition_point(|&index| self.at(index).namespace.is_none());
            let there = match namespace {
                None => everywhere..everywhere,
                Some(Question::ANY) => everywhere..list.len(),
                Some(namespace) => {
                    let rest = &list[everywhere..];
                    let start = rest.partition_point(|&i| self.at(i).namespace < Some(namespace));
                    let len =
                        rest[start..].partition_point(|&i| self.at(i).namespace == Some(namespace));
                    everywhere + start..everywhere + start + len
                }
            };
            list[..everywhere].iter().chain(&list[there]).map(|&index| self.at(index))
        })
    }

    /// Whether a binding names a subject.
    pub(crate) fn names(&self, binding: &Binding<'a>, subject: &Subject) -> bool {
        let user = subject.user_name();
        let named = match subject {
            Subject::Group(name) => [Some(Named::Group(name)), None],
            Subject::User(name) => [Some(Named::User(name)), None],
            // A binding may name it as a user too.
            Subject::ServiceAccount(namespace, name) => {
                [Some(Named::Account(namespace, name)), user.as_deref().map(Named::User)]
            }
        };
        let mut lists = named.into_iter().flatten().filter_map(|name| self.by_subject.get(name));
        lists.any(|list| list.binary_search(&binding.index).is_ok())
    }

    fn at(&self, index: u32) -> &Binding<'a> {
        &self.bindings[index as usize]
    }

    /// Whether what was read lets somebody do it. A `false` over an incomplete
    /// estate only says that nothing read grants it.
    pub fn can(&self, who: &Identity, question: &Question<'_>) -> bool {
        self.allows(who, question).is_some()
    }

    /// The first reason, in the API server's order, that lets somebody do it.
    pub fn allows(&self, who: &Identity, question: &Question<'_>) -> Option<Reason<'_, 'a>> {
        if who.is_in(MASTERS) {
            return Some(Reason::Masters);
        }
        if let Some(node) = who.node()
            && self.nodes.allows(node, question)
        {
            return Some(Reason::Node);
        }
        let (binding, rule) = self.granted(who, question)?;
        Some(Reason::Granted { binding, rule })
    }

    /// The first binding and rule by which RBAC alone lets somebody do it.
    pub fn granted(
        &self,
        who: &Identity,
        question: &Question<'_>,
    ) -> Option<(&Binding<'a>, &Rule<'a>)> {
        let asked = Asked::new(question, &self.names);
        self.bindings_of(who, question.namespace).find_map(|binding| {
            Some((binding, self.rules(binding).find(|rule| rule.covers(&asked))?))
        })
    }

    /// The first reason that lets somebody ask a path that is no resource.
    pub fn allows_url(&self, who: &Identity, verb: &str, path: &str) -> Option<Reason<'_, 'a>> {
        if who.is_in(MASTERS) {
            return Some(Reason::Masters);
        }
        let verb = rule::verb(&self.names, verb);
        self.bindings_of(who, None).find_map(|binding| {
            let rule = self.rules(binding).find(|rule| rule.covers_url(verb, path))?;
            Some(Reason::Granted { binding, rule })
        })
    }

    /// The first rule by which a binding grants it, where it holds.
    pub fn granted_by(&self, binding: &Binding<'a>, question: &Question<'_>) -> Option<&Rule<'a>> {
        let asked = Asked::new(question, &self.names);
        binding.reaches(question).then(|| self.rules(binding).find(|rule| rule.covers(&asked)))?
    }

    /// The first rule by which a binding grants a verb on a path.
    pub fn url_granted_by(
        &self,
        binding: &Binding<'a>,
        verb: &str,
        path: &str,
    ) -> Option<&Rule<'a>> {
        let verb = rule::verb(&self.names, verb);
        binding
            .namespace
            .is_none()
            .then(|| self.rules(binding).find(|rule| rule.covers_url(verb, path)))?
    }
}

/// Indices of bindings by whom they name.
#[derive(Debug, Default)]
struct BySubject<'a> {
    users: FxHashMap<&'a str, Vec<u32>>,
    groups: FxHashMap<&'a str, Vec<u32>>,
    /// By namespace and name.
    accounts: FxHashMap<&'a str, FxHashMap<&'a str, Vec<u32>>>,
}

impl<'a> BySubject<'a> {
    fn entry(&mut self, named: Named<'a>) -> &mut Vec<u32> {
        match named {
            Named::User(name) => self.users.entry(name).or_default(),
            Named::Group(name) => self.groups.entry(name).or_default(),
            Named::Account(namespace, name) => {
                self.accounts.entry(namespace).or_default().entry(name).or_default()
            }
        }
    }

    fn get(&self, named: Named<'_>) -> Option<&Vec<u32>> {
        match named {
            Named::User(name) => self.users.get(name),
            Named::Group(name) => self.groups.get(name),
            Named::Account(namespace, name) => self.accounts.get(namespace)?.get(name),
        }
    }
}

fn named(who: &Identity) -> impl Iterator<Item = Named<'_>> {
    let user = (!who.user.is_empty()).then_some(Named::User(&who.user));
    let account = who.account().map(|(namespace, name)| Named::Account(namespace, name));
    user.into_iter().chain(account).chain(who.groups.iter().map(|group| Named::Group(group)))
}

fn bind<'a>(world: World<'a>, roles: &Roles<'a>, object: &'a Arc<Object>) -> Binding<'a> {
    let everywhere = &*object.thing.kind == "ClusterRoleBinding";
    let namespace = (!everywhere).then_some(&*object.thing.namespace);
    let field = |field| object.root().path(&["roleRef", field]).and_then(Node::as_str);
    let kind = field("kind").unwrap_or_default();
    let role = roles.referred(kind, namespace, field("name").unwrap_or_default());
    let complete = match role {
        Some(index) => roles.all[index as usize].complete,
        None => world.base.coverage.is_complete(GROUP, kind),
    };
    Binding { object, namespace, index: 0, role, complete }
}
