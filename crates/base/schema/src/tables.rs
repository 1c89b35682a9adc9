//! The generated tables, indexed.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A type's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TypeId(pub u16);

/// What a field holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldType {
    /// A string.
    String,
    /// Base64 text.
    Bytes,
    /// An RFC 3339 time.
    Time,
    /// An RFC 3339 time with exactly six digits of a second's fraction.
    MicroTime,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// An integer or a string.
    IntOrString,
    /// A resource quantity: a string or a number.
    Quantity,
    /// Anything.
    Any,
    /// A list.
    List(Box<FieldType>),
    /// A map with string keys.
    Map(Box<FieldType>),
    /// A type with fields.
    Type(TypeId),
}

/// One field of a type.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub ty: FieldType,
    /// For list-maps: the fields that make an item's key.
    pub keys: Vec<&'static str>,
    /// Whether the schema requires it.
    pub required: bool,
    pub(crate) minors: u8,
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// They do.
    Namespaced,
    /// They do not.
    Cluster,
}

/// A kind in one version.
#[derive(Debug)]
pub struct KindInfo {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Its type.
    pub ty: TypeId,
    /// Namespaced or not.
    pub scope: Scope,
    /// Plural resource name.
    pub resource: &'static str,
    pub(crate) minors: u8,
}

struct Tables {
    names: Vec<&'static str>,
    by_name: HashMap<&'static str, TypeId>,
    fields: Vec<Vec<Field>>,
    kinds: HashMap<&'static str, Vec<KindInfo>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| read(include_str!("generated/schema.txt")));

fn read(text: &'static str) -> Tables {
    let mut tables = Tables {
        names: Vec::new(),
        by_name: HashMap::new(),
        fields: Vec::new(),
        kinds: HashMap::new(),
    };
    for line in text.lines().skip(1) {
        let mut words = line.split(' ');
        match words.next() {
            Some("T") => {
                let name = words.next().unwrap_or_default();
                tables.by_name.insert(name, TypeId(tables.names.len() as u16));
                tables.names.push(name);
                tables.fields.push(Vec::new());
            }
            Some("K") => {
                let mut word = || words.next().unwrap_or_default();
                let group = match word() {
                    "-" => "",
                    group => group,
                };
                let (version, kind) = (word(), word());
                let ty = TypeId(word().parse().unwrap_or_default());
                let scope = if word() == "n" { Scope::Namespaced } else { Scope::Cluster };
                let resource = word();
                let minors = word().parse().unwrap_or_default();
                let info = KindInfo { group, version, kind, ty, scope, resource, minors };
                tables.kinds.entry(kind).or_default().push(info);
            }
            Some(name) => {
                let field =
                    field(name, words.next().unwrap_or("o"), words.next().unwrap_or_default());
                if let Some(fields) = tables.fields.last_mut() {
                    fields.push(field);
                }
            }
            None => {}
        }
    }
    tables
}

fn field(name: &'static str, ty: &'static str, minors: &str) -> Field {
    let (ty, required) = match ty.strip_suffix('!') {
        Some(ty) => (ty, true),
        None => (ty, false),
    };
    let (ty, keys) =
        ty.split_once('|').map_or((ty, Vec::new()), |(ty, keys)| (ty, keys.split(',').collect()));
    Field { name, ty: field_type(ty), keys, required, minors: minors.parse().unwrap_or_default() }
}

fn field_type(text: &str) -> FieldType {
    match text.as_bytes().first() {
        Some(b's') => FieldType::String,
        Some(b'y') => FieldType::Bytes,
        Some(b'd') => FieldType::Time,
        Some(b'm') => FieldType::MicroTime,
        Some(b'i') => FieldType::Integer,
        Some(b'n') => FieldType::Number,
        Some(b'b') => FieldType::Boolean,
        Some(b'x') => FieldType::IntOrString,
        Some(b'q') => FieldType::Quantity,
        Some(b'[') => FieldType::List(Box::new(field_type(&text[1..]))),
        Some(b'{') => FieldType::Map(Box::new(field_type(&text[1..]))),
        Some(b'#') => {
            text[1..].parse().map_or(FieldType::Any, |number| FieldType::Type(TypeId(number)))
        }
        _ => FieldType::Any,
    }
}

pub(crate) fn kinds(kind: &str) -> impl Iterator<Item = &'static KindInfo> {
    TABLES.kinds.get(kind).into_iter().flatten()
}

/// The kinds by the plural name of their resource.
static RESOURCES: LazyLock<HashMap<&'static str, Vec<&'static KindInfo>>> = LazyLock::new(|| {
    let mut resources: HashMap<&str, Vec<&KindInfo>> = HashMap::new();
    for info in all_kinds() {
        resources.entry(info.resource).or_default().push(info);
    }
    resources
});

pub(crate) fn resources(resource: &str) -> impl Iterator<Item = &'static KindInfo> {
    RESOURCES.get(resource).into_iter().flatten().copied()
}

pub(crate) fn all_kinds() -> impl Iterator<Item = &'static KindInfo> {
    let mut all: Vec<&KindInfo> = TABLES.kinds.values().flatten().collect();
    all.sort_by_key(|info| (info.group, info.version, info.kind));
    all.into_iter()
}

pub(crate) fn type_name(ty: TypeId) -> &'static str {
    TABLES.names.get(ty.0 as usize).copied().unwrap_or_default()
}

pub(crate) fn type_named(name: &str) -> Option<TypeId> {
    TABLES.by_name.get(name).copied()
}

pub(crate) fn fields(ty: TypeId) -> &'static [Field] {
    TABLES.fields.get(ty.0 as usize).map_or(&[], Vec::as_slice)
}
