//! `ironhull policy test` of `PolicyTest` files: cases about admission policies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use ironhull_dialects::suite::{Outcome, Suite};
use ironhull_model::{Diagnostic, Minor, Source, SourceId, Value};
use ironhull_report::table::count;
use serde_json::json;

use crate::args::access::Output;
use crate::exit::Exit;
use crate::printer;

/// Whether a file holds suites rather than controls.
pub(super) fn is_one(path: &Path) -> bool {
    let Ok(text) = super::text_of(path) else { return false };
    // Most files are read once.
    text.contains("PolicyTest") && {
        let limits = ironhull_yaml::Limits::default();
        let documents = ironhull_yaml::parse(SourceId(0), &text, &limits).documents;
        let kinds = documents.iter().map(|document| document.value.root().get("kind"));
        kinds.flatten().any(|kind| kind.as_str() == Some("PolicyTest"))
    }
}

/// Runs the suites in files: 1 when a case fails.
pub(super) fn run(files: &[PathBuf], minor: Minor, output: Output) -> anyhow::Result<Exit> {
    let (mut text, mut results) = (String::new(), Vec::new());
    let (mut n_cases, mut n_failed) = (0, 0);
    for path in files {
        for suite in read(path)? {
            let objects = objects(path, &suite)?;
            let outcomes = suite.run(minor, &objects);
            n_cases += outcomes.len();
            n_failed += outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
            for outcome in &outcomes {
                show(&suite, outcome, &mut text);
                results.push(as_json(path, &suite, outcome));
            }
        }
    }
    match output {
        Output::Table => {
            _ = writeln!(text, "{}, {n_failed} failed", count(n_cases, "case"));
            printer::data(&text);
        }
        Output::Json => {
            let document = json!({"apiVersion": "ironhull.dev/v1", "kind": "PolicyTestResult",
                "cases": results, "failed": n_failed});
            printer::data(&format!("{document:#}\n"));
        }
    }
    Ok(if n_failed == 0 { Exit::Clean } else { Exit::Findings })
}

fn show(suite: &Suite, outcome: &Outcome, text: &mut String) {
    let Some(failure) = &outcome.failure else { return };
    _ = writeln!(text, "{}: {}: {failure}", suite.name, outcome.name);
    for said in &outcome.said {
        _ = writeln!(text, "    {said}");
    }
}

fn as_json(path: &Path, suite: &Suite, outcome: &Outcome) -> serde_json::Value {
    json!({"file": path.display().to_string(), "suite": suite.name, "case": outcome.name,
        "expected": outcome.expected.as_str(), "got": outcome.got.as_str(),
        "said": outcome.said, "failure": outcome.failure})
}

/// The suites of a file.
fn read(path: &Path) -> anyhow::Result<Vec<Suite>> {
    let (source, values) = parse(path)?;
    let mut diagnostics = Vec::new();
    let mut suites = Vec::new();
    for value in &values {
        suites.extend(Suite::read(value.root(), SourceId(0), &mut diagnostics));
    }
    refuse(&source, &diagnostics)?;
    Ok(suites)
}

/// The objects in the files that a suite names, seen from its own file.
fn objects(path: &Path, suite: &Suite) -> anyhow::Result<Vec<Value>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut objects = Vec::new();
    for name in &suite.files {
        for file in super::below(&folder.join(name))? {
            objects.extend(parse(&file)?.1);
        }
    }
    Ok(objects)
}

fn parse(path: &Path) -> anyhow::Result<(Source, Vec<Value>)> {
    let text = super::text_of(path)?;
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let source = Source::new(path.display().to_string(), text);
    refuse(&source, &parsed.diagnostics)?;
    Ok((source, parsed.documents.into_iter().map(|document| document.value).collect()))
}

fn refuse(source: &Source, diagnostics: &[Diagnostic]) -> anyhow::Result<()> {
    let told: Vec<String> =
        diagnostics.iter().map(|diagnostic| super::placed(source, diagnostic)).collect();
    if told.is_empty() { Ok(()) } else { bail!("{}", told.join("\n")) }
}
