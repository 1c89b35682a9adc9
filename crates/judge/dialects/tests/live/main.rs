//! Decisions equal those of a real API server, over dry-run requests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]
#![allow(unreachable_pub, reason = "the modules of one test")]

use std::collections::BTreeMap;
use std::time::Instant;

use ironhull_model::Minor;
use ironhull_testkit::cluster::Cluster;
use serde_json::Value;

mod case;
mod controllers;
mod generate;
mod ours;
mod pod_security;
mod refused;
mod shared;
mod templates;
mod theirs;

use case::{Ask, Group};

/// What only written cases try.
const FEW: &[&str] = &[];

/// So many policies are put in force together.
const BATCH: usize = 130;

fn written() -> Vec<Group> {
    read(&[
        ("m", include_str!("../cases/matching.yaml")),
        ("e", include_str!("../cases/evaluation.yaml")),
        ("p", include_str!("../cases/params.yaml")),
        ("x", include_str!("../cases/mutation.yaml")),
        ("c", include_str!("../cases/custom.yaml")),
        ("v", include_str!("../cases/versions.yaml")),
        ("a", include_str!("../cases/admission.yaml")),
        ("o", include_str!("../cases/objects.yaml")),
        ("s", include_str!("../cases/subresources.yaml")),
    ])
}

/// Groups of case files, each under its letter.
fn read(files: &[(&str, &str)]) -> Vec<Group> {
    let mut groups = Vec::new();
    for (letter, text) in files {
        let parsed = ironhull_yaml::parse(
            ironhull_model::SourceId(0),
            text,
            &ironhull_yaml::Limits::default(),
        );
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        for (index, document) in parsed.documents.iter().enumerate() {
            let written: Value = serde_json::from_str(&document.value.root().to_json()).unwrap();
            groups.push(case::group(&format!("{letter}{index}"), &written));
        }
    }
    groups
}

/// Groups by batches of about [`BATCH`] policies.
fn batches(groups: &[Group]) -> Vec<&[Group]> {
    let (mut batches, mut start, mut count) = (Vec::new(), 0, 0);
    for (index, group) in groups.iter().enumerate() {
        count += group.policies.len();
        if count >= BATCH {
            batches.push(&groups[start..=index]);
            (start, count) = (index + 1, 0);
        }
    }
    if start < groups.len() {
        batches.push(&groups[start..]);
    }
    batches
}

