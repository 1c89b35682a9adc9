//! The shapes that most policies have allocate nothing when they are evaluated.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::{Builder, Minor, Value};

fn flag(builder: &mut Builder, name: &str, value: bool) {
    builder.key(name, 0);
    builder.bool(value, 0, 0);
}

fn text(builder: &mut Builder, name: &str, value: &str) {
    builder.key(name, 0);
    builder.str(value, 0, 0);
}

/// A pod with five containers.
fn pod() -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("metadata", 0);
    builder.begin_map(0);
    text(&mut builder, "name", "web");
    builder.key("labels", 0);
    builder.begin_map(0);
    text(&mut builder, "tier", "front");
    builder.end(0);
    builder.end(0);
    builder.key("spec", 0);
    builder.begin_map(0);
    flag(&mut builder, "hostNetwork", false);
    builder.key("replicas", 0);
    builder.int(3, 0, 0);
    builder.key("containers", 0);
    builder.begin_list(0);
    for name in ["dns", "init", "log", "proxy", "web"] {
        builder.begin_map(0);
        text(&mut builder, "name", name);
        text(&mut builder, "image", "registry.example.com/shop/web:1.2.3");
        builder.key("securityContext", 0);
        builder.begin_map(0);
        flag(&mut builder, "privileged", false);
        builder.end(0);
        builder.key("ports", 0);
        builder.begin_list(0);
        builder.begin_map(0);
        builder.key("containerPort", 0);
        builder.int(8080, 0, 0);
        builder.end(0);
        builder.end(0);
        builder.end(0);
    }
    builder.end(0);
    builder.end(0);
    builder.end(0);
    builder.finish()
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
