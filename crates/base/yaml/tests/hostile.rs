//! Hostile texts end in diagnostics, in bounded time and memory. The bounds are
//! wide: tests run without optimization, on machines that do other things too.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test measures and fails by panicking"
)]

use std::time::{Duration, Instant};

use ironhull_model::{Code, SourceId};
use ironhull_testkit::live;
use ironhull_testkit::rng::Rng;
use ironhull_yaml::{Limits, Parsed, parse};

/// Parses within a bound; documents may hold at most so many bytes each byte of text.
fn bounded(what: &str, text: &str, seconds: u64) -> Parsed {
    let start = Instant::now();
    let parsed = parse(SourceId(0), text, &Limits::default());
    let time = start.elapsed();
    let resident: usize =
        parsed.documents.iter().map(|document| document.value.resident_bytes()).sum();
    let ratio = resident as f64 / text.len() as f64;
    println!("{what}: {} bytes, {time:.2?}, {ratio:.1} bytes each byte", text.len());
    assert!(time < Duration::from_secs(seconds), "{what}: {time:?}");
    // The densest text is a list of empty items: two bytes, a node of 28.
    assert!(ratio < 30.0, "{what}: {resident} bytes");
    assert!(parsed.diagnostics.len() <= 1001, "{what}: {} told", parsed.diagnostics.len());
    parsed
}

fn code(parsed: &Parsed) -> Option<Code> {
    parsed.diagnostics.first().map(|diagnostic| diagnostic.code)
}

#[test]
fn aliases_of_aliases_are_refused_before_they_expand() {
    let levels = |open: &str, item: &str, close: &str| {
        (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            let items = vec![item.replace('N', &n.to_string()); 9].join(", ");
            text + &format!("a{}: &a{} {open}{items}{close}\n", n + 1, n + 1)
        })
    };
    let lists = levels("[", "*aN", "]");
    assert_eq!(code(&bounded("a bomb of lists", &lists, 5)), Some(Code::YamlAliases));
    let maps = (0..30).fold("a0: &a0 {x: 1}\n".to_owned(), |text, n| {
        let members: Vec<String> = (0..9).map(|member| format!("m{member}: *a{n}")).collect();
        text + &format!("a{}: &a{} {{{}}}\n", n + 1, n + 1, members.join(", "))
    });
    assert_eq!(code(&bounded("a bomb of maps", &maps, 5)), Some(Code::YamlAliases));
    // Each level merges a wider mapping.
    let wide: Vec<String> = (0..2_000).map(|member| format!("m{member}: 1")).collect();
    let merges =
        format!("a: &a {{{}}}\nb: [{}]\n", wide.join(", "), vec!["{<<: *a}"; 2_000].join(", "));
    assert_eq!(code(&bounded("many wide merges", &merges, 10)), Some(Code::YamlAliases));
    let chain = (0..5_000).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        text + &format!("a{}: &a{} [*a{n}]\n", n + 1, n + 1)
    });
    assert_eq!(code(&bounded("a deep chain of aliases", &chain, 10)), Some(Code::YamlTooDeep));
    let itself = "a: &a [*a]\n";
    assert_eq!(code(&bounded("an anchor in itself", itself, 1)), Some(Code::YamlSyntax));
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [
        ("[", "]"),
        ("{a: ", "}"),
        ("- ", ""),
        ("? ", ""),
        ("[{a: ", "}]"),
        ("{\"a\":", "}"),
        ("{\"a\":[", "]}"),
    ] {
        let text = open.repeat(10_000) + "x" + &close.repeat(10_000);
        let parsed = bounded(&format!("10,000 times {open:?}"), &text, 5);
        assert!(matches!(code(&parsed), Some(Code::YamlTooDeep | Code::YamlSyntax)), "{open}");
        bounded(&format!("100,000 times {open:?}, not closed"), &open.repeat(100_000), 20);
    }
    let indented: String = (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(
        code(&bounded("10,000 levels of indentation", &indented, 20)),
        Some(Code::YamlTooDeep)
    );
}

