//! What is not known: an unknown value and lists that may go on propagate by
//! cel-go's rules, and never become a verdict that more facts could overturn.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::Minor;

/// `true`, `unknown`, `error: …`; `u` is unknown, `open` a list of 1 and 2 that
/// may go on, `closed` the same complete.
fn outcome(expression: &str) -> String {
    let mut env = Env::new(Minor::NEWEST);
    for name in ["u", "open", "closed"] {
        env.variable(name, Type::Dyn);
    }
    let items = || vec![Val::Int(1), Val::Int(2)];
    let bindings = [
        Binding::Val(Val::Unknown),
        Binding::Val(Val::open_list(items())),
        Binding::Val(Val::list(items())),
    ];
    let program = compile(&env, expression).expect(expression);
    match program.eval(&bindings, &mut Context::new()) {
        Ok(value) => value.canonical(),
        Err(error) => format!("error: {}", error.message),
    }
}

#[track_caller]
fn all(rows: &[(&str, &str)]) {
    for (expression, expected) in rows {
        assert_eq!(outcome(expression), *expected, "{expression}");
    }
}

#[test]
fn logic_decides_before_it_is_unknown_and_is_unknown_before_it_fails() {
    all(&[
        ("u || true", "true"),
        ("true || u", "true"),
        ("u || false", "unknown"),
        ("u && false", "false"),
        ("u && true", "unknown"),
        ("u || 1/0 == 1", "unknown"),
        ("1/0 == 1 || u", "unknown"),
        ("1/0 == 1 && u && false", "false"),
        ("!u", "unknown"),
        ("u ? 1 : 2", "unknown"),
        ("true ? 1 : u", "1"),
    ]);
}

#[test]
fn calls_give_their_first_unknown_or_error() {
    all(&[
        ("u + 1", "unknown"),
        ("1 + u", "unknown"),
        ("u + 1/0", "unknown"),
        ("1/0 + u", "error: division by zero"),
        ("size(u)", "unknown"),
        ("u == 1", "unknown"),
        ("u != 1", "unknown"),
        ("1/0 == u", "error: division by zero"),
        ("'a'.replace(u, string(1/0))", "unknown"),
        ("string(1/0).replace(u, 'b')", "error: division by zero"),
        ("u.a.b", "unknown"),
        ("u['a']", "unknown"),
        ("closed[u]", "unknown"),
        ("has(u.a)", "unknown"),
        ("u.?a.orValue(1)", "unknown"),
        ("[u, u]", "unknown"),
        ("{'a': u}", "unknown"),
        ("u in [1, 2]", "unknown"),
        ("u.matches('a')", "unknown"),
        ("u.distinct()", "unknown"),
        ("u.sort()", "unknown"),
        ("u.sortBy(x, x)", "unknown"),
        ("[[1]].flatten(u)", "unknown"),
        ("u.isSorted()", "unknown"),
        ("u.sum()", "unknown"),
        ("sets.contains(u, [1])", "unknown"),
        ("optional.of(u)", "unknown"),
    ]);
}

#[test]
fn comprehensions_over_the_unknown() {
    all(&[
        ("u.all(x, x)", "unknown"),
        ("[1, 2].all(x, x == 1 || u)", "unknown"),
        ("[1, 2].all(x, x != 1 && u)", "false"),
        ("[1, 2].exists(x, x == 1 || u)", "true"),
        ("[1, 2].exists(x, x != 1 && u)", "unknown"),
        ("[0, 1].exists(x, 1/x == 5 || u)", "unknown"),
        ("[1, 2].exists_one(x, u)", "unknown"),
        ("[1, 2, 3].exists_one(x, x < 3 || u)", "false"),
        ("[1, 2].map(x, u).size()", "unknown"),
        ("[1, 2].filter(x, x == 1 || u).exists(x, x == 1)", "true"),
        ("[1, 2].filter(x, x == 1 || u).exists(x, x == 2)", "unknown"),
        ("[1, 2].transformMap(i, v, u)", "unknown"),
    ]);
}

#[test]
fn lists_that_may_go_on() {
    all(&[
        ("open.exists(x, x == 2)", "true"),
        ("open.exists(x, x == 3)", "unknown"),
        ("open.all(x, x == 1)", "false"),
        ("open.all(x, x > 0)", "unknown"),
        ("open.exists(x, 1/0 == x)", "unknown"),
        ("open.exists_one(x, x > 0)", "false"),
        ("open.exists_one(x, x == 1)", "unknown"),
        ("2 in open", "true"),
        ("3 in open", "unknown"),
        ("size(open)", "unknown"),
        ("open[1]", "2"),
        ("open[2]", "unknown"),
        ("open[-1]", "error: index out of bounds: -1"),
        ("open == [1, 2]", "unknown"),
        ("open != [1, 2]", "unknown"),
        ("open == null", "false"),
        ("open != {}", "true"),
        ("open.includes(2)", "true"),
        ("open.includes(3)", "unknown"),
        ("open.indexOf(3)", "unknown"),
        ("dyn(open).isSorted()", "unknown"),
        ("open.map(x, x + 1).exists(x, x == 3)", "true"),
        ("open.map(x, x + 1).exists(x, x == 4)", "unknown"),
        ("(open + [5]).exists(x, x == 5)", "true"),
        ("(open + [5]).all(x, x > 0)", "unknown"),
        ("sets.contains(open, [3])", "unknown"),
        ("optional.of(open).optMap(x, x.exists(y, y == 1)).orValue(false)", "true"),
        ("closed.all(x, x > 0)", "true"),
        ("size(closed)", "2"),
    ]);
}
