//! Values at run time. What comes from a document stays a [`Node`] of it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use ironhull_model::{Builder, Kind, Node, Value};

use crate::library::format::Format;
use crate::library::ip::Cidr;
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::timestamp::Timestamp;
use crate::library::url::Url;
use crate::library::{duration, go};

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
    /// Not known.
    Unknown,
}

/// A moment, kept apart so that the library's type stays private.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moment(pub(crate) Timestamp);

/// A list's elements, and whether there may be more of them.
#[derive(Debug)]
pub struct List<'a> {
    pub(crate) items: Vec<Val<'a>>,
    pub(crate) open: bool,
}

/// Values of the libraries' types.
#[derive(Debug)]
pub enum Opaque {
    #[doc(hidden)]
    Quantity(QuantityValue),
    #[doc(hidden)]
    Ip(IpAddr),
    #[doc(hidden)]
    Cidr(CidrValue),
    #[doc(hidden)]
    Url(UrlValue),
    #[doc(hidden)]
    Semver(SemverValue),
    #[doc(hidden)]
    Format(FormatValue),
}

macro_rules! wrap {
    ($($name:ident $inner:ty;)*) => { $(#[doc(hidden)] #[derive(Debug)] pub struct $name(pub(crate) $inner);)* };
}
wrap! {
    QuantityValue Quantity;
    CidrValue Cidr;
    UrlValue Url;
    SemverValue Semver;
    FormatValue Format;
}

impl<'a> Val<'a> {
    /// A document's node as a value.
    pub fn from_node(node: Node<'a>) -> Val<'a> {
        Val::Node(node)
    }

    /// A complete list.
    pub fn list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(Rc::new(List { items, open: false }))
    }

    /// A list that may have more elements than are known.
    pub fn open_list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(Rc::new(List { items, open: true }))
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
            Val::Node(node) if node.kind() == Kind::List => node.items().map(Val::Node).collect(),
            Val::Node(node) => {
                node.entries().map(|(key, _)| Val::Str(Cow::Borrowed(key))).collect()
            }
            _ => Vec::new(),
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
    pub(crate) fn type_name(&self) -> &'static str {
        match self.read() {
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
            Val::Node(node) => {
                if node.kind() == Kind::List {
                    "list"
                } else {
                    "map"
                }
            }
            Val::Optional(_) => "optional_type",
            Val::Opaque(opaque) => opaque.type_name(),
            Val::Type(_) => "type",
            Val::Unknown => "unknown",
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

    fn write(&self, builder: &mut Builder) {
        match self {
            Val::Node(node) => builder.copy(*node),
            Val::Null | Val::Unknown => builder.null(0, 0),
            Val::Bool(value) => builder.bool(*value, 0, 0),
            Val::Int(value) => builder.int(*value, 0, 0),
            Val::Uint(value) => builder.uint(*value, 0, 0),
            Val::Double(value) => builder.float(*value, 0, 0),
            Val::Str(text) => builder.str(text, 0, 0),
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

impl Opaque {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Opaque::Quantity(_) => "kubernetes.Quantity",
            Opaque::Ip(_) => "net.IP",
            Opaque::Cidr(_) => "net.CIDR",
            Opaque::Url(_) => "kubernetes.URL",
            Opaque::Semver(_) => "kubernetes.Semver",
            Opaque::Format(_) => "kubernetes.NamedFormat",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Opaque::Quantity(quantity) => quantity.0.canonical(),
            Opaque::Ip(ip) => ip.to_string(),
            Opaque::Cidr(cidr) => format!("{}/{}", cidr.0.ip(), cidr.0.prefix_length()),
            Opaque::Url(url) => url.0.text(),
            Opaque::Semver(semver) => format!("{:?}", semver.0),
            Opaque::Format(format) => format.0.name().to_owned(),
        }
    }
}

/// Equality across numeric types; values of other types differ.
pub(crate) fn equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a.read(), b.read()) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::Duration(a), Val::Duration(b)) => a == b,
        (Val::Time(a), Val::Time(b)) => a == b,
        (Val::Type(a), Val::Type(b)) => a == b,
        (Val::Optional(a), Val::Optional(b)) => match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => equal(&a, &b),
            _ => false,
        },
        (Val::Opaque(a), Val::Opaque(b)) => opaque_equal(&a, &b),
        (
            a @ (Val::Int(_) | Val::Uint(_) | Val::Double(_)),
            b @ (Val::Int(_) | Val::Uint(_) | Val::Double(_)),
        ) => compare_numbers(&a, &b) == Some(Ordering::Equal),
        (Val::Node(a), Val::Node(b)) => a == b,
        (a, b) if a.type_name() == "list" && b.type_name() == "list" => {
            let (a, b) = (a.elements(), b.elements());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal(a, b))
        }
        (a, b) if a.type_name() == "map" && b.type_name() == "map" => maps_equal(&a, &b),
        _ => false,
    }
}

fn maps_equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    let keys = a.elements();
    keys.len() == b.elements().len()
        && keys.iter().all(|key| match (member(a, key), member(b, key)) {
            (Some(a), Some(b)) => equal(&a, &b),
            _ => false,
        })
}

/// A map's value for a key.
pub(crate) fn member<'a>(map: &Val<'a>, key: &Val<'_>) -> Option<Val<'a>> {
    match map {
        Val::Node(node) => node.get(key.as_str()?).map(Val::Node),
        Val::Map(entries) => {
            entries.iter().find(|(known, _)| equal(known, key)).map(|(_, value)| value.clone())
        }
        _ => None,
    }
}

fn opaque_equal(a: &Opaque, b: &Opaque) -> bool {
    match (a, b) {
        (Opaque::Quantity(a), Opaque::Quantity(b)) => a.0.compare(&b.0) == Ordering::Equal,
        (Opaque::Ip(a), Opaque::Ip(b)) => a == b,
        (Opaque::Semver(a), Opaque::Semver(b)) => a.0.compare(&b.0) == Ordering::Equal,
        (a, b) => a.type_name() == b.type_name() && a.text() == b.text(),
    }
}

/// Order of numbers of any type; none for NaN.
pub(crate) fn compare_numbers(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Uint(a), Val::Uint(b)) => Some(a.cmp(b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Int(a), Val::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Uint(a), Val::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Int(a), Val::Double(b)) => double_order(i128::from(*a), *b),
        (Val::Uint(a), Val::Double(b)) => double_order(i128::from(*a), *b),
        (Val::Double(a), Val::Int(b)) => double_order(i128::from(*b), *a).map(Ordering::reverse),
        (Val::Double(a), Val::Uint(b)) => double_order(i128::from(*b), *a).map(Ordering::reverse),
        _ => None,
    }
}

fn double_order(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b >= 1e20 {
        return Some(Ordering::Less);
    }
    if b <= -1e20 {
        return Some(Ordering::Greater);
    }
    (a as f64).partial_cmp(&b)
}
