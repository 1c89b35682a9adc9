//! What somebody can come to hold, step by step, and the shortest way to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use ironhull_model::World;

use crate::escalation::{self, Power, Way};
use crate::subject::MASTERS;
use crate::{Access, Binding, Identity, Question, Rule, Subject};

mod alike;
mod ask;
mod bind;
mod ends;
mod everybody;
mod given;
mod known;
mod made;
mod named;
mod objects;
mod open;
mod sent;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

pub use ends::{End, Many};
pub use everybody::Everybody;
pub use known::looks_at;

pub(crate) use everybody::Leads;
pub(crate) use open::{Gain, Open, Set};

use ask::{Asker, names_of, namespaces_of};
use known::Known;
use table::Table;

/// A permission that a step needs, and why it is there.
#[derive(Clone, Debug)]
pub struct Granted<'i, 'a> {
    /// What is allowed, such as `create pods`.
    pub what: String,
    /// By which binding.
    pub binding: &'i Binding<'a>,
    /// By which rule.
    pub rule: &'i Rule<'a>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step<'i, 'a> {
    /// What is done.
    pub way: &'static Way,
    /// By whom or with what.
    pub from: Power,
    /// What is held then.
    pub to: Power,
    /// In which namespace; none for everywhere.
    pub namespace: Option<String>,
    /// By which object, where a rule names it.
    pub name: Option<String>,
    /// What it needs.
    pub grants: Vec<Granted<'i, 'a>>,
    /// What the input does not say and must be so.
    pub condition: Option<String>,
}

impl Step<'_, '_> {
    /// Whether it is a right to one workload or pod by its name: it gives what that one may.
    pub fn is_by_one_workload(&self) -> bool {
        self.way.by_workload && self.name.is_some()
    }
}

/// Everything that somebody can come to hold.
#[derive(Debug)]
pub struct Paths<'i, 'a> {
    /// By what is held, the last step to it.
    reached: BTreeMap<Power, Step<'i, 'a>>,
}

impl<'i, 'a> Paths<'i, 'a> {
    /// What is reached.
    pub fn reached(&self) -> impl Iterator<Item = &Power> {
        self.reached.keys()
    }

    /// The shortest path to a power; none when it is not reached.
    pub fn to(&self, power: &Power) -> Option<Vec<&Step<'i, 'a>>> {
        let mut steps = vec![self.reached.get(power)?];
        // The start has no step to it, and every step leads from what was reached before.
        while let Some(step) = steps.last().and_then(|step| self.reached.get(&step.from)) {
            steps.push(step);
        }
        steps.reverse();
        Some(steps)
    }
}

/// The ways of a world.
#[derive(Debug)]
pub struct Escalation<'i, 'a> {
    access: &'i Access<'a>,
    known: Known<'a>,
    table: Table,
    /// Of each subject whether any way can be open to it.
    leading: OnceLock<HashMap<Subject, bool>>,
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// Looks at a world's pods, Secrets and namespaces besides its RBAC.
    pub fn new(access: &'i Access<'a>) -> Escalation<'i, 'a> {
        let known = Known::new(access);
        let table = Table::new(access, &known);
        Escalation { access, known, table, leading: OnceLock::new() }
    }

    /// The world.
    pub fn world(&self) -> World<'a> {
        self.access.world()
    }

