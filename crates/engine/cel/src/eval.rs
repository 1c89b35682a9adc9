//! The evaluator: a walk over the expression with a stack of comprehension
//! variables, a budget, and cel-go's rules for errors and unknowns.

use std::borrow::Cow;
use std::rc::Rc;

use ironhull_model::{Kind, Node};

use crate::ast::{Const, Expr, Fold};
use crate::functions;
use crate::value::{List, Val, member};

/// The API server's limit of one expression.
pub(crate) const COST_LIMIT: u64 = 1_000_000;

/// Why an evaluation gave no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvalError {
    /// In the API server's words.
    pub message: String,
    /// The budget ran out or the evaluation was interrupted: nothing absorbs it.
    pub fatal: bool,
}

impl EvalError {
    /// An ordinary error.
    pub fn new(message: impl Into<String>) -> EvalError {
        EvalError { message: message.into(), fatal: false }
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
}

/// What an evaluation may use and has used.
#[derive(Default)]
pub struct Context<'c, 'a> {
    /// Cost so far.
    pub cost: u64,
    /// The cost at which it stops; 0 means [`COST_LIMIT`].
    pub limit: u64,
    /// Asked every 100 iterations; true stops.
    pub interrupt: Option<&'c dyn Fn() -> bool>,
    /// Is told what is read.
    pub trace: Option<&'c mut dyn Trace<'a>>,
    /// Answers host functions.
    pub host: Option<&'c dyn Host>,
}

impl Context<'_, '_> {
    /// A context with the API server's budget.
    pub fn new() -> Self {
        Context::default()
    }
}

impl<'a> From<&'a Const> for Val<'a> {
    fn from(constant: &'a Const) -> Val<'a> {
        match constant {
            Const::Null => Val::Null,
            Const::Bool(value) => Val::Bool(*value),
            Const::Int(value) => Val::Int(*value),
            Const::Uint(value) => Val::Uint(*value),
            Const::Double(value) => Val::Double(*value),
            Const::Str(text) => Val::Str(Cow::Borrowed(text)),
            Const::Bytes(bytes) => Val::Bytes(Rc::from(&**bytes)),
        }
    }
}

struct Machine<'m, 'c, 'a> {
    bindings: &'m [Binding<'a>],
    context: &'m mut Context<'c, 'a>,
    locals: Vec<Val<'a>>,
    limit: u64,
    n_iterations: u32,
}

pub(crate) fn run<'a>(
    expr: &'a Expr,
    bindings: &[Binding<'a>],
    context: &mut Context<'_, 'a>,
) -> Eval<Val<'a>> {
    let limit = if context.limit == 0 { COST_LIMIT } else { context.limit };
    let mut machine = Machine { bindings, context, locals: Vec::new(), limit, n_iterations: 0 };
    let value = machine.eval(expr)?;
    machine.note(&value);
    // A scalar of the document stays what it is to the caller: its node.
    Ok(match &value {
        Val::Node(node) if node.kind() == Kind::Bool => value.read(),
        _ => value,
    })
}

fn no_such_key(key: &str) -> EvalError {
    EvalError::new(format!("no such key: {key}"))
}

fn not_an_index() -> EvalError {
    EvalError::new("unsupported index type 'string' in list")
}

fn no_overload() -> EvalError {
    EvalError::new("no such overload")
}

impl<'a> Machine<'_, '_, 'a> {
    fn charge(&mut self, cost: u64) -> Eval<()> {
        self.context.cost = self.context.cost.saturating_add(cost);
        if self.context.cost > self.limit {
            return Err(EvalError {
                message: "operation cancelled: actual cost limit exceeded".to_owned(),
                fatal: true,
            });
        }
        Ok(())
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
        Ok(value.read())
    }

