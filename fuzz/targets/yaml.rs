//! Any bytes, read as YAML or JSON: values, spans inside the text, and splices.
#![no_main]

use ironhull_model::{Node, SourceId};
use ironhull_yaml::{Limits, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = parse(SourceId(0), text, &Limits::default());
    for document in &parsed.documents {
        check(text, document.value.root());
        let json = document.value.root().to_json();
        let again = parse(SourceId(0), &json, &Limits::default());
        if document.value.root().kind() == ironhull_model::Kind::Map {
            let again = again.documents.first().expect("JSON is read");
            assert_eq!(again.value.root(), document.value.root());
        }
    }
    for diagnostic in &parsed.diagnostics {
        let place = diagnostic.place.expect("a place");
        assert!(place.start <= place.end && place.end as usize <= text.len());
        assert!(text.is_char_boundary(place.start as usize));
    }
});

fn check(text: &str, node: Node<'_>) {
    let span = node.span().expect("a span");
    assert!(text.get(span.start as usize..span.end as usize).is_some());
    assert!(text.is_char_boundary(span.key as usize));
    node.items().for_each(|child| check(text, child));
}
