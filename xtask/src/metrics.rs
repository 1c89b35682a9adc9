//! `cargo xtask metrics`: how long files and functions are, how often code gives
//! up, how much is tested, how large the binary is and how long it takes to build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::root;

pub(crate) fn run() -> Result<()> {
    let root = root()?;
    let mut files = Vec::new();
    collect(&root.join("crates"), &mut files)?;
    collect(&root.join("tests"), &mut files)?;
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
    println!(
        "cold build {:.0} s, dev profile, without downloads",
        cold_build(&root)?.as_secs_f64()
    );
    Ok(())
}

/// How long the product takes to build where nothing was built before.
fn cold_build(root: &Path) -> Result<Duration> {
    let cargo = |args: &[&str]| Command::new("cargo").args(args).current_dir(root).status();
    ensure!(cargo(&["fetch", "--quiet", "--locked"])?.success(), "cargo fetch failed");
    let target = root.join("target/cold");
    let shown = target.display().to_string();
    let started = Instant::now();
    let args = ["build", "--quiet", "--locked", "-p", "ironhull", "--target-dir", &shown];
    let built = cargo(&args)?;
    let elapsed = started.elapsed();
    std::fs::remove_dir_all(target)?;
    ensure!(built.success(), "the product does not build");
    Ok(elapsed)
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
