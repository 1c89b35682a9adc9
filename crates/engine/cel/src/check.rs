//! The type checker: resolves names and overloads and refuses what the API server
//! would refuse. What it decides follows cel-go's checker step by step, because
//! which expressions are accepted depends on the order in which types are found.

use crate::Issue;
use crate::ast::{Const, Fold};
use crate::core::{Comprehension, Core, Found, Kind};
use crate::env::Env;
use crate::library::declarations::Declarations;
use crate::library::registry::registry;
use crate::types::{Type, Unifier};

mod structs;
mod validate;

use structs::Field;

pub(crate) use validate::validate;

struct Checker<'e> {
    env: &'e Env,
    types: Unifier,
    /// Names of comprehensions around, innermost last.
    locals: Vec<(Box<str>, Type)>,
    /// Types of the accumulators around, innermost last.
    accumulators: Vec<Type>,
}

/// Checks an expression; its nodes then have their types.
pub(crate) fn check(env: &Env, core: &mut Core) -> Result<(), Issue> {
    let objects_are_maps = env.provider.as_ref().is_none_or(|types| types.objects_are_maps());
    let types = Unifier::new(objects_are_maps);
    let mut checker = Checker { env, types, locals: Vec::new(), accumulators: Vec::new() };
    checker.expr(core)?;
    checker.finish(core);
    Ok(())
}

fn issue<T>(core: &Core, message: impl Into<String>) -> Result<T, Issue> {
    Err(Issue::new(message, core.start, core.end))
}

fn const_type(constant: &Const) -> Type {
    match constant {
        Const::Null => Type::Null,
        Const::Bool(_) => Type::Bool,
        Const::Int(_) => Type::Int,
        Const::Uint(_) => Type::Uint,
        Const::Double(_) => Type::Double,
        Const::Str(_) => Type::String,
        Const::Bytes(_) => Type::Bytes,
        // No literal is one of the others.
        _ => Type::Dyn,
    }
}

fn unwrapped(ty: &Type) -> (Type, bool) {
    match ty {
        Type::Optional(inner) => (Type::clone(inner), true),
        other => (other.clone(), false),
    }
}

