//! Kubernetes CEL: the expression language of admission policies and CRD rules.
//!
//! [`Env`] says what names mean for one Kubernetes minor; [`compile`] parses,
//! expands macros and type-checks; a [`Program`] evaluates over documents by
//! reference. An open list and an unknown value propagate as such, so that an
//! absence nobody has looked for never becomes a verdict. [`policy`] has what
//! expressions of admission policies need besides.

mod ast;
mod authz;
mod check;
mod core;
mod env;
mod eval;
mod expand;
mod functions;
mod lexer;
mod library;
mod parser;
mod plan;
pub mod policy;
mod types;
mod value;

pub mod syntax {
    //! Expressions as they are written, for tools that change them.
    pub use crate::ast::Const;
    pub use crate::parser::{Kind, Node, is_word, parse};
}

pub use authz::{Authz, Check, Decision, Resource, Subject, Target};
pub use env::Env;
pub use eval::{Binding, Context, EvalError, Host, Part, Trace};
pub use types::{Type, TypeProvider};
pub use value::{List, ListType, Moment, Opaque, Struct, Val};

use ast::Expr;

/// Something that does not compile, with its place in the expression (bytes).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    /// What.
    pub message: String,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Issue {
    pub(crate) fn new(message: impl Into<String>, start: u32, end: u32) -> Issue {
        Issue { message: message.into(), start, end }
    }
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {
    expr: Expr,
    result: Type,
    /// The Kubernetes minor whose overloads are tried.
    minor: u32,
}

/// Bytes that are no encoded program.
#[derive(Debug)]
pub struct DecodeError(String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not an encoded program: {}", self.0)
    }
}

/// Compiles an expression.
pub fn compile(env: &Env, text: &str) -> Result<Program, Vec<Issue>> {
    let node = parser::parse(text).map_err(|issue| vec![issue])?;
    let one = |issue| vec![issue];
    let mut core = expand::expand(env, &node).map_err(one)?;
    check::check(env, &mut core).map_err(one)?;
    check::validate(&core, env.functions.minor).map_err(one)?;
    let expr = plan::plan(&core, env.functions).map_err(one)?;
    Ok(Program { expr, result: core.ty, minor: env.functions.minor })
}

impl Program {
    /// The type of its result; dynamic for a decoded program.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// Whether it calls a host function, so that no API server could evaluate it.
    pub fn calls_host(&self) -> bool {
        let mut found = false;
        self.expr.walk(&mut |expr| found |= matches!(expr, Expr::Host { .. }));
        found
    }

    /// Whether it reads no variable but those of the slots for which `may` is true.
    pub fn reads_only(&self, may: impl Fn(usize) -> bool) -> bool {
        let mut only = true;
        self.expr.variables(&mut |slot| only &= may(slot));
        only
    }

    /// Evaluates it. `bindings` are the environment's variables by slot.
    pub fn eval<'a>(
        &'a self,
        bindings: &[Binding<'a>],
        context: &mut Context<'_, 'a>,
    ) -> Result<Val<'a>, EvalError> {
        eval::run(&self.expr, self.minor, bindings, context)
    }

    /// As bytes of this version.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(&(self.minor, &self.expr)).unwrap_or_default()
    }

    /// From bytes of this version.
    pub fn decode(bytes: &[u8]) -> Result<Program, DecodeError> {
        let (minor, expr) =
            postcard::from_bytes(bytes).map_err(|error| DecodeError(error.to_string()))?;
        Ok(Program { expr, result: Type::Dyn, minor })
    }
}

/// Whether a pattern of RE2's syntax matches anywhere in a text; none when it is no
/// pattern. Compiled patterns are kept by thread.
pub fn matches(pattern: &str, text: &str) -> Option<bool> {
    thread_local! {
        static PATTERNS: std::cell::RefCell<library::regex::PatternCache> = std::cell::RefCell::default();
    }
    PATTERNS.with_borrow_mut(|patterns| {
        patterns.get(pattern).ok().map(|pattern| pattern.is_match(text))
    })
}

/// A quantity as the API machinery writes it: `500m` for `0.5`; rounded up to `places` after
/// the point where they are said. None for what is none.
pub fn written_quantity(text: &str, places: Option<i64>) -> Option<String> {
    library::quantity::Quantity::written(text, places)
}

/// Which of two quantities (`100m`, `1Gi`) is more; none when one of them is none.
pub fn compare_quantities(a: &str, b: &str) -> Option<std::cmp::Ordering> {
    use library::quantity::Quantity;
    Some(Quantity::parse(a).ok()?.order(&Quantity::parse(b).ok()?))
}
