//! What is kept equals what a whole judging gives, after any change.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_controls::standing::Difference;
use ironhull_controls::{Control, Judge, Tally, assign, examples, exceptions};
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::{
    Coverage, Diagnostic, Finding, Minor, Object, Snapshot, Standing, ThingRef, World,
};
use ironhull_testkit::rng::Rng;

use super::Keeper;
use crate::args::{Global, Judging};
use crate::commands::check::judged::run;
use crate::commands::check::plan::Plan;
use crate::estate;
use crate::estate::documents::Documents;
use crate::estate::following::Changes;

/// Estates that grow out of nothing, and changes of each. More: IRONHULL_STREAMS.
const STREAMS: u64 = 6;
const CHANGES: usize = 25;

/// Everything, or only some controls, down to low.
fn plan(only: &[&str]) -> Plan {
    let global = Global {
        at: Some("2026-11-24".to_owned()),
        config: None,
        kubeconfig: None,
        impersonate: None,
        impersonate_groups: Vec::new(),
        read_kubelets: false,
        read_helm_releases: false,
        no_color: true,
    };
    let lowest = |_: &_| Ok(ironhull_model::Severity::Low);
    let only = only.iter().map(|control| (*control).to_owned()).collect();
    let judging = Judging { only, ..Judging::default() };
    Plan::new(&["cluster:".to_owned()], &judging, &global, lowest).unwrap()
}

/// Every object of every control's examples, as a cluster holds it: what any control
/// looks at is among them.
fn pool() -> Vec<Arc<Object>> {
    ironhull_catalogue::controls().iter().flat_map(estates).flatten().collect()
}

/// The objects of each of a control's examples.
fn estates(control: &Control) -> Vec<Vec<Arc<Object>>> {
    let examples = examples::read(control).into_iter().flatten();
    let newest = examples.filter(|example| example.snapshot.minor == Minor::NEWEST);
    let objects = |example: examples::Example| {
        let objects = example.snapshot.objects.iter().filter(|object| {
            object.standing == Standing::Given && &*object.thing.group != "ironhull.dev"
        });
        objects.map(|object| live(object.root().to_json())).collect()
    };
    newest.map(objects).collect()
}

/// Workloads with what they made, and what that made.
fn families() -> Vec<Arc<Object>> {
    let mut all = Vec::new();
    for namespace in ["shop", "default"] {
        all.push(live(format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#
        )));
        for (kind, name, by, owner, privileged) in [
            ("Deployment", "web", "", "", false),
            ("Deployment", "web", "", "", true),
            ("DaemonSet", "agent", "", "", true),
            ("ReplicaSet", "web-1", "Deployment", "web", false),
            ("ReplicaSet", "web-1", "", "", false),
            ("Pod", "web-1-a", "ReplicaSet", "web-1", true),
            ("Pod", "web-1-b", "ReplicaSet", "web-1", true),
            ("Pod", "web-1-b", "ReplicaSet", "web-1", false),
            ("Pod", "agent-x", "DaemonSet", "agent", true),
        ] {
            let pod = format!(
                r#"{{"containers":[{{"name":"c","image":"a","securityContext":{{"privileged":{privileged}}}}}]}}"#
            );
            let (version, spec) = match kind {
                "Pod" => ("v1", pod),
                _ => ("apps/v1", format!(r#"{{"template":{{"spec":{pod}}}}}"#)),
            };
            let owners = match owner {
                "" => String::new(),
                owner => format!(
                    r#","ownerReferences":[{{"apiVersion":"apps/v1","kind":"{by}","name":"{owner}","controller":true}}]"#
                ),
            };
            all.push(live(format!(
                r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"{owners}}},"spec":{spec}}}"#
            )));
        }
    }
    all
}

/// An admission policy with its parameter, and what it judges.
fn governed() -> Vec<Arc<Object>> {
    let policy = r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"most"},"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"matchConstraints":{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["deployments"]}]},"validations":[{"expression":"object.spec.replicas <= int(params.data.most)"}]}}"#;
    let binding = |action: &str| {
        format!(
            r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{{"name":"most"}},"spec":{{"policyName":"most","validationActions":["{action}"],"paramRef":{{"name":"most","namespace":"shop","parameterNotFoundAction":"Deny"}},"matchResources":{{"namespaceSelector":{{"matchLabels":{{"guarded":"yes"}}}}}}}}}}"#
        )
    };
    let parameter = |most: u32| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"most","namespace":"shop"}},"data":{{"most":"{most}"}}}}"#
        )
    };
    let namespace = |guarded: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"shop","labels":{{"guarded":"{guarded}"}}}}}}"#
        )
    };
    let deployment = |name: &str, replicas: u32| {
        format!(
            r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{"replicas":{replicas},"selector":{{}},"template":{{"spec":{{"containers":[{{"name":"c","image":"a"}}]}}}}}}}}"#
        )
    };
    let all = [
        policy.to_owned(),
        binding("Deny"),
        binding("Warn"),
        parameter(2),
        parameter(5),
        parameter(9),
        namespace("yes"),
        namespace("no"),
        deployment("a", 1),
        deployment("a", 4),
        deployment("b", 7),
    ];
    all.into_iter().map(live).collect()
}

