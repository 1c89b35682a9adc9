//! Ways that are open, before anybody is named to whom they lead: thousands of them may
//! lead to the same thousands.

use std::collections::BTreeSet;

use super::sent::may_be_sent_as;
use super::{Escalation, Granted, Step};
use crate::escalation::{Power, Way};
use crate::subject::MASTERS;
use crate::{Identity, Subject};

/// Many powers that ways give together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Set {
    /// The ServiceAccounts of a namespace; none for all.
    Accounts(Option<String>),
    /// Those of this name, in every namespace.
    AccountsNamed(String),
    /// Those whose token is in a pod.
    Running(Option<String>),
    /// Those whose token is in a pod of a node.
    RunningOn(String),
    /// Those whose token stands in a Secret.
    Tokens(Option<String>),
    /// Those whose token stands in a Secret of this name, in a namespace; none for all.
    TokensNamed(Option<String>, String),
    /// Those whose token is in pods of this name, likewise.
    RunningNamed(Option<String>, String),
    /// The namespaces, or this one, whose pods' containers hold Secrets; of this name if any.
    Held(Option<String>, Option<String>),
    /// These pods.
    PodsNamed(Option<String>, String),
    /// The ServiceAccounts and Secrets of each namespace that has a workload: of which
    /// resource, with which name.
    Workloads(&'static str, String),
    /// Those whose tokens the kubelet of a node may have, in a namespace; none for all.
    OnNode(String, Option<String>),
    /// The namespaces with Secrets that pods on a node name, in one if any; none for all nodes.
    Mounted(Option<String>, Option<String>),
    /// Those whose token stands in such a Secret, likewise.
    MountedTokens(Option<String>, Option<String>),
    /// Those whose tokens some kubelet may ask for.
    OnNodes(Option<String>),
    /// What a ClusterRole grants in each namespace.
    InEveryNamespace(String),
    /// What each Role grants in its namespace: in this one if any, of this name if any.
    Roles(Option<String>, Option<String>),
    /// Every user that is known.
    Users,
    /// Every group that is known but `system:masters`: who may take every group is an
    /// administrator at once, and neither a certificate nor constrained impersonation makes
    /// anybody a member of it.
    Groups,
    /// Those of a set as whom somebody may send requests, within what he may send so.
    As(Box<Subject>, Box<Set>),
}

/// What an open way gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Gain {
    /// One power, and what must be so for it.
    One(Power, Option<String>),
    /// All of them.
    All(Set),
}

impl Gain {
    pub(crate) fn sure(power: Power) -> Gain {
        Gain::One(power, None)
    }
}

/// A way that is open to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Open<'i, 'a> {
    pub(crate) way: &'static Way,
    /// Where; none for everywhere.
    pub(crate) namespace: Option<String>,
    /// By which object, where a rule names it.
    pub(crate) name: Option<String>,
    /// What it needs.
    pub(crate) grants: Vec<Granted<'i, 'a>>,
    /// What it gives, in order.
    pub(crate) gains: Vec<Gain>,
}

impl<'i, 'a> Open<'i, 'a> {
    /// The step to one of the powers that it gives.
    pub(super) fn step(&self, from: &Power, to: Power, condition: Option<String>) -> Step<'i, 'a> {
        Step {
            way: self.way,
            from: from.clone(),
            to,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            grants: self.grants.clone(),
            condition,
        }
    }
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// What is open from a power.
    pub(super) fn open_from(&self, from: &Power) -> Vec<Open<'i, 'a>> {
        match from {
            Power::Is(subject) => self.open(subject, &Identity::of(subject), &[]),
            Power::As(sender, other) => self.open_as(&Identity::of(sender), other),
            _ => self.follows(from),
        }
    }

