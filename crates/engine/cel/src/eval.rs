//! The evaluator: a walk over the plan with a stack of comprehension variables and
//! cel-go's rules for errors, unknowns and costs. What is charged, and when, is
//! what the API server's tracker observes, so that a budget ends where it does.

use std::rc::Rc;

use ironhull_model::{Kind, Node, Value};

use crate::ast::{Const, Expr, LazyPattern};
use crate::authz::{Check, Decision};
use crate::functions;
use crate::library::cost;
use crate::library::operand::{Operand, View};
use crate::policy::Stage;
use crate::value::{Val, hashable, is_key};

mod attr;
mod call;
mod fold;
mod locals;
mod structs;

use attr::Led;
use call::Equality;
use locals::Locals;

/// The API server's limit of one expression.
pub(crate) const COST_LIMIT: u64 = 1_000_000;
const LIST: u64 = 10;
const MAP: u64 = 30;
const STRUCT: u64 = 40;

/// Why an evaluation gave no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvalError {
    /// In the API server's words.
    pub message: String,
    /// It ends the evaluation and nothing absorbs it: the budget ran out, it was
    /// interrupted, or the API server's own evaluator would panic.
    pub fatal: bool,
}

impl EvalError {
    /// An ordinary error.
    pub fn new(message: impl Into<String>) -> EvalError {
        EvalError { message: message.into(), fatal: false }
    }

    /// Whether whoever evaluates it ended it.
    pub(crate) fn is_interruption(&self) -> bool {
        self.fatal && self.message == INTERRUPTED
    }

    pub(crate) fn panic(message: impl Into<String>) -> EvalError {
        EvalError { message: message.into(), fatal: true }
    }
}

type Eval<T> = Result<T, EvalError>;

/// A variable's value.
#[derive(Clone, Debug)]
pub enum Binding<'a> {
    /// A value.
    Val(Val<'a>),
    /// Not set: reading it is an error.
    Unset,
    /// The same, with the name that the error tells.
    Missing(&'static str),
}

/// Is told what an evaluation reads.
pub trait Trace<'a> {
    /// A node was read.
    fn read(&mut self, node: Node<'a>);
    /// A member was looked for and is not there.
    fn absent(&mut self, parent: Node<'a>, name: &str);
}

/// Answers host functions.
pub trait Host {
    /// Calls function `id` of the environment.
    fn call<'a>(&self, id: usize, args: &[Val<'a>]) -> Result<Val<'a>, EvalError>;

    /// Answers the authorizer's checks; none is not known. It is asked each time that
    /// a check is evaluated: the API server asks its authorizers once per request
    /// and question, so whoever asks others keeps the answers for a request.
    fn authorize(&self, _check: &Check) -> Option<Decision> {
        None
    }

    /// Tells what function `id` reads of its arguments; false when that is all of them.
    fn reads<'a>(&self, id: usize, args: &[Val<'a>], trace: &mut dyn Trace<'a>) -> bool {
        let _ = (id, args, trace);
        false
    }
}

/// A map or list of a document of which only a part is known: a member that is missing may
/// be there, and all of it together is not known.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Where it stands; the root of a document that was not read as a whole.
    pub node: Node<'a>,
    /// Whether a member that is missing may be there.
    pub may_have: fn(&str) -> bool,
}

impl<'a> Part<'a> {
    /// Whether it is of this node.
    pub fn is_of(&self, node: Node<'_>) -> bool {
        self.node.id() == node.id() && std::ptr::eq(self.node.value(), node.value())
    }

    /// Whether it is this node, or inside of it.
    fn is_in(&self, node: Node<'a>) -> bool {
        let mut at = Some(self.node).filter(|own| std::ptr::eq(own.value(), node.value()));
        while let Some(own) = at {
            if own.id() == node.id() {
                return true;
            }
            at = own.parent();
        }
        false
    }
}

