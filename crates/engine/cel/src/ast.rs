//! Expressions after macro expansion and checking: what is evaluated and encoded.

use ironhull_model::FieldName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A constant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Const {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
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
    /// The elements, ordered by the body.
    SortBy,
}

/// An expression.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Expr {
    Const(Const),
    /// A variable of the environment, by slot.
    Var(u16),
    /// A variable of a comprehension, by its place on the stack of locals.
    Local(u16),
    Select {
        operand: Box<Expr>,
        field: Name,
    },
    /// `operand.?field`.
    OptSelect {
        operand: Box<Expr>,
        field: Name,
    },
    /// `has(operand.field)`.
    Has {
        operand: Box<Expr>,
        field: Name,
    },
    Index {
        operand: Box<Expr>,
        index: Box<Expr>,
    },
    OptIndex {
        operand: Box<Expr>,
        index: Box<Expr>,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    If(Box<[Expr; 3]>),
    /// A function, by its number in [`crate::functions`].
    Call {
        function: u16,
        args: Box<[Expr]>,
    },
    /// A host function, by its number.
    Host {
        function: u16,
        args: Box<[Expr]>,
    },
    List(Box<[(Expr, bool)]>),
    Map(Box<[(Expr, Expr, bool)]>),
    /// `n_vars` locals from `local` on: the element, or index and element.
    Fold {
        fold: Fold,
        local: u16,
        n_vars: u8,
        range: Box<Expr>,
        when: Option<Box<Expr>>,
        body: Box<Expr>,
    },
    /// `optMap` (wraps the result) and `optFlatMap`.
    OptMap {
        local: u16,
        operand: Box<Expr>,
        body: Box<Expr>,
        flat: bool,
    },
}

impl Expr {
    /// Calls `visit` for this expression and all inside it.
    pub(crate) fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Const(_) | Expr::Var(_) | Expr::Local(_) => {}
            Expr::Select { operand, .. }
            | Expr::OptSelect { operand, .. }
            | Expr::Has { operand, .. } => operand.walk(visit),
            Expr::Index { operand, index } | Expr::OptIndex { operand, index } => {
                operand.walk(visit);
                index.walk(visit);
            }
            Expr::And(a, b) | Expr::Or(a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Expr::Not(a) => a.walk(visit),
            Expr::If(parts) => parts.iter().for_each(|part| part.walk(visit)),
            Expr::Call { args, .. } | Expr::Host { args, .. } => {
                args.iter().for_each(|arg| arg.walk(visit))
            }
            Expr::List(items) => items.iter().for_each(|(item, _)| item.walk(visit)),
            Expr::Map(entries) => entries.iter().for_each(|(key, value, _)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Expr::Fold { range, when, body, .. } => {
                range.walk(visit);
                if let Some(when) = when {
                    when.walk(visit);
                }
                body.walk(visit);
            }
            Expr::OptMap { operand, body, .. } => {
                operand.walk(visit);
                body.walk(visit);
            }
        }
    }
}
