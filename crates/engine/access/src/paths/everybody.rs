//! The same search backwards: who can come to hold one power.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::alike::Alike;
use super::open::{Gain, Open, Set};
use super::{Escalation, Step};
use crate::Subject;
use crate::escalation::Power;

/// The ways of everybody to one power.
#[derive(Debug)]
pub struct Everybody<'i, 'a> {
    goal: Power,
    /// The next step from a power.
    next: BTreeMap<Power, Step<'i, 'a>>,
    /// Of each set of powers that ways give, where those are that lead on.
    leads: HashMap<Set, Arc<Leads>>,
}

/// Where powers are that lead on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Leads {
    /// Whether one of them is of no namespace.
    pub(crate) anywhere: bool,
    /// The namespaces of the others.
    pub(crate) namespaces: BTreeSet<String>,
    /// As whom somebody may send the requests that lead on.
    pub(crate) others: BTreeSet<Subject>,
}

impl Leads {
    fn add(&mut self, power: &Power) {
        if let Power::As(_, other) = power {
            self.others.insert(other.clone());
        }
        match place(power) {
            None => self.anywhere = true,
            Some(namespace) => _ = self.namespaces.insert(namespace.to_owned()),
        }
    }

    fn is_none(&self) -> bool {
        !self.anywhere && self.namespaces.is_empty()
    }
}

/// The namespace in which a power is taken.
fn place(power: &Power) -> Option<&str> {
    match power {
        Power::Is(Subject::ServiceAccount(namespace, _))
        | Power::As(_, Subject::ServiceAccount(namespace, _))
        | Power::Namespace(namespace)
        | Power::SecretsOfPods(namespace)
        | Power::Pod(namespace, _)
        | Power::Role(namespace, _) => Some(namespace),
        Power::Secrets(namespace) | Power::Pods(namespace) | Power::ClusterRole(_, namespace) => {
            namespace.as_deref()
        }
        _ => None,
    }
}

impl<'i, 'a> Everybody<'i, 'a> {
    /// Whether the goal can be reached from a power, or is it.
    pub fn reaches(&self, power: &Power) -> bool {
        *power == self.goal || self.next.contains_key(power)
    }

    /// The shortest path of a subject; none when there is none.
    pub fn path(&self, subject: &Subject) -> Option<Vec<&Step<'i, 'a>>> {
        let mut steps = vec![self.next.get(&Power::Is(subject.clone()))?];
        while let Some(step) = steps.last().and_then(|step| self.next.get(&step.to)) {
            steps.push(step);
        }
        Some(steps)
    }

    /// Where what a way gives leads on; nothing where it does not.
    pub(crate) fn leads(&self, open: &Open<'_, '_>) -> Vec<Arc<Leads>> {
        let leads = open.gains.iter().filter_map(|gain| match gain {
            Gain::One(power, None) if self.reaches(power) => {
                let mut leads = Leads::default();
                leads.add(power);
                Some(Arc::new(leads))
            }
            Gain::One(..) => None,
            Gain::All(set) => self.leads.get(set).filter(|leads| !leads.is_none()).cloned(),
        });
        leads.collect()
    }
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// Who can come to hold a power, without any condition. Every subject is
    /// looked at once, however many reach it, and so is everybody to whom many lead.
    pub fn everybody_to(&self, goal: &Power) -> Everybody<'i, 'a> {
        // First only who leads where: all steps with their grants would be megabytes,
        // and few of them lead to the goal.
        let mut edges = Edges::of(self);
        for subject in self.subjects() {
            edges.add(Power::Is(subject));
        }
        while let Some(power) = edges.next_other() {
            edges.add(power);
        }
        let mut next = BTreeMap::new();
        let mut todo = VecDeque::from([goal.clone()]);
        while let Some(to) = todo.pop_front() {
            for from in edges.leading_to(&to) {
                if from == *goal || next.contains_key(&from) {
                    continue;
                }
                let Some(step) = self.step(&from, &to) else { continue };
                next.insert(from.clone(), step);
                todo.push_back(from);
            }
        }
        let mut everybody = Everybody { goal: goal.clone(), next, leads: HashMap::new() };
        for set in edges.sets.into_keys() {
            let mut leads = Leads::default();
            for power in edges.alike.leading(&set).into_iter().filter(|it| everybody.reaches(it)) {
                leads.add(&power);
            }
            if let Set::As(sender, others) = &set {
                // Who is like one of them leads on too.
                for kin in edges.alike.kin(others).iter() {
                    if kin.iter().any(|other| leads.others.contains(other)) {
                        let kin = kin.iter().filter(|other| *other != &**sender);
                        kin.for_each(|other| {
                            leads.add(&Power::As((**sender).clone(), other.clone()));
                        });
                    }
                }
            }
            everybody.leads.insert(set, Arc::new(leads));
        }
        everybody
    }