/// What an evaluation may use and has used.
#[derive(Default)]
pub struct Context<'c, 'a> {
    /// Cost so far.
    pub cost: u64,
    /// The cost at which it stops; 0 means the API server's limit of one
    /// expression, 1,000,000.
    pub limit: u64,
    /// What it may cost together with the variables that it reads, for whoever evaluates
    /// much and has no time for all that the API server allows; none is all of that.
    pub allowance: Option<u64>,
    /// Asked every 100 iterations; true stops.
    pub interrupt: Option<&'c dyn Fn() -> bool>,
    /// Is told what is read.
    pub trace: Option<&'c mut dyn Trace<'a>>,
    /// Answers host functions and the authorizer's checks.
    pub host: Option<&'c dyn Host>,
    /// The documents that the API server holds as values of its Go types, which
    /// compare and are indexed more strictly: from Kubernetes 1.37 on the request, the
    /// Namespace, parameters of built-in kinds and, but for mutations, objects of
    /// built-in kinds.
    pub typed: &'c [&'a Value],
    /// What of documents is known in part only.
    pub parts: &'c [Part<'a>],
    /// What the policy's variables are worth.
    pub stage: Option<&'c mut Stage<'a>>,
}

impl Context<'_, '_> {
    /// A context with the API server's budget.
    pub fn new() -> Self {
        Context::default()
    }
}

struct Machine<'m, 'c, 'a> {
    bindings: &'m [Binding<'a>],
    context: &'m mut Context<'c, 'a>,
    locals: Locals<'a>,
    limit: u64,
    minor: u32,
    n_iterations: u32,
}

pub(crate) fn run<'a>(
    expr: &'a Expr,
    minor: u32,
    bindings: &[Binding<'a>],
    context: &mut Context<'_, 'a>,
) -> Eval<Val<'a>> {
    let limit = if context.limit == 0 { COST_LIMIT } else { context.limit };
    let limit = limit.min(context.allowance.unwrap_or(u64::MAX));
    let locals = Locals::default();
    let mut machine = Machine { bindings, context, locals, limit, minor, n_iterations: 0 };
    let value = machine.eval(expr)?;
    machine.note(&value);
    // A scalar of the document stays what it is to the caller: its node.
    Ok(match &value {
        Val::Node(node) if node.kind() == Kind::Bool => value.read(),
        _ => value,
    })
}

fn no_overload() -> EvalError {
    EvalError::new("no such overload")
}

impl<'a> Machine<'_, '_, 'a> {
    fn charge(&mut self, cost: u64) -> Eval<()> {
        self.context.cost = self.context.cost.saturating_add(cost);
        if self.context.cost > self.limit { Err(exceeded()) } else { Ok(()) }
    }

    /// Several costs of 1, of which the first over the limit ends the evaluation.
    fn charge_ones(&mut self, n: u64) -> Eval<()> {
        if self.context.cost.saturating_add(n) > self.limit {
            self.context.cost = self.limit.saturating_add(1);
            return Err(exceeded());
        }
        self.context.cost += n;
        Ok(())
    }

    /// Whether it is a list or map that the API server holds as a value of a Go type.
    fn is_typed(&self, value: &Val<'a>) -> bool {
        match value {
            Val::Node(node) if !self.context.typed.is_empty() => {
                matches!(node.kind(), Kind::List | Kind::Map)
                    && crate::policy::is_typed(*node, self.context.typed)
            }
            _ => false,
        }
    }