impl Checker<'_> {
    fn expr(&mut self, core: &mut Core) -> Result<(), Issue> {
        core.ty = match &mut core.kind {
            Kind::Const(constant) => const_type(constant),
            Kind::Ident { .. } => return self.ident(core),
            Kind::Accumulator => self.accumulators.last().cloned().unwrap_or(Type::Dyn),
            Kind::Var(..) | Kind::Local(_) | Kind::TypeName(_) => return Ok(()),
            Kind::Select { .. } => return self.select(core),
            Kind::Call { .. } => return self.call(core),
            Kind::List(items) => self.list(items)?,
            Kind::Map(entries) => self.map(entries)?,
            Kind::Struct { .. } => return self.literal(core),
            Kind::Fold(comprehension) => self.fold(comprehension)?,
        };
        Ok(())
    }

    fn ident(&mut self, core: &mut Core) -> Result<(), Issue> {
        let Kind::Ident { name, root } = &core.kind else { return Ok(()) };
        if !root && let Some(at) = self.locals.iter().rposition(|(known, _)| known == name) {
            core.ty = self.locals[at].1.clone();
            core.kind = Kind::Local(at as u16);
            return Ok(());
        }
        let hidden = *root && self.locals.iter().any(|(known, _)| known == name);
        match self.global(name) {
            Some((Kind::Var(slot, _), ty)) => (core.kind, core.ty) = (Kind::Var(slot, hidden), ty),
            Some((kind, ty)) => (core.kind, core.ty) = (kind, ty),
            None => return issue(core, format!("undeclared reference to {name:?}")),
        }
        Ok(())
    }

    /// A variable, a type's name or an enumeration's value.
    fn global(&self, name: &str) -> Option<(Kind, Type)> {
        if let Some(slot) = self.env.variables.iter().rposition(|(known, _)| **known == *name) {
            return Some((Kind::Var(slot as u16, false), self.env.variables[slot].1.clone()));
        }
        // The one enumeration value that the environment knows.
        if name == "google.protobuf.NullValue.NULL_VALUE" {
            return Some((Kind::Const(Const::Int(0)), Type::Int));
        }
        let ty = self.env.type_named(name)?;
        Some((Kind::TypeName(name.into()), Type::Type(ty.into())))
    }

    fn select(&mut self, core: &mut Core) -> Result<(), Issue> {
        if let Some(resolved) = self.qualified_ident(core) {
            (core.kind, core.ty) = resolved;
            return Ok(());
        }
        let Kind::Select { operand, field, test } = &mut core.kind else { return Ok(()) };
        self.expr(operand)?;
        if *test && self.is_untyped(operand, field) {
            core.ty = Type::Bool;
            return Ok(());
        }
        let ty = self.field_type(operand, field, false)?;
        core.ty = if *test { Type::Bool } else { self.types.resolve(&ty) };
        Ok(())
    }

    /// `a.b.c` may be one name.
    fn qualified_ident(&self, core: &Core) -> Option<(Kind, Type)> {
        let mut first = core;
        while let Kind::Select { operand, test: false, .. } = &first.kind {
            first = operand;
        }
        let Kind::Ident { name, root } = &first.kind else { return None };
        let is_local = || self.locals.iter().any(|(known, _)| known == name);
        if !self.env.has_qualified_names(name) || (!root && is_local()) {
            return None;
        }
        self.global(&core.qualified_name()?)
    }

    fn field_type(&mut self, operand: &Core, field: &str, optional: bool) -> Result<Type, Issue> {
        let (target, was_optional) = unwrapped(&self.types.resolve(&operand.ty));
        let result = match &target {
            Type::Map(_, value) => Type::clone(value),
            Type::Object(name) => match self.field_of(name, field) {
                Some(Field::Type(ty)) => ty,
                Some(Field::Untyped) | None => {
                    return issue(operand, format!("undefined field {field:?} of {name}"));
                }
            },
            Type::Var(_) => {
                self.types.assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            Type::Dyn => Type::Dyn,
            other => {
                return issue(operand, format!("type {other} has no members, so no {field:?}"));
            }
        };
        Ok(if was_optional || optional { Type::Optional(result.into()) } else { result })
    }

    fn list(&mut self, items: &mut [(Core, bool)]) -> Result<Type, Issue> {
        let mut item_type = None;
        for (item, optional) in items {
            self.expr(item)?;
            let ty = Self::element(item, *optional)?;
            item_type = Some(self.join(item_type, ty));
        }
        let item_type = item_type.unwrap_or_else(|| self.types.fresh());
        Ok(Type::List(item_type.into()))
    }

    fn map(&mut self, entries: &mut [(Core, Core, bool)]) -> Result<Type, Issue> {
        let (mut key_type, mut value_type) = (None, None);
        for (key, value, optional) in entries {
            self.expr(key)?;
            key_type = Some(self.join(key_type, key.ty.clone()));
            self.expr(value)?;
            let ty = Self::element(value, *optional)?;
            value_type = Some(self.join(value_type, ty));
        }
        let key_type = key_type.unwrap_or_else(|| self.types.fresh());
        let value_type = value_type.unwrap_or_else(|| self.types.fresh());
        Ok(Type::Map(key_type.into(), value_type.into()))
    }

    /// The type of an element, inside if it is optional.
    fn element(core: &Core, optional: bool) -> Result<Type, Issue> {
        match (&core.ty, optional) {
            (Type::Optional(inner), true) => Ok(Type::clone(inner)),
            (ty, true) if *ty != Type::Dyn => {
                issue(core, format!("an optional element needs an optional value, not {ty}"))
            }
            (ty, _) => Ok(ty.clone()),
        }
    }

    /// Elements of different types make a dynamic one; whether a literal may hold
    /// such is decided when everything is known.
    fn join(&mut self, so_far: Option<Type>, ty: Type) -> Type {
        let Some(so_far) = so_far else { return ty };
        self.types.join(&so_far, &ty).unwrap_or(Type::Dyn)
    }

    fn call(&mut self, core: &mut Core) -> Result<(), Issue> {
        let (start, end) = (core.start, core.end);
        let Kind::Call { target, name, args, found } = &mut core.kind else { return Ok(()) };
        if let ("_?._", [operand, field]) = (&**name, &mut **args) {
            let Kind::Const(Const::Str(field)) = &field.kind else { return Ok(()) };
            self.expr(operand)?;
            let ty = self.field_type(operand, field, true)?;
            core.ty = self.types.resolve(&ty);
            return Ok(());
        }
        for arg in args.iter_mut() {
            self.expr(arg)?;
        }
        let at = |message: String| Issue::new(message, start, end);
        if let Some(receiver) = target
            && let Some(qualified) = receiver.qualified_name()
        {
            let qualified = format!("{}.{name}", qualified.trim_start_matches('.'));
            if self.env.has_function(&qualified) {
                (*target, *name) = (None, qualified.into());
            }
        }
        if let Some(receiver) = target {
            self.expr(receiver)?;
        }
        let types: Vec<Type> =
            target.iter().map(|target| &**target).chain(&*args).map(|arg| arg.ty.clone()).collect();
        let name = name.trim_start_matches('.').to_owned();
        let resolved = self.overload(&name, target.is_some(), &types).map_err(at)?;
        (*found, core.ty) = resolved;
        Ok(())
    }

    fn host(
        &mut self,
        name: &str,
        is_method: bool,
        types: &[Type],
    ) -> Result<Option<(Found, Type)>, String> {
        let env = self.env;
        let known = |(known, host): &(Box<str>, crate::env::HostFunction)| {
            **known == *name && host.receiver == is_method
        };
        let Some(number) = env.hosts.iter().position(known) else { return Ok(None) };
        let host = &env.hosts[number].1;
        let fits = host.params.len() == types.len()
            && host.params.iter().zip(types).all(|(param, ty)| self.types.assignable(param, ty));
        if !fits {
            return Err(format!("{name} takes {} arguments of other types", host.params.len()));
        }
        Ok(Some((Found::Host(number as u16), host.result.clone())))
    }

    /// The overloads that fit, and the type of their result; dynamic when they differ.
    fn overload(
        &mut self,
        name: &str,
        is_method: bool,
        types: &[Type],
    ) -> Result<(Found, Type), String> {
        if let Some(host) = self.host(name, is_method, types)? {
            return Ok(host);
        }
        let Some(overloads) = self.env.functions.overloads.get(name) else {
            let hint = match Declarations::first_minor(name) {
                Some(minor) => format!("; Kubernetes has it from 1.{minor}"),
                None => String::new(),
            };
            return Err(format!("undeclared function {name:?}{hint}"));
        };
        if matches!(name, "_&&_" | "_||_") {
            return match types.iter().find(|ty| !self.types.assignable(ty, &Type::Bool)) {
                Some(ty) => Err(format!("expected bool, found {}", self.types.finish(ty))),
                None => Ok((Found::None, Type::Bool)),
            };
        }
        let (mut found, mut result) = (Found::None, None);
        for &number in overloads {
            let overload = &registry().overloads[number as usize];
            if overload.is_method != is_method || overload.arguments.len() != types.len() {
                continue;
            }
            let first = self.types.reserve(overload.n_parameters);
            let wanted =
                overload.arguments.iter().map(|declared| Unifier::instance(declared, first));
            // What an earlier fitting overload bound stays bound for the later ones.
            if !self.types.all_assignable(types.iter().zip(wanted)) {
                continue;
            }
            let ty = self.types.resolve(&Unifier::instance(&overload.result, first));
            (found, result) = match result {
                None => (Found::Overload(number), Some(ty)),
                Some(Type::Dyn) => (Found::Several, Some(Type::Dyn)),
                Some(before) if before == ty => (Found::Several, Some(before)),
                Some(_) => (Found::Several, Some(Type::Dyn)),
            };
        }
        match result {
            Some(ty) => Ok((found, ty)),
            None => {
                let shown: Vec<String> =
                    types.iter().map(|ty| self.types.finish(ty).to_string()).collect();
                Err(format!("no overload of {name:?} takes ({})", shown.join(", ")))
            }
        }
    }

    /// The types of a comprehension's variables.
    fn var_types(&mut self, range: &Core, n_vars: usize) -> Result<Vec<Type>, Issue> {
        let ty = self.types.resolve(&range.ty);
        let (index, item, one) = match &ty {
            Type::List(item) => (Type::Int, Type::clone(item), Type::clone(item)),
            Type::Map(key, value) => (Type::clone(key), Type::clone(value), Type::clone(key)),
            Type::Dyn | Type::Var(_) => {
                self.types.assignable(&Type::Dyn, &ty);
                (Type::Dyn, Type::Dyn, Type::Dyn)
            }
            other => return issue(range, format!("type {other} cannot be iterated")),
        };
        Ok(if n_vars == 1 { vec![one] } else { vec![index, item] })
    }

    fn fold(&mut self, comprehension: &mut Comprehension) -> Result<Type, Issue> {
        let Comprehension { fold, vars, range, step } = comprehension;
        self.expr(range)?;
        let n_locals = self.locals.len();
        if *fold == Fold::Bind {
            self.locals.push((vars[0].clone(), range.ty.clone()));
            let checked = self.expr(step);
            self.locals.truncate(n_locals);
            checked?;
            return Ok(self.types.resolve(&step.ty));
        }
        let accumulator = match fold {
            Fold::All | Fold::Exists => Type::Bool,
            Fold::ExistsOne => Type::Int,
            Fold::Filter | Fold::Map | Fold::Bind => Type::List(self.types.fresh().into()),
            Fold::TransformMap | Fold::TransformMapEntry => {
                let key = self.types.fresh();
                Type::Map(key.into(), self.types.fresh().into())
            }
        };
        let types = self.var_types(range, vars.len())?;
        self.locals.extend(vars.iter().cloned().zip(types));
        self.accumulators.push(accumulator.clone());
        let checked = self.expr(step);
        self.accumulators.pop();
        self.locals.truncate(n_locals);
        checked?;
        if !self.types.assignable(&accumulator, &step.ty) {
            let found = self.types.finish(&step.ty);
            return issue(step, format!("the comprehension makes {accumulator}, not {found}"));
        }
        Ok(match fold {
            Fold::ExistsOne => Type::Bool,
            _ => self.types.resolve(&accumulator),
        })
    }

    /// Replaces the variables in all types by what they stand for in the end.
    fn finish(&self, core: &mut Core) {
        core.ty = self.types.finish(&core.ty);
        match &mut core.kind {
            Kind::Select { operand, .. } => self.finish(operand),
            Kind::Call { target, args, .. } => {
                target.iter_mut().for_each(|target| self.finish(target));
                args.iter_mut().for_each(|arg| self.finish(arg));
            }
            Kind::List(items) => items.iter_mut().for_each(|(item, _)| self.finish(item)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(key, value, _)| {
                self.finish(key);
                self.finish(value);
            }),
            Kind::Struct { fields, .. } => {
                fields.iter_mut().for_each(|(_, value, _)| self.finish(value));
            }
            Kind::Fold(comprehension) => {
                self.finish(&mut comprehension.range);
                self.finish(&mut comprehension.step);
            }
            _ => {}
        }
    }
}
