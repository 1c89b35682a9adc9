use super::{Builder, FieldName, Kind, Value};
use crate::pointer::Pointer;

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn json_goes_in_and_comes_out() {
    let json =
        r#"{"kind":"Pod","unknown-key":{"a.b/c":[1,-2,18446744073709551615,1.5,true,null,"é\n"]}}"#;
    assert_eq!(value(json).root().to_json(), json);
    assert_eq!(serde_json::to_string(&value(json)).unwrap(), json);
}

#[test]
fn a_node_knows_its_pointer() {
    let value = value(r#"{"spec":{"containers":[{"name":"a"},{"x/y~z":true}]}}"#);
    let pointer = Pointer::parse("/spec/containers/1/x~1y~0z").unwrap();
    let node = value.at(&pointer).unwrap();
    assert_eq!(node.as_bool(), Some(true));
    assert_eq!(node.pointer(), pointer);
    assert_eq!(node.parent().unwrap().index(), Some(1));
}

#[test]
fn known_and_local_names_are_both_found() {
    let value = value(r#"{"kind":"Pod","my-own":1}"#);
    assert_eq!(value.root().field(&FieldName::new("kind")).unwrap().as_str(), Some("Pod"));
    assert_eq!(value.root().field(&FieldName::new("my-own")).unwrap().as_i64(), Some(1));
    assert!(value.root().get("other").is_none());
}

#[test]
fn the_last_of_repeated_members_stays() {
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, number) in [("kind", 1), ("b", 2), ("kind", 3)] {
        builder.key(key, 0);
        builder.int(number, 0, 0);
    }
    builder.end(0);
    assert_eq!(builder.duplicates()[0].key, "kind");
    assert_eq!(builder.finish().root().to_json(), r#"{"kind":3,"b":2}"#);
}

#[test]
fn aliases_are_copies_with_paths_of_their_own() {
    let mut builder = Builder::with_spans();
    builder.begin_map(0);
    builder.key("a", 0);
    builder.begin_map(3);
    builder.key("x", 4);
    builder.str("text", 6, 10);
    builder.end(11);
    let anchor = builder.anchor().unwrap();
    builder.key("b", 12);
    builder.repeat(anchor);
    builder.key("c", 20);
    builder.begin_map(22);
    builder.merge(anchor);
    builder.end(23);
    builder.end(24);
    let value = builder.finish();
    assert_eq!(value.root().to_json(), r#"{"a":{"x":"text"},"b":{"x":"text"},"c":{"x":"text"}}"#);
    let copy = value.root().path(&["b", "x"]).unwrap();
    assert_eq!((copy.pointer().as_str(), copy.span().unwrap().start), ("/b/x", 6));
    assert!(copy.is_aliased() && !value.root().path(&["a", "x"]).unwrap().is_aliased());
}

#[test]
fn defaulted_subtrees_point_to_their_parent() {
    let mut builder = Builder::with_spans();
    builder.begin_map(5);
    builder.key("spec", 5);
    builder.begin_map(0);
    builder.key("replicas", 0);
    builder.int(1, 0, 0);
    builder.end(0);
    builder.mark_defaulted();
    builder.end(9);
    let value = builder.finish();
    let replicas = value.root().path(&["spec", "replicas"]).unwrap();
    assert!(replicas.is_defaulted());
    assert_eq!(replicas.span().unwrap().start, 5);
}

#[test]
fn equality_is_by_content() {
    assert_eq!(value(r#"{"a":1,"b":[1.0]}"#), value(r#"{"b":[1],"a":1.0}"#));
    assert_ne!(value(r#"{"a":1}"#), value(r#"{"a":true}"#));
    assert_eq!(value("[]").root().kind(), Kind::List);
}

/// A map with many members gives the same as one with few, the first of a name
/// that stands twice included, in little time.
#[test]
fn members_of_wide_maps_are_found() {
    let n = 60_000;
    let json: String = (0..n).map(|at| format!("\"k{at}\":{at},")).collect();
    let value: Value =
        serde_json::from_str(&format!("{{\"a\":{{{json}\"metadata\":1}},\"b\":[]}}")).unwrap();
    let map = value.root().get("a").unwrap();
    let started = std::time::Instant::now();
    for at in 0..n {
        assert_eq!(map.get(&format!("k{at}")).and_then(super::Node::as_i64), Some(at));
    }
    assert_eq!(map.get("metadata").and_then(super::Node::as_i64), Some(1));
    assert!(map.get("k").is_none() && map.get("").is_none() && map.get("zz").is_none());
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
