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
