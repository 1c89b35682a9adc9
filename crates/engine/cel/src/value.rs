//! Values at run time. What comes from a document stays a [`Node`] of it.

use std::borrow::Cow;
use std::rc::Rc;

use ironhull_model::{Builder, Kind, Node, Value};

use crate::ast::Const;
use crate::library::timestamp::Timestamp;
use crate::library::{duration, go};

/// The type of the map of a policy's variables.
pub(crate) const VARIABLES: &str = "kubernetes.variables";

mod compare;
mod list;
mod opaque;
mod structs;

pub use list::{List, ListType};
pub use opaque::Opaque;
pub(crate) use opaque::{CidrValue, FormatValue, QuantityValue, SemverValue, UrlValue};
pub use structs::Struct;

pub(crate) use compare::{compare_numbers, equal, hashable, is_key, member};

/// A value. Lists and maps made by an expression are shared, not copied.
#[derive(Clone, Debug)]
pub enum Val<'a> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A float.
    Double(f64),
    /// Text.
    Str(Cow<'a, str>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// Nanoseconds.
    Duration(i64),
    /// A moment.
    Time(Moment),
    /// A list made by an expression, or of joined objects.
    List(Rc<List<'a>>),
    /// A map made by an expression, in order of insertion.
    Map(Rc<Vec<(Val<'a>, Val<'a>)>>),
    /// A value or none.
    Optional(Option<Rc<Val<'a>>>),
    /// Part of a document: maps, lists, and scalars that are still to be read.
    Node(Node<'a>),
    /// A value of a library's type.
    Opaque(Rc<Opaque>),
    /// A type.
    Type(&'static str),
    /// What a struct literal made.
    Struct(Rc<Struct<'a>>),
    /// The variables of a policy, of which there are so many. What each of them is
    /// worth is found out when it is read: see [`crate::policy::Stage`].
    Variables(usize),
    /// Not known.
    Unknown,
}

/// A moment, kept apart so that the library's type stays private.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moment(pub(crate) Timestamp);

impl<'a> Val<'a> {
    /// A document's node as a value.
    pub fn from_node(node: Node<'a>) -> Val<'a> {
        Val::Node(node)
    }

    /// A part of a document, which is not known where it is masked.
    pub(crate) fn part(node: Node<'a>) -> Val<'a> {
        if is_masked(node) { Val::Unknown } else { Val::Node(node) }
    }

    /// Whether something in it is masked or not known, so that it is not known what it is
    /// equal to or holds.
    pub(crate) fn hides(&self) -> bool {
        match self {
            Val::Unknown => true,
            Val::Node(node) => any_masked(*node),
            Val::List(list) => list.items.iter().any(Val::hides),
            Val::Map(entries) => entries.iter().any(|(key, value)| key.hides() || value.hides()),
            Val::Struct(made) => made.fields().any(|(_, value)| value.hides()),
            Val::Optional(Some(inner)) => inner.hides(),
            _ => false,
        }
    }

    /// A map without entries.
    pub fn empty_map() -> Val<'a> {
        Val::Map(Rc::new(Vec::new()))
    }

    /// A complete list.
    pub fn list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::list_of(ListType::Atomic, items)
    }

    /// A complete list whose items are told apart in some way.
    pub fn list_of(ty: ListType, items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(Rc::new(List { items, ty, ..List::default() }))
    }

    /// A list that may have more elements than are known.
    pub fn open_list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(Rc::new(List { items, open: true, ..List::default() }))
    }

    pub(crate) fn str(text: impl Into<Cow<'a, str>>) -> Val<'a> {
        Val::Str(text.into())
    }

    pub(crate) fn opaque(value: Opaque) -> Val<'a> {
        Val::Opaque(Rc::new(value))
    }

    pub(crate) fn some(value: Val<'a>) -> Val<'a> {
        Val::Optional(Some(Rc::new(value)))
    }

    /// The node of a document that this value is.
    pub fn node(&self) -> Option<Node<'a>> {
        match self {
            Val::Node(node) => Some(*node),
            _ => None,
        }
    }

    /// Whether it is not known.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Val::Unknown)
    }

    /// Whether nothing in it is unknown, and no list in it may have more elements than
    /// are known.
    pub fn is_complete(&self) -> bool {
        match self {
            Val::Unknown => false,
            Val::List(list) => !list.open && list.items.iter().all(Val::is_complete),
            Val::Map(entries) => {
                entries.iter().all(|(key, value)| key.is_complete() && value.is_complete())
            }
            Val::Struct(made) => made.fields().all(|(_, value)| value.is_complete()),
            Val::Optional(Some(inner)) => inner.is_complete(),
            _ => true,
        }
    }

    /// A scalar node as the scalar it holds; anything else as it is.
    pub(crate) fn read(&self) -> Val<'a> {
        let Val::Node(node) = self else { return self.clone() };
        match node.kind() {
            Kind::Null => Val::Null,
            Kind::Bool => Val::Bool(node.as_bool().unwrap_or_default()),
            Kind::Int => Val::Int(node.as_i64().unwrap_or_default()),
            Kind::UInt => Val::Uint(node.as_u64().unwrap_or_default()),
            Kind::Float => Val::Double(node.as_f64().unwrap_or_default()),
            Kind::String => Val::Str(Cow::Borrowed(node.as_str().unwrap_or_default())),
            Kind::List | Kind::Map => self.clone(),
        }
    }

    /// List elements, or a map's keys; none of anything else.
    pub fn elements(&self) -> Vec<Val<'a>> {
        match self {
            Val::List(list) => list.items.clone(),
            Val::Map(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            Val::Node(node) if node.kind() == Kind::List => node.items().map(Val::part).collect(),
            Val::Node(node) => {
                node.entries().map(|(key, _)| Val::Str(Cow::Borrowed(key))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it is a list or map known to have no elements.
    pub fn is_empty(&self) -> bool {
        match self {
            Val::List(list) => !list.open && list.items.is_empty(),
            Val::Map(entries) => entries.is_empty(),
            Val::Node(node) => matches!(node.kind(), Kind::List | Kind::Map) && node.is_empty(),
            _ => false,
        }
    }

    /// Calls `visit` for what [`Val::elements`] gives.
    pub fn each_element(&self, mut visit: impl FnMut(Val<'a>)) {
        match self {
            Val::List(list) => list.items.iter().for_each(|item| visit(item.clone())),
            Val::Node(node) if node.kind() == Kind::List => {
                node.items().for_each(|item| visit(Val::part(item)));
            }
            other => other.elements().into_iter().for_each(visit),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            Val::Node(node) => node.as_str(),
            _ => None,
        }
    }

    /// The name of its type.
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Val::Struct(made) => made.type_name(),
            other => other.type_of(),
        }
    }

    /// Its type as a value.
    pub(crate) fn type_of(&self) -> &'static str {
        match self {
            Val::Null => "null_type",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Uint(_) => "uint",
            Val::Double(_) => "double",
            Val::Str(_) => "string",
            Val::Bytes(_) => "bytes",
            Val::Duration(_) => "google.protobuf.Duration",
            Val::Time(_) => "google.protobuf.Timestamp",
            Val::List(_) => "list",
            Val::Map(_) => "map",
            Val::Node(node) => match node.kind() {
                Kind::Null => "null_type",
                Kind::Bool => "bool",
                Kind::Int => "int",
                Kind::UInt => "uint",
                Kind::Float => "double",
                Kind::String => "string",
                Kind::List => "list",
                Kind::Map => "map",
            },
            Val::Optional(_) => "optional_type",
            Val::Opaque(opaque) => opaque.type_name(),
            Val::Type(_) => "type",
            // The reference gives the type of the type.
            Val::Struct(_) => "type",
            Val::Variables(_) => VARIABLES,
            Val::Unknown => "unknown",
        }
    }

    pub(crate) fn is_type(&self, name: &str) -> bool {
        self.type_name() == name
    }

    /// Whether it is a list that may have more elements than are known.
    pub fn is_open(&self) -> bool {
        matches!(self, Val::List(list) if list.open)
    }

    /// How many elements or entries it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Val::List(list) => list.items.len(),
            Val::Map(entries) => entries.len(),
            Val::Node(node) => node.len(),
            _ => 0,
        }
    }

    /// A list's first element, or a map's first key and its value.
    pub(crate) fn first(&self) -> Option<(Val<'a>, Val<'a>)> {
        match self {
            Val::List(list) => list.items.first().map(|item| (Val::Null, item.clone())),
            Val::Map(entries) => entries.first().cloned(),
            Val::Node(node) if node.kind() == Kind::List => {
                node.items().next().map(|item| (Val::Null, Val::part(item)))
            }
            Val::Node(node) => {
                node.entries().next().map(|(key, item)| (Val::str(key), Val::part(item)))
            }
            _ => None,
        }
    }

    /// A map's keys with their values.
    pub(crate) fn pairs(&self) -> Vec<(Val<'a>, Val<'a>)> {
        match self {
            Val::Map(entries) => entries.to_vec(),
            Val::Node(node) => {
                node.entries().map(|(key, item)| (Val::str(key), Val::part(item))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Calls `visit` for each element of a list.
    pub(crate) fn each(&self, mut visit: impl FnMut(Val<'a>)) {
        self.any(|item| {
            visit(item.clone());
            false
        });
    }

    /// Whether an element of a list holds.
    pub(crate) fn any(&self, mut holds: impl FnMut(&Val<'a>) -> bool) -> bool {
        match self {
            Val::List(list) => list.items.iter().any(holds),
            Val::Node(node) if node.kind() == Kind::List => {
                node.items().any(|item| holds(&Val::part(item)))
            }
            _ => false,
        }
    }

    /// As a person reads it: text without quotes, anything else as JSON.
    pub fn display(&self) -> String {
        match self.read() {
            Val::Str(text) => text.into_owned(),
            Val::Duration(nanos) => duration::format(nanos),
            Val::Time(moment) => moment.0.format(),
            Val::Opaque(opaque) => opaque.text(),
            Val::Type(name) => name.to_owned(),
            Val::Variables(_) => VARIABLES.to_owned(),
            Val::Unknown => "unknown".to_owned(),
            Val::Optional(None) => "none".to_owned(),
            Val::Optional(Some(inner)) => inner.display(),
            Val::Bytes(bytes) => go::quote_bytes(&bytes),
            _ => self.to_value().root().to_json(),
        }
    }

    /// As a document.
    pub fn to_value(&self) -> Value {
        let mut builder = Builder::new();
        self.write(&mut builder);
        builder.finish()
    }

    pub(crate) fn write(&self, builder: &mut Builder) {
        match self {
            Val::Node(node) => builder.copy(*node),
            Val::Null | Val::Unknown => builder.null(0, 0),
            Val::Bool(value) => builder.bool(*value, 0, 0),
            Val::Int(value) => builder.int(*value, 0, 0),
            Val::Uint(value) => builder.uint(*value, 0, 0),
            Val::Double(value) => builder.float(*value, 0, 0),
            Val::Str(text) => builder.str(text, 0, 0),
            Val::Struct(made) => {
                builder.begin_map(0);
                for (name, value) in made.fields() {
                    builder.key(name, 0);
                    value.write(builder);
                }
                builder.end(0);
            }
            Val::List(list) => {
                builder.begin_list(0);
                list.items.iter().for_each(|item| item.write(builder));
                builder.end(0);
            }
            Val::Map(entries) => {
                builder.begin_map(0);
                for (key, value) in entries.iter() {
                    builder.key(&key.display(), 0);
                    value.write(builder);
                }
                builder.end(0);
            }
            other => builder.str(&other.display(), 0, 0),
        }
    }
}

/// Whether a text of a document was masked.
pub(crate) fn is_masked(node: Node<'_>) -> bool {
    node.as_str().is_some_and(|text| ironhull_secrets::masked(text).is_some())
}

fn any_masked(node: Node<'_>) -> bool {
    match node.kind() {
        Kind::List => node.items().any(any_masked),
        Kind::Map => node.entries().any(|(_, child)| any_masked(child)),
        Kind::String => is_masked(node),
        _ => false,
    }
}

/// The types that expressions can name.
pub(crate) const TYPE_NAMES: [&str; 15] = [
    "bool",
    "bytes",
    "double",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
    "optional_type",
    "net.IP",
    "net.CIDR",
];

/// The number of a type that expressions can name.
pub(crate) fn type_number(name: &str) -> Option<u8> {
    TYPE_NAMES.iter().position(|known| *known == name).map(|at| at as u8)
}

impl<'a> From<&'a Const> for Val<'a> {
    fn from(constant: &'a Const) -> Val<'a> {
        match constant {
            Const::Null => Val::Null,
            Const::Bool(value) => Val::Bool(*value),
            Const::Int(value) => Val::Int(*value),
            Const::Uint(value) => Val::Uint(*value),
            Const::Double(value) => Val::Double(*value),
            Const::Str(text) => Val::Str(Cow::Borrowed(text)),
            Const::Bytes(bytes) => Val::Bytes(Rc::from(&**bytes)),
            Const::Duration(nanos) => Val::Duration(*nanos),
            Const::Time(text) => {
                Timestamp::parse(text).map_or(Val::Null, |moment| Val::Time(Moment(moment)))
            }
            Const::Type(number) => {
                Val::Type(TYPE_NAMES.get(*number as usize).copied().unwrap_or("type"))
            }
            Const::List(items) => Val::list(items.iter().map(Val::from).collect()),
            Const::Map(entries) => {
                let made = entries.iter().map(|(key, value)| (Val::from(key), Val::from(value)));
                Val::Map(Rc::new(made.collect()))
            }
        }
    }
}
