//! Equal to the API machinery's strict decoder on one document of a known kind.
//! Compared is: the set of unknown fields with their full paths, the set of keys
//! that are written twice, or that decoding fails as a whole because a value is of
//! the wrong kind (text for a number, a list for a map, a fraction for an integer).
//! Not compared, and not claimed by `strict`: the range of integers, the form of
//! times, quantities and base64.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ironhull_model::{Code, Minor, SourceId};
use ironhull_schema::{FieldType, KindInfo, Schema, TypeId, strict};
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;
use ironhull_yaml::{Limits, parse};

const N_OBJECTS: usize = 6_000;

/// Kinds that the API server decodes; the ones people write come more often.
const COMMON: &[(&str, &str, &str)] = &[
    ("", "v1", "Pod"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("batch", "v1", "CronJob"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Secret"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
];

struct Writer<'r> {
    rng: &'r mut Rng,
    schema: Schema,
    mix: &'r mut BTreeMap<&'static str, usize>,
    /// Mistakes in a thousand places.
    unknown: usize,
    repeated: usize,
    wrong: usize,
}

impl Writer<'_> {
    fn happens(&mut self, per_thousand: usize, what: &'static str) -> bool {
        let happens = self.rng.below(1000) < per_thousand;
        if happens {
            *self.mix.entry(what).or_default() += 1;
        }
        happens
    }

    fn object(&mut self, ty: TypeId, depth: usize, fixed: &[(&str, String)]) -> String {
        let schema = self.schema;
        let mut members: Vec<String> =
            fixed.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let fields: Vec<_> = schema.fields(ty).collect();
        for field in &fields {
            if fixed.iter().any(|(key, _)| *key == field.name) || field.name == "status" {
                continue;
            }
            let is_likely = field.required || self.rng.chance(700 / (fields.len() + 5) + 6);
            if is_likely && depth > 0 {
                let value = self.value(&field.ty, depth);
                let name = self.name(field.name, &fields);
                members.push(format!("{name}: {value}"));
                if self.happens(self.repeated, "repeated") {
                    let value = self.value(&field.ty, depth);
                    members.push(format!("{}: {value}", field.name));
                }
            }
        }
        if self.happens(self.unknown, "unknown") {
            let value = ["1", "{a: {b: 1}}", "[{a: 1}]", "null"][self.rng.below(4)];
            members.push(format!("extra{}: {value}", self.rng.below(2)));
        }
        format!("{{{}}}", members.join(", "))
    }

    /// A field's name, or nearly that.
    fn name(&mut self, name: &'static str, fields: &[&ironhull_schema::Field]) -> String {
        if !self.happens(self.unknown, "misspelt") {
            return name.to_owned();
        }
        let near = match self.rng.below(3) {
            0 => name.to_uppercase(),
            1 => name[..1].to_uppercase() + &name[1..],
            _ => format!("{name}s"),
        };
        if fields.iter().any(|field| field.name == near) { name.to_owned() } else { near }
    }

    fn value(&mut self, ty: &FieldType, depth: usize) -> String {
        if self.happens(self.wrong, "other kind of value") {
            let other = ["12", "true", "text", "[]", "{}", "1.5", "[1]", "{a: b}", "null", "\"7\""];
            return other[self.rng.below(other.len())].to_owned();
        }
        let pick = |rng: &mut Rng, values: &[&str]| values[rng.below(values.len())].to_owned();
        match ty {
            FieldType::String => {
                pick(self.rng, &["a", "\"\"", "\"12\"", "text with space", "null"])
            }
            FieldType::Bytes => pick(self.rng, &["aGk=", "\"\""]),
            FieldType::Time => {
                let times = ["2024-01-01T00:00:00Z", "2024-02-29T23:59:59.5+02:00"];
                let wrong = ["2024-02-30T00:00:00Z", "2024-01-01", "2024-01-01T24:00:00Z", ""];
                let is_wrong = self.happens(self.wrong, "no time");
                format!(
                    "\"{}\"",
                    if is_wrong { *self.rng.pick(&wrong) } else { *self.rng.pick(&times) }
                )
            }
            FieldType::MicroTime => {
                let is_wrong = self.happens(self.wrong, "no time");
                let seconds = if is_wrong { "00" } else { "00.123456" };
                format!("\"2024-01-01T00:00:{seconds}Z\"")
            }
            FieldType::Integer => pick(self.rng, &["0", "1", "-1", "0755", "8080", "1.0"]),
            FieldType::Number => pick(self.rng, &["0", "1.5", "-2"]),
            FieldType::Boolean => pick(self.rng, &["true", "false", "yes", "off"]),
            FieldType::IntOrString => pick(self.rng, &["80", "http", "\"80\"", "25%"]),
            FieldType::Quantity => pick(self.rng, &["100m", "1", "\"1Gi\"", "1.5"]),
            FieldType::Any => pick(self.rng, &["{a: 1}", "{}", "{x: [1, {y: z}]}"]),
            FieldType::List(item) => {
                let items: Vec<String> = (0..self.rng.below(3))
                    .map(|_| self.value(item, depth.saturating_sub(1)))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            FieldType::Map(item) => {
                let members: Vec<String> = (0..self.rng.below(3))
                    .map(|index| format!("k{index}: {}", self.value(item, depth.saturating_sub(1))))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
            FieldType::Type(ty) => self.object(*ty, depth.saturating_sub(1), &[]),
        }
    }
}

fn document(rng: &mut Rng, info: &KindInfo, mix: &mut BTreeMap<&'static str, usize>) -> String {
    let schema = Schema::of(Minor::v1(37));
    let some = |rng: &mut Rng, n: usize| if rng.chance(35) { n } else { 0 };
    let (unknown, repeated, wrong) = (some(rng, 90), some(rng, 90), some(rng, 120));
    let mut writer = Writer { rng, schema, mix, unknown, repeated, wrong };
    let api_version = match info.group {
        "" => info.version.to_owned(),
        group => format!("{group}/{}", info.version),
    };
    writer.object(info.ty, 9, &[("apiVersion", api_version), ("kind", info.kind.to_owned())])
}

fn answer(text: &str) -> String {
    let parsed = parse(SourceId(0), text, &Limits::default());
    let Some(document) = parsed.documents.first() else { return "no yaml".to_owned() };
    let Some(errors) = strict::check(Schema::of(Minor::v1(37)), document.value.root()) else {
        return "no kind".to_owned();
    };
    let mut found = BTreeSet::new();
    for diagnostic in &parsed.diagnostics {
        if diagnostic.code == Code::DuplicateKey {
            let key = diagnostic.message.split('"').nth(1).unwrap();
            found.insert(format!("duplicate {key}"));
        }
    }
    for error in errors {
        match error.message.strip_prefix("unknown field \"") {
            Some(rest) => {
                found.insert(format!("unknown field \"{}\"", rest.split('"').next().unwrap()));
            }
            None => return "fatal".to_owned(),
        }
    }
    serde_json::to_string(&found).unwrap()
}

#[test]
fn strict_errors_are_those_of_the_api_machinery() {
    let schema = Schema::of(Minor::v1(37));
    let mut rng = Rng::new(53);
    let mut mix = BTreeMap::new();
    // The aggregator's own kind is not in the clients' scheme.
    let all: Vec<&KindInfo> =
        schema.kinds().filter(|info| info.group != "apiregistration.k8s.io").collect();
    let common: Vec<&KindInfo> = COMMON
        .iter()
        .filter_map(|(group, version, kind)| schema.kind(group, version, kind))
        .collect();
    assert_eq!(common.len(), COMMON.len());
    let mut kinds = BTreeSet::new();
    let mut cases = Vec::new();
    for _ in 0..N_OBJECTS {
        let pool = if rng.chance(50) { &common } else { &all };
        let info = pool[rng.below(pool.len())];
        kinds.insert((info.group, info.version, info.kind));
        let text = document(&mut rng, info, &mut mix);
        let ours = answer(&text);
        let verdict = match ours.as_str() {
            "[]" => "sound",
            "fatal" => "fatal",
            "no kind" => "no kind",
            _ => "strict errors",
        };
        *mix.entry(verdict).or_default() += 1;
        let input = format!("{{\"strict\":{}}}", serde_json::to_string(&text).unwrap());
        cases.push(Case { input, ours });
    }
    println!("{N_OBJECTS} objects of {} kinds: {mix:?}", kinds.len());
    for what in ["sound", "fatal", "strict errors"] {
        assert!(mix[what] * 100 >= N_OBJECTS * 15, "too few are {what}: {mix:?}");
    }
    oracle::check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
        "yaml-strict",
        &cases,
    );
}
