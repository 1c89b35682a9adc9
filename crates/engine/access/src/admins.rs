//! Who is as good as cluster-admin, and which requests needed that.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_model::World;

use crate::escalation::{self, Name, Power, Way};
use crate::grants::defaults;
use crate::paths::{Everybody, Gain, Granted, Leads, Open, Step};
use crate::subject::MASTERS;
use crate::usage::Used;
use crate::{Access, Binding, Escalation, Identity, Rule, Subject};

#[cfg(test)]
mod tests;

/// Somebody who is cluster-admin, or can come to be without any condition.
#[derive(Debug)]
pub struct Admin<'i, 'a> {
    /// The shortest way.
    pub path: Vec<Step<'i, 'a>>,
    /// Whether every cluster has him: Kubernetes itself grants him all that his ways start
    /// with.
    pub built_in: bool,
    /// What is everything at once, if anything is.
    whole: Option<Open<'i, 'a>>,
    /// The starts of every other way, each permission once.
    rights: Vec<Right<'i, 'a>>,
}

/// The start of a way that leads to cluster-admin.
#[derive(Debug)]
struct Right<'i, 'a> {
    open: Open<'i, 'a>,
    /// Where it leads on.
    leads: Vec<Arc<Leads>>,
}

/// What a request needed of somebody's ways.
#[derive(Clone, Copy, Debug)]
pub struct Needed<'i, 'a> {
    /// Which way.
    pub way: &'static Way,
    /// The binding that let the request pass, and its rule; none for members of
    /// `system:masters`, of whom no authorizer is asked.
    pub by: Option<(&'i Binding<'a>, &'i Rule<'a>)>,
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
        let all = escalation.subjects().filter_map(|subject| {
            let admin = Admin::new(access, &escalation, &everybody, &subject)?;
            Some((subject, admin))
        });
        Admins { access, all: all.collect() }
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
    pub fn needed(
        &self,
        subject: &Subject,
        who: &Identity,
        used: &Used<'_>,
    ) -> Option<Needed<'i, 'a>> {
        let admin = self.all.get(subject)?;
        let small = admin.rights.iter().find(|right| self.is_of(right, used));
        if let Some(right) = small {
            // Several rights may open a way; it is used by that which allows the request.
            let by = used
                .granted_by(self.access, &Identity::of(subject), |binding| !self.is_whole(binding));
            if by.is_some() {
                return Some(Needed { way: right.open.way, by });
            }
        }
        let whole = admin.whole.as_ref()?;
        if used.granted_by(self.access, who, |binding| !self.is_whole(binding)).is_some() {
            return None;
        }
        let by = whole.grants.first().map(|grant| (grant.binding, grant.rule));
        Some(Needed { way: whole.way, by })
    }

    /// Whether a binding is everything everywhere.
    fn is_whole(&self, binding: &Binding<'a>) -> bool {
        binding.namespace.is_none() && self.access.rules(binding).any(Rule::is_everything)
    }

    /// Whether a use is of a permission of a right, where the right leads on.
    fn is_of(&self, right: &Right<'_, '_>, used: &Used<'_>) -> bool {
        let Used::Resource { verb, group, resource, subresource, namespace, name } = *used else {
            return false;
        };
        let need = right.open.way.needs.iter().find(|need| {
            need.any.iter().any(|what| {
                let is_asked = |full: &&str| match full.split_once('/') {
                    Some((own, sub)) => own == resource && sub == subresource,
                    None => **full == *resource && subresource.is_empty(),
                };
                // What is made under a name is applied or updated.
                let is_made = right.open.name.is_some()
                    && ["patch", "update"].contains(&verb)
                    && what.verbs.contains(&"create");
                what.group == group
                    && (is_made || what.verbs.contains(&verb))
                    && what.resources.iter().any(is_asked)
            })
        });
        let Some(need) = need else { return false };
        if verb.starts_with("impersonate:") {
            // A node is taken for the tokens that are asked for then.
            let other = subject_of(resource, namespace, name);
            return other.is_some_and(|other| right.leads_on_as(&other));
        }
        if verb == "impersonate" || subresource == "token" {
            return self.is_admin(resource, namespace, name);
        }
        // All at once, such as a list of all Secrets, is also the one that leads on.
        let is_it =
            |own: &str| own.is_empty() || own == name || verb == "create" && subresource.is_empty();
        right.open.name.as_deref().is_none_or(is_it)
            && (need.cluster || namespace.is_none_or(|namespace| right.leads_on_in(namespace)))
            && match need.name {
                Name::Is(wanted) => name == wanted,
                _ => true,
            }
    }

