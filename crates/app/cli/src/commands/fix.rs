//! `ironhull fix`: print the patch, or edit the files.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use ironhull_model::Finding;
use ironhull_repair::{Edit, Outcome};
use ironhull_report::repair::{UNSAFE, is_automatic};
use ironhull_report::table::count;

use super::last::{self, Named};
use crate::args::{Fix, Global};
use crate::estate::saved::SCHEME;
use crate::exit::Exit;
use crate::printer;

/// Runs the command.
pub(crate) fn run(fix: &Fix, global: &Global) -> anyhow::Result<Exit> {
    // Seen from here; the last check's folder may be another.
    let patch = fix.patch.as_ref().map(std::path::absolute).transpose()?;
    let last = last::load(global)?;
    if last.state.targets.iter().any(|target| target.starts_with(SCHEME)) {
        printer::error(
            "refused: the last check judged a snapshot, whose files may have changed; check the files themselves",
        );
        return Ok(Exit::Unjudged);
    }
    let mut chosen: Vec<&Finding> = Vec::new();
    let mut exit = Exit::Clean;
    for word in &fix.what {
        match last.finding(word) {
            Named::Finding(_, finding) => chosen.push(finding),
            Named::Fixed(id) => {
                let (said, gone) = last.gone(&id);
                printer::error(&format!("note: {said}"));
                exit = exit.or(gone);
            }
            Named::Several(ids) => {
                printer::error(&format!(
                    "error: {word:?} names {} findings: {}",
                    ids.len(),
                    ids.join(", ")
                ));
                return Ok(Exit::Usage);
            }
            Named::Nothing => {
                printer::error(&format!("error: {word:?} is no finding of the last check"));
                return Ok(Exit::Usage);
            }
        }
    }
    let mut n_unsafe = 0;
    if fix.what.is_empty() {
        let open =
            last.judged.judgement.findings.iter().filter(|finding| finding.accepted.is_none());
        let automatic = open.filter(|finding| is_automatic(&finding.repair));
        let (safe, rest): (Vec<&Finding>, Vec<&Finding>) =
            automatic.partition(|finding| fix.is_unsafe || finding.repair.may.is_none());
        let editable = |finding: &&&Finding| {
            ironhull_repair::uneditable(finding, &last.judged.snapshot).is_none()
        };
        n_unsafe = rest.iter().filter(editable).count();
        chosen.extend(safe);
    }
    let outcome = ironhull_repair::plan(&chosen, &last.judged.snapshot);
    exit = exit.or(apply(fix, patch.as_deref(), &outcome)?);
    said_of_risks(fix, &chosen, n_unsafe);
    Ok(exit)
}

/// Says what repairs may stop: of those that were named, and how many were left out.
fn said_of_risks(fix: &Fix, chosen: &[&Finding], n_unsafe: usize) {
    let mut told: Vec<&str> = Vec::new();
    for finding in chosen {
        let Some(may) = finding.repair.may.as_deref() else { continue };
        // Once for each control: what its repairs may stop is the same everywhere.
        if !told.contains(&&*finding.control) {
            told.push(&finding.control);
            printer::error(&format!("note: {}: {UNSAFE}: {may}", finding.control));
        }
    }
    if n_unsafe > 0 {
        let example =
            if fix.write { "ironhull fix --unsafe --write" } else { "ironhull fix --unsafe" };
        printer::error(&format!(
            "{} more with --unsafe: they may stop what works today ({example}, or name one: ironhull fix 3)",
            count(n_unsafe, "repair")
        ));
    }
}

fn apply(fix: &Fix, patch: Option<&Path>, outcome: &Outcome) -> anyhow::Result<Exit> {
    let mut exit = Exit::Clean;
    let (edits, taken): (Vec<&Edit>, Vec<&Edit>) =
        outcome.edits.iter().partition(|edit| !edit.is_new || !Path::new(&edit.path).exists());
    match patch {
        Some(path) => write_patch(path, &edits)?,
        None => edits.iter().for_each(|edit| printer::patch(&edit.diff.shown)),
    }
    for edit in taken {
        printer::error(&format!(
            "refused: {} exists already; nothing is written over it",
            edit.path
        ));
        exit = Exit::Unjudged;
    }
    for (id, reason) in &outcome.refused {
        printer::error(&format!("refused: {id}: {reason}"));
        exit = Exit::Unjudged;
    }
    for (id, question) in &outcome.questions {
        printer::error(&format!("your answer is needed: {id}: {question}"));
        if !fix.what.is_empty() {
            exit = Exit::Unjudged;
        }
    }
    if patch.is_some() {
        return Ok(exit);
    }
    if !fix.write {
        if edits.iter().any(|edit| edit.diff.shown != edit.diff.patch) {
            printer::error(
                "secret values are left out of what is shown; --patch FILE writes a patch that applies",
            );
        }
        if !edits.is_empty() {
            printer::error("nothing was written; add --write to edit the files");
        }
        return Ok(exit);
    }
    for edit in &edits {
        let path = Path::new(&edit.path);
        let written =
            if edit.is_new { create(path, &edit.after) } else { write(path, &edit.after) };
        written.with_context(|| format!("failed to write {}", edit.path))?;
    }
    if !edits.is_empty() {
        printer::error(&format!("edited {}; run ironhull check again", count(edits.len(), "file")));
    }
    Ok(exit)
}

/// Writes the patch to a file that is not there yet, for its owner's eyes only: it
/// holds the user's own lines, secrets included.
fn write_patch(path: &Path, edits: &[&Edit]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let patch: String = edits.iter().map(|edit| edit.diff.patch.as_str()).collect();
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| {
            // What is cut off must not stand where a whole one is taken to be.
            let written = file.write_all(patch.as_bytes());
            written.inspect_err(|_| _ = std::fs::remove_file(path))
        })
        .with_context(|| format!("failed to write {}", path.display()))?;
    printer::error(&format!("wrote {}; git apply or patch -p1 applies it", path.display()));
    Ok(())
}

/// Replaces a file in one step, keeping its permissions. Of a link the file that it
/// leads to is replaced.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = path.metadata()?.permissions();
    ironhull_sys::replace(&path, text.as_bytes(), Some(permissions))
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
