//! Expressions of admission policies: their names, variables, budgets, and what those
//! of mutations give. What they are worth is compared with the reference elsewhere.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;

use ironhull_cel::policy::{
    BEYOND_ALLOWANCE, Compiler, Inputs, OUT_OF_BUDGET, Stage, Use, apply_configuration, evaluate,
    json_patch, named,
};
use ironhull_cel::{Check, Context, Decision, EvalError, Host, Program, Resource, Val};
use ironhull_model::{Builder, Minor, Value};

/// Allows what it is asked about `pods`, knows nothing of `secrets`, and keeps the
/// questions.
#[derive(Default)]
struct Rules {
    asked: RefCell<Vec<Check>>,
}

impl Host for Rules {
    fn call<'a>(&self, _id: usize, _args: &[Val<'a>]) -> Result<Val<'a>, EvalError> {
        Err(EvalError::new("no host functions here"))
    }

    fn authorize(&self, check: &Check) -> Option<Decision> {
        self.asked.borrow_mut().push(check.clone());
        let text = format!("{check:?}");
        let decision =
            Decision { allowed: text.contains("\"pods\""), reason: "by rule".into(), error: None };
        (!text.contains("\"secrets\"")).then_some(decision)
    }
}

fn compiler(variables: &[(&str, &str)]) -> Compiler {
    let mut compiler = Compiler::of_policy(Minor::NEWEST, true);
    for (name, text) in variables {
        compiler.variable(name, text).expect(text);
    }
    compiler
}

fn object() -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    builder.key("n", 0);
    builder.int(3, 0, 0);
    builder.end(0);
    builder.finish()
}

fn inputs(object: &Value, n_variables: usize) -> Inputs<'_> {
    Inputs {
        object: Val::from_node(object.root()),
        old_object: Val::Null,
        namespace_object: Val::Null,
        request: Val::Unknown,
        params: Val::Null,
        request_resource: Some(Resource { resource: "pods".into(), ..Resource::default() }),
        n_variables,
    }
}

/// What expressions of one stage give, and what is left of a budget.
fn stage(variables: &[(&str, &str)], texts: &[&str], mut budget: u64) -> (Vec<String>, u64) {
    let compiler = compiler(variables);
    let programs: Vec<Program> =
        texts.iter().map(|text| compiler.compile(Use::Condition, text).expect(text)).collect();
    let variables = compiler.variables().expect("of a policy");
    let object = object();
    let bindings = inputs(&object, variables.len()).bindings();
    let (rules, mut stage) = (Rules::default(), Stage::new(variables));
    let mut context = Context { host: Some(&rules), stage: Some(&mut stage), ..Context::new() };
    let outcomes = programs.iter().map(|program| {
        match evaluate(program, &bindings, &mut context, &mut budget) {
            Ok(value) => value.canonical(),
            Err(error) => error.message,
        }
    });
    (outcomes.collect(), budget)
}

#[test]
fn a_variable_is_evaluated_once_when_it_is_first_read() {
    let variables = [("a", "object.n + 1"), ("b", "variables.a * 2"), ("unread", "1 / 0")];
    let (values, left) = stage(&variables, &["variables.b", "variables.b + variables.a"], 100);
    assert_eq!(values, ["8", "12"]);
    // `variables.a` in b, `object.n` in a, their operators, and the expressions.
    assert_eq!(100 - left, (2 + 1) + (2 + 1) + 2 + (2 + 2 + 1));
}

#[test]
fn a_failing_variable_is_an_error_where_it_is_used() {
    let variables = [("bad", "object.n / 0"), ("worse", "variables.bad")];
    let (values, _) = stage(&variables, &["true || variables.bad == 1", "variables.worse"], 1000);
    assert_eq!(
        values,
        [
            "true",
            "composited variable \"worse\" fails to evaluate: \
         composited variable \"bad\" fails to evaluate: division by zero",
        ]
    );
}

