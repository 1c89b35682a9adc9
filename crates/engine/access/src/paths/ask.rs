//! What one identity may do, and which steps follow.

use super::known::Privileged;
use super::sent::{Sender, is_asked_inside, opened_by};
use super::{Escalation, Gain, Granted, Open, Set, table};
use crate::escalation::{Gives, Name, Need, Power, Way};
use crate::impersonation::on;
use crate::rule::Asked;
use crate::subject::MASTERS;
use crate::{Access, Binding, Identity, Question, Subject};

/// Asks what one identity may do.
pub(super) struct Asker<'e, 'i, 'a> {
    pub(super) escalation: &'e Escalation<'i, 'a>,
    pub(super) subject: &'e Subject,
    pub(super) who: &'e Identity,
    /// Its bindings but for those that are left out, looked up once for all ways: those of
    /// each of its names together, those that count everywhere first.
    pub(super) bindings: Vec<&'i Binding<'a>>,
    /// The names that the rules limit themselves to.
    pub(super) names: Vec<&'a str>,
    /// Who sends the requests, where that is somebody else.
    pub(super) sender: Option<Sender<'e, 'i, 'a>>,
}

/// The names that the rules of bindings limit themselves to, each once.
pub(super) fn names_of<'i, 'a: 'i>(
    access: &'i Access<'a>,
    bindings: impl Iterator<Item = &'i Binding<'a>>,
) -> Vec<&'a str> {
    let rules = bindings.flat_map(|binding| access.rules(binding));
    let mut names: Vec<&str> = rules.flat_map(|rule| rule.names.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The namespaces in which bindings count, each once.
pub(super) fn namespaces_of<'i, 'a: 'i>(
    bindings: impl Iterator<Item = &'i Binding<'a>>,
) -> Vec<&'a str> {
    let mut namespaces: Vec<&str> = bindings.filter_map(|binding| binding.namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces
}

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// Adds a way where it is open in a namespace (none: everywhere), and says whether.
    pub(super) fn take(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) -> bool {
        let Some(grants) = self.all(index, way, namespace) else {
            if way.needs.iter().any(|need| matches!(need.name, Name::Gained)) {
                self.take_by_name((index, way), namespace, found);
            }
            return false;
        };
        let gains = way.gives.iter().flat_map(|gives| self.gained(*gives, namespace, &grants));
        let gains = gains.filter(|gain| !self.is_needless(gain, found)).collect();
        found.push(Open { way, namespace: namespace.map(str::to_owned), grants, gains });
        true
    }

    /// Rules with resourceNames let some be gained.
    fn take_by_name(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let meets = |need| {
            let mut roles = self.bindings.iter().filter_map(|binding| binding.role);
            roles.any(|role| self.escalation.table.meets_of_one(role as usize, index, need))
        };
        if !(0..way.needs.len()).all(meets) {
            return;
        }
        for &name in &self.names {
            let Some(grants) = self.all_by_name(way, namespace, name) else { continue };
            let gains = way.gives.iter().filter_map(|gives| {
                Some(match (gives, namespace) {
                    (Gives::Groups, _) if name == MASTERS => Gain::sure(Power::ClusterAdmin),
                    (Gives::Groups, _) => Gain::sure(Power::Is(Subject::Group(name.to_owned()))),
                    (Gives::Users, _) => match Subject::user(name) {
                        user @ Subject::User(_) => Gain::sure(Power::Is(user)),
                        // A ServiceAccount is impersonated by its own resource only.
                        _ => return None,
                    },
                    (Gives::Accounts, Some(namespace)) => {
                        Gain::sure(Power::Is(Subject::account(namespace, name)))
                    }
                    (Gives::Accounts, None) => Gain::All(Set::AccountsNamed(name.to_owned())),
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
            let gains = gains.filter(|gain| !self.is_needless(gain, found)).collect();
            found.push(Open { way, namespace: namespace.map(str::to_owned), grants, gains });
        }
    }

    /// What grants every need; none when one is not granted.
    fn all(
        &self,
        index: usize,
        way: &'static Way,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        if self.sender.is_some() {
            return self.all_by_name(way, namespace, "");
        }
        let (access, table) = (self.escalation.access, &self.escalation.table);
        let needs = way.needs.iter().enumerate();
        let granted = needs.map(|(at, need)| {
            let place = if need.cluster { None } else { namespace };
            counting(&self.bindings, place).find_map(|binding| {
                let met = table.get(binding.role? as usize, index, at)?;
                let rule = access.rules(binding).nth(met.rule as usize)?;
                Some(Granted { what: format!("{} {}", met.verb, met.resource), binding, rule })
            })
        });
        granted.collect()
    }

    /// The same where what is gained has a name.
    fn all_by_name(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        gained: &str,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let mut all = Vec::new();
        for need in way.needs {
            let place = if need.cluster { None } else { namespace };
            let met = table::questions(need, gained).find_map(|(verb, group, full, name)| {
                let question =
                    Question { namespace: place, ..table::question(verb, group, full, &name) };
                let own = self.granted(&self.bindings, need, &question)?;
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
            })?;
            all.extend(met);
        }
        Some(all)
    }

    /// What lets the sender send it as the other.
    fn sent(
        &self,
        sender: &Sender<'_, 'i, 'a>,
        need: &Need,
        question: &Question<'_>,
    ) -> Option<Granted<'i, 'a>> {
        let verb = on(sender.mode, question.verb);
        self.granted(&sender.bindings, need, &Question { verb: &verb, ..*question })
    }

    /// The first of the bindings that count which grants it, and its rule.
    fn granted(
        &self,
        bindings: &[&'i Binding<'a>],
        need: &Need,
        question: &Question<'_>,
    ) -> Option<Granted<'i, 'a>> {
        let access = self.escalation.access;
        let asked = Asked::new(question, access.numbers());
        counting(bindings, question.namespace).find_map(|binding| {
            let rule = access.rules(binding).find(|rule| {
                let by_some = || table::is_met_by_some(need, question.resource, rule);
                rule.covers(&asked) || rule.covers_some(&asked) && by_some()
            })?;
            let what = format!("{} {}", question.verb, question.full_resource());
            Some(Granted { what, binding, rule })
        })
    }

    fn gained(
        &self,
        gives: Gives,
        namespace: Option<&str>,
        grants: &[Granted<'i, 'a>],
    ) -> Vec<Gain> {
        let known = &self.escalation.known;
        let own = namespace.map(str::to_owned);
        let power = match gives {
            Gives::ClusterAdmin => Power::ClusterAdmin,
            Gives::Namespace => own.map_or(Power::ClusterAdmin, Power::Namespace),
            Gives::OwnRoles => return self.own_roles(namespace, grants),
            Gives::Accounts => return vec![Gain::All(Set::Accounts(own))],
            Gives::RunningAccounts => return vec![Gain::All(Set::Running(own))],
            Gives::Users => return vec![Gain::All(Set::Users)],
            // Whoever may be any group is a member of system:masters, but not by a
            // certificate: admission refuses that one.
            Gives::Groups if grants.iter().any(|granted| granted.what == "impersonate groups") => {
                Power::ClusterAdmin
            }
            Gives::Groups => return vec![Gain::All(Set::Groups)],
            Gives::AsAccounts => return self.as_others(Set::Accounts(own)).into_iter().collect(),
            Gives::AsUsers => return self.as_others(Set::Users).into_iter().collect(),
            Gives::AsGroups => return self.as_others(Set::Groups).into_iter().collect(),
            Gives::Secrets => Power::Secrets(own),
            Gives::NodesByPod => {
                match namespace.map(|namespace| known.privileged_pods(namespace)) {
                    None | Some(Privileged::Allowed) => Power::Nodes,
                    Some(Privileged::If(condition)) => {
                        return vec![Gain::One(Power::Nodes, Some(condition))];
                    }
                    Some(Privileged::Forbidden) => return Vec::new(),
                }
            }
            Gives::Nodes => Power::Nodes,
            Gives::Admission => Power::Admission,
            Gives::Scheduling => Power::Scheduling,
            Gives::Traffic => Power::Traffic(own),
            Gives::Pods => Power::Pods(own),
        };
        vec![Gain::sure(power)]
    }

    /// The namespaces in which a Role that can be rewritten is bound to who asks.
    fn own_roles(&self, namespace: Option<&str>, grants: &[Granted<'i, 'a>]) -> Vec<Gain> {
        if grants.is_empty() {
            return Vec::new();
        }
        let access = self.escalation.access;
        // Whoever sends has the roles that are bound to him, not to the other.
        let who = self.sender.as_ref().map_or(self.who, |sender| sender.who);
        let bindings = access.bindings_of(who, Some(namespace.unwrap_or(Question::ANY)));
        let mut found: Vec<&str> = bindings
            .filter(|binding| {
                access.role(binding).is_some_and(|role| &*role.object.thing.kind == "Role")
            })
            .filter_map(|binding| binding.namespace)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .map(|namespace| Gain::sure(Power::Namespace(namespace.to_owned())))
            .collect()
    }
}

/// The bindings that count in a namespace, or outside of all.
fn counting<'c, 'i, 'a>(
    bindings: &'c [&'i Binding<'a>],
    namespace: Option<&'c str>,
) -> impl Iterator<Item = &'i Binding<'a>> + use<'c, 'i, 'a> {
    let counts =
        move |binding: &&'i Binding<'a>| binding.namespace.is_none_or(|own| Some(own) == namespace);
    bindings.iter().copied().filter(counts)
}
