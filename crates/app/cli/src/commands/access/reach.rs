//! How much of what an answer needs was read, and what follows where it was not all.

use std::collections::BTreeMap;

use ironhull_access::{GROUP, paths};
use ironhull_model::{Cause, Gap, Snapshot, ThingRef, kind_name};
use serde_json::{Value as Json, json};

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

const RIGHTS: &[(&str, &str)] = &[
    (GROUP, "ClusterRole"),
    (GROUP, "ClusterRoleBinding"),
    (GROUP, "Role"),
    (GROUP, "RoleBinding"),
];

/// What was asked for and not read.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Unread {
    /// `Secret objects outside of shop`.
    what: String,
    cause: Cause,
    reason: String,
    /// The command that shows it.
    supply: String,
    /// Whether an error of reading says so already.
    is_told: bool,
}

/// What an answer rests on.
pub(super) struct Reach<'s> {
    snapshot: &'s Snapshot,
    unread: Vec<Unread>,
    /// Whether all there is was read.
    is_complete: bool,
}

impl<'s> Reach<'s> {
    pub(super) fn of(snapshot: &'s Snapshot, needs: Needs) -> Reach<'s> {
        let mut kinds: Vec<(&str, &str)> = RIGHTS.to_vec();
        if needs == Needs::Ways {
            kinds.extend(paths::looks_at());
        }
        kinds.retain(|(group, kind)| !snapshot.coverage.is_complete(group, kind));
        let unread = kinds.iter().filter_map(|kind| unread_of(snapshot, kind));
        Reach { snapshot, unread: unread.collect(), is_complete: kinds.is_empty() }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether something was asked for that did not come.
    pub(super) fn has_gaps(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The exit code of an answer: what could not be read may have said more.
    pub(super) fn exit(&self) -> Exit {
        let gaps = if self.has_gaps() { Exit::Unjudged } else { Exit::Clean };
        unread(self.snapshot).or(gaps)
    }

    /// Says what the answer does not say.
    pub(super) fn tell(&self) {
        // One reason, such as missing rights, is mostly that of many kinds.
        let mut by_reason: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
        for unread in self.unread.iter().filter(|unread| !unread.is_told) {
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
    pub(super) fn json(&self) -> Vec<Json> {
        let unread = self.unread.iter().map(|unread| {
            let cause = format!("{:?}", unread.cause).to_lowercase();
            json!({"what": unread.what, "cause": cause, "reason": unread.reason,
                "supply": unread.supply})
        });
        unread.collect()
    }
}

/// Why a kind is not complete, where more is known of it than that files may be a part.
fn unread_of(snapshot: &Snapshot, (group, kind): &(&str, &str)) -> Option<Unread> {
    let shown = kind_name(group, kind);
    let is_of = |gap: &&Gap| gap.kind.as_ref().is_some_and(|kind| kind.name == shown);
    let gap = snapshot.gaps.iter().find(is_of);
    if let Some(gap) = gap {
        return Some(Unread {
            what: gap.what.clone(),
            cause: gap.cause,
            reason: gap.reason.clone(),
            supply: gap.supply.clone(),
            is_told: gap.cause == Cause::Unreadable,
        });
    }
    is_of_cluster(snapshot).then(|| Unread {
        what: format!("{shown} objects"),
        cause: Cause::Unreadable,
        reason: "the API server does not serve them".to_owned(),
        supply: "kubectl api-resources".to_owned(),
        is_told: false,
    })
}

/// Whether a running cluster was read, now or for a snapshot.
fn is_of_cluster(snapshot: &Snapshot) -> bool {
    snapshot.fact(&ThingRef::cluster(), "cluster.version").is_some()
}
