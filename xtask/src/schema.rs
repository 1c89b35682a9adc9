//! `cargo xtask schema`: the schema tables of `base/schema` and the field names of
//! `model`, from the OpenAPI documents inside the Go module `k8s.io/kubernetes` of
//! each supported minor (fetched by `go mod download`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

/// The newest patch of each supported minor.
const VERSIONS: [(u16, &str); 4] =
    [(34, "v1.34.4"), (35, "v1.35.4"), (36, "v1.36.3"), (37, "v1.37.1")];

/// Field → (type, list-map keys, required), by type name; with a bit for each minor.
#[derive(Default)]
struct Tables {
    types: BTreeMap<String, Fields>,
    kinds: BTreeMap<GroupVersionKind, Kind>,
    /// How the newest minor's fields are merged, one a line.
    merges: BTreeSet<String>,
}

/// (name, type with keys) → minors.
type Fields = BTreeMap<(String, String), u8>;
type GroupVersionKind = (String, String, String);
/// Type, scope, resource, minors.
type Kind = (String, char, String, u8);

/// What is generated, by its path in the repository.
struct Generated {
    files: [(&'static str, String); 4],
}

pub(crate) fn run() -> Result<()> {
    let root = crate::root()?;
    for (path, text) in generate(module)?.files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// Generates everything from the folders that `module` finds for the versions.
fn generate(module: impl Fn(&str) -> Result<PathBuf>) -> Result<Generated> {
    let mut tables = Tables::default();
    for (bit, (minor, version)) in VERSIONS.iter().enumerate() {
        let folder = module(version)?.join("api/openapi-spec/v3");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file)?;
            let document: Json =
                serde_json::from_str(&text).with_context(|| file.display().to_string())?;
            tables.add(&document, 1 << bit);
            if bit + 1 == VERSIONS.len() {
                tables.merging(&document);
            }
        }
        println!(
            "1.{minor} ({version}): {} types, {} kinds so far",
            tables.types.len(),
            tables.kinds.len()
        );
    }
    Ok(Generated {
        files: [
            ("crates/base/schema/src/generated/schema.txt", tables.text()),
            ("crates/base/schema/src/generated/merge.txt", tables.merge_text()),
            ("crates/model/src/keys.txt", tables.keys()),
            ("crates/base/schema/src/generated/rbac.jsonl", roles(module)?),
        ],
    })
}

/// The folder of a version of `k8s.io/kubernetes`.
fn module(version: &str) -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", &format!("k8s.io/kubernetes@{version}")])
        .env("GOFLAGS", "-mod=mod")
        .current_dir(std::env::temp_dir())
        .output()
        .context("failed to run go; it is needed to fetch the Kubernetes modules")?;
    let json: Json =
        serde_json::from_slice(&output.stdout).context("go mod download printed no JSON")?;
    match json["Dir"].as_str() {
        Some(folder) => Ok(folder.into()),
        None => bail!("k8s.io/kubernetes {version}: {}", json["Error"]),
    }
}

/// The API server's bootstrap roles and bindings: a bit per minor and the object.
fn roles(module: impl Fn(&str) -> Result<PathBuf>) -> Result<String> {
    let mut objects: BTreeMap<String, u8> = BTreeMap::new();
    for (bit, (_, version)) in VERSIONS.iter().enumerate() {
        let folder =
            module(version)?.join("plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata");
        for entry in std::fs::read_dir(&folder)?.filter_map(Result::ok) {
            let path = entry.path();
            if path.to_string_lossy().contains("featuregates") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            let parsed = ironhull_yaml::parse(
                ironhull_model::SourceId(0),
                &text,
                &ironhull_yaml::Limits::default(),
            );
            if let Some(problem) = parsed.diagnostics.first() {
                bail!("{}: {}", path.display(), problem.message);
            }
            for item in parsed
                .documents
                .iter()
                .filter_map(|document| document.value.root().get("items"))
                .flat_map(ironhull_model::Node::items)
            {
                *objects.entry(item.to_json()).or_default() |= 1 << bit;
            }
        }
    }
    Ok(objects
        .iter()
        .fold(String::new(), |text, (json, minors)| text + &format!("{minors} {json}\n")))
}

