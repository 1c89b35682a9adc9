//! `ironhull fix`: print the patch, or edit the files.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use ironhull_model::Finding;
use ironhull_repair::{Edit, Outcome};

use super::last::{self, Named};
use crate::args::{Fix, Global};
use crate::exit::Exit;
use crate::printer;

/// Runs the command.
pub(crate) fn run(fix: &Fix, global: &Global) -> anyhow::Result<Exit> {
    let last = last::load(global)?;
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
    if fix.what.is_empty() {
        let open =
            last.judged.judgement.findings.iter().filter(|finding| finding.accepted.is_none());
        chosen
            .extend(open.filter(|finding| ironhull_report::repair::is_automatic(&finding.repair)));
    }
    let outcome = ironhull_repair::plan(&chosen, &last.judged.snapshot);
    Ok(exit.or(apply(fix, &outcome)?))
}

fn apply(fix: &Fix, outcome: &Outcome) -> anyhow::Result<Exit> {
    let mut exit = Exit::Clean;
    let (edits, taken): (Vec<&Edit>, Vec<&Edit>) =
        outcome.edits.iter().partition(|edit| !edit.is_new || !Path::new(&edit.path).exists());
    edits.iter().for_each(|edit| printer::patch(&edit.diff));
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
    if !fix.write {
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
        printer::error(&format!(
            "edited {}; run ironhull check again",
            ironhull_report::table::count(edits.len(), "file")
        ));
    }
    Ok(exit)
}

/// Replaces a file in one step, keeping its permissions. Of a link the file that it
/// leads to is replaced.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let new = path.with_extension(format!("ironhull-{}", std::process::id()));
    let replace = || {
        create(&new, text)?;
        std::fs::set_permissions(&new, path.metadata()?.permissions())?;
        std::fs::rename(&new, &path)
    };
    replace().inspect_err(|_| _ = std::fs::remove_file(&new))
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