#[test]
fn a_variable_that_does_not_compile_is_an_error_where_it_is_used() {
    let mut compiler = Compiler::of_policy(Minor::NEWEST, false);
    assert!(compiler.variable("x", "params.a").is_err());
    let program = compiler.compile(Use::Condition, "variables.x == 1").unwrap();
    let variables = compiler.variables().unwrap();
    let object = object();
    let mut stage = Stage::new(variables);
    let mut context = Context { stage: Some(&mut stage), ..Context::new() };
    let error = program.eval(&inputs(&object, 1).bindings(), &mut context).unwrap_err();
    assert!(error.message.starts_with("composited variable \"x\" fails to compile: "));
}

/// `dyn(variables)` is asked for names as they are escaped elsewhere.
#[test]
fn names_of_variables_are_unescaped() {
    let variables = [("namespace", "1"), ("a__b", "2"), ("x", "3")];
    let texts = [
        "dyn(variables).__namespace__ == 1",
        "dyn(variables)['namespace'] == 1",
        "variables.a__b == 2",
        "dyn(variables).__x__",
        "dyn(variables).x__dot__y",
        "has(dyn(variables).__in__)",
    ];
    let (values, _) = stage(&variables, &texts, 1000);
    assert_eq!(
        values,
        ["true", "true", "true", "no such key: __x__", "no such key: x__dot__y", "false",]
    );
}

/// Found by fuzzing.
#[test]
fn values_that_only_policies_have_can_be_shown() {
    let object = object();
    let bindings = inputs(&object, 2).bindings();
    for (text, shown) in [
        ("variables", "kubernetes.variables"),
        ("[variables]", "[\"kubernetes.variables\"]"),
        ("authorizer", "kubernetes.authorization.Authorizer"),
        ("Object{a: Object.a{b: 1}}", "{\"a\":{\"b\":1}}"),
        ("[JSONPatch{op: 'add', value: [1]}]", "[{\"op\":\"add\",\"value\":[1]}]"),
    ] {
        let program = mutation(text);
        let value = program.eval(&bindings, &mut Context::new()).unwrap();
        assert_eq!(value.display(), shown, "{text}");
    }
}

#[test]
fn without_a_host_no_check_is_answered() {
    let program = compiler(&[])
        .compile(Use::Condition, "authorizer.path('/x').check('get').allowed()")
        .unwrap();
    let object = object();
    let value = program.eval(&inputs(&object, 0).bindings(), &mut Context::new()).unwrap();
    assert!(value.is_unknown());
}

#[test]
fn what_is_not_known_makes_no_object() {
    let object = object();
    let bindings = inputs(&object, 0).bindings();
    for text in ["Object{a: request.name}", "[JSONPatch{value: Object{a: request}}]"] {
        let program = mutation(text);
        let value = program.eval(&bindings, &mut Context::new()).unwrap();
        assert!(value.is_unknown() && !value.is_complete(), "{text}: {value:?}");
    }
    let open = Val::open_list(vec![Val::Int(1)]);
    let inputs = Inputs { params: open, ..inputs(&object, 0) };
    let bindings = inputs.bindings();
    for (text, is_complete) in
        [("Object{a: params}", false), ("Object{a: [params]}", false), ("Object{a: [1]}", true)]
    {
        let program = mutation(text);
        let value = program.eval(&bindings, &mut Context::new()).unwrap();
        assert_eq!(value.is_complete(), is_complete, "{text}");
    }
}

#[test]
fn a_variable_that_reads_itself_ends() {
    let (values, _) = stage(&[("x", "dyn(variables).x")], &["variables.x == 1"], 1000);
    assert!(values[0].contains("reads itself"), "{values:?}");
}

#[test]
fn the_budget_of_an_evaluation_ends_it() {
    let texts = ["object.n == 3", "variables.a == 4", "true"];
    let (values, left) = stage(&[("a", "object.n + 1")], &texts, 8);
    assert_eq!(
        values,
        ["true", "true", "true"][..1]
            .iter()
            .copied()
            .chain([OUT_OF_BUDGET, "true"])
            .collect::<Vec<_>>()
    );
    assert_eq!(left, 0);
}