    /// Everybody whom a binding or an object names.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.known.subjects()
    }

    /// What a subject can come to hold. Shortest paths, those without conditions
    /// first; equal input gives equal paths.
    pub fn paths(&self, subject: &Subject, identity: &Identity) -> Paths<'i, 'a> {
        let start = Power::Is(subject.clone());
        let mut reached: BTreeMap<Power, Step<'i, 'a>> = BTreeMap::new();
        let mut frontier = vec![start.clone()];
        // Who is in a set was reached by the first way to it.
        let mut known: HashSet<Set> = HashSet::new();
        while !frontier.is_empty() {
            let mut steps: Vec<Step<'i, 'a>> = Vec::new();
            for from in &frontier {
                let mut open = match from {
                    _ if *from == start => self.open(subject, identity, &[]),
                    Power::As(sender, other) if sender == subject => self.open_as(identity, other),
                    _ => self.open_from(from),
                };
                for open in &mut open {
                    open.gains.retain(|gain| match gain {
                        Gain::All(set) => known.insert(set.clone()),
                        Gain::One(..) => true,
                    });
                }
                steps.extend(self.steps_of(from, &open));
            }
            steps.sort_by_key(|step| step.condition.is_some());
            frontier.clear();
            for step in steps {
                if step.to != start && !reached.contains_key(&step.to) {
                    frontier.push(step.to.clone());
                    reached.insert(step.to.clone(), step);
                }
            }
        }
        Paths { reached }
    }

    /// One step from a power.
    pub fn steps(&self, from: &Power) -> Vec<Step<'i, 'a>> {
        self.steps_of(from, &self.open_from(from))
    }

    /// What is open to somebody, by other bindings than these.
    pub(crate) fn open(
        &self,
        subject: &Subject,
        who: &Identity,
        without: &[&'i Binding<'a>],
    ) -> Vec<Open<'i, 'a>> {
        if who.is_in(MASTERS) {
            return vec![bare(&escalation::MASTERS, None, vec![Gain::sure(Power::ClusterAdmin)])];
        }
        let mut found = Vec::new();
        if let Some(node) = who.node() {
            found.push(bare(&escalation::NODE_TOKENS, None, self.on_node(node, None)));
            let mounted = ask::mounted(Some(node), None);
            found.push(bare(&escalation::NODE_SECRETS, None, mounted));
        }
        let counted = self.access.bindings_of(who, Some(Question::ANY));
        let is_left_out = |binding: &&Binding<'a>| {
            without.iter().any(|other| std::ptr::addr_eq(*other, *binding))
        };
        let bindings: Vec<_> = counted.filter(|binding| !is_left_out(binding)).collect();
        for &binding in &bindings {
            let everything = self.access.rules(binding).find(|rule| rule.is_everything());
            let Some(rule) = everything else { continue };
            let to = match binding.namespace {
                None => Power::ClusterAdmin,
                Some(namespace) => Power::Namespace(namespace.to_owned()),
            };
            let grants = vec![Granted { what: "* *".to_owned(), binding, rule }];
            let gains = vec![Gain::sure(to)];
            let open = bare(&escalation::EVERYTHING, binding.namespace, gains);
            found.push(Open { grants, ..open });
        }
        let all = || bindings.iter().copied();
        let (names, namespaces) = (names_of(self.access, all()), namespaces_of(all()));
        let subject = Some(subject);
        let asker =
            Asker { escalation: self, subject, who, bindings, names, sender: None, inside: false };
        self.walk(&asker, &namespaces, &mut found);
        found
    }

    /// Adds the ways that are open to who asks, where that is possible.
    fn walk(&self, asker: &Asker<'_, 'i, 'a>, namespaces: &[&str], found: &mut Vec<Open<'i, 'a>>) {
        let minor = self.world().base.minor;
        for way in table::ways().enumerate() {
            if !way.1.is_of(minor) {
                continue;
            }
            // What is sent as another must be allowed to the other in the first place.
            if asker.sender.is_some() && (way.1.is_impersonation() || !asker.may(way.0, way.1)) {
                continue;
            }
            if way.1.id == escalation::AWS_AUTH.id {
                let there = "kube-system";
                if self.known.aws_auth && (!asker.inside || namespaces.contains(&there)) {
                    asker.take(way, Some(there), false, found);
                }
                continue;
            }
            let by_name = asker.may_by_name(way.0, way.1);
            if !asker.inside && asker.take(way, None, by_name, found) {
                continue;
            }
            for namespace in namespaces {
                asker.take(way, Some(namespace), by_name, found);
            }
            if by_name && !asker.inside && way.1.is_in_one_place() {
                for namespace in asker.places(way, namespaces) {
                    asker.take(way, Some(namespace), by_name, found);
                }
            }
        }
    }

    /// What the kubelet of a node may ask for, in a namespace if any.
    fn on_node(&self, node: &str, namespace: Option<&str>) -> Vec<Gain> {
        let all = self.known.objects.on_node(node, namespace);
        let conditional = all.filter_map(|(account, condition)| {
            Some(Gain::One(Power::Is(account.clone()), Some(condition?.to_owned())))
        });
        [Gain::All(Set::OnNode(node.to_owned(), namespace.map(str::to_owned)))]
            .into_iter()
            .chain(conditional)
            .collect()
    }

    /// What a power that is nobody's identity leads to.
    fn follows(&self, from: &Power) -> Vec<Open<'i, 'a>> {
        match from {
            Power::ClusterRole(name, place) => {
                self.open_role(self.access.role_index(None, name), place.as_deref())
            }
            Power::Role(namespace, name) => {
                self.open_role(self.access.role_index(Some(namespace), name), Some(namespace))
            }
            Power::Nodes => {
                let tokens = vec![Gain::All(Set::OnNodes(None))];
                let keys = vec![Gain::sure(Power::ClusterAdmin)];
                let keys = bare(&escalation::CONTROL_PLANE, None, keys);
                let keys = self.known.control_plane.then_some(keys);
                let tokens = bare(&escalation::TAKE_TOKENS, None, tokens);
                let secrets = bare(&escalation::NODE_SECRETS, None, ask::mounted(None, None));
                keys.into_iter().chain([tokens, secrets]).collect()
            }
            Power::Secrets(namespace) => {
                let gains = vec![Gain::All(Set::Tokens(namespace.clone()))];
                vec![bare(&escalation::READ_TOKEN, namespace.as_deref(), gains)]
            }
            Power::Namespace(namespace) => {
                let own = Some(namespace.clone());
                // Pod Security does not stop who may change the Namespace's labels.
                let gains = vec![
                    Gain::sure(Power::Secrets(own.clone())),
                    Gain::sure(Power::Pods(own.clone())),
                    Gain::sure(Power::Traffic(own.clone())),
                    Gain::All(Set::Accounts(own)),
                    Gain::sure(Power::Nodes),
                ];
                vec![bare(&escalation::ADMINISTER, Some(namespace), gains)]
            }
            _ => Vec::new(),
        }
    }
}

/// A way without what grants it.
fn bare<'i, 'a>(way: &'static Way, namespace: Option<&str>, gains: Vec<Gain>) -> Open<'i, 'a> {
    let namespace = namespace.map(str::to_owned);
    Open { way, namespace, name: None, grants: Vec::new(), gains }
}
