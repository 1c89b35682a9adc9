//! How much of what an answer needs was read, and what follows where it was not all.

use std::collections::BTreeMap;

use ironhull_access::{GROUP, paths};
use ironhull_model::{Cause, Gap, Snapshot, ThingRef, kind_name};
use serde_json::Value as Json;

use crate::commands::check::unread;
use crate::exit::Exit;
use crate::printer;

/// What an answer is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Roles and bindings.
    Rights,
    /// And what ways lead through: ServiceAccounts, pods, Secrets, Namespaces, nodes.
    Ways,
}

/// Where a question is asked: bindings elsewhere decide nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'n> {
    /// In any namespace.
    Any,
    /// In this one.
    Namespace(&'n str),
    /// In none: about paths, and what stands outside of namespaces.
    Outside,
}

const RIGHTS: &[(&str, &str)] = &[
    (GROUP, "ClusterRole"),
    (GROUP, "ClusterRoleBinding"),
    (GROUP, "Role"),
    (GROUP, "RoleBinding"),
];

/// What an answer rests on.
pub(crate) struct Reach<'s> {
    snapshot: &'s Snapshot,
    /// What was asked for and not read.
    unread: Vec<Gap>,
    /// Whether all there is was read.
    is_complete: bool,
}

impl<'s> Reach<'s> {
    pub(super) fn of(snapshot: &'s Snapshot, needs: Needs) -> Reach<'s> {
        Reach::at(snapshot, needs, Place::Any)
    }

    /// What an answer about a place rests on.
    pub(super) fn at(snapshot: &'s Snapshot, needs: Needs, place: Place<'_>) -> Reach<'s> {
        let mut kinds: Vec<(&str, &str)> = RIGHTS.to_vec();
        if needs == Needs::Ways {
            kinds.extend(paths::looks_at());
        }
        kinds.retain(|(group, kind)| {
            !snapshot.coverage.is_complete(group, kind) && !is_seen_at(snapshot, place, group, kind)
        });
        let unread = kinds.iter().filter_map(|kind| unread_of(snapshot, kind));
        Reach { snapshot, unread: unread.collect(), is_complete: kinds.is_empty() }
    }

    /// What an answer rests on that is about a namespace, of all if none, and looks at
    /// these kinds. What an API server does not serve it has no objects of.
    pub(crate) fn of_kinds(
        snapshot: &'s Snapshot,
        kinds: &[(&str, &str)],
        namespace: Option<&str>,
    ) -> Reach<'s> {
        let is_missing = |gap: &&Gap| {
            gap.kind.as_ref().is_some_and(|unseen| {
                kinds.iter().any(|(group, kind)| kind_name(group, kind) == unseen.name)
                    && !namespace.is_some_and(|own| unseen.seen_in.iter().any(|seen| seen == own))
            })
        };
        let unread = snapshot.gaps.iter().filter(is_missing).cloned().collect();
        let is_complete =
            kinds.iter().all(|(group, kind)| snapshot.coverage.is_complete(group, kind));
        Reach { snapshot, unread, is_complete }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether something was asked for that did not come.
    pub(super) fn has_gaps(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The exit code of an answer: what could not be read may have said more.
    pub(crate) fn exit(&self) -> Exit {
        let gaps = if self.has_gaps() { Exit::Unjudged } else { Exit::Clean };
        unread(self.snapshot).or(gaps)
    }

    /// Says what the answer does not say.
    pub(crate) fn tell(&self) {
        // One reason, such as missing rights, is mostly that of many kinds.
        let mut by_reason: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
        for unread in self.unread.iter().filter(|gap| !is_told(gap)) {
            let (what, _) =
                by_reason.entry(&unread.reason).or_insert_with(|| (Vec::new(), &unread.supply));
            what.push(&unread.what);
        }
        for (reason, (what, supply)) in &by_reason {
            let what = what.join(", ");
            printer::error(&format!("error: not read: {what}: {reason}\n  help: {supply}"));
        }
        if self.has_gaps() {
            printer::error(
                "error: the answer may be a part of the truth: what was not read is not counted",
            );
        }
    }

    /// The same, and that files may be a part of an estate.
    pub(super) fn admit(&self) {
        self.tell();
        if self.is_complete || self.has_gaps() {
            return;
        }
        printer::error(
            "note: these files may be a part of the estate; what is bound elsewhere is not counted\n      (complete: true in ironhull.yaml says that they are all)",
        );
    }

    /// What was not read, for programs.
    pub(crate) fn json(&self) -> Vec<Json> {
        self.unread.iter().map(ironhull_report::json::gap_v1).collect()
    }
}

/// Whether reading told it already, as an error.
fn is_told(gap: &Gap) -> bool {
    gap.cause == Cause::Unreadable && gap.kind.is_some()
}

/// Whether all roles or bindings of a namespace that can count at a place were read,
/// though not those of others. What stands in no namespace counts everywhere.
fn is_seen_at(snapshot: &Snapshot, place: Place<'_>, group: &str, kind: &str) -> bool {
    if group != GROUP || !["Role", "RoleBinding"].contains(&kind) {
        return false;
    }
    match place {
        Place::Any => false,
        Place::Outside => true,
        Place::Namespace(namespace) => gap_of(snapshot, group, kind)
            .and_then(|gap| gap.kind.as_ref())
            .is_some_and(|kind| kind.seen_in.iter().any(|seen| seen == namespace)),
    }
}

/// What is known of a kind that was not read, or not everywhere.
fn gap_of<'s>(snapshot: &'s Snapshot, group: &str, kind: &str) -> Option<&'s Gap> {
    let name = kind_name(group, kind);
    snapshot.gaps.iter().find(|gap| gap.kind.as_ref().is_some_and(|kind| kind.name == name))
}

/// Why a kind is not complete, where more is known of it than that files may be a part.
fn unread_of(snapshot: &Snapshot, (group, kind): &(&str, &str)) -> Option<Gap> {
    gap_of(snapshot, group, kind).cloned().or_else(|| {
        let dot = if group.is_empty() { "" } else { "." };
        is_of_cluster(snapshot).then(|| Gap {
            what: format!("{kind}{dot}{group} objects"),
            cause: Cause::Unreadable,
            reason: "the API server does not serve them".to_owned(),
            supply: "kubectl api-resources".to_owned(),
            fact: None,
            kind: None,
        })
    })
}

/// Whether a running cluster was read, now or for a snapshot.
fn is_of_cluster(snapshot: &Snapshot) -> bool {
    snapshot.fact(&ThingRef::cluster(), "cluster.version").is_some()
}
