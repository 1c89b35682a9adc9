//! What the library functions ask of a value, and what they give back.

use std::net::IpAddr;

use super::format::Format;
use super::ip::Cidr;
use super::quantity::Quantity;
use super::semver::Semver;
use super::timestamp::Timestamp;
use super::url::Url;

/// A value as the libraries see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(&'v str),
    Bytes(&'v [u8]),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Timestamp),
    /// A type, by its name.
    Type(&'v str),
    /// See [`Operand::items`].
    List,
    /// See [`Operand::entries`].
    Map,
    Quantity(&'v Quantity),
    Ip(IpAddr),
    Cidr(Cidr),
    Url(&'v Url),
    Semver(&'v Semver),
    Format(Format),
    /// An optional, an authorizer, …: by the name of its type.
    Other(&'v str),
}

/// What a library function makes.
#[derive(Clone, Debug)]
pub(crate) enum Made<V> {
    /// A value that was there before.
    Value(V),
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    /// Nanoseconds.
    Duration(i64),
    List(Vec<Made<V>>),
    /// With string keys.
    Map(Vec<(String, Made<V>)>),
    Optional(Option<Box<Made<V>>>),
    Quantity(Quantity),
    Ip(IpAddr),
    Cidr(Cidr),
    Url(Url),
    Semver(Semver),
    Format(Format),
}

impl<V> Made<V> {
    /// A list of strings.
    pub(crate) fn strings(texts: impl IntoIterator<Item = impl Into<String>>) -> Made<V> {
        Made::List(texts.into_iter().map(|text| Made::String(text.into())).collect())
    }

    /// A list of values.
    pub(crate) fn list(values: impl IntoIterator<Item = V>) -> Made<V> {
        Made::List(values.into_iter().map(Made::Value).collect())
    }
}

/// A value of the evaluator. Cloning it is cheap: lists and maps are shared.
pub(crate) trait Operand: Clone {
    /// What it is.
    fn view(&self) -> View<'_>;
    /// Whether it is not known, which the reference never hands to a function.
    fn is_unknown(&self) -> bool {
        false
    }
    /// A list's elements; none for anything else.
    fn items(&self) -> Option<Vec<Self>>;
    /// A map's entries; none for anything else.
    fn entries(&self) -> Option<Vec<(Self, Self)>>;
    /// How many elements or entries; none for what has none.
    fn count(&self) -> Option<usize> {
        let items = || self.items().map(|items| items.len());
        items().or_else(|| self.entries().map(|entries| entries.len()))
    }
    /// An optional's value; none for anything else.
    fn content(&self) -> Option<Self>;
    /// CEL's `==` with this value on the left; the error of values that cannot be compared.
    fn equal(&self, other: &Self) -> Result<bool, String>;
}
