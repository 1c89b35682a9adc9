//! What rules with resourceNames lead to: from what a rule names to what it gives.

use std::collections::BTreeSet;

use super::ask::{Asker, counting};
use super::given::Found;
use super::objects::Presence;
use super::sent::{is_asked_inside, opened_by};
use super::{Gain, Granted, Open, Set, table};
use crate::escalation::{Gives, Name, Need, Power, Way};
use crate::impersonation::{ALL, Other};
use crate::rule::Asked;
use crate::subject::{MASTERS, NODES};
use crate::{Question, Subject};

/// What a need asks about an object.
#[derive(Clone, Copy)]
pub(super) struct About<'n> {
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    pub(super) name: &'n str,
}

/// Of each need of a way what meets it whatever is gained; none for those that it depends on.
type Fixed<'i, 'a> = Vec<Option<Vec<Granted<'i, 'a>>>>;

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// Adds a way where names let one take it in a namespace (none: everywhere).
    pub(super) fn take_by_name(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let is = |wanted: fn(&Name) -> bool| way.needs.iter().any(|need| wanted(&need.name));
        if is(|name| matches!(name, Name::Gained)) {
            self.take_gained(way, namespace, found);
        } else if is(|name| matches!(name, Name::Object)) {
            self.take_objects((index, way), namespace, found);
        } else {
            self.take_made((index, way), namespace, found);
        }
    }

    /// Whether names may let one take a way at all.
    pub(super) fn may_by_name(&self, index: usize, way: &Way) -> bool {
        let by_name = |need: &Need| !matches!(need.name, Name::Any | Name::Is(_) | Name::Some);
        (!self.names.is_empty() || way.binds())
            && way.needs.iter().any(by_name)
            && self.may(index, way)
    }

    /// Whether each need of a way is met of one object at least.
    pub(super) fn may(&self, index: usize, way: &Way) -> bool {
        let meets = |need| {
            let mut roles = self.bindings.iter().filter_map(|binding| binding.role);
            roles.any(|role| self.escalation.table.meets_of_one(role as usize, index, need))
        };
        (0..way.needs.len()).all(meets)
    }

    /// Whom rules name is who is gained.
    fn take_gained(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let Some(fixed) = self.fixed(way, namespace) else { return };
        for &name in &self.names {
            let all = way.needs.iter().enumerate();
            let all = all.map(|need| self.met_of(need, &fixed, name, namespace));
            let Some(grants) = all.collect::<Option<Vec<_>>>() else { continue };
            let grants = grants.into_iter().flatten().collect();
            let gains = way.gives.iter().filter_map(|gives| {
                Some(match (gives, namespace) {
                    (Gives::Groups, _) if name == MASTERS => Gain::sure(Power::ClusterAdmin),
                    (Gives::Groups, _) => Gain::sure(Power::Is(Subject::Group(name.to_owned()))),
                    (Gives::Users, _) => return self.user(name),
                    (Gives::Accounts, Some(namespace)) => {
                        Gain::sure(Power::Is(Subject::account(namespace, name)))
                    }
                    (Gives::Accounts, None) => Gain::All(Set::AccountsNamed(name.to_owned())),
                    (Gives::AsGroups, _) if name == ALL => return self.as_others(Set::Groups),
                    (Gives::AsGroups, _) => {
                        return self.as_other(Subject::Group(name.to_owned()));
                    }
                    (Gives::AsUsers, _) => match Subject::user(name) {
                        user @ Subject::User(_) => return self.as_other(user),
                        _ => return None,
                    },
                    (Gives::AsAccounts, Some(namespace)) => {
                        return self.as_other(Subject::account(namespace, name));
                    }
                    (Gives::AsAccounts, None) => {
                        return self.as_others(Set::AccountsNamed(name.to_owned()));
                    }
                    _ => return None,
                })
            });
            self.add(way, namespace, (grants, None), gains.collect(), found);
        }
    }

    /// A user who may be impersonated: a ServiceAccount is by its own resource only, and a
    /// node is one as a member of its group.
    fn user(&self, name: &str) -> Option<Gain> {
        let user = Subject::user(name);
        let may = match Other::of(name) {
            Other::Node(_) => {
                let asked = Question { name: NODES, ..Question::new("impersonate", "", "groups") };
                self.escalation.access.can(self.who, &asked)
            }
            _ => matches!(user, Subject::User(_)),
        };
        may.then(|| Gain::sure(Power::Is(user)))
    }

    /// What rules name gives what it is.
    fn take_objects(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let Some(at) = way.needs.iter().position(|need| matches!(need.name, Name::Object)) else {
            return;
        };
        let Some(fixed) = self.fixed(way, namespace) else { return };
        // Of workloads that were not read one leads where all do.
        let mut unread = BTreeSet::new();
        for name in self.candidates(index, way, at, namespace) {
            for what in way.needs[at].any {
                for &resource in what.resources {
                    let object = Found { way, namespace, resource, name };
                    // Few of very many names are of something that is there.
                    let gains = self.given(object);
                    let is_unread = self.is_unread_workload(object);
                    if gains.is_empty() || is_unread && unread.contains(resource) {
                        continue;
                    }
                    let any = what.verbs.iter().find_map(|&verb| {
                        let about = About { verb, group: what.group, resource, name };
                        self.met(&way.needs[at], about, namespace)
                    });
                    let Some(mut grants) = any else { continue };
                    let others = way.needs.iter().enumerate().filter(|(other, _)| *other != at);
                    let others: Option<Vec<_>> =
                        others.map(|need| self.met_of(need, &fixed, name, namespace)).collect();
                    let Some(others) = others else { continue };
                    grants.extend(others.into_iter().flatten());
                    self.add(way, namespace, (grants, Some(name)), gains, found);
                    if is_unread {
                        unread.insert(resource);
                    }
                }
            }
        }
    }

    /// What lets one ask those needs of a way that are about no name, each once for all
    /// names; none when one is not met.
    fn fixed(&self, way: &'static Way, namespace: Option<&str>) -> Option<Fixed<'i, 'a>> {
        let is_of_name = |need: &Need| {
            matches!(need.name, Name::Gained | Name::Object | Name::Made | Name::Bound(_))
        };
        let needs = way.needs.iter().map(|need| match is_of_name(need) {
            true => Some(None),
            false => self.any_met(need, "", namespace).map(Some),
        });
        needs.collect()
    }

    /// What lets one ask a need, by its index, where what is gained has a name.
    fn met_of(
        &self,
        (index, need): (usize, &'static Need),
        fixed: &Fixed<'i, 'a>,
        gained: &str,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let fixed = fixed.get(index).and_then(Option::as_ref);
        fixed.cloned().or_else(|| self.any_met(need, gained, namespace))
    }

    /// Adds a way that gives something, and is not told for everywhere already.
    pub(super) fn add(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        (grants, name): (Vec<Granted<'i, 'a>>, Option<&str>),
        gains: Vec<Gain>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        // What is asked about a Namespace by its name is told of that one only.
        let is_here =
            grants.iter().any(|grant| grant.binding.namespace.is_some()) || way.is_in_one_place();
        if name.is_some() && namespace.is_some() && !is_here && !self.inside {
            return;
        }
        let gains = gains.into_iter().filter(|gain| !self.is_needless(gain, found));
        let gains: Vec<Gain> = gains.collect();
        if name.is_none() || !gains.is_empty() {
            let (namespace, name) = (namespace.map(str::to_owned), name.map(str::to_owned));
            found.push(Open { way, namespace, name, grants, gains });
        }
    }

    /// What rules that count name, of those that may meet a need.
    pub(super) fn candidates(
        &self,
        index: usize,
        way: &'static Way,
        at: usize,
        namespace: Option<&str>,
    ) -> BTreeSet<&'a str> {
        if self.sender.is_some() {
            return self.names.iter().copied().collect();
        }
        let (access, table) = (self.escalation.access, &self.escalation.table);
        let need = &way.needs[at];
        let place = if need.cluster { None } else { namespace };
        let asked: Vec<_> = table::questions(need, "")
            .map(|(verb, group, resource, _)| {
                Asked::new(&table::question(verb, group, resource, ""), access.numbers())
            })
            .collect();
        counting(&self.bindings, place)
            .filter(|binding| {
                binding.role.is_some_and(|role| table.meets_of_one(role as usize, index, at))
            })
            .flat_map(|binding| access.rules(binding))
            .filter(|rule| {
                !rule.names.is_empty() && asked.iter().any(|asked| rule.covers_some(asked))
            })
            .flat_map(|rule| rule.names.iter().copied().filter(|name| !name.is_empty()))
            .collect()
    }

    /// What lets one ask any of a need.
    pub(super) fn any_met(
        &self,
        need: &'static Need,
        gained: &str,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        table::questions(need, gained).find_map(|(verb, group, resource, name)| {
            self.met(need, About { verb, group, resource, name: &name }, namespace)
        })
    }

    /// What lets one ask this of a need, and who sends it send it.
    pub(super) fn met(
        &self,
        need: &Need,
        about: About<'_>,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let About { verb, group, resource: full, name } = about;
        let place = match need.cluster {
            // What counts in a namespace only grants nothing of what stands in none.
            true if self.inside => return None,
            true => None,
            false => namespace,
        };
        // An object that is made has no name yet when it is asked about.
        let is_made = verb == "create"
            && matches!(need.name, Name::Object | Name::New | Name::Made | Name::Existing)
            && !full.contains('/');
        let asked = match need.name {
            _ if is_made => "",
            Name::Place => place.unwrap_or_default(),
            _ => name,
        };
        let question = Question { namespace: place, ..table::question(verb, group, full, asked) };
        let Some(own) = self.granted(&self.bindings, need, &question) else {
            return is_made.then(|| self.made(need, about, place)).flatten();
        };
        // What is made under a name of one's own choice must not be there yet.
        let is_chosen = is_made && matches!(need.name, Name::Made) && !name.is_empty();
        if is_chosen && self.presence(group, full, place, name) == Presence::There {
            return None;
        }
        let Some(sender) = self.sender.as_ref().filter(|_| !is_asked_inside(verb)) else {
            return Some(vec![own]);
        };
        let sent = self.sent(sender, need, &question).or_else(|| {
            let verb = opened_by(verb, full)?;
            let opened = Question { verb, ..question };
            self.granted(&self.bindings, need, &opened)?;
            self.sent(sender, need, &opened)
        })?;
        Some(vec![own, sent])
    }
}
