//! Running clusters as a target.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_cluster::{Asked, Seen, Told};
use ironhull_kube::{Cluster, Error};
use ironhull_model::{
    Cause, Code, Diagnostic, Fact, Gap, Minor, Named, Object, Snapshot, Standing, ThingRef,
};
use ironhull_report::text::shell_word;
use ironhull_schema::{Schema, rbac};
use ironhull_secrets::Salt;
use rayon::prelude::*;

use super::Options;
use crate::args::Global;
use crate::printer::{self, Progress};

/// What a target that is a cluster starts with.
pub(crate) const SCHEME: &str = "cluster:";

/// Adds a cluster to the snapshot, and gives it. One that cannot be read is an error of
/// the check. `named` by policies among the other targets.
pub(super) fn read(
    context: &str,
    options: &Options<'_>,
    named: &Named,
    salt: &Salt,
    snapshot: &mut Snapshot,
) -> Option<Cluster> {
    let (seen, cluster) = match ask(context, options, named) {
        Ok(seen) => seen,
        Err(error) => {
            snapshot.diagnostics.push(unread(context, &error));
            return None;
        }
    };
    if options.minor_assumed {
        judge_as(seen.minor, &seen.version, snapshot);
    }
    let has_objects = !seen.objects.is_empty();
    snapshot.diagnostics.extend(unread_of(context, has_objects, &seen.gaps));
    take_in(seen.objects, salt, snapshot);
    snapshot.facts.extend(seen.facts);
    snapshot.gaps.extend(seen.gaps);
    snapshot.coverage = seen.coverage;
    Some(cluster)
}

/// A cluster as users name it.
fn target(context: &str) -> String {
    match context {
        "" => "cluster of the current context".to_owned(),
        context => format!("cluster:{context}"),
    }
}

/// What of a cluster was not judged though it may be seen: a kind of which nothing is
/// known is no kind without mistakes. A cluster of which nothing is seen is told once.
pub(super) fn unread_of(context: &str, has_objects: bool, gaps: &[Gap]) -> Vec<Diagnostic> {
    let told = |what: &str, supply: &str| {
        let message = format!("{}: {what}", target(context));
        Diagnostic::error(Code::ClusterUnread, message).help(supply)
    };
    if !has_objects {
        return vec![told(&why_nothing(gaps), "kubectl auth can-i --list")];
    }
    let broken = gaps.iter().filter(|gap| gap.cause == Cause::Unreadable && gap.fact.is_none());
    broken.map(|gap| told(&format!("{}: {}", gap.what, gap.reason), &gap.supply)).collect()
}

/// Why nothing was seen, by the first kind that could not be read for another reason
/// than rights.
fn why_nothing(gaps: &[Gap]) -> String {
    let broken = gaps.iter().filter(|gap| gap.cause != Cause::Denied);
    match broken.clone().next() {
        Some(first) => {
            let more = match broken.count() - 1 {
                0 => String::new(),
                n => format!("; {n} more kinds could not be read"),
            };
            format!("nothing could be read: {}: {}{more}", first.what, first.reason)
        }
        None if gaps.is_empty() => "its API server lists no object".to_owned(),
        None => "nothing may be listed".to_owned(),
    }
}

/// Adds objects of a cluster, with their secrets masked. What every cluster has is
/// nobody's mistake.
pub(super) fn take_in(objects: Vec<Object>, salt: &Salt, snapshot: &mut Snapshot) {
    let defaults = Defaults::of(snapshot.minor);
    let read: Vec<(Object, Vec<Fact>)> =
        objects.into_par_iter().map(|object| defaults.prepare(object, salt)).collect();
    for (object, facts) in read {
        snapshot.objects.push(Arc::new(object));
        snapshot.facts.extend(facts);
    }
}

/// The roles and bindings that every cluster of a minor has.
pub(super) struct Defaults(HashMap<ThingRef, Object>);

impl Defaults {
    pub(super) fn of(minor: Minor) -> Defaults {
        let objects = rbac::defaults(minor).filter_map(|value| Object::new(value, None));
        Defaults(objects.map(|object| (ThingRef::clone(&object.thing), object)).collect())
    }

    /// An object as it is kept, and what its secrets are known by.
    pub(super) fn prepare(&self, mut object: Object, salt: &Salt) -> (Object, Vec<Fact>) {
        let found = ironhull_secrets::redact(&mut object, salt);
        let facts = found.iter().filter_map(|found| found.fact(&object)).collect();
        if self.0.get(&*object.thing).is_some_and(|default| is_as(&object, default)) {
            object.standing = Standing::Assumed;
        }
        (object, facts)
    }
}

fn ask(context: &str, options: &Options<'_>, named: &Named) -> Result<(Seen, Cluster), Error> {
    let access = access(context, options.global);
    let mut asked = asked(options);
    asked.wanted.named.add(named.clone());
    runtime()?.block_on(async {
        let cluster = Cluster::connect(&access).await?;
        let progress = Progress::new(0, "kinds read");
        let told = |told| match told {
            Told::ToRead(n) => progress.more(n),
            Told::Read => progress.done(1),
        };
        let seen = ironhull_cluster::read(&cluster, &asked, told).await?;
        Ok((seen, cluster))
    })
}

/// What is read of clusters.
pub(crate) fn asked(options: &Options<'_>) -> Asked {
    Asked {
        wanted: options.wanted_with_policies(),
        kubelets: options.global.read_kubelets,
        helm_releases: options.global.read_helm_releases,
        namespaces: options.namespaces.to_vec(),
    }
}

/// What requests run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Error::Config(error.to_string()))
}

/// How the cluster of a context is reached; of the current one when it is empty.
pub(crate) fn access(context: &str, global: &Global) -> ironhull_kube::Options {
    ironhull_kube::Options {
        context: (!context.is_empty()).then(|| context.to_owned()),
        kubeconfig: global.kubeconfig.clone(),
        impersonate: global.impersonate.clone(),
        impersonate_groups: global.impersonate_groups.clone(),
        told: Some(|text| printer::error(&format!("note: {text}"))),
    }
}

/// What is said of a cluster that cannot be read.
pub(crate) fn unread(context: &str, error: &Error) -> Diagnostic {
    let help = match context {
        "" => "kubectl get --raw /version".to_owned(),
        context => format!("kubectl --context {} get --raw /version", shell_word(context)),
    };
    Diagnostic::error(Code::ClusterUnread, format!("{}: {error}", target(context))).help(help)
}

/// The server's own minor, as near as this build knows it.
pub(super) fn judge_as(minor: Option<Minor>, version: &str, snapshot: &mut Snapshot) {
    let Some(minor) = minor else { return };
    let known = Schema::of(minor).minor();
    snapshot.minor = known;
    snapshot.minor_assumed = false;
    if known != minor {
        let message = format!("the cluster runs {version}; it is judged as {known}");
        snapshot.diagnostics.push(Diagnostic::warning(Code::ClusterUnread, message));
    }
}

/// Whether an object gives what the default of its name gives. The rules of an
/// aggregated role are its parts'.
fn is_as(object: &Object, default: &Object) -> bool {
    let (own, default) = (object.root(), default.root());
    let same = |field| own.get(field) == default.get(field);
    let aggregated = default.get("aggregationRule").is_some();
    same("aggregationRule") && same("roleRef") && same("subjects") && (aggregated || same("rules"))
}
