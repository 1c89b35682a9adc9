//! `cargo xtask mutate [CONTROL]`: changes each control in small ways and runs its
//! examples. A mutant that no example notices shows an example that is missing, or
//! a part of the rule that decides nothing. Those that mean the same as the rule
//! are listed with their reason in `controls/mutants.txt`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ironhull_controls::control::{Control, Rule};
use ironhull_controls::examples::{self, Example};
use ironhull_controls::policies::Assignment;
use ironhull_controls::{Compiler, Judge};
use ironhull_model::{
    Builder, Kind, Node, Object, Pointer, RepairStep, Snapshot, SourceId, Standing, Value, World,
};
use rayon::prelude::*;

use crate::{mutants, root};

/// Mutants that mean the same: `control/field: mutant  # reason`.
const LISTED: &str = "controls/mutants.txt";

pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let report = all(only)?;
    for survivor in &report.survivors {
        println!("{survivor}");
    }
    let listed = listed()?;
    let unlisted = report.survivors.iter().filter(|found| !listed.contains(found)).count();
    println!(
        "{} mutants of {} controls; {} not noticed by an example, {unlisted} of them not in {LISTED}",
        report.n_mutants,
        report.n_controls,
        report.survivors.len(),
    );
    Ok(())
}

/// What mutating gave.
#[derive(Default)]
struct Report {
    n_controls: usize,
    n_mutants: usize,
    survivors: Vec<String>,
}

fn all(only: Option<&str>) -> Result<Report> {
    let mut documents = Vec::new();
    for path in files(&root()?.join("controls"))? {
        let text = std::fs::read_to_string(&path)?;
        let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
        documents.extend(parsed.documents.into_iter().map(|document| document.value));
    }
    documents.retain(|value| only.is_none_or(|only| only == id(value)));
    // A mutant is told from its control by the newest minor alone; that the
    // control compiles for every minor is seen when the catalogue is built.
    let reports: Vec<Result<Report>> =
        documents.par_iter().map_init(Compiler::newest, mutate).collect();
    let mut wrong = Vec::new();
    let reports = reports
        .into_iter()
        .filter_map(|one| one.map_err(|error| wrong.push(error.to_string())).ok());
    let report = reports.fold(Report::default(), |mut all, one| {
        all.n_controls += one.n_controls;
        all.n_mutants += one.n_mutants;
        all.survivors.extend(one.survivors);
        all
    });
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(report)
}

