//! Charts and kustomizations, rendered by the real helm and kubectl.

use super::cli::{folder, repository, run_with};

/// Where `make tools` puts them; none when it could not.
fn tools() -> Option<String> {
    let tools = repository().join("target/tools");
    let path = std::env::var("PATH").unwrap_or_default();
    if tools.join("helm").is_file() {
        return Some(format!("{}:{path}", tools.display()));
    }
    println!("charts were not rendered: make tools installs helm and kubectl");
    None
}

#[test]
fn findings_in_rendered_objects_point_to_template_and_value() {
    let Some(path) = tools() else { return };
    let state = folder("charts");
    let run = |args: &[&str]| run_with(&repository(), &state, &[("PATH", &path)], args, "");
    let check = run(&["check", "tests/charts", "--only", "@pss-baseline", "-o", "json"]);
    assert_eq!(check.code, 1, "{}", check.stderr);
    let report: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let place = |id: &str| {
        let finding = findings.iter().find(|finding| finding["id"] == id);
        &finding.unwrap_or_else(|| panic!("no {id} in {findings:#?}"))["place"]
    };
    let template = "tests/charts/web/templates/deployment.yaml";
    let at = |line: u32, column: u32| serde_json::json!({ "path": template, "line": line, "column": column });
    assert_eq!(*place("host-namespaces/Deployment/web/hostPID=true"), at(15, 7));
    assert_eq!(*place("host-namespaces/Deployment/web/hostNetwork=true"), at(13, 7));
    assert_eq!(
        *place("privileged-container/Pod/test-web/c"),
        serde_json::json!({ "path": "tests/charts/overlay" })
    );
    let explained = run(&["explain", "privileged-container/Deployment/web"]);
    for text in [
        "value containerSecurityContext.privileged (tests/charts/web/values.yaml:5)",
        "helm template tests/charts/web | yq",
    ] {
        assert!(explained.stdout.contains(text), "{text}: {}", explained.stdout);
    }
    let fixed = run(&["fix", "host-namespaces/Deployment/web/hostNetwork=true"]);
    assert_eq!(fixed.code, 3);
    let text = "change the value hostNetwork (tests/charts/web/values.yaml:6)";
    assert!(fixed.stderr.contains(text), "{}", fixed.stderr);
    std::fs::remove_dir_all(state).unwrap();
}

/// Without a renderer a chart is a gap with the command that helps, never judged by a guess.
#[test]
fn without_a_renderer_a_chart_is_not_judged() {
    let state = folder("no-charts");
    let run = run_with(
        &repository(),
        &state,
        &[("PATH", "/nonexistent")],
        &["check", "tests/charts"],
        "",
    );
    assert_eq!(run.code, 3, "{}", run.stdout);
    for text in [
        "no helm on PATH",
        "helm template tests/charts/web | ironhull check -",
        "kubectl kustomize",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    std::fs::remove_dir_all(state).unwrap();
}
