//! Which canaries are sent where, and as whom.

use ironhull_access::{Access, Identity, Question, Subject};
use ironhull_model::World;
use ironhull_schema::{KindInfo, Scope};
use serde_json::Value as Json;

use crate::make::{Canary, Workload};
use crate::wrap::Wrapping;

/// One canary in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Which canary, by its index.
    pub canary: usize,
    /// Where; empty for kinds of the cluster.
    pub namespace: String,
    /// The ServiceAccount of the namespace that is impersonated, by its name. None is
    /// whoever asks.
    pub account: Option<String>,
    /// In what the pod goes; none for the canary as it is.
    pub inside: Option<Wrapping>,
}

/// What is sent of a canary.
#[derive(Clone, Copy)]
pub(crate) struct Form<'c> {
    pub(crate) kind: &'static KindInfo,
    pub(crate) object: &'c Json,
    pub(crate) twin: &'c Json,
}

impl Trial {
    /// What is sent: its kind, the object and its twin.
    pub(crate) fn form<'c>(&self, canary: &'c Canary<'_>) -> Form<'c> {
        let mut workloads = canary.workloads.iter();
        match workloads.find(|workload| Some(workload.wrapping) == self.inside) {
            Some(Workload { kind, object, twin, .. }) => Form { kind, object, twin },
            None => Form { kind: canary.kind, object: &canary.object, twin: &canary.twin },
        }
    }

    /// The user name to impersonate.
    pub fn user(&self) -> Option<String> {
        let account = self.account.as_ref()?;
        Some(format!("system:serviceaccount:{}:{account}", self.namespace))
    }
}

/// The trials of canaries in namespaces. In each namespace an ordinary ServiceAccount
/// of it sends them, where one may create the kind; elsewhere whoever asks does, also
/// when `impersonate` is false. With `workloads` what is a pod also goes inside of each
/// [`Wrapping`].
pub fn plan(
    canaries: &[Canary<'_>],
    namespaces: &[&str],
    world: World<'_>,
    impersonate: bool,
    workloads: bool,
) -> Vec<Trial> {
    let access = impersonate.then(|| Access::new(world));
    let trial = |canary, namespace: &str, account, inside| Trial {
        canary,
        namespace: namespace.to_owned(),
        account,
        inside,
    };
    let (namespaced, of_cluster): (Vec<_>, Vec<_>) =
        canaries.iter().enumerate().partition(|(_, canary)| canary.kind.scope == Scope::Namespaced);
    let mut trials: Vec<Trial> =
        of_cluster.iter().map(|(index, _)| trial(*index, "", None, None)).collect();
    let forms = namespaced.iter().flat_map(|(index, canary)| {
        let wrapped = canary.workloads.iter().filter(|_| workloads);
        let wrapped = wrapped.map(|workload| (*index, workload.kind, Some(workload.wrapping)));
        std::iter::once((*index, canary.kind, None)).chain(wrapped)
    });
    let forms: Vec<(usize, &KindInfo, Option<Wrapping>)> = forms.collect();
    for namespace in namespaces {
        let mut chosen: Vec<(&KindInfo, Option<String>)> = Vec::new();
        for (index, kind, inside) in &forms {
            let known = chosen.iter().find(|(known, _)| std::ptr::eq(*known, *kind));
            let account = match known {
                Some((_, account)) => account.clone(),
                None => {
                    let account =
                        access.as_ref().and_then(|access| creator(access, kind, namespace));
                    chosen.push((kind, account.clone()));
                    account
                }
            };
            trials.push(trial(*index, namespace, account, *inside));
        }
    }
    trials
}

/// The first ServiceAccount of a namespace that may create a kind there.
fn creator(access: &Access<'_>, kind: &KindInfo, namespace: &str) -> Option<String> {
    let question = Question {
        namespace: Some(namespace),
        ..Question::new("create", kind.group, kind.resource)
    };
    let mut accounts = access.world().in_namespace("", "ServiceAccount", namespace);
    let found = accounts.find(|account| {
        let who = Identity::of(&Subject::account(namespace, &account.thing.name));
        access.can(&who, &question)
    })?;
    Some(found.thing.name.to_string())
}
