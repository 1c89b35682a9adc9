//! Variables and values with the members that are taken of them.

use std::borrow::Cow;

use ironhull_model::{Kind, Node};

use super::locals::Local;
use super::structs::native;
use super::{Binding, Eval, EvalError, Machine, is_fatal, no_overload};
use crate::ast::{Attr, Base, Qual};
use crate::library::operand::{Operand, View};
use crate::value::{Val, hashable, is_masked, member};

/// What a chain led to. Kept apart from [`Val`], so that `a.?b.orValue(c)` makes no
/// optional value only to open it.
pub(super) enum Led<'a> {
    To(Val<'a>),
    /// An optional value with this inside.
    Perhaps(Val<'a>),
    Nowhere,
}

impl<'a> From<Led<'a>> for Val<'a> {
    fn from(led: Led<'a>) -> Val<'a> {
        match led {
            Led::To(value) => value,
            Led::Perhaps(value) => Val::some(value),
            Led::Nowhere => Val::Optional(None),
        }
    }
}

/// A key or index.
enum Key<'k, 'a> {
    Field(&'k ironhull_model::FieldName),
    Val(Val<'a>),
}

impl<'a> Machine<'_, '_, 'a> {
    /// A chain and what it costs: 1 for each member that is looked at, 1 for the
    /// whole; a condition is free.
    pub(super) fn attr(&mut self, attr: &'a Attr) -> Eval<Val<'a>> {
        self.led(attr).map(Val::from)
    }

    /// [`Self::attr`], with optional values left open.
    pub(super) fn led(&mut self, attr: &'a Attr) -> Eval<Led<'a>> {
        let led = self.resolve_led(attr);
        match attr.base {
            Base::If(_) => led,
            _ => self.after(led, 1),
        }
    }

    /// A test costs what its members do.
    pub(super) fn has(&mut self, attr: &'a Attr) -> Eval<Val<'a>> {
        let value = self.resolve(attr);
        if let (Base::If(_), false) = (&attr.base, is_fatal(&value)) {
            // The reference takes back what it has not charged.
            self.context.cost = self.context.cost.wrapping_sub(1);
            self.charge(0)?;
        }
        Ok(match value? {
            Val::Optional(inner) => Val::Bool(inner.is_some()),
            value => value,
        })
    }

    fn resolve(&mut self, attr: &'a Attr) -> Eval<Val<'a>> {
        self.resolve_led(attr).map(Val::from)
    }

    fn resolve_led(&mut self, attr: &'a Attr) -> Eval<Led<'a>> {
        let base = match &attr.base {
            Base::Var(slot) | Base::Root(slot) => match self.bindings.get(*slot as usize) {
                Some(Binding::Val(value)) => value.clone(),
                Some(Binding::Missing(name)) => {
                    return Err(EvalError::new(format!("no such attribute(s): {name}")));
                }
                _ => return Err(EvalError::new("no such attribute(s)")),
            },
            Base::Local(at) => self.local(*at as usize)?,
            Base::Value(value) => self.eval(value)?,
            Base::If(parts) => {
                let condition = self.read(&parts.0)?;
                return match condition.view() {
                    View::Bool(true) => self.resolve_led(&parts.1),
                    View::Bool(false) => self.resolve_led(&parts.2),
                    _ if condition.is_unknown() => Ok(Led::To(Val::Unknown)),
                    _ => Err(no_overload()),
                };
            }
        };
        if attr.quals.is_empty() {
            return Ok(Led::To(base));
        }
        // Members of what is looked up outside of all comprehensions are not observed.
        let cost = u64::from(!matches!(attr.base, Base::Root(_)));
        self.qualified(base, &attr.quals, cost)
    }

    fn local(&mut self, at: usize) -> Eval<Val<'a>> {
        match self.locals.get(at) {
            Some(Local::Val(value)) => return Ok(value.clone()),
            Some(Local::Failed(error)) => return Err(EvalError::clone(error)),
            Some(Local::Lazy(_)) => {}
            None => return Err(EvalError::new("no such attribute(s)")),
        }
        let Some(Local::Lazy(expr)) = self.locals.get(at) else { return Err(no_overload()) };
        let expr = *expr;
        // It is evaluated where it was bound: there variables of the same places
        // are others.
        let mut inner = super::Locals::default();
        let outer = self.locals.take();
        for place in 0..at {
            if let Some(local) = outer.get(place) {
                inner.set(place, local.clone());
            }
        }
        self.locals = inner;
        let value = self.eval(expr);
        self.locals = outer;
        match value {
            Ok(value) => {
                self.locals.set(at, Local::Val(value.clone()));
                Ok(value)
            }
            Err(error) => {
                self.locals.set(at, Local::Failed(Box::new(error.clone())));
                Err(error)
            }
        }
    }

    fn qualified(&mut self, mut value: Val<'a>, quals: &'a [Qual], cost: u64) -> Eval<Led<'a>> {
        let mut optional = false;
        if let Val::Optional(inner) = value {
            let Some(inner) = inner else { return Ok(Led::Nowhere) };
            optional = true;
            value = Val::clone(&inner);
        }
        for qual in quals {
            optional |=
                matches!(qual, Qual::Field(_, true) | Qual::Const(_, true) | Qual::Attr(_, true));
            let found = self.qualify(&value, qual, optional);
            match found {
                Err(error) if error.fatal => return Err(error),
                // Of optional members only those that are there are charged.
                Err(error) => {
                    if !optional {
                        self.charge(cost)?;
                    }
                    return Err(error);
                }
                Ok(None) => return Ok(Led::Nowhere),
                Ok(Some(found)) => {
                    self.charge(cost)?;
                    value = found;
                }
            }
        }
        Ok(match value {
            value if optional && !value.is_unknown() => Led::Perhaps(value),
            value => Led::To(value),
        })
    }

    /// One member; none if it is absent and may be.
    fn qualify(
        &mut self,
        value: &Val<'a>,
        qual: &'a Qual,
        optional: bool,
    ) -> Eval<Option<Val<'a>>> {
        match qual {
            Qual::Field(name, _) => self.get(value, &Key::Field(&name.0), optional),
            Qual::Native(name) => native(value, name.0.as_str(), optional),
            Qual::Test(_) | Qual::TestNative(_) => {
                // What is masked is there.
                if let (Val::Node(node), Qual::Test(name)) = (value, qual)
                    && !optional
                    && node.field(&name.0).is_some_and(is_masked)
                {
                    return Ok(Some(Val::Bool(true)));
                }
                let found = match qual {
                    Qual::TestNative(name) => native(value, name.0.as_str(), true)?,
                    Qual::Test(name) => self.get(value, &Key::Field(&name.0), true)?,
                    _ => None,
                };
                match found {
                    Some(Val::Unknown) => Ok(Some(Val::Unknown)),
                    Some(found) => {
                        self.note(&found);
                        Ok(Some(if optional { found } else { Val::Bool(true) }))
                    }
                    None => Ok((!optional).then_some(Val::Bool(false))),
                }
            }
            Qual::Const(constant, _) => self.get(value, &Key::Val(Val::from(constant)), optional),
            Qual::Attr(index, _) => {
                // Policies are given values of the language.
                let index_native =
                    matches!(index.base, Base::Var(_)) && self.context.stage.is_none();
                let index = self.resolve(index)?;
                self.note(&index);
                match index.view() {
                    View::String(_)
                    | View::Int(_)
                    | View::Uint(_)
                    | View::Double(_)
                    | View::Bool(_) => {}
                    _ if index.is_unknown() => return Ok(Some(Val::Unknown)),
                    _ => {
                        let shown = match self.go_type_if_typed(&index) {
                            Some(shown) => shown,
                            None => index.go_type(index_native),
                        };
                        return Err(EvalError::new(format!("invalid qualifier type: {shown}")));
                    }
                }
                self.get(value, &Key::Val(index.read()), optional)
            }
        }
    }

    /// Notes that a member was looked at which is masked.
    fn note_masked(&mut self, parent: Node<'a>, key: &Key<'_, 'a>) {
        let child = parent.get(&key.shown());
        if let (Some(child), Some(trace)) = (child, self.context.trace.as_deref_mut()) {
            trace.read(child);
        }
    }

    fn get(&mut self, value: &Val<'a>, key: &Key<'_, 'a>, optional: bool) -> Eval<Option<Val<'a>>> {
        match value {
            Val::Unknown => Ok(Some(Val::Unknown)),
            Val::Node(node) if node.kind() == Kind::Map => {
                let found = match key {
                    Key::Field(name) => node.field(name).map(Val::part),
                    Key::Val(key) if key.as_str().is_none() && self.is_typed(value) => {
                        return Err(bad_key(key));
                    }
                    Key::Val(key) => member(value, key),
                };
                if found.is_none()
                    && let Some(trace) = self.context.trace.as_deref_mut()
                {
                    trace.absent(*node, &key.shown());
                }
                match &found {
                    None if self.may_have(*node, &key.shown()) => return Ok(Some(Val::Unknown)),
                    Some(Val::Unknown) => self.note_masked(*node, key),
                    _ => {}
                }
                present(found, optional, || no_such_key(key))
            }
            Val::Map(_) => {
                let found = match key {
                    Key::Field(name) => member(value, &Val::str(name.as_str())),
                    Key::Val(key) => {
                        hashable(key)?;
                        member(value, key)
                    }
                };
                present(found, optional, || no_such_key(key))
            }
            Val::Variables(_) => {
                let name = match key {
                    Key::Field(name) => name.as_str(),
                    // The reference asks for a variable that it has no name of.
                    Key::Val(key) => match key.as_str() {
                        Some(name) => name,
                        None => return Err(no_overload()),
                    },
                };
                let found = self.variable(name)?;
                present(found, optional, || no_such_key(key))
            }
            Val::Struct(made) if made.is_patch() => made.patch_field(&key.written(), optional),
            // Which place an element has hangs on the others.
            Val::Node(node) if self.part(*node).is_some() => {
                self.note(value);
                Ok(Some(Val::Unknown))
            }
            _ if value.is_type("list") => {
                let found = element(value, key, optional)?;
                match key {
                    Key::Val(index @ (Val::Uint(_) | Val::Double(_)))
                        if found.is_some() && self.is_typed(value) =>
                    {
                        let ty = index.go_type(false);
                        Err(EvalError::new(format!("unsupported index type: {ty}")))
                    }
                    _ => Ok(found),
                }
            }
            _ => present(None, optional, || no_such_key(key)),
        }
    }
}

impl Key<'_, '_> {
    /// `%s`.
    fn written(&self) -> Cow<'_, str> {
        match self {
            Key::Field(name) => name.as_str().into(),
            Key::Val(value) => match value.as_str() {
                Some(text) => text.into(),
                None => {
                    let (ty, shown) = (value.go_type(false), value.go_display());
                    format!("%!s({ty}={shown})").into()
                }
            },
        }
    }

    fn shown(&self) -> String {
        match self {
            Key::Field(name) => name.as_str().to_owned(),
            Key::Val(value) => value.go_display(),
        }
    }
}

fn present<'a>(
    found: Option<Val<'a>>,
    optional: bool,
    error: impl FnOnce() -> EvalError,
) -> Eval<Option<Val<'a>>> {
    if found.is_none() && !optional { Err(error()) } else { Ok(found) }
}

/// The error of looking up what is no text in a map of a Go type.
pub(super) fn bad_key(key: &Val<'_>) -> EvalError {
    EvalError::new(format!("unsupported map key type: {}", key.go_type(false)))
}

fn no_such_key(key: &Key<'_, '_>) -> EvalError {
    EvalError::new(format!("no such key: {}", key.shown()))
}

fn element<'a>(list: &Val<'a>, key: &Key<'_, 'a>, optional: bool) -> Eval<Option<Val<'a>>> {
    let Key::Val(index) = key else {
        return Err(EvalError::new("unsupported index type 'string' in list"));
    };
    let unsupported =
        || EvalError::new(format!("unsupported index value {} in list", index.go_display()));
    let at = match index {
        Val::Int(at) => *at,
        Val::Uint(at) => i64::try_from(*at).map_err(|_| unsupported())?,
        Val::Double(at) if at.fract() == 0.0 && at.abs() < 9_223_372_036_854_775_808.0 => {
            *at as i64
        }
        Val::Double(_) => return Err(unsupported()),
        other => {
            let message = format!("unsupported index type '{}' in list", other.type_name());
            return Err(EvalError::new(message));
        }
    };
    let found = usize::try_from(at).ok().and_then(|at| match list {
        Val::List(list) => list.items.get(at).cloned(),
        Val::Node(node) => node.item(at).map(Val::part),
        _ => None,
    });
    if found.is_none() && list.is_open() && at >= 0 {
        return Ok(Some(Val::Unknown));
    }
    present(found, optional, || {
        EvalError::new(format!("index out of bounds: {}", index.go_display()))
    })
}
