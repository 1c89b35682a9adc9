//! `cargo xtask mutate [CONTROL]`: changes each rule in small ways and runs the
//! control's examples: a mutant that no example notices shows an example that is
//! missing. Mutants that change nothing are listed with their reason in
//! `controls/mutants.txt`; the list only shrinks.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ironhull_controls::{Compiler, examples};
use ironhull_model::{Node, Pointer, RepairStep, SourceId, Value};

use crate::root;

/// A change of a rule that no example notices: `control: from → to`.
pub(crate) struct Survivor(pub(crate) String);

pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let (survivors, n_mutants) = survivors(only)?;
    for Survivor(what) in &survivors {
        println!("{what}");
    }
    println!("{n_mutants} mutants, {} not noticed", survivors.len());
    Ok(())
}

/// Mutates every control written in CEL (or one), and gives the mutants that
/// survive and how many there were.
pub(crate) fn survivors(only: Option<&str>) -> Result<(Vec<Survivor>, usize)> {
    let compiler = Compiler::default();
    let (mut survivors, mut n_mutants) = (Vec::new(), 0);
    for path in files(&root()?.join("controls"))? {
        let text = std::fs::read_to_string(&path)?;
        let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
        for document in parsed.documents {
            let id = document.value.root().get("id").map(Node::display).unwrap_or_default();
            if only.is_some_and(|only| only != id) || document.value.root().get("must").is_none() {
                continue;
            }
            for (pointer, from) in expressions(&document.value) {
                for to in mutants(&from) {
                    n_mutants += 1;
                    if survives(&compiler, &document.value, &pointer, &to) {
                        survivors.push(Survivor(format!("{id}{pointer}: {to}")));
                    }
                }
            }
        }
    }
    Ok((survivors, n_mutants))
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

/// The texts of `must`, `each`, `let` and `severity`.
fn expressions(control: &Value) -> Vec<(Pointer, String)> {
    let root = control.root();
    let mut found: Vec<Node<'_>> = root.get("must").into_iter().collect();
    for section in ["each", "let", "severity"] {
        found.extend(root.get(section).into_iter().flat_map(Node::items));
    }
    found
        .into_iter()
        .filter_map(|node| Some((node.pointer(), node.as_str()?.to_owned())))
        .filter(|(_, text)| text != "true")
        .collect()
}

/// (what, what instead): each occurrence is changed on its own.
const SWAPS: [(&str, &str); 14] = [
    (" && ", " || "),
    (" || ", " && "),
    (".all(", ".exists("),
    (".exists(", ".all("),
    (" == ", " != "),
    (" != ", " == "),
    (" < ", " <= "),
    (" > ", " >= "),
    (" <= ", " < "),
    (" >= ", " > "),
    ("containers(pod)", "pod.containers"),
    ("true", "false"),
    ("false", "true"),
    ("!", ""),
];

fn mutants(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (from, to) in SWAPS {
        for (at, _) in text.match_indices(from) {
            let next = text.as_bytes().get(at + from.len());
            if from == "!" && next == Some(&b'=') {
                continue;
            }
            all.push(format!("{}{to}{}", &text[..at], &text[at + from.len()..]));
        }
    }
    // A changed literal.
    for (at, _) in text.match_indices('\'') {
        let opens = text[..at].matches('\'').count().is_multiple_of(2);
        if opens && text[at + 1..].contains('\'') {
            all.push(format!("{}'~{}", &text[..at], &text[at + 1..]));
        }
    }
    all
}

fn survives(compiler: &Compiler, control: &Value, pointer: &Pointer, to: &str) -> bool {
    let mut text = ironhull_model::Builder::new();
    text.str(to, 0, 0);
    let step = RepairStep::Set { pointer: pointer.clone(), value: text.finish() };
    let Ok(mutant) = ironhull_patch::apply(control, &[step]) else { return false };
    let mut diagnostics = Vec::new();
    // A mutant that does not compile is noticed.
    let Some(control) = compiler.control(mutant.root(), SourceId(0), &mut diagnostics) else {
        return false;
    };
    examples::run(&control).iter().all(Result::is_ok)
}
