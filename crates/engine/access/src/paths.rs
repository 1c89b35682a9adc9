//! What somebody can come to hold, step by step, and the shortest way to it.

use std::collections::BTreeMap;

use ironhull_model::World;

use crate::escalation::{self, Power, Way};
use crate::subject::MASTERS;
use crate::{Access, Binding, Identity, Question, Rule, Subject};

mod ask;
mod everybody;
mod known;
mod table;
#[cfg(test)]
mod tests;

pub use everybody::Everybody;
pub use known::looks_at;

use ask::Asker;
use known::{Known, Privileged};
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
    /// What it needs.
    pub grants: Vec<Granted<'i, 'a>>,
    /// What the input does not say and must be so.
    pub condition: Option<String>,
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
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// Looks at a world's pods, Secrets and namespaces besides its RBAC.
    pub fn new(access: &'i Access<'a>) -> Escalation<'i, 'a> {
        Escalation { access, known: Known::new(access), table: Table::new(access) }
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
        while !frontier.is_empty() {
            let mut steps: Vec<Step<'i, 'a>> = Vec::new();
            for from in &frontier {
                match from {
                    Power::Is(_) if *from == start => steps.extend(self.steps(from, identity)),
                    Power::Is(other) => steps.extend(self.steps(from, &Identity::of(other))),
                    _ => steps.extend(self.follows(from)),
                }
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

    /// One step from what somebody is allowed.
    pub fn steps(&self, from: &Power, who: &Identity) -> Vec<Step<'i, 'a>> {
        let bare = |way, to| Step {
            way,
            from: from.clone(),
            to,
            namespace: None,
            grants: Vec::new(),
            condition: None,
        };
        if who.is_in(MASTERS) {
            return vec![bare(&escalation::MASTERS, Power::ClusterAdmin)];
        }
        let mut steps = Vec::new();
        let mut namespaces: Vec<&str> = Vec::new();
        let bindings: Vec<_> = self.access.bindings_of(who, Some(Question::ANY)).collect();
        for &binding in &bindings {
            namespaces.extend(binding.namespace);
            let everything = self.access.rules(binding).find(|rule| rule.is_everything());
            let Some(rule) = everything else { continue };
            let to = match binding.namespace {
                None => Power::ClusterAdmin,
                Some(namespace) => Power::Namespace(namespace.to_owned()),
            };
            let grants = vec![Granted { what: "* *".to_owned(), binding, rule }];
            let namespace = binding.namespace.map(str::to_owned);
            steps.push(Step { namespace, grants, ..bare(&escalation::EVERYTHING, to) });
        }
        namespaces.sort_unstable();
        namespaces.dedup();
        let rules = bindings.iter().flat_map(|binding| self.access.rules(binding));
        let mut names: Vec<&str> = rules.flat_map(|rule| rule.names.iter().copied()).collect();
        names.sort_unstable();
        names.dedup();
        let asker = Asker { escalation: self, who, from, bindings, names };
        let minor = self.world().base.minor;
        for way in table::ways().enumerate() {
            if way.1.until.is_some_and(|last| minor > last) {
                continue;
            }
            if way.1.id == escalation::AWS_AUTH.id {
                if self.known.aws_auth {
                    asker.take(way, Some("kube-system"), &mut steps);
                }
                continue;
            }
            if asker.take(way, None, &mut steps) {
                continue;
            }
            for namespace in &namespaces {
                asker.take(way, Some(namespace), &mut steps);
            }
        }
        steps
    }

    /// What a power that is nobody's identity leads to.
    fn follows(&self, from: &Power) -> Vec<Step<'i, 'a>> {
        let step = |way, to, namespace: Option<&String>| Step {
            way,
            from: from.clone(),
            to,
            namespace: namespace.cloned(),
            grants: Vec::new(),
            condition: None,
        };
        match from {
            Power::Nodes => {
                let running = self
                    .known
                    .running(None)
                    .map(|account| step(&escalation::TAKE_TOKENS, Power::Is(account), None));
                let keys = self
                    .known
                    .control_plane
                    .then(|| step(&escalation::CONTROL_PLANE, Power::ClusterAdmin, None));
                keys.into_iter().chain(running).collect()
            }
            Power::Secrets(namespace) => {
                let tokens = self.known.tokens(namespace.as_deref());
                tokens
                    .map(|account| {
                        step(&escalation::READ_TOKEN, Power::Is(account), namespace.as_ref())
                    })
                    .collect()
            }
            Power::Namespace(namespace) => {
                let own = Some(namespace.clone());
                let mut steps: Vec<_> =
                    [Power::Secrets(own.clone()), Power::Pods(own.clone()), Power::Traffic(own)]
                        .map(|to| step(&escalation::ADMINISTER, to, Some(namespace)))
                        .into();
                steps.extend(self.known.accounts(Some(namespace)).map(|account| {
                    step(&escalation::ADMINISTER, Power::Is(account), Some(namespace))
                }));
                let to = step(&escalation::ADMINISTER, Power::Nodes, Some(namespace));
                match self.known.privileged_pods(namespace) {
                    Privileged::Allowed => steps.push(to),
                    Privileged::If(condition) => {
                        steps.push(Step { condition: Some(condition), ..to });
                    }
                    Privileged::Forbidden => {}
                }
                steps
            }
            _ => Vec::new(),
        }
    }
}
