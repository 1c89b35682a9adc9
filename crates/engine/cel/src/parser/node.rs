//! The tree that is parsed.

use crate::ast::Const;

/// A parsed expression with its place, in bytes; parentheses around it do not count.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
    /// How many members, indices, operators and conditions are inside each other.
    pub(super) depth: u32,
}

/// What an expression is, before macros are expanded.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A literal.
    Const(Const),
    /// A name; `root` names only what is global: `.name`.
    Ident {
        /// The name.
        name: Box<str>,
        /// Whether it begins with a dot.
        root: bool,
    },
    /// `operand.field` or `operand.?field`.
    Select {
        /// Of what.
        operand: Box<Node>,
        /// Which member.
        field: Box<str>,
        /// Whether it may be absent.
        optional: bool,
    },
    /// `operand[index]` or `operand[?index]`.
    Index {
        /// Of what.
        operand: Box<Node>,
        /// Which member or item.
        index: Box<Node>,
        /// Whether it may be absent.
        optional: bool,
    },
    /// A call; `_+_` and the like for operators, of which `_&&_` and `_||_` have
    /// any number of arguments.
    Call {
        /// What it is called on.
        receiver: Option<Box<Node>>,
        /// The function or macro.
        name: Box<str>,
        /// Its arguments.
        args: Vec<Node>,
    },
    /// Items; those marked are left out when they are absent.
    List(Vec<(Node, bool)>),
    /// Entries; those marked are left out when they are absent.
    Map(Vec<(Node, Node, bool)>),
    /// `Name{field: value}`; fields that are marked are left out when they are absent.
    Struct {
        /// The name of its type; `.Name` names only what is global.
        name: Box<str>,
        /// Its fields.
        fields: Vec<(Box<str>, Node, bool)>,
    },
}

impl Node {
    /// The nodes directly inside it, in the order of the text.
    pub fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Const(_) | Kind::Ident { .. } => Vec::new(),
            Kind::Select { operand, .. } => vec![operand],
            Kind::Index { operand, index, .. } => vec![operand, index],
            Kind::Call { receiver, args, .. } => {
                receiver.iter().map(|receiver| &**receiver).chain(args).collect()
            }
            Kind::List(items) => items.iter().map(|(item, _)| item).collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value, _)| [key, value]).collect(),
            Kind::Struct { fields, .. } => fields.iter().map(|(_, value, _)| value).collect(),
        }
    }
}