fn live(json: String) -> Arc<Object> {
    let mut object = Object::new(serde_json::from_str(&json).unwrap(), None).unwrap();
    object.standing = Standing::Live;
    Arc::new(object)
}

/// A cluster and what is kept of it.
struct Stream<'p> {
    plan: &'p Plan,
    documents: &'p Documents,
    snapshot: Snapshot,
    keeper: Keeper<'p>,
    /// The findings as the differences told them.
    told: HashMap<String, Finding>,
}

impl<'p> Stream<'p> {
    fn new(plan: &'p Plan, documents: &'p Documents) -> Stream<'p> {
        let mut snapshot = Snapshot::new(Minor::NEWEST);
        snapshot.coverage = Coverage::Complete;
        estate::derive(&mut snapshot, &plan.at, plan.today);
        let keeper = Keeper::new(plan, documents);
        Stream { plan, documents, snapshot, keeper, told: HashMap::new() }
    }

    /// Puts objects, or takes them away where they are there as they are. Gives why
    /// rules cannot judge any more.
    fn change(&mut self, objects: &[Arc<Object>], everything: bool) -> Vec<Diagnostic> {
        let mut changes = Changes { everything, ..Changes::default() };
        for object in objects {
            let all = &mut self.snapshot.objects;
            let known = all.iter().position(|known| known.thing == object.thing);
            let before = known.map(|at| all.remove(at));
            let is_there = before.as_ref().is_some_and(|before| Arc::ptr_eq(before, object));
            changes.before.extend(before);
            changes.things.insert(ThingRef::clone(&object.thing));
            if !is_there {
                all.push(object.clone());
            }
        }
        self.snapshot.seal();
        let news = self.keeper.judge(&self.snapshot, &changes, self.plan.today).unwrap();
        for difference in news.differences {
            let key = |finding: &Finding| finding.fingerprint().to_string();
            match difference {
                Difference::Added(finding) => {
                    assert!(self.told.insert(key(&finding), Finding::clone(&finding)).is_none());
                }
                Difference::Modified { before, after } => {
                    let known = self.told.insert(key(&after), Finding::clone(&after));
                    assert_eq!(known.as_ref(), Some(&*before));
                }
                Difference::Deleted(finding) => {
                    assert_eq!(self.told.remove(&key(&finding)).as_ref(), Some(&*finding));
                }
            }
        }
        news.errors
    }

    /// Compares with a judgement from nothing.
    fn compare(&self, what: &str) {
        let world = World::new(&self.snapshot);
        let plan = self.plan;
        let admission = plan.admission_controls(&self.snapshot);
        let controls = Plan::beside(&plan.controls, &admission);
        let assignments = assign(&plan.controls, &self.documents.policies);
        let judge = Judge::new(world, &plan.controls, &assignments).prove_from(plan.proof_from);
        let policies = audit::policies(world, &controls);
        let audit = (!admission.is_empty()).then(|| Audit::new(&policies, &controls));
        let accepting = plan.packs();
        let mut whole = run(world, &judge, audit.as_ref(), |part| {
            exceptions::apply(&mut part.findings, &accepting, world, plan.today);
        });
        whole.seal();
        whole.tallies.resize(controls.len(), Tally::default());
        let kept = self.keeper.judgement(&self.snapshot);
        for (control, (kept, whole)) in controls.iter().zip(kept.tallies.iter().zip(&whole.tallies))
        {
            assert_eq!(kept, whole, "{}: {what}", control.id);
        }
        assert_eq!(in_order(&kept.errors), in_order(&whole.errors), "{what}");
        for (kept, whole) in kept.findings.iter().zip(&whole.findings) {
            assert_eq!(kept, whole, "{what}");
        }
        assert_eq!(kept.findings.len(), whole.findings.len(), "{what}");
        assert_eq!(self.told.len(), whole.findings.len(), "{what}");
        for finding in &whole.findings {
            assert_eq!(self.told.get(&finding.fingerprint().to_string()), Some(finding), "{what}");
        }
    }
}

