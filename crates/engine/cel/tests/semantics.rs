//! What policies rely on, by name: the rows of the table that says why this engine
//! is ours, and the costs that are given with the environment's description. All
//! were asked of the API server's environment of 1.35; where a row is also in the
//! differential corpus, it stands here to be found.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::{Minor, Value};

/// A pod-like object with two labels, two containers and `replicas` 3.
const OBJECT: &str = r#"{
    "metadata": {"name": "web", "namespace": "shop",
        "labels": {"app.kubernetes.io/name": "web", "tier": "front"}},
    "spec": {"replicas": 3, "big": 18446744073709551615,
        "containers": [{"name": "app"}, {"name": "sidecar"}]}
}"#;

/// `value @ cost`, `error: text @ cost` or `refused`.
fn outcome_of(minor: u16, expression: &str) -> String {
    let mut env = Env::new(Minor::v1(minor));
    env.variable("object", Type::Dyn);
    env.variable("oldObject", Type::Dyn);
    let Ok(program) = compile(&env, expression) else { return "refused".to_owned() };
    let object: Value = serde_json::from_str(OBJECT).expect("an object");
    let bindings = [Binding::Val(Val::from_node(object.root())), Binding::Val(Val::Null)];
    let mut context = Context::new();
    match program.eval(&bindings, &mut context) {
        Ok(value) => format!("{} @ {}", value.canonical(), context.cost),
        Err(error) => format!("error: {} @ {}", error.message, context.cost),
    }
}

/// The value or error without its cost.
fn outcome(minor: u16, expression: &str) -> String {
    let outcome = outcome_of(minor, expression);
    outcome.rsplit_once(" @ ").map_or(outcome.clone(), |(outcome, _)| outcome.to_owned())
}

#[track_caller]
fn all(minor: u16, rows: &[(&str, &str)]) {
    for (expression, expected) in rows {
        assert_eq!(outcome(minor, expression), *expected, "1.{minor} {expression}");
    }
}

#[test]
fn selecting_on_null_is_an_error_and_no_verdict() {
    all(
        35,
        &[
            ("oldObject.spec.replicas != 3", "error: no such key: spec"),
            ("!oldObject.spec.privileged", "error: no such key: spec"),
            ("!object.metadata.name.foo", "error: no such key: foo"),
            ("has(oldObject.spec)", "false"),
            ("has(object.metadata.name.foo)", "false"),
        ],
    );
}

#[test]
fn dynamic_numbers_compare_across_types() {
    all(
        35,
        &[
            ("object.spec.replicas == 3.0", "true"),
            ("object.spec.replicas == 3u", "true"),
            ("object.spec.replicas == 3", "true"),
            ("object.spec.containers[dyn(0.0)].name", "\"app\""),
            ("object.spec.replicas + 1.0", "error: no such overload"),
            ("1 == 1u", "refused"),
            ("null == 1", "refused"),
            ("[1, 'a']", "refused"),
        ],
    );
}

#[test]
fn optionals() {
    all(
        35,
        &[
            ("object.spec.?missing.orValue(5)", "5"),
            ("optional.of(1).optMap(x, x + 1)", "optional(2)"),
            ("optional.of(1).optFlatMap(x, optional.none())", "optional.none()"),
        ],
    );
}

#[test]
fn errors_are_absorbed_across_iterations() {
    all(
        35,
        &[
            ("[0, 2].exists(x, 10/x == 5)", "true"),
            ("[0, 2].all(x, 10/x == 4)", "false"),
            ("[0, 2].exists_one(x, 10/x == 5)", "error: division by zero"),
            ("[0, 2].map(x, 10/x)", "error: division by zero"),
            ("[0, 2].filter(x, 10/x == 5)", "error: division by zero"),
        ],
    );
}

#[test]
fn strings_are_code_points_and_patterns_ascii() {
    all(
        35,
        &[
            ("'héllo'.size()", "5"),
            ("'٣'.matches('^\\\\d$')", "false"),
            ("'a\\u00e9'.matches('^\\\\w+$')", "false"),
            ("'a'.matches('[')", "refused"),
            ("'a\\u00e9'.matches(object.metadata.name + '^\\\\w+$')", "false"),
            ("'٣'.find(string(dyn('\\\\d')))", "\"\""),
            ("'٣'.findAll(string(dyn('\\\\s|\\\\d')))", "[]"),
        ],
    );
}

#[test]
fn conversions_and_formats() {
    all(
        35,
        &[
            ("type(1)", "type(int)"),
            ("dyn(1)", "1"),
            ("bool('true')", "true"),
            ("string(true)", "\"true\""),
            ("int(timestamp('1970-01-01T00:00:07Z'))", "7"),
            ("'%e'.format([1500.0])", "\"1.500000×10⁰³\""),
            ("'%s'.format([['a', 1.5]])", "\"[\\\"a\\\", 1.500000]\""),
            ("'%s'.format([{'b': 1, 'a': true}])", "\"{\\\"a\\\":true, \\\"b\\\":1}\""),
            ("string(1e21)", "\"1e+21\""),
            ("string(duration('90s'))", "\"90s\""),
            ("string(timestamp('2024-01-01T00:00:00Z'))", "\"2024-01-01T00:00:00Z\""),
            ("timestamp('2024-01-01T00:00:00Z').getHours('America/New_York')", "19"),
            ("duration('1d')", "refused"),
        ],
    );
}

