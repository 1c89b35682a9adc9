//! Generated definitions of custom resources, objects of them, and parts to merge.

use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::{N_ASKS, NAMESPACES};
use crate::case::{Group, group};

/// So many definitions, and so many policies for each.
const N: usize = 12;
const N_POLICIES: usize = 5;

fn name(index: usize) -> (String, String) {
    (format!("Gen{index}"), format!("gens{index}"))
}

pub fn definitions() -> Vec<Value> {
    (0..N).map(|index| definition(index, &spec(index))).collect()
}

fn spec(index: usize) -> Value {
    object(&mut Rng::new(100 + index as u64), 0)
}

fn definition(index: usize, spec: &Value) -> Value {
    let (kind, plural) = name(index);
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.example.dev")},
        "spec": {"group": "example.dev", "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}}],
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()}}})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.below(6) {
        0 => json!({"type": "integer"}),
        1 => json!({"type": "boolean"}),
        2 => json!({"x-kubernetes-int-or-string": true}),
        3 => json!({"type": "string", "format": "date-time"}),
        4 => json!({"type": "integer", "default": 7}),
        _ => text(),
    }
}

fn object(rng: &mut Rng, depth: usize) -> Value {
    let n = 2 + rng.below(4);
    let properties: serde_json::Map<String, Value> =
        (0..n).map(|at| (format!("p{at}"), schema(rng, depth + 1))).collect();
    let mut object = json!({"type": "object", "properties": properties});
    if depth > 0 && rng.chance(15) {
        object["x-kubernetes-map-type"] = json!(rng.pick(&["atomic", "granular"]));
    }
    if depth > 0 && rng.chance(20) {
        object["x-kubernetes-preserve-unknown-fields"] = json!(true);
    }
    object
}

fn schema(rng: &mut Rng, depth: usize) -> Value {
    if depth > 3 {
        return scalar(rng);
    }
    match rng.below(12) {
        0 | 1 => object(rng, depth),
        2 => {
            // Of lists and maps in maps the API server tells the addresses.
            let member = if rng.chance(50) { object(rng, depth + 1) } else { scalar(rng) };
            json!({"type": "object", "additionalProperties": member})
        }
        3 => json!({"type": "array", "items": scalar(rng)}),
        4 => json!({"type": "array", "x-kubernetes-list-type": "set", "items": text()}),
        5..8 => {
            let mut item = object(rng, depth + 1);
            item["properties"]["name"] = text();
            item["required"] = json!(["name"]);
            let mut keys = vec!["name"];
            if rng.chance(50) {
                item["properties"]["port"] = json!({"type": "integer", "default": 80});
                keys.push("port");
            }
            // Such an item may not be replaced as a whole.
            item.as_object_mut().unwrap().remove("x-kubernetes-map-type");
            json!({"type": "array", "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": keys, "items": item})
        }
        8 => json!({"x-kubernetes-preserve-unknown-fields": true}),
        9 => json!({"type": "object", "x-kubernetes-embedded-resource": true,
            "x-kubernetes-preserve-unknown-fields": true}),
        _ => scalar(rng),
    }
}

const TEXTS: [&str; 4] = ["a", "b", "c", "2026-11-24T10:00:00Z"];

/// Some value of a schema; now and then of none.
fn value(rng: &mut Rng, schema: &Value) -> Value {
    if rng.chance(2) {
        return rng.pick(&[json!(1), json!("x"), json!([1]), json!({"x": 1})]).clone();
    }
    if schema["x-kubernetes-embedded-resource"] == true {
        return json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": rng.pick(&TEXTS)},
            "metadata": {"name": "x", "labels": {"l": rng.pick(&TEXTS)}, "finalizers": ["a.dev/a"]}});
    }
    match schema["type"].as_str() {
        Some("integer") => json!(rng.below(4)),
        Some("boolean") => json!(rng.chance(50)),
        Some("string") => json!(rng.pick(&TEXTS)),
        Some("array") => {
            let n = rng.below(4);
            let items: Vec<Value> = (0..n).map(|_| value(rng, &schema["items"])).collect();
            json!(items)
        }
        Some(_) => {
            let mut members = serde_json::Map::new();
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                let is_key = name == "name" && rng.chance(95);
                if is_key || rng.chance(60) {
                    members.insert(name.clone(), value(rng, member));
                }
            }
            let other = &schema["additionalProperties"];
            for key in ["k", "l"] {
                if other.is_object() && rng.chance(60) {
                    members.insert(key.to_owned(), value(rng, other));
                }
            }
            if rng.chance(5) {
                members.insert("unknown".to_owned(), json!({"x": [1]}));
            }
            Value::Object(members)
        }
        None => rng.pick(&[json!(1), json!("x"), json!({"x": 1, "y": {"z": 2}})]).clone(),
    }
}

