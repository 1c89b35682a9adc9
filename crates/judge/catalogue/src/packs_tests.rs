//! Each pack accepts what it is for, and nothing that only looks like it.

use std::sync::Arc;

use ironhull_controls::exceptions::{self, Exception};
use ironhull_controls::packs::Accept;
use ironhull_controls::{Assignment, Control, Judge};
use ironhull_model::{Finding, Minor, Object, Snapshot, Verdict, World};
use jiff::civil::date;

/// What is changed in the workload that a pack accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Nothing,
    OtherImage,
    OtherRegistry,
    OtherAccount,
    OtherKind,
    /// Beside the known containers another one runs.
    MoreImages,
}

/// A workload with everything that its controls can find.
fn workload(accept: &Accept, change: Change) -> Object {
    let container = |index: usize, image: &str| {
        format!(
            r#"{{"name":"c{index}","image":"{image}:v1","ports":[{{"containerPort":9,"hostPort":9}}],"securityContext":{{"privileged":true,"runAsUser":0,"capabilities":{{"add":["SYS_ADMIN"]}},"seccompProfile":{{"type":"Unconfined"}}}},"volumeMounts":[{{"name":"etc","mountPath":"/etc/x","mountPropagation":"Bidirectional"}}]}}"#
        )
    };
    let mut images: Vec<String> =
        accept.images.iter().map(|image| image.replace('*', "eu-west-1")).collect();
    match change {
        Change::OtherImage => images.iter_mut().for_each(|image| image.push_str("-x")),
        Change::OtherRegistry => {
            images.iter_mut().for_each(|image| *image = format!("registry.example/{image}"));
        }
        Change::MoreImages => images.push("registry.example/other".to_owned()),
        _ => {}
    }
    let containers: Vec<String> =
        images.iter().enumerate().map(|(index, image)| container(index, image)).collect();
    let account = match change {
        Change::OtherAccount => "another",
        _ => &accept.service_account,
    };
    let kind = match (change, &*accept.kind) {
        (Change::OtherKind, _) => "StatefulSet",
        (_, kind) => kind,
    };
    let json = format!(
        r#"{{"apiVersion":"apps/v1","kind":"{kind}","metadata":{{"name":"w","namespace":"x"}},"spec":{{"template":{{"spec":{{"serviceAccountName":"{account}","hostNetwork":true,"hostPID":true,"containers":[{}],"volumes":[{{"name":"etc","hostPath":{{"path":"/etc"}}}}]}}}}}}}}"#,
        containers.join(",")
    );
    Object::new(serde_json::from_str(&json).unwrap(), None).unwrap()
}

/// The findings of a control that an entry names: accepted ones and others.
fn judged(
    accept: &Accept,
    change: Change,
    exceptions: &[Exception],
) -> (Vec<Finding>, Vec<Finding>) {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.objects.push(Arc::new(workload(accept, change)));
    snapshot.seal();
    let controls: Vec<&Control> =
        super::controls().iter().filter(|control| accept.controls.contains(&control.id)).collect();
    let assignments: Vec<Assignment<'_>> = controls
        .iter()
        .enumerate()
        .map(|(index, control)| Assignment::by_default(index, control, None))
        .collect();
    let world = World::new(&snapshot);
    let judge = Judge::new(world, &controls, &assignments);
    let mut judgement = judge.judgement();
    judge.object(&snapshot.objects[0], &mut judgement);
    let mut findings = judgement.findings;
    findings.retain(|finding| finding.verdict == Verdict::Violated);
    exceptions::apply(&mut findings, exceptions, world, date(2026, 11, 26));
    findings.into_iter().partition(|finding| finding.accepted.is_some())
}

#[test]
fn packs_accept_what_they_are_for_and_no_look_alike() {
    let exceptions = Exception::of_packs(super::packs().iter());
    let mut n_accepted = 0;
    for pack in super::packs() {
        for accept in &pack.accepts {
            let what = format!("pack {} {}", pack.name, accept.service_account);
            let (accepted, open) = judged(accept, Change::Nothing, &exceptions);
            assert!(open.is_empty(), "{what} leaves {:?}", open[0].message);
            assert!(accepted.len() >= 3, "{what} accepts hardly anything");
            n_accepted += accepted.len();
            for change in [
                Change::OtherImage,
                Change::OtherRegistry,
                Change::OtherAccount,
                Change::OtherKind,
                Change::MoreImages,
            ] {
                let (accepted, open) = judged(accept, change, &exceptions);
                assert!(accepted.is_empty(), "{what} accepts a look-alike: {change:?}");
                assert!(!open.is_empty());
            }
        }
    }
    println!("{} packs, {n_accepted} findings accepted", super::packs().len());
}

#[test]
fn packs_are_reviewed_and_named_once() {
    let mut names: Vec<&str> = super::packs().iter().map(|pack| &*pack.name).collect();
    assert!(names.len() >= 25);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), super::packs().len());
    assert!(super::packs().iter().all(|pack| pack.review_day().is_some()));
}
