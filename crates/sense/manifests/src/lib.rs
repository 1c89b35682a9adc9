//! Manifests: finding files, reading them, and taking objects out of documents.

use std::io::Read;
use std::path::Path;

use ironhull_model::{
    Builder, Code, Diagnostic, Kind, Level, Node, Object, Origin, Pointer, SourceId, Value,
};

mod kustomize;
pub mod template;
mod walk;

pub use walk::{Discovered, Found, absent, chart_of, discover, files, root_of};

/// Bounds of reading.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub size: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { size: 100 << 20 }
    }
}

/// Reads a file, or standard input for `-`.
pub fn read(path: &Path, limits: &Limits) -> Result<String, Diagnostic> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::FileUnreadable, format!("failed to read {shown}: {error}"))
    };
    let mut bytes = Vec::new();
    let limit = limits.size + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        // With room for one byte more the end is seen by a single further read.
        let size = file.metadata().map_or(0, |about| about.len()).min(limit);
        bytes.reserve_exact(size as usize + 1);
        file.by_ref().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > limits.size {
        let message = format!("{shown} is larger than {} bytes", limits.size);
        return Err(Diagnostic::error(Code::TooLarge, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diagnostic::error(Code::NotUtf8, format!("{shown} is not UTF-8 at byte {at}"))
            .help("convert it, for example with iconv")
    })
}

/// Objects of one text.
#[derive(Debug, Default)]
pub struct Manifests {
    /// In order; items of `List`s stand for themselves.
    pub objects: Vec<Object>,
    /// What was wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes the objects out of a text, which stands at `path`. In a file that was
/// `named`, what is no object is an error; one found by walking may hold anything, and
/// broken YAML counts only if its text looks like a manifest.
pub fn parse(source: SourceId, path: &str, text: &str, named: bool) -> Manifests {
    let looks_like_manifest = named || (has_line(text, "apiVersion") && has_line(text, "kind"));
    if !looks_like_manifest {
        return Manifests::default();
    }
    let parsed = ironhull_yaml::parse(source, text, &ironhull_yaml::Limits::default());
    let mut manifests = Manifests { diagnostics: parsed.diagnostics, ..Manifests::default() };
    let file = At { path, named };
    for (index, document) in parsed.documents.into_iter().enumerate() {
        let origin = Origin { source, document: index as u32, item: None };
        match items(document.value.root()) {
            Some(items) => {
                for (at, (list, item)) in items.into_iter().enumerate() {
                    let origin = Origin { item: Some(at as u32), ..origin };
                    object(of_list(list, item), origin, file, &mut manifests);
                }
            }
            None => object(document.value, origin, file, &mut manifests),
        }
    }
    manifests
}

/// The items of a list, and of lists among them, as `kubectl` takes them, each with the
/// list that it is of; none of what is no list. How deep they may be is bounded by the
/// reader of YAML.
fn items(root: Node<'_>) -> Option<Vec<(Node<'_>, Node<'_>)>> {
    root.get("kind").and_then(Node::as_str).filter(|kind| kind.ends_with("List"))?;
    let all = root.get("items")?;
    // The API server writes null where there are none.
    let is_empty = all.is_null() && root.path(&["metadata", "name"]).is_none();
    if all.kind() != Kind::List && !is_empty {
        return None;
    }
    let of = |item| items(item).unwrap_or_else(|| vec![(root, item)]);
    Some(all.items().flat_map(of).collect())
}

/// Where in its document an object stands that was taken out of a list there, by
/// [`Origin::item`].
pub fn place_in_list(document: Node<'_>, item: u32) -> Option<Pointer> {
    items(document)?.get(item as usize).map(|(_, item)| item.pointer())
}

/// An item of a list. Items of a `PodList` that say no kind are pods of its version, as
/// the API machinery reads them.
fn of_list(list: Node<'_>, item: Node<'_>) -> Value {
    let text = |name| list.get(name).and_then(Node::as_str).unwrap_or_default();
    let kind = text("kind").strip_suffix("List").unwrap_or_default();
    if kind.is_empty() || item.kind() != Kind::Map || item.get("kind").is_some() {
        return item.to_value();
    }
    let mut builder = Builder::with_spans();
    builder.begin_like(item);
    let start = item.span().unwrap_or_default().start;
    for (key, text) in [("apiVersion", text("apiVersion")), ("kind", kind)] {
        builder.key(key, start);
        builder.str(text, start, start);
    }
    for (key, child) in item.entries().filter(|(key, _)| *key != "apiVersion") {
        builder.key(key, child.span().unwrap_or_default().key);
        builder.copy(child);
    }
    builder.end(item.span().unwrap_or_default().end);
    builder.finish()
}

fn has_line(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        let before = text[..at].bytes().next_back();
        let behind = text[at + key.len()..].trim_start_matches(['"', '\'']);
        matches!(before, None | Some(b'\n' | b' ' | b'"' | b'\'' | b'{' | b'-' | b','))
            && behind.starts_with(':')
    })
}

