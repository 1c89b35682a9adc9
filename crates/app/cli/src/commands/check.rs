//! `ironhull check`: judge targets.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use ironhull_controls::control::wanted;
use ironhull_controls::gate::{Gates, ScopedGate};
use ironhull_controls::{Control, Gate, Judge, Judgement, assign, exceptions, policies};
use ironhull_dialects::Policies;
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::snapshot::FACTS;
use ironhull_model::{Cause, Coverage, Finding, Level, Severity, Snapshot, Verdict, World};
use ironhull_report::{Report, diagnostics, json, table};
use ironhull_schema::Schema;
use ironhull_store::{LastCheck, Seen};
use rayon::prelude::*;

use crate::args::{Check, Format, Global, Judging};
use crate::config::{self, Config};
use crate::estate::documents::{self, Documents};
use crate::estate::{self, Estate};
use crate::exit::Exit;
use crate::printer;

/// A finished judgement with what it was made of.
pub(crate) struct Judged {
    /// What was judged, as the user wrote it: of a snapshot what that was made of.
    pub(crate) targets: Vec<String>,
    pub(crate) snapshot: Snapshot,
    pub(crate) controls: Vec<&'static Control>,
    pub(crate) judgement: Judgement,
    /// Questions that the target was not asked, see [`Report::not_asked`].
    pub(crate) not_asked: Vec<(String, usize, String)>,
    pub(crate) gates: Vec<ScopedGate>,
    pub(crate) at: String,
    pub(crate) config: Config,
}

/// Reads and judges targets. Findings below what `proof_from` makes of the
/// configuration come without evidence and repair.
pub(crate) fn judge(
    targets: &[String],
    judging: &Judging,
    global: &Global,
    save: Option<&Path>,
    proof_from: impl FnOnce(&Config) -> anyhow::Result<Severity>,
) -> anyhow::Result<Judged> {
    let config = config::load(global, targets)?;
    let (minor, minor_assumed) = config::minor(judging.kubernetes_version.as_deref(), &config)?;
    let (at, today) = config::now(global)?;
    let proof_from = proof_from(&config)?;
    let every = every_control(judging, &config)?;
    let options = estate::Options {
        minor,
        minor_assumed,
        complete: config.complete,
        owner: config.owner.as_deref(),
        policies: &judging.policy,
        wanted: wanted(&every, Schema::of(minor)),
        global,
    };
    let mut controls = select(&every, judging, &config)?;
    let mut estate = estate::read(targets, &options);
    if let Some(path) = save {
        estate::saved::save(path, &mut estate)?;
    }
    let admission = admission_controls(&estate.snapshot, judging, &config)?;
    let known: Vec<_> = every.iter().chain(&admission).copied().collect();
    let documents = documents::read(&estate.own, &known, &mut estate.snapshot.diagnostics);
    refuse_policy_files(&estate)?;
    let first_policy_file = estate.first_policy_file;
    let (mut snapshot, targets) = (estate.snapshot, estate.targets);
    estate::derive(&mut snapshot, &at, today);
    let assignments = assign(&controls, &documents.policies);
    let world = World::new(&snapshot);
    let own = controls.clone();
    let judge = Judge::new(world, &own, &assignments).prove_from(proof_from);
    controls.extend(&admission);
    let policies = Policies::new(world);
    let audit = (!admission.is_empty()).then(|| Audit::new(&policies, &controls));
    let Documents { exceptions, gates, .. } = &documents;
    // What the user wrote comes first: it names an owner of theirs.
    let accepting: Vec<_> = exceptions.iter().cloned().chain(packs(&config)).collect();
    let mut judgement = run(world, &judge, audit.as_ref(), |part| {
        exceptions::apply(&mut part.findings, &accepting, world, today);
    });
    judgement.seal();
    let named = !judging.only.is_empty() || !config.only.is_empty();
    let not_asked = if named { Vec::new() } else { not_asked(&mut judgement, &snapshot) };
    let gates = gates.clone();
    let unused = exceptions::unused(&judgement.findings, exceptions, world, today);
    let mut unused: Vec<_> = unused
        .into_iter()
        // What is not judged now may be what it is for.
        .filter(|exception| {
            { known.iter() }
                .filter(|control| exception.names(control))
                .all(|control| controls.iter().any(|judged| judged.id == control.id))
        })
        // A file for many estates names more than one of them holds.
        .filter(|exception| {
            exception.source() < first_policy_file
                || snapshot.objects.iter().any(|object| exception.is_about(object))
        })
        .map(exceptions::Exception::unused)
        .collect();
    snapshot.diagnostics.extend(exceptions.iter().filter_map(|exception| exception.check(today)));
    snapshot.diagnostics.append(&mut unused);
    Ok(Judged { targets, snapshot, controls, judgement, not_asked, gates, at, config })
}

