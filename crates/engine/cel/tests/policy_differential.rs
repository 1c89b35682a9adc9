//! Stages of admission policies against the API server's own compilers: struct
//! literals, patches, the authorizer, variables and budgets.
//!
//! A case is one stage: variables, expressions, a budget, and what they are evaluated
//! on. Compared are the types of all, values or errors, what an object or patch
//! becomes, and what is left of the budget; answers are kept as in
//! `testkit/src/oracle.rs`. `IRONHULL_CORPUS=N` generates others and asks about all of
//! them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its counts"
)]

use std::collections::BTreeMap;
use std::path::Path;

use ironhull_testkit::oracle::{Case, ask_directly, check, hash};
use serde_json::Value as Json;

#[path = "policies/generate.rs"]
mod generate;
#[path = "differential/json.rs"]
mod json;
#[path = "policies/ours.rs"]
mod ours;

const N_GENERATED: usize = 4_000;

/// One stage.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) minor: u32,
    /// `condition`, `message`, `mutation` or `webhook`.
    pub(crate) used_for: String,
    /// Which inputs of `corpus/worlds.json`.
    pub(crate) world: String,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) expressions: Vec<String>,
    pub(crate) budget: u64,
    /// The rule it shows, or what it was generated for.
    pub(crate) rule: String,
}

impl Stage {
    /// What the oracle is asked.
    fn question(&self, worlds: &Json) -> String {
        let variables: Vec<Json> = self
            .variables
            .iter()
            .map(|(name, expr)| serde_json::json!({ "name": name, "expr": expr }))
            .collect();
        let world = &worlds[&*self.world];
        serde_json::json!({ "policy": {
            "minor": self.minor, "params": true, "variables": variables, "use": self.used_for,
            "exprs": self.expressions, "budget": self.budget, "object": world["object"],
            "old": world["old"], "namespace": world["namespace"], "param": world["param"],
        }})
        .to_string()
    }
}

/// `PART` repeated 3 times stands as `«PART*3»`.
fn written() -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut minors = vec![37];
    let empty = |rule: &str| Stage {
        minor: 37,
        used_for: String::new(),
        world: String::new(),
        variables: Vec::new(),
        expressions: Vec::new(),
        budget: 10_000_000,
        rule: rule.to_owned(),
    };
    let mut stage = empty("");
    for line in include_str!("corpus/policies.txt").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (rule, rest) = heading.split_once(" [").expect("RULE [USE WORLD …]");
            stage = empty(rule);
            let mut words = rest.trim_end_matches(']').split(' ');
            words.next().expect("a use").clone_into(&mut stage.used_for);
            words.next().expect("a world").clone_into(&mut stage.world);
            let (mut found, mut budget) = (Vec::new(), None);
            for word in words {
                match word.strip_prefix("budget=") {
                    Some(text) => budget = Some(text.parse().expect("a number")),
                    None => found.push(word.parse().expect("a minor")),
                }
            }
            stage.budget = budget.unwrap_or(stage.budget);
            minors = if found.is_empty() { vec![37] } else { found };
        } else if let Some(variable) = line.strip_prefix("= ") {
            let (name, text) = variable.split_once(": ").expect("NAME: EXPRESSION");
            stage.variables.push((name.to_owned(), text.to_owned()));
        } else if !line.is_empty() && !line.starts_with("# ") {
            let expressions = line.split(" ;; ").map(str::to_owned).collect();
            let stage = Stage { expressions, ..stage.clone() };
            stages.extend(minors.iter().map(|&minor| Stage { minor, ..stage.clone() }));
        }
    }
    stages
}

/// How many of each rule are refused, give values, give errors, or end.
fn print_mix(stages: &[Stage], cases: &[Case]) {
    let mut mix: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for (stage, case) in stages.iter().zip(cases) {
        let answer: Json = serde_json::from_str(&case.ours).unwrap();
        let counts = mix.entry(&stage.rule).or_default();
        counts[0] += 1;
        let texts = |name: &str| -> Vec<String> {
            let texts = answer[name].as_array().expect("a list").iter();
            texts.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        counts[1] += texts("exprs").iter().filter(|ty| ty.is_empty()).count();
        let n_errors = texts("results").iter().filter(|text| text.starts_with("! ")).count();
        counts[2] += texts("results").len() - n_errors;
        counts[3] += n_errors;
        counts[4] += usize::from(answer.get("ended").is_some());
    }
    println!("stages  refused  values  errors  ended");
    for (rule, [n, refused, values, errors, ended]) in mix {
        println!("{n:6} {refused:8} {values:7} {errors:7} {ended:6}  {rule}");
        let of_values = rule.starts_with("generated") && values * 4 < n;
        assert!(!of_values, "{rule}: hardly any expression has a value");
    }
}

#[test]
fn stages_equal_the_reference() {
    let worlds: Json = serde_json::from_str(include_str!("corpus/worlds.json")).unwrap();
    let inputs = ours::Worlds::new(&worlds);
    let cases_of = |stages: &[Stage]| -> Vec<Case> {
        let case =
            |stage: &Stage| Case { input: stage.question(&worlds), ours: inputs.answer(stage) };
        stages.iter().map(case).collect()
    };
    if let Ok(corpus) = std::env::var("IRONHULL_CORPUS") {
        let stages: Vec<Stage> =
            generate::stages(corpus.parse().expect("a number"), N_GENERATED).collect();
        return ask_all(&cases_of(&stages));
    }
    let mut stages = written();
    let n_written = stages.len();
    stages.extend(generate::stages(37, N_GENERATED));
    let cases = cases_of(&stages);
    println!("{n_written} written, {} generated", stages.len() - n_written);
    print_mix(&stages, &cases);
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), "cel-policies", &cases);
}

/// Compares each case with what the oracle says now.
fn ask_all(cases: &[Case]) {
    let questions: Vec<String> = cases.iter().map(|case| case.input.clone()).collect();
    let answers = ask_directly("cel", &questions).expect("make oracles-build");
    let wrong: Vec<_> =
        cases.iter().zip(&answers).filter(|(case, answer)| case.ours != **answer).collect();
    for (case, answer) in &wrong {
        let hash = hash(&case.input);
        println!("{hash:016x} {}\n  ours   {}\n  theirs {answer}", case.input, case.ours);
    }
    assert!(wrong.is_empty(), "{} of {} cases differ", wrong.len(), cases.len());
}