    /// `%T` of such a list or map.
    fn go_type_if_typed(&self, value: &Val<'a>) -> Option<&'static str> {
        let node = value.node().filter(|_| self.is_typed(value))?;
        let pointer = node.pointer();
        let name = pointer.as_str().rsplit('/').next().unwrap_or_default();
        Some(match (node.kind(), name) {
            (Kind::List, _) => "*common.reflectSchemalessTypedList",
            (_, "extra" | "labels" | "annotations") => "*common.reflectSchemalessTypedMap",
            _ => "*common.reflectSchemalessTypedStruct",
        })
    }

    fn note(&mut self, value: &Val<'a>) {
        if let (Val::Node(node), Some(trace)) = (value, self.context.trace.as_deref_mut()) {
            trace.read(*node);
        }
    }

    /// A value whose content is looked at.
    fn read(&mut self, expr: &'a Expr) -> Eval<Val<'a>> {
        let value = self.eval(expr)?;
        self.note(&value);
        match value {
            Val::Node(node) if self.part(node).is_some() => Ok(Val::Unknown),
            value => Ok(value),
        }
    }

    /// What is known of a node, if that is a part only.
    fn part(&self, node: Node<'a>) -> Option<&Part<'a>> {
        self.context.parts.iter().find(|part| part.is_of(node))
    }

    /// Whether something in a value is known in part only.
    fn holds_part(&self, value: &Val<'a>) -> bool {
        if self.context.parts.is_empty() {
            return false;
        }
        match value {
            Val::Node(node) => self.context.parts.iter().any(|part| part.is_in(*node)),
            Val::List(list) => list.items.iter().any(|item| self.holds_part(item)),
            Val::Map(entries) => entries.iter().any(|(_, value)| self.holds_part(value)),
            Val::Struct(made) => made.fields().any(|(_, value)| self.holds_part(value)),
            Val::Optional(Some(inner)) => self.holds_part(inner),
            _ => false,
        }
    }

    /// Whether a member that is missing may be there.
    fn may_have(&self, node: Node<'a>, name: &str) -> bool {
        self.part(node).is_some_and(|part| (part.may_have)(name))
    }

    fn eval(&mut self, expr: &'a Expr) -> Eval<Val<'a>> {
        match expr {
            Expr::Const(constant) => Ok(Val::from(constant)),
            Expr::Attr(attr) => self.attr(attr),
            Expr::Has(attr) => self.has(attr),
            Expr::And(terms) => self.logic(terms, false),
            Expr::Or(terms) => self.logic(terms, true),
            Expr::Equal(pair) => self.equality(&pair.0, &pair.1, Equality::Equal),
            Expr::NotEqual(pair) => self.equality(&pair.0, &pair.1, Equality::NotEqual),
            Expr::Call(call) => self.call(call),
            Expr::Host { function, args } => self.host(*function, args),
            Expr::InSet(parts) => self.in_set(&parts.0, &parts.1),
            Expr::Matches(parts) => self.matches(&parts.0, &parts.1),
            Expr::OrElse(pair, value) => self.or_else(&pair.0, &pair.1, *value),
            Expr::List(items) => {
                let made = self.list(items);
                self.after(made, LIST)
            }
            Expr::Map(entries) => {
                let made = self.map(entries);
                self.after(made, MAP)
            }
            Expr::Struct(literal) => {
                let made = self.literal(literal);
                self.after(made, STRUCT)
            }
            Expr::Fold(folded) => self.fold(folded),
            Expr::Fail(message) => Err(EvalError::new(&**message)),
        }
    }

    /// Charges what has been done, also when it failed.
    fn after<T>(&mut self, result: Eval<T>, cost: u64) -> Eval<T> {
        if is_fatal(&result) {
            return result;
        }
        self.charge(cost)?;
        result
    }

    /// `&&` and `||`: a deciding term wins over errors and unknowns of the others;
    /// unknown wins over error.
    fn logic(&mut self, terms: &'a [Expr], decisive: bool) -> Eval<Val<'a>> {
        let (mut unknown, mut error) = (false, None);
        for term in terms {
            match self.read(term) {
                Ok(value) => match value.view() {
                    View::Bool(value) if value == decisive => return Ok(Val::Bool(decisive)),
                    View::Bool(_) => {}
                    _ if value.is_unknown() => unknown = true,
                    _ => _ = error.get_or_insert_with(no_overload),
                },
                Err(failure) if failure.fatal => return Err(failure),
                Err(failure) => _ = error.get_or_insert(failure),
            }
        }
        match (unknown, error) {
            (true, _) => Ok(Val::Unknown),
            (false, Some(error)) => Err(error),
            (false, None) => Ok(Val::Bool(!decisive)),
        }
    }

    /// An argument; only fatal errors end the evaluation here.
    fn operand(&mut self, expr: &'a Expr) -> Eval<Eval<Val<'a>>> {
        match self.read(expr) {
            Err(error) if error.fatal => Err(error),
            other => Ok(other),
        }
    }

    /// `value in [constants]` costs nothing.
    fn in_set(&mut self, value: &'a Expr, set: &'a [Const]) -> Eval<Val<'a>> {
        let value = self.read(value)?;
        if value.is_unknown() {
            return Ok(Val::Unknown);
        }
        hashable(&value)?;
        Ok(Val::Bool(set.iter().any(|item| is_key(&Val::from(item), &value))))
    }

    fn matches(&mut self, text: &'a Expr, pattern: &'a LazyPattern) -> Eval<Val<'a>> {
        let value = self.read(text)?;
        if value.is_unknown() {
            return Ok(Val::Unknown);
        }
        let cost = cost::regex_cost(cost::size(&value), pattern.text().chars().count() as u64);
        let result = match (value.as_str(), pattern.get()) {
            (Some(text), Ok(pattern)) => Ok(Val::Bool(pattern.is_match(text))),
            (_, Err(error)) => Err(EvalError::new(error)),
            (None, _) => Err(no_overload()),
        };
        self.charge(cost)?;
        result
    }

    /// `or` and `orValue` look at their second argument only if they need it.
    fn or_else(&mut self, optional: &'a Expr, other: &'a Expr, value: bool) -> Eval<Val<'a>> {
        let led = match optional {
            Expr::Attr(attr) => self.led(attr)?,
            other => Led::To(self.eval(other)?),
        };
        let inner = match led {
            Led::Perhaps(inner) => inner,
            Led::To(Val::Optional(Some(inner))) => {
                Rc::try_unwrap(inner).unwrap_or_else(|shared| Val::clone(&shared))
            }
            Led::Nowhere | Led::To(Val::Optional(None)) => return self.eval(other),
            Led::To(Val::Unknown) => return Ok(Val::Unknown),
            Led::To(_) => return Err(no_overload()),
        };
        if !value {
            return Ok(Val::some(inner));
        }
        self.note(&inner);
        Ok(inner)
    }

    fn list(&mut self, items: &'a [(Expr, bool)]) -> Eval<Val<'a>> {
        let mut values = Vec::with_capacity(items.len());
        for (item, optional) in items {
            match (self.eval(item)?, optional) {
                (Val::Unknown, _) => return Ok(Val::Unknown),
                (Val::Optional(None), true) => {}
                (Val::Optional(Some(inner)), true) => values.push(Val::clone(&inner)),
                (value, true) => {
                    return Err(EvalError::new(functions::not_optional_element(&value)));
                }
                (value, false) => values.push(value),
            }
        }
        Ok(Val::list(values))
    }

    fn map(&mut self, entries: &'a [(Expr, Expr, bool)]) -> Eval<Val<'a>> {
        let mut made: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let key = self.read(key)?.read();
            if key.is_unknown() {
                return Ok(Val::Unknown);
            }
            let value = self.eval(value)?;
            let same = |known: &(Val<'a>, Val<'a>)| {
                known.0.type_name() == key.type_name() && is_key(&known.0, &key)
            };
            let value = match (value, optional) {
                (Val::Unknown, _) => return Ok(Val::Unknown),
                (Val::Optional(None), true) => {
                    hashable(&key)?;
                    made.retain(|known| !same(known));
                    continue;
                }
                (Val::Optional(Some(inner)), true) => Val::clone(&inner),
                (value, true) => {
                    return Err(EvalError::new(functions::not_optional_entry(&key, &value)));
                }
                (value, false) => value,
            };
            hashable(&key)?;
            match made.iter().position(same) {
                Some(at) => made[at].1 = value,
                None => made.push((key, value)),
            }
        }
        Ok(Val::Map(Rc::new(made)))
    }
}

pub(crate) const INTERRUPTED: &str = "operation interrupted";

fn is_fatal<T>(result: &Eval<T>) -> bool {
    matches!(result, Err(error) if error.fatal)
}

fn exceeded() -> EvalError {
    EvalError { message: "operation cancelled: actual cost limit exceeded".to_owned(), fatal: true }
}
