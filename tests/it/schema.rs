//! `-o json` is what `docs/schema/check-v1.json` promises. The few keywords that the
//! schema uses are checked here; an unknown one fails the test.

use serde_json::Value;

use super::cli::{repository, run_in};

pub(crate) fn problems(
    schema: &Value,
    root: &Value,
    value: &Value,
    path: &str,
    out: &mut Vec<String>,
) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let name = wanted.as_str().unwrap().rsplit('/').next().unwrap();
                problems(&root["$defs"][name], root, value, path, out);
                true
            }
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("type {other}"),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_i64() >= wanted.as_i64(),
            "pattern" => matches(wanted.as_str().unwrap(), value.as_str().unwrap_or_default()),
            "required" => wanted
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "additionalProperties" => {
                let known = &schema["properties"];
                let members = value.as_object().into_iter().flatten();
                for (name, member) in members.filter(|(name, _)| known.get(name).is_none()) {
                    let path = format!("{path}/{name}");
                    if *wanted == Value::Bool(false) {
                        out.push(format!("{path}: the schema in docs/schema does not know it"));
                    } else {
                        problems(wanted, root, member, &path, out);
                    }
                }
                true
            }
            "properties" => {
                for (name, inner) in wanted.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        problems(inner, root, member, &format!("{path}/{name}"), out);
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    problems(wanted, root, item, &format!("{path}/{index}"), out);
                }
                true
            }
            other => panic!("the schema uses {other}, which this test does not check"),
        };
        if !holds {
            out.push(format!("{path}: {keyword} {wanted} does not hold"));
        }
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[0-9a-f]{32}$" => text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "^IH[0-9]{4}$" => text.len() == 6 && text.starts_with("IH"),
        other => panic!("pattern {other}"),
    }
}

/// A schema of `docs/schema`.
pub(crate) fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(repository().join("docs/schema").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn json_keeps_to_its_schema() {
    let schema = schema("check-v1.json");
    let broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, name: b}\nspec: {containers: [{name: c, image: a}]}\n---\nkind: [\n";
    for (args, input) in [
        (&["check", "examples/shop", "-o", "json"][..], ""),
        (&["check", "examples/shop-hardened", "-o", "json"], ""),
        (&["check", "-", "-o", "json"], broken),
    ] {
        let run = run_in(&repository(), args, input);
        let value: Value = serde_json::from_str(&run.stdout).unwrap();
        let mut out = Vec::new();
        problems(&schema, &schema, &value, "", &mut out);
        assert!(out.is_empty(), "{args:?}\n{}", out.join("\n"));
    }
}

/// Code scanning takes what the standard's own schema takes.
#[test]
fn sarif_is_valid_by_the_standards_schema() {
    let broken = "apiVersion: v1\nkind: Pod\nmetadata: [";
    let inputs: Vec<String> = [
        (&["check", "examples/shop", "-o", "sarif"][..], ""),
        (&["check", "examples/shop-hardened", "-o", "sarif"], ""),
        (&["check", "-", "-o", "sarif"], broken),
    ]
    .into_iter()
    .map(|(args, input)| {
        let run = run_in(&repository(), args, input);
        let value: Value = serde_json::from_str(&run.stdout).unwrap();
        value.to_string()
    })
    .chain([r#"{"version":"2.1.0","runs":[{"tool":{"driver":{}}}]}"#.to_owned()])
    .collect();
    let Some(answers) = ironhull_testkit::oracle::ask_directly("sarif", &inputs) else {
        println!("SARIF was not validated: the program of testbed/oracle/sarif is not built");
        return;
    };
    let (wrong, ours) = answers.split_last().unwrap();
    assert!(ours.iter().all(|answer| answer == "valid"), "{ours:?}");
    assert!(wrong.contains("name is required"), "the validator takes anything: {wrong}");
}
