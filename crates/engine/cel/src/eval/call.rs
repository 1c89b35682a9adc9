//! Calls and comparisons, and what they cost.

use ironhull_model::Kind;

use super::attr::bad_key;
use super::{Eval, EvalError, Machine, is_fatal, no_overload};
use crate::ast::{Call, Expr};
use crate::authz::Authz;
use crate::functions;
use crate::library::registry::registry;
use crate::library::{cost, strings};
use crate::value::{Opaque, Val, equal};

/// Which of `==` and `!=` is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Equality {
    Equal,
    NotEqual,
}

impl<'a> Machine<'_, '_, 'a> {
    pub(super) fn equality(&mut self, a: &'a Expr, b: &'a Expr, which: Equality) -> Eval<Val<'a>> {
        let (left, right) = (self.operand(a)?, self.operand(b)?);
        // Most comparisons are of two texts, which need none of what follows.
        if let (Ok(left), Ok(right)) = (&left, &right)
            && let (Some(left), Some(right)) = (left.as_str(), right.as_str())
        {
            let size = strings::size(left).min(strings::size(right));
            self.charge(cost::part(size as u64, cost::STRING))?;
            return Ok(Val::Bool((left == right) == (which == Equality::Equal)));
        }
        let cost = equality_cost(left.as_ref().ok(), right.as_ref().ok(), which);
        let result = match (left, right) {
            (Ok(Val::Unknown), _) => Ok(Val::Unknown),
            (Err(error), _) | (_, Err(error)) => Err(error),
            (_, Ok(Val::Unknown)) => Ok(Val::Unknown),
            (Ok(left), Ok(right)) if self.hides(&left) || self.hides(&right) => Ok(Val::Unknown),
            (Ok(left), Ok(right)) => match which {
                // What a list that may go on is equal to is not known.
                _ if (left.is_open() || right.is_open()) && both_lists(&left, &right) => {
                    Ok(Val::Unknown)
                }
                Equality::Equal if self.differs_by_type(&left, &right) => Err(no_overload()),
                Equality::Equal => functions::equal_result(&left, &right).map(Val::Bool),
                Equality::NotEqual => Ok(Val::Bool(equal(&left, &right) != Some(true))),
            },
        };
        self.charge(cost)?;
        result
    }

    /// Whether a list or map of a Go type is compared with what is neither.
    fn differs_by_type(&self, left: &Val<'a>, right: &Val<'a>) -> bool {
        let differ = |ty| left.is_type(ty) != right.is_type(ty);
        // Asked first, because outside of admission policies nothing is.
        self.is_typed(left) && (differ("list") || differ("map")) && !right.is_type("null_type")
    }

    pub(super) fn host(&mut self, function: u16, args: &'a [Expr]) -> Eval<Val<'a>> {
        self.charge(1)?;
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.eval(arg)?);
        }
        let host = self.context.host.ok_or_else(|| EvalError::new("no host for this function"))?;
        if let Some(trace) = self.context.trace.as_deref_mut()
            && !host.reads(function as usize, &values, trace)
        {
            values.iter().filter_map(Val::node).for_each(|node| trace.read(node));
        }
        if values.iter().any(Val::is_unknown) {
            return Ok(Val::Unknown);
        }
        host.call(function as usize, &values)
    }

    pub(super) fn call(&mut self, call: &'a Call) -> Eval<Val<'a>> {
        match &*call.args {
            [] => {
                let result = functions::run(call, self.minor, &[]);
                self.charge(1)?;
                result
            }
            [arg] => {
                let arg = [self.operand(arg)?];
                self.finish_call(call, arg)
            }
            [first, second] if !call.stops => {
                let args = match self.context.parts.is_empty() {
                    false if is_in(call) => [self.operand(first)?, self.container(second)?],
                    _ => [self.operand(first)?, self.operand(second)?],
                };
                self.finish_call(call, args)
            }
            args => self.call_until_error(call, args),
        }
    }

    /// Calls with arguments of which each may have failed.
    fn finish_call<const N: usize>(
        &mut self,
        call: &'a Call,
        args: [Eval<Val<'a>>; N],
    ) -> Eval<Val<'a>> {
        if args.iter().any(Result::is_err) {
            let known = args.each_ref().map(|arg| arg.as_ref().ok().cloned());
            self.charge_call(call, &known, None)?;
            // An unknown before the error comes first.
            for arg in args {
                match arg {
                    Ok(Val::Unknown) => return Ok(Val::Unknown),
                    Ok(_) => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(Val::Unknown);
        }
        let values = args.map(|arg| arg.unwrap_or(Val::Unknown));
        let result = match &values[..] {
            [key, map] if self.is_bad_key(call, key, map) => Err(bad_key(&key.read())),
            values => self.run(call, values),
        };
        if is_fatal(&result) {
            return result;
        }
        if is_plain(call) {
            self.charge(1)?;
            return result;
        }
        let result = self.answered(result);
        self.charge_call(call, &values.map(Some), result.as_ref().ok())?;
        result
    }

    /// The first argument that fails keeps the others from being read, and unless
    /// it is the last the call is not charged.
    fn call_until_error(&mut self, call: &'a Call, args: &'a [Expr]) -> Eval<Val<'a>> {
        let mut values = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            let value = self.operand(arg)?;
            let is_last = at + 1 == args.len();
            match value {
                Ok(Val::Unknown) if !is_last => return Ok(Val::Unknown),
                Ok(value) => values.push(value),
                Err(error) => {
                    if is_last {
                        let mut known: Vec<_> = values.into_iter().map(Some).collect();
                        known.push(None);
                        self.charge_call(call, &known, None)?;
                    }
                    return Err(error);
                }
            }
        }
        let result = self.run(call, &values);
        if is_fatal(&result) {
            return result;
        }
        let known: Vec<Option<Val<'a>>> = values.into_iter().map(Some).collect();
        self.charge_call(call, &known, result.as_ref().ok())?;
        result
    }

    /// The container of an `in`: what is found there is known although not all of it is.
    fn container(&mut self, expr: &'a Expr) -> Eval<Eval<Val<'a>>> {
        match self.eval(expr) {
            Err(error) if error.fatal => Err(error),
            Err(error) => Ok(Err(error)),
            Ok(value) => {
                self.note(&value);
                Ok(Ok(value))
            }
        }
    }

    /// Whether something in a value is not known.
    fn hides(&self, value: &Val<'a>) -> bool {
        value.hides() || self.holds_part(value)
    }

    fn run(&self, call: &'a Call, values: &[Val<'a>]) -> Eval<Val<'a>> {
        // Asked first, because mostly everything is known.
        if self.context.parts.is_empty() {
            return functions::run(call, self.minor, values);
        }
        if is_in(call) {
            let result = functions::run(call, self.minor, values);
            let [key, container] = values else { return result };
            let may_be_there = match container {
                Val::Node(node) if node.kind() == Kind::Map => match key.as_str() {
                    Some(name) => self.may_have(*node, name),
                    None => false,
                },
                container => self.holds_part(container),
            };
            return match result {
                Ok(Val::Bool(false)) if may_be_there => Ok(Val::Unknown),
                result => result,
            };
        }
        let function = registry().functions.get(call.function as usize);
        let looks_inside = function.is_some_and(|function| function.looks_inside);
        if looks_inside && values.iter().any(|value| self.holds_part(value)) {
            return Ok(Val::Unknown);
        }
        functions::run(call, self.minor, values)
    }

    /// Whether what is no text is looked up in a map of a Go type.
    fn is_bad_key(&self, call: &Call, key: &Val<'a>, map: &Val<'a>) -> bool {
        self.is_typed(map) && map.is_type("map") && key.as_str().is_none() && is_in(call)
    }

    /// Asks what a check asks.
    fn answered(&self, result: Eval<Val<'a>>) -> Eval<Val<'a>> {
        let Ok(Val::Opaque(opaque)) = &result else { return result };
        let Opaque::Authz(Authz::Check(check)) = &**opaque else { return result };
        Ok(match self.context.host.and_then(|host| host.authorize(check)) {
            Some(decision) => Val::opaque(Opaque::Authz(Authz::Decision(decision))),
            None => Val::Unknown,
        })
    }

    fn charge_call(
        &mut self,
        call: &Call,
        arguments: &[Option<Val<'a>>],
        result: Option<&Val<'a>>,
    ) -> Eval<()> {
        let function = registry().functions.get(call.function as usize).map_or("", |f| f.name);
        let overload = call.overload.and_then(|number| registry().overloads.get(number as usize));
        let observed =
            cost::Call { function, overload: overload.map_or("", |o| o.id), arguments, result };
        let cost = observed.cost().map_err(EvalError::panic)?;
        self.charge(cost)
    }
}

fn is_in(call: &Call) -> bool {
    registry().functions.get(call.function as usize).is_some_and(|it| it.name == "@in")
}

fn both_lists(left: &Val<'_>, right: &Val<'_>) -> bool {
    left.is_type("list") && right.is_type("list")
}

fn equality_cost(left: Option<&Val<'_>>, right: Option<&Val<'_>>, which: Equality) -> u64 {
    if let (Some(Val::Opaque(_)), Equality::Equal) = (left, which) {
        return 1;
    }
    let size = |value: Option<&Val<'_>>| match value {
        Some(Val::Variables(n)) => *n as u64,
        Some(value) => cost::size(value),
        None => 1,
    };
    cost::part(size(left).min(size(right)), cost::STRING)
}

/// Whether a call costs 1, whatever its arguments are.
fn is_plain(call: &Call) -> bool {
    match call.overload {
        Some(number) => registry().overloads.get(number as usize).is_some_and(|o| o.is_plain),
        None => {
            let known = registry().functions.get(call.function as usize);
            known.is_some_and(|function| function.is_plain)
        }
    }
}
