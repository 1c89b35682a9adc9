//! Expressions against the API server's own CEL environment: hand-written ones by
//! rule and generated ones, over Kubernetes 1.28 to 1.37.
//!
//! Acceptance, value and error are compared with the oracle where it is built.
//! What still differs is counted by kind in `golden/known.txt`; a count may only
//! fall. `IRONHULL_SHOW=KIND` prints differences of one kind.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::single_match_else,
    reason = "a test fails by panicking and prints its counts"
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use ironhull_cel::{Binding, Context, Env, Type, Val, compile};
use ironhull_model::{Builder, Minor, Value};
use ironhull_testkit::oracle::ask_directly;

#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/grammar.rs"]
mod grammar;

use generate::{Generator, MINORS};
use grammar::Grammar;

/// Always declared, as dyn, in this order.
const VARIABLES: [&str; 12] =
    ["object", "oldObject", "params", "variables", "i", "u", "d", "s", "b", "n", "l", "m"];
const N_GENERATED: usize = 45_000;

struct Expression {
    minor: u32,
    text: String,
    /// The rule it shows, or the templates it was made of.
    rule: String,
    labels: Vec<usize>,
}

#[derive(Clone, PartialEq, Debug)]
enum Outcome {
    Refused,
    Value(String),
    Error(String),
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
            text: line.to_owned(),
            rule: rule.clone(),
            labels: Vec::new(),
        }));
    }
    expressions
}

fn generated(grammar: &Grammar) -> Vec<Expression> {
    let mut generator = Generator::new(grammar, 1);
    let minors: Vec<u32> = MINORS.collect();
    (0..N_GENERATED)
        .map(|at| {
            let generated = generator.next(minors[at % minors.len()]);
            Expression {
                minor: generated.minor,
                text: generated.expression,
                rule: "generated".to_owned(),
                labels: generated.labels,
            }
        })
        .collect()
}

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
    serde_json::json!({
        "minor": expression.minor,
        "expr": expression.text,
        "vars": used,
        "bare": true,
        "detail": std::env::var_os("IRONHULL_SHOW").is_some(),
    })
    .to_string()
}

fn theirs(answer: &str) -> Outcome {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    match (answer["accept"].as_bool(), text("error")) {
        (Some(true), error) if error.is_empty() => Outcome::Value(text("result")),
        (Some(true), error) => Outcome::Error(error),
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
        let variables = VARIABLES
            .iter()
            .map(|name| {
                let mut builder = Builder::new();
                build(&all[*name], &mut builder);
                builder.finish()
            })
            .collect();
        Ours { environments: environments.collect(), variables }
    }

    fn outcome(&self, expression: &Expression) -> Outcome {
        let env = &self.environments[&expression.minor];
        let Ok(program) = compile(env, &expression.text) else { return Outcome::Refused };
        let bindings: Vec<Binding<'_>> =
            self.variables.iter().map(|value| Binding::Val(Val::from_node(value.root()))).collect();
        match program.eval(&bindings, &mut Context::default()) {
            Ok(value) => Outcome::Value(value.canonical()),
            Err(error) => Outcome::Error(error.message),
        }
    }
}

fn build(json: &serde_json::Value, builder: &mut Builder) {
    match json {
        serde_json::Value::Null => builder.null(0, 0),
        serde_json::Value::Bool(value) => builder.bool(*value, 0, 0),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(value) => builder.int(value, 0, 0),
            None => builder.float(number.as_f64().unwrap(), 0, 0),
        },
        serde_json::Value::String(text) => builder.str(text, 0, 0),
        serde_json::Value::Array(items) => {
            builder.begin_list(0);
            for item in items {
                build(item, builder);
            }
            builder.end(0);
        }
        serde_json::Value::Object(members) => {
            builder.begin_map(0);
            for (name, value) in members {
                builder.key(name, 0);
                build(value, builder);
            }
            builder.end(0);
        }
    }
}

