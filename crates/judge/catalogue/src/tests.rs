mod repairs;

use ironhull_controls::{control::Rule, examples};

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
        let examples = examples::read(control);
        let holds = examples
            .iter()
            .any(|example| example.as_ref().is_ok_and(|example| !example.expects_violation()));
        let violates = examples
            .iter()
            .any(|example| example.as_ref().is_ok_and(|example| example.expects_violation()));
        assert!(holds && violates, "{} lacks a violation or a near-miss", control.id);
    }
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
