//! Who may send what as whom, of thousands at once: whoever is bound to the same roles in
//! the same places is alike, and one of them is looked at for all.

use std::collections::HashMap;
use std::rc::Rc;

use super::Escalation;
use super::open::{Gain, Set};
use super::sent::{may_be_sent_as, mode};
use crate::escalation::Power;
use crate::{Identity, Question, Subject};

/// Roles, and where they are bound; none for everywhere.
type Bound<'a> = Vec<(u32, Option<&'a str>)>;

/// Those of a set who are alike.
pub(super) type Kin = Vec<Subject>;

/// What a role is for.
#[derive(Clone, Copy)]
struct Use {
    /// Whether it lets one send as somebody else.
    sends: bool,
    /// Whether it may let one rewrite roles: those of who sends.
    escalates: bool,
}

pub(super) struct Alike<'e, 'i, 'a> {
    escalation: &'e Escalation<'i, 'a>,
    /// Numbers of what subjects are bound to.
    numbers: HashMap<Bound<'a>, u32>,
    /// Of a subject, of all that it is bound to and of that by which it sends as others.
    of: HashMap<Subject, [u32; 2]>,
    /// Of each role, by its index, what it is for who is bound to it.
    roles: Vec<Use>,
    /// What is open to a sender as another of a mode, by their numbers.
    gains: HashMap<(u32, u32, &'static str), Rc<[Gain]>>,
    kin: HashMap<Set, Rc<[Kin]>>,
}

impl<'e, 'i, 'a> Alike<'e, 'i, 'a> {
    pub(super) fn new(escalation: &'e Escalation<'i, 'a>) -> Alike<'e, 'i, 'a> {
        let access = escalation.access;
        let roles = access.roles().iter().map(|role| {
            let has = |is: fn(&str) -> bool| {
                let verbs = access.rules_of(role).flat_map(|rule| rule.strings("verbs"));
                verbs.into_iter().any(|verb| verb == "*" || is(verb))
            };
            Use {
                sends: has(|verb| verb.starts_with("impersonate-on:")),
                escalates: has(|verb| verb == "escalate"),
            }
        });
        Alike {
            escalation,
            numbers: HashMap::new(),
            of: HashMap::new(),
            roles: roles.collect(),
            gains: HashMap::new(),
            kin: HashMap::new(),
        }
    }

    /// The numbers of all that a subject is bound to, and of that by which it sends.
    fn numbers(&mut self, subject: &Subject) -> [u32; 2] {
        if let Some(numbers) = self.of.get(subject) {
            return *numbers;
        }
        let who = Identity::of(subject);
        let bindings = self.escalation.access.bindings_of(&who, Some(Question::ANY));
        let mut bound: Bound<'a> =
            bindings.filter_map(|binding| Some((binding.role?, binding.namespace))).collect();
        bound.sort_unstable();
        bound.dedup();
        let sends = |(role, _): &(u32, _)| self.roles[*role as usize].sends;
        let sending: Bound<'a> = bound.iter().copied().filter(sends).collect();
        let numbers = [bound, sending].map(|bound| {
            let next = self.numbers.len() as u32;
            *self.numbers.entry(bound).or_insert(next)
        });
        self.of.insert(subject.clone(), numbers);
        numbers
    }

    /// Whether somebody may rewrite roles.
    fn escalates(&self, subject: &Subject) -> bool {
        let who = Identity::of(subject);
        let bindings = self.escalation.access.bindings_of(&who, Some(Question::ANY));
        let mut roles = bindings.filter_map(|binding| binding.role);
        roles.any(|role| self.roles[role as usize].escalates)
    }

    /// What is open from a power.
    pub(super) fn gains(&mut self, from: &Power) -> Rc<[Gain]> {
        let key = match from {
            Power::As(sender, other) => {
                let [all, sending] = self.numbers(sender);
                let of_sender = if self.escalates(other) { all } else { sending };
                Some((of_sender, self.numbers(other)[0], mode(other)))
            }
            _ => None,
        };
        if let Some(known) = key.and_then(|key| self.gains.get(&key)) {
            return Rc::clone(known);
        }
        let open = self.escalation.open_from(from);
        let gains: Rc<[Gain]> = open.into_iter().flat_map(|open| open.gains).collect();
        if let Some(key) = key {
            self.gains.insert(key, Rc::clone(&gains));
        }
        gains
    }

    /// Those of a set from whom anything can be open; of those who are alike, as whom
    /// somebody may send requests, one.
    pub(super) fn leading(&mut self, set: &Set) -> Vec<Power> {
        let Set::As(sender, others) = set else {
            return self.escalation.leading(set).collect();
        };
        let kin = self.kin(others);
        let first = kin.iter().filter_map(|kin| kin.iter().find(|other| *other != &**sender));
        first.map(|other| Power::As((**sender).clone(), other.clone())).collect()
    }

    /// Those of a set as whom requests may be sent that lead on, by who is alike.
    pub(super) fn kin(&mut self, others: &Set) -> Rc<[Kin]> {
        if let Some(known) = self.kin.get(others) {
            return Rc::clone(known);
        }
        let mut all: Vec<Kin> = Vec::new();
        let mut places = HashMap::new();
        for power in self.escalation.members(others) {
            let Power::Is(other) = power else { continue };
            if !may_be_sent_as(&other) || !self.escalation.leads(&other) {
                continue;
            }
            let [number, _] = self.numbers(&other);
            let place = *places.entry(number).or_insert(all.len());
            match all.get_mut(place) {
                Some(kin) => kin.push(other),
                None => all.push(vec![other]),
            }
        }
        let kin: Rc<[Kin]> = all.into();
        self.kin.insert(others.clone(), Rc::clone(&kin));
        kin
    }
}
