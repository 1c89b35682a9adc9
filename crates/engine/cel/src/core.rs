//! Expressions after macro expansion, as they are checked and planned.

use crate::ast::{Const, Fold};
use crate::types::Type;

/// An expression with its place, and after checking with its type.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Set by the checker.
    pub(crate) ty: Type,
}

/// Which overload a call is, as far as the types tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Not checked yet, or nothing to find.
    None,
    /// This one, by its number in the registry.
    Overload(u16),
    /// Several fit: the values decide.
    Several,
    /// A host function, by its number.
    Host(u16),
}

/// What it is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Const(Const),
    /// A name; `root` names only what is global.
    Ident {
        name: Box<str>,
        root: bool,
    },
    /// A variable of the environment, by slot; whether it is meant although a
    /// comprehension around has one of the same name.
    Var(u16, bool),
    /// A comprehension's variable, by its place among those around it.
    Local(u16),
    /// What a comprehension has gathered so far.
    Accumulator,
    /// A type's name.
    TypeName(Box<str>),
    Select {
        operand: Box<Core>,
        field: Box<str>,
        /// Inside `has`.
        test: bool,
    },
    Call {
        target: Option<Box<Core>>,
        name: Box<str>,
        args: Vec<Core>,
        found: Found,
    },
    List(Vec<(Core, bool)>),
    Map(Vec<(Core, Core, bool)>),
    Struct {
        name: Box<str>,
        fields: Vec<(Box<str>, Core, bool)>,
    },
    Fold(Box<Comprehension>),
}

/// A comprehension: what macros stand for.
#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) fold: Fold,
    /// The element, or index and element; of [`Fold::Bind`] the bound name.
    pub(crate) vars: Vec<Box<str>>,
    /// Of [`Fold::Bind`] the value that is bound.
    pub(crate) range: Core,
    /// The accumulator from the accumulator and an element; of [`Fold::Bind`] the body.
    pub(crate) step: Core,
}

impl Core {
    pub(crate) fn new(kind: Kind, start: u32, end: u32) -> Core {
        Core { kind, start, end, ty: Type::Dyn }
    }

    /// `a.b.c` as a name, if it consists of names only.
    pub(crate) fn qualified_name(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident { name, .. } => Some(name.to_string()),
            Kind::Select { operand, field, test: false } => {
                Some(format!("{}.{field}", operand.qualified_name()?))
            }
            _ => None,
        }
    }
}