/// Takes out what nobody can answer because the facts were not asked for, and says how
/// many controls need which. What was asked for and not had stays.
fn not_asked(judgement: &mut Judgement, snapshot: &Snapshot) -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for fact in FACTS {
        let gap = snapshot.gaps.iter().find(|gap| gap.fact == Some(fact.name));
        let had = snapshot.facts.iter().any(|known| known.name == fact.name);
        if had || gap.is_some_and(|gap| gap.cause != Cause::NotAsked) {
            continue;
        }
        let missing = fact.missing();
        let needs = |finding: &Finding| {
            finding.verdict == Verdict::Unknown && finding.missing.contains(&missing)
        };
        let asking: HashSet<_> = { judgement.findings.iter() }
            .filter(|of| needs(of))
            .map(|of| of.control.clone())
            .collect();
        judgement.findings.retain(|finding| !needs(finding));
        if !asking.is_empty() {
            let cost = gap.map_or_else(String::new, |gap| format!(" ({})", gap.reason));
            lines.push((fact.name.to_owned(), asking.len(), format!("{}{cost}", fact.supply)));
        }
    }
    lines
}

/// A mistake in a file that `--policy` names is a mistake of the call.
fn refuse_policy_files(estate: &Estate) -> anyhow::Result<()> {
    let wrong: Vec<String> = estate
        .snapshot
        .diagnostics
        .iter()
        .filter(|diagnostic| {
            let source = diagnostic.place.map(|place| place.source);
            diagnostic.level == Level::Error
                && source.is_some_and(|source| source >= estate.first_policy_file)
        })
        .map(|diagnostic| diagnostics::render(diagnostic, &estate.snapshot))
        .collect();
    if wrong.is_empty() { Ok(()) } else { bail!("in a --policy file\n{}", wrong.join("")) }
}

/// The by-design exceptions that ship with the product, as far as they are on.
fn packs(config: &Config) -> Vec<exceptions::Exception> {
    let is_on = |name: &str| {
        config.packs.as_ref().is_none_or(|packs| packs.iter().any(|pack| pack == name))
    };
    let packs = ironhull_catalogue::packs().iter().filter(|pack| is_on(&pack.name));
    exceptions::Exception::of_packs(packs)
}

/// Judges every object, spread over the cores; the result does not depend on how.
/// `accept` applies the exceptions to what one object or more gave.
fn run<'a>(
    world: World<'a>,
    judge: &Judge<'a>,
    audit: Option<&Audit<'a>>,
    accept: impl Fn(&mut Judgement) + Sync,
) -> Judgement {
    let objects: Vec<_> = world.objects().collect();
    let parts: Vec<Judgement> = objects
        .par_chunks(64)
        .map(|chunk| {
            let mut part = judge.judgement();
            chunk.iter().for_each(|object| judge.object(object, &mut part));
            if let Some(audit) = audit {
                chunk.iter().for_each(|object| audit.object(object, &mut part));
            }
            accept(&mut part);
            part
        })
        .collect();
    let mut all = judge.judgement();
    all.findings.reserve_exact(parts.iter().map(|part| part.findings.len()).sum());
    parts.into_iter().for_each(|part| all.merge(part));
    let mut estate = judge.judgement();
    judge.estate(&mut estate);
    if let Some(audit) = audit {
        audit.refused(&mut estate);
    }
    accept(&mut estate);
    all.merge(estate);
    all
}

/// The catalogue and the user's own controls.
fn every_control(judging: &Judging, config: &Config) -> anyhow::Result<Vec<&'static Control>> {
    let every: Vec<&'static Control> =
        ironhull_catalogue::controls().iter().chain(own_controls(judging, config)?).collect();
    let mut ids = HashSet::new();
    if let Some(control) = every.iter().find(|control| !ids.insert(&*control.id)) {
        bail!("there are two controls with the id {:?}; give yours another", &*control.id);
    }
    Ok(every)
}

/// The admission policies of the input as controls. They live as long as the process.
fn admission_controls(
    snapshot: &Snapshot,
    judging: &Judging,
    config: &Config,
) -> anyhow::Result<Vec<&'static Control>> {
    let only = only(judging, config);
    let all = audit::controls(World::new(snapshot));
    if let Some(name) = only
        .iter()
        .find(|name| is_admission(name) && !all.iter().any(|control| *control.id == ***name))
    {
        bail!("{name:?} is no admission policy of the input");
    }
    let wanted =
        |control: &Control| only.is_empty() || only.iter().any(|name| *control.id == **name);
    let wanted = all.into_iter().filter(wanted);
    Ok(wanted.map(|control| &*Box::leak(Box::new(control))).collect())
}

