//! Planned expressions: what is evaluated and encoded.
//!
//! The plan keeps the shape that the API server's evaluator gives an expression,
//! because costs and errors follow from it: chains of members and indices are one
//! [`Attr`], constants are folded, comprehensions are of a few known kinds.

use std::sync::OnceLock;

use ironhull_model::FieldName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::library::regex::Pattern;

/// A constant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Const {
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
    Str(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// Nanoseconds.
    Duration(i64),
    /// As text with its offset.
    Time(Box<str>),
    /// By its place in [`crate::value::TYPE_NAMES`].
    Type(u8),
    /// Folded items.
    List(Box<[Const]>),
    /// Folded entries.
    Map(Box<[(Const, Const)]>),
}

/// A member name, resolved.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Name(pub(crate) FieldName);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        Ok(Name(FieldName::new(<&str>::deserialize(from)?)))
    }
}

/// A constant pattern, compiled when it is first used.
#[derive(Debug)]
pub(crate) struct LazyPattern {
    text: Box<str>,
    compiled: OnceLock<Result<Pattern, String>>,
}

impl LazyPattern {
    pub(crate) fn new(text: &str) -> LazyPattern {
        LazyPattern { text: text.into(), compiled: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn get(&self) -> Result<&Pattern, &str> {
        let compiled = self.compiled.get_or_init(|| Pattern::new(&self.text));
        compiled.as_ref().map_err(String::as_str)
    }
}

impl Clone for LazyPattern {
    fn clone(&self) -> LazyPattern {
        LazyPattern::new(&self.text)
    }
}

impl PartialEq for LazyPattern {
    fn eq(&self, other: &LazyPattern) -> bool {
        self.text == other.text
    }
}

impl Serialize for LazyPattern {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for LazyPattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<LazyPattern, D::Error> {
        Ok(LazyPattern::new(<&str>::deserialize(from)?))
    }
}

/// What a comprehension does with its elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Fold {
    All,
    Exists,
    ExistsOne,
    /// Elements for which the condition holds.
    Filter,
    /// The body of each element, of those for which the condition holds.
    Map,
    /// A map from the same keys to the body.
    TransformMap,
    /// A map of the entries that the body gives.
    TransformMapEntry,
    /// No loop: the range is a value with a name, read only when it is needed.
    Bind,
}

/// A variable or value with the members that are taken of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Attr {
    pub(crate) base: Base,
    pub(crate) quals: Vec<Qual>,
}

/// What members are taken of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Base {
    /// A variable of the environment, by slot.
    Var(u16),
    /// The same behind a comprehension's variable of its name: `.name`.
    Root(u16),
    /// A variable of a comprehension, by its place on the stack of locals.
    Local(u16),
    /// Anything else.
    Value(Box<Expr>),
    /// One of two, by a condition.
    If(Box<(Expr, Attr, Attr)>),
}

/// A member or index, and whether its absence is no error.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Qual {
    Field(Name, bool),
    /// A number or truth value.
    Const(Const, bool),
    Attr(Box<Attr>, bool),
    /// Whether the member is there.
    Test(Name),
    /// A field of what is known to be a dynamic object.
    Native(Name),
    /// Whether such a field is set.
    TestNative(Name),
}

/// An expression.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Expr {
    Const(Const),
    Attr(Box<Attr>),
    /// Its last member is a test.
    Has(Box<Attr>),
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    Equal(Box<(Expr, Expr)>),
    NotEqual(Box<(Expr, Expr)>),
    Call(Box<Call>),
    /// A host function, by its number.
    Host {
        function: u16,
        args: Box<[Expr]>,
    },
    /// `value in [constants]`.
    InSet(Box<(Expr, Box<[Const]>)>),
    /// `text.matches('constant')`; whether it is called as a method.
    Matches(Box<(Expr, LazyPattern)>),
    /// `or`, and `orValue` if the flag is set.
    OrElse(Box<(Expr, Expr)>, bool),
    List(Box<[(Expr, bool)]>),
    Map(Box<[(Expr, Expr, bool)]>),
    Struct(Box<StructLiteral>),
    Fold(Box<Folded>),
    /// A constant that could not be made.
    Fail(Box<str>),
}

