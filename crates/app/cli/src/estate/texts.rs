//! Files and what renderers print of them, as texts: found, read, and taken apart.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ironhull_manifests::{Found, Limits as ReadLimits};
use ironhull_model::{
    Code, Diagnostic, Fact, Gap, Minor, Named, Object, Snapshot, Source, SourceId,
};
use ironhull_report::text::shell_word;
use ironhull_schema::{Schema, admission, defaults};
use ironhull_secrets::Salt;

use super::{charts, documents};

/// One text and what was parsed from it.
pub(super) struct Read {
    pub(super) source: Source,
    pub(super) objects: Vec<Object>,
    pub(super) facts: Vec<Fact>,
    pub(super) own: Vec<documents::Own>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A text to parse: a file still to be read, or what a renderer printed.
pub(super) enum Text {
    File { path: PathBuf, named: bool },
    Rendered(charts::Part),
}

impl Text {
    pub(super) fn named(path: &Path) -> Text {
        Text::File { path: path.to_owned(), named: true }
    }

    /// What the admission policies in it are about.
    pub(super) fn named_by_policies(&self) -> Named {
        let mut named = Named::default();
        let read;
        let (path, text) = match self {
            Text::Rendered(part) => (part.path.clone(), &part.text),
            // A pipe is read once.
            Text::File { path, .. } if !path.is_file() => return named,
            Text::File { path, .. } => {
                // What cannot be read is told when it is read for good.
                let Ok(text) = ironhull_manifests::read(path, &ReadLimits::default()) else {
                    return named;
                };
                read = text;
                (path.display().to_string(), &read)
            }
        };
        if text.contains("AdmissionPolicy") {
            let manifests = ironhull_manifests::parse(SourceId(0), &path, text, true);
            manifests.objects.iter().for_each(|object| named.add(admission::named(object)));
        }
        named
    }
}

/// What the targets named so far, so that nothing is judged twice.
pub(super) type Seen = HashSet<PathBuf>;

/// Finds the texts of a target that is a file or a directory.
pub(super) fn find(
    target: &str,
    mut seen: Option<&mut Seen>,
    texts: &mut Vec<Text>,
    snapshot: &mut Snapshot,
) {
    let path = Path::new(target);
    let mut is_new = |path: &Path| {
        let Some(seen) = &mut seen else { return true };
        path.canonicalize().map_or(true, |path| seen.insert(path))
    };
    if target == "-" {
        if is_new(Path::new("/dev/stdin")) {
            texts.push(Text::named(path));
        }
        return;
    }
    // Whatever is no directory is read: a file, a pipe.
    if path.exists() && !path.is_dir() {
        let found = match ironhull_manifests::root_of(path) {
            Some(found) => found,
            None => Found::File(path.to_owned()),
        };
        take(found, true, &mut is_new, texts, snapshot);
        return;
    }
    let discovered = ironhull_manifests::discover(path);
    snapshot.diagnostics.extend(discovered.diagnostics);
    for found in discovered.found {
        take(found, false, &mut is_new, texts, snapshot);
    }
}

fn take(
    found: Found,
    named: bool,
    is_new: &mut impl FnMut(&Path) -> bool,
    texts: &mut Vec<Text>,
    snapshot: &mut Snapshot,
) {
    match found {
        Found::File(path) if is_new(&path) => texts.push(Text::File { path, named }),
        Found::Chart(root) if is_new(&root) => rendered(charts::helm(&root), texts, snapshot),
        Found::Kustomization(root) if is_new(&root) => {
            rendered(charts::kustomize(&root), texts, snapshot);
        }
        _ => {}
    }
}

fn rendered(
    result: Result<Vec<charts::Part>, Gap>,
    texts: &mut Vec<Text>,
    snapshot: &mut Snapshot,
) {
    match result {
        Ok(parts) => texts.extend(parts.into_iter().map(Text::Rendered)),
        Err(gap) => {
            let message = format!("{}: {}", gap.what, gap.reason);
            snapshot
                .diagnostics
                .push(Diagnostic::error(Code::NotRendered, message).help(gap.supply.clone()));
            snapshot.gaps.push(gap);
        }
    }
}

/// Reads a text, and takes its objects out with their secrets masked.
pub(super) fn parse(text: Text, id: SourceId, minor: Minor, salt: &Salt) -> Read {
    let limits = ReadLimits::default();
    let mut rendered = None;
    let (path, text, named) = match text {
        Text::Rendered(part) => {
            rendered = Some(part.rendered);
            (part.path, part.text, true)
        }
        Text::File { path, named } => match ironhull_manifests::read(&path, &limits) {
            Ok(text) => (path.display().to_string(), text, named),
            Err(diagnostic) => {
                let source = Source::new(path.display().to_string(), String::new());
                return Read {
                    source,
                    objects: Vec::new(),
                    facts: Vec::new(),
                    own: Vec::new(),
                    diagnostics: vec![diagnostic],
                };
            }
        },
    };
    let mut manifests = ironhull_manifests::parse(id, &path, &text, named);
    let is_template = rendered.is_none() && text.contains("{{");
    if let Some(chart) =
        is_template.then(|| ironhull_manifests::chart_of(Path::new(&path))).flatten()
    {
        manifests = template_of(id, &path, &chart);
    }
    let schema = Schema::of(minor);
    let mut source = Source::new(path, text);
    source.rendered = rendered;
    let mut read = Read {
        source,
        objects: Vec::new(),
        facts: Vec::new(),
        own: Vec::new(),
        diagnostics: manifests.diagnostics,
    };
    for mut object in manifests.objects {
        if &*object.thing.group == "ironhull.dev" {
            read.own.push(documents::Own { object, source: id });
            continue;
        }
        object.value = defaults::apply(schema, &object.value);
        let found = ironhull_secrets::redact(&mut object, salt);
        read.facts.extend(found.iter().filter_map(|found| found.fact(&object)));
        read.objects.push(object);
    }
    read
}

/// What is said of a chart's template, which is no YAML before helm fills it in.
fn template_of(id: SourceId, path: &str, chart: &Path) -> ironhull_manifests::Manifests {
    let message = format!("{path} is a template of the Helm chart {}", chart.display());
    let help =
        format!("name the chart: ironhull check {}", shell_word(&chart.display().to_string()));
    let diagnostic = Diagnostic::error(Code::NotRendered, message).at(id, 0, 0).help(help);
    ironhull_manifests::Manifests { diagnostics: vec![diagnostic], ..Default::default() }
}
