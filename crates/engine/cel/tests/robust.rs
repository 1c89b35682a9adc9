//! No text makes the parser, the checker or the evaluator fail other than with an
//! error: deep nesting, random bytes, random pieces of expressions.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use ironhull_cel::policy::{Compiler, Use, apply_configuration, json_patch};
use ironhull_cel::{Binding, Context, Env, Program, Type, Val, compile};
use ironhull_model::{Builder, Minor};
use ironhull_testkit::rng::Rng;

/// Compiles, evaluates with a small budget, encodes and decodes.
fn try_out(env: &Env, text: &str) {
    let Ok(program) = compile(env, text) else { return };
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("a", 0);
    builder.begin_list(0);
    builder.int(1, 0, 0);
    builder.end(0);
    builder.end(0);
    let document = builder.finish();
    // The last is what a policy's variables are bound to.
    let mut bindings = vec![Binding::Val(Val::from_node(document.root())); 7];
    bindings.push(Binding::Val(Val::Variables(1)));
    let run = |program: &Program| {
        let mut context = Context { limit: 10_000, ..Context::default() };
        let result = program.eval(&bindings, &mut context).map(|value| {
            // What is no object or patch is an error, whatever it is.
            let patch = json_patch(&value, &[&document]);
            (value.canonical(), apply_configuration(&value, &[]), patch, value.display())
        });
        (result, context.cost)
    };
    let decoded = Program::decode(&program.encode()).expect(text);
    assert_eq!(run(&program), run(&decoded), "{text}");
}

fn env(minor: u16) -> Env {
    let mut env = Env::new(Minor::v1(minor));
    env.variable("object", Type::Dyn);
    env
}

fn of_mutations() -> Env {
    let mut policy = Compiler::of_policy(Minor::v1(37), true);
    policy.variable("a", "object.a").unwrap();
    policy.env(Use::Mutation)
}

/// T-CEL-2, and much deeper.
#[test]
fn deep_nesting_is_an_error_or_works() {
    let env = of_mutations();
    for n in [60, 200, 249, 250, 251, 1_000, 20_000] {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{1: ", "1", "}"),
            ("!(", "true", ")"),
            ("-(", "1", ")"),
            ("size(", "[]", ")"),
            ("[size(", "[]", ")]"),
            ("", "object", ".a"),
            ("", "object", "[0]"),
            ("", "object", ".a()"),
            ("true ? 1 : ", "2", ""),
            ("", "true", " == true"),
            ("", "1", " + 1"),
            ("1 + (", "1", ")"),
            ("true && (", "true", ")"),
            ("", "true", " && true"),
            ("", "false", " || false"),
            ("[1].all(x, ", "true", ")"),
            ("[1].map(x, ", "1", ")"),
            ("[1].filter(x, ", "true", ")"),
            ("[1].exists(x, true || ", "true", ")"),
            ("", "[1]", ".map(x, x)"),
            ("", "[1]", ".sortBy(x, x)"),
            ("optional.of(1).optMap(x, ", "1", ")"),
            ("", "optional.of(1)", ".optMap(x, x)"),
            ("has(object.a) ? (", "1", ") : 2"),
            ("object[", "'a'", "]"),
            ("[[1].map(x, {'a': ", "1", "})]"),
            ("Object{a: ", "1", "}"),
            ("Object{a: [", "1", "]}"),
            ("Object{?a: optional.of(", "1", ")}"),
            ("JSONPatch{value: ", "1", "}"),
            ("Object", "", ".a"),
            ("", "Object{}", ".a"),
        ] {
            let text = [&open.repeat(n), inner, &close.repeat(n)].concat();
            try_out(&env, &text);
        }
    }
}

/// A long flat expression is no deep one.
#[test]
fn long_expressions_work() {
    let env = env(37);
    let text = format!("true{}", " && true".repeat(10_000));
    assert!(compile(&env, &text).is_ok());
    let text = format!("[1{}].size() == 10001", ", 1".repeat(10_000));
    assert!(compile(&env, &text).is_ok());
    let text = format!("true{}", " && true".repeat(20_000));
    assert!(compile(&env, &text).is_err(), "longer than 100,000 characters");
}

const PIECES: [&str; 86] = [
    "Object",
    "Object{",
    "Object.a{",
    "JSONPatch{",
    "a: ",
    "?a: ",
    "op: ",
    "value: ",
    "variables",
    "request",
    "authorizer",
    ".check('get')",
    ".group('')",
    "jsonpatch.escapeKey(",
    "object",
    ".a",
    "[0]",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    ".?a",
    "[?0]",
    "1",
    "1u",
    "1.5",
    "'a'",
    "b'a'",
    "true",
    "null",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " && ",
    " || ",
    "!",
    "-",
    " == ",
    " != ",
    " < ",
    " in ",
    " ? ",
    " : ",
    ".all(x, ",
    ".map(x, ",
    ".filter(x, ",
    ".exists_one(x, ",
    ".transformMap(k, v, ",
    ".sortBy(x, ",
    ".optMap(x, ",
    "x",
    "k",
    "has(",
    "size(",
    ".size()",
    "optional.of(",
    "optional.none()",
    ".orValue(",
    ".value()",
    "int(",
    "string(",
    "duration('1s')",
    "timestamp('2024-01-01T00:00:00Z')",
    "quantity('1')",
    ".format([",
    "])",
    ".matches('a')",
    ".matches(",
    "dyn(",
    "type(",
    "[1, 2]",
    "{'a': 1}",
    ".a",
    ".`a`",
    "lists.range(3)",
    "url('/a')",
    ".flatten(",
    ".sum()",
    "\u{1F600}",
];

#[test]
fn random_pieces() {
    let environments = [env(28), env(37), of_mutations()];
    let mut rng = Rng::new(7);
    for at in 0..45_000 {
        let n = 1 + rng.below(14);
        let text: String = (0..n).map(|_| *rng.pick(&PIECES)).collect();
        try_out(&environments[at % 3], &text);
    }
}

#[test]
fn random_bytes_and_damaged_expressions() {
    let env = of_mutations();
    let mut rng = Rng::new(11);
    let texts = [include_str!("corpus/rules.txt"), include_str!("corpus/policies.txt")];
    let lines = texts
        .map(|text| -> Vec<&str> { text.lines().filter(|line| !line.contains('«')).collect() });
    for at in 0..30_000 {
        let mut bytes = rng.pick(&lines[at % 2]).as_bytes().to_vec();
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len() + 1);
            match rng.below(3) {
                0 => bytes.insert(at, rng.below(256) as u8),
                1 if at < bytes.len() => bytes[at] = rng.below(256) as u8,
                _ if at < bytes.len() => _ = bytes.remove(at),
                _ => {}
            }
        }
        try_out(&env, &String::from_utf8_lossy(&bytes));
    }
    for _ in 0..5_000 {
        let n = rng.below(200);
        let bytes: Vec<u8> = (0..n).map(|_| rng.below(256) as u8).collect();
        try_out(&env, &String::from_utf8_lossy(&bytes));
        assert!(Program::decode(&bytes).is_err() || n > 0);
    }
}
