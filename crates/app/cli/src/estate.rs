//! From targets to a sealed snapshot: find, read, parse, default, attribute.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;

use ironhull_controls::{Control, control};
use ironhull_kube::Cluster;
use ironhull_model::{
    Builder, Code, Coverage, Diagnostic, Fact, Level, Minor, Named, Object, Snapshot, SourceId,
    Standing, ThingRef, Wanted,
};
use ironhull_schema::{Schema, crd, rbac, unknown};
use ironhull_secrets::Salt;
use ironhull_upgrade::support;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::args::Global;
use crate::printer::Progress;

mod charts;
pub(crate) mod documents;
pub(crate) mod dump;
pub(crate) mod following;
pub(crate) mod live;
pub(crate) mod saved;
mod texts;

use texts::{Read, Seen, Text, find, parse};

/// What was read.
pub(crate) struct Estate {
    pub(crate) snapshot: Snapshot,
    /// Policies, exceptions and gates among the files.
    pub(crate) own: Vec<documents::Own>,
    /// The first source that is a policy file of the command line's, not judged.
    pub(crate) first_policy_file: SourceId,
    /// What was read, as its user wrote it: of a snapshot what that was made of.
    pub(crate) targets: Vec<String>,
    /// The cluster that was read, if one was. Whoever asks it more, in a runtime of his own,
    /// does so by [`Cluster::called`].
    pub(crate) cluster: Option<Cluster>,
}

/// How to read.
pub(crate) struct Options<'o> {
    pub(crate) minor: Minor,
    pub(crate) minor_assumed: bool,
    pub(crate) complete: bool,
    /// Who owns what nobody else owns.
    pub(crate) owner: Option<&'o str>,
    /// Extra files that hold policies and exceptions.
    pub(crate) policies: &'o [PathBuf],
    /// What is needed of a running cluster.
    pub(crate) wanted: Wanted,
    /// Which namespaces of a cluster are asked about, where not all can be seen.
    pub(crate) namespaces: &'o [String],
    /// How clusters are reached.
    pub(crate) global: &'o Global,
}

impl<'o> Options<'o> {
    /// To answer questions about an estate, without judging it: whole objects of
    /// Kubernetes' own kinds.
    pub(crate) fn to_ask((minor, minor_assumed): (Minor, bool), global: &'o Global) -> Self {
        let wanted = wanted(&[], minor);
        Options {
            minor,
            minor_assumed,
            complete: false,
            owner: None,
            policies: &[],
            wanted,
            namespaces: &[],
            global,
        }
    }
}

impl Options<'_> {
    /// What is needed of a cluster, also by the admission policies of the command line.
    pub(crate) fn wanted_with_policies(&self) -> Wanted {
        let mut wanted = self.wanted.clone();
        for file in self.policies {
            wanted.named.add(Text::named(file).named_by_policies());
        }
        wanted
    }
}

/// What is needed of a cluster: by controls, and to say what add-ons do.
pub(crate) fn wanted(controls: &[&Control], minor: Minor) -> Wanted {
    let mut wanted = control::wanted(controls, Schema::of(minor));
    wanted.add(ironhull_peers::wanted());
    wanted
}

/// Reads the targets.
pub(crate) fn read(targets: &[String], options: &Options<'_>) -> Estate {
    if let [target] = targets
        && let Some(path) = target.strip_prefix(saved::SCHEME)
    {
        let minor = (!options.minor_assumed).then_some(options.minor);
        let mut estate = saved::read(path, minor);
        add_policies(&mut estate, options);
        return estate;
    }
    read_now(targets, options)
}

/// Adds the policies of the command line to a snapshot.
fn add_policies(estate: &mut Estate, options: &Options<'_>) {
    let Estate { snapshot, own, first_policy_file, .. } = estate;
    let salt = salt();
    for (file, id) in options.policies.iter().zip(first_policy_file.0..) {
        let read = parse(Text::named(file), SourceId(id), snapshot.minor, &salt);
        snapshot.sources.push(read.source);
        snapshot.objects.extend(read.objects.into_iter().map(Arc::new));
        snapshot.facts.extend(read.facts);
        snapshot.diagnostics.extend(read.diagnostics);
        own.extend(read.own);
    }
    snapshot.seal();
}