/// Where a text stands.
#[derive(Clone, Copy)]
struct At<'p> {
    path: &'p str,
    named: bool,
}

/// What stands where a document says its apiVersion or kind in words.
fn no_text(root: Node<'_>, name: &str) -> String {
    let article = |kind: Kind| if kind == Kind::Int || kind == Kind::UInt { "an" } else { "a" };
    match root.get(name).map(Node::kind) {
        None | Some(Kind::Null | Kind::String) => format!("no {name}"),
        Some(kind) => format!("{} {kind} as {name} instead of a text", article(kind)),
    }
}

fn object(value: Value, origin: Origin, at: At<'_>, manifests: &mut Manifests) {
    let root = value.root();
    let missing: Vec<&str> = ["apiVersion", "kind"]
        .into_iter()
        .filter(|name| root.get(name).and_then(Node::as_str).is_none_or(str::is_empty))
        .collect();
    let span = root.span().unwrap_or_default();
    let place = (origin.source, span.start, span.end.min(span.start + 1));
    if root.is_null() {
        return;
    }
    if !missing.is_empty() {
        // A file found by walking may hold a values document beside a manifest.
        if at.named || missing.len() == 1 && root.get("metadata").is_some() {
            let wrong: Vec<String> = missing.iter().map(|name| no_text(root, name)).collect();
            let message =
                format!("this document has {}, so it is no Kubernetes object", wrong.join(" and "));
            manifests
                .diagnostics
                .push(Diagnostic::error(Code::NotAnObject, message).at(place.0, place.1, place.2));
        }
        return;
    }
    let group = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let group = ironhull_model::object::split_api_version(group).0;
    let of_program = !at.named && is_of_program(group);
    let judged = [group, root.get("kind").and_then(Node::as_str).unwrap_or_default()];
    let name = if JUDGED.contains(&judged) { file_stem(at.path) } else { "" };
    match Object::called(value, Some(origin), name) {
        Some(object) => manifests.objects.push(object),
        None => {
            let diagnostic =
                Diagnostic::error(Code::NotAnObject, "this object has no metadata.name");
            let level = if of_program { Level::Note } else { Level::Error };
            manifests
                .diagnostics
                .push(Diagnostic { level, ..diagnostic }.at(place.0, place.1, place.2));
        }
    }
}

/// Files that the API server reads, and that controls judge: group and kind. They have no
/// names; they are called as their file is.
const JUDGED: &[[&str; 2]] = &[
    ["apiserver.config.k8s.io", "AuthenticationConfiguration"],
    ["apiserver.config.k8s.io", "EncryptionConfiguration"],
    ["audit.k8s.io", "Policy"],
];

/// A file's name without its ending; `-` of what is no file.
fn file_stem(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or("-")
}

