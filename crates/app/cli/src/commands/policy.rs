//! `ironhull policy`: Pod Security verdicts, own controls' examples, CEL.

use std::path::{Path, PathBuf};

use anyhow::bail;
use ironhull_cel::{Binding, Context as Evaluation, Val};
use ironhull_controls::{Compiler, Control, compile, examples};
use ironhull_model::{Code, Diagnostic, Node, Source, SourceId};
use ironhull_report::table::count;

use crate::args::access::Output;
use crate::args::{Global, PolicyCommand};
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::printer;

/// Mistakes of control files that are told one by one.
const MOST_MISTAKES: usize = 20;

mod effective;
mod pss;
mod suite;

/// Runs the command.
pub(crate) fn run(command: &PolicyCommand, global: &Global) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Effective(args) => effective::run(args, global),
        PolicyCommand::Pss(args) => pss::run(args, global),
        PolicyCommand::Test { files, kubernetes_version, output } => {
            test(files, kubernetes_version.as_deref(), *output)
        }
        PolicyCommand::Eval { expression, file, kubernetes_version } => {
            eval(expression, file, kubernetes_version.as_deref())
        }
    }
}

/// Runs the cases of suites, and control files' own examples.
fn test(files: &[PathBuf], kubernetes: Option<&str>, output: Output) -> anyhow::Result<Exit> {
    let mut all = Vec::new();
    for path in files {
        all.extend(below(path)?);
    }
    let (suites, others): (Vec<PathBuf>, Vec<PathBuf>) =
        all.into_iter().partition(|path| suite::is_one(path));
    if suites.is_empty() {
        return examples(files);
    }
    // Beside suites lie their policies and objects.
    let is_control = |path: &PathBuf| files.contains(path) || may_be_control(path);
    let controls: Vec<PathBuf> = others.into_iter().filter(is_control).collect();
    let (minor, _) = config::minor(kubernetes, &Config::default())?;
    let exit = suite::run(&suites, minor, output)?;
    Ok(if controls.is_empty() { exit } else { exit.or(examples(&controls)?) })
}

/// Runs control files' own examples.
fn examples(files: &[PathBuf]) -> anyhow::Result<Exit> {
    let (controls, _) = compile_files(files)?;
    let mut failed = 0;
    let mut n_examples = 0;
    for control in &controls {
        let results = examples::run(control);
        n_examples += results.len();
        for (index, result) in results.iter().enumerate() {
            if let Err(difference) = result {
                failed += 1;
                printer::text(&format!("{} example {}: {difference}\n", control.id, index + 1));
            }
        }
        if let Some(lacks) = examples::lacks(control) {
            failed += 1;
            printer::text(&format!("{}: {lacks}\n", control.id));
        }
    }
    if controls.is_empty() {
        bail!("there is no control in {}", shown(files));
    }
    printer::text(&format!(
        "{}, {}, {failed} failed\n",
        count(controls.len(), "control"),
        count(n_examples, "example")
    ));
    Ok(if failed == 0 { Exit::Clean } else { Exit::Findings })
}

fn shown(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    files.join(" ")
}

/// Compiles control files and directories of them. Any mistake is an error that
/// names its place.
pub(crate) fn compile_files(files: &[PathBuf]) -> anyhow::Result<(Vec<Control>, Vec<Source>)> {
    let compiler = Compiler::default();
    let mut controls = Vec::new();
    let mut sources = Vec::new();
    let mut mistakes = Vec::new();
    let mut paths = Vec::new();
    for path in files {
        let is_one = |file: &PathBuf| file == path || !is_json(file);
        paths.extend(below(path)?.into_iter().filter(is_one));
    }
    for path in paths {
        let text = text_of(&path)?;
        let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
        let mut diagnostics = parsed.diagnostics;
        for document in &parsed.documents {
            if let Some(other) = object_of_kubernetes(document.value.root()) {
                diagnostics.push(other);
                continue;
            }
            controls.extend(compiler.control(document.value.root(), SourceId(0), &mut diagnostics));
        }
        let source = Source::new(path.display().to_string(), text);
        mistakes.extend(diagnostics.iter().map(|diagnostic| placed(&source, diagnostic)));
        sources.push(source);
    }
    let untold = mistakes.len().saturating_sub(MOST_MISTAKES);
    if untold > 0 {
        mistakes.truncate(MOST_MISTAKES);
        mistakes.push(format!("and {untold} more"));
    }
    if !mistakes.is_empty() {
        bail!("{}", mistakes.join("\n"));
    }
    Ok((controls, sources))
}

