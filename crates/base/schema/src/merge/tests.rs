use ironhull_model::{Minor, Value};

use super::{merge, merge_custom};
use crate::Schema;
use crate::crd::Structural;

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn check(schema: &str, object: &str, part: &str, expected: &str) {
    let of = Schema::of(Minor::NEWEST);
    let schema = Structural::read(value(schema).root());
    let got = merge_custom(of, &schema, &value(object), &value(part));
    let got = got.map_or_else(|error| error, |merged| merged.root().to_json());
    assert_eq!(got, expected);
}

const LISTS: &str = r#"{"type":"object","properties":{
    "by":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name","port"],
        "items":{"type":"object","properties":{"name":{"type":"string"},
            "port":{"type":"integer","default":80},"x":{"type":"string"}}}},
    "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
    "whole":{"type":"array","items":{"type":"string"}}}}"#;

#[test]
fn lists_are_merged_as_their_definition_says() {
    check(
        LISTS,
        r#"{"by":[{"name":"a","x":"1"},{"name":"b"}],"set":["p","q"]}"#,
        r#"{"by":[{"name":"b","port":80,"x":"2"},{"name":"c"}],"set":["r","p"]}"#,
        r#"{"by":[{"name":"a","x":"1"},{"name":"b","port":80,"x":"2"},{"name":"c"}],"set":["r","p","q"]}"#,
    );
    check(
        LISTS,
        "{}",
        r#"{"whole":["a"]}"#,
        "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .whole",
    );
    // Repeated items of what is there are not merged.
    check(
        LISTS,
        r#"{"by":[{"name":"a","x":"1"},{"name":"a","x":"2"}]}"#,
        r#"{"by":[{"name":"a"}]}"#,
        r#"{"by":[{"name":"a"}]}"#,
    );
}

#[test]
fn values_of_other_types_are_refused() {
    check(
        LISTS,
        "{}",
        r#"{"set":["a",1]}"#,
        "failed to convert patch object to typed object: .set[=1]: expected string, got &value.valueUnstructured{Value:1}",
    );
    check(
        LISTS,
        r#"{"by":[{"x":"1"},"a"]}"#,
        r#"{"set":["a"]}"#,
        "failed to convert original object to typed object: .by: element 1: associative list with keys may not have non-map elements",
    );
    let of = Schema::of(Minor::NEWEST);
    let object = value(r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1}}"#);
    let error = merge(of, &object, &value(r#"{"spec":{"replicas":"two"}}"#)).unwrap_err();
    assert!(error.ends_with(".spec.replicas: expected numeric (int or float), got string"));
}
