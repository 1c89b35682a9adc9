//! Differential tests against the reference implementations in `testbed/`.
//!
//! An oracle is a Go program that reads one JSON document a line and answers one
//! line each. What it said is committed as a golden file: for each case the hash
//! of its input and of its answer, 16 bytes. Ordinary runs compare our answers
//! with those hashes; where the program has been built, a seeded twentieth of the
//! cases is asked again, so that a golden file cannot drift from the truth.
//! `IRONHULL_ORACLE=record` (`make oracles`) asks everything and rewrites the file;
//! `IRONHULL_SHOWN=N` shows more than 25 differences.
//!
//! Known differences stand in a text file beside the golden file, one a line:
//! `HASH-OF-INPUT reason`. An entry that is not needed any more fails the test,
//! so the list only shrinks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::rng::Rng;

/// One question to both implementations.
pub struct Case {
    /// What the oracle reads: one line of JSON.
    pub input: String,
    /// What our implementation answered, in the oracle's format: one line.
    pub ours: String,
}

/// Compares `cases` with the oracle `name`, whose golden file is
/// `DIR/NAME.golden` and whose program is `target/oracles/NAME`.
///
/// # Panics
/// When an answer differs and is not listed in `DIR/NAME.differences`, when an
/// entry there is stale, or when the golden file is of other cases.
pub fn check(dir: &Path, name: &str, cases: &[Case]) {
    let golden = dir.join(format!("{name}.golden"));
    let program = program(name);
    let record = std::env::var("IRONHULL_ORACLE").is_ok_and(|mode| mode == "record");
    if record {
        let program = program
            .as_ref()
            .unwrap_or_else(|| panic!("oracle {name} is not built: run make oracles"));
        let answers = ask(program, cases.iter().map(|case| case.input.as_str()));
        let bytes: Vec<u8> = cases
            .iter()
            .zip(&answers)
            .flat_map(|(case, answer)| [hash(&case.input), hash(answer)])
            .flat_map(u64::to_le_bytes)
            .collect();
        std::fs::create_dir_all(dir).expect("golden directory");
        std::fs::write(&golden, bytes).expect("write golden file");
    }
    let expected = read_golden(&golden, cases);
    let mut differences = read_differences(&dir.join(format!("{name}.differences")));
    let wrong: Vec<usize> = (0..cases.len())
        .filter(|&index| hash(&cases[index].ours) != expected[index])
        .filter(|&index| differences.remove(&hash(&cases[index].input)).is_none())
        .collect();
    if !wrong.is_empty() {
        report(name, program.as_deref(), cases, &wrong);
    }
    assert!(
        differences.is_empty(),
        "{name}: differences that no longer exist, remove them: {differences:x?}"
    );
    match program {
        Some(program) => recheck(name, &program, cases, &expected),
        None => println!(
            "{name}: {} cases equal to the golden file; not asked again: the oracle is not built",
            cases.len()
        ),
    }
}

/// Asks the oracle `name` directly; none when it is not built.
pub fn ask_directly(name: &str, inputs: &[String]) -> Option<Vec<String>> {
    program(name).map(|program| ask(&program, inputs.iter().map(String::as_str)))
}

fn recheck(name: &str, program: &Path, cases: &[Case], expected: &[u64]) {
    let seed = std::env::var("IRONHULL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut rng = Rng::new(seed);
    let sample: Vec<usize> = (0..cases.len()).filter(|_| rng.chance(5)).collect();
    let answers = ask(program, sample.iter().map(|&index| cases[index].input.as_str()));
    for (&index, answer) in sample.iter().zip(&answers) {
        assert_eq!(
            hash(answer),
            expected[index],
            "{name}: the oracle now says\n  {answer}\nfor\n  {}\nRun make oracles.",
            cases[index].input
        );
    }
    println!(
        "{name}: {} cases equal to the golden file, {} of them asked again (seed {seed})",
        cases.len(),
        sample.len()
    );
}

fn report(name: &str, program: Option<&Path>, cases: &[Case], wrong: &[usize]) -> ! {
    let n_shown = std::env::var("IRONHULL_SHOWN").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let shown = &wrong[..wrong.len().min(n_shown)];
    let answers =
        program.map(|program| ask(program, shown.iter().map(|&index| cases[index].input.as_str())));
    let mut text = format!("{name}: {} of {} cases differ\n", wrong.len(), cases.len());
    for (at, &index) in shown.iter().enumerate() {
        let case = &cases[index];
        let theirs = answers.as_ref().map_or("(oracle not built)", |answers| answers[at].as_str());
        let (input, ours) = (&case.input, &case.ours);
        let hash = hash(input);
        _ = write!(text, "{hash:016x} {input}\n  ours   {ours}\n  theirs {theirs}\n");
    }
    panic!("{text}");
}

fn read_golden(path: &Path, cases: &[Case]) -> Vec<u64> {
    let bytes = std::fs::read(path)
        .unwrap_or_else(|error| panic!("{}: {error}; run make oracles", path.display()));
    let words: Vec<u64> =
        bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
    let stale = words.len() != cases.len() * 2
        || cases.iter().zip(words.chunks(2)).any(|(case, pair)| hash(&case.input) != pair[0]);
    assert!(!stale, "{}: made from other cases; run make oracles", path.display());
    words.chunks(2).map(|pair| pair[1]).collect()
}

fn read_differences(path: &Path) -> BTreeMap<u64, String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (hash, reason) = line
                .split_once(' ')
                .unwrap_or_else(|| panic!("{}: no reason: {line}", path.display()));
            (u64::from_str_radix(hash, 16).expect("a hash in hexadecimal"), reason.to_owned())
        })
        .collect()
}

/// The program of `NAME` or `NAME-part` is `target/oracles/NAME`.
fn program(name: &str) -> Option<PathBuf> {
    let name = name.split_once('-').map_or(name, |(program, _)| program);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let path = root.join("target/oracles").join(name);
    path.exists().then_some(path)
}

fn ask<'a>(program: &Path, inputs: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let mut text = String::new();
    let mut n_inputs = 0;
    for input in inputs {
        assert!(!input.contains('\n'), "an oracle's input is one line");
        text.push_str(input);
        text.push('\n');
        n_inputs += 1;
    }
    let writer = std::thread::spawn(move || _ = stdin.write_all(text.as_bytes()));
    let answers: Vec<String> =
        BufReader::new(stdout).lines().map(|line| line.expect("UTF-8 from the oracle")).collect();
    writer.join().expect("writer thread");
    child.wait().expect("oracle ends");
    assert_eq!(answers.len(), n_inputs, "{} answered less than it was asked", program.display());
    answers
}

/// FNV-1a, 64 bits.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