/// An allowance is for an expression with all the variables that it reads, however they
/// read each other.
#[test]
fn what_variables_cost_counts_towards_an_allowance() {
    let all: Vec<String> = (0..400).map(|n| n.to_string()).collect();
    let costly = format!("[{}].all(x, x >= 0)", all.join(","));
    let names: Vec<String> = (0..40).map(|n| format!("v{n}")).collect();
    let texts: Vec<String> = (0..40)
        .map(|n| match n {
            0 => costly.clone(),
            n => format!("{costly} && variables.v{} && {costly}", n - 1),
        })
        .collect();
    let variables: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let compiler = compiler(&variables);
    let program = compiler.compile(Use::Condition, "variables.v39 || true").unwrap();
    let declared = compiler.variables().unwrap();
    let run = |allowance: Option<u64>| {
        // Asked every 100 iterations, which cost some 500.
        let n_asked = std::cell::Cell::new(0);
        let interrupt = || {
            n_asked.set(n_asked.get() + 1);
            false
        };
        let object = object();
        let bindings = inputs(&object, variables.len()).bindings();
        let mut memory = Stage::new(declared);
        let mut context = Context::new();
        context.stage = Some(&mut memory);
        context.interrupt = Some(&interrupt);
        context.allowance = allowance;
        let mut budget = 10_000_000;
        let result = evaluate(&program, &bindings, &mut context, &mut budget);
        let told = result.map_err(|error| error.message).map(|value| value.canonical());
        (told, budget, n_asked.get())
    };
    let (told, left, n_asked) = run(None);
    let cost = 10_000_000 - left;
    assert_eq!(told.as_deref(), Ok("true"));
    assert!(n_asked > 250, "{n_asked} {cost}");
    assert_eq!(run(Some(cost)).0.as_deref(), Ok("true"));
    for allowance in [cost - 1, cost / 2, 30_000, 5_000, 1, 0] {
        let (told, _, n) = run(Some(allowance));
        assert_eq!(told, Err(BEYOND_ALLOWANCE.to_owned()), "{allowance}");
        let most = n_asked * allowance / cost + 2;
        assert!(n <= most, "{allowance} of {cost}: {n} of {n_asked}");
    }
}

#[test]
fn an_expression_has_a_limit_of_its_own() {
    let all = "[1,2,3,4,5,6,7,8,9,10]";
    let mut text = "true".to_owned();
    for name in ["a", "b", "c", "d", "e", "f"] {
        text = format!("{all}.all({name}, {text})");
    }
    let (values, left) = stage(&[("x", &text)], &["variables.x"], 10_000_000);
    assert_eq!(
        values,
        [
            "composited variable \"x\" fails to evaluate: operation cancelled: actual cost limit exceeded"
        ]
    );
    assert!((8_900_000..9_000_000).contains(&left), "{left}");
}

#[test]
fn an_expression_names_inputs_by_its_variables_too() {
    let compiler = compiler(&[
        ("own", "object.n"),
        ("other", "request.userInfo.username"),
        ("both", "variables.own == 1 && variables.own == 2"),
    ]);
    let of = |text: &str| -> Vec<String> {
        let program = compiler.compile(Use::Condition, text).unwrap();
        let all = named(&program, compiler.variables().unwrap());
        let shown = all.iter().map(|it| match &it.member {
            Some(member) => format!("{}.{member}", it.input),
            None => it.input.to_owned(),
        });
        let mut shown: Vec<String> = shown.collect();
        shown.sort();
        shown
    };
    assert_eq!(of("true"), [""; 0]);
    assert_eq!(of("has(request.dryRun) && oldObject == null"), ["oldObject", "request.dryRun"]);
    assert_eq!(of("variables.both"), ["object.n"]);
    assert_eq!(
        of("variables.other == params.a[object.n]"),
        ["object.n", "params.a", "request.userInfo"]
    );
    assert_eq!(of("(true ? object : oldObject).a == 1"), ["object.a", "oldObject.a"]);
    assert_eq!(of("object == oldObject"), ["object", "oldObject"]);
    assert_eq!(of("[1].all(x, authorizer.path('/a').check('get').allowed())"), ["authorizer"]);
}