impl Tables {
    fn add(&mut self, document: &Json, bit: u8) {
        let empty = serde_json::Map::new();
        let schemas = document["components"]["schemas"].as_object().unwrap_or(&empty);
        for (name, schema) in schemas {
            let fields = self.types.entry(name.clone()).or_default();
            let required: BTreeSet<&str> = strings(&schema["required"]);
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                let mut ty = type_of(schema, schemas);
                let keys = strings(&schema["x-kubernetes-list-map-keys"]);
                if !keys.is_empty() {
                    ty += &format!("|{}", keys.into_iter().collect::<Vec<_>>().join(","));
                }
                if required.contains(field.as_str()) {
                    ty += " !";
                }
                *fields.entry((field.clone(), ty)).or_default() |= bit;
            }
        }
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            self.kind(path, item, schemas, bit);
        }
    }

    /// What server-side apply needs besides the keys of list-maps: `A TYPE` for a type
    /// that is replaced as a whole, `M TYPE FIELD` for such a map, `S TYPE FIELD` for a
    /// set, `D TYPE FIELD VALUE` for the default of a field, which may be a key.
    fn merging(&mut self, document: &Json) {
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let is_atomic = |schema: &Json| schema["x-kubernetes-map-type"] == "atomic";
            if is_atomic(schema) {
                self.merges.insert(format!("A {name}"));
            }
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                if is_atomic(schema) {
                    self.merges.insert(format!("M {name} {field}"));
                }
                if schema["x-kubernetes-list-type"] == "set" {
                    self.merges.insert(format!("S {name} {field}"));
                }
                let default = &schema["default"];
                if default.is_string() && default != "" || default.is_number() && default != 0 {
                    self.merges.insert(format!("D {name} {field} {default}"));
                }
            }
        }
    }

    fn merge_text(&self) -> String {
        let title = "# Generated by cargo xtask schema. Do not edit.\n".to_owned();
        self.merges.iter().fold(title, |text, line| text + line + "\n")
    }

    /// A kind is what a collection's `post` creates.
    fn kind(&mut self, path: &str, item: &Json, schemas: &serde_json::Map<String, Json>, bit: u8) {
        let gvk = &item["post"]["x-kubernetes-group-version-kind"];
        let (Some(group), Some(version), Some(kind)) =
            (gvk["group"].as_str(), gvk["version"].as_str(), gvk["kind"].as_str())
        else {
            return;
        };
        let resource = path.rsplit('/').next().unwrap_or_default();
        if path.contains("{name}") || resource.contains('{') {
            return;
        }
        let named = |schema: &Json| {
            schema["x-kubernetes-group-version-kind"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|of| of == gvk)
        };
        let Some((name, _)) = schemas.iter().find(|(_, schema)| named(schema)) else { return };
        let scope = if path.contains("/namespaces/{namespace}/") { 'n' } else { 'c' };
        let key = (group.to_owned(), version.to_owned(), kind.to_owned());
        let entry =
            self.kinds.entry(key).or_insert_with(|| (name.clone(), scope, resource.to_owned(), 0));
        entry.3 |= bit;
        if scope == 'n' {
            entry.1 = 'n';
        }
    }

    /// `T name`, then its fields `name type mask`; then `K group version kind type
    /// scope resource mask`. A type of fields is referred to by its number.
    fn text(&self) -> String {
        let numbers: BTreeMap<&str, usize> =
            self.types.keys().map(String::as_str).zip(0..).collect();
        let mut text = String::from("# Generated by cargo xtask schema. Do not edit.\n");
        for (name, fields) in &self.types {
            _ = writeln!(text, "T {name}");
            for ((field, ty), mask) in fields {
                _ = writeln!(text, "{field} {} {mask}", numbered(ty, &numbers));
            }
        }
        for ((group, version, kind), (ty, scope, resource, mask)) in &self.kinds {
            let group = if group.is_empty() { "-" } else { group };
            _ = writeln!(
                text,
                "K {group} {version} {kind} {} {scope} {resource} {mask}",
                numbers[ty.as_str()]
            );
        }
        text
    }

    fn keys(&self) -> String {
        let mut names: BTreeSet<&str> =
            self.types.values().flat_map(BTreeMap::keys).map(|(name, _)| name.as_str()).collect();
        names.extend([
            "app",
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
            "k8s-app",
            "cpu",
            "memory",
            "storage",
            "ephemeral-storage",
        ]);
        names.into_iter().fold(String::new(), |text, name| text + name + "\n")
    }
}

