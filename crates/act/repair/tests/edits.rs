//! Edits of generated texts in every style that people write: the text reads back
//! as the patched value, and no byte outside the edited part changes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its counts"
)]

use std::collections::BTreeMap;
use std::fmt::Write;

use ironhull_model::{Kind, Node, Pointer, RepairStep, SourceId, Value};
use ironhull_testkit::rng::Rng;
use ironhull_yaml::splice::{self, Edit};
use serde_json::{Value as Json, json};

const N_CASES: usize = 12_000;
const KEYS: [&str; 10] =
    ["name", "image", "spec", "a.b/c", "on", "0755", "with space", "x-y", "Ünï", "securityContext"];
const SCALARS: [&str; 12] =
    ["true", "0", "-3", "1.5", "null", "web", "yes", "0755", "a: b", "# no", "", "line\nnext\n"];

fn value(rng: &mut Rng, depth: usize) -> Json {
    match rng.below(if depth == 0 { 4 } else { 10 }) {
        0..=3 => scalar(rng),
        4..=7 => {
            let n = if rng.chance(12) { 0 } else { 1 + rng.below(4) };
            let mut map = serde_json::Map::new();
            for _ in 0..n {
                map.insert((*rng.pick(&KEYS)).to_owned(), value(rng, depth - 1));
            }
            Json::Object(map)
        }
        _ => {
            let n = if rng.chance(12) { 0 } else { 1 + rng.below(3) };
            Json::Array((0..n).map(|_| value(rng, depth - 1)).collect())
        }
    }
}

fn scalar(rng: &mut Rng) -> Json {
    match *rng.pick(&SCALARS) {
        "true" => json!(true),
        "0" => json!(0),
        "-3" => json!(-3),
        "1.5" => json!(1.5),
        "null" => Json::Null,
        text => json!(text),
    }
}

/// Writes values as a person with habits of their own would.
struct Writer<'r> {
    rng: &'r mut Rng,
    out: String,
    step: usize,
    /// Sequences stand deeper than their key.
    deep_lists: bool,
    comments: bool,
    n_anchors: usize,
}

