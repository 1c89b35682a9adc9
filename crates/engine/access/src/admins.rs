//! Who is as good as cluster-admin, and which requests needed that.

use std::collections::BTreeMap;

use ironhull_model::World;

use crate::escalation::{self, Name, Power};
use crate::paths::{Everybody, Step};
use crate::subject::MASTERS;
use crate::usage::Used;
use crate::{Access, Escalation, Identity, Subject, grants};

/// Somebody who is cluster-admin, or can come to be without any condition.
#[derive(Debug)]
pub struct Admin<'i, 'a> {
    /// The shortest way.
    pub path: Vec<Step<'i, 'a>>,
    /// Whether every cluster has him: all that the way starts with is of the defaults.
    pub built_in: bool,
    /// The first steps of every way, each permission once.
    rights: Vec<Step<'i, 'a>>,
}

/// Everybody who is as good as cluster-admin.
#[derive(Debug)]
pub struct Admins<'i, 'a> {
    access: &'i Access<'a>,
    all: BTreeMap<Subject, Admin<'i, 'a>>,
}

impl<'i, 'a> Admins<'i, 'a> {
    /// Looks for them.
    pub fn new(access: &'i Access<'a>) -> Admins<'i, 'a> {
        let escalation = Escalation::new(access);
        let everybody = escalation.everybody_to(&Power::ClusterAdmin);
        let admin = |subject: Subject| {
            let path: Vec<Step<'i, 'a>> = everybody.path(&subject)?.into_iter().cloned().collect();
            let built_in = path.first().is_some_and(is_built_in);
            let rights = rights(&escalation, &everybody, &subject);
            Some((subject, Admin { path, built_in, rights }))
        };
        Admins { access, all: escalation.subjects().filter_map(admin).collect() }
    }

    /// By subject.
    pub fn all(&self) -> &BTreeMap<Subject, Admin<'i, 'a>> {
        &self.all
    }

    /// The world.
    pub fn world(&self) -> World<'a> {
        self.access.world()
    }

    /// The way to cluster-admin that something needed which `subject` did, acting as
    /// `who`, if any: what is allowed to him by other rights too needed none. Of a way
    /// by smaller rights (`escalate`, creating pods) it is a request that one of them
    /// allows, where and on what it leads on.
    pub fn needed(&self, subject: &Subject, who: &Identity, used: &Used<'_>) -> Option<&str> {
        let admin = self.all.get(subject)?;
        let whole = |step: &&Step<'_, '_>| is_whole(step);
        let small = admin.rights.iter().filter(|step| !is_whole(step));
        let small = small.map(|step| (step, step.way.id));
        if let Some((_, way)) = small.into_iter().find(|(step, _)| self.is_of(step, used)) {
            return Some(way);
        }
        let step = admin.rights.iter().find(whole)?;
        let is_else_allowed = used.is_allowed_by(self.access, who, |binding| {
            binding.namespace.is_some()
                || !self.access.rules(binding).any(crate::Rule::is_everything)
        });
        (!is_else_allowed).then_some(step.way.id)
    }

    /// Whether a use is of a permission of a step, where the step leads on.
    fn is_of(&self, step: &Step<'_, '_>, used: &Used<'_>) -> bool {
        let Used::Resource { verb, group, resource, subresource, namespace, name } = *used else {
            return false;
        };
        let need = step.way.needs.iter().find(|need| {
            need.any.iter().any(|what| {
                let is_asked = |full: &&str| match full.split_once('/') {
                    Some((own, sub)) => own == resource && sub == subresource,
                    None => **full == *resource && subresource.is_empty(),
                };
                what.group == group
                    && what.verbs.contains(&verb)
                    && what.resources.iter().any(is_asked)
            })
        });
        let Some(need) = need else { return false };
        if verb == "impersonate" || subresource == "token" {
            return self.is_admin(resource, namespace, name);
        }
        // All at once, such as a list of all Secrets, is also the one that leads on.
        let place = step.namespace.as_deref().or(place(&step.to)).filter(|_| !need.cluster);
        place.is_none_or(|place| namespace.is_none_or(|namespace| namespace == place))
            && match need.name {
                Name::Is(wanted) => name == wanted,
                Name::Any | Name::Gained => true,
            }
    }

    /// Whether whom a request is made for is one of them.
    fn is_admin(&self, resource: &str, namespace: Option<&str>, name: &str) -> bool {
        let subject = match (resource, namespace) {
            ("groups", _) if name == MASTERS => return true,
            ("groups", _) => Subject::Group(name.to_owned()),
            ("users", _) => Subject::user(name),
            ("serviceaccounts", Some(namespace)) => Subject::account(namespace, name),
            _ => return false,
        };
        self.all.contains_key(&subject)
    }
}

/// Whether a step is everything at once.
fn is_whole(step: &Step<'_, '_>) -> bool {
    [escalation::MASTERS.id, escalation::EVERYTHING.id].contains(&step.way.id)
        && step.to == Power::ClusterAdmin
}

fn is_built_in(step: &Step<'_, '_>) -> bool {
    !step.grants.is_empty()
        && step.grants.iter().all(|grant| {
            let binding = grant.binding.object;
            !binding.is_given() || grants::is_default(binding)
        })
}

/// The first steps of a subject that lead to cluster-admin: of each way the places.
fn rights<'i, 'a>(
    escalation: &Escalation<'i, 'a>,
    everybody: &Everybody<'i, 'a>,
    subject: &Subject,
) -> Vec<Step<'i, 'a>> {
    let steps = escalation.steps(&Power::Is(subject.clone()), &Identity::of(subject));
    let mut rights: Vec<Step<'i, 'a>> = Vec::new();
    for step in steps {
        let leads_on = step.condition.is_none() && everybody.reaches(&step.to);
        let is_known = |known: &Step<'_, '_>| {
            let key = |step: &Step<'_, '_>| {
                step.namespace.clone().or_else(|| place(&step.to).map(str::to_owned))
            };
            known.way == step.way && key(known) == key(&step)
        };
        if leads_on && !rights.iter().any(is_known) {
            rights.push(step);
        }
    }
    rights
}

/// The namespace in which a power is taken.
fn place(power: &Power) -> Option<&str> {
    match power {
        Power::Is(Subject::ServiceAccount(namespace, _)) | Power::Namespace(namespace) => {
            Some(namespace)
        }
        Power::Secrets(namespace) | Power::Pods(namespace) => namespace.as_deref(),
        _ => None,
    }
}
