//! All add-ons of a world, and what they are to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ironhull_model::{Object, World};

use crate::known::{Function, Known};
use crate::left_out::left_out;
use crate::rules::{Does, Rule, rules};
use crate::running::{Running, State, running};
use crate::table::KNOWN;
use crate::twins::twins;
use crate::webhooks::{self, Webhook};

/// The kinds whose objects tell whether an add-on runs.
const SERVERS: [&str; 3] = ["DaemonSet", "Deployment", "StatefulSet"];

/// An add-on that was found.
#[derive(Clone, Debug)]
pub struct Peer<'w> {
    /// Which.
    pub known: &'static Known,
    /// Its workloads.
    pub running: Vec<Running<'w>>,
    /// Its definitions of custom resources.
    pub definitions: Vec<&'w Arc<Object>>,
    /// Its policies.
    pub rules: Vec<Rule<'w>>,
    /// Namespaces that its own configuration leaves out.
    pub left_out: BTreeSet<&'w str>,
    /// The webhooks that its workloads answer.
    pub webhooks: Vec<Webhook<'w>>,
}

impl<'w> Peer<'w> {
    /// The parts that do something, or all where none does.
    pub fn serving(&self) -> impl Iterator<Item = &Running<'w>> {
        let any = self.running.iter().any(|running| !running.part.serves.is_empty());
        self.running.iter().filter(move |running| !any || !running.part.serves.is_empty())
    }

    /// What it is here for, whether or not it is at work.
    pub fn functions(&self) -> BTreeSet<Function> {
        let parts = self.known.parts.iter();
        let mut functions: BTreeSet<Function> = match self.running.is_empty() {
            true => parts.flat_map(|part| part.serves).copied().collect(),
            false => self.running.iter().flat_map(|it| it.part.serves).copied().collect(),
        };
        if self.rules.iter().any(|rule| rule.says.verifies_images) {
            functions.insert(Function::ImageVerification);
        }
        functions
    }

    /// The workloads that do this now, or may.
    pub fn at_work(&self, function: Function) -> impl Iterator<Item = &Running<'w>> {
        let of_rules = function == Function::ImageVerification
            && self.rules.iter().any(|rule| rule.says.verifies_images);
        self.serving().filter(move |running| {
            let serves = running.part.serves.contains(&function)
                || (of_rules && running.part.serves.contains(&Function::Admission));
            serves && running.works()
        })
    }

    /// How much of what does something is up; none where nothing of it was found to run.
    /// Of several the worst counts, but one that is off only where all are.
    pub fn state(&self) -> Option<State> {
        let states: Vec<State> = self.serving().map(|running| running.state).collect();
        let on = states.iter().copied().filter(|state| *state != State::Off);
        on.min().or_else(|| states.first().copied())
    }

    /// The namespaces in which what does something runs.
    pub fn namespaces(&self) -> BTreeSet<&'w str> {
        self.serving().map(|running| &*running.object.thing.namespace).collect()
    }

    /// Its versions, as far as they are told.
    pub fn versions(&self) -> BTreeSet<&'w str> {
        self.serving().filter_map(|running| running.version).collect()
    }

    /// How many are ready and how many are to be, of what does something.
    pub fn ready(&self) -> Option<(u64, u64)> {
        // One workload may be several parts.
        let mut seen = BTreeSet::new();
        let counts = self.serving().filter(|running| seen.insert(&running.object.thing));
        let counts = counts.filter_map(|running| running.ready);
        counts.reduce(|(ready, wanted), (more, others)| (ready + more, wanted + others))
    }

    /// How many of its policies do what.
    pub fn by_effect(&self) -> BTreeMap<Does, usize> {
        let mut counts = BTreeMap::new();
        for rule in &self.rules {
            *counts.entry(rule.says.does).or_default() += 1;
        }
        counts
    }
}

/// Several that do the same.
#[derive(Clone, Debug)]
pub struct Overlap {
    /// What.
    pub function: Function,
    /// Who, by their names.
    pub peers: Vec<&'static str>,
}

/// All add-ons that were found.
#[derive(Clone, Debug)]
pub struct Peers<'w> {
    /// They, by what they do and their name.
    pub found: Vec<Peer<'w>>,
    /// Policies that say the same as another.
    pub twins: Vec<Vec<&'w Arc<Object>>>,
    /// Whether everything that may be an add-on was read, so that one that was not found
    /// is not there.
    pub complete: bool,
}

impl<'w> Peers<'w> {
    /// The add-ons of a world.
    pub fn new(world: World<'w>) -> Peers<'w> {
        let mut parts: BTreeMap<usize, Vec<Running<'w>>> = BTreeMap::new();
        for (known, running) in running(world) {
            parts.entry(known).or_default().push(running);
        }
        let definitions = world.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
        let by_name: BTreeMap<&str, &Arc<Object>> =
            definitions.map(|object| (&*object.thing.name, object)).collect();
        let served = webhooks::served(world);
        let found = KNOWN.iter().enumerate().filter_map(|(at, known)| {
            let running = parts.remove(&at).unwrap_or_default();
            let definitions = known.definitions.iter();
            let definitions: Vec<_> =
                definitions.filter_map(|name| by_name.get(name).copied()).collect();
            if running.is_empty() && definitions.is_empty() {
                return None;
            }
            let rules = rules(known, world);
            let left_out = left_out(known.name, &running, world);
            let webhooks = webhooks::of(&running, &served);
            Some(Peer { known, running, definitions, rules, left_out, webhooks })
        });
        let mut found: Vec<Peer<'w>> = found.collect();
        found.sort_by_key(|peer| (peer.functions().first().copied(), peer.known.name));
        let twins = twins(world, &found);
        let is_complete = |kind: &&str| world.base.coverage.is_complete("apps", kind);
        Peers { found, twins, complete: SERVERS.iter().all(is_complete) }
    }

    /// Where several do the same, and may be at work.
    pub fn overlaps(&self) -> Vec<Overlap> {
        let mut doing: BTreeMap<Function, Vec<&Peer<'w>>> = BTreeMap::new();
        for peer in &self.found {
            for function in peer.functions().into_iter().filter(|it| it.is_for_one()) {
                if peer.at_work(function).next().is_some() {
                    doing.entry(function).or_default().push(peer);
                }
            }
        }
        let several = doing.into_iter().filter(|(_, peers)| peers.len() > 1);
        several
            .map(|(function, peers)| Overlap {
                function,
                peers: peers.into_iter().map(|peer| peer.known.name).collect(),
            })
            .collect()
    }

    /// What nobody does of what a cluster is expected to have somebody for; nothing where
    /// not everything was read.
    pub fn unserved(&self) -> Vec<Function> {
        let is_served = |function: &Function| {
            self.found.iter().any(|peer| peer.at_work(*function).next().is_some())
        };
        let expected = Function::EXPECTED.into_iter().filter(|_| self.complete);
        expected.filter(|function| !is_served(function)).collect()
    }
}