/// The kind of a difference; none without one.
fn difference(ours: &Outcome, theirs: &Outcome) -> Option<&'static str> {
    Some(match (ours, theirs) {
        (Outcome::Refused, Outcome::Refused) => return None,
        (Outcome::Refused, _) => "refused by us alone",
        (_, Outcome::Refused) => "accepted by us alone",
        (Outcome::Value(_), Outcome::Error(_)) => "a value where the reference fails",
        (Outcome::Error(_), Outcome::Value(_)) => "an error where the reference has a value",
        (Outcome::Value(a), Outcome::Value(b)) if a != b => "another value",
        (Outcome::Error(a), Outcome::Error(b)) if a != b => "another error text",
        _ => return None,
    })
}

fn known() -> BTreeMap<String, usize> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/known.txt");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(count, kind)| (kind.to_owned(), count.parse().unwrap()))
        .collect()
}

#[test]
fn expressions_equal_the_reference() {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("corpus/variables.json")).unwrap();
    let all = all.as_object().unwrap();
    let grammar = Grammar::load();
    let mut expressions = hand_written();
    let n_hand_written = expressions.len();
    expressions.extend(generated(&grammar));
    let questions: Vec<String> =
        expressions.iter().map(|expression| question(expression, all)).collect();
    let Some(answers) = ask_directly("cel", &questions) else {
        println!("the oracle is not built: nothing compared");
        return;
    };
    let ours = Ours::new(all);
    let show = std::env::var("IRONHULL_SHOW").unwrap_or_default();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut hits: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut shown = Vec::new();
    let (mut n_refused, mut n_errors) = (0, 0);
    for (expression, answer) in expressions.iter().zip(&answers) {
        let theirs = theirs(answer);
        match theirs {
            Outcome::Refused => n_refused += 1,
            Outcome::Error(_) => n_errors += 1,
            Outcome::Value(_) => {}
        }
        if theirs != Outcome::Refused {
            let hits =
                hits.entry(expression.minor).or_insert_with(|| vec![0; grammar.templates.len()]);
            expression.labels.iter().for_each(|&label| hits[label] += 1);
        }
        let outcome = ours.outcome(expression);
        if let Some(kind) = difference(&outcome, &theirs) {
            let count = counts.entry(kind.to_owned()).or_default();
            *count += 1;
            if show == kind {
                shown.push(format!(
                    "1.{} [{}] {}\n  ours   {outcome:?}\n  theirs {answer}",
                    expression.minor, expression.rule, expression.text
                ));
            }
        }
    }
    shown.sort_by_key(String::len);
    shown.iter().for_each(|difference| println!("{difference}"));
    println!(
        "{n_hand_written} hand-written and {} generated expressions: {n_refused} refused, {n_errors} errors, {} values",
        expressions.len() - n_hand_written,
        expressions.len() - n_refused - n_errors
    );
    print_hits(&grammar, &hits);
    for (kind, count) in &counts {
        println!("{count} {kind}");
    }
    let known = known();
    let worse: Vec<_> = counts
        .iter()
        .filter(|(kind, count)| **count > known.get(*kind).copied().unwrap_or(0))
        .collect();
    assert!(worse.is_empty(), "more differences than known: {worse:?}");
}

/// Overloads and macros by minor, how often each was in an accepted expression.
fn print_hits(grammar: &Grammar, hits: &BTreeMap<u32, Vec<usize>>) {
    let mut least = usize::MAX;
    for (at, template) in grammar.templates.iter().enumerate() {
        let mut row = format!("{:42}", template.label);
        for (minor, hits) in hits {
            if template.since > *minor {
                row += "     -";
                continue;
            }
            least = least.min(hits[at]);
            _ = write!(row, "{:6}", hits[at]);
        }
        println!("{row}");
    }
    println!(
        "{} overloads and macros, each at least {least} times in every minor that has it",
        grammar.templates.len()
    );
}
