//! The same search backwards: who can come to hold one power.

use std::collections::{BTreeMap, VecDeque};

use super::{Escalation, Step};
use crate::escalation::Power;
use crate::{Identity, Subject};

/// The ways of everybody to one power.
#[derive(Debug)]
pub struct Everybody<'i, 'a> {
    /// The next step from a power.
    next: BTreeMap<Power, Step<'i, 'a>>,
}

impl<'i, 'a> Everybody<'i, 'a> {
    /// The shortest path of a subject; none when there is none.
    pub fn path(&self, subject: &Subject) -> Option<Vec<&Step<'i, 'a>>> {
        let mut steps = vec![self.next.get(&Power::Is(subject.clone()))?];
        while let Some(step) = steps.last().and_then(|step| self.next.get(&step.to)) {
            steps.push(step);
        }
        Some(steps)
    }
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// Who can come to hold a power, without any condition. Every subject is
    /// looked at once, however many reach it.
    pub fn everybody_to(&self, goal: &Power) -> Everybody<'i, 'a> {
        let mut into: BTreeMap<Power, Vec<Step<'i, 'a>>> = BTreeMap::new();
        let mut powers: Vec<Power> = Vec::new();
        let add =
            |steps: Vec<Step<'i, 'a>>, into: &mut BTreeMap<_, Vec<_>>, powers: &mut Vec<_>| {
                for step in steps.into_iter().filter(|step| step.condition.is_none()) {
                    if !matches!(step.to, Power::Is(_)) {
                        powers.push(step.to.clone());
                    }
                    into.entry(step.to.clone()).or_default().push(step);
                }
            };
        for subject in self.subjects() {
            let steps = self.steps(&Power::Is(subject.clone()), &Identity::of(&subject));
            add(steps, &mut into, &mut powers);
        }
        powers.sort();
        powers.dedup();
        for power in powers {
            add(self.follows(&power), &mut into, &mut Vec::new());
        }
        let mut next = BTreeMap::new();
        let mut todo = VecDeque::from([goal.clone()]);
        while let Some(to) = todo.pop_front() {
            for step in into.remove(&to).unwrap_or_default() {
                if step.from != *goal && !next.contains_key(&step.from) {
                    todo.push_back(step.from.clone());
                    next.insert(step.from.clone(), step);
                }
            }
        }
        Everybody { next }
    }
}
