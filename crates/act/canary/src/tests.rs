use std::collections::BTreeSet;
use std::sync::LazyLock;

use ironhull_controls::Control;
use ironhull_model::{Minor, Severity};
use ironhull_schema::{Schema, strict};

use super::make::violates;
use super::{Canary, NAME, Wrapping, canaries};

const IMAGE: &str = "registry.example/pause@sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a";

fn every() -> Vec<&'static Control> {
    ironhull_catalogue::controls().iter().collect()
}

fn made() -> &'static [Canary<'static>] {
    static MADE: LazyLock<Vec<Canary<'static>>> =
        LazyLock::new(|| canaries(&every(), &every(), Minor::NEWEST, IMAGE));
    &MADE
}

/// Whether the API server reads an object without complaint.
fn decodes(object: &serde_json::Value) -> bool {
    let value: ironhull_model::Value = serde_json::from_value(object.clone()).unwrap();
    strict::check(Schema::of(Minor::NEWEST), value.root()).is_some_and(|errors| errors.is_empty())
}

#[test]
fn a_canary_violates_its_control_and_its_twin_does_not() {
    let made = made();
    assert!(made.len() > 100, "{}", made.len());
    for canary in made {
        let id = &canary.control.id;
        assert!(violates(canary.control, &canary.object, Minor::NEWEST), "{id}");
        assert!(!violates(canary.control, &canary.twin, Minor::NEWEST), "{id}: {}", canary.twin);
        assert_eq!(canary.object["kind"], canary.twin["kind"], "{id}");
        if **id != *"strict-decoding" {
            assert!(decodes(&canary.object), "{id}: {}", canary.object);
        }
        assert!(decodes(&canary.twin), "{id}: {}", canary.twin);
    }
    let of: BTreeSet<&str> = made.iter().map(|canary| &*canary.control.id).collect();
    for control in ["privileged-container", "host-namespaces", "wildcard-role", "secret-literal"] {
        assert!(of.contains(control), "{control}");
    }
    // What one request does not show has none: no other object may stand beside it.
    for control in ["default-deny-ingress", "secret-shared", "dangling-role", "default-namespace"] {
        assert!(!of.contains(control), "{control}");
    }
}

#[test]
fn a_pod_violates_its_control_inside_of_workloads_too() {
    let mut n = 0;
    for canary in made() {
        let id = &canary.control.id;
        for workload in &canary.workloads {
            n += 1;
            assert_eq!((canary.kind.kind, workload.kind.kind), ("Pod", workload.wrapping.kind()));
            assert!(violates(canary.control, &workload.object, Minor::NEWEST), "{id}");
            assert!(!violates(canary.control, &workload.twin, Minor::NEWEST), "{id}");
            assert!(decodes(&workload.twin), "{id}: {}", workload.twin);
            if **id != *"strict-decoding" {
                assert!(decodes(&workload.object), "{id}: {}", workload.object);
            }
            let template = match workload.wrapping {
                Wrapping::Deployment => &workload.object["spec"]["template"],
                Wrapping::CronJob => &workload.object["spec"]["jobTemplate"]["spec"]["template"],
            };
            assert_eq!(template["spec"]["containers"], canary.object["spec"]["containers"], "{id}");
        }
    }
    println!("{} canaries, {n} more inside of workloads", made().len());
    // What the command's help says of the requests that it costs.
    let times = (made().len() + n) as f64 / made().len() as f64;
    assert!((1.8..2.5).contains(&times), "{times}");
    let of = |control: &str| made().iter().find(|canary| *canary.control.id == *control).unwrap();
    assert_eq!(of("privileged-container").workloads.len(), 2);
    // A pod that nothing made is none any more inside of something.
    assert!(of("static-pod").workloads.is_empty());
}

/// What only ordinary containers can have is nowhere else.
#[test]
fn a_fault_of_containers_is_in_the_other_list_too() {
    let mut n = 0;
    for canary in made() {
        let id = &canary.control.id;
        let Some(elsewhere) = &canary.elsewhere else { continue };
        n += 1;
        assert!(violates(canary.control, &elsewhere.object, Minor::NEWEST), "{id}");
        assert!(!violates(canary.control, &elsewhere.twin, Minor::NEWEST), "{id}");
        assert!(decodes(&elsewhere.object) || **id == *"strict-decoding", "{id}");
        assert!(decodes(&elsewhere.twin), "{id}: {}", elsewhere.twin);
        let other =
            if canary.container.is_none() { "init container" } else { "ordinary container" };
        assert_eq!(elsewhere.container, other, "{id}");
        let has_init = |object: &serde_json::Value| object["spec"]["initContainers"].is_array();
        assert_eq!(has_init(&elsewhere.object), canary.container.is_none(), "{id}");
    }
    println!("{n} of {} canaries in another list of containers too", made().len());
    assert!(n > 25, "{n}");
    let of = |control: &str| made().iter().find(|canary| *canary.control.id == *control).unwrap();
    for control in ["privileged-container", "added-capabilities", "image-without-digest"] {
        assert!(of(control).elsewhere.is_some(), "{control}");
    }
    for control in ["host-namespaces", "readiness-probe-missing", "wildcard-role"] {
        let known = made().iter().find(|canary| *canary.control.id == *control);
        assert!(known.is_none_or(|canary| canary.elsewhere.is_none()), "{control}");
    }
}

/// A pod that is refused for another reason shows nothing, so it has no other that matters.
#[test]
fn a_canary_has_no_other_grave_fault() {
    let pods: Vec<_> = made().iter().filter(|canary| canary.object["kind"] == "Pod").collect();
    assert!(pods.len() > 50, "{}", pods.len());
    let grave: Vec<&Control> = every()
        .into_iter()
        .filter(|control| {
            control.packs.iter().any(|pack| &**pack == "pss-restricted")
                || control.packs.iter().any(|pack| &**pack == "pss-baseline")
        })
        .filter(|control| control.worst() >= Severity::Medium)
        .collect();
    assert!(grave.len() > 12, "{}", grave.len());
    let mut n_harmless = 0;
    for canary in &pods {
        let others: Vec<&str> = grave
            .iter()
            .filter(|control| control.id != canary.control.id)
            .filter(|control| {
                let elsewhere = canary.elsewhere.as_ref().map(|elsewhere| &elsewhere.object);
                let mut objects = [Some(&canary.object), elsewhere].into_iter().flatten();
                objects.any(|object| violates(control, object, Minor::NEWEST))
            })
            .map(|control| &*control.id)
            .collect();
        println!("{}: {others:?}", canary.control.id);
        n_harmless += usize::from(others.is_empty());
    }
    println!("{n_harmless} of {}", pods.len());
    assert!(n_harmless * 10 >= pods.len() * 8, "{n_harmless} of {}", pods.len());
}

#[test]
fn a_canary_is_named_by_the_server() {
    for canary in made() {
        let meta = &canary.object["metadata"];
        let is_named = meta["generateName"] == NAME || meta.get("name").is_some();
        assert!(is_named && canary.object.get("status").is_none(), "{}", canary.object);
    }
}
