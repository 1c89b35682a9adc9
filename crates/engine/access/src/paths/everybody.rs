//! The same search backwards: who can come to hold one power.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{Escalation, Step};
use crate::escalation::Power;
use crate::{Identity, Subject};

/// The ways of everybody to one power.
#[derive(Debug)]
pub struct Everybody<'i, 'a> {
    goal: Power,
    /// The next step from a power.
    next: BTreeMap<Power, Step<'i, 'a>>,
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
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// Who can come to hold a power, without any condition. Every subject is
    /// looked at once, however many reach it.
    pub fn everybody_to(&self, goal: &Power) -> Everybody<'i, 'a> {
        // First only who leads where: all steps with their grants would be megabytes,
        // and few of them lead to the goal.
        let mut edges = Edges::default();
        for subject in self.subjects() {
            let from = Power::Is(subject);
            edges.add(&from, &self.steps_of(&from));
        }
        for power in edges.others() {
            edges.add(&power, &self.steps_of(&power));
        }
        let mut next = BTreeMap::new();
        let mut todo = VecDeque::from([goal.clone()]);
        while let Some(to) = todo.pop_front() {
            for from in edges.leading_to(&to) {
                if *from != *goal && !next.contains_key(from) {
                    todo.push_back(from.clone());
                    let steps = self.steps_of(from).into_iter();
                    let step = steps.filter(|step| step.condition.is_none() && step.to == to);
                    next.extend(step.take(1).map(|step| (from.clone(), step)));
                }
            }
        }
        Everybody { goal: goal.clone(), next }
    }

    fn steps_of(&self, from: &Power) -> Vec<Step<'i, 'a>> {
        match from {
            Power::Is(subject) => self.steps(from, &Identity::of(subject)),
            _ => self.follows(from),
        }
    }
}

/// From which powers others can be reached in one step.
#[derive(Default)]
struct Edges {
    powers: Vec<Power>,
    ids: HashMap<Power, usize>,
    /// By the id of what is reached.
    into: Vec<Vec<usize>>,
}

impl Edges {
    fn id(&mut self, power: &Power) -> usize {
        if let Some(id) = self.ids.get(power) {
            return *id;
        }
        self.ids.insert(power.clone(), self.powers.len());
        self.powers.push(power.clone());
        self.into.push(Vec::new());
        self.powers.len() - 1
    }

    fn add(&mut self, from: &Power, steps: &[Step<'_, '_>]) {
        let from = self.id(from);
        for step in steps.iter().filter(|step| step.condition.is_none()) {
            let to = self.id(&step.to);
            if self.into[to].last() != Some(&from) {
                self.into[to].push(from);
            }
        }
    }

    /// The powers that are nobody's identity, in their order.
    fn others(&self) -> Vec<Power> {
        let others = self.powers.iter().filter(|power| !matches!(power, Power::Is(_)));
        let mut others: Vec<Power> = others.cloned().collect();
        others.sort();
        others
    }

    fn leading_to(&self, to: &Power) -> impl Iterator<Item = &Power> {
        let from = self.ids.get(to).map_or(&[][..], |id| &self.into[*id]);
        from.iter().map(|from| &self.powers[*from])
    }
}
