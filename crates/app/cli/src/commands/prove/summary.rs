//! Proofs by control.

use std::collections::BTreeMap;
use std::time::Duration;

use ironhull_canary::{Canary, Guard, Obstacle, Outcome, Proof};

/// What was proven.
pub(super) struct Proven<'p> {
    pub(super) target: &'p str,
    pub(super) canaries: &'p [Canary<'p>],
    pub(super) n_namespaces: usize,
    pub(super) proofs: &'p [Proof],
    /// Who is impersonated for everything.
    pub(super) user: Option<&'p str>,
    /// Whether pods were also sent inside of Deployments.
    pub(super) workloads: bool,
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

/// Where a pod fares otherwise inside of a Deployment.
pub(super) struct Difference<'p> {
    pub(super) canary: &'p Canary<'p>,
    /// Where only the pod is stopped.
    pub(super) only_pod: Vec<&'p str>,
    /// Where only the Deployment is.
    pub(super) only_deployment: Vec<&'p str>,
}

impl<'p> Proven<'p> {
    /// The controls whose canary fares otherwise inside of a Deployment, by their name.
    pub(super) fn differences(&self) -> Vec<Difference<'p>> {
        let is_caught = |outcome: &Outcome| match outcome {
            Outcome::Stopped { .. } | Outcome::Changed => Some(true),
            Outcome::NotStopped { .. } => Some(false),
            Outcome::Untried { .. } => None,
        };
        let of = |in_workload: bool| {
            let proofs = self.proofs.iter();
            let proofs = proofs.filter(move |proof| proof.trial.in_workload == in_workload);
            proofs.filter_map(move |proof| {
                let key = (proof.trial.canary, proof.trial.namespace.as_str());
                Some((key, is_caught(&proof.outcome)?))
            })
        };
        let alone: BTreeMap<_, _> = of(false).collect();
        let mut found: BTreeMap<&str, Difference<'p>> = BTreeMap::new();
        for ((canary, namespace), inside) in of(true) {
            let Some(pod) = alone.get(&(canary, namespace)).filter(|pod| **pod != inside) else {
                continue;
            };
            let canary = &self.canaries[canary];
            let difference = found.entry(&canary.control.id).or_insert(Difference {
                canary,
                only_pod: Vec::new(),
                only_deployment: Vec::new(),
            });
            let list =
                if *pod { &mut difference.only_pod } else { &mut difference.only_deployment };
            list.push(namespace);
        }
        found.into_values().collect()
    }

    /// One summary for each canary: the worst first, then by control.
    pub(super) fn summaries(&self) -> Vec<Summary<'p>> {
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
                untried: BTreeMap::new(),
            })
            .collect();
        // A Deployment that is admitted is no hole where its pods are refused.
        for proof in self.proofs.iter().filter(|proof| !proof.trial.in_workload) {
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
                Outcome::NotStopped { warned: None } => summary.open.push(place),
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
