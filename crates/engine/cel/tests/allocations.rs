//! The shapes that most policies have allocate nothing when they are evaluated.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use ironhull_cel::policy::{Compiler, Inputs, Stage, Use, evaluate};
use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::{Minor, Value};

/// A pod with five containers.
fn pod() -> Value {
    serde_json::from_str(include_str!("corpus/pod.json")).expect("a pod")
}

/// A variable is made once for the expressions of a stage; reading it again, and
/// what a request says, allocates nothing.
#[test]
fn variables_that_are_known_and_requests_allocate_nothing() {
    let mut policy = Compiler::of_policy(Minor::NEWEST, true);
    policy.variable("containers", "object.spec.containers").expect("compiles");
    policy.variable("replicas", "object.spec.replicas + 1").expect("compiles");
    let pod = pod();
    let inputs = Inputs {
        object: Val::from_node(pod.root()),
        old_object: Val::Null,
        namespace_object: Val::Null,
        request: Val::from_node(pod.root()),
        params: Val::Null,
        request_resource: None,
        n_variables: 2,
    };
    let bindings = inputs.bindings();
    for text in [
        "variables.containers.all(c, has(c.image))",
        "variables.replicas <= 5 && variables.replicas > 1",
        "oldObject == null || variables.replicas == 4",
        "has(variables.containers)",
    ] {
        let program = policy.compile(Use::Condition, text).expect(text);
        let mut stage = Stage::new(policy.variables().expect("of a policy"));
        let mut budget = 10_000_000;
        let mut run = || {
            let mut context = Context { stage: Some(&mut stage), ..Context::new() };
            matches!(evaluate(&program, &bindings, &mut context, &mut budget), Ok(Val::Bool(true)))
        };
        assert!(run(), "{text}");
        let counted = allocation_counter::measure(|| assert!(run()));
        assert_eq!(counted.count_total, 0, "{text}");
    }
}

#[test]
fn common_shapes_allocate_nothing() {
    let mut env = Env::new(Minor::NEWEST);
    env.variable("object", Type::Dyn);
    let pod = pod();
    let bindings = [Binding::Val(Val::from_node(pod.root()))];
    for (text, expected) in [
        ("object.spec.replicas <= 5", true),
        ("!has(object.spec.hostNetwork) || !object.spec.hostNetwork", true),
        ("has(object.metadata.labels) && 'tier' in object.metadata.labels", true),
        ("object.spec.containers.all(c, has(c.securityContext) && has(c.image))", true),
        ("object.spec.containers.all(c, has(c.image) && c.image.startsWith('registry.'))", true),
        (
            "object.spec.containers.all(c, has(c.securityContext) && \
             has(c.securityContext.privileged) && !c.securityContext.privileged)",
            true,
        ),
        ("object.spec.containers.exists(c, c.image.endsWith(':latest'))", false),
        ("object.spec.containers.all(c, c.ports.all(p, p.containerPort > 1024))", true),
        ("object.spec.containers.exists_one(c, c.name == 'web')", true),
        ("object.metadata.labels.all(k, k.size() < 64)", true),
        ("object.spec.containers.all(c, c.name in ['dns', 'init', 'log', 'proxy', 'web'])", true),
        ("object.spec.containers.all(i, c, i < 5 && has(c.name))", true),
    ] {
        let program = compile(&env, text).expect(text);
        let run = || match program.eval(&bindings, &mut Context::default()) {
            Ok(Val::Bool(value)) => Some(value),
            _ => None,
        };
        // What is made once, such as tables of functions, is made before.
        assert_eq!(run(), Some(expected), "{text}");
        let counted = allocation_counter::measure(|| assert_eq!(run(), Some(expected)));
        assert_eq!(counted.count_total, 0, "{text}");
    }
}
