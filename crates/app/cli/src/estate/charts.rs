//! Charts and kustomizations, rendered by the user's own programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ironhull_manifests::template::{self, Values};
use ironhull_model::source::Rendered;
use ironhull_model::{Cause, Gap};
use ironhull_report::text::shell_word;
use ironhull_sys::{Limits, find_program, run};

const LIMITS: Limits = Limits { time: Duration::from_secs(120), output: 64 << 20 };

/// A part of what a renderer printed.
pub(super) struct Part {
    /// The template, or the folder where it is not known.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) rendered: Rendered,
}

/// `helm template` of a chart, by template file.
pub(super) fn helm(root: &Path) -> Result<Vec<Part>, Gap> {
    let shown = root.display();
    let gap = |reason: String| Gap {
        what: format!("chart {shown}"),
        cause: Cause::Unreadable,
        reason,
        supply: format!("helm template {} | ironhull check -", word(root)),
        fact: None,
        kind: None,
    };
    let helm = find_program("helm").ok_or_else(|| gap("no helm on PATH".to_owned()))?;
    let name = release(root);
    let text = run(&helm, &["template", &name, "."], root, LIMITS)
        .map_err(|error| gap(error.to_string()))?;
    let values_path = root.join("values.yaml").display().to_string();
    let values = read(root.join("values.yaml"));
    let values = Values { path: &values_path, text: &values };
    let parts = by_template(root, &text).into_iter().map(|(template, text)| {
        let path = template.as_deref().unwrap_or(root).display().to_string();
        let template = template.map(read).unwrap_or_default();
        let lines = template::lines(&text, &template, &values);
        let rendered = Rendered { command: format!("helm template {}", word(root)), lines };
        Part { path, text, rendered }
    });
    Ok(parts.collect())
}

/// A release name that helm takes, after the chart's folder.
fn release(root: &Path) -> String {
    let name = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(53).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "release".to_owned() } else { name.to_owned() }
}

/// A file beside the chart, as far as it can be read: it only explains.
fn read(path: PathBuf) -> String {
    ironhull_manifests::read(&path, &ironhull_manifests::Limits::default()).unwrap_or_default()
}

/// Splits what helm prints at its `# Source: CHART/templates/FILE` comments, so
/// that findings name the template.
fn by_template(root: &Path, text: &str) -> Vec<(Option<PathBuf>, String)> {
    let mut rendered: Vec<(Option<PathBuf>, String)> = Vec::new();
    for document in text.split("\n---\n").map(|document| document.trim_start_matches("---\n")) {
        let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
        // Helm names the chart first, where the user has a folder.
        let file =
            source.and_then(|source| source.split_once('/')).map(|(_, file)| root.join(file));
        match rendered.last_mut().filter(|(last, _)| *last == file) {
            Some((_, all)) => {
                all.push_str("\n---\n");
                all.push_str(document);
            }
            None => rendered.push((file, document.to_owned())),
        }
    }
    rendered
}

/// A folder as a shell takes it.
fn word(root: &Path) -> String {
    shell_word(&root.display().to_string()).into_owned()
}

/// `kustomize build`, or `kubectl kustomize`, of a kustomization.
pub(super) fn kustomize(root: &Path) -> Result<Vec<Part>, Gap> {
    let shown = root.display();
    let gap = |reason: String| Gap {
        what: format!("kustomization {shown}"),
        cause: Cause::Unreadable,
        reason,
        supply: format!("kubectl kustomize {} | ironhull check -", word(root)),
        fact: None,
        kind: None,
    };
    let (program, args) = match (find_program("kustomize"), find_program("kubectl")) {
        (Some(kustomize), _) => (kustomize, ["build", "."]),
        (None, Some(kubectl)) => (kubectl, ["kustomize", "."]),
        (None, None) => return Err(gap("neither kustomize nor kubectl on PATH".to_owned())),
    };
    let text = run(&program, &args, root, LIMITS).map_err(|error| gap(error.to_string()))?;
    let rendered =
        Rendered { command: format!("kubectl kustomize {}", word(root)), lines: Vec::new() };
    Ok(vec![Part { path: shown.to_string(), text, rendered }])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn release_names_are_what_helm_takes() {
        for (folder, name) in [
            ("charts/my_Chart", "my-chart"),
            (".", "release"),
            ("--post-renderer", "post-renderer"),
        ] {
            assert_eq!(super::release(Path::new(folder)), name);
        }
    }

    #[test]
    fn helm_output_is_split_by_template() {
        let text = "---\n# Source: redis/templates/a.yaml\nkind: A\n---\n# Source: redis/templates/a.yaml\nkind: B\n---\n# Source: redis/charts/sub/templates/c.yaml\nkind: C\n";
        let rendered = super::by_template(Path::new("charts/redis"), text);
        let files: Vec<_> = rendered.iter().filter_map(|(file, _)| file.as_deref()).collect();
        let [a, c] = ["charts/redis/templates/a.yaml", "charts/redis/charts/sub/templates/c.yaml"];
        assert_eq!(files, [Path::new(a), Path::new(c)]);
        assert!(rendered[0].1.contains("kind: A") && rendered[0].1.contains("kind: B"));
    }
}