fn strings(list: &Json) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

/// `#name` stands for a reference until types have numbers.
fn numbered(ty: &str, numbers: &BTreeMap<&str, usize>) -> String {
    let Some((before, rest)) = ty.split_once('#') else { return ty.replace(" !", "!") };
    let end = rest.find(['|', ' ']).unwrap_or(rest.len());
    let number =
        numbers.get(&rest[..end]).map_or_else(|| "o".to_owned(), |number| format!("#{number}"));
    format!("{before}{number}{}", rest[end..].replace(" !", "!"))
}

/// s string · i integer · n number · b boolean · x int or string · q quantity ·
/// y bytes · d time · m time with microseconds · o anything · [T list · {T map · #name.
fn type_of(schema: &Json, schemas: &serde_json::Map<String, Json>) -> String {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    if let Some(reference) = reference {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return match name.rsplit('.').next().unwrap_or_default() {
            "Quantity" => "q".to_owned(),
            "IntOrString" => "x".to_owned(),
            "Time" => "d".to_owned(),
            "MicroTime" => "m".to_owned(),
            "Duration" => "s".to_owned(),
            "RawExtension" | "JSON" | "FieldsV1" | "Patch" => "o".to_owned(),
            "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrStringArray" => {
                "o".to_owned()
            }
            _ if schemas.get(name).is_some_and(|of| of["properties"].is_object()) => {
                format!("#{name}")
            }
            _ => schemas.get(name).map_or_else(
                || "o".to_owned(),
                |of| match of["type"].as_str() {
                    // A Go struct without fields: every member is unknown.
                    Some("object") if of["additionalProperties"].is_null() => format!("#{name}"),
                    Some("object") | None => "o".to_owned(),
                    Some(_) => type_of(of, schemas),
                },
            ),
        };
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => "y".to_owned(),
        (Some("string"), Some("int-or-string")) => "x".to_owned(),
        (Some("string"), Some("date-time")) => "d".to_owned(),
        (Some("string"), _) => "s".to_owned(),
        (Some("integer"), _) => "i".to_owned(),
        (Some("number"), _) => "n".to_owned(),
        (Some("boolean"), _) => "b".to_owned(),
        (Some("array"), _) => format!("[{}", type_of(&schema["items"], schemas)),
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            format!("{{{}", type_of(&schema["additionalProperties"], schemas))
        }
        _ => "o".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use anyhow::{Context, Result};

    /// A module's folder, if it is at hand; nothing is downloaded.
    fn at_hand(version: &str) -> Result<PathBuf> {
        let output = Command::new("go").args(["env", "GOMODCACHE"]).output().context("no Go")?;
        let cache = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        let folder = cache.join(format!("k8s.io/kubernetes@{version}"));
        folder.is_dir().then_some(folder).context("not in the module cache")
    }

    /// Tables, field names and default roles are those of the modules; for a minor
    /// whose module is not at hand it says so.
    #[test]
    fn generated_files_are_fresh() {
        let missing: Vec<&str> = super::VERSIONS
            .iter()
            .filter(|(_, version)| at_hand(version).is_err())
            .map(|(_, version)| *version)
            .collect();
        if !missing.is_empty() {
            println!(
                "k8s.io/kubernetes {} not at hand: the tables were not compared with it; \
                 `cargo xtask schema` fetches it",
                missing.join(", ")
            );
            return;
        }
        let root = crate::root().unwrap();
        for (path, text) in super::generate(at_hand).unwrap().files {
            let committed = std::fs::read_to_string(root.join(path)).unwrap();
            assert!(committed == text, "{path} is stale: run cargo xtask schema");
        }
    }
}
