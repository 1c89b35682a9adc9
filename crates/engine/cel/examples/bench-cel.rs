//! How long typical policy expressions take over a pod with five containers:
//! `cargo run --release -p ironhull-cel --example bench-cel`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints and may fail")]

use std::hint::black_box;
use std::time::Instant;

use ironhull_cel::{Binding, Context, Env, Program, Type, Val, compile};
use ironhull_model::{Minor, Value};

const EXPRESSIONS: [&str; 16] = [
    "object.spec.replicas <= 5",
    "has(object.metadata.labels) && 'tier' in object.metadata.labels",
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits))",
    "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
    "!object.spec.containers.exists(c, c.image.endsWith(':latest'))",
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged)",
    "object.spec.containers.all(c, c.?securityContext.?runAsNonRoot.orValue(false))",
    "object.spec.containers.filter(c, has(c.ports)).all(c, c.ports.all(p, p.containerPort > 1024))",
    "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
    "object.spec.volumes.all(v, !has(v.hostPath))",
    "object.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "object.metadata.labels.all(k, k.size() < 64 && object.metadata.labels[k].size() < 64)",
    "quantity(object.spec.containers[0].resources.limits.memory).isLessThan(quantity('2Gi'))",
    "object.spec.containers.map(c, c.name).isSorted()",
    "sets.contains(['web', 'log', 'proxy', 'init', 'dns', 'x'], object.spec.containers.map(c, c.name))",
    "'%s/%s has %d containers'.format([object.metadata.namespace, object.metadata.name, object.spec.containers.size()])",
];

/// The shortest time of one run out of many, so that a busy machine counts less.
fn best(mut run: impl FnMut()) -> f64 {
    const BATCHES: u32 = 60;
    const ROUNDS: u32 = 50;
    let batch = || {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| run());
        start.elapsed() / ROUNDS
    };
    let shortest = std::iter::repeat_with(batch).take(BATCHES as usize).min();
    shortest.unwrap_or_default().as_nanos() as f64 / 1e3
}

fn main() {
    let mut env = Env::new(Minor::NEWEST);
    env.variable("object", Type::Dyn);
    let pod = include_str!("../tests/corpus/pod.json");
    let pod: Value = serde_json::from_str(pod).expect("a pod");
    let bindings = [Binding::Val(Val::from_node(pod.root()))];
    let (mut evaluating, mut compiling, mut longest) = (0.0, 0.0, 0.0_f64);
    for expression in EXPRESSIONS {
        let program: Program = compile(&env, expression).expect(expression);
        let once = best(|| {
            let value = program.eval(&bindings, &mut Context::default());
            black_box(value.expect(expression));
        });
        let compiled = best(|| _ = black_box(compile(&env, expression)));
        evaluating += once;
        compiling += compiled;
        longest = longest.max(compiled);
        println!("{once:9.2} µs  {compiled:9.2} µs to compile  {expression}");
    }
    println!("{evaluating:9.2} µs  all {} evaluated once", EXPRESSIONS.len());
    let million = "lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))";
    let program = compile(&env, million).expect(million);
    let start = Instant::now();
    assert!(program.eval(&bindings, &mut Context::default()).is_err(), "it is within the budget");
    println!("{:9.2} ms  until the budget ends {million}", start.elapsed().as_secs_f64() * 1e3);
    println!("{:9.2} µs  to compile one, {longest:.2} µs the longest", compiling / 16.0);
}