    /// The first step without a condition.
    fn step(&self, from: &Power, to: &Power) -> Option<Step<'i, 'a>> {
        let open = self.open_from(from);
        let found = open.iter().find(|open| {
            open.gains.iter().any(|gain| match gain {
                Gain::One(power, None) => power == to,
                Gain::One(_, Some(_)) => false,
                Gain::All(set) => self.is_member(set, to),
            })
        });
        Some(found?.step(from, to.clone(), None))
    }
}

/// From which powers others can be reached in one step.
struct Edges<'e, 'i, 'a> {
    alike: Alike<'e, 'i, 'a>,
    /// Those that were looked at, in order.
    from: Vec<Power>,
    /// Those that are nobody's identity, and were not looked at yet.
    others: BTreeSet<Power>,
    /// By what is reached, indices of `from`.
    into: HashMap<Power, Vec<u32>>,
    /// The sets that are reached, likewise; emptied once somebody in them leads on.
    sets: HashMap<Set, Vec<u32>>,
    /// By what is in sets, which these are.
    sets_of: HashMap<Power, Vec<Set>>,
}

impl<'e, 'i, 'a> Edges<'e, 'i, 'a> {
    fn of(escalation: &'e Escalation<'i, 'a>) -> Edges<'e, 'i, 'a> {
        Edges {
            alike: Alike::new(escalation),
            from: Vec::new(),
            others: BTreeSet::new(),
            into: HashMap::new(),
            sets: HashMap::new(),
            sets_of: HashMap::new(),
        }
    }

    fn add(&mut self, from: Power) {
        let index = self.from.len() as u32;
        for gain in self.alike.gains(&from).iter() {
            let list = match gain {
                Gain::One(_, Some(_)) => continue,
                Gain::One(power, None) => {
                    if !matches!(power, Power::Is(_)) && !self.into.contains_key(power) {
                        self.others.insert(power.clone());
                    }
                    self.into.entry(power.clone()).or_default()
                }
                Gain::All(set) => {
                    if !self.sets.contains_key(set) {
                        for member in self.alike.leading(set) {
                            if !matches!(member, Power::Is(_)) {
                                self.others.insert(member.clone());
                            }
                            self.sets_of.entry(member).or_default().push(set.clone());
                        }
                    }
                    self.sets.entry(set.clone()).or_default()
                }
            };
            if list.last() != Some(&index) {
                list.push(index);
            }
        }
        self.from.push(from);
    }

    fn next_other(&mut self) -> Option<Power> {
        self.others.pop_first()
    }

    /// The powers that lead to one; those that lead to a set of it are told once.
    fn leading_to(&mut self, to: &Power) -> Vec<Power> {
        let mut from = self.into.get(to).cloned().unwrap_or_default();
        for set in self.sets_of.get(to).into_iter().flatten() {
            from.extend(self.sets.get_mut(set).map(std::mem::take).unwrap_or_default());
        }
        from.sort_unstable();
        from.dedup();
        from.iter().map(|index| self.from[*index as usize].clone()).collect()
    }
}
