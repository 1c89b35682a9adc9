//! A resource's values and types as its rules see them: only what the schema
//! names, fields under escaped names, numbers, times and bytes by the schema.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use ironhull_cel::syntax::is_word;
use ironhull_cel::{Binding, Context, Env, ListType, Program, Type, TypeProvider, Val};
use ironhull_model::{Kind, Minor, Node};
use ironhull_schema::crd::{Additional, Structural};

/// The object types of one schema, by made-up names.
#[derive(Debug, Default)]
pub(super) struct Types {
    fields: HashMap<String, HashMap<String, Type>>,
}

impl TypeProvider for Types {
    fn field(&self, object: &str, field: &str) -> Option<Type> {
        self.fields.get(object)?.get(field).cloned()
    }
}

impl Types {
    /// The type of a schema's values; none when rules cannot see them.
    pub(super) fn declare(&mut self, schema: &Structural, is_root: bool) -> Option<Type> {
        if schema.int_or_string {
            return Some(Type::Dyn);
        }
        match schema.ty.as_str() {
            "array" => {
                let items = schema.items.as_deref()?;
                Some(Type::List(self.declare(items, items.embedded)?.into()))
            }
            "object" => {
                if let Additional::Schema(schema) = &schema.additional {
                    let value = self.declare(schema, schema.embedded)?;
                    return Some(Type::Map(Type::String.into(), value.into()));
                }
                Some(self.object(schema, is_root))
            }
            "string" => Some(match schema.format.as_str() {
                "byte" => Type::Bytes,
                "duration" => Type::Duration,
                "date" | "date-time" => Type::Timestamp,
                _ => Type::String,
            }),
            "boolean" => Some(Type::Bool),
            "number" => Some(Type::Double),
            "integer" => Some(Type::Int),
            _ => None,
        }
    }

    fn object(&mut self, schema: &Structural, is_root: bool) -> Type {
        let mut fields = HashMap::new();
        for (name, property) in &schema.properties {
            if let (Some(escaped), Some(ty)) =
                (escape(name), self.declare(property, property.embedded))
            {
                fields.insert(escaped.into_owned(), ty);
            }
        }
        if is_root {
            let name =
                || HashMap::from(["name", "generateName"].map(|n| (n.to_owned(), Type::String)));
            fields.insert("apiVersion".to_owned(), Type::String);
            fields.insert("kind".to_owned(), Type::String);
            if !has_object_meta(schema) {
                fields.insert("metadata".to_owned(), self.named(name()));
            }
        }
        self.named(fields)
    }

    fn named(&mut self, fields: HashMap<String, Type>) -> Type {
        let name = format!("object{}", self.fields.len());
        self.fields.insert(name.clone(), fields);
        Type::Object(name.as_str().into())
    }
}

/// Whether a resource's schema itself says what its metadata holds.
fn has_object_meta(schema: &Structural) -> bool {
    let is_text = |schema: Option<&Structural>| schema.is_some_and(|schema| schema.ty == "string");
    is_text(schema.property("kind"))
        && is_text(schema.property("apiVersion"))
        && schema.property("metadata").is_some_and(|metadata| {
            metadata.ty == "object"
                && is_text(metadata.property("name"))
                && is_text(metadata.property("generateName"))
        })
}

/// A property's name as an identifier; none when it cannot be one.
pub(super) fn escape(name: &str) -> Option<Cow<'_, str>> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_word(name) {
        return Some(format!("__{name}__").into());
    }
    if name.bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))) {
        return None;
    }
    if !name.contains("__") && !name.contains(['-', '.', '/']) {
        return Some(name.into());
    }
    let escaped = name
        .replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__");
    Some(escaped.into())
}

/// A node as a value of its schema's type.
pub(super) fn typed<'a>(schema: &Structural, node: Node<'a>, is_root: bool) -> Val<'a> {
    if node.is_null() {
        return Val::Null;
    }
    if schema.int_or_string {
        return Val::from_node(node);
    }
    match (schema.ty.as_str(), node.kind()) {
        ("array", Kind::List) => {
            let items = schema.items.as_deref();
            let item = |item| items.map_or(Val::Null, |items| typed(items, item, items.embedded));
            Val::list_of(list_type(schema), node.items().map(item).collect())
        }
        ("object", Kind::Map) => object(schema, node, is_root),
        ("number", _) => node.as_f64().map_or(Val::Null, Val::Double),
        ("string", Kind::String) => text(schema, node.as_str().unwrap_or_default()),
        _ => Val::from_node(node),
    }
}

fn list_type(schema: &Structural) -> ListType {
    match schema.list_type.as_str() {
        "set" => ListType::Set,
        "map" => {
            let fields = schema.list_keys.iter();
            let named = fields.map(|field| escape(field).unwrap_or(Cow::Borrowed(field)));
            ListType::Map(named.map(|field| field.into()).collect())
        }
        _ => ListType::Atomic,
    }
}

fn object<'a>(schema: &Structural, node: Node<'a>, is_root: bool) -> Val<'a> {
    let key = |name: Cow<'a, str>| Val::Str(name);
    let mut members: Vec<(Val<'a>, Val<'a>)> = Vec::new();
    if let Additional::Schema(schema) = &schema.additional {
        for (name, child) in node.entries() {
            members.push((key(Cow::Borrowed(name)), typed(schema, child, schema.embedded)));
        }
        return Val::Map(Rc::new(members));
    }
    // A field that is null is as one that is missing.
    for (name, child) in node.entries().filter(|(_, child)| !child.is_null()) {
        let is_meta = is_root && matches!(name, "apiVersion" | "kind" | "metadata");
        let Some(escaped) = escape(name) else { continue };
        match schema.property(name) {
            Some(property) if !is_meta || has_object_meta(schema) => {
                members.push((key(escaped), typed(property, child, property.embedded)));
            }
            _ if is_meta => members.push((key(escaped), meta(child))),
            _ => {}
        }
    }
    Val::Map(Rc::new(members))
}

/// Of metadata rules see the name only.
fn meta(node: Node<'_>) -> Val<'_> {
    if node.kind() != Kind::Map {
        return Val::from_node(node);
    }
    let names = node.entries().filter(|(name, _)| matches!(*name, "name" | "generateName"));
    let members = names.map(|(name, child)| (Val::Str(Cow::Borrowed(name)), Val::from_node(child)));
    Val::Map(Rc::new(members.collect()))
}

/// Conversions that the expression language has.
static TIME: LazyLock<Option<Program>> = LazyLock::new(|| conversion("timestamp(text)"));
static DURATION: LazyLock<Option<Program>> = LazyLock::new(|| conversion("duration(text)"));

fn conversion(text: &str) -> Option<Program> {
    let mut env = Env::new(Minor::NEWEST);
    env.variable("text", Type::String);
    ironhull_cel::compile(&env, text).ok()
}

fn text<'a>(schema: &Structural, text: &'a str) -> Val<'a> {
    let convert = |program: &'static Option<Program>, text: Cow<'a, str>| {
        let program = program.as_ref()?;
        program.eval(&[Binding::Val(Val::Str(text))], &mut Context::new()).ok()
    };
    let converted = match schema.format.as_str() {
        "date-time" => convert(&TIME, Cow::Borrowed(text)),
        "date" => convert(&TIME, Cow::Owned(format!("{text}T00:00:00Z"))),
        "duration" => convert(&DURATION, Cow::Borrowed(text)),
        "byte" => ironhull_model::base64::decode(text).map(|bytes| Val::Bytes(Rc::from(bytes))),
        _ => None,
    };
    converted.unwrap_or(Val::Str(Cow::Borrowed(text)))
}
