//! Of random estates the search backwards finds what the search forwards finds.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use ironhull_access::{Access, Escalation, Identity, Power};
use ironhull_model::{Coverage, Minor, Object, Snapshot, World};
use ironhull_testkit::access as generate;

const N_ESTATES: u64 = 10;

#[test]
fn backwards_finds_what_forwards_finds_in_random_estates() {
    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut n_subjects, mut n_found) = (0, 0);
    for number in 0..N_ESTATES {
        let estate = generate::estate(9000 + number, 0);
        let minor = if number % 2 == 0 { Minor::NEWEST } else { Minor::v1(32) };
        let mut snapshot = Snapshot::new(minor);
        snapshot.coverage = Coverage::Complete;
        for object in &estate.objects {
            let value = serde_json::from_str(&object.to_string()).unwrap();
            snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
        }
        snapshot.seal();
        let access = Access::new(World::new(&snapshot));
        let escalation = Escalation::new(&access);
        let goals = [Power::ClusterAdmin, Power::Nodes, Power::Secrets(None)];
        for goal in &goals {
            let everybody = escalation.everybody_to(goal);
            for subject in escalation.subjects() {
                n_subjects += 1;
                let paths = escalation.paths(&subject, &Identity::of(&subject));
                let forwards = paths.to(goal);
                let backwards = everybody.path(&subject).map(|path| path.len());
                let mut steps = forwards.iter().flatten();
                let conditional = steps.any(|step| step.condition.is_some());
                if !conditional {
                    let forwards = forwards.as_ref().map(Vec::len);
                    assert_eq!(backwards, forwards, "estate {number}, {subject} to {goal}");
                }
                n_found += usize::from(backwards.is_some());
                for step in forwards.iter().flatten() {
                    *ways.entry(step.way.id).or_default() += 1;
                }
            }
        }
    }
    println!("{n_found} of {n_subjects} reach; by {ways:?}");
    assert!(n_found > 50 && n_found < n_subjects && ways.len() > 5);
}
