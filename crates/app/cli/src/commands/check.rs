//! `ironhull check`: judge targets.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use ironhull_controls::gate::Gates;
use ironhull_controls::{Gate, Judgement};
use ironhull_model::{Coverage, Finding, Level, Severity, Snapshot, Verdict, World};
use ironhull_report::platform::Platform;
use ironhull_report::{Report, diagnostics, json, table};
use ironhull_store::{LastCheck, Seen, StoreError};
use rayon::prelude::*;

use crate::args::{Check, Format, Global};
use crate::config::Config;
use crate::exit::Exit;
use crate::printer;

mod gather;
mod judged;
mod keeper;
mod plan;
mod watch;

pub(crate) use judged::{Judged, judge};

/// Runs the command.
pub(crate) fn run_command(check: &Check, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let targets =
        if check.targets.is_empty() { vec![".".to_owned()] } else { check.targets.clone() };
    if check.watch {
        return watch::run(check, &targets, global);
    }
    let proof_from = |config: &Config| Ok(shown_from(check, &gate(check, config)?));
    let judged = judge(&targets, &check.judging, global, check.save.as_deref(), proof_from)?;
    let gate = gate(check, &judged.config)?;
    let shown = shown_from(check, &gate);
    let since = check.since.as_deref().map(known_ids).transpose()?;
    let findings = &judged.judgement.findings;
    let new: Option<Vec<bool>> = since.as_ref().map(|known| {
        findings.iter().map(|finding| !known.contains(&finding.fingerprint().to_string())).collect()
    });
    let is_new = |index: usize| new.as_ref().is_none_or(|new| new[index]);
    // What the user asks for on the command line is asked of everything.
    let scoped = if check.fail_on().is_some() { Vec::new() } else { judged.gates.clone() };
    let gates = Gates { scoped, rest: gate };
    let said = gates.judge(findings, World::new(&judged.snapshot), &is_new);
    let exit = exit(check, &judged.snapshot, &judged.judgement, said.fails);
    let report = Report {
        targets: &judged.targets,
        snapshot: &judged.snapshot,
        controls: &judged.controls(),
        judgement: &judged.judgement,
        new: new.as_deref(),
        n_failing: said.looked_at.len(),
        gates: &said.gates,
        threshold: gates.rest.threshold(),
        exit: exit.code(),
        at: &judged.at,
        elapsed_ms: global.at.is_none().then(|| started.elapsed().as_millis()),
        not_asked: &judged.not_asked,
        platform: &Platform::of(&judged.snapshot),
        proven: judged.proven.as_ref(),
    };
    // Neither waits for the other: both take a while of a large estate.
    let (text, remembered) = rayon::join(
        || render(check, global, shown, &report),
        || remember(check, global, targets.clone(), &judged.at, &judged.judgement.findings),
    );
    print(&report, &text);
    remembered.unwrap_or_else(note);
    // The process ends next: taking a large estate apart would only cost time.
    std::mem::forget(judged);
    Ok(exit)
}

/// The least severity whose findings are shown one by one. The table counts what
/// is below the gate.
fn shown_from(check: &Check, gate: &Gate) -> Severity {
    let counts = check.output == Format::Table && !check.all;
    if counts { gate.threshold().unwrap_or(Severity::High) } else { Severity::Low }
}

fn gate(check: &Check, config: &Config) -> anyhow::Result<Gate> {
    match check.fail_on().or(config.fail_on.as_deref()) {
        None => Ok(Gate::high()),
        Some(text) => text.parse().map_err(|error: ironhull_controls::gate::ParseGateError| {
            anyhow::anyhow!("--fail-on: {}", error.0)
        }),
    }
}

/// The fingerprints in an earlier JSON report.
fn known_ids(path: &Path) -> anyhow::Result<std::collections::HashSet<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let json: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is no JSON report", path.display()))?;
    let findings = json["findings"]
        .as_array()
        .with_context(|| format!("{} is no report of ironhull check", path.display()))?;
    Ok(findings
        .iter()
        .filter_map(|finding| Some(finding["fingerprint"].as_str()?.to_owned()))
        .collect())
}

