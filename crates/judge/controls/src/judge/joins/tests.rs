//! What the indices find is what a look at every object finds.

use std::sync::Arc;

use ironhull_cel::{Env, Val};
use ironhull_model::{Coverage, Minor, Node, Object, Snapshot, Value, World, selector};

use super::Joins;
use crate::control::{Expression, Join, Related};

/// A small generator (xorshift), so that the cases are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    /// Some of the labels a, b, c with the values 0, 1.
    fn labels(&mut self) -> String {
        let mut pairs = Vec::new();
        for key in ["a", "b", "c"] {
            if self.below(3) > 0 {
                pairs.push(format!(r#""{key}":"{}""#, self.below(2)));
            }
        }
        format!("{{{}}}", pairs.join(","))
    }

    fn selector(&mut self) -> String {
        match self.below(5) {
            0 => "{}".to_owned(),
            1 => self.labels(),
            2 => r#"{"matchExpressions":[{"key":"a","operator":"Exists"}]}"#.to_owned(),
            3 => format!(
                r#"{{"matchLabels":{},"matchExpressions":[{{"key":"b","operator":"NotIn","values":["1"]}}]}}"#,
                self.labels()
            ),
            _ => format!(r#"{{"matchLabels":{}}}"#, self.labels()),
        }
    }
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn snapshot(random: &mut Random) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    for index in 0..40 {
        let namespace = random.below(2);
        let (labels, selector) = (random.labels(), random.selector());
        let json = match index % 3 {
            0 => format!(
                r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d{index}","namespace":"n{namespace}","labels":{{"a":"9"}}}},"spec":{{"template":{{"metadata":{{"labels":{labels}}},"spec":{{"serviceAccountName":"s{}"}}}}}}}}"#,
                random.below(4)
            ),
            1 => format!(
                r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p{index}","namespace":"n{namespace}","labels":{labels}}},"spec":{{}}}}"#
            ),
            _ => format!(
                r#"{{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{{"name":"b{index}","namespace":"n{namespace}"}},"spec":{{"selector":{selector}}}}}"#
            ),
        };
        snapshot.objects.push(Arc::new(Object::new(value(&json), None).unwrap()));
    }
    snapshot.seal();
    snapshot
}

fn related(kinds: &[(&str, &str)], join: Join) -> Related {
    let kinds = kinds.iter().map(|(group, kind)| ((*group).into(), (*kind).into())).collect();
    Related { name: "x".into(), kinds, unowned: true, in_namespace: true, join }
}

/// The expression of a join; what it gives is handed to the join by the test.
fn unused() -> Expression {
    let program = ironhull_cel::compile(&Env::new(Minor::NEWEST), "true").unwrap();
    Expression { text: "true".into(), program }
}

fn names<'a>(objects: impl Iterator<Item = &'a Arc<Object>>) -> Vec<String> {
    let mut names: Vec<String> = objects.map(|object| object.thing.to_string()).collect();
    names.sort();
    names
}

/// What a look at every object of the subject's namespace finds.
fn naive(snapshot: &Snapshot, subject: &Object, is: impl Fn(&Object) -> bool) -> Vec<String> {
    let near = |object: &&Arc<Object>| object.thing.namespace == subject.thing.namespace;
    names(snapshot.objects.iter().filter(near).filter(|object| is(object)))
}

fn labels(object: &Object) -> Option<Node<'_>> {
    match &*object.thing.kind {
        "Deployment" => object.root().path(&["spec", "template", "metadata", "labels"]),
        _ => object.root().path(&["metadata", "labels"]),
    }
}