/// An expression of a part; `path` is the type of objects there.
fn part(rng: &mut Rng, schema: &Value, path: &str) -> String {
    if rng.chance(2) {
        return rng.pick(&["1", "'x'", "1.5"]).to_string();
    }
    if schema["x-kubernetes-embedded-resource"] == true {
        return format!(
            "{path}{{apiVersion: 'v1', metadata: {path}.metadata{{labels: {{'m': 'y'}}, \
             finalizers: ['a.dev/b']}}}}"
        );
    }
    match schema["type"].as_str() {
        Some("integer") => rng.below(9).to_string(),
        Some("boolean") => rng.chance(50).to_string(),
        Some("string") => format!("'{}'", rng.pick(&TEXTS)),
        // Items of one list are of one type for sure when there is one of them.
        Some("array") if schema["x-kubernetes-list-type"].is_null() => match rng.chance(80) {
            true => "[]".to_owned(),
            false => format!("[{}]", part(rng, &schema["items"], path)),
        },
        Some("array") => {
            let items = &schema["items"];
            let n = 1 + rng.below(3);
            let items: Vec<String> = (0..n).map(|_| of_object(rng, items, path)).collect();
            format!("[{}]", items.join(", "))
        }
        Some(_) if schema["additionalProperties"].is_object() => {
            let member = part(rng, &schema["additionalProperties"], path);
            format!("{{'{}': {member}}}", rng.pick(&["k", "m"]))
        }
        Some(_) => of_object(rng, schema, path),
        None => match rng.below(3) {
            0 => "2".to_owned(),
            1 => "'y'".to_owned(),
            _ => format!("{path}{{x: 2, y: {path}.y{{w: 'new'}}}}"),
        },
    }
}

fn of_object(rng: &mut Rng, schema: &Value, path: &str) -> String {
    if schema["type"] == "string" {
        return format!("'{}'", rng.pick(&TEXTS));
    }
    let mut members = Vec::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let is_key = name == "name" && rng.chance(95);
        // What is atomic refuses the whole part.
        let is_atomic = member["x-kubernetes-map-type"] == "atomic";
        if is_key || rng.chance(if is_atomic { 5 } else { 35 }) {
            members.push(format!("{name}: {}", part(rng, member, &format!("{path}.{name}"))));
        }
    }
    format!("{path}{{{}}}", members.join(", "))
}

pub fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for index in 0..N {
        let mut rng = Rng::new(200 + index as u64);
        let spec = spec(index);
        for number in 0..N_POLICIES {
            let id = format!("d{index}x{number}");
            groups.push(group(&id, &written(&mut rng, index, &spec)));
        }
    }
    groups
}

fn written(rng: &mut Rng, index: usize, spec: &Value) -> Value {
    let (kind, plural) = name(index);
    let rules = json!([{"apiGroups": ["example.dev"], "apiVersions": ["v1"],
        "resources": [plural], "operations": ["CREATE"]}]);
    let n = 1 + rng.below(2);
    let mutations: Vec<Value> = (0..n)
        .map(|_| {
            let expression = format!("Object{{spec: {}}}", of_object(rng, spec, "Object.spec"));
            json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}})
        })
        .collect();
    let asks: Vec<Value> = (0..N_ASKS)
        .map(|_| {
            json!({"name": format!("generated {kind}"), "kind": kind, "plural": plural,
                "namespace": rng.pick(NAMESPACES), "object": {"spec": value(rng, spec)}})
        })
        .collect();
    json!({"policy": {"matchConstraints": {"resourceRules": rules}, "mutations": mutations},
        "binding": {"mutating": true}, "asks": asks})
}