fn id(control: &Value) -> String {
    control.root().get("id").map(Node::display).unwrap_or_default()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "standards" && name != "packs" {
            files.extend(self::files(&path)?);
        } else if name.ends_with(".yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Mutates one control.
fn mutate(compiler: &mut Compiler, document: &Value) -> Result<Report> {
    let id = id(document);
    let mut diagnostics = Vec::new();
    let original = compiler.control(document.root(), SourceId(0), &mut diagnostics);
    let original = original.with_context(|| {
        let told: Vec<_> = diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
        format!("{id} does not compile: {}", told.join("; "))
    })?;
    let examples = examples::read(&original).into_iter();
    let examples: Vec<Example> =
        examples.collect::<Result<_, _>>().map_err(|error| anyhow::anyhow!("{id}: {error}"))?;
    let lacking = match original.rule {
        Rule::Cel(_) => without_parents(document, &examples),
        Rule::Native(_) => Vec::new(),
    };
    let mut report = Report { n_controls: 1, ..Report::default() };
    for (number, example) in examples.iter().enumerate() {
        if let Err(difference) = examples::compare(&original, example) {
            report.survivors.push(format!("{id} example {}: {difference}", number + 1));
        }
    }
    for lacking in &lacking {
        report.n_mutants += 1;
        if let Some(error) = lacking.error(&original) {
            report.survivors.push(format!("{id} {}: {error}", lacking.what));
        }
    }
    for (what, step) in steps(document) {
        report.n_mutants += 1;
        let Ok(mutant) = ironhull_patch::apply(document, &[step]) else { continue };
        // A mutant that does not compile is noticed.
        let Some(mutant) = compile(compiler, &mutant) else { continue };
        if examples.iter().all(|example| examples::compare(&mutant, example).is_ok())
            && lacking.iter().all(|lacking| lacking.error(&mutant).is_none())
        {
            report.survivors.push(format!("{id}{what}"));
        }
    }
    Ok(report)
}

fn compile(compiler: &Compiler, document: &Value) -> Option<Control> {
    compiler.control(document.root(), SourceId(0), &mut Vec::new())
}

/// Every change, told as `/must: mutant` or `/at: dropped`.
fn steps(control: &Value) -> Vec<(String, RepairStep)> {
    let root = control.root();
    let mut steps = Vec::new();
    for name in ["must", "when", "unless", "at"] {
        if let Some(node) = root.get(name) {
            rewritten(node, &mut steps);
        }
    }
    for name in ["at", "when", "unless"] {
        steps.extend(root.get(name).map(dropped));
    }
    for section in ["each", "let", "severity"] {
        for node in root.get(section).into_iter().flat_map(Node::items) {
            rewritten(node, &mut steps);
            if section == "severity" && node.key().is_some() {
                steps.push(dropped(node));
            }
        }
    }
    for join in root.get("related").into_iter().flat_map(Node::items) {
        ["is", "selectedBy", "selecting"]
            .iter()
            .filter_map(|name| join.get(name))
            .for_each(|node| rewritten(node, &mut steps));
        steps.extend(join.get("in").map(dropped));
    }
    for param in root.get("params").into_iter().flat_map(Node::items) {
        parameters(param, &mut steps);
    }
    steps
}

fn rewritten(node: Node<'_>, steps: &mut Vec<(String, RepairStep)>) {
    let pointer = node.pointer();
    // `true` as the last severity is no expression.
    let Some(text) = node.as_str().filter(|text| *text != "true") else { return };
    for mutant in mutants::expression(text) {
        let value = string(&mutant);
        steps.push((format!("{pointer}: {mutant}"), set(&pointer, value)));
    }
}

fn dropped(node: Node<'_>) -> (String, RepairStep) {
    let pointer = node.pointer();
    (format!("{pointer}: dropped"), RepairStep::Remove { pointer })
}

/// Each entry alone taken away; a scalar changed.
fn parameters(param: Node<'_>, steps: &mut Vec<(String, RepairStep)>) {
    let pointer = param.pointer();
    match param.kind() {
        Kind::List | Kind::Map => {
            for item in param.items() {
                let (_, step) = dropped(item);
                let shown = item.key().map_or_else(|| item.display(), str::to_owned);
                steps.push((format!("{pointer}: without {shown}"), step));
            }
        }
        Kind::Bool => {
            let mut builder = Builder::new();
            builder.bool(param.as_bool() != Some(true), 0, 0);
            steps.push((format!("{pointer}: flipped"), set(&pointer, builder.finish())));
        }
        Kind::Int => {
            for change in [-1, 1] {
                let mut builder = Builder::new();
                let value = param.as_i64().unwrap_or_default() + change;
                builder.int(value, 0, 0);
                steps.push((format!("{pointer}: {value}"), set(&pointer, builder.finish())));
            }
        }
        // An empty one asks for nothing until a policy gives it.
        Kind::String if param.as_str() != Some("") => {
            steps.push((format!("{pointer}: changed"), set(&pointer, string("~"))));
        }
        _ => {}
    }
}

fn set(pointer: &Pointer, value: Value) -> RepairStep {
    RepairStep::Set { pointer: pointer.clone(), value }
}

fn string(text: &str) -> Value {
    let mut builder = Builder::new();
    builder.str(text, 0, 0);
    builder.finish()
}

/// An example that violates, without one optional parent: whatever the verdict
/// then is, it must not be an error.
struct Lacking<'e> {
    example: &'e Example,
    snapshot: Snapshot,
    what: String,
}

impl Lacking<'_> {
    /// The first error of judging it.
    fn error(&self, control: &Control) -> Option<String> {
        let controls = [control];
        let assignments = [Assignment::by_default(0, control, self.example.params.as_ref())];
        let judge = Judge::new(World::new(&self.snapshot), &controls, &assignments);
        let mut judgement = judge.judgement();
        self.snapshot.objects.iter().for_each(|object| judge.object(object, &mut judgement));
        judge.estate(&mut judgement);
        judgement.errors.into_iter().map(|error| error.message).next()
    }
}

