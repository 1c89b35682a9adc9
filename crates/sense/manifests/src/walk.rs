//! Finding files: the one walk through directories.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ironhull_model::{Code, Diagnostic};

use crate::kustomize;

/// What a directory holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Found {
    /// A YAML or JSON file.
    File(PathBuf),
    /// The directory of a Helm chart. Its files belong to it.
    Chart(PathBuf),
    /// The directory of a kustomization. Its files belong to it.
    Kustomization(PathBuf),
}

/// What walking a directory gave.
#[derive(Debug, Default)]
pub struct Discovered {
    /// In order of their paths.
    pub found: Vec<Found>,
    /// What could not be walked.
    pub diagnostics: Vec<Diagnostic>,
}

/// Walks a directory as git does: `.gitignore` and `.ironhullignore` hold, hidden
/// files are left out, symbolic links are not followed.
pub fn discover(target: &Path) -> Discovered {
    let mut discovered = Discovered::default();
    if let Some(message) = absent(target) {
        discovered
            .diagnostics
            .push(Diagnostic::error(Code::FileUnreadable, message).help("check the path"));
        return discovered;
    }
    let mut files = Vec::new();
    let mut roots: BTreeSet<(PathBuf, bool)> = BTreeSet::new();
    for path in walk(target, false, &mut discovered.diagnostics) {
        let folder = path.parent().unwrap_or(target).to_owned();
        match root_of(&path) {
            Some(Found::Chart(_)) => _ = roots.insert((folder, true)),
            Some(_) => _ = roots.insert((folder, false)),
            None if is_manifest(&path) => files.push(path),
            None => {}
        }
    }
    // An outermost chart or kustomization owns everything below it.
    let owned = |path: &Path, strictly: bool| {
        roots.iter().any(|(root, _)| path.starts_with(root) && !(strictly && path == root))
    };
    discovered.found =
        files.into_iter().filter(|path| !owned(path, false)).map(Found::File).collect();
    let taken_in = kustomize::taken_in(
        roots
            .iter()
            .filter(|(root, is_chart)| !is_chart && !owned(root, true))
            .map(|(root, _)| root.as_path()),
    );
    for (root, is_chart) in &roots {
        if !owned(root, true) && !taken_in.contains(root) {
            discovered.found.push(if *is_chart {
                Found::Chart(root.clone())
            } else {
                Found::Kustomization(root.clone())
            });
        }
    }
    discovered
}

/// Why nothing can be read at a path: a folder on the way that may not be entered, or
/// links in a circle, are not a path that is not there.
pub fn absent(path: &Path) -> Option<String> {
    let error = path.metadata().err()?;
    let shown = path.display();
    Some(match error.kind() {
        _ if path == Path::new("") => "an empty path names no file".to_owned(),
        std::io::ErrorKind::NotFound => format!("{shown} does not exist"),
        _ => format!("failed to read {shown}: {error}"),
    })
}

/// The YAML and JSON files below a directory, whosoever they are, by the walk of
/// [`discover`]; also what links lead to, as in a volume of a ConfigMap.
///
/// # Errors
/// What could not be walked first.
pub fn files(target: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut told = Vec::new();
    let mut files = walk(target, true, &mut told);
    files.retain(|path| is_manifest(path));
    told.into_iter().next().map_or(Ok(files), Err)
}

/// The files below a directory in order, links to files where they are wanted. One that
/// leads nowhere is told by whoever reads it.
fn walk(target: &Path, with_links: bool, told: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(target)
        .follow_links(false)
        .require_git(false)
        .add_custom_ignore_filename(".ironhullignore")
        .sort_by_file_path(Ord::cmp)
        .build();
    let mut files = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let is_link = with_links && entry.path_is_symlink() && !entry.path().is_dir();
                if is_link || entry.file_type().is_some_and(|kind| kind.is_file()) {
                    files.push(entry.into_path());
                }
            }
            Err(error) => told.push(Diagnostic::error(Code::FileUnreadable, error.to_string())),
        }
    }
    files
}

/// Whether a file may hold manifests, by its name; one that is no UTF-8 is a name all the
/// same.
fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// The chart that a file is a template of, by the folders it stands in.
pub fn chart_of(path: &Path) -> Option<PathBuf> {
    let of = |path: &Path| {
        let mut templates = path.ancestors().filter(|folder| folder.ends_with("templates"));
        let chart = templates.find_map(|templates| {
            templates.parent().filter(|chart| chart.join("Chart.yaml").is_file())
        })?;
        Some(if chart == Path::new("") { PathBuf::from(".") } else { chart.to_owned() })
    };
    of(path).or_else(|| of(&path.canonicalize().ok()?))
}

/// The chart or kustomization whose root a file is, by its name.
pub fn root_of(path: &Path) -> Option<Found> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    match path.file_name()?.to_str()? {
        "Chart.yaml" => Some(Found::Chart(folder)),
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => {
            Some(Found::Kustomization(folder))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, discover, files};

    #[test]
    fn walking_is_sorted_and_respects_ignore_files() {
        let root = std::env::temp_dir().join(format!("ironhull-walk-{}", std::process::id()));
        for folder in ["b", "chart/templates", "skip"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (file, text) in [
            ("b/x.yaml", ""),
            ("a.yml", ""),
            ("c.json", ""),
            ("d.txt", ""),
            ("chart/Chart.yaml", ""),
            ("chart/templates/t.yaml", ""),
            ("skip/s.yaml", ""),
            (".ironhullignore", "skip/\n"),
        ] {
            std::fs::write(root.join(file), text).unwrap();
        }
        let found = discover(&root).found;
        let expected = [
            Found::File(root.join("a.yml")),
            Found::File(root.join("b/x.yaml")),
            Found::File(root.join("c.json")),
            Found::Chart(root.join("chart")),
        ];
        assert_eq!(found, expected);
        // Charts are no manifests, but whoever asks for files gets theirs.
        std::os::unix::fs::symlink("c.json", root.join("link.json")).unwrap();
        std::os::unix::fs::symlink(".", root.join("b/up.yaml")).unwrap();
        let all = [
            "a.yml",
            "b/x.yaml",
            "c.json",
            "chart/Chart.yaml",
            "chart/templates/t.yaml",
            "link.json",
        ];
        assert_eq!(files(&root).unwrap(), all.map(|file| root.join(file)));
        std::fs::remove_dir_all(root).unwrap();
    }
}
