//! What a check may cost. The API server allows each evaluation of a policy so much that
//! a check of many objects would take hours; here all of them together end in about a
//! minute. Costs are counted in the API server's units, so that what is told hangs
//! neither on the machine nor on how much of an estate is judged at once.

use std::cell::Cell;

/// What a check may cost, in the API server's units: about a minute on one core.
const TOTAL: u64 = 1_000_000_000;

/// What one policy may always cost about one object; most cost less than 1,000.
const LEAST: u64 = 5_000;

/// What the inputs of one evaluation cost to make, and the object that comes out of one.
pub(crate) const EVALUATION: u64 = 100;

/// What each of some policies may cost about each of some objects. How many objects there
/// are counts roughly, so that it seldom changes when one comes or goes.
pub(crate) fn share(n_policies: usize, n_objects: usize) -> u64 {
    let objects = (n_objects.max(1) as u64).next_power_of_two();
    (TOTAL / objects / n_policies.max(1) as u64).max(LEAST)
}

/// What one policy may still cost about one object.
#[derive(Debug)]
pub(crate) struct Allowance {
    share: u64,
    left: Cell<u64>,
}

impl Allowance {
    pub(crate) fn new(share: u64) -> Allowance {
        Allowance { share, left: Cell::new(share) }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left.get()
    }

    pub(crate) fn take(&self, cost: u64) {
        self.left.set(self.left.get().saturating_sub(cost));
    }

    /// Why what the policy says is not known.
    pub(crate) fn spent(&self) -> String {
        format!(
            "more cost units than the {} that one policy may cost about one object when so many \
             are checked; check fewer at once, or only this policy (--only)",
            self.share
        )
    }
}
