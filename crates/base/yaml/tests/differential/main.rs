//! Equal to the API machinery: how a stream is taken apart and what its values
//! are. Compared is, for each document in order, that it is refused or its value
//! (sorted keys; integers exact, other numbers by the bits of their float). Left
//! out: what a refusal says, documents before a refused separator, integers above
//! i64 (we keep them, the API machinery makes floats of them), and texts with two
//! keys that only JSON makes equal (`1` and `"1"`; it picks one of them by chance).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grammar;
mod json;
mod mutate;
mod pools;
mod written;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ironhull_model::{Code, Kind, Level, Node, SourceId};
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;
use ironhull_yaml::{Limits, parse};

const N_GENERATED: usize = 8_000;
const N_MUTATED: usize = 6_000;

#[test]
fn values_and_refusals_are_those_of_the_api_machinery() {
    let mut rng = Rng::new(41);
    let mut mix = BTreeMap::new();
    let mut texts: Vec<String> = written::TEXTS.iter().map(|text| (*text).to_owned()).collect();
    let n_written = texts.len();
    for _ in 0..N_GENERATED {
        texts.push(grammar::document(&mut rng, &mut mix));
    }
    let manifests = manifests();
    for _ in 0..N_MUTATED {
        texts.push(mutate::mutated(&mut rng, &manifests, &mut mix));
    }
    let (mut n_errors, mut n_documents, mut n_ambiguous) = (0, 0, 0);
    let mut cases = Vec::new();
    for text in &texts {
        let Some(ours) = answer(text) else {
            n_ambiguous += 1;
            continue;
        };
        let n_refused = ours.split(' ').filter(|part| *part == "error").count();
        n_documents += ours.split(' ').filter(|part| !part.is_empty()).count();
        n_errors += usize::from(n_refused > 0);
        let input = format!("{{\"stream\":{}}}", serde_json::to_string(text).unwrap());
        cases.push(Case { input, ours });
    }
    println!(
        "{} texts ({n_written} written, {N_GENERATED} generated, {N_MUTATED} mutated, \
         {n_ambiguous} left out), {n_documents} documents, {n_errors} texts with a refusal\n{mix:?}",
        cases.len()
    );
    assert!(cases.len() >= 10_000);
    assert!((20..=60).contains(&(n_errors * 100 / cases.len())), "share of refusals: {n_errors}");
    for (feature, hits) in &mix {
        assert!(*hits >= 30, "{feature} was hardly reached: {hits}");
    }
    oracle::check(&golden(), "yaml-stream", &cases);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Believable manifests: the estate in `examples/`.
fn manifests() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Our answer in the oracle's format; none for a text with keys that only JSON
/// makes equal.
fn answer(text: &str) -> Option<String> {
    let parsed = parse(SourceId(0), text, &Limits::default());
    let mut answers = Vec::new();
    let mut refused_separators = Vec::new();
    for diagnostic in &parsed.diagnostics {
        let place = diagnostic.place.unwrap();
        if diagnostic.level == Level::Error {
            answers.push((place.start as usize, "error".to_owned()));
            if diagnostic.message.contains("document separator") {
                refused_separators.push(place.start as usize);
            }
        } else if diagnostic.code == Code::DuplicateKey {
            let written = text.get(place.start as usize..).unwrap_or_default();
            let plain = !written.starts_with(['"', '\'', '?', '&', '!', '*']);
            let first = written.chars().next().unwrap_or(' ');
            if !plain || first.is_ascii_digit() || "yYnNtTfFoO.+-".contains(first) {
                return None;
            }
        }
    }
    // A refused separator takes what stands before it along, refused or not.
    for document in &parsed.documents {
        if !refused_separators.contains(&document.end) {
            answers.push((document.start, canonical(document.value.root())));
        }
    }
    answers.sort_by_key(|(at, _)| *at);
    for &separator in &refused_separators {
        let before = answers.iter().rposition(|(at, _)| *at < separator);
        let is_refusal = |at: usize| {
            answers[at].1 == "error"
                && !refused_separators.contains(&answers[at].0)
                && !text.as_bytes()[answers[at].0.saturating_sub(1)..separator]
                    .windows(4)
                    .any(|bytes| bytes == b"\n---")
        };
        if let Some(taken) = before.filter(|taken| is_refusal(*taken)) {
            answers.remove(taken);
        }
    }
    Some(answers.into_iter().map(|(_, answer)| answer).collect::<Vec<_>>().join(" "))
}

fn canonical(node: Node<'_>) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: Node<'_>, text: &mut String) {
    match node.kind() {
        Kind::Float | Kind::UInt => {
            _ = write!(text, "f{:016x}", node.as_f64().unwrap().to_bits());
        }
        Kind::String => quote(node.as_str().unwrap(), text),
        Kind::List => {
            text.push('[');
            for (index, item) in node.items().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Kind::Map => {
            let members: BTreeMap<&str, Node<'_>> = node.entries().collect();
            text.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                quote(key, text);
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
        _ => text.push_str(&node.to_json()),
    }
}

fn quote(value: &str, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => _ = write!(text, "\\{{{:x}}}", c as u32),
            ' ' => text.push_str("\\{20}"),
            '!'..='~' => text.push(c),
            _ => _ = write!(text, "\\{{{:x}}}", c as u32),
        }
    }
    text.push('"');
}

#[test]
fn every_node_stands_where_its_span_says() {
    let mut rng = Rng::new(43);
    let mut mix = BTreeMap::new();
    let manifests = manifests();
    let mut n_scalars = 0;
    for index in 0..6_000 {
        let text = match index % 3 {
            0 => mutate::mutated(&mut rng, &manifests, &mut mix),
            _ => grammar::document(&mut rng, &mut mix),
        };
        // A tag changes what its text means; JSON has escapes of its own.
        if text.contains('!') || text.trim_start().starts_with('{') {
            continue;
        }
        let parsed = parse(SourceId(0), &text, &Limits::default());
        for document in &parsed.documents {
            check_spans(&text, document.value.root(), &mut n_scalars);
        }
    }
    println!("{n_scalars} scalars re-read at their spans");
    assert!(n_scalars > 20_000);
}

fn check_spans(text: &str, node: Node<'_>, n_scalars: &mut usize) {
    if node.is_aliased() {
        return;
    }
    let span = node.span().unwrap();
    let written = &text[span.start as usize..span.end as usize];
    let at_key = &text[span.key as usize..];
    if let Some(key) = node.key()
        && !at_key.starts_with(['"', '\'', '?', '&', '*'])
        && key.starts_with('k')
    {
        assert!(at_key.starts_with(key), "{key} is not at its span in {text:?}");
    }
    if matches!(node.kind(), Kind::List | Kind::Map) {
        for child in node.items().filter(|child| !child.is_aliased()) {
            let inner = child.span().unwrap();
            assert!(inner.start >= span.start && inner.end <= span.end, "{child:?} in {text:?}");
            check_spans(text, child, n_scalars);
        }
        return;
    }
    // An indentation indicator counts from the parent, which is missing here.
    if written.starts_with(['|', '>']) && written.lines().next().unwrap().contains(char::is_numeric)
    {
        return;
    }
    *n_scalars += 1;
    // Behind a space `---` is text; in brackets a lone dash is.
    let again = |text: String| parse(SourceId(0), &text, &Limits::default());
    let (alone, in_brackets) = (again(format!(" {written}")), again(format!("[{written}]")));
    let is_equal = match alone.documents.first() {
        Some(document) => document.value.root() == node,
        None => node.is_null() && alone.diagnostics.is_empty(),
    };
    let is_item = || {
        let item = in_brackets.documents.first().and_then(|document| document.value.root().item(0));
        item.is_some_and(|item| item == node)
    };
    assert!(is_equal || is_item(), "{written:?} is not {node:?} in {text:?}");
}
