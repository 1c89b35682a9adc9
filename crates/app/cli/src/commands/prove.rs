//! `ironhull prove`: canaries against whatever protects a cluster.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context, bail};
use ironhull_canary::{Pace, Proof, canaries, plan};
use ironhull_controls::{Control, policies};
use ironhull_kube::Cluster;
use ironhull_model::{Node, Snapshot, Standing, World};

use super::check::print_diagnostics;
use crate::args::Global;
use crate::args::access::Output;
use crate::args::prove::Prove;
use crate::config;
use crate::estate::{self, Estate, live};
use crate::exit::Exit;
use crate::printer::{self, Progress};

mod json;
pub(super) mod summary;
mod table;

use summary::Proven;

/// As many requests at once as the API server's priority and fairness lets one user
/// have without queueing.
const AT_ONCE: usize = 8;

/// Runs the command.
pub(crate) fn run(args: &Prove, global: &Global) -> anyhow::Result<Exit> {
    if !args.target.starts_with("cluster:") {
        bail!("{:?} is no cluster: canaries are sent to cluster: or cluster:CONTEXT", args.target);
    }
    let started = Instant::now();
    let every: Vec<&Control> = ironhull_catalogue::controls().iter().collect();
    let only: Vec<&str> = args.only.iter().map(String::as_str).collect();
    let controls = policies::select(&every, &only).map_err(anyhow::Error::msg)?;
    let (snapshot, cluster) = read(args, global)?;
    let namespaces = namespaces(&snapshot, args)?;
    if namespaces.is_empty() {
        bail!("no namespace may be listed; name one: --namespace NAMESPACE");
    }
    let canaries = canaries(&controls, &every, snapshot.minor, &args.image);
    if canaries.is_empty() {
        bail!("none of these controls has a canary: one request cannot show them");
    }
    let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    let impersonate = !args.own_rights && global.impersonate.is_none();
    let trials = plan(&canaries, &names, World::new(&snapshot), impersonate, args.workloads);
    let pace = Pace { per_second: args.rate, at_once: AT_ONCE };
    let progress = Progress::new(trials.len(), "canaries sent");
    let proofs = live::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let cluster = cluster.called("canary")?;
            let told = || progress.done(1);
            let proofs =
                ironhull_canary::run(&cluster, &canaries, trials, snapshot.minor, pace, told);
            Ok(proofs.await)
        })
    });
    drop(progress);
    let proofs: Vec<Proof> = proofs.context("no canary was sent")?;
    let proven = Proven {
        target: &args.target,
        canaries: &canaries,
        n_namespaces: namespaces.len(),
        proofs: &proofs,
        user: global.impersonate.as_deref(),
        workloads: args.workloads,
        apart: args.only.is_empty(),
        elapsed: global.at.is_none().then(|| started.elapsed()),
    };
    let exit = exit(args, &proven);
    let (at, _) = config::now(global)?;
    super::proof::keep(&cluster, at, &namespaces, &proven.parts()[0], is_whole(args));
    match args.output {
        Output::Table => printer::text(&table::render(&proven, args.shown_from(), exit.code())),
        Output::Json => printer::data(&json::render(&proven)),
    }
    Ok(exit)
}

/// Whether all that can be shown was tried, so that nothing older counts.
fn is_whole(args: &Prove) -> bool {
    args.namespaces.is_empty() && args.sample.is_none() && args.only.is_empty()
}

impl Prove {
    fn shown_from(&self) -> Option<ironhull_model::Severity> {
        self.fail_on.0.filter(|_| !self.all)
    }
}

/// What is there, and who was asked: nothing else is, so that the kubeconfig is read once.
fn read(args: &Prove, global: &Global) -> anyhow::Result<(Snapshot, Cluster)> {
    let targets = [args.target.clone()];
    let config = config::load(global, &targets)?;
    let minor = config::minor(None, &config)?;
    let options =
        estate::Options { namespaces: &args.namespaces, ..estate::Options::to_ask(minor, global) };
    let Estate { snapshot, cluster, .. } = estate::read(&targets, &options);
    print_diagnostics(&snapshot);
    let has_own = snapshot.objects.iter().any(|object| object.standing != Standing::Assumed);
    match cluster.filter(|_| has_own) {
        Some(cluster) => Ok((snapshot, cluster)),
        None => bail!("nothing was read of {}, so no canary was sent", args.target),
    }
}

/// Where canaries go: the namespaces that are named, or all that were listed and are
/// not going away; of a sample, those whose labels no other has first.
fn namespaces(snapshot: &Snapshot, args: &Prove) -> anyhow::Result<Vec<String>> {
    let world = World::new(snapshot);
    let listed: Vec<_> = world.of_kind("", "Namespace").collect();
    if !args.namespaces.is_empty() {
        let are_all = snapshot.coverage.is_complete("", "Namespace");
        let unknown = args
            .namespaces
            .iter()
            .find(|name| are_all && !listed.iter().any(|known| *known.thing.name == ***name));
        if let Some(name) = unknown {
            bail!("there is no namespace {name:?}");
        }
        return Ok(args.namespaces.clone());
    }
    let stays = listed
        .iter()
        .filter(|namespace| namespace.root().path(&["metadata", "deletionTimestamp"]).is_none());
    let most = args.sample.map_or(usize::MAX, NonZeroUsize::get);
    let mut seen = BTreeSet::new();
    let (mut other, mut alike) = (Vec::new(), Vec::new());
    for namespace in stays {
        let is_new = args.sample.is_none() || seen.insert(labels(namespace.root()));
        let part = if is_new { &mut other } else { &mut alike };
        part.push(namespace.thing.name.to_string());
    }
    let mut chosen: Vec<String> = other.into_iter().chain(alike).take(most).collect();
    chosen.sort();
    Ok(chosen)
}

/// The labels of a namespace but for the one that is its name.
fn labels(namespace: Node<'_>) -> Vec<(String, String)> {
    let labels = namespace.path(&["metadata", "labels"]).into_iter().flat_map(Node::entries);
    labels
        .filter(|(key, _)| *key != "kubernetes.io/metadata.name")
        .map(|(key, value)| (key.to_owned(), value.display()))
        .collect()
}

/// 1 when a grave enough canary is not stopped somewhere; 3 when one could be tried nowhere.
fn exit(args: &Prove, proven: &Proven<'_>) -> Exit {
    let mut exit = Exit::Clean;
    let [counted, _] = proven.parts();
    for summary in counted {
        let counts = args.fail_on.0.is_some_and(|least| summary.canary.severity >= least);
        exit = exit.or(match (summary.is_open(), summary.is_stopped()) {
            (true, _) if counts => Exit::Findings,
            (false, false) if counts || args.fail_on.0.is_none() => Exit::Unjudged,
            _ => Exit::Clean,
        });
    }
    exit
}
