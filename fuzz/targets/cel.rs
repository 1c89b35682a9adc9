//! Any text, compiled as an expression of each library version's end, and run
//! within the budget.
#![no_main]

use std::sync::LazyLock;

use ironhull_cel::{Binding, Context, Env, Type, Val};
use ironhull_model::{Minor, Value};
use libfuzzer_sys::fuzz_target;

static ENVS: LazyLock<[Env; 2]> = LazyLock::new(|| {
    [28, 37].map(|minor| {
        let mut env = Env::new(Minor::v1(minor));
        env.variable("object", Type::Dyn);
        env
    })
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
        let bindings = [Binding::Val(Val::from_node(OBJECT.root()))];
        let mut context = Context::new();
        if let Ok(value) = program.eval(&bindings, &mut context) {
            _ = value.display();
        }
    }
});
