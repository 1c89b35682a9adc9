//! What the kubelets say their configuration is, through the API server's
//! `nodes/proxy`: only when it is asked for, because whoever may do that may run
//! commands in every container of the node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use ironhull_kube::{Cluster, Error};
use ironhull_model::{Builder, Cause, Fact, Gap, Node, ThingRef, Value};
use serde::Deserialize;

use crate::{Seen, rights};

/// What is told of Nodes.
pub(crate) const FACT: &str = "node.kubelet-config";
/// How long one kubelet may take. A node that is gone does not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of them may take.
const ALTOGETHER: Duration = Duration::from_secs(120);
/// How many are asked at once: each goes to a machine of its own.
const AT_ONCE: usize = 16;
/// A configuration is a few kilobytes.
const LONGEST: usize = 1 << 20;
/// More names are only counted.
const NAMED: usize = 3;

#[derive(Deserialize)]
struct Answer {
    kubeletconfig: Value,
}

/// Adds the fact `node.kubelet-config` of each node that was seen, and a gap for
/// each reason why one could not be had.
pub(crate) async fn read(cluster: &Cluster, is_asked: bool, seen: &mut Seen) {
    let nodes: Vec<Arc<ThingRef>> = { seen.objects.iter() }
        .filter(|object| object.is("", "Node"))
        .map(|object| object.thing.clone())
        .collect();
    if nodes.is_empty() {
        return;
    }
    let mut missing: BTreeMap<(Cause, String), Vec<&str>> = BTreeMap::new();
    if !is_asked {
        let reason = "--read-kubelets was not given: it needs get on nodes/proxy, with which \
                      whoever has it can run commands on every node";
        let all = nodes.iter().map(|node| &*node.name).collect();
        missing.insert((Cause::NotAsked, reason.to_owned()), all);
    } else if let Err((cause, reason)) = allowed(cluster).await {
        missing.insert((cause, reason), nodes.iter().map(|node| &*node.name).collect());
    } else {
        let answers = ask_all(cluster, &nodes).await;
        for (node, answer) in nodes.iter().zip(answers) {
            match answer {
                Ok(value) => seen.facts.push(Fact {
                    thing: node.clone(),
                    name: FACT,
                    value,
                    source: format!("nodes/{}/proxy/configz", node.name),
                }),
                Err(why) => missing.entry(why).or_default().push(&node.name),
            }
        }
    }
    seen.gaps
        .extend(missing.into_iter().map(|((cause, reason), names)| gap(cause, reason, &names)));
}

/// Asked instead of tried, once for all nodes: of one alone nobody grants it.
async fn allowed(cluster: &Cluster) -> Result<(), (Cause, String)> {
    match rights::may(cluster, "get", "", "nodes/proxy", None).await {
        Ok(true) => Ok(()),
        Ok(false) => Err((Cause::Denied, "we may not get nodes/proxy".to_owned())),
        Err(error) => Err((Cause::Unreadable, error.to_string())),
    }
}

type Answered = Result<Value, (Cause, String)>;

async fn ask_all(cluster: &Cluster, nodes: &[Arc<ThingRef>]) -> Vec<Answered> {
    let late = || Err((Cause::Unreadable, format!("no answer within {} s", PATIENCE.as_secs())));
    let end = tokio::time::Instant::now() + ALTOGETHER;
    stream::iter(nodes.to_vec())
        .map(|node| async move {
            let until = end.min(tokio::time::Instant::now() + PATIENCE);
            tokio::time::timeout_at(until, ask(cluster, &node.name))
                .await
                .unwrap_or_else(|_| late())
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn ask(cluster: &Cluster, node: &str) -> Answered {
    let path = format!("/api/v1/nodes/{node}/proxy/configz");
    let body = cluster.get_behind(&path, LONGEST).await.map_err(|error| {
        let denied = matches!(error.code(), Some(401 | 403));
        (if denied { Cause::Denied } else { Cause::Unreadable }, reason(&error, node))
    })?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| (Cause::Unreadable, format!("the answer is not understood: {error}")))?;
    Ok(without_headers(answer.kubeletconfig.root()))
}

/// Why, so that nodes that fail alike are told together.
fn reason(error: &Error, node: &str) -> String {
    error.to_string().replace(node, "NODE")
}

/// Headers for fetching static pods may hold credentials; newer kubelets mask them.
fn without_headers(config: Node<'_>) -> Value {
    let mut builder = Builder::new();
    builder.begin_like(config);
    for (key, child) in config.entries().filter(|(key, _)| *key != "staticPodURLHeader") {
        builder.key(key, 0);
        builder.copy(child);
    }
    builder.end(0);
    builder.finish()
}

fn gap(cause: Cause, reason: String, names: &[&str]) -> Gap {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let supply = match (cause, names.first()) {
        (Cause::NotAsked, _) => "ironhull check cluster: --read-kubelets".to_owned(),
        (Cause::Denied, _) => "kubectl auth can-i get nodes/proxy".to_owned(),
        (_, first) => {
            let first = first.copied().unwrap_or_default();
            format!("kubectl get --raw /api/v1/nodes/{first}/proxy/configz")
        }
    };
    let what = format!("the kubelet configuration of {shown}{more}");
    Gap { what, cause, reason, supply, fact: Some(FACT), kind: None }
}
