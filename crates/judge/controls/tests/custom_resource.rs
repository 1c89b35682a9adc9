//! Equal to the API server for custom resources: the fields that strict decoding
//! refuses, the errors of validation and rules with field and message, and the
//! object with defaults, for generated pairs of schema and object.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ironhull_controls::rules::Rules;
use ironhull_model::{Minor, Value};
use ironhull_schema::crd::{self, ProblemKind, Structural};
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;

const N_PAIRS: usize = 4_000;

type Mix = BTreeMap<&'static str, usize>;

/// A schema's text, and how values of it are made.
enum Shape {
    Scalar {
        kind: &'static str,
        values: &'static [&'static str],
        wrong: &'static [&'static str],
    },
    List(Box<Shape>),
    /// A list whose items have an identity.
    Keyed(Box<Shape>),
    Map(Box<Shape>),
    Object(Vec<(&'static str, Shape)>),
    Any,
}

struct Writer<'r> {
    rng: &'r mut Rng,
    mix: &'r mut Mix,
    /// Mistakes in a thousand places.
    wild: usize,
}

/// Type, what may stand beside it, rules, values that hold, values that do not.
type Scalar = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const SCALARS: &[Scalar] = &[
    (
        "integer",
        r#""type":"integer""#,
        &["self > 2", "self % 2 == 0", "self < 100 && self != 7"],
        &["4", "8", "6"],
        &["0", "1", "7", "200", "1.5", "\"a\"", "true", "null", "[]"],
    ),
    (
        "bounded integer",
        r#""type":"integer","minimum":2,"maximum":9,"multipleOf":2"#,
        &["self >= 4"],
        &["4", "6", "8"],
        &["1", "3", "10", "-5", "\"4\""],
    ),
    (
        "exclusive integer",
        r#""type":"integer","minimum":2,"maximum":9,"exclusiveMinimum":true,"exclusiveMaximum":true"#,
        &[],
        &["3", "8"],
        &["2", "9"],
    ),
    (
        "int32",
        r#""type":"integer","format":"int32""#,
        &["self < 5"],
        &["4"],
        &["2147483648", "\"a\"", "4.0", "1.5"],
    ),
    (
        "number",
        r#""type":"number","minimum":0.5"#,
        &["self < 10.5", "self >= 1.0"],
        &["1.5", "2", "3.25"],
        &["0.25", "20", "\"1\"", "-1e10"],
    ),
    (
        "string",
        r#""type":"string""#,
        &["self.startsWith('a')", "self.size() < 6", "self.matches('^[a-z]+$')"],
        &["\"abc\"", "\"a\"", "\"az\""],
        &["\"\"", "\"Bcdefgh\"", "1", "null", "{}", "\"é\\n\""],
    ),
    (
        "bounded string",
        r#""type":"string","minLength":2,"maxLength":4,"pattern":"^a[a-z]*$""#,
        &["self != 'abb'"],
        &["\"ab\"", "\"abcd\""],
        &["\"a\"", "\"abcde\"", "\"bb\"", "\"abb\"", "\"ééé\""],
    ),
    (
        "enum",
        r#""type":"string","enum":["one","two","t\"q"]"#,
        &["self == 'one'"],
        &["\"one\""],
        &["\"two\"", "\"three\"", "\"\"", "1"],
    ),
    ("integer enum", r#""type":"integer","enum":[1,2]"#, &[], &["1", "2"], &["3", "\"1\"", "1.0"]),
    ("boolean", r#""type":"boolean""#, &["self", "!self"], &["true", "false"], &["\"true\"", "0"]),
    (
        "nullable",
        r#""type":"string","nullable":true"#,
        &["self != 'x'"],
        &["null", "\"a\""],
        &["\"x\"", "3"],
    ),
    (
        "int or string",
        r#""x-kubernetes-int-or-string":true"#,
        &["type(self) == int ? self > 2 : self != 'x'", "self > 2"],
        &["3", "5"],
        &["\"x\"", "\"25%\"", "1", "1.5", "true", "[]"],
    ),
    (
        "defaulted",
        r#""type":"integer","default":5,"minimum":2"#,
        &["self != 3"],
        &["4", "null"],
        &["3", "1"],
    ),
    (
        "defaulted text",
        r#""type":"string","default":"none""#,
        &["self != 'bad'"],
        &["\"a\""],
        &["\"bad\"", "null"],
    ),
    (
        "byte",
        r#""type":"string","format":"byte""#,
        &["self.size() < 3"],
        &["\"aGk=\""],
        &["\"aGVsbG8=\"", "\"a\""],
    ),
    (
        "duration",
        r#""type":"string","format":"duration""#,
        &["self < duration('1h')"],
        &["\"5m\"", "\"1s\""],
        &["\"2h\"", "\"soon\"", "\"\""],
    ),
    (
        "date-time",
        r#""type":"string","format":"date-time""#,
        &["self < timestamp('2030-01-01T00:00:00Z')"],
        &["\"2024-01-01T00:00:00Z\""],
        &["\"2031-01-01T00:00:00Z\"", "\"2024-01-01\"", "\"2024-13-01T00:00:00Z\""],
    ),
    (
        "date",
        r#""type":"string","format":"date""#,
        &["self.getFullYear() < 2030"],
        &["\"2024-01-01\""],
        &["\"2031-01-01\"", "\"2024-02-30\"", "\"x\""],
    ),
    (
        "ipv4",
        r#""type":"string","format":"ipv4""#,
        &[],
        &["\"10.0.0.1\""],
        &["\"10.0.0.256\"", "\"::1\"", "\"10.0.0.01\"", "\"a\""],
    ),
    (
        "ipv6",
        r#""type":"string","format":"ipv6""#,
        &[],
        &["\"::1\"", "\"fe80::1:2\""],
        &["\"10.0.0.1\"", "\"g::\""],
    ),
    (
        "cidr",
        r#""type":"string","format":"cidr""#,
        &[],
        &["\"10.0.0.0/8\"", "\"10.1.2.3/8\""],
        &["\"10.0.0.0\"", "\"10.0.0.0/33\"", "\"x/8\""],
    ),
    (
        "uuid",
        r#""type":"string","format":"uuid""#,
        &[],
        &["\"123E4567-e89b-12d3-a456-426614174000\""],
        &["\"123\"", "\"\""],
    ),
    (
        "hostname",
        r#""type":"string","format":"hostname""#,
        &[],
        &["\"a.example\"", "\"web\""],
        &["\"-a\"", "\"a_b\"", "\"\""],
    ),
    (
        "mac",
        r#""type":"string","format":"mac""#,
        &[],
        &["\"00:11:22:33:44:55\""],
        &["\"00:11\"", "\"x\""],
    ),
    (
        "short name",
        r#""type":"string","format":"k8s-short-name""#,
        &[],
        &["\"web-1\""],
        &["\"Web\"", "\"-a\""],
    ),
    ("unknown format", r#""type":"string","format":"colour""#, &[], &["\"red\""], &["1"]),
    (
        "any of",
        r#""type":"integer","anyOf":[{"minimum":10},{"maximum":5}]"#,
        &[],
        &["11", "4"],
        &["7"],
    ),
    (
        "one of",
        r#""type":"integer","oneOf":[{"minimum":3},{"maximum":5}]"#,
        &[],
        &["2", "6"],
        &["4"],
    ),
    (
        "all of",
        r#""type":"integer","allOf":[{"minimum":3},{"maximum":5}]"#,
        &[],
        &["4"],
        &["2", "6"],
    ),
    ("not", r#""type":"string","not":{"pattern":"^x"}"#, &[], &["\"a\""], &["\"xa\""]),
];

const NAMES: &[&str] =
    &["a", "b", "c", "namespace", "a-b", "x.y", "d__e", "if", "p/q", "1st", "kind2", "size"];

impl Writer<'_> {
    fn hit(&mut self, what: &'static str) {
        *self.mix.entry(what).or_default() += 1;
    }

    fn happens(&mut self) -> bool {
        self.rng.below(1000) < self.wild
    }

    /// A schema's members, and the shape of its values.
    fn schema(&mut self, depth: usize) -> (String, Shape) {
        match self.rng.below(10) {
            0 | 1 if depth > 0 => self.list(depth),
            2 if depth > 0 => {
                self.hit("map");
                let (inner, shape) = self.schema(depth - 1);
                let bounds =
                    *self.rng.pick(&["", r#","maxProperties":2"#, r#","minProperties":1"#]);
                let rules =
                    self.rules(&["self.all(k, k != 'bad')", "self.size() < 3", "!('bad' in self)"]);
                let text =
                    format!(r#""type":"object","additionalProperties":{{{inner}}}{bounds}{rules}"#);
                (text, Shape::Map(Box::new(shape)))
            }
            3 | 4 if depth > 0 => self.object(depth - 1, ""),
            5 if depth > 0 && self.rng.chance(30) => {
                self.hit("preserved");
                let text = r#""type":"object","x-kubernetes-preserve-unknown-fields":true"#;
                (text.to_owned(), Shape::Any)
            }
            _ => {
                let (kind, text, rules, values, wrong) = SCALARS[self.rng.below(SCALARS.len())];
                self.hit(kind);
                let rules = self.rules(rules);
                (format!("{text}{rules}"), Shape::Scalar { kind, values, wrong })
            }
        }
    }

    fn list(&mut self, depth: usize) -> (String, Shape) {
        if self.rng.chance(30) {
            self.hit("list-map");
            let name = r#""name":{"type":"string"},"port":{"type":"integer"}"#;
            let (keys, required) = *self.rng.pick(&[
                (r#"["name"]"#, r#"["name"]"#),
                (r#"["name","port"]"#, r#"["name","port"]"#),
            ]);
            let rules = self.rules(&[
                "self == self.filter(x, x.name != 'b') + self.filter(x, x.name == 'b')",
                "self.filter(x, x.name != 'b') + self.filter(x, x.name == 'b') == self",
                "self + self == self",
                "(self + self.filter(x, x.name == 'a')).size() < 2",
                "self + self.map(x, self[0]) != self",
            ]);
            let text = format!(
                r#""type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":{keys},"items":{{"type":"object","required":{required},"properties":{{{name}}}}},"maxItems":3{rules}"#
            );
            const VALUES: &[&str] = &["\"a\"", "\"b\"", "\"c\""];
            const PORTS: &[&str] = &["1", "2"];
            let text_shape = Shape::Scalar { kind: "key", values: VALUES, wrong: &["\"a\"", "1"] };
            let port = Shape::Scalar { kind: "key", values: PORTS, wrong: &["1", "\"x\""] };
            let item = Shape::Object(vec![("name", text_shape), ("port", port)]);
            return (text, Shape::Keyed(Box::new(item)));
        }
        self.hit("list");
        let (inner, shape) = self.schema(depth - 1);
        let is_scalar = matches!(shape, Shape::Scalar { .. });
        // Items of a set have no default.
        let set = if is_scalar && !inner.contains("default") && self.rng.chance(30) {
            self.hit("set");
            r#","x-kubernetes-list-type":"set""#
        } else {
            ""
        };
        let bounds =
            *self.rng.pick(&["", r#","maxItems":2"#, r#","minItems":1"#, r#","maxItems":1"#]);
        let rules = match set {
            "" => self.rules(&["self.size() < 3", "self.size() != 1"]),
            _ => self.rules(&[
                "self == self.filter(x, x != self[0]) + self.filter(x, x == self[0])",
                "self.filter(x, x != self[0]) + self.filter(x, x == self[0]) == self",
                "(self + self).size() < 2",
                "self + self.filter(x, x != self[0]) != self",
            ]),
        };
        (
            format!(r#""type":"array","items":{{{inner}}}{set}{bounds}{rules}"#),
            if set.is_empty() { Shape::List(shape.into()) } else { Shape::Keyed(shape.into()) },
        )
    }

    fn object(&mut self, depth: usize, also: &str) -> (String, Shape) {
        self.hit("object");
        let mut properties = Vec::new();
        let mut shapes = Vec::new();
        let mut rules: Vec<String> = Vec::new();
        let mut names: Vec<&'static str> = NAMES.to_vec();
        for _ in 0..=self.rng.below(4) {
            let name = names.remove(self.rng.below(names.len()));
            let (text, shape) = self.schema(depth);
            properties.push(format!(r#""{name}":{{{text}}}"#));
            if let Shape::Scalar { kind, .. } = &shape {
                rules.extend(member_rules(name, kind));
            }
            shapes.push((name, shape));
        }
        let required: Vec<String> = shapes
            .iter()
            .filter(|_| self.rng.chance(25))
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let required = if required.is_empty() {
            String::new()
        } else {
            format!(r#","required":[{}]"#, required.join(","))
        };
        let pool: Vec<&str> = rules.iter().map(String::as_str).collect();
        let (field, _) = &shapes[0];
        let rules = self.object_rules(&pool, field);
        let text = format!(
            r#""type":"object","properties":{{{}}}{required}{rules}{also}"#,
            properties.join(",")
        );
        (text, Shape::Object(shapes))
    }

    fn rules(&mut self, pool: &[&str]) -> String {
        self.rules_with(pool, None)
    }

    fn object_rules(&mut self, pool: &[&str], field: &str) -> String {
        self.rules_with(pool, Some(field))
    }

    fn rules_with(&mut self, pool: &[&str], field: Option<&str>) -> String {
        if pool.is_empty() || !self.rng.chance(40) {
            return String::new();
        }
        let rules: Vec<String> = (0..=self.rng.below(2))
            .map(|_| {
                self.hit("rule");
                let rule = pool[self.rng.below(pool.len())];
                let mut text = format!(r#""rule":"{rule}""#);
                match self.rng.below(6) {
                    0 => text += r#","message":" must be right ""#,
                    1 => {
                        self.hit("message expression");
                        text += r#","messageExpression":"'wrong: ' + string(type(self) == type(self))""#;
                    }
                    2 => {
                        self.hit("transition rule");
                        text = String::from(r#""rule":"self == oldSelf""#);
                    }
                    _ => {}
                }
                match self.rng.below(6) {
                    0 => {
                        self.hit("reason");
                        let reasons = ["FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate", "FieldValueInvalid"];
                        text += &format!(r#","reason":"{}""#, self.rng.pick(&reasons));
                    }
                    1 => {
                        if let Some(field) = field.filter(|field| field.chars().all(char::is_alphanumeric) && !field.starts_with('1')) {
                            self.hit("field path");
                            text += &format!(r#","fieldPath":".{field}""#);
                        }
                    }
                    _ => {}
                }
                format!("{{{text}}}")
            })
            .collect();
        format!(r#","x-kubernetes-validations":[{}]"#, rules.join(","))
    }

    fn value(&mut self, shape: &Shape) -> String {
        if self.happens() && self.rng.chance(15) {
            let other = ["1", "\"a\"", "[]", "{}", "true", "null", "1.5", "[1]", "{\"a\":1}"];
            self.hit("other kind of value");
            return other[self.rng.below(other.len())].to_owned();
        }
        match shape {
            Shape::Scalar { values, wrong, .. } => {
                let pool = if self.happens() { wrong } else { values };
                pool[self.rng.below(pool.len())].to_owned()
            }
            Shape::List(inner) | Shape::Keyed(inner) => {
                let n = match shape {
                    Shape::Keyed(_) => 1 + self.rng.below(3),
                    _ if self.happens() => self.rng.below(4),
                    _ => 1,
                };
                let items: Vec<String> = (0..n).map(|_| self.value(inner)).collect();
                format!("[{}]", items.join(","))
            }
            Shape::Map(inner) => {
                let keys = ["k1", "k.2", "bad", "k4"];
                let n = if self.happens() { self.rng.below(5) } else { 1 };
                let members: Vec<String> = keys
                    .iter()
                    .take(n)
                    .map(|key| format!("\"{key}\":{}", self.value(inner)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            Shape::Object(shapes) => {
                let mut members: Vec<String> = Vec::new();
                for (name, shape) in shapes {
                    if self.happens() && self.rng.chance(50) {
                        continue;
                    }
                    let value = self.value(shape);
                    members.push(format!("\"{name}\":{value}"));
                }
                if self.happens() && self.rng.chance(40) {
                    self.hit("unknown field");
                    members.push("\"extra\":{\"deep\":1}".to_owned());
                }
                format!("{{{}}}", members.join(","))
            }
            Shape::Any => (*self.rng.pick(&["{}", "{\"x\":{\"y\":[1]}}"])).to_owned(),
        }
    }
}

/// Rules over a member, which may be missing.
fn member_rules(name: &str, kind: &str) -> Vec<String> {
    let escaped = match name {
        "namespace" | "if" => format!("__{name}__"),
        "1st" => return Vec::new(),
        name => name
            .replace("__", "__underscores__")
            .replace('-', "__dash__")
            .replace('.', "__dot__")
            .replace('/', "__slash__"),
    };
    match kind {
        "integer" | "defaulted" | "bounded integer" => {
            vec![
                format!("self.{escaped} > 3"),
                format!("!has(self.{escaped}) || self.{escaped} < 7"),
            ]
        }
        "string" | "enum" | "bounded string" => vec![
            format!("self.{escaped} != 'abb'"),
            format!("self.?{escaped}.orValue('a').size() < 5"),
        ],
        "number" => vec![format!("self.{escaped} * 2.0 < 7.0")],
        _ => vec![format!("has(self.{escaped})")],
    }
}

fn pair(rng: &mut Rng, mix: &mut Mix) -> (String, String) {
    let wild = *rng.pick(&[0, 0, 15, 60, 200]);
    let mut writer = Writer { rng, mix, wild };
    let (spec, shape) = writer.object(3, "");
    let root_rules = match writer.rng.below(6) {
        0 => {
            r#","x-kubernetes-validations":[{"rule":"self.metadata.name.startsWith('e')"},{"rule":"self.kind == 'Thing' && self.apiVersion == 'things.example/v1'"},{"rule":"self.metadata.name == 'other'"}]"#
        }
        1 => r#","x-kubernetes-validations":[{"rule":"has(self.spec)","message":"needs a spec"}]"#,
        _ => "",
    };
    let meta = if writer.rng.chance(30) {
        r#""apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"type":"object"},"#
    } else {
        ""
    };
    let embedded = if writer.rng.chance(10) {
        writer.hit("embedded");
        r#","template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}"#
    } else {
        ""
    };
    let schema = format!(
        r#"{{"type":"object","properties":{{{meta}"spec":{{{spec}}}{embedded}}}{root_rules}}}"#
    );
    let value = writer.value(&shape);
    let template = match (embedded.is_empty(), writer.rng.below(3)) {
        (true, _) => "",
        (_, 0) => {
            r#","template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{}}"#
        }
        (_, 1) => r#","template":{"kind":"","spec":{}}"#,
        _ => r#","template":{"apiVersion":1,"kind":"Pod"}"#,
    };
    let object = format!(
        r#"{{"apiVersion":"things.example/v1","kind":"Thing","metadata":{{"name":"example"}},"spec":{value}{template}}}"#
    );
    (schema, object)
}

fn answer(schema: &str, object: &str) -> (bool, String) {
    let schema_value: Value = serde_json::from_str(schema).unwrap();
    let object: Value = serde_json::from_str(object).unwrap();
    let schema = Structural::read(schema_value.root());
    let unknown = crd::unknown_fields(&schema, object.root());
    let mut paths: Vec<String> = unknown.iter().map(|(_, path)| crd::quoted(path)).collect();
    paths.sort();
    let object = crd::pruned(object.root(), &unknown);
    let object = crd::apply_defaults(&schema, &object).unwrap_or(object);
    let problems = crd::validate(&schema, object.root(), &ironhull_cel::matches);
    let mut errors: BTreeSet<String> = problems.iter().map(crd::Problem::text).collect();
    if !problems.iter().any(|problem| problem.kind == ProblemKind::Blocking) {
        let outcome = Rules::new(schema, Minor::v1(37)).ask(object.root());
        assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
        errors.extend(outcome.problems.iter().map(crd::Problem::text));
    }
    let valid = errors.is_empty() && paths.is_empty();
    let errors: Vec<String> =
        errors.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
    let text = format!(
        r#"{{"unknown":[{}],"errors":[{}],"object":{}}}"#,
        paths.join(","),
        errors.join(","),
        crd::sorted_json(object.root())
    );
    (valid, text)
}

#[test]
fn custom_resources_are_judged_as_the_api_server_does() {
    let mut rng = Rng::new(61);
    let mut mix = Mix::new();
    let mut n_valid = 0;
    let mut cases = Vec::new();
    for _ in 0..N_PAIRS {
        let (schema, object) = pair(&mut rng, &mut mix);
        let (valid, ours) = answer(&schema, &object);
        n_valid += usize::from(valid);
        cases.push(Case { input: format!(r#"{{"schema":{schema},"object":{object}}}"#), ours });
    }
    println!("{N_PAIRS} pairs, {n_valid} valid: {mix:?}");
    assert!(n_valid * 100 >= N_PAIRS * 40, "only {n_valid} valid");
    for (what, hits) in &mix {
        assert!(*hits >= 50, "{what} was hardly reached: {hits}");
    }
    oracle::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), "crd", &cases);
}