fn in_order(errors: &[Diagnostic]) -> Vec<String> {
    let mut all: Vec<String> = errors.iter().map(|error| format!("{error:?}")).collect();
    all.sort();
    all
}

/// Changes an estate of objects of the pool, and compares after each change. Gives how
/// many findings there were at the ends.
fn changed(pool: &[Arc<Object>], n_streams: u64, n_first: usize) -> usize {
    let (plan, documents) = (plan(&[]), Documents::default());
    let mut n_findings = 0;
    for seed in 0..n_streams {
        let mut rng = Rng::new(seed);
        let mut stream = Stream::new(&plan, &documents);
        let first: Vec<_> = (0..n_first).map(|_| rng.pick(pool).clone()).collect();
        stream.change(&first, true);
        stream.compare("from nothing");
        for step in 0..CHANGES {
            // Mostly one object, which came before or not.
            let n = if rng.chance(25) { 1 + rng.below(6) } else { 1 };
            let objects: Vec<_> = (0..n)
                .map(|_| match rng.chance(33) && !stream.snapshot.objects.is_empty() {
                    true => rng.pick(&stream.snapshot.objects).clone(),
                    false => rng.pick(pool).clone(),
                })
                .collect();
            stream.change(&objects, rng.chance(2));
            let things: Vec<String> =
                objects.iter().map(|object| object.thing.to_string()).collect();
            stream.compare(&format!("seed {seed}, step {step}: {}", things.join(", ")));
        }
        n_findings += stream.told.len();
    }
    n_findings
}

#[test]
fn what_is_kept_is_what_a_whole_judging_gives() {
    let n_streams = std::env::var("IRONHULL_STREAMS").ok().and_then(|n| n.parse().ok());
    let n_findings = changed(&pool(), n_streams.unwrap_or(STREAMS), 150);
    assert!(n_findings > 1000, "the estates hold too little: {n_findings} findings");
}

/// A rule is asked again when something comes or goes that it looks at: for each the
/// objects of its own examples, of which random estates hold few together.
#[test]
fn rules_are_asked_again_after_what_they_look_at() {
    let documents = Documents::default();
    let mut n_findings = 0;
    for control in ironhull_catalogue::controls() {
        let estates = estates(control).into_iter().filter(|objects| objects.len() > 1);
        let estates: Vec<_> = estates.collect();
        if estates.is_empty() {
            continue;
        }
        let plan = plan(&[&*control.id]);
        for (number, objects) in estates.iter().enumerate() {
            let mut stream = Stream::new(&plan, &documents);
            stream.change(&[], true);
            // Each comes; then each goes from among the others, and comes back.
            for object in objects.iter().chain(objects.iter().flat_map(|one| [one, one])) {
                stream.change(std::slice::from_ref(object), false);
                stream.compare(&format!("estate {number}: {}", object.thing));
                n_findings += stream.told.len();
            }
        }
    }
    assert!(n_findings > 1000, "the estates hold too little: {n_findings} findings");
}

#[test]
fn what_was_made_is_its_makers() {
    let n_findings = changed(&families(), 4, 6);
    assert!(n_findings > 100, "the estates hold too little: {n_findings} findings");
}

/// An object that rules cannot read stays told while others change.
#[test]
fn what_cannot_be_judged_stands_until_it_can() {
    let (plan, documents) = (plan(&[]), Documents::default());
    let mut stream = Stream::new(&plan, &documents);
    let rest = families();
    stream.change(&rest[..2], true);
    let pod = |image: &str| {
        live(format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"odd","namespace":"shop"}},"spec":{{"containers":[{{"name":"c","image":{image}}}]}}}}"#
        ))
    };
    assert_eq!(stream.change(&[pod("5")], false).len(), 1);
    stream.compare("it came");
    let error = &stream.keeper.judgement(&stream.snapshot).errors[0].message;
    assert!(error.starts_with("shop/Pod/odd is not judged by "), "{error}");
    // Another comes: what was wrong still is, and is not told again.
    assert_eq!(stream.change(&rest[2..3], false), []);
    stream.compare("another came");
    assert!(!stream.keeper.judgement(&stream.snapshot).errors.is_empty());
    stream.change(&[pod("\"nginx\"")], false);
    stream.compare("it was mended");
    assert_eq!(stream.keeper.judgement(&stream.snapshot).errors, []);
}

