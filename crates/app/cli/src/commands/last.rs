//! The last check, judged again: what `show`, `explain`, `fix` and `except` speak of.

use anyhow::{Context, bail};
use ironhull_model::{Finding, Severity};
use ironhull_store::LastCheck;

use super::check::{Judged, judge};
use crate::args::{Global, Judging};

/// The last check's state and a fresh judgement of the same targets.
pub(crate) struct Last {
    pub(crate) state: LastCheck,
    pub(crate) judged: Judged,
}

/// Judges the last check's targets again, in its folder.
pub(crate) fn load(global: &Global) -> anyhow::Result<Last> {
    let path = ironhull_store::path().context("neither XDG_STATE_HOME nor HOME is set")?;
    let state = ironhull_store::load(&path)?;
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
    let judged = judge(&state.targets, &judging, global, |_| Ok(Severity::Low))?;
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
    /// A finding by its number in the last check, its id, or a unique part of an id.
    pub(crate) fn finding(&self, word: &str) -> Named<'_> {
        let findings = &self.judged.judgement.findings;
        if let Ok(number) = word.parse::<usize>() {
            let Some(id) = self.state.id(number) else {
                return Named::Nothing;
            };
            return match findings.iter().position(|finding| finding.id() == id) {
                Some(index) => Named::Finding(index + 1, &findings[index]),
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
            [one] => Named::Finding(one + 1, &findings[*one]),
            several => Named::Several(several.iter().map(|index| findings[*index].id()).collect()),
        }
    }
}
