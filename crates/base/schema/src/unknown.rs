//! Kinds and versions that no API server has in a group that is Kubernetes' own, and
//! objects of one kind that are told of once.

use std::sync::Arc;

use ironhull_model::{Code, Diagnostic, Object, Standing};

use crate::{Schema, removed, tables};

/// Tells of objects that were written down with a kind that their group does not have, in
/// no version that is known: the API server would refuse them, and no control is for them.
/// And of objects whose kind has no such version, which are judged as if it had.
pub fn tell(schema: Schema, objects: &[Arc<Object>]) -> Vec<Diagnostic> {
    let (mut unknown, mut versions) = (Alike::default(), Alike::default());
    for object in objects.iter().filter(|object| object.standing == Standing::Given) {
        if is_unknown(schema, object) {
            unknown.add(object);
        } else if is_of_no_version(object) {
            versions.add(object);
        }
    }
    let helped = |told: Diagnostic, first: &Object| match meant(schema, &first.thing.kind) {
        meant if meant.is_empty() => told,
        meant => told.help(format!("write {}", meant.join(", or "))),
    };
    let tell_version = |first: &Object, more: String| {
        let (thing, version) = (&first.thing, first.api_version());
        let kind = &thing.kind;
        let message =
            format!("no API server is known that has {kind} in {version}: {thing}{more} refused");
        helped(Diagnostic::warning(Code::NoKind, message), first)
    };
    let tell = |first: &Object, more: String| {
        let (thing, version) = (&first.thing, first.api_version());
        let kind = &thing.kind;
        let message = format!(
            "the API server keeps no {kind} of {version}: {thing}{more} not judged as what it may be meant to be"
        );
        helped(Diagnostic::error(Code::NoKind, message), first)
    };
    let mut told = unknown.told(tell);
    told.extend(versions.told(tell_version));
    told
}

/// Whether a kind of Kubernetes is written with a version that it never had.
fn is_of_no_version(object: &Object) -> bool {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    let mut versions = tables::kinds(kind).filter(|info| info.group == group).peekable();
    versions.peek().is_some()
        && !versions.any(|info| *info.version == *object.version)
        && removed::lookup(group, &object.version, kind).is_none()
}

/// Custom groups are domains of others. What has a group of one word, or of Kubernetes'
/// domain, is of Kubernetes, or of a program, which has no kind of Kubernetes'.
fn is_unknown(schema: Schema, object: &Object) -> bool {
    let (group, kind) = (&*object.thing.group, &*object.thing.kind);
    let is_known = tables::kinds(kind).any(|info| info.group == group)
        || removed::is_known(group, kind)
        || crate::template_path(group, kind).is_some();
    // Kustomize's own are of `builtin`.
    let is_version = object
        .version
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let is_custom = group.contains('.') && !group.ends_with(".k8s.io") && group != "k8s.io";
    // Without a version too: `apiVersion: apps`.
    let is_meant = || !is_custom && !schema.meant(kind).is_empty();
    !is_known && (is_version && is_of_kubernetes(group) || is_meant())
}

fn is_of_kubernetes(group: &str) -> bool {
    // Its groups are looked through where the name may be one of them.
    (!group.contains('.') || group.ends_with(".k8s.io"))
        && tables::all_kinds().any(|info| info.group == group)
}

/// How the kind is written that is meant, in each group that has it.
fn meant(schema: Schema, kind: &str) -> Vec<String> {
    let write = |group: &str, version: &str, kind: &str| match group {
        "" => format!("apiVersion: {version}, kind: {kind}"),
        group => format!("apiVersion: {group}/{version}, kind: {kind}"),
    };
    let meant = schema.meant(kind);
    meant.into_iter().map(|info| write(info.group, info.version, info.kind)).collect()
}

/// The first object of each kind, and how many more there are.
#[derive(Default)]
pub(crate) struct Alike(Vec<(Arc<Object>, usize)>);

impl Alike {
    pub(crate) fn add(&mut self, object: &Arc<Object>) {
        let same = |first: &Object| {
            first.thing.group == object.thing.group
                && first.thing.kind == object.thing.kind
                && first.version == object.version
        };
        match self.0.iter_mut().find(|(first, _)| same(first)) {
            Some((_, n_more)) => *n_more += 1,
            None => self.0.push((object.clone(), 0)),
        }
    }

