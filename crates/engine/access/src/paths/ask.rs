//! What one identity may do, and which steps follow.

use super::known::Privileged;
use super::{Escalation, Granted, Step};
use crate::escalation::{Gives, Name, Need, Power, Way};
use crate::subject::MASTERS;
use crate::{Identity, Question, Subject};

/// Asks what one identity may do.
pub(super) struct Asker<'e, 'i, 'a> {
    pub(super) escalation: &'e Escalation<'i, 'a>,
    pub(super) who: &'e Identity,
    pub(super) from: &'e Power,
}

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// The steps of a way in a namespace (none: everywhere); whether it is open.
    pub(super) fn take(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        steps: &mut Vec<Step<'i, 'a>>,
    ) -> bool {
        let Some(grants) = self.all(way, namespace, "") else {
            if way.needs.iter().any(|need| matches!(need.name, Name::Gained)) {
                self.take_by_name(way, namespace, steps);
            }
            return false;
        };
        for gives in way.gives {
            for (to, condition) in self.gained(*gives, namespace, &grants) {
                steps.push(self.step(way, namespace, to, grants.clone(), condition));
            }
        }
        true
    }

    /// Rules with resourceNames let some be gained.
    fn take_by_name(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        steps: &mut Vec<Step<'i, 'a>>,
    ) {
        let bindings = self.escalation.access.bindings_of(self.who, Some(Question::ANY));
        let rules = bindings.flat_map(|binding| self.escalation.access.rules(binding));
        let mut names: Vec<&str> = rules.flat_map(|rule| rule.strings("resourceNames")).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Some(grants) = self.all(way, namespace, name) else { continue };
            for gives in way.gives {
                let gained = match (gives, namespace) {
                    (Gives::Groups, _) if name == MASTERS => Power::ClusterAdmin,
                    (Gives::Groups, _) => Power::Is(Subject::Group(name.to_owned())),
                    (Gives::Users, _) => match Subject::user(name) {
                        user @ Subject::User(_) => Power::Is(user),
                        // A ServiceAccount is impersonated by its own resource only.
                        _ => continue,
                    },
                    (Gives::Accounts, Some(namespace)) => {
                        Power::Is(Subject::account(namespace, name))
                    }
                    (Gives::Accounts, None) => {
                        let known = self.escalation.known.accounts(None);
                        let same = known.filter(|account| matches!(account, Subject::ServiceAccount(_, own) if own == name));
                        for account in same {
                            steps.push(self.step(
                                way,
                                None,
                                Power::Is(account),
                                grants.clone(),
                                None,
                            ));
                        }
                        continue;
                    }
                    _ => continue,
                };
                steps.push(self.step(way, namespace, gained, grants.clone(), None));
            }
        }
    }

    fn step(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        to: Power,
        grants: Vec<Granted<'i, 'a>>,
        condition: Option<String>,
    ) -> Step<'i, 'a> {
        let namespace = namespace.map(str::to_owned);
        Step { way, from: self.from.clone(), to, namespace, grants, condition }
    }

    /// What grants every need; none when one is not granted.
    fn all(
        &self,
        way: &Way,
        namespace: Option<&str>,
        gained: &str,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        way.needs.iter().map(|need| self.one(need, namespace, gained)).collect()
    }

    fn one(&self, need: &Need, namespace: Option<&str>, gained: &str) -> Option<Granted<'i, 'a>> {
        let (name, any_of_domain) = match need.name {
            Name::Any => ("", None),
            Name::Gained => (gained, None),
            // Signers are allowed by their domain too.
            Name::Is(name) => (name, name.split_once('/').map(|(domain, _)| format!("{domain}/*"))),
        };
        let names = [Some(name), any_of_domain.as_deref()];
        need.any.iter().find_map(|what| {
            let pairs =
                what.verbs.iter().flat_map(|verb| what.resources.iter().map(move |r| (*verb, *r)));
            pairs.into_iter().find_map(|(verb, full)| {
                let (resource, subresource) = full.split_once('/').unwrap_or((full, ""));
                names.into_iter().flatten().find_map(|name| {
                    let question = Question {
                        subresource,
                        name,
                        namespace: if need.cluster { None } else { namespace },
                        ..Question::new(verb, what.group, resource)
                    };
                    let (binding, rule) = self.escalation.access.granted(self.who, &question)?;
                    Some(Granted { what: format!("{verb} {full}"), binding, rule })
                })
            })
        })
    }

    fn gained(
        &self,
        gives: Gives,
        namespace: Option<&str>,
        grants: &[Granted<'i, 'a>],
    ) -> Vec<(Power, Option<String>)> {
        let known = &self.escalation.known;
        let own = namespace.map(str::to_owned);
        let sure = |power| vec![(power, None)];
        let each = |subjects: Vec<Subject>| -> Vec<(Power, Option<String>)> {
            subjects.into_iter().map(|subject| (Power::Is(subject), None)).collect()
        };
        match gives {
            Gives::ClusterAdmin => sure(Power::ClusterAdmin),
            Gives::Namespace => sure(own.map_or(Power::ClusterAdmin, Power::Namespace)),
            Gives::OwnRoles => self.own_roles(namespace, grants),
            Gives::Accounts => each(known.accounts(namespace).collect()),
            Gives::RunningAccounts => each(known.running(namespace).collect()),
            Gives::Users => each(known.users.iter().cloned().collect()),
            // Whoever may be any group is a member of system:masters, but not by a
            // certificate: admission refuses that one.
            Gives::Groups if grants.iter().any(|granted| granted.what == "impersonate groups") => {
                sure(Power::ClusterAdmin)
            }
            Gives::Groups => each(known.groups.iter().cloned().collect()),
            Gives::Secrets => sure(Power::Secrets(own)),
            Gives::Nodes => sure(Power::Nodes),
            Gives::NodesByPod => match namespace {
                None => sure(Power::Nodes),
                Some(namespace) => match known.privileged_pods(namespace) {
                    Privileged::Allowed => sure(Power::Nodes),
                    Privileged::If(condition) => vec![(Power::Nodes, Some(condition))],
                    Privileged::Forbidden => Vec::new(),
                },
            },
            Gives::Admission => sure(Power::Admission),
            Gives::Scheduling => sure(Power::Scheduling),
            Gives::Traffic => sure(Power::Traffic(own)),
            Gives::Pods => sure(Power::Pods(own)),
        }
    }

    /// The namespaces in which a Role that can be rewritten is bound to who asks.
    fn own_roles(
        &self,
        namespace: Option<&str>,
        grants: &[Granted<'i, 'a>],
    ) -> Vec<(Power, Option<String>)> {
        if grants.is_empty() {
            return Vec::new();
        }
        let access = self.escalation.access;
        let bindings = access.bindings_of(self.who, Some(namespace.unwrap_or(Question::ANY)));
        let mut found: Vec<&str> = bindings
            .filter(|binding| {
                access.role(binding).is_some_and(|role| &*role.object.thing.kind == "Role")
            })
            .filter_map(|binding| binding.namespace)
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|namespace| (Power::Namespace(namespace.to_owned()), None)).collect()
    }
}