fn exit(check: &Check, snapshot: &Snapshot, judgement: &Judgement, fails: bool) -> Exit {
    let unread = snapshot.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    let own_error = !judgement.errors.is_empty();
    let named = !check.judging.only.is_empty();
    let fragment = snapshot.coverage != Coverage::Complete;
    let unknown = judgement.findings.iter().any(|finding| {
        finding.verdict == Verdict::Unknown && (named || !(fragment && is_about_absence(finding)))
    });
    let mut exit = Exit::Clean;
    if fails && !check.exit_zero {
        exit = exit.or(Exit::Findings);
    }
    if unread || own_error || (check.strict && (unknown || snapshot.denied().next().is_some())) {
        exit = exit.or(Exit::Unjudged);
    }
    exit
}

/// Exit 3 when something was not read.
pub(crate) fn unread(snapshot: &Snapshot) -> Exit {
    let unread = snapshot.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    if unread { Exit::Unjudged } else { Exit::Clean }
}

/// A fragment cannot answer what is not there; that is in scope only by name.
fn is_about_absence(finding: &Finding) -> bool {
    finding
        .missing
        .iter()
        .all(|missing| missing.starts_with("all ") || missing.starts_with("the Namespace"))
}

/// Errors and warnings of reading, to standard error.
pub(crate) fn print_diagnostics(snapshot: &Snapshot) {
    for diagnostic in snapshot.diagnostics.iter().filter(|told| told.level != Level::Note) {
        printer::error(&diagnostics::render(diagnostic, snapshot));
    }
}

fn print(report: &Report<'_>, text: &str) {
    print_diagnostics(report.snapshot);
    for error in &report.judgement.errors {
        printer::error(&diagnostics::render(error, report.snapshot));
    }
    printer::data(text);
}

fn render(check: &Check, global: &Global, shown: Severity, report: &Report<'_>) -> String {
    match check.output {
        Format::Table => {
            let color = !global.no_color && printer::color();
            table::render(report, table::Style { color, width: printer::width(), from: shown })
        }
        Format::Json => json::render(report),
        Format::Sarif => ironhull_report::sarif::render(report),
        Format::Junit => ironhull_report::junit::render(report),
        Format::Markdown => ironhull_report::markdown::render(report),
        Format::Html => ironhull_report::html::render(report),
    }
}

/// A state that cannot be written is no reason to fail a check.
fn note(problem: StoreError) {
    printer::error(&format!("note: {problem}"));
}

/// Keeps what later commands need.
fn remember(
    check: &Check,
    global: &Global,
    targets: Vec<String>,
    at: &str,
    findings: &[Finding],
) -> Result<(), StoreError> {
    let Some(path) = ironhull_store::path() else { return Ok(()) };
    let folder = std::env::current_dir().unwrap_or_default();
    let is_same = |before: &LastCheck| before.folder == folder && before.targets == targets;
    let before = ironhull_store::load_if(&path, is_same).ok().flatten().unwrap_or_default();
    let known: HashMap<&str, usize> =
        before.findings.iter().map(|Seen(id, time)| (id.as_str(), *time)).collect();
    let mut times = before.times.clone();
    times.push(at.to_owned());
    let seen = |finding: &Finding| {
        let id = finding.id();
        let time = known.get(id.as_str()).copied().unwrap_or(times.len() - 1);
        Seen(id, time)
    };
    let findings = findings.par_iter().map(seen).collect();
    let mut last = LastCheck {
        folder,
        targets,
        kubernetes_version: check.judging.kubernetes_version.clone(),
        only: check.judging.only.clone(),
        controls: check.judging.controls.clone(),
        policy: check.judging.policy.clone(),
        config: global.config.clone(),
        kubeconfig: global.kubeconfig.clone(),
        impersonate: global.impersonate.clone(),
        impersonate_groups: global.impersonate_groups.clone(),
        read_kubelets: global.read_kubelets,
        read_helm_releases: global.read_helm_releases,
        at: at.to_owned(),
        times,
        findings,
    };
    last.forget_unused_times();
    ironhull_store::save(&path, &last)
}
