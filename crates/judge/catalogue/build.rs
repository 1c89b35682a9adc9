//! Compiles `controls/` once, so that a run only decodes. A mistake in a control
//! file fails the build with its place.

use std::path::{Path, PathBuf};

use ironhull_controls::control::Surface;
use ironhull_controls::packs::{self, Pack};
use ironhull_controls::{Compiler, Control};
use ironhull_model::{Diagnostic, Node, Source, SourceId};

#[path = "src/standard.rs"]
#[allow(unreachable_pub, reason = "shared with the library")]
mod standard;

use standard::{StandardFile, StandardItem};

fn main() -> Result<(), String> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let folder = manifest.join("../../../controls");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let compiler = Compiler::default();
    let mut controls: Vec<Control> = Vec::new();
    let mut standards = Vec::new();
    let mut packs: Vec<Pack> = Vec::new();
    for path in files(&folder)? {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        if shown.starts_with("standards/") {
            standards.push(standard_file(&shown, &text)?);
        } else if shown.starts_with("packs/") {
            packs.push(pack_file(&shown, text)?);
        } else {
            let found = control_file(&compiler, &shown, text)?;
            for control in &found {
                stands_right(control, &shown)?;
            }
            controls.extend(found);
        }
    }
    controls.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = controls.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(format!("two controls are called {}", pair[0].id));
    }
    let accepted = packs.iter().flat_map(|pack| &pack.accepts).flat_map(|accept| &accept.controls);
    for id in accepted {
        if !controls.iter().any(|control| control.id == *id) {
            return Err(format!("a pack accepts {id}, which is no control"));
        }
    }
    write(&out.join("packs.bin"), postcard::to_allocvec(&packs))?;
    write(&out.join("controls.bin"), postcard::to_allocvec(&controls))?;
    write(&out.join("standards.bin"), postcard::to_allocvec(&standards))
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn write(path: &Path, bytes: Result<Vec<u8>, postcard::Error>) -> Result<(), String> {
    let bytes = bytes.map_err(|error| error.to_string())?;
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// All YAML files below a folder, sorted. Cargo is told of each, and of each
/// folder, so that a new file is noticed.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn control_file(compiler: &Compiler, shown: &str, text: String) -> Result<Vec<Control>, String> {
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let mut diagnostics = parsed.diagnostics;
    let controls = parsed
        .documents
        .iter()
        .filter_map(|document| {
            compiler.control(document.value.root(), SourceId(0), &mut diagnostics)
        })
        .collect();
    if diagnostics.is_empty() {
        return Ok(controls);
    }
    let source = Source::new(shown, text);
    Err(diagnostics
        .iter()
        .map(|diagnostic| told(diagnostic, &source))
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Whether a control is in the file that its surface and id say, where it is looked for.
fn stands_right(control: &Control, shown: &str) -> Result<(), String> {
    let surface = Surface::ALL.iter().find(|(_, surface)| *surface == control.surface);
    let right = format!("{}/{}.yaml", surface.map_or("", |(name, _)| name), control.id);
    if *shown == *right {
        return Ok(());
    }
    Err(format!("controls/{shown}: its surface and id say controls/{right}; move it there"))
}

fn pack_file(shown: &str, text: String) -> Result<Pack, String> {
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let mut diagnostics = parsed.diagnostics;
    let document = parsed.documents.first().ok_or_else(|| format!("controls/{shown}: empty"))?;
    let pack = packs::read(document.value.root(), SourceId(0), &mut diagnostics);
    let source = Source::new(shown, text);
    let told: Vec<String> =
        diagnostics.iter().map(|diagnostic| told(diagnostic, &source)).collect();
    pack.filter(|_| told.is_empty()).ok_or_else(|| told.join("\n"))
}

fn told(diagnostic: &Diagnostic, source: &Source) -> String {
    let at = diagnostic.place.map(|place| source.position(place.start));
    let place = at.map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
    format!("controls/{}{place}: {} [{}]", source.path, diagnostic.message, diagnostic.code)
}

fn standard_file(shown: &str, text: &str) -> Result<StandardFile, String> {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    let document = parsed.documents.first().ok_or_else(|| format!("controls/{shown}: empty"))?;
    let root = document.value.root();
    let field = |node: Node<'_>, name: &str| node.get(name).map(Node::display);
    let required = |node: Node<'_>, name: &str| {
        field(node, name).ok_or_else(|| format!("controls/{shown}: {name} is missing"))
    };
    let items = root.get("items").into_iter().flat_map(Node::items);
    Ok(StandardFile {
        name: required(root, "name")?,
        version: required(root, "version")?,
        title: required(root, "title")?,
        items: items
            .map(|item| {
                Ok(StandardItem {
                    id: required(item, "id")?,
                    title: required(item, "title")?,
                    needs: field(item, "needs"),
                    parts: item
                        .get("parts")
                        .into_iter()
                        .flat_map(Node::items)
                        .map(Node::display)
                        .collect(),
                })
            })
            .collect::<Result<_, String>>()?,
    })
}
