//! The last check, judged again: what `show`, `explain`, `fix` and `except` speak of.

use std::collections::HashMap;

use anyhow::{Context, bail};
use ironhull_model::{Finding, Level, Severity};
use ironhull_report::diagnostics;
use ironhull_store::{LastCheck, Seen};

use super::check::{self, Judged, judge};
use crate::args::{Global, Judging};
use crate::exit::Exit;
use crate::printer;

/// The last check's state and a fresh judgement of the same targets.
pub(crate) struct Last {
    pub(crate) state: LastCheck,
    pub(crate) judged: Judged,
}

/// Judges the last check's targets again, in its folder.
pub(crate) fn load(global: &Global) -> anyhow::Result<Last> {
    let path = ironhull_store::path().context("neither XDG_STATE_HOME nor HOME is set")?;
    let state = ironhull_store::load(&path)?;
    // A path of this call is seen from here, one of the last check from its folder.
    let here = global.config.as_ref().map(std::path::absolute).transpose()?;
    let mut global = Global { config: here.or(state.config.clone()), ..global.clone() };
    let kubeconfig = global.kubeconfig.as_ref().map(std::path::absolute).transpose()?;
    global.kubeconfig = kubeconfig.or(state.kubeconfig.clone());
    if global.impersonate.is_none() {
        global.impersonate.clone_from(&state.impersonate);
        global.impersonate_groups.clone_from(&state.impersonate_groups);
    }
    global.read_kubelets |= state.read_kubelets;
    global.read_helm_releases |= state.read_helm_releases;
    std::env::set_current_dir(&state.folder).with_context(|| {
        format!("the last check ran in {}, which is gone", state.folder.display())
    })?;
    if state.targets.iter().any(|target| target == "-") {
        bail!(
            "the last check read standard input, which is gone; check a file to explain or fix its findings"
        );
    }
    let judging = Judging {
        kubernetes_version: state.kubernetes_version.clone(),
        only: state.only.clone(),
        controls: state.controls.clone(),
        policy: state.policy.clone(),
    };
    let judged = judge(&state.targets, &judging, &global, None, |_| Ok(Severity::Low))?;
    Ok(Last { state, judged })
}

/// What a word named.
pub(crate) enum Named<'j> {
    /// A finding that is there, with its number in the fresh judgement.
    Finding(usize, &'j Finding),
    /// A finding of the last check that is gone.
    Fixed(String),
    /// Nothing.
    Nothing,
    /// More than one finding: their ids.
    Several(Vec<String>),
}

impl Last {
    /// The numbers that the last check gave to the findings of the fresh judgement;
    /// what it had not gets numbers from its end on. Where one id is found several
    /// times (an object that stands in two files) the order tells which is which.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let mut known: HashMap<&str, std::collections::VecDeque<usize>> = HashMap::new();
        for (Seen(id, _), number) in self.state.findings.iter().zip(1..) {
            known.entry(id).or_default().push_back(number);
        }
        let mut next = self.state.findings.len();
        let mut number = |finding: &Finding| {
            known
                .get_mut(finding.id().as_str())
                .and_then(|numbers| numbers.pop_front())
                .unwrap_or_else(|| {
                    next += 1;
                    next
                })
        };
        self.judged.judgement.findings.iter().map(&mut number).collect()
    }

    /// What is to be said of a finding that is not there any more, and how to end.
    /// Where something could not be read it may still be there.
    pub(crate) fn gone(&self, id: &str) -> (String, Exit) {
        let exit = check::unread(&self.judged.snapshot);
        if exit == Exit::Clean {
            return (format!("{id} is gone since the last check"), exit);
        }
        self.print_unread();
        (format!("{id} was not found again, but not everything could be read"), exit)
    }

    /// Says on standard error what could not be read.
    pub(crate) fn print_unread(&self) {
        let snapshot = &self.judged.snapshot;
        for diagnostic in snapshot.diagnostics.iter().filter(|told| told.level == Level::Error) {
            printer::error(&diagnostics::render(diagnostic, snapshot));
        }
    }

    /// A finding by its number in the last check, its id, or a unique part of an id.
    pub(crate) fn finding(&self, word: &str) -> Named<'_> {
        let findings = &self.judged.judgement.findings;
        if let Ok(number) = word.parse::<usize>() {
            let Some(id) = self.state.id(number) else {
                return Named::Nothing;
            };
            return match self.numbers().iter().position(|known| *known == number) {
                Some(index) => Named::Finding(number, &findings[index]),
                None => Named::Fixed(id.to_owned()),
            };
        }
        let matches: Vec<usize> = (0..findings.len())
            .filter(|index| {
                let id = findings[*index].id();
                id == word || id.starts_with(&format!("{word}/"))
            })
            .collect();
        match matches.as_slice() {
            [] if self.state.first_seen(word).is_some() => Named::Fixed(word.to_owned()),
            [] => Named::Nothing,
            [one] => Named::Finding(self.numbers()[*one], &findings[*one]),
            several => Named::Several(several.iter().map(|index| findings[*index].id()).collect()),
        }
    }
}
