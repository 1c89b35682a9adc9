use std::sync::Arc;

use ironhull_model::finding::Rung;
use ironhull_model::{Diagnostic, Finding, Minor, Object, Snapshot, SourceId, World};

use super::{Policy, assign, read};
use crate::{Compiler, Control, Judge};

const CONTROL: &str = r"
id: few-volumes
surface: application
title: Pods have few volumes
why: It is a test.
applies: pods
params: { most: 1 }
must: pod.?volumes.orValue([]).size() <= params.most
message: the pod has more than {params.most} volumes
severity: medium
packs: [tidy]
examples:
- given: [ { kind: Pod, spec: { containers: [ { name: a } ], volumes: [ { name: a }, { name: b } ] } } ]
  expect: [ { severity: medium } ]
- given: [ { kind: Pod, spec: { containers: [ { name: a } ] } } ]
  expect: holds
";

fn parse(text: &str) -> ironhull_model::Value {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    parsed.documents.into_iter().next().unwrap().value
}

fn control() -> Control {
    let mut diagnostics = Vec::new();
    let control = Compiler::default().control(parse(CONTROL).root(), SourceId(0), &mut diagnostics);
    control.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

fn policy(name: &str, spec: &str) -> Result<Policy, Vec<Diagnostic>> {
    let document = parse(&format!(
        "{{apiVersion: ironhull.dev/v1, kind: Policy, metadata: {{name: {name}}}, spec: {spec}}}"
    ));
    let mut diagnostics = Vec::new();
    read(document.root(), SourceId(0), &[&control()], &mut diagnostics).ok_or(diagnostics)
}

/// The findings on a pod with three volumes in each of two namespaces.
fn findings(policies: &[Policy]) -> Vec<(String, Rung, String)> {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    for namespace in ["blue", "green"] {
        let pod = parse(&format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: {namespace}, labels: {{team: {namespace}}}}}, spec: {{volumes: [{{name: a}}, {{name: b}}, {{name: c}}]}}}}"
        ));
        snapshot.objects.push(Arc::new(Object::new(pod, None).unwrap()));
    }
    snapshot.seal();
    let control = control();
    let controls = [&control];
    let assignments = assign(&controls, policies);
    let judge = Judge::new(World::new(&snapshot), &controls, &assignments);
    let mut judgement = judge.judgement();
    snapshot.objects.iter().for_each(|object| judge.object(object, &mut judgement));
    judgement.seal();
    let shown = |finding: &Finding| {
        let what = format!("{} {}", finding.subject.namespace, finding.message);
        (what, finding.rung, finding.assignment.to_string())
    };
    judgement.findings.iter().map(shown).collect()
}

fn line(what: &str, rung: Rung, policy: &str) -> (String, Rung, String) {
    (what.to_owned(), rung, policy.to_owned())
}

#[test]
fn without_a_policy_a_control_holds_everywhere() {
    let one = "the pod has more than 1 volumes";
    assert_eq!(
        findings(&[]),
        [
            line(&format!("blue {one}"), Rung::Stop, ""),
            line(&format!("green {one}"), Rung::Stop, "")
        ]
    );
}

#[test]
fn a_policy_takes_the_place_of_the_default_where_it_covers() {
    let two = policy(
        "two",
        "{controls: ['@tidy'], scope: [{namespace: 'bl*'}], params: {few-volumes: {most: 2}}, rung: warn}",
    )
    .unwrap();
    assert_eq!(
        findings(&[two]),
        [
            line("blue the pod has more than 2 volumes", Rung::Warn, "two"),
            line("green the pod has more than 1 volumes", Rung::Stop, "")
        ]
    );
    let three = policy(
        "three",
        "{controls: ['few-*'], scope: [{selector: {matchLabels: {team: blue}}}], params: {few-volumes: {most: 3}}}",
    )
    .unwrap();
    assert_eq!(findings(&[three]), [line("green the pod has more than 1 volumes", Rung::Stop, "")]);
}

#[test]
fn the_strictest_of_those_that_ask_the_same_counts() {
    let all = policy("all", "{controls: ['*'], rung: observe}").unwrap();
    let green = policy("green", "{controls: [few-volumes], scope: [{namespace: green}]}").unwrap();
    let one = "the pod has more than 1 volumes";
    assert_eq!(
        findings(&[all.clone(), green]),
        [
            line(&format!("blue {one}"), Rung::Observe, "all"),
            line(&format!("green {one}"), Rung::Stop, "green")
        ]
    );
    // One that asks something else is judged beside it.
    let other = policy(
        "other",
        "{controls: [few-volumes], except: [{namespace: blue}], params: {few-volumes: {most: 2}}}",
    )
    .unwrap();
    assert_eq!(
        findings(&[all, other]),
        [
            line(&format!("blue {one}"), Rung::Observe, "all"),
            line(&format!("green {one}"), Rung::Observe, "all"),
            line("green the pod has more than 2 volumes", Rung::Stop, "other")
        ]
    );
}

#[test]
fn mistakes_are_told_with_the_nearest_name() {
    let told = |spec: &str| policy("p", spec).unwrap_err()[0].message.clone();
    assert!(told("{controls: [few-volume]}").contains("did you mean \"few-volumes\"?"));
    assert!(told("{controls: ['@nothing']}").contains("is no control"));
    assert!(
        told("{controls: [few-volumes], rung: deny}").contains("observe, warn, stop-new, stop")
    );
    assert!(
        told("{controls: [few-volumes], params: {few-volumes: {most: x}}}").contains("must be a")
    );
    assert!(
        told("{controls: [few-volumes], params: {few-volumes: {least: 1}}}")
            .contains("it has most")
    );
    assert!(told("{controls: [few-volumes], scop: []}").contains("did you mean \"scope\"?"));
}