#[test]
fn names_are_those_of_the_use() {
    let policy = compiler(&[]);
    for text in [
        "request.userInfo.groups.exists(g, g == 'x') && request.dryRun",
        "namespaceObject.metadata.labels['a'] == 'b'",
        "authorizer.requestResource.check('get').allowed()",
        "params.x == 1",
    ] {
        policy.compile(Use::Condition, text).expect(text);
    }
    for text in [
        "request.uid",
        "request.object",
        "namespaceObject.metadata.uid",
        "variables.x",
        "Object{}",
        "jsonpatch.escapeKey('a')",
        "request.name == 1",
    ] {
        assert!(policy.compile(Use::Condition, text).is_err(), "{text}");
    }
    assert!(policy.compile(Use::Message, "authorizer.path('/x').check('get').reason()").is_err());
    assert!(Compiler::of_policy(Minor::NEWEST, false).compile(Use::Condition, "params.x").is_err());
    let webhook = Compiler::of_webhook(Minor::NEWEST);
    assert!(webhook.compile(Use::Condition, "variables.x").is_err());
    assert!(
        webhook.compile(Use::Condition, "authorizer.path('/x').check('get').allowed()").is_ok()
    );
    let object = policy.compile(Use::Mutation, "Object{}").unwrap();
    assert_eq!(object.result_type().to_string(), "Object");
    let patch = policy.compile(Use::Mutation, "[JSONPatch{op: 'remove', path: '/a'}]").unwrap();
    assert_eq!(patch.result_type().to_string(), "list(JSONPatch)");
}

#[test]
fn checks_are_answered_by_the_host_or_not_known() {
    let texts = [
        "authorizer.requestResource.check('get').allowed()",
        "authorizer.serviceAccount('ns', 'sa').group('apps').resource('pods').subresource('log')\
         .namespace('n').name('x').fieldSelector('a=b').labelSelector('c').check('list').allowed()",
        "authorizer.path('/healthz').check('get').allowed()",
        "authorizer.group('').resource('secrets').check('get').allowed()",
        "authorizer.group('').resource('secrets').check('get').allowed() || true",
        "authorizer.group('').resource(' ').check('get').allowed()",
    ];
    let (values, _) = stage(&[], &texts, 10_000_000);
    assert_eq!(values, ["true", "true", "false", "unknown", "true", "resource must not be empty"]);
}

fn mutation(text: &str) -> Program {
    compiler(&[]).compile(Use::Mutation, text).expect(text)
}

#[test]
fn objects_and_patches_are_data() {
    let object = object();
    let bindings = inputs(&object, 0).bindings();
    let program = mutation(
        "Object{metadata: Object.metadata{labels: {'a': 'b'}, ?x: optional.none(), ?n: object.?n}, \
         spec: Object.spec{empty: Object.spec.empty{}, none: []}}",
    );
    let value = program.eval(&bindings, &mut Context::new()).unwrap();
    assert_eq!(
        apply_configuration(&value, &[]).unwrap().root().to_json(),
        r#"{"metadata":{"labels":{"a":"b"},"n":3},"spec":{"empty":{},"none":[]}}"#
    );
    let program = mutation("Object{spec: Object.wrong{}}");
    let value = program.eval(&bindings, &mut Context::new()).unwrap();
    assert_eq!(
        apply_configuration(&value, &[]).unwrap_err(),
        "type mismatch: unexpected type name \"Object.wrong\", expected \"Object.spec\", which \
         matches field name path from root Object type"
    );
    let program = mutation(
        "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('x~/y'), value: null}, \
         JSONPatch{op: 'move', from: '/a', path: '/b'}]",
    );
    let value = program.eval(&bindings, &mut Context::new()).unwrap();
    let [add, moved] = &*json_patch(&value, &[]).unwrap() else { panic!("two operations") };
    assert_eq!((&*add.op, &*add.path), ("add", "/a/x~0~1y"));
    assert!(add.value.as_ref().unwrap().root().is_null());
    assert_eq!((&*moved.from, &moved.value), ("/a", &None));
}
