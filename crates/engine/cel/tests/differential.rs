//! Expressions against the API server's own CEL environment: hand-written ones by
//! rule and generated ones, over Kubernetes 1.28 to 1.37.
//!
//! Acceptance, value, error and cost are compared: with the hashes of what the
//! environment answered (`golden/expressions.golden`, 4 bytes an expression), and
//! where the oracle is built, a seeded twentieth is asked again.
//! `IRONHULL_ORACLE=record` asks everything and writes the hashes anew;
//! `IRONHULL_CORPUS=N` generates others and asks about all of them. What
//! differs on purpose stands with its reason in `golden/known.txt`; an entry that
//! is not needed any more fails the test.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its counts"
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::{Minor, Value};
use ironhull_testkit::oracle::{ask_directly, hash};
use ironhull_testkit::rng::Rng;

#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/grammar.rs"]
mod grammar;
#[path = "differential/json.rs"]
mod json;
#[path = "differential/literals.rs"]
mod literals;
#[path = "differential/mix.rs"]
mod mix;

use generate::{Generator, MINORS};
use grammar::Grammar;

/// Always declared, as dyn, in this order.
const VARIABLES: [&str; 12] =
    ["object", "oldObject", "params", "variables", "i", "u", "d", "s", "b", "n", "l", "m"];
const N_GENERATED: usize = 60_000;

pub(crate) struct Expression {
    pub(crate) minor: u32,
    pub(crate) text: String,
    /// The rule it shows; none of a generated one.
    pub(crate) rule: Option<String>,
    /// The templates it was made of.
    pub(crate) labels: Vec<usize>,
    /// Whether something in it was given another type than it wants.
    pub(crate) ill_typed: bool,
}

/// What became of an expression; values and errors with their costs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Outcome {
    Refused,
    Value(String, u64),
    Error(String, u64),
}

impl Outcome {
    fn line(&self) -> String {
        match self {
            Outcome::Refused => "refused".to_owned(),
            Outcome::Value(value, cost) => format!("{cost} = {value}"),
            Outcome::Error(error, cost) => format!("{cost} ! {error}"),
        }
    }

    fn hash(&self) -> u32 {
        hash(&self.line()) as u32
    }
}

/// `(` repeated 3 times stands as `«(*3»` in the rules.
fn repeated(text: &str) -> String {
    let mut rest = text;
    let mut whole = String::new();
    while let Some((before, after)) = rest.split_once('«') {
        let (inside, after) = after.split_once('»').expect("closed");
        let (part, n) = inside.rsplit_once('*').expect("PART*N");
        whole += before;
        whole += &part.repeat(n.parse().expect("a number"));
        rest = after;
    }
    whole + rest
}

fn hand_written() -> Vec<Expression> {
    let mut expressions = Vec::new();
    let (mut rule, mut minors) = (String::new(), vec![]);
    for line in include_str!("corpus/rules.txt").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (name, listed) = heading.split_once(" [").unwrap_or((heading, "28 35 37]"));
            name.clone_into(&mut rule);
            let listed = listed.trim_end_matches(']').split(' ');
            minors = listed.map(|minor| minor.parse().unwrap()).collect();
            continue;
        }
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        expressions.extend(minors.iter().map(|&minor| Expression {
            minor,
            text: repeated(line),
            rule: Some(rule.clone()),
            labels: Vec::new(),
            ill_typed: false,
        }));
    }
    expressions
}

/// The number of another corpus than the one that is compared with the hashes.
fn corpus() -> Option<u64> {
    std::env::var("IRONHULL_CORPUS").ok()?.parse().ok()
}