    /// Whether whom a request is made for is one of them.
    fn is_admin(&self, resource: &str, namespace: Option<&str>, name: &str) -> bool {
        let is_masters = (resource, name) == ("groups", MASTERS);
        let subject = subject_of(resource, namespace, name);
        is_masters || subject.is_some_and(|subject| self.all.contains_key(&subject))
    }
}

/// Whom an impersonation or a token is asked for.
fn subject_of(resource: &str, namespace: Option<&str>, name: &str) -> Option<Subject> {
    match (resource, namespace) {
        ("groups", _) => Some(Subject::Group(name.to_owned())),
        ("users", _) => Some(Subject::user(name)),
        ("serviceaccounts", Some(namespace)) => Some(Subject::account(namespace, name)),
        _ => None,
    }
}

impl<'i, 'a> Admin<'i, 'a> {
    /// None where the subject does not come to cluster-admin.
    fn new(
        access: &'i Access<'a>,
        escalation: &Escalation<'i, 'a>,
        everybody: &Everybody<'i, 'a>,
        subject: &Subject,
    ) -> Option<Admin<'i, 'a>> {
        let path: Vec<Step<'i, 'a>> = everybody.path(subject)?.into_iter().cloned().collect();
        let who = Identity::of(subject);
        let of_whole: Vec<&'i Binding<'a>> = { access.bindings_of(&who, None) }
            .filter(|binding| access.rules(binding).any(Rule::is_everything))
            .collect();
        let is_master = who.is_in(MASTERS);
        let mut whole = None;
        if is_master || !of_whole.is_empty() {
            whole = escalation.open(subject, &who, &[]).into_iter().find(is_whole);
        }
        // Everything grants each smaller right too, which is no way of its own.
        let open = match is_master {
            true => Vec::new(),
            false => escalation.open(subject, &who, &of_whole),
        };
        let rights = open.into_iter().map(|open| Right { leads: everybody.leads(&open), open });
        let rights: Vec<Right<'i, 'a>> = rights.filter(|right| !right.leads.is_empty()).collect();
        let is_added = |grant: &Granted<'_, '_>| {
            let own = std::slice::from_ref(subject);
            access.names(grant.binding, subject) && !is_default(access, grant, own)
        };
        let mut starts = whole.iter().chain(rights.iter().map(|right| &right.open));
        let starts_by_default = path.first().is_some_and(|step| {
            let mut all = vec![subject.clone()];
            all.extend(who.groups.iter().map(|group| Subject::Group(group.clone())));
            step.grants.iter().all(|grant| is_default(access, grant, &all))
        });
        // What somebody granted to a group of all ServiceAccounts or users is told of that.
        let built_in =
            !is_master && starts_by_default && !starts.any(|open| open.grants.iter().any(is_added));
        Some(Admin { path, built_in, whole, rights })
    }
}

impl Right<'_, '_> {
    /// Whether it leads on by requests that are sent as somebody else.
    fn leads_on_as(&self, other: &Subject) -> bool {
        self.leads.iter().any(|leads| leads.others.contains(other))
    }

    fn leads_on_in(&self, namespace: &str) -> bool {
        match &self.open.namespace {
            Some(own) => own == namespace,
            None => self
                .leads
                .iter()
                .any(|leads| leads.anywhere || leads.namespaces.contains(namespace)),
        }
    }
}

/// Whether a way is everything at once.
fn is_whole(open: &Open<'_, '_>) -> bool {
    [escalation::MASTERS.id, escalation::EVERYTHING.id].contains(&open.way.id)
        && open.gains == [Gain::sure(Power::ClusterAdmin)]
}

/// Whether Kubernetes itself grants it to one of these.
fn is_default(access: &Access<'_>, grant: &Granted<'_, '_>, all: &[Subject]) -> bool {
    let binding = grant.binding.object;
    (!binding.is_given() || defaults::may_be(binding))
        && defaults::have(grant.rule)
        && all.iter().any(|one| access.names(grant.binding, one) && defaults::bind(binding, one))
}
