//! Charts and kustomizations, rendered by the user's own programs.

use std::path::Path;
use std::time::Duration;

use ironhull_model::{Cause, Gap};
use ironhull_sys::{Limits, find_program, run};

const LIMITS: Limits = Limits { time: Duration::from_secs(120), output: 64 << 20 };

/// `helm template` of a chart: what is rendered and its text.
pub(super) fn helm(root: &Path) -> Result<(String, String), Gap> {
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
    Ok((format!("{shown} (helm template)"), text))
}

/// `kustomize build`, or `kubectl kustomize`, of a kustomization.
pub(super) fn kustomize(root: &Path) -> Result<(String, String), Gap> {
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
    Ok((format!("{shown} (kustomize)"), text))
}