/// The text of a file, within the limits for manifests.
fn text_of(path: &Path) -> anyhow::Result<String> {
    ironhull_manifests::read(path, &ironhull_manifests::Limits::default())
        .map_err(|diagnostic| anyhow::anyhow!(in_words(&diagnostic)))
}

fn in_words(told: &Diagnostic) -> String {
    format!("{} [{}]", told.message, told.code)
}

/// What is wrong, with its place.
fn placed(source: &Source, diagnostic: &Diagnostic) -> String {
    let at = diagnostic.place.map(|place| source.position(place.start));
    let line = at.map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
    format!("{}{line}: {} [{}]", source.path, diagnostic.message, diagnostic.code)
}

/// What is said once of an object of Kubernetes where a control is expected.
fn object_of_kubernetes(root: Node<'_>) -> Option<Diagnostic> {
    let kind = root.get("kind").and_then(Node::as_str)?;
    if root.get("apiVersion").is_none() || root.get("id").is_some() {
        return None;
    }
    let message = format!("a {kind} is no control, which has an id, and no PolicyTest");
    let diagnostic = Diagnostic::error(Code::ControlInvalid, message);
    Some(match root.span() {
        Some(span) => diagnostic.at(SourceId(0), span.start, span.end),
        None => diagnostic,
    })
}

/// A file, or the files below a folder that may hold controls, suites and objects.
fn below(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    ironhull_manifests::files(path).map_err(|told| anyhow::anyhow!(in_words(&told)))
}

/// Controls are YAML.
fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

/// Whether a file beside suites may hold a control: it is YAML, and more than objects of
/// Kubernetes stands in it.
fn may_be_control(path: &Path) -> bool {
    let are_objects = |text: String| {
        let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
        let is_object = |root: Node<'_>| root.is_null() || object_of_kubernetes(root).is_some();
        parsed.diagnostics.is_empty()
            && parsed.documents.iter().all(|document| is_object(document.value.root()))
    };
    // What cannot be read is told.
    !is_json(path) && !text_of(path).is_ok_and(are_objects)
}

/// Evaluates an expression over each document of a file.
fn eval(expression: &str, file: &str, kubernetes: Option<&str>) -> anyhow::Result<Exit> {
    let (minor, _) = config::minor(kubernetes, &Config::default())?;
    let program = match compile::untyped(minor, &["object", "oldObject", "params"], expression) {
        Ok(program) => program,
        Err(issues) => {
            for issue in issues {
                printer::error(&format!("error: {} (at {})", issue.message, issue.start));
            }
            return Ok(Exit::Usage);
        }
    };
    let text = text_of(Path::new(file))?;
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    if parsed.documents.is_empty() && parsed.diagnostics.is_empty() {
        bail!("{file} holds no document to evaluate the expression over");
    }
    let mut exit = if parsed.diagnostics.is_empty() { Exit::Clean } else { Exit::Unjudged };
    let source = Source::new(file.to_owned(), text);
    for diagnostic in &parsed.diagnostics {
        printer::error(&format!("error: {}", placed(&source, diagnostic)));
    }
    for document in &parsed.documents {
        let root: Node<'_> = document.value.root();
        let bindings =
            [Binding::Val(Val::from_node(root)), Binding::Val(Val::Null), Binding::Val(Val::Null)];
        let mut context = Evaluation::new();
        match program.eval(&bindings, &mut context) {
            Ok(value) => printer::text(&format!("{}\n", value.display())),
            Err(error) => {
                printer::error(&format!("error: {}", error.message));
                exit = exit.or(Exit::Unjudged);
            }
        }
    }
    Ok(exit)
}
