use super::{Edit, Refused, apply, to_yaml};
use crate::{Limits, parse};
use ironhull_model::{Pointer, SourceId, Value};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn edit(op: &str, pointer: &str, json: &str) -> Edit {
    let pointer = Pointer::parse(pointer).unwrap();
    match op {
        "set" => Edit::Set { pointer, value: value(json) },
        "add" => Edit::Add { pointer, value: value(json) },
        _ => Edit::Remove { pointer },
    }
}

fn apply_one(text: &str, document: usize, [edit]: [Edit; 1]) -> Result<String, Refused> {
    let parsed = parse(SourceId(0), text, &Limits::default());
    apply(text, &parsed.documents, &[(document, edit)])
}

/// Edits of several documents are done at once; two of one place are refused.
#[test]
fn several_edits_are_done_at_once() {
    let text = "a: {x: 1}\n---\n- b: 1\n- b: 2\n";
    let parsed = parse(SourceId(0), text, &Limits::default());
    let all = |edits: &[(usize, Edit)]| apply(text, &parsed.documents, edits);
    let edits = [
        (1, edit("set", "/1/b", "5")),
        (0, edit("set", "/a/x", "3")),
        (1, edit("set", "/0/b", "4")),
    ];
    assert_eq!(all(&edits).unwrap(), "a: {x: 3}\n---\n- b: 4\n- b: 5\n");
    assert!(all(&[edits[0].clone(), edits[0].clone()]).is_err());
}

#[test]
fn only_what_changes_is_spliced() {
    let pod = "# top\nspec:\n  containers:\n  - name: web   # main\n    image: a\n    securityContext:\n      privileged: true  # why?\n  - name: side\n    image: b\n    securityContext:\nend: 1\n";
    for (text, op, pointer, json, expected) in [
        (pod, "set", "/spec/containers/0/securityContext/privileged", "false", pod.replace("privileged: true", "privileged: false")),
        (pod, "set", "/spec/containers/0/securityContext/runAsNonRoot", "true", pod.replace("# why?\n", "# why?\n      runAsNonRoot: true\n")),
        (pod, "set", "/spec/containers/1/securityContext/privileged", "false", pod.replace("securityContext:\nend", "securityContext: {privileged: false}\nend")),
        (pod, "set", "/spec/securityContext/seccompProfile", r#"{"type":"RuntimeDefault"}"#, pod.replace("    securityContext:\nend", "    securityContext:\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\nend")),
        (pod, "remove", "/spec/containers/0/securityContext/privileged", "", pod.replace("securityContext:\n      privileged: true  # why?", "securityContext: {}  # why?")),
        (pod, "remove", "/spec/containers/0/image", "", pod.replace("    image: a\n", "")),
        (pod, "remove", "/spec/containers/0/name", "", pod.replace("- name: web   # main\n    image: a", "- image: a")),
        (pod, "remove", "/spec/containers/1", "", pod.replace("  - name: side\n    image: b\n    securityContext:\n", "")),
        (pod, "add", "/spec/containers/-", r#"{"name":"c","args":["x"]}"#, pod.replace("securityContext:\nend", "securityContext:\n  - name: c\n    args:\n    - x\nend")),
        ("a: {b: 1, c: [x, y]}\n", "set", "/a/d", "\"yes\"", "a: {b: 1, c: [x, y], d: \"yes\"}\n".into()),
        ("a: {b: 1, c: [x, y]}\n", "remove", "/a/b", "", "a: {c: [x, y]}\n".into()),
        ("a: {b: 1, c: [x, y]}\n", "remove", "/a/c/1", "", "a: {b: 1, c: [x]}\n".into()),
        ("a: {b: 1, c: [x, y]}\n", "add", "/a/c/-", "\"0755\"", "a: {b: 1, c: [x, y, \"0755\"]}\n".into()),
        ("a: {}\nb: []\n", "set", "/a/x", "1", "a: {x: 1}\nb: []\n".into()),
        ("a: {}\nb: []\n", "add", "/b/-", "1", "a: {}\nb: [1]\n".into()),
        ("a: 1\r\nb:\r\n  c: 2\r\n", "set", "/b/d", "3", "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n".into()),
        ("a: 1\nb: 2", "remove", "/b", "", "a: 1".into()),
        ("a: 1\nb: 2", "set", "/c", "3", "a: 1\nb: 2\nc: 3".into()),
        ("drop:\n- NET_RAW\n- X\nz: 1\n", "set", "/drop", "[\"ALL\"]", "drop: [ALL]\nz: 1\n".into()),
        ("a: |\n  text\n  more\nb: 1\n", "set", "/c", "2", "a: |\n  text\n  more\nb: 1\nc: 2\n".into()),
        ("x:\n  a: |\n    text\n", "set", "/x/c", "2", "x:\n  a: |\n    text\n  c: 2\n".into()),
        ("{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "set", "/a/c", "\"x\"", "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": \"x\"\n  }\n}\n".into()),
        ("{\"a\":{\"b\":1,\"c\":2}}", "remove", "/a/b", "", "{\"a\":{\"c\":2}}".into()),
        ("{\"a\":{\"b\":true}}", "set", "/a/b", "false", "{\"a\":{\"b\":false}}".into()),
    ] {
        let after = apply_one(text, 0, [edit(op, pointer, json)]).unwrap_or_else(|refused| panic!("{op} {pointer}: {}", refused.reason));
        assert_eq!(after, expected, "{op} {pointer} {json}");
    }
}

#[test]
fn other_documents_stay_and_aliases_are_refused() {
    let text = "a: 1\n---\nb: &x {c: 1}\nd: *x\n---\ne: 3\n";
    let after = apply_one(text, 1, [edit("set", "/b/c", "2")]).unwrap();
    assert_eq!(after, "a: 1\n---\nb: &x {c: 2}\nd: *x\n---\ne: 3\n");
    assert!(apply_one(text, 1, [edit("set", "/d/c", "2")]).is_err());
    assert!(apply_one(text, 1, [edit("remove", "/d/c", "")]).is_err());
    assert!(apply_one(text, 0, [edit("remove", "/zzz", "")]).is_err());
}

#[test]
fn rendered_yaml_reads_back() {
    for json in [
        r#"{"a":"yes","b":"0755","c":"x: y","d":["- z","",{"k":{"l":[]}}],"n":null,"t":"2024-01-01","m":"a\nb","e":{},"q":"'","h":"a #x","s":" x ","u":"é"}"#,
        r#"[["a",["b"]],{"c":[{"d":1.5}]}]"#,
    ] {
        let value = value(json);
        let text = to_yaml(value.root());
        let parsed = parse(SourceId(0), &text, &Limits::default());
        assert_eq!(parsed.documents[0].value.root().to_json(), json, "{text}");
    }
}
