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

/// Repairs are tested by applying them: the finding is gone and nothing is new.
#[test]
fn repairs_make_the_control_hold() {
    use ironhull_model::{Object, RepairStep};
    use std::sync::Arc;
    let mut n_repairs = 0;
    for control in super::controls() {
        for example in examples::read(control)
            .into_iter()
            .flatten()
            .filter(examples::Example::expects_violation)
        {
            let before = examples::judge(control, &example);
            for finding in &before.findings {
                let own =
                    finding.repair.steps.iter().any(|step| !matches!(step, RepairStep::Ask { .. }));
                if !own {
                    continue;
                }
                let Some(at) = example
                    .snapshot
                    .objects
                    .iter()
                    .position(|object| object.thing == finding.subject)
                else {
                    continue;
                };
                let object = &example.snapshot.objects[at];
                let fixed = ironhull_patch::apply(&object.value, &finding.repair.steps).unwrap();
                let mut after = examples::read(control)
                    .into_iter()
                    .flatten()
                    .find(|other| {
                        other.snapshot.objects.len() == example.snapshot.objects.len()
                            && other.snapshot.objects[at].value == object.value
                    })
                    .unwrap();
                after.snapshot.objects[at] = Arc::new(Object::new(fixed, None).unwrap());
                for step in &finding.repair.steps {
                    if let RepairStep::Create { object } = step {
                        after
                            .snapshot
                            .objects
                            .push(Arc::new(Object::new(object.clone(), None).unwrap()));
                    }
                }
                after.snapshot.seal();
                let judged = examples::judge(control, &after);
                let still = judged.findings.iter().find(|other| {
                    other.element == finding.element
                        && other.subject == finding.subject
                        && other.message == finding.message
                });
                assert!(
                    still.is_none(),
                    "{}: the repair leaves {:?}",
                    control.id,
                    still.map(|finding| &finding.message)
                );
                n_repairs += 1;
            }
        }
    }
    println!("{n_repairs} repairs applied");
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
