//! What somebody may send as somebody else by constrained impersonation.

use std::collections::HashMap;

use super::Escalation;
use super::ask::{Asker, names_of, namespaces_of};
use super::open::{Gain, Open, Set};
use crate::escalation::Power;
use crate::impersonation::{Other, USER_INFO, sent};
use crate::subject::MASTERS;
use crate::{Binding, Identity, Question, Subject};

/// Who sends what is asked as somebody else.
pub(super) struct Sender<'i, 'a> {
    /// The mode that is the other's.
    pub(super) mode: &'static str,
    /// What counts for the sender.
    pub(super) bindings: Vec<&'i Binding<'a>>,
}

/// The mode by which somebody is impersonated.
pub(super) fn mode(other: &Subject) -> &'static str {
    match other {
        Subject::ServiceAccount(..) => "serviceaccount",
        Subject::User(_) | Subject::Group(_) => USER_INFO,
    }
}

/// Whether a mode takes somebody: nodes have one of their own, and nobody is made a member
/// of `system:masters`.
pub(super) fn may_be_sent_as(other: &Subject) -> bool {
    match other {
        Subject::User(name) => Other::of(name) == Other::User,
        Subject::Group(name) => name != MASTERS,
        Subject::ServiceAccount(..) => true,
    }
}

/// The verbs that registries and admission ask about who sends a request, who is the other
/// then; of the sender nobody asks them.
pub(super) fn is_asked_inside(verb: &str) -> bool {
    ["approve", "bind", "escalate", "sign"].contains(&verb)
}

/// What else than its own verb a request may have by which something is done: a WebSocket
/// that reaches into a pod is opened by GET, and only then the other is asked for create.
pub(super) fn opened_by(verb: &str, full: &str) -> Option<&'static str> {
    let is_stream = ["pods/exec", "pods/attach", "pods/portforward"].contains(&full);
    (verb == "create" && is_stream).then_some("get")
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// What is open to whoever sends as somebody else.
    pub(super) fn open_as(&self, sender: &Identity, other: &Subject) -> Vec<Open<'i, 'a>> {
        if !self.leads(other) {
            return Vec::new();
        }
        let who = Identity::of(other);
        let all = |who: &Identity| -> Vec<&'i Binding<'a>> {
            self.access.bindings_of(who, Some(Question::ANY)).collect()
        };
        let (bindings, of_sender) = (all(&who), all(sender));
        let both = || bindings.iter().chain(&of_sender).copied();
        let (names, namespaces) = (names_of(self.access, both()), namespaces_of(both()));
        let sender = Sender { mode: mode(other), bindings: of_sender };
        let asker = Asker {
            escalation: self,
            subject: Some(other),
            who: &who,
            bindings,
            names,
            sender: Some(sender),
            inside: false,
        };
        let mut found = Vec::new();
        self.walk(&asker, &namespaces, &mut found);
        found
    }

    /// Whether any way can be open to somebody.
    pub(super) fn leads(&self, subject: &Subject) -> bool {
        let look = |subject: &Subject| {
            let who = Identity::of(subject);
            let mut bindings = self.access.bindings_of(&who, Some(Question::ANY));
            bindings.any(|binding| binding.role.is_some_and(|role| self.table.leads(role as usize)))
        };
        let known = self.leading.get_or_init(|| {
            let subjects = self.subjects();
            subjects.map(|subject| (subject.clone(), look(&subject))).collect::<HashMap<_, _>>()
        });
        known.get(subject).copied().unwrap_or_else(|| look(subject))
    }
}

impl Asker<'_, '_, '_> {
    /// Those of a set, as whom requests may be sent if any may.
    pub(super) fn as_others(&self, others: Set) -> Option<Gain> {
        let mode = match others {
            Set::Users | Set::Groups => USER_INFO,
            _ => "serviceaccount",
        };
        let set = Set::As(Box::new(self.subject?.clone()), Box::new(others));
        self.sends(mode).then_some(Gain::All(set))
    }

    /// One of them.
    pub(super) fn as_other(&self, other: Subject) -> Option<Gain> {
        let may = may_be_sent_as(&other) && self.sends(mode(&other));
        let sender = self.subject.filter(|_| may)?;
        Some(Gain::sure(Power::As(sender.clone(), other)))
    }

    /// Whether any request may be sent by a mode.
    fn sends(&self, mode: &str) -> bool {
        let access = self.escalation.access;
        let rules = self.bindings.iter().flat_map(|binding| access.rules(binding));
        rules.flat_map(|rule| rule.strings("verbs")).any(|verb| sent(verb, mode).is_some())
    }

    /// Whether whom a gain lets send requests as is had as a whole already.
    pub(super) fn is_needless(&self, gain: &Gain, found: &[Open<'_, '_>]) -> bool {
        let mut had = found.iter().flat_map(|open| &open.gains);
        match gain {
            Gain::All(Set::As(_, others)) => had.any(|gain| match gain {
                Gain::All(Set::Accounts(None)) => {
                    matches!(**others, Set::Accounts(_) | Set::AccountsNamed(_))
                }
                Gain::All(set) => *set == **others,
                Gain::One(power, condition) => *power == Power::ClusterAdmin && condition.is_none(),
            }),
            Gain::One(Power::As(_, other), _) => {
                let other = Power::Is(other.clone());
                had.any(|gain| match gain {
                    Gain::All(set) => self.escalation.is_member(set, &other),
                    Gain::One(power, condition) => {
                        condition.is_none() && (*power == other || *power == Power::ClusterAdmin)
                    }
                })
            }
            _ => false,
        }
    }
}
