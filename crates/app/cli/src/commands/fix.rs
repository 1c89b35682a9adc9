//! `ironhull fix`: print the patch, or edit the files.

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
    for word in &fix.what {
        match last.finding(word) {
            Named::Finding(_, finding) => chosen.push(finding),
            Named::Fixed(id) => printer::error(&format!("note: {id} is gone since the last check")),
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
    apply(fix, &outcome)
}

fn apply(fix: &Fix, outcome: &Outcome) -> anyhow::Result<Exit> {
    let mut exit = Exit::Clean;
    for Edit { path, diff, .. } in &outcome.edits {
        printer::data(diff);
        _ = path;
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
        if !outcome.edits.is_empty() {
            printer::error("nothing was written; add --write to edit the files");
        }
        return Ok(exit);
    }
    for Edit { path, after, .. } in &outcome.edits {
        write(Path::new(path), after)?;
    }
    if !outcome.edits.is_empty() {
        printer::error(&format!(
            "edited {}; run ironhull check again",
            ironhull_report::table::count(outcome.edits.len(), "file")
        ));
    }
    Ok(exit)
}

/// Replaces a file in one step, keeping its permissions.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("failed to write {}", path.display());
    let new = path.with_extension(format!("ironhull-{}", std::process::id()));
    std::fs::write(&new, text).with_context(context)?;
    if let Ok(data) = path.metadata() {
        std::fs::set_permissions(&new, data.permissions()).with_context(context)?;
        std::fs::rename(&new, path).with_context(context)?;
    } else {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(context)?;
        }
        std::fs::rename(&new, path).with_context(context)?;
    }
    Ok(())
}