/// Whether documents of a group without a name are files that programs read (kind,
/// kubeadm, the API server's own configuration), not objects that are sent.
fn is_of_program(group: &str) -> bool {
    let own = !group.contains('.') || group.ends_with(".k8s.io");
    let read_by_programs = ["audit.k8s.io", "kubeadm.k8s.io"].contains(&group);
    group.ends_with(".config.k8s.io") || read_by_programs || (!own && !group.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Limits, parse, read};
    use ironhull_model::{Code, SourceId};

    #[test]
    fn files_of_programs_are_no_broken_objects() {
        let level = |text: &str, named: bool| {
            let parsed = parse(SourceId(0), "a.yaml", text, named);
            parsed.diagnostics.first().map(|diagnostic| diagnostic.level)
        };
        let kind = "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n";
        let admission = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";
        for text in [kind, admission] {
            assert_eq!(level(text, false), Some(ironhull_model::Level::Note));
            assert_eq!(level(text, true), Some(ironhull_model::Level::Error));
        }
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {}\n";
        assert_eq!(level(pod, false), Some(ironhull_model::Level::Error));
    }

    #[test]
    fn files_of_the_api_server_are_called_as_their_file() {
        let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n";
        let manifests = parse(SourceId(0), "etc/audit-policy.yaml", text, false);
        assert_eq!(manifests.objects[0].thing.to_string(), "Policy/audit-policy");
        assert!(manifests.diagnostics.is_empty());
        let named = text.replace("rules", "metadata: {name: own}\nrules");
        let manifests = parse(SourceId(0), "-", &named, true);
        assert_eq!(&*manifests.objects[0].thing.name, "own");
    }

    #[test]
    fn lists_are_unwrapped_and_others_told() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: ns}}\n---\na: 1\n";
        let manifests = parse(SourceId(0), "a.yaml", text, true);
        let names: Vec<String> =
            manifests.objects.iter().map(|object| object.thing.to_string()).collect();
        assert_eq!(names, ["Pod/a", "ns/Pod/b"]);
        assert_eq!(manifests.objects[1].origin.unwrap().item, Some(1));
        let list = |items: &str| format!("{{apiVersion: v1, kind: List, items: [{items}]}}");
        let pod = |name| format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}");
        let inner = list(&[pod("b"), list(&pod("c"))].join(", "));
        let nested = parse(SourceId(0), "a.yaml", &list(&[pod("a"), inner].join(", ")), true);
        let names: Vec<&str> = nested.objects.iter().map(|object| &*object.thing.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let at: Vec<_> = nested.objects.iter().map(|of| of.origin.unwrap().item).collect();
        assert_eq!(at, [Some(0), Some(1), Some(2)]);
        let none = "{kind: DaemonSetList, apiVersion: apps/v1, metadata: {}, items: null}";
        let empty = parse(SourceId(0), "a.yaml", none, true);
        assert!(empty.objects.is_empty() && empty.diagnostics.is_empty());
        let named = parse(SourceId(0), "a.yaml", &none.replace("{}", "{name: a}"), true);
        assert_eq!(&*named.objects[0].thing.kind, "DaemonSetList", "it may be a kind of its own");
        assert_eq!(manifests.diagnostics[0].code, Code::NotAnObject);
        assert!(
            parse(SourceId(0), "a.yaml", "a: [", false).diagnostics.is_empty(),
            "no manifest, so not ours to judge"
        );
        assert_eq!(
            parse(SourceId(0), "a.yaml", "apiVersion: v1\nkind: [", false).diagnostics.len(),
            1
        );
    }

    #[test]
    fn items_of_a_typed_list_are_of_its_kind() {
        let text = r#"{"kind":"PodList","apiVersion":"v1","items":[
            {"metadata":{"name":"a"}},{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"b"}}]}"#;
        let manifests = parse(SourceId(0), "a.yaml", text, true);
        let told: Vec<String> = { manifests.objects.iter() }
            .map(|object| format!("{} {}", object.api_version(), object.thing))
            .collect();
        assert_eq!(told, ["v1 Pod/a", "apps/v1 Deployment/b"]);
        assert!(manifests.diagnostics.is_empty());
    }

    #[test]
    fn files_that_are_no_text_end_in_diagnostics() {
        let root = std::env::temp_dir().join(format!("ironhull-read-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let code = |name: &str, bytes: &[u8]| {
            let path = root.join(name);
            std::fs::write(&path, bytes).unwrap();
            read(&path, &Limits::default()).err().map(|diagnostic| diagnostic.code)
        };
        assert_eq!(code("latin", b"a: \xe9\n"), Some(Code::NotUtf8));
        assert_eq!(code("cut", "a: é".as_bytes().split_last().unwrap().1), Some(Code::NotUtf8));
        assert_eq!(code("utf16", b"\xff\xfea\0:\0 \x001\0"), Some(Code::NotUtf8));
        assert_eq!(code("fine", "a: é".as_bytes()), None);
        // Larger than the limit, and no more than the limit of it is read.
        let large = root.join("large");
        std::fs::File::create(&large).unwrap().set_len(10 << 30).unwrap();
        let limits = Limits { size: 1 << 20 };
        assert_eq!(read(&large, &limits).unwrap_err().code, Code::TooLarge);
        assert_eq!(read(&root, &limits).unwrap_err().code, Code::FileUnreadable);
        std::fs::remove_dir_all(root).unwrap();
    }
}
