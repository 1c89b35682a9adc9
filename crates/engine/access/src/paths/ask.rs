//! What one identity may do, and which steps follow.

use super::known::Privileged;
use super::{Escalation, Granted, Step, table};
use crate::escalation::{Gives, Name, Power, Way};
use crate::subject::MASTERS;
use crate::{Binding, Identity, Question, Subject};

/// Asks what one identity may do.
pub(super) struct Asker<'e, 'i, 'a> {
    pub(super) escalation: &'e Escalation<'i, 'a>,
    pub(super) who: &'e Identity,
    pub(super) from: &'e Power,
    /// Its bindings, looked up once for all ways: those of each of its names together,
    /// those that count everywhere first.
    pub(super) bindings: Vec<&'i Binding<'a>>,
    /// The names that the rules limit themselves to.
    pub(super) names: Vec<&'a str>,
}

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// The steps of a way in a namespace (none: everywhere); whether it is open.
    pub(super) fn take(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        steps: &mut Vec<Step<'i, 'a>>,
    ) -> bool {
        let Some(grants) = self.all(index, way, namespace) else {
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
        for &name in &self.names {
            let Some(grants) = self.all_by_name(way, namespace, name) else { continue };
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
        index: usize,
        way: &Way,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let (access, table) = (self.escalation.access, &self.escalation.table);
        let needs = way.needs.iter().enumerate();
        let granted = needs.map(|(at, need)| {
            let place = if need.cluster { None } else { namespace };
            let counts = |binding: &&&'i Binding<'a>| {
                binding.namespace.is_none()
                    || place.is_some_and(|place| binding.namespace == Some(place))
            };
            self.bindings.iter().filter(counts).find_map(|binding| {
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
        let needs = way.needs.iter();
        let granted = needs.map(|need| {
            table::questions(need, gained).find_map(|(verb, group, full, name)| {
                let question = Question {
                    namespace: if need.cluster { None } else { namespace },
                    ..table::question(verb, group, full, &name)
                };
                let (binding, rule) = self.escalation.access.granted(self.who, &question)?;
                Some(Granted { what: format!("{verb} {full}"), binding, rule })
            })
        });
        granted.collect()
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