#[derive(Default)]
struct Told {
    n: usize,
    n_denied: usize,
    /// Refused by the API server for other reasons, so that nothing is compared.
    n_refused: usize,
    /// Where we say that we do not know: only the API server converts, and makes names.
    n_unknown: usize,
    /// Objects that came out of mutations and were compared.
    n_objects: usize,
    features: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

impl Told {
    fn counts(&self, started: Instant) -> String {
        format!(
            "{} requests, {} denied, {} refused otherwise, {} mutated objects, {} unknown (converted, generated names), {} differ, {:?}",
            self.n,
            self.n_denied,
            self.n_refused,
            self.n_objects,
            self.n_unknown,
            self.differences.len(),
            started.elapsed()
        )
    }
}

fn run(cluster: &Cluster, groups: &[Group], minor: Minor) -> Told {
    run_beside(cluster, groups, minor, &[])
}

/// Beside objects that only our side is shown.
fn run_beside(cluster: &Cluster, groups: &[Group], minor: Minor, beside: &[Value]) -> Told {
    let mutates = theirs::mutates(cluster);
    if mutates {
        theirs::know_types(cluster);
    }
    let stored = theirs::prepare(cluster, groups);
    let world: Vec<Value> = theirs::world(cluster).into_iter().chain(beside.to_vec()).collect();
    let base = ours::snapshot(&world, minor);
    let (mut first, mut done, mut asked) = (0, 0, Vec::new());
    for (number, batch) in batches(groups).into_iter().enumerate() {
        theirs::enforce(cluster, batch, number, mutates);
        let asks: Vec<&Ask> = batch.iter().flat_map(|group| &group.asks).collect();
        let versions: Vec<Value> = stored[done..done + batch.len()]
            .iter()
            .flatten()
            .map(|it| {
                it.as_ref().map_or(Value::Null, |it| it["metadata"]["resourceVersion"].clone())
            })
            .collect();
        let responses = theirs::ask(cluster, &asks, &versions, first);
        theirs::clear(cluster, mutates);
        let answers: Vec<_> = batch
            .iter()
            .zip(&stored[done..])
            .flat_map(|(group, stored)| ours::answers(&base, group, stored))
            .collect();
        first += asks.len();
        done += batch.len();
        asked.extend(asks.into_iter().zip(responses).zip(answers));
    }
    let mut audited = theirs::audited(cluster);
    let mut told = Told::default();
    for (number, ((ask, response), ours)) in asked.into_iter().enumerate() {
        let theirs = theirs::answer(ask, &response, audited.remove(&number).unwrap_or_default());
        told.n += 1;
        told.n_refused += usize::from(!theirs.denied && !response.is_success());
        told.n_denied += usize::from(theirs.denied);
        let is_mutated = ours.as_ref().is_ok_and(|ours| ours.object.is_some());
        told.n_objects += usize::from(is_mutated && response.is_success());
        for feature in &ask.features {
            *told.features.entry(feature).or_default() += 1;
        }
        let is_same_object = |ours: &ours::Answer| {
            let Some(object) = ours.object.as_ref().filter(|_| response.is_success()) else {
                return true;
            };
            *object == ours::comparable(&ours::value(&response.body), ours.is_prepared, minor)
        };
        let same = |ours: &ours::Answer| {
            let said = match theirs.messages.first() {
                Some(message) => {
                    let message = ours::settled(message);
                    ours.messages.iter().any(|told| ours::settled(told) == message)
                }
                None => ours.messages.is_empty(),
            };
            said && ours::sorted(&ours.warnings) == ours::sorted(&theirs.warnings)
                && ours.audit == theirs.audit
                && ours.denied == theirs.denied
                && is_same_object(ours)
        };
        let is_hidden = |error: &String| {
            let is_named = error.contains("/metadata/name") || error.contains("the generated name");
            let is_made = ask.sent.name.is_empty() && is_named;
            is_made || error.contains("as the API server converts it")
        };
        let is_untold = |ours: &ours::Answer| {
            let text = "(its message reads what is not known): the object as the API server";
            ours.denied && theirs.denied && ours.messages.iter().any(|it| it.contains(text))
        };
        if ours.as_ref().is_err_and(is_hidden) || ours.as_ref().is_ok_and(is_untold) {
            told.n_unknown += 1;
        } else if !ours.as_ref().is_ok_and(same) {
            let body = match ours.as_ref() {
                Ok(ours) if ours.object.is_some() && response.is_success() => {
                    let body = ours::value(&response.body);
                    ours::comparable(&body, ours.is_prepared, minor).to_string()
                }
                _ if !theirs.denied && !response.is_success() => response.body.to_string(),
                _ => String::new(),
            };
            told.differences.push(format!(
                "{} ({})\n  ours:   {ours:?}\n  theirs: {theirs:?} {body}",
                ask.name, ask.sent.path
            ));
        }
    }
    told
}

#[test]
fn decisions_equal_the_api_servers() {
    let started = Instant::now();
    let mut groups = written();
    let n_written: usize = groups.iter().map(|group| group.asks.len()).sum();
    groups.extend(generate::groups());
    // One group alone, to look at it.
    if let Ok(only) = std::env::var("IRONHULL_ONLY") {
        groups.retain(|group| group.id.starts_with(&only));
        println!(
            "{:#?}",
            groups.iter().map(|it| (&it.policies, &it.bindings, &it.params)).collect::<Vec<_>>()
        );
    }
    let Some(cluster) = theirs::start(None, &[]) else { return };
    let (n, n_refused) = refused::check(&cluster);
    println!("{n} policies and bindings, {n_refused} refused, all for the same fields");
    let (n_pods, n_pods_denied) = pod_security::check(&cluster, Minor::NEWEST);
    println!("{n_pods} pods under Pod Security labels, {n_pods_denied} denied, all alike");
    let told = run(&cluster, &groups, Minor::NEWEST);
    println!("{}, {n_written} of them written", told.counts(started));
    for (feature, n) in &told.features {
        println!("{n:6}  {feature}");
    }
    let shown: Vec<_> = told.differences.iter().take(40).cloned().collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert!(
        n_written >= 340
            && n >= 95
            && told.n_objects >= 350
            && told.n >= 4600
            && told.n_unknown * 50 < told.n
    );
    assert!(told.n_denied * 7 >= told.n, "hardly anything is denied");
    let rare: Vec<_> =
        told.features.iter().filter(|(name, n)| **n < 100 && !FEW.contains(name)).collect();
    assert!(rare.is_empty(), "hardly tried: {rare:?}");
}

/// The minors that [`decisions_equal_those_of_older_minors`] asks, by commas, then with
/// the generated cases, too.
const MINORS: &str = "IRONHULL_MINORS";

/// The written cases on API servers that behave as older minors do.
#[test]
fn decisions_equal_those_of_older_minors() {
    let all = std::env::var(MINORS).ok();
    let wanted = all.as_deref().unwrap_or("1.35");
    for minor in ["1.36", "1.35", "1.34"] {
        if !wanted.split(',').any(|it| it == minor) {
            continue;
        }
        let started = Instant::now();
        let Some(cluster) = theirs::start(Some(minor), &[]) else { return };
        let mut groups = written();
        if all.is_some() {
            groups.extend(generate::groups());
        }
        let own: Minor = minor.parse().unwrap();
        if all.is_some() {
            let (n, n_denied) = pod_security::check(&cluster, own);
            println!("{minor}: {n} pods under Pod Security labels, {n_denied} denied, all alike");
        }
        let is_mutating = |group: &Group| group.policies.iter().any(ours::is_mutating);
        if !theirs::mutates(&cluster) {
            // Nor are they in force for us.
            let unserved = groups.extract_if(.., |group| is_mutating(group));
            let n = unserved.map(|group| assert!(ours::are_refused(&group, own))).count();
            println!("{minor} serves no mutating policies: {n} groups are not asked");
        }
        let told = run(&cluster, &groups, own);
        println!("{minor}: {}", told.counts(started));
        let shown: Vec<_> = told.differences.iter().take(20).cloned().collect();
        assert!(shown.is_empty(), "{minor}: {}", shown.join("\n"));
        assert!(told.n >= 300 && told.n_unknown * 20 < told.n);
    }
}

/// Cases about what plugins make of objects, on an API server whose flags have it run others.
#[test]
fn decisions_equal_those_of_other_plugins() {
    let flags = [
        "--enable-admission-plugins=AlwaysPullImages,ExtendedResourceToleration",
        "--disable-admission-plugins=LimitRanger,ServiceAccount,DefaultStorageClass,\
         DefaultIngressClass,TaintNodesByCondition,StorageObjectInUseProtection,\
         PodTopologyLabels,RuntimeClass",
        "--default-not-ready-toleration-seconds=60",
    ];
    let Some(cluster) = theirs::start(None, &flags) else { return };
    let mut groups = read(&[
        ("g", include_str!("../cases/plugins.yaml")),
        ("a", include_str!("../cases/admission.yaml")),
        ("o", include_str!("../cases/objects.yaml")),
        ("s", include_str!("../cases/subresources.yaml")),
    ]);
    // A pod that is changed otherwise would be sent with another policy than it has.
    let is_same = |ask: &Ask| ask.sent.operation == "UPDATE" && ask.sent.kind[2] == "Pod";
    let others = groups.iter_mut().filter(|group| !group.id.starts_with('g'));
    others.for_each(|group| group.asks.retain(|ask| !is_same(ask)));
    let command: Vec<&str> = ["kube-apiserver"].into_iter().chain(flags).collect();
    let server = serde_json::json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "kube-apiserver", "namespace": "kube-system"},
        "spec": {"containers": [{"name": "c", "image": "i", "command": command}]}});
    let started = Instant::now();
    let told = run_beside(&cluster, &groups, Minor::NEWEST, &[server]);
    println!("{}", told.counts(started));
    let shown: Vec<_> = told.differences.iter().take(20).cloned().collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert!(told.n >= 230 && told.n_unknown * 20 < told.n);
}
