//! Charts and kustomizations, rendered by the user's own programs.

use std::path::Path;
use std::time::Duration;

use ironhull_model::{Cause, Gap};
use ironhull_sys::{Limits, find_program, run};

const LIMITS: Limits = Limits { time: Duration::from_secs(120), output: 64 << 20 };

/// What a renderer printed, by the template it came from: (origin, text).
pub(super) type Rendered = Vec<(String, String)>;

/// `helm template` of a chart, by template file.
pub(super) fn helm(root: &Path) -> Result<Rendered, Gap> {
    let shown = root.display();
    let gap = |reason: String| Gap {
        what: format!("chart {shown}"),
        cause: Cause::Unreadable,
        reason,
        supply: format!("helm template {shown} | ironhull check -"),
    };
    let helm = find_program("helm").ok_or_else(|| gap("no helm on PATH".to_owned()))?;
    let name = root
        .file_name()
        .map_or_else(|| "release".to_owned(), |name| name.to_string_lossy().to_lowercase());
    let text = run(&helm, &["template", &name, "."], root, LIMITS)
        .map_err(|error| gap(error.to_string()))?;
    Ok(by_template(root, &text))
}

/// Splits what helm prints at its `# Source: CHART/templates/FILE` comments, so
/// that findings name the template.
fn by_template(root: &Path, text: &str) -> Rendered {
    let mut rendered: Rendered = Vec::new();
    for document in text.split("\n---\n").map(|document| document.trim_start_matches("---\n")) {
        let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
        // Helm names the chart first, where the user has a folder.
        let file =
            source.and_then(|source| source.split_once('/')).map(|(_, file)| root.join(file));
        let origin = format!("{} (helm template)", file.as_deref().unwrap_or(root).display());
        match rendered.last_mut().filter(|(last, _)| *last == origin) {
            Some((_, all)) => {
                all.push_str("\n---\n");
                all.push_str(document);
            }
            None => rendered.push((origin, document.to_owned())),
        }
    }
    rendered
}

/// `kustomize build`, or `kubectl kustomize`, of a kustomization.
pub(super) fn kustomize(root: &Path) -> Result<Rendered, Gap> {
    let shown = root.display();
    let gap = |reason: String| Gap {
        what: format!("kustomization {shown}"),
        cause: Cause::Unreadable,
        reason,
        supply: format!("kubectl kustomize {shown} | ironhull check -"),
    };
    let (program, args) = match (find_program("kustomize"), find_program("kubectl")) {
        (Some(kustomize), _) => (kustomize, ["build", "."]),
        (None, Some(kubectl)) => (kubectl, ["kustomize", "."]),
        (None, None) => return Err(gap("neither kustomize nor kubectl on PATH".to_owned())),
    };
    let text = run(&program, &args, root, LIMITS).map_err(|error| gap(error.to_string()))?;
    Ok(vec![(format!("{shown} (kustomize)"), text)])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn helm_output_is_split_by_template() {
        let text = "---\n# Source: redis/templates/a.yaml\nkind: A\n---\n# Source: redis/templates/a.yaml\nkind: B\n---\n# Source: redis/charts/sub/templates/c.yaml\nkind: C\n";
        let rendered = super::by_template(Path::new("charts/redis"), text);
        let origins: Vec<&str> = rendered.iter().map(|(origin, _)| origin.as_str()).collect();
        assert_eq!(
            origins,
            [
                "charts/redis/templates/a.yaml (helm template)",
                "charts/redis/charts/sub/templates/c.yaml (helm template)"
            ]
        );
        assert!(rendered[0].1.contains("kind: A") && rendered[0].1.contains("kind: B"));
    }
}