fn read_now(targets: &[String], options: &Options<'_>) -> Estate {
    let mut snapshot = Snapshot::new(options.minor);
    snapshot.minor_assumed = options.minor_assumed;
    if options.complete {
        snapshot.coverage = Coverage::Complete;
    }
    let mut texts = Vec::new();
    // Only several targets can name one file twice.
    let mut seen = (targets.len() > 1).then(Seen::new);
    let salt = salt();
    let mut cluster = None;
    let is_file = |target: &&String| {
        let schemes = [dump::SCHEME, saved::SCHEME, live::SCHEME];
        !schemes.iter().any(|scheme| target.starts_with(scheme))
    };
    for target in targets.iter().filter(is_file) {
        find(target, seen.as_mut(), &mut texts, &mut snapshot);
    }
    // Policies among the files say of which kinds of a cluster everything is read.
    let mut named = Named::default();
    if !targets.iter().all(|target| is_file(&target)) {
        texts.iter().for_each(|text| named.add(text.named_by_policies()));
    }
    for (index, target) in targets.iter().enumerate() {
        // Nor is anything else judged twice that is named twice.
        if targets[..index].contains(target) {
            continue;
        }
        if let Some(path) = target.strip_prefix(dump::SCHEME) {
            match dump::absent(path) {
                Some(told) => snapshot.diagnostics.push(told),
                None => dump::read(path, options, &named, &salt, &mut snapshot),
            }
            continue;
        }
        match target.strip_prefix(live::SCHEME) {
            Some(context) => {
                cluster = live::read(context, options, &named, &salt, &mut snapshot);
            }
            None if target.starts_with(saved::SCHEME) => {
                let message = format!(
                    "{target} stands alone: it is all that was read at one time, and other targets would be of another"
                );
                let told = Diagnostic::error(Code::SnapshotUnread, message);
                snapshot.diagnostics.push(told.help(
                    "check it by itself, policies and exceptions beside it with --policy; or save one snapshot of all targets with --save",
                ));
            }
            None => {}
        }
    }
    let first_policy_file = SourceId(texts.len() as u32);
    for file in options.policies {
        texts.push(Text::named(file));
    }
    // Parsing is most of the work and independent by file; order is kept.
    let minor = snapshot.minor;
    let progress = Progress::new(texts.len(), "files read");
    let reads: Vec<Read> = texts
        .into_par_iter()
        .enumerate()
        .map(|(index, text)| {
            let read = parse(text, SourceId(index as u32), minor, &salt);
            progress.done(1);
            read
        })
        .collect();
    drop(progress);
    let mut own = Vec::new();
    for read in reads {
        snapshot.sources.push(read.source);
        snapshot.objects.extend(read.objects.into_iter().map(Arc::new));
        snapshot.facts.extend(read.facts);
        snapshot.diagnostics.extend(read.diagnostics);
        own.extend(read.own);
    }
    snapshot.diagnostics.extend(crd::complete(&mut snapshot.objects));
    let schema = Schema::of(snapshot.minor);
    snapshot.diagnostics.extend(unknown::tell(schema, &snapshot.objects));
    ironhull_source::attribute(&mut snapshot, options.owner);
    assume_roles(&mut snapshot);
    if snapshot.objects.is_empty() && snapshot.gaps.is_empty() && !has_errors(&snapshot) {
        let what = targets.join(" ");
        snapshot.diagnostics.push(
            Diagnostic::error(Code::NothingToJudge, format!("no Kubernetes object in {what}"))
                .help("name a file or directory that holds manifests"),
        );
    }
    snapshot.seal();
    // Of several nobody could say whose guards are meant.
    let cluster = cluster.filter(|_| targets.len() == 1);
    Estate { snapshot, own, first_policy_file, targets: targets.to_vec(), cluster }
}

/// Adds the facts that follow from the moment that is judged as of.
pub(crate) fn derive(snapshot: &mut Snapshot, at: &str, today: Date) {
    let thing = Arc::new(ThingRef::cluster());
    let mut builder = Builder::new();
    builder.str(at, 0, 0);
    let now =
        Fact { thing: thing.clone(), name: "now", value: builder.finish(), source: "--at".into() };
    snapshot.put(now);
    let version = snapshot.fact(&thing, "cluster.version");
    let version = version.and_then(|fact| fact.value.root().get("gitVersion")?.as_str());
    let minor = version.and_then(|version| version.parse().ok());
    if let Some(window) = minor.and_then(support::window) {
        let source = "https://kubernetes.io/releases/".to_owned();
        snapshot.put(Fact { thing, name: "cluster.support", value: window.fact(today), source });
    }
}

fn has_errors(snapshot: &Snapshot) -> bool {
    snapshot.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
}

/// Random for each run, so that marks of secrets say nothing outside it.
fn salt() -> Salt {
    let random = || RandomState::new().build_hasher().finish().to_le_bytes();
    Salt::new(&[random(), random(), random(), random()].concat())
}

/// The roles and bindings that every cluster of the minor has, where the input
/// does not hold them itself and does not say that it holds all.
fn assume_roles(snapshot: &mut Snapshot) {
    let of_rbac = |object: &&Arc<Object>| &*object.thing.group == "rbac.authorization.k8s.io";
    let given: HashSet<_> =
        snapshot.objects.iter().filter(of_rbac).map(|object| object.thing.clone()).collect();
    if given.is_empty() {
        return;
    }
    let assumed = rbac::defaults(snapshot.minor)
        .filter_map(|value| Object::new(value, None))
        .filter(|object| !given.contains(&object.thing))
        .filter(|object| {
            let (group, kind) = (&object.thing.group, &object.thing.kind);
            !matches!(&snapshot.coverage, all @ Coverage::Kinds(_) if all.is_complete(group, kind))
        })
        .map(|mut object| {
            object.standing = Standing::Assumed;
            Arc::new(object)
        });
    snapshot.objects.extend(assumed.collect::<Vec<_>>());
}
