//! Proofs by control.

use std::collections::BTreeMap;
use std::time::Duration;

use ironhull_canary::{Canary, Guard, Obstacle, Outcome, Proof, Wrapping};

/// What was proven.
pub(super) struct Proven<'p> {
    pub(super) target: &'p str,
    pub(super) canaries: &'p [Canary<'p>],
    pub(super) n_namespaces: usize,
    pub(super) proofs: &'p [Proof],
    /// Who is impersonated for everything.
    pub(super) user: Option<&'p str>,
    /// Whether pods were also sent inside of workloads.
    pub(super) workloads: bool,
    /// Whether what is the platform's own is told apart: it is not what was asked for.
    pub(super) apart: bool,
    pub(super) elapsed: Option<Duration>,
}

/// What one place showed.
pub(crate) enum Shown<'p> {
    Stopped(&'p Guard),
    Changed,
    Warned(&'p Guard),
    Open,
    Untried,
}

impl<'p> Shown<'p> {
    fn of(outcome: &'p Outcome) -> Shown<'p> {
        match outcome {
            Outcome::Stopped { by, .. } => Shown::Stopped(by),
            Outcome::Changed => Shown::Changed,
            Outcome::NotStopped { warned: Some((by, _)) } => Shown::Warned(by),
            Outcome::NotStopped { warned: None } => Shown::Open,
            Outcome::Untried { .. } => Shown::Untried,
        }
    }
}

/// What became of one control's canary in all places.
pub(crate) struct Summary<'p> {
    pub(crate) canary: &'p Canary<'p>,
    /// What was shown, by namespace; the empty one is the cluster.
    pub(crate) all: Vec<(&'p str, Shown<'p>)>,
    /// Places by who stopped it there.
    pub(super) stopped: BTreeMap<String, Vec<&'p str>>,
    /// Places where it was admitted without its fault.
    pub(super) changed: Vec<&'p str>,
    /// Places by who only warned.
    pub(super) warned: BTreeMap<String, Vec<&'p str>>,
    /// Places where nobody minded.
    pub(super) open: Vec<&'p str>,
    /// Those of them where it was stopped in its own container, by that in which it was not.
    pub(super) elsewhere: BTreeMap<&'static str, Vec<&'p str>>,
    /// Places by why nothing was shown, and in whose words.
    pub(super) untried: BTreeMap<Obstacle, (Vec<&'p str>, &'p str)>,
}

impl Summary<'_> {
    /// Whether it is created somewhere.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty() || !self.warned.is_empty()
    }

    /// Whether it is stopped, or made harmless, wherever it was tried.
    pub(super) fn is_stopped(&self) -> bool {
        let is_caught = !self.stopped.is_empty() || !self.changed.is_empty();
        is_caught && !self.is_open()
    }
}

/// Where a pod fares otherwise inside of what makes pods.
pub(super) struct Difference<'p> {
    pub(super) canary: &'p Canary<'p>,
    /// Places by the kinds as which it is stopped there, and those as which it is not.
    pub(super) places: BTreeMap<(Kinds, Kinds), Vec<&'p str>>,
}

type Kinds = Vec<&'static str>;

impl<'p> Proven<'p> {
    /// The controls whose canary fares otherwise inside of something, by their name.
    pub(super) fn differences(&self) -> Vec<Difference<'p>> {
        let mut by_place: BTreeMap<(&str, &'p str), (usize, Kinds, Kinds)> = BTreeMap::new();
        for proof in self.proofs {
            let is_caught = match proof.outcome {
                // Inside of workloads it is in its own container.
                _ if proof.elsewhere.is_some() => true,
                Outcome::Stopped { .. } | Outcome::Changed => true,
                Outcome::NotStopped { .. } => false,
                Outcome::Untried { .. } => continue,
            };
            let canary = proof.trial.canary;
            let key = (&*self.canaries[canary].control.id, &*proof.trial.namespace);
            let (_, caught, open) = by_place.entry(key).or_insert((canary, Vec::new(), Vec::new()));
            let kinds = if is_caught { caught } else { open };
            kinds.push(proof.trial.inside.map_or("Pod", Wrapping::kind));
        }
        let mut found: BTreeMap<&str, Difference<'p>> = BTreeMap::new();
        for ((control, namespace), (canary, caught, open)) in by_place {
            if caught.is_empty() || open.is_empty() {
                continue;
            }
            let difference = found.entry(control).or_insert_with(|| Difference {
                canary: &self.canaries[canary],
                places: BTreeMap::new(),
            });
            difference.places.entry((caught, open)).or_default().push(namespace);
        }
        found.into_values().collect()
    }

    /// The summaries of what admission is there to stop, and of the platform's own.
    pub(super) fn parts(&self) -> [Vec<Summary<'p>>; 2] {
        let is_own = |summary: &Summary<'_>| self.apart && summary.canary.is_of_platform();
        let (own, counted) = self.summaries().into_iter().partition(is_own);
        [counted, own]
    }

    /// One summary for each canary: the worst first, then by control.
    fn summaries(&self) -> Vec<Summary<'p>> {
        let mut summaries: Vec<Summary<'p>> = self
            .canaries
            .iter()
            .map(|canary| Summary {
                canary,
                all: Vec::new(),
                stopped: BTreeMap::new(),
                changed: Vec::new(),
                warned: BTreeMap::new(),
                open: Vec::new(),
                elsewhere: BTreeMap::new(),
                untried: BTreeMap::new(),
            })
            .collect();
        // A workload that is admitted is no hole where its pods are refused.
        for proof in self.proofs.iter().filter(|proof| proof.trial.inside.is_none()) {
            let place = match proof.trial.namespace.as_str() {
                "" => "the cluster",
                namespace => namespace,
            };
            let summary = &mut summaries[proof.trial.canary];
            summary.all.push((&proof.trial.namespace, Shown::of(&proof.outcome)));
            match &proof.outcome {
                Outcome::Stopped { by, .. } => {
                    summary.stopped.entry(by.to_string()).or_default().push(place);
                }
                Outcome::Changed => summary.changed.push(place),
                Outcome::NotStopped { warned: Some((by, _)) } => {
                    summary.warned.entry(by.to_string()).or_default().push(place);
                }
                Outcome::NotStopped { warned: None } => {
                    summary.open.push(place);
                    if let Some(container) = proof.elsewhere {
                        summary.elsewhere.entry(container).or_default().push(place);
                    }
                }
                Outcome::Untried { why, message } => {
                    let untried = summary.untried.entry(*why).or_insert((Vec::new(), message));
                    untried.0.push(place);
                }
            }
        }
        summaries.sort_by(|a, b| {
            (b.canary.severity, &a.canary.control.id)
                .cmp(&(a.canary.severity, &b.canary.control.id))
        });
        summaries
    }
}
