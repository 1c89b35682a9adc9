//! What a control file is refused for.

use ironhull_model::{SourceId, Value};

use super::{Compiler, Control};

/// A control with some lines of its own, compiled: or what is wrong with it.
fn compiled(lines: &str) -> Result<Control, Vec<String>> {
    let severity = if lines.contains("severity:") { "" } else { "severity: low\n" };
    let text =
        format!("id: a\nsurface: application\ntitle: t\nwhy: w\n{severity}examples: []\n{lines}");
    let mut diagnostics = Vec::new();
    let compiler = Compiler::newest();
    let control = compiler.control(parsed(&text).root(), SourceId(0), &mut diagnostics);
    control.ok_or_else(|| diagnostics.into_iter().map(|told| told.message).collect())
}

fn parsed(text: &str) -> Value {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    assert!(parsed.diagnostics.is_empty(), "{text}\n{:?}", parsed.diagnostics);
    parsed.documents.into_iter().next().unwrap().value
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

/// What mutations make of objects, and what policies ask, is no part of controls.
#[test]
fn controls_have_nothing_of_admission_policies() {
    for wrong in [
        "Object{} == Object{}",
        "has(Object{a: 1}.a)",
        "[JSONPatch{op: 'add'}].size() == 1",
        "jsonpatch.escapeKey('a') == 'a'",
        "authorizer.path('/x').check('get').allowed()",
        "has(variables.a)",
        "request.dryRun",
        "kubernetes.UserInfo{} != null",
    ] {
        let told = refusal(&format!("applies: Pod\nmust: \"{wrong}\"\nmessage: m"));
        assert!(!told.is_empty(), "{wrong}");
    }
}

/// A field that none of the kinds has is a mistake, in rules, lists and messages; one
/// that only some have is not.
#[test]
fn a_misspelt_field_is_told_whatever_kinds_a_control_is_about() {
    let control =
        |rule: &str| refusal(&format!("applies: [Deployment, StatefulSet, DaemonSet]\n{rule}"));
    let rule = |must: &str, message: &str| format!("must: \"{must}\"\nmessage: \"{message}\"");
    for fine in [
        rule("object.?spec.?replicas.orValue(1) > 1", "m {object.metadata.name}"),
        rule("has(object.spec.template.spec) && object.kind == 'DaemonSet'", "m"),
        "each: { c: object.spec.template.spec.containers }\nmust: has(c.image)\nmessage: m"
            .to_owned(),
    ] {
        assert_eq!(control(&fine), "", "{fine}");
    }
    for wrong in [
        rule("object.?spec.?replcas.orValue(1) > 1", "m"),
        rule("object.spec.?replicas.orValue(1) > 1", "m {object.metadata.nam}"),
        rule("has(object.spec.tmplate)", "m"),
        "each: { c: object.spec.template.spec.containers }\nmust: has(c.imge)\nmessage: m".to_owned(),
        "each: { c: object.spec.template.spec.containers }\nmust: has(c.image)\nmessage: m {c.nmae}".to_owned(),
        "let: { s: object.spec }\nmust: has(s.tmplate)\nmessage: m".to_owned(),
        rule("true", "m") + "\nseverity: { high: has(object.spc), low: true }",
    ] {
        assert!(control(&wrong).contains("undefined field"), "{wrong}: {}", control(&wrong));
    }
    let pods = "applies: pods\nmust: has(object.metdata)\nmessage: m";
    assert!(refusal(pods).contains("undefined field"), "{}", refusal(pods));
    let pods = "applies: pods\nmust: has(pod.containers)\nmessage: m {object.spec.replicas}";
    assert_eq!(refusal(pods), "");
    let custom = "applies: [Deployment, a.example/Thing]\nmust: has(object.anything)\nmessage: m";
    assert_eq!(refusal(custom), "");
}

/// What an example expects is compared whole: a misspelt field, or a violation that is
/// expected twice instead of another, would be a test that cannot fail.
#[test]
fn what_examples_expect_is_what_is_found() {
    const RULE: &str = "applies: Pod\nmust: 'false'\nmessage: never\n";
    let told = |expect: &str| {
        let pod = |name| format!("{{ kind: Pod, metadata: {{name: {name}}}, spec: {{}} }}");
        let (a, b) = (pod("a"), pod("b"));
        let mut control = compiled(RULE).unwrap();
        let text = format!("[{{ given: [{a}, {b}], expect: {expect} }}]");
        control.examples = parsed(&text).root().to_json().into();
        crate::examples::run(&control).remove(0).err().unwrap_or_default()
    };
    assert_eq!(told("[{subject: Pod/a}, {subject: Pod/b, severity: low}]"), "");
    assert_eq!(
        told("[{subject: Pod/a}, {subject: Pod/a, message: never}]"),
        "found [Violated low Pod/b at /spec: never], which is not expected"
    );
    assert_eq!(
        told("[{subject: Pod/a}]"),
        "expected 1 violations, found [Violated low Pod/a at /spec: never] [Violated low Pod/b at /spec: never]"
    );
    assert_eq!(
        told("[{subject: Pod/a}, {severty: high}]"),
        "unknown field \"severty\" in a violation of expect; did you mean \"severity\"?"
    );
}

/// It is a part of command lines and of what `except` writes.
#[test]
fn an_id_is_one_plain_word() {
    let rule = "applies: Pod\nmust: has(object.spec)\nmessage: m\n";
    for (id, is_one) in [("own-label-2", true), ("Own Label", false), ("a/b", false)] {
        let text = format!(
            "id: {id}\nsurface: application\ntitle: t\nwhy: w\nseverity: low\nexamples: []\n{rule}"
        );
        let mut told = Vec::new();
        Compiler::newest().control(parsed(&text).root(), SourceId(0), &mut told);
        let of_id =
            told.iter().any(|told| told.message.contains("is not made of a-z, 0-9 and dashes"));
        assert_eq!(of_id, !is_one, "{id}");
    }
}

/// A fact that no one names is never there: reading it would be an error in every cluster.
#[test]
fn facts_that_are_read_are_named() {
    let rule = |must: &str, more: &str| {
        refusal(&format!("applies: Pod\nmust: \"{must}\"\nmessage: m\n{more}"))
    };
    assert_eq!(rule("facts['now'] != ''", "needs: [now]"), "");
    assert_eq!(rule("facts.now != ''", "helps: [now]"), "");
    let told = "the fact \"now\" is read, but neither needs nor helps names it";
    for must in ["facts['now'] != ''", "facts.?now.hasValue()", "facts[?'now'].hasValue()"] {
        assert_eq!(rule(must, ""), told, "{must}");
    }
    assert_eq!(rule("'a' == 'b'", "let: { a: \"facts['now']\" }"), told);
    assert_eq!(
        rule("facts['cluster.suport'].state == 'ended'", ""),
        "there is no fact \"cluster.suport\"; did you mean \"cluster.support\"?"
    );
    let native = |name: &str| refusal(&format!("applies: pods\nnative: {name}\n"));
    let told = "no native rule \"pss/priviledged\"; did you mean \"pss/privileged\"?";
    assert_eq!(native("pss/priviledged"), told);
}
