//! Typed access to a call's arguments.

use std::net::IpAddr;

use crate::library::duration;
use crate::library::format::Format;
use crate::library::go::format_float_g;
use crate::library::ip::Cidr;
use crate::library::operand::{Operand, View};
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::string_format::Arg;
use crate::library::timestamp::Timestamp;
use crate::library::url::Url;

macro_rules! getters {
    ($($name:ident: $variant:ident -> $type:ty;)*) => {$(
        pub(super) fn $name<V: Operand>(arguments: &[V], at: usize) -> Result<$type, String> {
            match arguments.get(at).map(Operand::view) {
                Some(View::$variant(value)) => Ok(value),
                _ => Err("no such overload".into()),
            }
        }
    )*};
}

getters! {
    text: String -> &str;
    int: Int -> i64;
    truth: Bool -> bool;
    nanos: Duration -> i64;
    time: Timestamp -> Timestamp;
    quantity: Quantity -> &Quantity;
    semver: Semver -> &Semver;
    address: Ip -> IpAddr;
    block: Cidr -> Cidr;
    url: Url -> &Url;
    format: Format -> Format;
}

/// A list's elements.
pub(super) fn texts<V: Operand>(arguments: &[V], at: usize) -> Result<Vec<V>, String> {
    arguments.get(at).and_then(Operand::items).ok_or_else(|| "no such overload".into())
}

/// A value inside an error message.
pub(super) fn displayed(view: View<'_>) -> String {
    match view {
        View::Bool(value) => value.to_string(),
        View::Int(value) => value.to_string(),
        View::Uint(value) => value.to_string(),
        View::Double(value) => format_float_g(value),
        View::String(value) => value.to_owned(),
        View::Duration(nanos) => duration::format(nanos),
        View::Timestamp(at) => at.format(),
        View::Type(name) | View::Other(name) => name.to_owned(),
        View::Null => "0".to_owned(),
        _ => "a value".to_owned(),
    }
}

/// A value with the elements of its lists and maps, so that views can borrow them.
pub(super) struct Tree<V> {
    value: V,
    items: Vec<Tree<V>>,
    entries: Vec<(Tree<V>, Tree<V>)>,
}

impl<V: Operand> Tree<V> {
    pub(super) fn new(value: &V) -> Tree<V> {
        let items = value.items().unwrap_or_default();
        let entries = value.entries().unwrap_or_default();
        Tree {
            value: value.clone(),
            items: items.iter().map(Tree::new).collect(),
            entries: entries
                .iter()
                .map(|(key, value)| (Tree::new(key), Tree::new(value)))
                .collect(),
        }
    }

    pub(super) fn arg(&self) -> Arg<'_> {
        match self.value.view() {
            View::Null => Arg::Null,
            View::Bool(value) => Arg::Bool(value),
            View::Int(value) => Arg::Int(value),
            View::Uint(value) => Arg::Uint(value),
            View::Double(value) => Arg::Double(value),
            View::String(value) => Arg::String(value),
            View::Bytes(value) => Arg::Bytes(value),
            View::Duration(nanos) => Arg::Duration(nanos),
            View::Timestamp(at) => Arg::Timestamp(at),
            View::Type(name) => Arg::Type(name),
            View::List => Arg::List(self.items.iter().map(Tree::arg).collect()),
            View::Map => {
                Arg::Map(self.entries.iter().map(|(key, value)| (key.arg(), value.arg())).collect())
            }
            View::Quantity(_) => Arg::Other("kubernetes.Quantity"),
            View::Ip(_) => Arg::Other("net.IP"),
            View::Cidr(_) => Arg::Other("net.CIDR"),
            View::Url(_) => Arg::Other("kubernetes.URL"),
            View::Semver(_) => Arg::Other("kubernetes.Semver"),
            View::Format(_) => Arg::Other("kubernetes.NamedFormat"),
            View::Other(name) => Arg::Other(name),
        }
    }
}
