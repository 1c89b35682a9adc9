//! The walls of the house, from `cargo metadata`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which layers a layer may see.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("base", &["model"]),
    ("sys", &[]),
    ("link", &["model", "base", "sys"]),
    ("engine", &["model", "base"]),
    ("sense", &["model", "base", "engine", "link", "sys"]),
    ("judge", &["model", "base", "engine"]),
    ("act", &["model", "base", "engine", "sense", "judge", "link", "sys"]),
    ("app", &["model", "base", "engine", "sense", "judge", "act", "link", "sys"]),
];

/// Edges inside a layer; each has its reason in ARCHITECTURE.md.
const NAMED: &[(&str, &str)] = &[
    ("engine/access", "engine/process"),
    ("judge/catalogue", "judge/controls"),
    ("judge/dialects", "judge/controls"),
    ("app/cli", "app/report"),
    ("app/cli", "app/store"),
];

/// Crates that must never be in the tree.
const BANNED: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "openssl",
    "openssl-sys",
    "cel",
    "cel-interpreter",
    "kube-cel",
    "serde_yaml",
    "serde_yml",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `layer/crate` of a package in `crates/`; `model` and `sys` are layers of one crate.
fn room(manifest: &str) -> Option<String> {
    let (_, path) = manifest.split_once("/crates/")?;
    path.strip_suffix("/Cargo.toml").map(str::to_owned)
}

fn layer(room: &str) -> &str {
    room.split('/').next().unwrap_or_default()
}

#[test]
fn edges_follow_the_rooms() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let rooms: Vec<(String, String)> = packages
        .iter()
        .filter_map(|package| {
            Some((package["name"].as_str()?.to_owned(), room(package["manifest_path"].as_str()?)?))
        })
        .collect();
    let mut n_edges = 0;
    for package in packages {
        let Some((_, from)) = rooms.iter().find(|(name, _)| package["name"] == **name) else {
            continue;
        };
        let (_, sees) = MAY_SEE
            .iter()
            .find(|(known, _)| *known == layer(from))
            .unwrap_or_else(|| panic!("{from} is in no layer of the house"));
        for dependency in package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
        {
            let Some((_, to)) = rooms.iter().find(|(name, _)| dependency["name"] == **name) else {
                continue;
            };
            // A build script may do what its crate's tests do: read files with base/yaml.
            n_edges += 1;
            let allowed =
                sees.contains(&layer(to)) || NAMED.contains(&(from.as_str(), to.as_str()));
            assert!(allowed, "{from} -> {to}: see ARCHITECTURE.md, The house");
        }
    }
    assert!(n_edges > 20, "only {n_edges} edges were seen");
}

#[test]
fn banned_crates_are_not_in_the_tree() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names: Vec<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(names.len() > 30);
    for banned in BANNED {
        assert!(!names.contains(banned), "{banned} is in the tree");
    }
}

#[test]
fn only_the_command_line_prints() {
    let printing =
        ["println!(", "eprintln!(", "print!(", "eprint!(", "io::stdout()", "io::stderr()"];
    for file in rust_files(&root().join("crates")) {
        let path = file.display().to_string();
        if path.contains("/app/cli/")
            || path.contains("/tests/")
            || path.ends_with("tests.rs")
            || path.ends_with("build.rs")
            || path.ends_with("differential.rs")
            || path.contains("/examples/")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in printing {
            assert!(!code.contains(call), "{path} prints: {call}");
        }
    }
}

#[test]
fn unsafe_stands_nowhere_but_in_sys() {
    for file in rust_files(&root().join("crates")) {
        let path = file.display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(path.contains("/crates/sys/") || !text.contains("unsafe {"), "{path}");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}
