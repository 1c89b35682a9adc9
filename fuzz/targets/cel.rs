//! Any text, compiled as an expression of each library version's end and of a
//! mutation, and run within the budget.
#![no_main]

use std::sync::LazyLock;

use ironhull_cel::policy::{Compiler, Inputs, Stage, Use, apply_configuration, json_patch};
use ironhull_cel::{Context, Env, Resource, Type, Val};
use ironhull_model::{Minor, Value};
use libfuzzer_sys::fuzz_target;

static ENVS: LazyLock<[Env; 3]> = LazyLock::new(|| {
    let [first, last] = [28, 37].map(|minor| {
        let mut env = Env::new(Minor::v1(minor));
        env.variable("object", Type::Dyn);
        env
    });
    [first, last, POLICY.env(Use::Mutation)]
});

static POLICY: LazyLock<Compiler> = LazyLock::new(|| {
    let mut policy = Compiler::of_policy(Minor::v1(37), true);
    for (name, text) in [("a", "object.a"), ("b", "variables.a + 1"), ("c", "object.nothing")] {
        policy.variable(name, text).expect("a variable");
    }
    policy
});

static OBJECT: LazyLock<Value> = LazyLock::new(|| {
    let text = "{a: 1, b: [1, 2.5, x, null], c: {d: true, \"e f\": \"2024-01-01T00:00:00Z\"}}";
    let parsed = ironhull_yaml::parse(
        ironhull_model::SourceId(0),
        text,
        &ironhull_yaml::Limits::default(),
    );
    parsed.documents.into_iter().next().expect("a document").value
});

fuzz_target!(|text: &str| {
    for env in &*ENVS {
        let program = match ironhull_cel::compile(env, text) {
            Ok(program) => program,
            Err(issues) => {
                for issue in issues {
                    // What is missing at the end is told one byte behind it.
                    assert!(issue.start <= issue.end && issue.end as usize <= text.len() + 1);
                }
                continue;
            }
        };
        let root = || Val::from_node(OBJECT.root());
        let inputs = Inputs {
            object: root(),
            old_object: Val::Null,
            namespace_object: root(),
            request: root(),
            params: root(),
            request_resource: Some(Resource::default()),
            n_variables: 3,
        };
        let mut stage = Stage::new(POLICY.variables().expect("of a policy"));
        let mut context = Context { stage: Some(&mut stage), ..Context::new() };
        if let Ok(value) = program.eval(&inputs.bindings(), &mut context) {
            _ = value.display();
            _ = apply_configuration(&value, &[&*OBJECT]);
            _ = json_patch(&value, &[&*OBJECT]);
        }
    }
});