/// For each minor as many, on all cores.
fn generated(grammar: &Grammar) -> Vec<Expression> {
    let of_minor = |minor: u32| {
        let mut generator = Generator::new(grammar, minor, corpus().unwrap_or_default());
        let expressions = std::iter::repeat_with(move || generator.next())
            .take(N_GENERATED / MINORS.count())
            .map(move |generated| Expression {
                minor,
                text: generated.expression,
                rule: None,
                labels: generated.labels,
                ill_typed: generated.ill_typed,
            });
        expressions.collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = MINORS.map(|minor| scope.spawn(move || of_minor(minor))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// What the oracle is asked.
fn question(expression: &Expression, all: &serde_json::Map<String, serde_json::Value>) -> String {
    let mentions = |name: &str| {
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        expression.text.split(|char| !is_name(char)).any(|word| word == name)
    };
    let used: serde_json::Map<String, serde_json::Value> = all
        .iter()
        .filter(|(name, _)| mentions(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    serde_json::json!({ "minor": expression.minor, "expr": expression.text, "vars": used })
        .to_string()
}

fn theirs(answer: &str) -> Outcome {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let cost = answer["cost"].as_u64().unwrap_or_default();
    match (answer["accept"].as_bool(), text("error")) {
        (Some(true), error) if error.is_empty() => Outcome::Value(text("result"), cost),
        (Some(true), error) => Outcome::Error(error, cost),
        _ => Outcome::Refused,
    }
}

struct Ours {
    environments: BTreeMap<u32, Env>,
    variables: Vec<Value>,
}

impl Ours {
    fn new(all: &serde_json::Map<String, serde_json::Value>) -> Ours {
        let environments = MINORS.map(|minor| {
            let mut env = Env::new(Minor::v1(minor as u16));
            for name in VARIABLES {
                env.variable(name, Type::Dyn);
            }
            (minor, env)
        });
        let variables = VARIABLES.iter().map(|name| json::value(&all[*name])).collect();
        Ours { environments: environments.collect(), variables }
    }

    fn outcome(&self, expression: &Expression) -> Outcome {
        let env = &self.environments[&expression.minor];
        let Ok(program) = compile(env, &expression.text) else { return Outcome::Refused };
        let bindings: Vec<Binding<'_>> =
            self.variables.iter().map(|value| Binding::Val(Val::from_node(value.root()))).collect();
        let mut context = Context::default();
        let result = program.eval(&bindings, &mut context).map(|value| value.canonical());
        match result {
            Ok(value) => Outcome::Value(value, context.cost),
            Err(error) => Outcome::Error(error.message, context.cost),
        }
    }

    /// The outcomes of all, on all cores.
    fn outcomes(&self, expressions: &[Expression]) -> Vec<Outcome> {
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let chunks = expressions.chunks(expressions.len().div_ceil(n_threads));
        std::thread::scope(|scope| {
            let threads: Vec<_> = chunks
                .map(|chunk| {
                    scope.spawn(|| chunk.iter().map(|one| self.outcome(one)).collect::<Vec<_>>())
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        })
    }
}

/// The kind of a difference.
fn difference(ours: &Outcome, theirs: &Outcome) -> &'static str {
    match (ours, theirs) {
        (Outcome::Refused, _) => "refused by us alone",
        (_, Outcome::Refused) => "accepted by us alone",
        (Outcome::Value(..), Outcome::Error(..)) => "a value where the reference fails",
        (Outcome::Error(..), Outcome::Value(..)) => "an error where the reference has a value",
        (Outcome::Value(a, _), Outcome::Value(b, _)) if a != b => "another value",
        (Outcome::Error(a, _), Outcome::Error(b, _)) if a != b => "another error text",
        _ => "another cost",
    }
}

fn golden_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Of each expression the hash of what the reference made of it, behind the hash
/// of all expressions.
fn golden(expressions: &[Expression], questions: impl Fn() -> Vec<String>) -> Vec<u32> {
    if corpus().is_some() {
        let answers = ask_directly("cel", &questions()).expect("make oracles-build");
        return answers.iter().map(|answer| theirs(answer).hash()).collect();
    }
    let path = golden_directory().join("expressions.golden");
    let all: String =
        expressions.iter().map(|one| format!("{} {}\n", one.minor, one.text)).collect();
    let inputs = hash(&all).to_le_bytes();
    if std::env::var("IRONHULL_ORACLE").is_ok_and(|mode| mode == "record") {
        let answers = ask_directly("cel", &questions()).expect("make oracles-build");
        let hashes = answers.iter().flat_map(|answer| theirs(answer).hash().to_le_bytes());
        let bytes: Vec<u8> = inputs.into_iter().chain(hashes).collect();
        std::fs::write(&path, bytes).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[..8], inputs, "{}: of other expressions: make oracles", path.display());
    bytes[8..].as_chunks::<4>().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect()
}

/// Differences on purpose: `MINOR EXPRESSION-HASH reason`.
fn known() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(golden_directory().join("known.txt")).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (key, reason) = line.split_once(' ').expect("HASH reason");
            (key.to_owned(), reason.to_owned())
        })
        .collect()
}

fn key(expression: &Expression) -> String {
    format!("{:016x}", hash(&format!("{} {}", expression.minor, expression.text)))
}

/// Prints what differs, by kind, with the reference's answers where it can be asked.
fn report(wrong: &[(&Expression, &Outcome, String)]) {
    let questions: Vec<String> = wrong.iter().map(|(.., question)| question.clone()).collect();
    let Some(answers) = ask_directly("cel", &questions) else {
        wrong.iter().take(20).for_each(|(expression, ours, _)| {
            println!("1.{} {}\n  ours   {}", expression.minor, expression.text, ours.line());
        });
        return;
    };
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((expression, ours, _), answer) in wrong.iter().zip(&answers) {
        let theirs = theirs(answer);
        let mut text = String::new();
        _ = write!(
            text,
            "{} 1.{} [{}] {}\n  ours   {}\n  theirs {}",
            key(expression),
            expression.minor,
            expression.rule.as_deref().unwrap_or("generated"),
            expression.text,
            ours.line(),
            theirs.line()
        );
        kinds.entry(difference(ours, &theirs)).or_default().push(text);
    }
    for (kind, texts) in &mut kinds {
        texts.sort_by_key(String::len);
        println!("== {} {kind}", texts.len());
        let n_shown = if std::env::var_os("IRONHULL_SHOW").is_some() { usize::MAX } else { 5 };
        texts.iter().take(n_shown).for_each(|text| println!("{text}"));
    }
}

#[test]
fn expressions_equal_the_reference() {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("corpus/variables.json")).unwrap();
    let all = all.as_object().unwrap();
    let grammar = Grammar::load();
    let mut expressions = hand_written();
    expressions.extend(generated(&grammar));
    let golden =
        golden(&expressions, || expressions.iter().map(|one| question(one, all)).collect());
    let ours = Ours::new(all).outcomes(&expressions);
    let mut known = known();
    let wrong: Vec<_> = expressions
        .iter()
        .zip(&ours)
        .zip(&golden)
        .filter(|((expression, ours), golden)| {
            ours.hash() != **golden && known.remove(&key(expression)).is_none()
        })
        .map(|((expression, ours), _)| (expression, ours, question(expression, all)))
        .collect();
    if !wrong.is_empty() {
        report(&wrong);
        panic!("{} of {} expressions differ", wrong.len(), expressions.len());
    }
    assert!(known.is_empty(), "known differences that are none: {known:?}");
    mix::check(&grammar, &expressions, &ours);
    ask_again(&expressions, &golden, all);
}

/// Asks a seeded twentieth again, so that the hashes cannot drift from the truth.
fn ask_again(
    expressions: &[Expression],
    golden: &[u32],
    all: &serde_json::Map<String, serde_json::Value>,
) {
    let seed = std::env::var("IRONHULL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut rng = Rng::new(seed);
    let sample: Vec<usize> = (0..expressions.len()).filter(|_| rng.chance(5)).collect();
    let questions: Vec<String> = sample.iter().map(|&at| question(&expressions[at], all)).collect();
    let Some(answers) = ask_directly("cel", &questions) else {
        println!("not asked again: the oracle is not built");
        return;
    };
    for (&at, answer) in sample.iter().zip(&answers) {
        let expression = &expressions[at];
        assert_eq!(theirs(answer).hash(), golden[at], "now: {answer}\n{}", expression.text);
    }
    println!("{} asked again (seed {seed})", sample.len());
}