#[test]
fn indices_find_what_a_look_at_every_object_finds() {
    let workloads = [("", "Pod"), ("apps", "Deployment")];
    let selected_by = related(&workloads, Join::SelectedBy(unused()));
    let path = vec!["spec".into(), "selector".into()];
    let budgets = [("policy", "PodDisruptionBudget")];
    let selecting = related(&budgets, Join::Selecting { path, labels: unused() });
    let path = vec!["pod".into(), "serviceAccountName".into()];
    let by_account = related(&workloads, Join::By { paths: vec![path], is: unused() });
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut n_found = 0;
    for _ in 0..50 {
        let snapshot = snapshot(&mut random);
        let world = World::new(&snapshot);
        let joins = Joins::of(world, [&selected_by, &selecting, &by_account]);
        let find = |related, subject, value: &Value| {
            let value = Val::from_node(value.root());
            names(joins.find(world, related, subject, Some(&value)).objects.into_iter())
        };
        for subject in &snapshot.objects {
            let is_workload = |object: &Object| matches!(&*object.thing.kind, "Pod" | "Deployment");
            let selector = value(&random.selector());
            let found = find(&selected_by, subject, &selector);
            n_found += found.len();
            let wanted = naive(&snapshot, subject, |object| {
                is_workload(object) && selector::selects(selector.root(), labels(object))
            });
            assert_eq!(found, wanted, "selected by {}", selector.root().to_json());

            let own = value(&random.labels());
            let wanted = naive(&snapshot, subject, |object| {
                let selector = object.root().path(&["spec", "selector"]);
                &*object.thing.kind == "PodDisruptionBudget"
                    && selector.is_some_and(|node| selector::selects(node, Some(own.root())))
            });
            assert_eq!(
                find(&selecting, subject, &own),
                wanted,
                "selecting {}",
                own.root().to_json()
            );

            let accounts = value(r#"["s1","s2"]"#);
            let path = ["spec", "template", "spec", "serviceAccountName"];
            let wanted = naive(&snapshot, subject, |object| {
                let name = object.root().path(&path).and_then(Node::as_str);
                matches!(name, Some("s1" | "s2"))
            });
            assert_eq!(find(&by_account, subject, &accounts), wanted);
        }
    }
    assert!(n_found > 1_000, "the cases are too poor: {n_found}");
}

/// A name that one kind has says nothing of another kind that was not read.
#[test]
fn a_join_by_name_is_whole_where_each_kind_is_read_or_has_the_name() {
    let named = |kind: &str, name: &str| {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"n"}}}}"#
        );
        Arc::new(Object::new(value(&json), None).unwrap())
    };
    let kinds = [("", "ConfigMap"), ("", "Secret")];
    let path = vec!["metadata".into(), "name".into()];
    let by_name = related(&kinds, Join::By { paths: vec![path], is: unused() });
    let whole = |read: &[&str], there: &[(&str, &str)], names: &str| {
        let mut snapshot = Snapshot::new(Minor::NEWEST);
        snapshot.coverage = Coverage::Kinds(read.iter().map(|kind| (*kind).to_owned()).collect());
        snapshot.objects = there.iter().map(|(kind, name)| named(kind, name)).collect();
        snapshot.objects.push(named("Pod", "subject"));
        snapshot.seal();
        let world = World::new(&snapshot);
        let joins = Joins::of(world, [&by_name]);
        let subject = snapshot.objects.iter().find(|object| object.is("", "Pod")).unwrap();
        let names = value(names);
        joins.find(world, &by_name, subject, Some(&Val::from_node(names.root()))).complete
    };
    let both = [("ConfigMap", "a"), ("Secret", "a")];
    assert!(!whole(&[], &both[..1], r#""a""#), "there may be a Secret of the name");
    assert!(whole(&["Secret"], &both[..1], r#""a""#));
    assert!(!whole(&["ConfigMap"], &both[..1], r#""a""#));
    assert!(whole(&[], &both, r#""a""#));
    assert!(!whole(&[], &both, r#"["a","b"]"#));
    assert!(!whole(&[], &both, r#"["b","a"]"#));
    assert!(whole(&["ConfigMap", "Secret"], &[], r#"["a","b"]"#));
    assert!(whole(&[], &[], "[]"), "nothing is equal to one of none");
}