/// Every example that violates, without each optional parent that the rule walks.
fn without_parents<'e>(document: &Value, examples: &'e [Example]) -> Vec<Lacking<'e>> {
    let names: BTreeSet<Box<str>> = texts(document).flat_map(mutants::optional_members).collect();
    let mut all = Vec::new();
    let violating = examples.iter().enumerate().filter(|(_, example)| example.expects_violation());
    for (number, example) in violating {
        let objects = example.snapshot.objects.iter().enumerate();
        for (index, object) in objects.filter(|(_, object)| object.standing == Standing::Given) {
            for pointer in members(object.root(), &names) {
                let what = format!("example {} without {pointer}", number + 1);
                let step = RepairStep::Remove { pointer };
                let without = ironhull_patch::apply(&object.value, &[step]).ok();
                let without = without.and_then(|value| Object::new(value, None));
                all.extend(without.map(|object| Lacking {
                    example,
                    snapshot: example.with(index, object),
                    what,
                }));
            }
        }
    }
    all
}

/// All expressions of a control.
fn texts(document: &Value) -> impl Iterator<Item = &str> {
    let root = document.root();
    let own = ["must", "when", "unless", "at"].into_iter().filter_map(move |name| root.get(name));
    let sections = ["each", "let", "severity", "related"].into_iter();
    let inner = sections.filter_map(move |name| root.get(name)).flat_map(Node::items);
    let inner =
        inner.flat_map(
            |node| if node.kind() == Kind::Map { node.items().collect() } else { vec![node] },
        );
    own.chain(inner).filter_map(Node::as_str)
}

/// The pointers of all members with one of these names.
fn members(root: Node<'_>, names: &BTreeSet<Box<str>>) -> Vec<Pointer> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        if node.key().is_some_and(|key| names.contains(key)) {
            found.push(node.pointer());
        }
        open.extend(node.items());
    }
    found.retain(|pointer| !["/metadata", "/kind", "/apiVersion"].contains(&pointer.as_str()));
    found
}

/// The listed mutants, without their reasons.
fn listed() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(root()?.join(LISTED)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (mutant, reason) = line.rsplit_once("  # ").unwrap_or((line, ""));
            anyhow::ensure!(!reason.trim().is_empty(), "{LISTED}: {line:?} gives no reason");
            Ok(mutant.trim_end().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    /// Every mutant turns an example red, but for those that mean the same, which
    /// are listed with their reason. Entries that no longer survive are stale.
    #[test]
    fn every_mutant_is_noticed() {
        let report = super::all(None).unwrap();
        let listed = super::listed().unwrap();
        let unlisted: Vec<_> =
            report.survivors.iter().filter(|found| !listed.contains(found)).collect();
        let stale: Vec<_> =
            listed.iter().filter(|known| !report.survivors.contains(known)).collect();
        println!("{} mutants of {} controls", report.n_mutants, report.n_controls);
        assert!(report.n_mutants > 1000, "only {} mutants", report.n_mutants);
        assert!(unlisted.is_empty(), "no example notices:\n{unlisted:#?}");
        assert!(stale.is_empty(), "noticed now, take them off the list:\n{stale:#?}");
    }
}