/// `Name{field: value, ?field: optional}`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct StructLiteral {
    pub(crate) name: Box<str>,
    pub(crate) fields: Box<[(Box<str>, Expr, bool)]>,
}

/// The type of one operation of a JSON Patch.
pub(crate) const JSON_PATCH: &str = "JSONPatch";

/// Whether a type is one of those that are named by their path from the root of the
/// object and have any field.
pub(crate) fn is_dynamic_object(name: &str) -> bool {
    name.strip_prefix("Object").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A call of a function of the registry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    /// By its number in the registry.
    pub(crate) function: u16,
    /// The overload, if the types told it.
    pub(crate) overload: Option<u16>,
    /// Whether the first argument that fails keeps the others from being read.
    pub(crate) stops: bool,
    pub(crate) args: Box<[Expr]>,
}

/// A comprehension: `n_vars` locals from `local` on, the element, or index and element.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Folded {
    pub(crate) fold: Fold,
    pub(crate) local: u16,
    pub(crate) n_vars: u8,
    pub(crate) range: Expr,
    pub(crate) when: Option<Expr>,
    pub(crate) body: Expr,
}

impl Attr {
    /// Takes one more member.
    pub(crate) fn push(&mut self, qual: Qual) {
        match &mut self.base {
            Base::If(parts) => {
                parts.1.push(qual.clone());
                parts.2.push(qual);
            }
            _ => self.quals.push(qual),
        }
    }

    fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        match &self.base {
            Base::Var(_) | Base::Root(_) | Base::Local(_) => {}
            Base::Value(value) => value.walk(visit),
            Base::If(parts) => {
                parts.0.walk(visit);
                parts.1.walk(visit);
                parts.2.walk(visit);
            }
        }
        for qual in &self.quals {
            if let Qual::Attr(index, _) = qual {
                index.walk(visit);
            }
        }
    }
}

impl Attr {
    fn named(&self, visit: &mut impl FnMut(usize, Option<&str>)) {
        if let Base::Var(slot) | Base::Root(slot) = self.base {
            let member = match self.quals.first() {
                Some(Qual::Field(name, _) | Qual::Test(name)) => Some(name.0.as_str()),
                _ => None,
            };
            visit(slot as usize, member);
        }
        if let Base::If(parts) = &self.base {
            parts.1.named(visit);
            parts.2.named(visit);
        }
        for qual in &self.quals {
            if let Qual::Attr(index, _) = qual {
                index.named(visit);
            }
        }
    }
}

impl Expr {
    /// Calls `visit` with the slot of each variable of the environment that is named.
    pub(crate) fn variables(&self, visit: &mut impl FnMut(usize)) {
        self.named(&mut |slot, _| visit(slot));
    }

    /// The same, with the first member that is taken of it by name.
    pub(crate) fn named(&self, visit: &mut impl FnMut(usize, Option<&str>)) {
        self.walk(&mut |expr| {
            if let Expr::Attr(attr) | Expr::Has(attr) = expr {
                attr.named(visit);
            }
        });
    }

    /// Calls `visit` for this expression and all inside it.
    pub(crate) fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Const(_) | Expr::Fail(_) => {}
            Expr::Attr(attr) | Expr::Has(attr) => attr.walk(visit),
            Expr::And(terms) | Expr::Or(terms) | Expr::Host { args: terms, .. } => {
                terms.iter().for_each(|term| term.walk(visit));
            }
            Expr::Equal(pair) | Expr::NotEqual(pair) | Expr::OrElse(pair, _) => {
                pair.0.walk(visit);
                pair.1.walk(visit);
            }
            Expr::InSet(parts) => parts.0.walk(visit),
            Expr::Matches(parts) => parts.0.walk(visit),
            Expr::Call(call) => call.args.iter().for_each(|arg| arg.walk(visit)),
            Expr::List(items) => items.iter().for_each(|(item, _)| item.walk(visit)),
            Expr::Map(entries) => entries.iter().for_each(|(key, value, _)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Expr::Struct(literal) => {
                literal.fields.iter().for_each(|(_, value, _)| value.walk(visit));
            }
            Expr::Fold(folded) => {
                folded.range.walk(visit);
                if let Some(when) = &folded.when {
                    when.walk(visit);
                }
                folded.body.walk(visit);
            }
        }
    }
}