    fn eval(&mut self, expr: &'a Expr) -> Eval<Val<'a>> {
        match expr {
            Expr::Const(constant) => Ok(Val::from(constant)),
            Expr::Var(slot) => {
                self.charge(1)?;
                match self.bindings.get(*slot as usize) {
                    Some(Binding::Val(value)) => Ok(value.clone()),
                    _ => Err(EvalError::new("no such attribute(s)")),
                }
            }
            Expr::Local(at) => {
                self.charge(1)?;
                Ok(self.locals[*at as usize].clone())
            }
            Expr::Select { operand, field } => {
                self.charge(1)?;
                let operand = self.eval(operand)?;
                self.select(&operand, &field.0)
            }
            Expr::OptSelect { operand, field } => {
                self.charge(1)?;
                let operand = self.eval(operand)?;
                self.opt_select(operand, &field.0)
            }
            Expr::Has { operand, field } => {
                let operand = self.eval(operand)?;
                self.has(&operand, &field.0)
            }
            Expr::Index { operand, index } => {
                self.charge(1)?;
                let (operand, index) = (self.eval(operand)?, self.read(index)?);
                self.index(&operand, &index)
            }
            Expr::OptIndex { operand, index } => {
                self.charge(1)?;
                let (operand, index) = (self.eval(operand)?, self.read(index)?);
                self.opt_index(operand, &index)
            }
            Expr::And(a, b) => self.logic(a, b, false),
            Expr::Or(a, b) => self.logic(a, b, true),
            Expr::Not(operand) => {
                self.charge(1)?;
                match self.read(operand)? {
                    Val::Bool(value) => Ok(Val::Bool(!value)),
                    Val::Unknown => Ok(Val::Unknown),
                    _ => Err(no_overload()),
                }
            }
            Expr::If(parts) => match self.read(&parts[0])? {
                Val::Bool(true) => self.eval(&parts[1]),
                Val::Bool(false) => self.eval(&parts[2]),
                Val::Unknown => Ok(Val::Unknown),
                _ => Err(no_overload()),
            },
            Expr::Call { function, args } => self.call(*function, args),
            Expr::Host { function, args } => {
                self.charge(1)?;
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    let value = self.eval(arg)?;
                    self.note(&value);
                    values.push(value);
                }
                if values.iter().any(Val::is_unknown) {
                    return Ok(Val::Unknown);
                }
                match self.context.host {
                    Some(host) => host.call(*function as usize, &values),
                    None => Err(EvalError::new("no host for this function")),
                }
            }
            Expr::List(items) => self.list(items),
            Expr::Map(entries) => self.map(entries),
            Expr::Fold { fold, local, n_vars, range, when, body } => {
                self.fold(*fold, *local, *n_vars, range, when.as_deref(), body)
            }
            Expr::OptMap { local, operand, body, flat } => {
                self.opt_map(*local, operand, body, *flat)
            }
        }
    }

