//! The evaluator's values as the libraries' operands.

use std::rc::Rc;

use ironhull_model::Kind;

use super::operand::{Made, Operand, View};
use crate::value::{
    CidrValue, FormatValue, Opaque, QuantityValue, SemverValue, UrlValue, Val, equal,
};

impl Operand for Val<'_> {
    fn view(&self) -> View<'_> {
        match self {
            Val::Null => View::Null,
            Val::Bool(value) => View::Bool(*value),
            Val::Int(value) => View::Int(*value),
            Val::Uint(value) => View::Uint(*value),
            Val::Double(value) => View::Double(*value),
            Val::Str(text) => View::String(text),
            Val::Bytes(bytes) => View::Bytes(bytes),
            Val::Duration(nanos) => View::Duration(*nanos),
            Val::Time(moment) => View::Timestamp(moment.0),
            Val::Type(name) => View::Type(name),
            Val::List(_) => View::List,
            Val::Map(_) => View::Map,
            Val::Optional(_) | Val::Struct(_) | Val::Variables(_) | Val::Unknown => {
                View::Other(self.type_name())
            }
            Val::Opaque(opaque) => match &**opaque {
                Opaque::Quantity(value) => View::Quantity(&value.0),
                Opaque::Ip(address) => View::Ip(*address),
                Opaque::Cidr(block) => View::Cidr(block.0),
                Opaque::Url(url) => View::Url(&url.0),
                Opaque::Semver(version) => View::Semver(&version.0),
                Opaque::Format(format) => View::Format(format.0),
                Opaque::Authz(authz) => View::Other(authz.type_name()),
            },
            Val::Node(node) => match node.kind() {
                Kind::Null => View::Null,
                Kind::Bool => View::Bool(node.as_bool().unwrap_or_default()),
                Kind::Int => View::Int(node.as_i64().unwrap_or_default()),
                Kind::UInt => View::Uint(node.as_u64().unwrap_or_default()),
                Kind::Float => View::Double(node.as_f64().unwrap_or_default()),
                Kind::String => View::String(node.as_str().unwrap_or_default()),
                Kind::List => View::List,
                Kind::Map => View::Map,
            },
        }
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Val::Unknown)
    }

    fn items(&self) -> Option<Vec<Self>> {
        matches!(self.view(), View::List).then(|| self.elements())
    }

    fn entries(&self) -> Option<Vec<(Self, Self)>> {
        if !matches!(self.view(), View::Map) {
            return None;
        }
        Some(self.pairs())
    }

    fn count(&self) -> Option<usize> {
        matches!(self.view(), View::List | View::Map).then(|| self.len())
    }

    fn content(&self) -> Option<Self> {
        match self {
            Val::Optional(Some(content)) => Some(Val::clone(content)),
            _ => None,
        }
    }

    fn equal(&self, other: &Self) -> Result<bool, String> {
        equal(self, other).ok_or_else(|| "no such overload".to_owned())
    }
}

impl<'a> From<Made<Val<'a>>> for Val<'a> {
    fn from(made: Made<Val<'a>>) -> Val<'a> {
        match made {
            Made::Value(value) => value,
            Made::Bool(value) => Val::Bool(value),
            Made::Int(value) => Val::Int(value),
            Made::Uint(value) => Val::Uint(value),
            Made::Double(value) => Val::Double(value),
            Made::String(text) => Val::str(text),
            Made::Duration(nanos) => Val::Duration(nanos),
            Made::List(items) => Val::list(items.into_iter().map(Val::from).collect()),
            Made::Map(entries) => Val::Map(Rc::new(
                entries.into_iter().map(|(key, value)| (Val::str(key), Val::from(value))).collect(),
            )),
            Made::Optional(content) => Val::Optional(content.map(|made| Rc::new(Val::from(*made)))),
            Made::Quantity(value) => Val::opaque(Opaque::Quantity(QuantityValue(value))),
            Made::Ip(address) => Val::opaque(Opaque::Ip(address)),
            Made::Cidr(block) => Val::opaque(Opaque::Cidr(CidrValue(block))),
            Made::Url(url) => Val::opaque(Opaque::Url(UrlValue(url))),
            Made::Semver(version) => Val::opaque(Opaque::Semver(SemverValue(version))),
            Made::Format(format) => Val::opaque(Opaque::Format(FormatValue(format))),
        }
    }
}