#[test]
fn size_is_bounded_and_large_scalars_are_read() {
    let too_large = "#".repeat((100 << 20) + 1);
    assert_eq!(code(&bounded("more than the limit", &too_large, 1)), Some(Code::TooLarge));
    drop(too_large);
    let body = "x".repeat(20 << 20);
    for (what, text) in [
        ("plain", format!("a: {body}\n")),
        ("quoted", format!("a: \"{body}\"\n")),
        ("escaped", format!("a: \"\\n{body}\"\n")),
        ("single quoted", format!("a: '''{body}'\n")),
        ("literal", format!("a: |\n  {body}\n")),
        ("JSON", format!("{{\"a\": \"{body}\"}}")),
        ("comment", format!("a: 1 # {body}\n")),
        ("not closed", format!("a: \"{body}")),
    ] {
        let parsed = bounded(&format!("20 MiB of {what} text"), &text, 60);
        assert_eq!(parsed.documents.len(), usize::from(what != "not closed"), "{what}");
    }
    let key = format!("{body}: 1\n");
    bounded("a key of 20 MiB", &key, 60);
}

#[test]
fn many_small_things_are_bounded() {
    let documents = "---\na: 1\n".repeat(1_000_000);
    assert_eq!(bounded("a million documents", &documents, 120).documents.len(), 1_000_000);
    drop(documents);
    let broken = "---\na: [\n".repeat(200_000);
    let parsed = bounded("200,000 broken documents", &broken, 60);
    assert_eq!(parsed.diagnostics.len(), 1_001);
    let repeated = "a: 1\n".repeat(200_000);
    let parsed = bounded("200,000 times one key", &repeated, 60);
    assert_eq!(parsed.diagnostics[0].code, Code::DuplicateKey);
    let keys: String = (0..200_000).map(|key| format!("key{key}: 1\n")).collect();
    assert_eq!(bounded("200,000 keys", &keys, 60).documents[0].value.root().len(), 200_000);
    bounded("500,000 items", &format!("[{}]", "a,".repeat(500_000)), 60);
    bounded("500,000 empty items", &"-\n".repeat(500_000), 60);
    let anchors: String =
        (0..100_000).map(|anchor| format!("- &a{anchor} x\n- *a{anchor}\n")).collect();
    bounded("100,000 anchors", &anchors, 60);
    bounded("a megabyte of blanks", &format!("a:{}1", " ".repeat(1 << 20)), 10);
    bounded("a megabyte of line breaks", &format!("a:{}1", "\n".repeat(1 << 20)), 10);
    bounded("broken lines of a plain text", &format!("a: x{}", "\n  x".repeat(500_000)), 30);
    bounded("question marks", &"? ".repeat(500_000), 30);
    bounded("colons", &": ".repeat(500_000), 30);
    bounded("exclamation marks", &"! ".repeat(500_000), 30);
}

#[test]
fn every_cut_of_a_sample_is_read_or_refused() {
    let sample = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus/shop-deploy-payments.yaml"),
    )
    .unwrap();
    let sample = sample
        + "x: &a {\"é\": [1, 'it''s', \"\\u00e9\"]}\ny: |+2\n    text\n\nz: {<<: *a, k: !!str 1}\n";
    let mut json = live::pod(&mut Rng::new(1), 1);
    json.truncate(1_500);
    for text in [&sample, &json] {
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let parsed = parse(SourceId(0), &text[..at], &Limits::default());
            for diagnostic in &parsed.diagnostics {
                let place = diagnostic.place.unwrap();
                assert!(place.start <= place.end && place.end as usize <= at);
            }
        }
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            parse(SourceId(0), &text[at..], &Limits::default());
        }
    }
}

#[test]
fn characters_that_yaml_does_not_allow_are_refused() {
    for c in ['\0', '\u{1}', '\u{7f}', '\u{80}', '\u{fffe}', '\u{ffff}'] {
        let parsed = bounded("a control character", &format!("a: x{c}y\n---\nb: 1\n"), 1);
        assert_eq!((code(&parsed), parsed.documents.len()), (Some(Code::YamlSyntax), 1), "{c:?}");
    }
}

#[test]
fn values_with_spans_are_small() {
    let mut rng = Rng::new(67);
    let (mut n_bytes, mut resident) = (0, 0);
    for number in 0..500 {
        let text = live::pod(&mut rng, number);
        let parsed = parse(SourceId(0), &text, &Limits::default());
        n_bytes += text.len();
        resident += parsed.documents[0].value.resident_bytes();
    }
    println!("values with spans: {:.2} times their JSON", resident as f64 / n_bytes as f64);
    assert!(resident * 2 <= n_bytes * 5);
}