#[test]
fn macros_of_later_minors() {
    all(
        35,
        &[
            ("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]"),
            ("[1, 2].transformList(i, v, i + v)", "[1, 3]"),
            ("[1, 2].existsOne(i, v, v == 2)", "true"),
            ("[1, 2].existsOne(v, v == 2)", "refused"),
            ("'abc'.reverse()", "refused"),
            ("cel.bind(x, 1, x)", "refused"),
            ("math.greatest(1, 2)", "refused"),
            ("base64.encode(b'a')", "refused"),
        ],
    );
}

#[test]
fn quantities_of_any_size() {
    all(
        35,
        &[
            ("quantity('9999999999999999999999999999999999999G').isInteger()", "false"),
            ("quantity('1.5Gi').isInteger()", "false"),
            ("quantity('1.5Gi').asInteger()", "error: cannot convert value to integer"),
            ("quantity('1536Mi').isInteger()", "true"),
            ("quantity('0.1').add(quantity('0.2')) == quantity('0.3')", "true"),
            ("quantity('1e3').compareTo(quantity('1k'))", "0"),
        ],
    );
}

#[test]
fn library_types() {
    all(
        35,
        &[
            ("semver('1.0.0+a') == semver('1.0.0+b')", "true"),
            ("format.named('uuid').hasValue()", "true"),
            ("[duration('1m')].sum()", "duration(60000000000)"),
        ],
    );
}

#[test]
fn names_are_raw() {
    all(
        35,
        &[
            ("object.metadata.labels['app.kubernetes.io/name']", "\"web\""),
            ("object.metadata.namespace", "\"shop\""),
            ("object.spec.big", "18446744073709551615u"),
        ],
    );
}

/// T-CEL-7: what a minor does not have is refused, with the minor that has it.
#[test]
fn later_functions_are_refused_with_their_minor() {
    let message = |minor: u16, expression: &str| {
        let env = Env::new(Minor::v1(minor));
        compile(&env, expression).expect_err(expression).remove(0).message
    };
    assert!(message(36, "[1].includes(1)").contains("1.37"));
    assert!(message(33, "[1].reverse()").contains("1.34"));
    assert!(!message(37, "cel.bind(x, 1, x)").contains("from 1."));
    assert_eq!(outcome(37, "[1].includes(1)"), "true");
    assert_eq!(outcome(31, "[1].all(i, v, true)"), "refused");
    assert_eq!(outcome(32, "[1].all(i, v, true)"), "true");
}

/// The costs that come with the description of the environment.
#[test]
fn golden_costs() {
    for (expression, cost) in [
        ("object.spec.replicas == 3", 4),
        ("object.spec.?missing.orValue(5)", 2),
        ("[1,2,3].exists(x, x/0 == 1 || x == 2)", 22),
        ("object.metadata.labels.all(k, k.size() > 0)", 16),
        ("object.metadata.labels.transformMapEntry(k, v, {v: k})", 72),
        ("'abc 123'.find('[0-9]+')", 2),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", 6),
        ("[3,1,2].sort()", 29),
    ] {
        let outcome = outcome_of(35, expression);
        assert!(outcome.ends_with(&format!(" @ {cost}")), "{expression}: {outcome}");
    }
}

const EXCEEDED: &str = "error: operation cancelled: actual cost limit exceeded @ 1000001";

/// T-CEL-3: a million iterations end where the budget does.
#[test]
fn the_budget_ends_an_evaluation() {
    let million = "lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))";
    let start = std::time::Instant::now();
    assert_eq!(outcome_of(35, million), EXCEEDED);
    let limit = if cfg!(debug_assertions) { 2_000 } else { 100 };
    assert!(start.elapsed().as_millis() < limit, "{:?}", start.elapsed());
}

/// T-CEL-4: nothing absorbs that the budget ran out.
#[test]
fn the_budget_is_not_absorbed() {
    let million = "lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))";
    assert_eq!(outcome_of(35, &format!("{million} || true")), EXCEEDED);
    assert_eq!(outcome_of(35, &format!("[1, 2].exists(z, {million} || z == 2)")), EXCEEDED);
    assert_eq!(outcome_of(35, &format!("[{million}].map(z, 1).size() == 1 || true")), EXCEEDED);
}

/// An interruption is asked for every 100 iterations and not absorbed either.
#[test]
fn an_interruption_ends_an_evaluation() {
    let env = Env::new(Minor::v1(35));
    let program = compile(&env, "lists.range(1000).all(x, x >= 0) || true").unwrap();
    let n_asked = std::cell::Cell::new(0);
    let interrupt = || {
        n_asked.set(n_asked.get() + 1);
        n_asked.get() == 3
    };
    let mut context = Context { interrupt: Some(&interrupt), ..Context::default() };
    let error = program.eval(&[], &mut context).unwrap_err();
    assert_eq!((error.message.as_str(), error.fatal), ("operation interrupted", true));
    assert_eq!(n_asked.get(), 3);
    // Each iteration costs 6, and the list itself.
    assert!((1_800..3_100).contains(&context.cost), "{}", context.cost);
}