#[test]
fn what_is_governed_follows_its_policies() {
    let n_findings = changed(&governed(), 6, 8);
    assert!(n_findings > 100, "the estates hold too little: {n_findings} findings");
}

#[test]
fn the_controls_of_admission_policies_end_when_they_are_made_anew() {
    let (plan, documents) = (plan(&[]), Documents::default());
    let mut stream = Stream::new(&plan, &documents);
    stream.change(&governed(), true);
    let first: Vec<_> = stream.keeper.admission.iter().map(Arc::downgrade).collect();
    assert!(!first.is_empty(), "some of the objects are admission policies");
    stream.change(&[], true);
    assert_eq!(stream.keeper.admission.len(), first.len());
    assert!(first.iter().all(|control| control.upgrade().is_none()), "the first are still there");
}

fn policy(name: &str, resource: &str, expression: &str) -> [Arc<Object>; 2] {
    let spec = format!(
        r#"{{"matchConstraints":{{"resourceRules":[{{"apiGroups":["*"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["{resource}"]}}]}},"validations":[{{"expression":"{expression}"}}]}}"#
    );
    let bound = format!(r#"{{"policyName":"{name}","validationActions":["Deny"]}}"#);
    [("", spec), ("Binding", bound)].map(|(kind, spec)| {
        live(format!(
            r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy{kind}","metadata":{{"name":"{name}"}},"spec":{spec}}}"#
        ))
    })
}

/// What new pods get is another thing with other flags of the API server.
#[test]
fn what_policies_are_asked_about_follows_the_flags_of_the_api_server() {
    let pulled = "object.spec.containers.all(c, c.imagePullPolicy == 'Always')";
    let mut first: Vec<Arc<Object>> = policy("pulled", "pods", pulled).into();
    first.push(live(
        r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#.to_owned(),
    ));
    first.push(live(r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"shop"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}}"#.to_owned()));
    let (plan, documents) = (plan(&[]), Documents::default());
    let mut stream = Stream::new(&plan, &documents);
    stream.change(&first, true);
    stream.compare("no API server");
    let is_violated = |stream: &Stream<'_>| {
        let mut told = stream.told.values();
        told.any(|it| &*it.control == "vap/pulled" && &*it.subject.kind == "Deployment")
    };
    assert!(is_violated(&stream));
    let server = live(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"s","namespace":"kube-system"},"spec":{"containers":[{"name":"c","image":"i","command":["kube-apiserver","--enable-admission-plugins=AlwaysPullImages"]}]}}"#.to_owned());
    stream.change(&[server], false);
    stream.compare("an API server");
    assert!(!is_violated(&stream));
}

/// With many more objects each policy may cost less about one, also about those that
/// nothing else changed.
#[test]
fn what_policies_may_cost_follows_how_many_objects_there_are() {
    let list: Vec<String> = (0..90).map(|n| n.to_string()).collect();
    let list = format!("[{}]", list.join(","));
    let costly = format!("{list}.all(x, {list}.all(y, x + y >= 0))");
    let mut first: Vec<Arc<Object>> = policy("costly", "deployments", &costly).into();
    first.extend((0..60).flat_map(|n| policy(&format!("p{n}"), "daemonsets", "true")));
    first.extend(families());
    let (plan, documents) = (plan(&[]), Documents::default());
    let mut stream = Stream::new(&plan, &documents);
    stream.change(&first, true);
    stream.compare("few");
    let is_unknown = |stream: &Stream<'_>| {
        let mut own = stream.told.values().filter(|finding| &*finding.control == "vap/costly");
        own.any(|finding| finding.message.contains("more cost units"))
    };
    assert!(!is_unknown(&stream));
    let others = (0..600).map(|n| {
        live(format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{n}","namespace":"shop"}}}}"#
        ))
    });
    let others: Vec<Arc<Object>> = others.collect();
    stream.change(&others, false);
    stream.compare("many");
    assert!(is_unknown(&stream));
    // They go again.
    stream.change(&others, false);
    stream.compare("few again");
    assert!(!is_unknown(&stream));
}