    fn select(&mut self, operand: &Val<'a>, field: &ironhull_model::FieldName) -> Eval<Val<'a>> {
        match operand {
            Val::Node(node) => match node.field(field) {
                Some(child) => Ok(Val::Node(child)),
                None if node.kind() == Kind::List => Err(not_an_index()),
                None => {
                    self.note_absent(*node, field.as_str());
                    Err(no_such_key(field.as_str()))
                }
            },
            Val::List(_) => Err(not_an_index()),
            Val::Map(_) => member(operand, &Val::str(field.as_str()))
                .ok_or_else(|| no_such_key(field.as_str())),
            Val::Unknown => Ok(Val::Unknown),
            Val::Optional(_) => self.opt_select(operand.clone(), field),
            _ => Err(no_such_key(field.as_str())),
        }
    }

    fn note_absent(&mut self, node: Node<'a>, name: &str) {
        if let Some(trace) = self.context.trace.as_deref_mut() {
            trace.absent(node, name);
        }
    }

    fn opt_select(&mut self, operand: Val<'a>, field: &ironhull_model::FieldName) -> Eval<Val<'a>> {
        let inner = match operand {
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Val::clone(&inner),
            other => other,
        };
        match &inner {
            Val::Unknown => Ok(Val::Unknown),
            Val::Node(node) => match node.field(field) {
                Some(child) => Ok(Val::some(Val::Node(child))),
                None if node.kind() == Kind::Map => {
                    self.note_absent(*node, field.as_str());
                    Ok(Val::Optional(None))
                }
                None if node.kind() == Kind::List => Err(not_an_index()),
                None => Ok(Val::Optional(None)),
            },
            Val::Map(_) => {
                Ok(Val::Optional(member(&inner, &Val::str(field.as_str())).map(Rc::new)))
            }
            Val::List(_) => Err(not_an_index()),
            _ => Ok(Val::Optional(None)),
        }
    }

    fn has(&mut self, operand: &Val<'a>, field: &ironhull_model::FieldName) -> Eval<Val<'a>> {
        Ok(match operand {
            Val::Unknown => Val::Unknown,
            Val::Node(node) => match node.field(field) {
                Some(child) => {
                    self.note(&Val::Node(child));
                    Val::Bool(true)
                }
                None if node.kind() == Kind::List => return Err(not_an_index()),
                None => {
                    self.note_absent(*node, field.as_str());
                    Val::Bool(false)
                }
            },
            Val::List(_) => return Err(not_an_index()),
            Val::Map(_) => Val::Bool(member(operand, &Val::str(field.as_str())).is_some()),
            Val::Optional(Some(inner)) => return self.has(inner, field),
            _ => Val::Bool(false),
        })
    }

    fn index(&mut self, operand: &Val<'a>, index: &Val<'a>) -> Eval<Val<'a>> {
        if operand.is_unknown() || index.is_unknown() {
            return Ok(Val::Unknown);
        }
        if let Val::Optional(_) = operand {
            return self.opt_index(operand.clone(), index);
        }
        let at = list_index(index);
        let shown = || index.display();
        match operand {
            Val::List(list) => {
                let at = at.ok_or_else(no_overload)?;
                match usize::try_from(at).ok().and_then(|at| list.items.get(at)) {
                    Some(item) => Ok(item.clone()),
                    None if list.open && at >= 0 => Ok(Val::Unknown),
                    None => Err(EvalError::new(format!("index out of bounds: {at}"))),
                }
            }
            Val::Node(node) if node.kind() == Kind::List => {
                let at = at.ok_or_else(no_overload)?;
                let item = usize::try_from(at).ok().and_then(|at| node.item(at));
                item.map(Val::Node)
                    .ok_or_else(|| EvalError::new(format!("index out of bounds: {at}")))
            }
            Val::Node(node) if node.kind() == Kind::Map => {
                if let Some(value) = member(operand, index) {
                    Ok(value)
                } else {
                    self.note_absent(*node, &shown());
                    Err(no_such_key(&shown()))
                }
            }
            Val::Map(_) => member(operand, index).ok_or_else(|| no_such_key(&shown())),
            _ => Err(no_overload()),
        }
    }

    fn opt_index(&mut self, operand: Val<'a>, index: &Val<'a>) -> Eval<Val<'a>> {
        let inner = match operand {
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => Val::clone(&inner),
            other => other,
        };
        match self.index(&inner, index) {
            Ok(Val::Unknown) => Ok(Val::Unknown),
            Ok(value) => Ok(Val::some(value)),
            Err(error)
                if error.message.starts_with("no such key")
                    || error.message.starts_with("index out") =>
            {
                Ok(Val::Optional(None))
            }
            Err(error) => Err(error),
        }
    }

    /// `&&` and `||`: a deciding side wins over an error or unknown of the other;
    /// unknown wins over error.
    fn logic(&mut self, a: &'a Expr, b: &'a Expr, decisive: bool) -> Eval<Val<'a>> {
        let left = self.read(a);
        match &left {
            Ok(Val::Bool(value)) if *value == decisive => return Ok(Val::Bool(decisive)),
            Err(error) if error.fatal => return left,
            _ => {}
        }
        let right = self.read(b);
        match (&left, &right) {
            (_, Ok(Val::Bool(value))) if *value == decisive => Ok(Val::Bool(decisive)),
            (_, Err(error)) if error.fatal => right,
            (Ok(Val::Bool(_)), Ok(Val::Bool(value))) => Ok(Val::Bool(*value)),
            (Ok(Val::Unknown), _) | (_, Ok(Val::Unknown)) => Ok(Val::Unknown),
            (Err(_), _) => left,
            (_, Err(_)) => right,
            _ => Err(no_overload()),
        }
    }

    fn call(&mut self, function: u16, args: &'a [Expr]) -> Eval<Val<'a>> {
        self.charge(1)?;
        // `orValue` and `or` look at their second argument only if they need it.
        if functions::is_or(function) && args.len() == 2 {
            return self.or_value(function, &args[0], &args[1]);
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.eval(arg)?;
            self.note(&value);
            values.push(value);
        }
        let (value, cost) = functions::call(function, &values)?;
        self.charge(cost)?;
        Ok(value)
    }

    fn or_value(&mut self, function: u16, optional: &'a Expr, other: &'a Expr) -> Eval<Val<'a>> {
        match self.eval(optional)? {
            Val::Unknown => Ok(Val::Unknown),
            Val::Optional(Some(inner)) if functions::is_or_value(function) => {
                let value = Val::clone(&inner);
                self.note(&value);
                Ok(value)
            }
            some @ Val::Optional(Some(_)) => Ok(some),
            Val::Optional(None) => self.eval(other),
            _ => Err(no_overload()),
        }
    }