    /// One diagnostic of each kind, where its first object stands. `tell` is given the
    /// object and the end of ` and 2 more are`.
    pub(crate) fn told(&self, tell: impl Fn(&Object, String) -> Diagnostic) -> Vec<Diagnostic> {
        let told = self.0.iter().map(|(first, n_more)| {
            let more = match n_more {
                0 => " is".to_owned(),
                n => format!(" and {n} more are"),
            };
            let told = tell(first, more);
            match (first.origin, first.root().span()) {
                (Some(origin), Some(span)) => {
                    told.at(origin.source, span.start, span.end.min(span.start + 1))
                }
                _ => told,
            }
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::tell;
    use crate::Schema;
    use ironhull_model::{Minor, Object, SourceId};
    use std::sync::Arc;

    #[test]
    fn kinds_that_a_group_of_kubernetes_does_not_have_are_told() {
        let objects = |kinds: &[&str]| -> Vec<Arc<Object>> {
            let text: String = kinds
                .iter()
                .map(|kind| {
                    let (version, kind) = kind.rsplit_once('/').unwrap();
                    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n")
                })
                .collect();
            let limits = ironhull_yaml::Limits::default();
            let documents = ironhull_yaml::parse(SourceId(0), &text, &limits).documents;
            let objects = documents.into_iter().map(|read| Object::new(read.value, None).unwrap());
            objects.map(Arc::new).collect()
        };
        let schema = Schema::of("1.37".parse::<Minor>().unwrap());
        let told = tell(
            schema,
            &objects(&[
                "v1/Deployment",
                "v1/Deployment",
                "v1/pod",
                "apps/v1/Pod",
                "app/v1/Job",
                "batch/Job",
                "policy.k8s.io/v1/PodDisruptionBudget",
            ]),
        );
        let told: Vec<(&str, &str)> =
            told.iter().map(|told| (&*told.message, told.help.as_deref().unwrap_or(""))).collect();
        let not_judged = "not judged as what it may be meant to be";
        assert_eq!(
            told,
            [
                (
                    &*format!(
                        "the API server keeps no Deployment of v1: Deployment/a and 1 more are {not_judged}"
                    ),
                    "write apiVersion: apps/v1, kind: Deployment"
                ),
                (
                    &*format!("the API server keeps no pod of v1: pod/a is {not_judged}"),
                    "write apiVersion: v1, kind: Pod"
                ),
                (
                    &*format!("the API server keeps no Pod of apps/v1: Pod/a is {not_judged}"),
                    "write apiVersion: v1, kind: Pod"
                ),
                (
                    &*format!("the API server keeps no Job of app/v1: Job/a is {not_judged}"),
                    "write apiVersion: batch/v1, kind: Job"
                ),
                (
                    &*format!("the API server keeps no Job of batch: Job/a is {not_judged}"),
                    "write apiVersion: batch/v1, kind: Job"
                ),
                (
                    &*format!(
                        "the API server keeps no PodDisruptionBudget of policy.k8s.io/v1: PodDisruptionBudget/a is {not_judged}"
                    ),
                    "write apiVersion: policy/v1, kind: PodDisruptionBudget"
                ),
            ]
        );
        let told = tell(schema, &objects(&["apps/V1/Deployment", "batch/v9/Job"]));
        let told: Vec<&str> = told.iter().map(|told| &*told.message).collect();
        let refused = |what| format!("no API server is known that has {what}/a is refused");
        assert_eq!(
            told,
            [refused("Deployment in apps/V1: Deployment"), refused("Job in batch/v9: Job")]
        );
        let known = [
            "v1/Pod",
            "apps/v1beta1/Deployment",
            "extensions/v1beta1/Deployment",
            "policy/v1beta1/PodSecurityPolicy",
            "serving.knative.dev/v1/Service",
            "gateway.networking.k8s.io/v1/Gateway",
            "skaffold/v4beta6/Config",
            "ironhull.dev/v1/Policy",
            "builtin/ImageTagTransformer",
        ];
        assert_eq!(tell(schema, &objects(&known)).len(), 0);
    }
}
