//! Struct literals, their fields, and the variables of policies.

use std::rc::Rc;

use super::{Eval, EvalError, Machine, run};
use crate::ast::{JSON_PATCH, StructLiteral, is_dynamic_object};
use crate::functions;
use crate::policy::Read;
use crate::value::{Struct, Val};

impl<'a> Machine<'_, '_, 'a> {
    pub(super) fn literal(&mut self, literal: &'a StructLiteral) -> Eval<Val<'a>> {
        let mut made = Struct::new(&literal.name);
        for (name, value, optional) in &literal.fields {
            match (self.eval(value)?, optional) {
                (Val::Unknown, _) => return Ok(Val::Unknown),
                (Val::Optional(None), true) => made.unset(name),
                (Val::Optional(Some(inner)), true) => made.set(name, Val::clone(&inner)),
                (value, true) => {
                    let name = Val::str(&**name);
                    return Err(EvalError::new(functions::not_optional_entry(&name, &value)));
                }
                (value, false) => made.set(name, value),
            }
        }
        // What may have more elements than are known makes no object that is known.
        if made.fields().any(|(_, value)| value.is_open() || self.holds_part(value)) {
            return Ok(Val::Unknown);
        }
        if *literal.name == *JSON_PATCH {
            made.check_patch()?;
        } else if !is_dynamic_object(&literal.name) {
            return Err(EvalError::new(format!("unknown type '{}'", literal.name)));
        }
        Ok(Val::Struct(Rc::new(made)))
    }

    /// A policy's variable; none if there is none of that name.
    pub(super) fn variable(&mut self, name: &str) -> Eval<Option<Val<'a>>> {
        let found = self.context.stage.as_deref_mut().and_then(|stage| stage.read(name));
        let (at, program) = match found {
            None => return Ok(None),
            Some(Read::Value(value)) => return value.map(Some),
            Some(Read::Program(at, program)) => (at, program),
        };
        // It has a limit and a cost of its own.
        let outer = (self.context.cost, self.context.limit);
        (self.context.cost, self.context.limit) = (0, 0);
        self.context.allowance = self.context.allowance.map(|left| left.saturating_sub(outer.0));
        let value = run(&program.expr, program.minor, self.bindings, self.context);
        let cost = self.context.cost;
        (self.context.cost, self.context.limit) = outer;
        if let Some(left) = self.context.allowance {
            // What it cost is no longer there for what reads it.
            let left = left.saturating_sub(cost).saturating_add(outer.0);
            self.context.allowance = Some(left);
            self.limit = self.limit.min(left);
        }
        if let Err(error) = &value
            && error.is_interruption()
        {
            return value.map(Some);
        }
        match self.context.stage.as_deref_mut() {
            Some(stage) => stage.keep(at, value, cost).map(Some),
            None => value.map(Some),
        }
    }
}

/// A member of a value whose type is known to be a dynamic object. Such are read
/// after they were converted to plain data, in which nothing is not there.
pub(super) fn native<'a>(value: &Val<'a>, name: &str, optional: bool) -> Eval<Option<Val<'a>>> {
    match value {
        Val::Unknown => Ok(Some(Val::Unknown)),
        Val::Struct(made) if !made.is_patch() && made.problem().is_none() => {
            match made.native_field(name) {
                None if !optional => Ok(Some(Val::Null)),
                found => Ok(found),
            }
        }
        _ if optional => Ok(None),
        _ => Err(EvalError::new(format!("cannot get field {name:?}"))),
    }
}