    fn list(&mut self, items: &'a [(Expr, bool)]) -> Eval<Val<'a>> {
        self.charge(if items.is_empty() { 0 } else { 10 })?;
        let mut values = Vec::with_capacity(items.len());
        for (item, optional) in items {
            match (self.eval(item)?, optional) {
                (Val::Optional(None), true) => {}
                (Val::Optional(Some(inner)), true) => values.push(Val::clone(&inner)),
                (value, _) => values.push(value),
            }
        }
        Ok(Val::list(values))
    }

    fn map(&mut self, entries: &'a [(Expr, Expr, bool)]) -> Eval<Val<'a>> {
        self.charge(if entries.is_empty() { 0 } else { 30 })?;
        let mut made: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let key = self.read(key)?;
            let value = match (self.eval(value)?, optional) {
                (Val::Optional(None), true) => continue,
                (Val::Optional(Some(inner)), true) => Val::clone(&inner),
                (value, _) => value,
            };
            made.retain(|(known, _)| !crate::value::equal(known, &key));
            made.push((key, value));
        }
        Ok(Val::Map(Rc::new(made)))
    }

    fn opt_map(
        &mut self,
        local: u16,
        operand: &'a Expr,
        body: &'a Expr,
        flat: bool,
    ) -> Eval<Val<'a>> {
        match self.eval(operand)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => {
                self.locals.truncate(local as usize);
                self.locals.push(Val::clone(&inner));
                let value = self.eval(body);
                self.locals.truncate(local as usize);
                Ok(if flat { value? } else { Val::some(value?) })
            }
            Val::Unknown => Ok(Val::Unknown),
            _ => Err(no_overload()),
        }
    }

    fn step(&mut self) -> Eval<()> {
        self.n_iterations += 1;
        if self.n_iterations.is_multiple_of(100)
            && self.context.interrupt.is_some_and(|interrupt| interrupt())
        {
            return Err(EvalError { message: "operation interrupted".to_owned(), fatal: true });
        }
        Ok(())
    }

    fn fold(
        &mut self,
        fold: Fold,
        local: u16,
        n_vars: u8,
        range: &'a Expr,
        when: Option<&'a Expr>,
        body: &'a Expr,
    ) -> Eval<Val<'a>> {
        let range = self.eval(range)?;
        if range.is_unknown() {
            return Ok(Val::Unknown);
        }
        self.note(&range);
        let local = local as usize;
        debug_assert!(self.locals.len() >= local);
        self.locals.truncate(local);
        let mut state = State::new(fold);
        // The iteration borrows nothing of the machine, so that lists of
        // documents are passed without a copy.
        let outcome = match &range {
            Val::List(list) => {
                state.open = list.open;
                self.each(
                    list.items
                        .iter()
                        .enumerate()
                        .map(|(at, item)| (Val::Int(at as i64), item.clone())),
                    false,
                    local,
                    n_vars,
                    when,
                    body,
                    &mut state,
                )
            }
            Val::Node(node) if node.kind() == Kind::List => self.each(
                node.items().enumerate().map(|(at, item)| (Val::Int(at as i64), Val::Node(item))),
                false,
                local,
                n_vars,
                when,
                body,
                &mut state,
            ),
            Val::Node(node) if node.kind() == Kind::Map => self.each(
                node.entries().map(|(key, item)| (Val::Str(Cow::Borrowed(key)), Val::Node(item))),
                true,
                local,
                n_vars,
                when,
                body,
                &mut state,
            ),
            Val::Map(entries) => {
                self.each(entries.iter().cloned(), true, local, n_vars, when, body, &mut state)
            }
            _ => Err(no_overload()),
        };
        self.locals.truncate(local);
        outcome?;
        state.finish(&range)
    }

    #[expect(clippy::too_many_arguments, reason = "a comprehension has as many parts")]
    fn each(
        &mut self,
        items: impl Iterator<Item = (Val<'a>, Val<'a>)>,
        is_map: bool,
        local: usize,
        n_vars: u8,
        when: Option<&'a Expr>,
        body: &'a Expr,
        state: &mut State<'a>,
    ) -> Eval<()> {
        for (key, item) in items {
            self.step()?;
            self.charge(1)?;
            let kept = match (n_vars, is_map) {
                (1, true) => {
                    self.locals.push(key.clone());
                    key.clone()
                }
                (1, false) => {
                    self.locals.push(item.clone());
                    item.clone()
                }
                _ => {
                    self.locals.push(key.clone());
                    self.locals.push(item.clone());
                    key.clone()
                }
            };
            if let Some(when) = when {
                match self.read(when)? {
                    Val::Bool(true) => {}
                    Val::Bool(false) => {
                        self.locals.truncate(local);
                        continue;
                    }
                    Val::Unknown => {
                        self.locals.truncate(local);
                        state.unknown = true;
                        continue;
                    }
                    _ => return Err(no_overload()),
                }
            }
            let value = if state.is_predicate() { self.read(body) } else { self.eval(body) };
            self.locals.truncate(local);
            if state.add(kept, value)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn list_index(index: &Val<'_>) -> Option<i64> {
    match index {
        Val::Int(at) => Some(*at),
        Val::Uint(at) => i64::try_from(*at).ok(),
        Val::Double(at) if at.fract() == 0.0 => Some(*at as i64),
        _ => None,
    }
}

/// What a comprehension has found so far.
struct State<'a> {
    fold: Fold,
    open: bool,
    decided: bool,
    unknown: bool,
    error: Option<EvalError>,
    n_true: usize,
    items: Vec<Val<'a>>,
    keys: Vec<Val<'a>>,
}

impl<'a> State<'a> {
    fn new(fold: Fold) -> State<'a> {
        State {
            fold,
            open: false,
            decided: false,
            unknown: false,
            error: None,
            n_true: 0,
            items: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn is_predicate(&self) -> bool {
        matches!(self.fold, Fold::All | Fold::Exists | Fold::ExistsOne | Fold::Filter)
    }

    /// Takes the body's value of one element; true when nothing later can change
    /// the result. `all` and `exists` absorb errors of other elements.
    fn add(&mut self, element: Val<'a>, value: Eval<Val<'a>>) -> Eval<bool> {
        let value = match value {
            Ok(value) => value,
            Err(error) if error.fatal => return Err(error),
            Err(error) if matches!(self.fold, Fold::All | Fold::Exists) => {
                self.error.get_or_insert(error);
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        match (self.fold, value) {
            (_, Val::Unknown) => self.unknown = true,
            (Fold::All, Val::Bool(false)) | (Fold::Exists, Val::Bool(true)) => {
                self.decided = true;
                return Ok(true);
            }
            (Fold::All | Fold::Exists, Val::Bool(_)) | (Fold::Filter, Val::Bool(false)) => {}
            (Fold::ExistsOne, Val::Bool(value)) => self.n_true += usize::from(value),
            (Fold::Filter, Val::Bool(true)) => self.items.push(element),
            (Fold::Map, value) => self.items.push(value),
            (Fold::TransformMap | Fold::SortBy, value) => {
                self.keys.push(element);
                self.items.push(value);
            }
            (Fold::TransformMapEntry, entry) => self.entry(&entry)?,
            _ => return Err(no_overload()),
        }
        Ok(false)
    }

    fn entry(&mut self, entry: &Val<'a>) -> Eval<()> {
        for key in entry.elements() {
            if self.keys.iter().any(|known| crate::value::equal(known, &key)) {
                return Err(EvalError::new(format!(
                    "insert failed: key {} already exists",
                    key.display()
                )));
            }
            if let Some(value) = member(entry, &key) {
                self.keys.push(key);
                self.items.push(value);
            }
        }
        Ok(())
    }

    fn finish(self, range: &Val<'a>) -> Eval<Val<'a>> {
        let undecided = self.unknown || self.open;
        match self.fold {
            Fold::All if self.decided => Ok(Val::Bool(false)),
            Fold::Exists if self.decided => Ok(Val::Bool(true)),
            Fold::All | Fold::Exists => match (undecided, self.error) {
                (true, _) => Ok(Val::Unknown),
                (false, Some(error)) => Err(error),
                (false, None) => Ok(Val::Bool(self.fold == Fold::All)),
            },
            Fold::ExistsOne if undecided && self.n_true < 2 => Ok(Val::Unknown),
            Fold::ExistsOne => Ok(Val::Bool(self.n_true == 1)),
            // What is not known of some elements is not known of the list.
            Fold::Filter | Fold::Map => {
                Ok(Val::List(Rc::new(List { items: self.items, open: undecided })))
            }
            _ if undecided => Ok(Val::Unknown),
            Fold::TransformMap | Fold::TransformMapEntry => {
                Ok(Val::Map(Rc::new(self.keys.into_iter().zip(self.items).collect())))
            }
            Fold::SortBy => {
                _ = range;
                functions::sorted_by(self.keys, &self.items)
            }
        }
    }
}