    /// Everybody in a set.
    pub(super) fn members<'k>(&'k self, set: &Set) -> Box<dyn Iterator<Item = Power> + 'k> {
        let known = &self.known;
        match set {
            Set::Accounts(namespace) => {
                Box::new(known.accounts(namespace.as_deref()).map(Power::Is))
            }
            Set::AccountsNamed(name) => {
                let name = name.clone();
                let accounts = known.accounts(None).filter(
                    move |account| matches!(account, Subject::ServiceAccount(_, own) if *own == name),
                );
                Box::new(accounts.map(Power::Is))
            }
            Set::Running(namespace) => Box::new(known.running(namespace.as_deref()).map(Power::Is)),
            Set::RunningOn(node) => {
                Box::new(known.objects.running_on(node).cloned().map(Power::Is))
            }
            Set::Tokens(namespace) => Box::new(known.tokens(namespace.as_deref()).map(Power::Is)),
            Set::TokensNamed(there, name) => {
                Box::new(accounts(known.objects.tokens(name), there.clone()).map(Power::Is))
            }
            Set::RunningNamed(there, name) => {
                Box::new(accounts(known.objects.running(name), there.clone()).map(Power::Is))
            }
            Set::Held(there, name) => {
                let there = there.clone();
                let places = known.holding(name.as_deref());
                let places = places.filter(move |own| there.as_ref().is_none_or(|it| it == *own));
                Box::new(places.map(|own| Power::SecretsOfPods(own.clone())))
            }
            Set::PodsNamed(there, name) => {
                let (there, name) = (there.clone(), name.clone());
                let places = known.objects.pods(&name).map(str::to_owned);
                let places: Vec<String> =
                    places.filter(|own| there.as_ref().is_none_or(|it| it == own)).collect();
                Box::new(places.into_iter().map(move |own| Power::Pod(own, name.clone())))
            }
            Set::Workloads(resource, name) => {
                let places = known.objects.workloads(resource, name);
                Box::new(places.flat_map(|own| {
                    let accounts = known.accounts(Some(own)).map(Power::Is);
                    accounts.chain([Power::Secrets(Some(own.to_owned()))])
                }))
            }
            Set::OnNode(node, there) => {
                let accounts = known.objects.on_node(node, there.as_deref());
                let sure = accounts.filter(|(_, condition)| condition.is_none());
                Box::new(sure.map(|(account, _)| Power::Is(account.clone())))
            }
            Set::OnNodes(namespace) => Box::new(known.asked(namespace.as_deref()).map(Power::Is)),
            Set::Mounted(node, there) => {
                let mounted = known.objects.mounted(node.as_deref(), there.as_deref());
                let places: BTreeSet<&str> = mounted.map(|(namespace, _)| namespace).collect();
                Box::new(places.into_iter().map(|own| Power::SecretsOfPods(own.to_owned())))
            }
            Set::MountedTokens(node, there) => {
                let mounted = known.objects.mounted(node.as_deref(), there.as_deref());
                let tokens: BTreeSet<&Subject> = mounted.flat_map(|(_, tokens)| tokens).collect();
                Box::new(tokens.into_iter().cloned().map(Power::Is))
            }
            Set::InEveryNamespace(role) => {
                let role = role.clone();
                let places = known.namespaces().into_iter();
                Box::new(
                    places.map(move |own| Power::ClusterRole(role.clone(), Some(own.to_owned()))),
                )
            }
            Set::Roles(there, name) => {
                Box::new(self.roles_in(there.as_deref(), name.as_deref()).into_iter())
            }
            Set::Users => Box::new(known.users.iter().cloned().map(Power::Is)),
            Set::Groups => {
                let others = known.groups.iter().filter(|group| !is_masters(group));
                Box::new(others.cloned().map(Power::Is))
            }
            Set::As(sender, others) => {
                let sender = sender.clone();
                Box::new(self.members(others).filter_map(move |other| match other {
                    Power::Is(other) if other != *sender && may_be_sent_as(&other) => {
                        Some(Power::As((*sender).clone(), other))
                    }
                    _ => None,
                }))
            }
        }
    }

    /// Those of a set from whom anything can be open.
    pub(super) fn leading<'k>(&'k self, set: &Set) -> Box<dyn Iterator<Item = Power> + 'k> {
        let members = self.members(set);
        match set {
            Set::As(..) => Box::new(members.filter(|power| match power {
                Power::As(_, other) => self.leads(other),
                _ => true,
            })),
            _ => members,
        }
    }

    /// Whether a power is in a set.
    pub(super) fn is_member(&self, set: &Set, power: &Power) -> bool {
        let is_there = |namespace: &Option<String>, own: &str| {
            namespace.as_deref().is_none_or(|namespace| namespace == own)
        };
        let known = &self.known;
        if let Set::TokensNamed(..)
        | Set::RunningNamed(..)
        | Set::RunningOn(_)
        | Set::Held(..)
        | Set::PodsNamed(..)
        | Set::Workloads(..)
        | Set::OnNode(..)
        | Set::Mounted(..)
        | Set::MountedTokens(..)
        | Set::Roles(..)
        | Set::InEveryNamespace(_) = set
        {
            return self.members(set).any(|member| member == *power);
        }
        let subject = match (set, power) {
            (Set::As(sender, others), Power::As(own, other)) => {
                return **sender == *own
                    && may_be_sent_as(other)
                    && self.is_member(others, &Power::Is(other.clone()));
            }
            (Set::As(..), _) => return false,
            (_, Power::Is(subject)) => subject,
            _ => return false,
        };
        match (set, subject) {
            (Set::Users, _) => known.users.contains(subject),
            (Set::Groups, _) => known.groups.contains(subject) && !is_masters(subject),
            (_, Subject::User(_) | Subject::Group(_)) => false,
            (Set::AccountsNamed(name), Subject::ServiceAccount(_, own)) => {
                name == own && known.is_account(subject)
            }
            (Set::Accounts(there), Subject::ServiceAccount(namespace, _)) => {
                is_there(there, namespace) && known.is_account(subject)
            }
            (Set::Running(there), Subject::ServiceAccount(namespace, _)) => {
                is_there(there, namespace) && known.is_running(subject)
            }
            (Set::OnNodes(there), Subject::ServiceAccount(namespace, _)) => {
                is_there(there, namespace) && known.is_asked(subject)
            }
            (Set::Tokens(there), Subject::ServiceAccount(namespace, _)) => {
                is_there(there, namespace) && known.has_token(subject)
            }
            _ => false,
        }
    }

    /// The steps that open ways are.
    pub(super) fn steps_of(&self, from: &Power, open: &[Open<'i, 'a>]) -> Vec<Step<'i, 'a>> {
        let mut steps = Vec::new();
        for open in open {
            for gain in &open.gains {
                match gain {
                    Gain::One(to, condition) => {
                        steps.push(open.step(from, to.clone(), condition.clone()));
                    }
                    Gain::All(set) => {
                        steps.extend(self.members(set).map(|to| open.step(from, to, None)));
                    }
                }
            }
        }
        steps
    }
}

fn is_masters(subject: &Subject) -> bool {
    matches!(subject, Subject::Group(name) if name == MASTERS)
}

/// Namespaces and names as ServiceAccounts, in a namespace; none for all of them.
fn accounts<'k>(
    pairs: impl Iterator<Item = (&'k str, &'k str)>,
    there: Option<String>,
) -> impl Iterator<Item = Subject> {
    pairs
        .filter(move |(namespace, _)| there.as_deref().is_none_or(|there| there == *namespace))
        .map(|(namespace, name)| Subject::account(namespace, name))
}
