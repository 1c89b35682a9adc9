//! `cargo xtask metrics`: how long files and functions are, how often code gives
//! up, how much is tested.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::root;

pub(crate) fn run() -> Result<()> {
    let root = root()?;
    let mut files = Vec::new();
    collect(&root.join("crates"), &mut files)?;
    let (mut lengths, mut functions) = (Vec::new(), Vec::new());
    let (mut n_lines, mut n_unwraps, mut n_tests) = (0, 0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let is_test =
            file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs");
        n_tests += text.matches("#[test]").count();
        if is_test {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().count();
        n_lines += lines;
        n_unwraps += code.matches(".unwrap()").count() + code.matches(".expect(").count();
        lengths.push((lines, file.strip_prefix(&root)?.display().to_string()));
        functions.extend(function_lengths(code));
    }
    lengths.sort();
    functions.sort_unstable();
    let at = |percent: usize| lengths.len().saturating_sub(1) * percent / 100;
    println!(
        "files      {} of {n_lines} lines; p50 {} p90 {} p99 {} longest {} ({})",
        lengths.len(),
        lengths[at(50)].0,
        lengths[at(90)].0,
        lengths[at(99)].0,
        lengths[at(100)].0,
        lengths[at(100)].1
    );
    let of = |percent: usize| {
        functions
            .get(functions.len().saturating_sub(1) * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "functions  {}; p50 {} p90 {} p99 {} longest {}",
        functions.len(),
        of(50),
        of(90),
        of(99),
        of(100)
    );
    println!("unwraps    {:.2} per 1,000 lines", n_unwraps as f64 * 1000.0 / n_lines as f64);
    println!(
        "tests      {n_tests}, {:.1} per 1,000 lines",
        n_tests as f64 * 1000.0 / n_lines as f64
    );
    let release = root.join("target/dist/ironhull");
    if let Ok(data) = release.metadata() {
        println!("binary     {:.1} MB", data.len() as f64 / 1e6);
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// From a line that starts a function to the brace at its indentation.
fn function_lengths(code: &str) -> Vec<usize> {
    let lines: Vec<&str> = code.lines().collect();
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_function =
            ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "const fn ", "pub const fn "]
                .iter()
                .any(|word| trimmed.starts_with(word));
        if !is_function || trimmed.ends_with(';') {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - trimmed.len()]);
        if let Some(end) = lines[start..].iter().position(|line| *line == close) {
            lengths.push(end + 1);
        }
    }
    lengths
}