/// Whether a name is that of an admission policy's control.
fn is_admission(name: &str) -> bool {
    name.starts_with("vap/") || name.starts_with("map/")
}

fn only<'j>(judging: &'j Judging, config: &'j Config) -> &'j [String] {
    if judging.only.is_empty() { &config.only } else { &judging.only }
}

/// The controls that `--only` names, or all.
fn select(
    every: &[&'static Control],
    judging: &Judging,
    config: &Config,
) -> anyhow::Result<Vec<&'static Control>> {
    let only = only(judging, config);
    // Those of admission policies are known when the input is read.
    let named: Vec<&str> =
        only.iter().map(String::as_str).filter(|name| !is_admission(name)).collect();
    if named.is_empty() && !only.is_empty() {
        return Ok(Vec::new());
    }
    policies::select(every, &named).map_err(anyhow::Error::msg)
}

/// The user's own control files, compiled now. They live as long as the process.
fn own_controls(judging: &Judging, config: &Config) -> anyhow::Result<Vec<&'static Control>> {
    let mut controls = Vec::new();
    for path in judging.controls.iter().chain(&config.controls) {
        let (compiled, _) = super::policy::compile_files(std::slice::from_ref(path))
            .with_context(|| format!("failed to load the controls in {}", path.display()))?;
        controls.extend(compiled.into_iter().map(|control| &*Box::leak(Box::new(control))));
    }
    Ok(controls)
}

/// Runs the command.
pub(crate) fn run_command(check: &Check, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let targets =
        if check.targets.is_empty() { vec![".".to_owned()] } else { check.targets.clone() };
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
    let (fails, looked_at) = gates.judge(findings, World::new(&judged.snapshot), &is_new);
    let exit = exit(check, &judged, fails);
    let report = Report {
        targets: &judged.targets,
        snapshot: &judged.snapshot,
        controls: &judged.controls,
        judgement: &judged.judgement,
        new: new.as_deref(),
        n_failing: looked_at.len(),
        threshold: gates.rest.threshold(),
        exit: exit.code(),
        at: &judged.at,
        elapsed_ms: global.at.is_none().then(|| started.elapsed().as_millis()),
        not_asked: &judged.not_asked,
    };
    print(check, global, shown, &report);
    remember(check, global, targets.clone(), &judged);
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

fn exit(check: &Check, judged: &Judged, fails: bool) -> Exit {
    let unread =
        judged.snapshot.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    let own_error = !judged.judgement.errors.is_empty();
    let named = !check.judging.only.is_empty();
    let fragment = judged.snapshot.coverage != Coverage::Complete;
    let unknown = judged.judgement.findings.iter().any(|finding| {
        finding.verdict == Verdict::Unknown && (named || !(fragment && is_about_absence(finding)))
    });
    let mut exit = Exit::Clean;
    if fails && !check.exit_zero {
        exit = exit.or(Exit::Findings);
    }
    if unread || own_error || (check.strict && unknown) {
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

fn print(check: &Check, global: &Global, shown: Severity, report: &Report<'_>) {
    print_diagnostics(report.snapshot);
    for error in &report.judgement.errors {
        printer::error(&diagnostics::render(error, report.snapshot));
    }
    let text = match check.output {
        Format::Table => {
            let color = !global.no_color && printer::color();
            table::render(report, table::Style { color, width: printer::width(), from: shown })
        }
        Format::Json => json::render(report),
        Format::Sarif => ironhull_report::sarif::render(report),
        Format::Junit => ironhull_report::junit::render(report),
        Format::Markdown => ironhull_report::markdown::render(report),
        Format::Html => ironhull_report::html::render(report),
    };
    printer::data(&text);
}

/// Keeps what later commands need. A state that cannot be written is no reason
/// to fail a check.
fn remember(check: &Check, global: &Global, targets: Vec<String>, judged: &Judged) {
    let Some(path) = ironhull_store::path() else { return };
    let folder = std::env::current_dir().unwrap_or_default();
    let is_same = |before: &LastCheck| before.folder == folder && before.targets == targets;
    let before = ironhull_store::load_if(&path, is_same).ok().flatten().unwrap_or_default();
    let known: HashMap<&str, usize> =
        before.findings.iter().map(|Seen(id, time)| (id.as_str(), *time)).collect();
    let mut times = before.times.clone();
    times.push(judged.at.clone());
    let seen = |finding: &Finding| {
        let id = finding.id();
        let time = known.get(id.as_str()).copied().unwrap_or(times.len() - 1);
        Seen(id, time)
    };
    let findings = judged.judgement.findings.par_iter().map(seen).collect();
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
        at: judged.at.clone(),
        times,
        findings,
    };
    last.forget_unused_times();
    if let Err(error) = ironhull_store::save(&path, &last) {
        printer::error(&format!("note: {error}"));
    }
}
