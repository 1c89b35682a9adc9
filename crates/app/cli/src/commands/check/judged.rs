//! Judging what was read, once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use ironhull_controls::exceptions::Exception;
use ironhull_controls::gate::ScopedGate;
use ironhull_controls::{Control, Judge, Judgement, assign, exceptions};
use ironhull_dialects::audit::{self, Audit};
use ironhull_model::snapshot::{FACTS, FactDeclaration};
use ironhull_model::{
    Cause, Diagnostic, Finding, Level, Severity, Snapshot, SourceId, Verdict, World,
};
use ironhull_report::diagnostics;
use ironhull_report::protections::Proven;
use jiff::civil::Date;
use rayon::prelude::*;

use super::plan::Plan;
use crate::args::{Global, Judging};
use crate::config::Config;
use crate::estate::documents::{self, Documents};
use crate::estate::{self, Estate};
use crate::printer::Progress;

/// A finished judgement with what it was made of.
pub(crate) struct Judged {
    /// What was judged, as the user wrote it: of a snapshot what that was made of.
    pub(crate) targets: Vec<String>,
    pub(crate) snapshot: Snapshot,
    /// The controls that judged, without those of admission policies.
    own: Vec<&'static Control>,
    admission: Vec<Arc<Control>>,
    pub(crate) judgement: Judgement,
    /// Questions that the target was not asked, see [`Report::not_asked`].
    pub(crate) not_asked: Vec<(String, usize, String)>,
    pub(crate) gates: Vec<ScopedGate>,
    pub(crate) at: String,
    pub(crate) config: Config,
    /// What canaries showed of the cluster the last time.
    pub(crate) proven: Option<Proven>,
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
    let plan = Plan::new(targets, judging, global, proof_from)?;
    let mut estate = estate::read(targets, &plan.options(judging, global));
    if let Some(path) = save {
        estate::saved::save(path, &mut estate)?;
    }
    let admission = plan.admission_controls(&estate.snapshot);
    plan.has_named(&admission)?;
    let known = Plan::beside(&plan.every, &admission);
    let documents = documents::read(&estate.own, &known, &mut estate.snapshot.diagnostics);
    refuse_policy_files(&estate)?;
    let first_policy_file = estate.first_policy_file;
    let proven = estate.cluster.as_ref().and_then(crate::commands::proof::of);
    let (mut snapshot, targets) = (estate.snapshot, estate.targets);
    let today = plan.today;
    estate::derive(&mut snapshot, &plan.at, today);
    let assignments = assign(&plan.controls, &documents.policies);
    let world = World::new(&snapshot);
    let judge = Judge::new(world, &plan.controls, &assignments).prove_from(plan.proof_from);
    let controls = Plan::beside(&plan.controls, &admission);
    let policies = audit::policies(world, &controls);
    let audit = (!admission.is_empty()).then(|| Audit::new(&policies, &controls));
    let Documents { exceptions, gates, .. } = &documents;
    // What the user wrote comes first: it names an owner of theirs.
    let accepting: Vec<_> = exceptions.iter().cloned().chain(plan.packs()).collect();
    let mut judgement = run(world, &judge, audit.as_ref(), |part| {
        exceptions::apply(&mut part.findings, &accepting, world, today);
    });
    judgement.seal();
    let not_asked = match plan.is_named() {
        true => Vec::new(),
        false => not_asked(&mut judgement, &snapshot),
    };
    let gates = gates.clone();
    let told = about_exceptions(
        &snapshot,
        &judgement.findings,
        exceptions,
        (&known, &controls),
        first_policy_file,
        today,
    );
    snapshot.diagnostics.extend(told);
    let Plan { at, config, controls: own, .. } = plan;
    Ok(Judged {
        targets,
        snapshot,
        own,
        admission,
        judgement,
        not_asked,
        gates,
        at,
        config,
        proven,
    })
}

impl Judged {
    /// The controls that judged, in the order of the tallies.
    pub(crate) fn controls(&self) -> Vec<&Control> {
        Plan::beside(&self.own, &self.admission)
    }
}