impl Writer<'_> {
    fn comment_line(&mut self, indent: usize) {
        if self.comments && self.rng.chance(12) {
            let text = if self.rng.chance(30) { "" } else { "# why: because\n" };
            _ = write!(self.out, "{}{text}", " ".repeat(if text.is_empty() { 0 } else { indent }));
            if text.is_empty() {
                self.out.push('\n');
            }
        }
    }

    fn end_line(&mut self) {
        if self.comments && self.rng.chance(15) {
            self.out.push_str("  # note: {x}, [y]");
        }
        self.out.push('\n');
    }

    fn scalar_text(&mut self, scalar: &Json) -> String {
        let Json::String(text) = scalar else { return scalar.to_string() };
        if !text.contains('\n') && self.rng.chance(30) {
            return format!("'{}'", text.replace('\'', "''"));
        }
        let plain = text == "web" && self.rng.chance(70);
        if plain { text.clone() } else { scalar.to_string() }
    }

    fn key(&mut self, key: &str) -> String {
        let plain = !["on", "0755"].contains(&key) && self.rng.chance(85);
        if plain { key.to_owned() } else { json!(key).to_string() }
    }

    fn flow(&mut self, value: &Json) -> String {
        match value {
            Json::Object(map) => {
                let members: Vec<String> = map
                    .iter()
                    .map(|(key, item)| format!("{}: {}", self.key(key), self.flow(item)))
                    .collect();
                let space = if self.rng.chance(50) { " " } else { "" };
                format!("{{{space}{}{space}}}", members.join(", "))
            }
            Json::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                let comma = if !items.is_empty() && self.rng.chance(10) { "," } else { "" };
                format!("[{}{comma}]", items.join(", "))
            }
            scalar => self.scalar_text(scalar),
        }
    }

    /// What stands behind `key:` or `-`, with its line break.
    fn inline(&mut self, value: &Json, indent: usize, in_list: bool) {
        let nests = matches!(value, Json::Object(map) if !map.is_empty())
            || matches!(value, Json::Array(items) if !items.is_empty());
        if nests && !self.rng.chance(15) {
            if self.rng.chance(8) {
                self.n_anchors += 1;
                _ = write!(self.out, " &n{}", self.n_anchors);
                self.out.push('\n');
                let deeper = indent + self.step;
                return self.block(value, deeper);
            }
            if in_list && matches!(value, Json::Object(_)) {
                self.out.push(' ');
                return self.members(value, indent + 2, true);
            }
            self.end_line();
            let is_list = matches!(value, Json::Array(_));
            let deeper =
                if is_list && !in_list && !self.deep_lists { indent } else { indent + self.step };
            return self.block(value, deeper);
        }
        match value {
            Json::String(text) if text.ends_with('\n') && self.rng.chance(70) => {
                self.out.push_str(" |\n");
                for line in text.lines() {
                    _ = writeln!(self.out, "{}{line}", " ".repeat(indent + self.step));
                }
            }
            Json::Null if !in_list && self.rng.chance(50) => self.end_line(),
            other => {
                let text = self.flow(other);
                _ = write!(self.out, " {text}");
                self.end_line();
            }
        }
    }

    fn block(&mut self, value: &Json, indent: usize) {
        match value {
            Json::Object(_) => self.members(value, indent, false),
            Json::Array(items) => {
                for item in items {
                    self.comment_line(indent);
                    _ = write!(self.out, "{}-", " ".repeat(indent));
                    self.inline(item, indent, true);
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, value: &Json, indent: usize, first_inline: bool) {
        let Json::Object(map) = value else { return };
        for (at, (key, item)) in map.iter().enumerate() {
            if at > 0 || !first_inline {
                self.comment_line(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            let key = self.key(key);
            _ = write!(self.out, "{key}:");
            self.inline(item, indent, false);
        }
    }
}

/// A text whose document 1 (of three) or 0 (of one) is the value.
fn text(rng: &mut Rng, value: &Json) -> (String, usize, &'static str) {
    if rng.chance(15) {
        let text = if rng.chance(50) {
            serde_json::to_string_pretty(value).unwrap()
        } else {
            value.to_string()
        };
        return (text + if rng.chance(50) { "\n" } else { "" }, 0, "JSON");
    }
    let step = if rng.chance(30) { 4 } else { 2 };
    let deep_lists = rng.chance(50);
    let comments = rng.chance(60);
    let crlf = rng.chance(20);
    let several = rng.chance(30);
    let no_final_break = rng.chance(15);
    let mut writer = Writer { rng, out: String::new(), step, deep_lists, comments, n_anchors: 0 };
    writer.block(value, 0);
    let anchors = writer.n_anchors > 0;
    let mut text = writer.out;
    if several {
        text = format!("a: 1\nb: [x]\n---\n{text}---\n# last\nz: {{q: 1}}\n");
    }
    // The break behind a literal scalar is part of it.
    if no_final_break && !text.trim_end().ends_with("next") {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    let style = match (crlf, several, anchors) {
        (true, ..) => "CRLF",
        (_, true, _) => "several documents",
        (_, _, true) => "anchors",
        _ => "plain",
    };
    (text, usize::from(several), style)
}

fn nodes<'v>(node: Node<'v>, out: &mut Vec<Node<'v>>) {
    out.push(node);
    node.items().for_each(|child| nodes(child, out));
}

/// A random edit, the deepest node it touches, and its name.
fn edit<'v>(rng: &mut Rng, root: Node<'v>) -> Option<(Edit, RepairStep, Node<'v>, &'static str)> {
    let mut all = Vec::new();
    nodes(root, &mut all);
    let node = *rng.pick(&all);
    let new: Value = serde_json::from_str(&value(rng, 2).to_string()).unwrap();
    let pointer = node.pointer();
    match (rng.below(4), node.kind()) {
        (0, Kind::Map) => {
            let pointer = pointer.join("added");
            let pointer = if rng.chance(30) { pointer.join("deeper") } else { pointer };
            let edit = Edit::Set { pointer: pointer.clone(), value: new.clone() };
            Some((edit, RepairStep::Set { pointer, value: new }, node, "new member"))
        }
        (0, Kind::List) => {
            let edit = Edit::Add { pointer: pointer.join("-"), value: new.clone() };
            Some((edit, RepairStep::Append { pointer, value: new }, node, "append"))
        }
        (0 | 1, _) if node.parent().is_some() => {
            let edit = Edit::Set { pointer: pointer.clone(), value: new.clone() };
            Some((edit, RepairStep::Set { pointer, value: new }, node, "replace"))
        }
        (2, _) => {
            // A Kubernetes object keeps at least its kind.
            let parent =
                node.parent().filter(|parent| parent.len() > 1 || parent.parent().is_some())?;
            let touched = if parent.len() == 1 { parent } else { node };
            let edit = Edit::Remove { pointer: pointer.clone() };
            Some((edit, RepairStep::Remove { pointer }, touched, "remove"))
        }
        _ => None,
    }
}

/// Whether the lines around the touched node are as they were.
fn outside_is_unchanged(before: &str, after: &str, touched: Node<'_>) -> bool {
    let span = touched.span().unwrap();
    // An item belongs to its dash, which may stand on a line before it.
    let key = before[..span.key as usize]
        .rfind('-')
        .filter(|_| touched.index().is_some())
        .unwrap_or(span.key as usize);
    let from = before[..key].rfind('\n').map_or(0, |at| at + 1);
    // A removed last line takes the break and the comma before it along.
    let from = before[..from].trim_end_matches(['\n', '\r', ',']).len();
    let end = (span.end as usize).saturating_sub(1).max(span.key as usize);
    let to = before[end..].find('\n').map_or(before.len(), |at| end + at);
    // The member behind a dash hands its place to the next one.
    let next = touched.parent().and_then(|parent| {
        let mut siblings = parent.items().skip_while(|item| item.id() != touched.id());
        siblings.nth(1)?.span()
    });
    let behind_dash = before[..span.key as usize].trim_end_matches(' ').ends_with('-');
    let to = next.filter(|_| behind_dash).map_or(to, |next| next.key as usize);
    let comments = |text: &str| text.matches("# why").count();
    let inside = comments(&before[key..span.end as usize]);
    if comments(after) < comments(before) - inside {
        return false;
    }
    after.starts_with(&before[..from])
        && after.ends_with(before[to..].trim_start_matches(['\n', '\r']))
}

/// Whether the text is the old one with something in between.
fn is_insertion(before: &str, after: &str) -> bool {
    let same = |(a, b): &(u8, u8)| a == b;
    let front = before.bytes().zip(after.bytes()).take_while(same).count();
    let back = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count();
    front + back >= before.len()
}

#[test]
fn edits_read_back_as_patched_and_leave_the_rest_alone() {
    let mut rng = Rng::new(7);
    let mut done: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for case in 0..N_CASES {
        let mut document = value(&mut rng, 4);
        if !document.is_object() {
            document = json!({ "spec": document });
        }
        if document.as_object().is_none_or(serde_json::Map::is_empty) {
            continue;
        }
        let (before, index, style) = text(&mut rng, &document);
        let parsed = ironhull_yaml::parse(SourceId(0), &before, &ironhull_yaml::Limits::default());
        let root = parsed.documents[index].value.root();
        assert_eq!(
            root.to_json(),
            document.to_string(),
            "case {case} does not read back:\n{before}"
        );
        let Some((edit, step, touched, what)) = edit(&mut rng, root) else { continue };
        let after = match splice::apply(&before, &parsed.documents, &[(index, edit.clone())]) {
            Ok(after) => after,
            Err(why) => {
                *refused.entry(why.reason).or_default() += 1;
                continue;
            }
        };
        let read = ironhull_yaml::parse(SourceId(0), &after, &ironhull_yaml::Limits::default());
        let patched = ironhull_patch::apply(&parsed.documents[index].value, &[step]).unwrap();
        let told =
            || format!("case {case}, {what} {edit:?}\n--- before\n{before}\n--- after\n{after}\n");
        assert!(read.diagnostics.is_empty(), "{}{:?}", told(), read.diagnostics);
        assert_eq!(read.documents.len(), parsed.documents.len(), "{}", told());
        assert_eq!(
            read.documents[index].value.root().to_json(),
            patched.root().to_json(),
            "{}",
            told()
        );
        assert!(
            outside_is_unchanged(&before, &after, touched),
            "more than the part changed: {}",
            told()
        );
        if ["new member", "append"].contains(&what) && !touched.is_empty() {
            assert!(is_insertion(&before, &after), "more than an insertion: {}", told());
        }
        *done.entry((what, style)).or_default() += 1;
    }
    for ((what, style), n) in &done {
        println!("{what:<12} {style:<18} {n:>5}");
        assert!(*n >= 20, "{what} in {style} is hardly tried");
    }
    let n_done: usize = done.values().sum();
    let n_refused: usize = refused.values().sum();
    println!("{n_done} edits, {n_refused} refused: {refused:?}");
    assert!(n_done >= 5_000 && n_refused * 100 <= n_done, "{n_done} done, {n_refused} refused");
}

/// A pointer that no document has is refused, and so is what an alias stands for.
#[test]
fn what_stands_elsewhere_is_refused_with_the_reason() {
    let text = "base: &b {x: 1}\nuse: *b\nmerge:\n  <<: *b\n  y: 2\n";
    for pointer in ["/use/x", "/merge/x"] {
        let edit = Edit::Set {
            pointer: Pointer::parse(pointer).unwrap(),
            value: serde_json::from_str("2").unwrap(),
        };
        let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
        let refused = splice::apply(text, &parsed.documents, &[(0, edit)]).unwrap_err();
        assert!(refused.reason.contains("alias or merge key"), "{pointer}: {}", refused.reason);
    }
}
