use super::{Limits, parse};
use ironhull_model::{Code, SourceId};

fn json(text: &str) -> String {
    let parsed = parse(SourceId(0), text, &Limits::default());
    let mut all: Vec<String> =
        parsed.documents.iter().map(|document| document.value.root().to_json()).collect();
    all.extend(
        parsed
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message)),
    );
    all.join("\n")
}

#[test]
fn ordinary_manifests() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels: {app: web, tier: \"front\"}\nspec:\n  containers:\n  - name: web\n    image: nginx:1.25 # pinned\n    args: [\"-c\", 'it''s']\n    env:\n      - name: A\n        value: |\n          line 1\n          line 2\n      - {name: B, value: >-\n          x}\n  nodeSelector: {}\n  x:\n";
    let text = text.replace("      - {name: B, value: >-\n          x}\n", "");
    assert_eq!(
        json(&text),
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web","tier":"front"}},"spec":{"containers":[{"name":"web","image":"nginx:1.25","args":["-c","it's"],"env":[{"name":"A","value":"line 1\nline 2\n"}]}],"nodeSelector":{},"x":null}}"#
    );
}

#[test]
fn spans_are_bytes_of_the_text() {
    let text = "a: é\nb:\n  - \"x\"\n  - c: 12\n";
    let parsed = parse(SourceId(0), text, &Limits::default());
    let root = parsed.documents[0].value.root();
    let slice = |path: &[&str]| {
        let span = root.path(path).unwrap().span().unwrap();
        &text[span.start as usize..span.end as usize]
    };
    assert_eq!(slice(&["a"]), "é");
    let item = root.get("b").unwrap().item(1).unwrap().get("c").unwrap().span().unwrap();
    assert_eq!(
        (
            &text[item.start as usize..item.end as usize],
            &text[item.key as usize..=item.key as usize]
        ),
        ("12", "c")
    );
}

#[test]
fn traps() {
    for (text, expected) in [
        ("a: 0755\nn: 1\nyes: no", r#"{"a":493,"false":1,"true":false}"#),
        (
            "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}",
            r#"{"a":{"b":1},"c":{"b":1},"d":{"b":1,"e":2}}"#,
        ),
        ("a: &x\n  b: 1\nc:\n  <<: *x\n  b: 2\n", r#"{"a":{"b":1},"c":{"b":2}}"#),
        ("- a\n-\n- - b\n  - c\n- d: 1\n  e: 2\n", r#"["a",null,["b","c"],{"d":1,"e":2}]"#),
        ("a:\n- b\n- c\nd: e", r#"{"a":["b","c"],"d":"e"}"#),
        ("a: b c\n  d\n\n  e", r#"{"a":"b c d\ne"}"#),
        ("a: >\n  b\n  c\n\n  d\n", r#"{"a":"b c\nd\n"}"#),
        ("a: |-\n  b\n\n  c\n\n\nd: 1", r#"{"a":"b\n\nc","d":1}"#),
        ("a: |+\n  b\n\nd: 1", r#"{"a":"b\n\n","d":1}"#),
        ("a: \"x\\n\\u00e9 \\\n  y\"", r#"{"a":"x\né y"}"#),
        (
            "{\"a\": [1, 2.5, true, null], \"b\": \"\\ud83d\\ude00\"}",
            "{\"a\":[1,2.5,true,null],\"b\":\"😀\"}",
        ),
        ("a: http://x:80/y#z", r#"{"a":"http://x:80/y#z"}"#),
        ("cidr: 10.10.0.0/0#example", r#"{"cidr":"10.10.0.0/0#example"}"#),
        ("a: 'x'  # c\nb: z # d", r#"{"a":"x","b":"z"}"#),
        ("\u{feff}a: 1\r\nb: 2\r\n", r#"{"a":1,"b":2}"#),
        ("# only a comment\n", ""),
        ("a: 1\n---\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}"),
        (
            "a: 1\n...\nb: 2\n---\nc: 3",
            "{\"a\":1}\n{\"c\":3}\nIH0104 Kubernetes ignores what follows in this document",
        ),
        (
            "a: 1\n--- {b: 2}\nc: 3",
            "{\"a\":1}\n{\"c\":3}\nIH0104 something stands behind a document separator",
        ),
        (
            "%YAML 1.1\n---\na: 1",
            "{\"a\":1}\nIH0104 a directive needs a document of its own: nothing may stand between them, and Kubernetes takes --- as the end of what stands before it",
        ),
        ("a: [b, c: d, {e}]", r#"{"a":["b",{"c":"d"},{"e":null}]}"#),
        ("\"q\": 1\n'r s': 2", r#"{"q":1,"r s":2}"#),
        ("a: &x !!binary aGk=\nb: *x", r#"{"a":"hi","b":"hi"}"#),
        ("a: !!str 12\nb: !!binary aGk=", r#"{"a":"12","b":"hi"}"#),
        ("a:\n    b: 1\n    c: 2\nd: 3", r#"{"a":{"b":1,"c":2},"d":3}"#),
    ] {
        assert_eq!(json(text), expected, "{text:?}");
    }
}

#[test]
fn mistakes_are_told_and_the_rest_is_read() {
    let text = "a: [1\n---\nb: 2\n---\nc: \"x\n";
    let parsed = parse(SourceId(0), text, &Limits::default());
    assert_eq!(parsed.documents.len(), 1);
    assert_eq!(parsed.diagnostics.len(), 2);
    for bad in [
        "a: b: c",
        "a:\n\tb: 1",
        "a: 1\n b: 2",
        "- a\nb: 1",
        "a: *nope",
        "a: .inf",
        "{a: 1",
        "a: 'x' y",
        "a\nb: 1",
        "a: @x",
        "key: - a",
        "a: %b",
    ] {
        assert!(json(bad).contains("IH0104"), "{bad:?}: {}", json(bad));
    }
    assert!(json("a: 1\na: 2").contains("IH0107"));
}

#[test]
fn hostile_texts_end_in_diagnostics() {
    let bomb = (0..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        text + &format!("a{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)
    });
    let code = |text: &str| parse(SourceId(0), text, &Limits::default()).diagnostics[0].code;
    assert_eq!(code(&bomb), Code::YamlAliases);
    assert_eq!(code(&"[".repeat(100_000)), Code::YamlTooDeep);
    assert_eq!(code(&"- ".repeat(10_000)), Code::YamlTooDeep);
    assert_eq!(code(&"{a: ".repeat(10_000)), Code::YamlTooDeep);
}

/// What an alias stands for was written before its key; the place is still one.
#[test]
fn a_duplicate_key_of_an_alias_has_a_place() {
    let parsed = parse(SourceId(0), "x: &a 1\nb: *a\nb: 2\n", &Limits::default());
    let place = parsed.diagnostics[0].place.unwrap();
    assert!(place.start <= place.end, "{place:?}");
    assert_eq!(parsed.diagnostics[0].code, Code::DuplicateKey);
}