/// What is wrong with exceptions, and which of them cover nothing. `controls` are all
/// that are known, and those that judged.
pub(super) fn about_exceptions(
    snapshot: &Snapshot,
    findings: &[Finding],
    exceptions: &[Exception],
    (known, judged): (&[&Control], &[&Control]),
    first_policy_file: SourceId,
    today: Date,
) -> Vec<Diagnostic> {
    let unused = exceptions::unused(findings, exceptions, World::new(snapshot), today);
    // What is not judged now may be what it is for.
    let judges = |exception: &Exception| {
        { known.iter().filter(|control| exception.names(control)) }
            .all(|control| judged.iter().any(|judged| judged.id == control.id))
    };
    // A file for many estates names more than one of them holds.
    let is_here = |exception: &Exception| {
        exception.source() < first_policy_file
            || snapshot.objects.iter().any(|object| exception.is_about(object))
    };
    let unused = unused.into_iter().filter(|exception| judges(exception) && is_here(exception));
    let wrong = exceptions.iter().filter_map(|exception| exception.check(today));
    wrong.chain(unused.map(Exception::unused)).collect()
}

/// Takes out what nobody can answer because the facts were not asked for, and says how
/// many controls need which. What was asked for and not had stays.
pub(super) fn not_asked(
    judgement: &mut Judgement,
    snapshot: &Snapshot,
) -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for Unasked { missing, fact, cost } in unasked(snapshot) {
        let asking: HashSet<_> = { judgement.findings.iter() }
            .filter(|of| needs(of, &missing))
            .map(|of| of.control.clone())
            .collect();
        judgement.findings.retain(|finding| !needs(finding, &missing));
        if !asking.is_empty() {
            lines.push((fact.name.to_owned(), asking.len(), format!("{}{cost}", fact.supply)));
        }
    }
    lines
}

/// A kind of fact that was not asked for.
pub(super) struct Unasked {
    fact: &'static FactDeclaration,
    /// What findings name as missing.
    pub(super) missing: String,
    /// What asking for it costs.
    cost: String,
}

pub(super) fn unasked(snapshot: &Snapshot) -> impl Iterator<Item = Unasked> {
    FACTS.iter().filter_map(|fact| {
        let gap = snapshot.gaps.iter().find(|gap| gap.fact == Some(fact.name));
        let had = snapshot.facts.iter().any(|known| known.name == fact.name);
        if had || gap.is_some_and(|gap| gap.cause != Cause::NotAsked) {
            return None;
        }
        let cost = gap.map_or_else(String::new, |gap| format!(" ({})", gap.reason));
        Some(Unasked { fact, missing: fact.missing(), cost })
    })
}

/// Whether a finding is unknown for want of a fact.
pub(super) fn needs(finding: &Finding, missing: &String) -> bool {
    finding.verdict == Verdict::Unknown && finding.missing.contains(missing)
}

/// A mistake in a file that `--policy` names is a mistake of the call.
pub(super) fn refuse_policy_files(estate: &Estate) -> anyhow::Result<()> {
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

/// Judges every object, spread over the cores; the result does not depend on how.
/// `accept` applies the exceptions to what one object or more gave.
pub(super) fn run<'a>(
    world: World<'a>,
    judge: &Judge<'a>,
    audit: Option<&Audit<'a>>,
    accept: impl Fn(&mut Judgement) + Sync,
) -> Judgement {
    let objects: Vec<_> = world.objects().collect();
    let progress = Progress::new(objects.len(), "objects judged");
    let of_objects = || -> Vec<Judgement> {
        let judged = objects.par_chunks(64).map(|chunk| {
            let mut part = judge.judgement();
            chunk.iter().for_each(|object| judge.object(object, &mut part));
            if let Some(audit) = audit {
                chunk.iter().for_each(|object| audit.object(object, &mut part));
            }
            accept(&mut part);
            progress.done(chunk.len());
            part
        });
        judged.collect()
    };
    let of_estate = || {
        let mut estate = judge.judgement();
        let judged = judge.of_estate().par_iter().map(|&index| {
            let mut part = judge.judgement();
            judge.estate_under(index, &mut part);
            part
        });
        judged.collect::<Vec<_>>().into_iter().for_each(|part| estate.merge(part));
        if let Some(audit) = audit {
            audit.refused(&mut estate);
        }
        accept(&mut estate);
        estate
    };
    let (parts, estate) = rayon::join(of_objects, of_estate);
    let mut all = judge.judgement();
    all.findings.reserve_exact(parts.iter().map(|part| part.findings.len()).sum());
    parts.into_iter().for_each(|part| all.merge(part));
    all.merge(estate);
    all
}
