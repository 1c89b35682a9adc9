mod repairs;

use ironhull_controls::{UNSAID, control::Rule, examples};

/// Every control's examples say what it says of them.
#[test]
fn examples_come_out_as_expected() {
    let mut failures = Vec::new();
    let mut n_examples = 0;
    for control in super::controls() {
        for (index, result) in examples::run(control).iter().enumerate() {
            n_examples += 1;
            if let Err(difference) = result {
                failures.push(format!("{} example {}: {difference}", control.id, index + 1));
            }
        }
    }
    let natives =
        super::controls().iter().filter(|control| matches!(control.rule, Rule::Native(_))).count();
    println!("{} controls ({natives} native), {n_examples} examples", super::controls().len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A violation needs a near-miss beside it: an example that holds.
#[test]
fn every_control_has_a_violation_and_a_near_miss() {
    for control in super::controls() {
        assert_eq!(examples::lacks(control), None, "{}", control.id);
    }
}

/// The roles and bindings that every cluster has are nobody's mistake, whichever minor made
/// them, and also where an input holds them itself.
#[test]
fn what_kubernetes_makes_is_nobodys_mistake() {
    use std::sync::Arc;

    use ironhull_controls::{Assignment, Judge};
    use ironhull_model::{Coverage, Minor, Object, Snapshot, World};

    let ids = ["broad-groups", "default-role-widened"];
    let controls: Vec<_> =
        super::controls().iter().filter(|control| ids.contains(&&*control.id)).collect();
    assert_eq!(controls.len(), ids.len());
    let assignments: Vec<_> = controls
        .iter()
        .enumerate()
        .map(|(index, control)| Assignment::by_default(index, control, None))
        .collect();
    let mut n_judged = 0;
    for minor in (34..=37).map(Minor::v1) {
        let mut snapshot = Snapshot::new(Minor::NEWEST);
        snapshot.coverage = Coverage::Complete;
        let objects = ironhull_schema::rbac::defaults(minor);
        snapshot.objects =
            objects.filter_map(|value| Object::new(value, None)).map(Arc::new).collect();
        snapshot.seal();
        let judge = Judge::new(World::new(&snapshot), &controls, &assignments);
        let mut judgement = judge.judgement();
        for object in &snapshot.objects {
            judge.object(object, &mut judgement);
            n_judged += 1;
        }
        let told: Vec<&str> = judgement.findings.iter().map(|found| &*found.message).collect();
        assert!(told.is_empty(), "{minor}: {told:?}");
    }
    println!("{n_judged} roles and bindings judged");
    assert!(n_judged > 4 * 100, "{n_judged}");
}

/// Whether a repair may stop something is decided for each control; of native rules
/// only their examples tell whether they repair at all.
#[test]
fn repairs_say_whether_they_may_stop_something() {
    let (mut n_safe, mut n_unsafe) = (0, 0);
    for control in super::controls() {
        let found = examples::read(control)
            .into_iter()
            .flatten()
            .flat_map(|example| examples::judge(control, &example).findings);
        let changes = |finding: &ironhull_model::Finding| {
            use ironhull_model::RepairStep;
            finding.repair.steps.iter().any(|step| !matches!(step, RepairStep::Ask { .. }))
        };
        let repairs = found.filter(changes).count();
        assert!(repairs == 0 || control.may.as_deref() != Some(UNSAID), "{}", control.id);
        match control.may {
            Some(_) => n_unsafe += usize::from(repairs > 0),
            None => n_safe += usize::from(repairs > 0),
        }
    }
    println!("{n_safe} controls repair without risk, {n_unsafe} may stop something");
    assert!(n_safe > 3 && n_unsafe > 30, "{n_safe} and {n_unsafe}");
}

/// A control's standards name items that exist, so that a typing error does not
/// claim nothing.
#[test]
fn standards_items_exist() {
    let mut unknown = Vec::new();
    for control in super::controls() {
        for standard in &control.standards {
            let Some(file) = super::standards().iter().find(|file| *file.name == *standard.name)
            else {
                unknown.push(format!("{}: no standard {}", control.id, standard.name));
                continue;
            };
            for item in &standard.items {
                if !file.items.iter().any(|known| *known.id == *item.item) {
                    unknown.push(format!(
                        "{}: {} has no item {}",
                        control.id, standard.name, item.item
                    ));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

/// What no control answers says what it would take.
#[test]
fn items_that_nothing_covers_say_what_they_need() {
    let mut silent = Vec::new();
    for file in super::standards() {
        for item in &file.items {
            let claims = super::controls().iter().flat_map(|control| &control.standards);
            let mut mappings = claims.filter(|of| *of.name == *file.name).flat_map(|of| &of.items);
            if item.needs.is_none() && !mappings.any(|mapping| *mapping.item == *item.id) {
                silent.push(format!("{} {}", file.name, item.id));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// The parts that a standard's file names are parts that controls claim.
#[test]
fn parts_of_items_are_claimed() {
    for file in super::standards() {
        for item in &file.items {
            for part in &item.parts {
                let claimed = super::controls().iter().any(|control| {
                    control.standards.iter().filter(|of| *of.name == *file.name).any(|of| {
                        of.items.iter().any(|mapping| {
                            *mapping.item == *item.id && mapping.part.as_deref() == Some(part)
                        })
                    })
                });
                assert!(claimed, "{} {}: nobody claims the part {part:?}", file.name, item.id);
            }
        }
    }
}
