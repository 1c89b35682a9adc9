//! What a control file is refused for.

use ironhull_model::SourceId;

use super::{Compiler, Control};

/// A control with some lines of its own, compiled: or what is wrong with it.
fn compiled(lines: &str) -> Result<Control, Vec<String>> {
    let text = format!(
        "id: a\nsurface: application\ntitle: t\nwhy: w\nseverity: low\nexamples: []\n{lines}"
    );
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let mut diagnostics = Vec::new();
    assert!(parsed.diagnostics.is_empty(), "{text}\n{:?}", parsed.diagnostics);
    let compiler = Compiler::newest();
    let control = compiler.control(parsed.documents[0].value.root(), SourceId(0), &mut diagnostics);
    control.ok_or_else(|| diagnostics.into_iter().map(|told| told.message).collect())
}

fn refusal(lines: &str) -> String {
    compiled(lines).err().unwrap_or_default().join("\n")
}

#[test]
fn a_repair_says_whether_it_may_stop_something() {
    let rule = "applies: Pod\nmust: has(object.spec)\nmessage: m\n";
    let with = |repair: &str| format!("{rule}repair: {{ {repair} }}");
    let may = |repair: &str| compiled(&with(repair)).unwrap().may;
    assert_eq!(may("remove: [object.spec], safe: true"), None);
    assert_eq!(
        may("remove: [object.spec], may: all of it stops").as_deref(),
        Some("all of it stops")
    );
    assert_eq!(may("ask: why"), None);
    for (repair, told) in [
        ("remove: [object.spec]", "does not say whether it may stop"),
        ("remove: [object.spec], safe: false", "either safe: true, or"),
        ("remove: [object.spec], safe: true, may: x", "either safe: true, or"),
        ("remove: [object.spec], may: ' '", "either safe: true, or"),
        ("ask: why, safe: true", "changes nothing"),
    ] {
        assert!(refusal(&with(repair)).contains(told), "{repair}: {}", refusal(&with(repair)));
    }
    let native = |repair: &str| format!("applies: pods\nnative: pss/privileged\n{repair}");
    assert_eq!(compiled(&native("")).unwrap().may.as_deref(), Some(super::UNSAID));
    assert_eq!(compiled(&native("repair: { safe: true }")).unwrap().may, None);
    assert!(refusal(&native("repair: { remove: [pod] }")).contains("the steps of a native rule"));
}
