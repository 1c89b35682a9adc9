//! What is refused of policies and bindings, by where it stands.

use std::collections::BTreeSet;

use ironhull_dialects::Policies;
use ironhull_model::{Minor, World};
use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::{case, ours, templates};

fn object(written: &Value, index: usize) -> Value {
    let empty = json!({});
    let base = match (written.get("policy"), written.get("mutating")) {
        (Some(_), _) => json!({"policy": {}, "asks": []}),
        (_, Some(_)) => json!({"asks": [], "policy": {"mutations": [{"patchType": "JSONPatch",
            "jsonPatch": {"expression": "[JSONPatch{op: 'remove', path: '/data'}]"}}]}}),
        _ => json!({"binding": {}, "asks": []}),
    };
    let group = case::group(&format!("r{index}"), &base);
    let mut object = match written.get("binding") {
        Some(_) => group.bindings[0].clone(),
        None => group.policies[0].clone(),
    };
    let change = ["policy", "mutating", "binding"].iter().find_map(|name| written.get(name));
    templates::merge(&mut object["spec"], change.unwrap_or(&empty));
    object
}

/// The fields that are named, without what is inside of labels.
fn fields(paths: impl Iterator<Item = String>) -> BTreeSet<String> {
    paths.map(|path| path.replace(' ', "")).collect()
}

fn theirs(cluster: &Cluster, object: &Value) -> BTreeSet<String> {
    let path = format!("{}?dryRun=All", cluster.collection(object));
    let response = cluster.post(&User::admin(), &path, object);
    if response.is_success() {
        return BTreeSet::new();
    }
    let causes = response.body["details"]["causes"].as_array().cloned().unwrap_or_default();
    assert!(!causes.is_empty(), "{}", response.body);
    fields(causes.iter().map(|cause| cause["field"].as_str().unwrap_or_default().to_owned()))
}

fn mine(object: &Value) -> BTreeSet<String> {
    let snapshot = ours::snapshot(std::slice::from_ref(object), Minor::NEWEST);
    let policies = Policies::new(World::new(&snapshot));
    let problems = policies.refused().iter().flat_map(|refused| &refused.problems);
    fields(problems.map(|problem| problem.path.clone()))
}

/// Compares; gives how many there are and how many are refused.
pub fn check(cluster: &Cluster) -> (usize, usize) {
    let text = include_str!("../cases/refused.yaml");
    let parsed =
        ironhull_yaml::parse(ironhull_model::SourceId(0), text, &ironhull_yaml::Limits::default());
    let json = parsed.documents[0].value.root().to_json();
    let written: Vec<Value> = serde_json::from_str(&json).unwrap();
    let (mut n_refused, mut differences) = (0, Vec::new());
    for (index, case) in written.iter().enumerate() {
        let object = object(case, index);
        let (theirs, mine) = (theirs(cluster, &object), mine(&object));
        n_refused += usize::from(!theirs.is_empty());
        if theirs != mine {
            differences.push(format!("{}\n  ours:   {mine:?}\n  theirs: {theirs:?}", case["name"]));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    (written.len(), n_refused)
}
