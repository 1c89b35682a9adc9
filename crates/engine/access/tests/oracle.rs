//! The answers equal those of the API server's authorizers.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ironhull_access::Access;
use ironhull_model::{Object, Snapshot, Standing, World};
use ironhull_testkit::access::{self as generate, Question as Asked};
use ironhull_testkit::oracle::{self, Case};
use serde_json::json;

const N_ESTATES: u64 = 64;
const N_QUESTIONS: usize = 240;
const QUESTIONS_PER_LINE: usize = 40;

#[path = "support/answer.rs"]
mod answer;

use answer::letter;

/// With the roles that every cluster has.
fn snapshot(objects: &[serde_json::Value]) -> Snapshot {
    let mut snapshot = answer::snapshot(objects);
    for value in ironhull_schema::rbac::defaults(snapshot.minor) {
        let mut object = Object::new(value, None).unwrap();
        object.standing = Standing::Assumed;
        snapshot.objects.push(Arc::new(object));
    }
    snapshot.seal();
    snapshot
}

#[test]
fn answers_equal_the_api_servers() {
    let mut cases = Vec::new();
    let mut mix: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for number in 0..N_ESTATES {
        let estate = generate::estate(number, N_QUESTIONS);
        let snapshot = snapshot(&estate.objects);
        let access = Access::new(World::new(&snapshot));
        for questions in estate.questions.chunks(QUESTIONS_PER_LINE) {
            let ours: String = questions.iter().map(|asked| letter(&access, asked)).collect();
            for (asked, letter) in questions.iter().zip(ours.chars()) {
                for what in features(asked, letter) {
                    mix.entry(what).or_default()[usize::from(letter != '-')] += 1;
                }
            }
            let asked: Vec<_> = questions.iter().map(Asked::to_json).collect();
            let input = json!({"objects": estate.objects, "questions": asked}).to_string();
            cases.push(Case { input, ours });
        }
    }
    println!("{:28} {:>7} {:>7}", "questions with", "denied", "allowed");
    for (what, [denied, allowed]) in &mix {
        println!("{what:28} {denied:7} {allowed:7}");
    }
    let [denied, allowed] = mix["all"];
    assert!(denied + allowed >= 10_000 && N_ESTATES >= 50);
    assert!(allowed * 100 >= (denied + allowed) * 40, "{allowed} of {} allowed", denied + allowed);
    assert!(mix.values().all(|[denied, allowed]| denied + allowed >= 50), "a feature is rare");
    oracle::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), "access", &cases);
}

fn features(asked: &Asked, letter: char) -> Vec<String> {
    let mut found = vec!["all".to_owned(), format!("answer {letter}")];
    let mut when = |is: bool, what: &str| found.extend(is.then(|| what.to_owned()));
    when(!asked.path.is_empty(), "a path");
    when(!asked.subresource.is_empty(), "a subresource");
    when(!asked.name.is_empty(), "a name");
    when(asked.path.is_empty() && asked.name.is_empty(), "no name");
    when(!asked.namespace.is_empty(), "a namespace");
    when(!asked.fields.is_empty(), "a field selector");
    when(asked.user.starts_with("system:serviceaccount:"), "a ServiceAccount");
    when(asked.user.starts_with("system:node:"), "a kubelet");
    when(asked.user == "system:anonymous", "nobody known");
    when(asked.groups.iter().any(|group| ["dev", "sre"].contains(&&**group)), "a group");
    if asked.path.is_empty() {
        found.push(format!("verb {}", asked.verb));
    }
    found
}
