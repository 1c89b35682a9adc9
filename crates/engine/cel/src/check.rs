//! The type checker: resolves names, expands macros and helpers, and refuses what
//! the API server would refuse.

use ironhull_model::FieldName;

use crate::Issue;
use crate::ast::{Const, Expr, Fold, Name};
use crate::env::Env;
use crate::eval::EvalError;
use crate::functions;
use crate::library::declarations::Declarations;
use crate::library::string_format::{Clause, Piece, Pieces};
use crate::parser::{Kind, Node};
use crate::types::{Type, Unifier};
use crate::value::Val;

mod macros;

type Checked = Result<(Expr, Type), Issue>;

/// How deep helpers may expand into helpers.
const MOST_EXPANSIONS: usize = 40;

pub(crate) struct Checker<'e> {
    env: &'e Env,
    types: Unifier,
    /// Comprehension variables, innermost last.
    locals: Vec<Local>,
    n_expansions: usize,
    /// Calls of `format` around: their lists may hold values of any type.
    n_formats: usize,
    /// Where comprehension variables are read, and their types.
    used_locals: Vec<(u32, u32, Type)>,
}

/// A comprehension's variable.
struct Local {
    name: Box<str>,
    ty: Type,
    /// The scope it was declared in, which alone sees it.
    scope: usize,
}

/// A helper's argument, with the scope it was written in.
#[derive(Clone)]
struct Argument<'n> {
    name: &'n str,
    node: &'n Node,
    scope: &'n Scope<'n>,
}

/// The parameters of the helper that is being expanded.
#[derive(Clone, Default)]
pub(crate) struct Scope<'n> {
    args: Vec<Argument<'n>>,
    /// 0 for the expression itself, else the number of the expansion.
    id: usize,
}

/// Checks a parsed expression.
pub(crate) fn check(env: &Env, node: &Node) -> Result<(Expr, Type), Vec<Issue>> {
    let mut checker = Checker {
        env,
        types: Unifier::default(),
        locals: Vec::new(),
        n_expansions: 0,
        n_formats: 0,
        used_locals: Vec::new(),
    };
    let (expr, ty) = checker.expr(node, &Scope::default()).map_err(|issue| vec![issue])?;
    let is_type = |ty: &Type| matches!(checker.types.resolve(ty), Type::Type(_));
    if let Some((start, end, _)) = checker.used_locals.iter().find(|(_, _, ty)| is_type(ty)) {
        return Err(vec![Issue::new("a variable that holds a type cannot be used", *start, *end)]);
    }
    let ty = checker.types.finish(&ty);
    Ok((expr, ty))
}

fn issue<T>(node: &Node, message: impl Into<String>) -> Result<T, Issue> {
    Err(Issue::new(message, node.start, node.end))
}

impl Checker<'_> {
    pub(crate) fn expr(&mut self, node: &Node, scope: &Scope<'_>) -> Checked {
        match &node.kind {
            Kind::Const(constant) => Ok((Expr::Const(constant.clone()), const_type(constant))),
            Kind::Ident(name) => self.ident(node, name, scope),
            Kind::Select { operand, field, optional } => {
                self.select(node, operand, field, *optional, scope)
            }
            Kind::Index { operand, index, optional } => {
                self.index(node, operand, index, *optional, scope)
            }
            Kind::List(items) => self.list(items, scope),
            Kind::Map(entries) => self.map(entries, scope),
            Kind::Call { receiver, name, args } => {
                self.call(node, receiver.as_deref(), name, args, scope)
            }
        }
    }

    fn ident(&mut self, node: &Node, name: &str, scope: &Scope<'_>) -> Checked {
        let local =
            self.locals.iter().rposition(|local| local.scope == scope.id && *local.name == *name);
        if let Some(at) = local {
            let ty = self.locals[at].ty.clone();
            self.used_local(node, &ty);
            return Ok((Expr::Local(at as u16), ty));
        }
        if let Some(argument) = scope.args.iter().find(|argument| argument.name == name) {
            return self.expr(argument.node, argument.scope);
        }
        if let Some(slot) = self.env.variables.iter().rposition(|(known, _)| **known == *name) {
            return Ok((Expr::Var(slot as u16), self.env.variables[slot].1.clone()));
        }
        if let Some(index) = functions::type_constant(name) {
            let expr = Expr::Call { function: index, args: Box::default() };
            return Ok((expr, Type::Type(named_type(name).into())));
        }
        issue(node, format!("undeclared reference to {name:?}"))
    }

    /// A comprehension's variable that holds a type cannot be named: the API
    /// server takes its name for that of a type. Known once all is checked.
    fn used_local(&mut self, node: &Node, ty: &Type) {
        self.used_locals.push((node.start, node.end, ty.clone()));
    }

    fn select(
        &mut self,
        node: &Node,
        operand: &Node,
        field: &str,
        optional: bool,
        scope: &Scope<'_>,
    ) -> Checked {
        let (inner, ty) = self.expr(operand, scope)?;
        let ty = self.types.resolve(&ty);
        let name = Name(FieldName::new(field));
        let inner = Box::new(inner);
        let (base, was_optional) = match &ty {
            Type::Optional(inner) => (self.types.resolve(inner), true),
            other => (other.clone(), false),
        };
        let result = self.field_type(node, &base, field)?;
        if optional || was_optional {
            let result = match result {
                Type::Optional(_) => result,
                other => Type::Optional(other.into()),
            };
            return Ok((Expr::OptSelect { operand: inner, field: name }, result));
        }
        Ok((Expr::Select { operand: inner, field: name }, result))
    }

    fn field_type(&mut self, node: &Node, base: &Type, field: &str) -> Result<Type, Issue> {
        match base {
            Type::Dyn => Ok(Type::Dyn),
            Type::Var(_) => {
                self.types.assignable(base, &Type::Dyn);
                Ok(Type::Dyn)
            }
            Type::Map(key, value) => {
                if self.types.assignable(key, &Type::String) {
                    Ok(Type::clone(value))
                } else {
                    issue(node, format!("this map has no text keys, so no member {field:?}"))
                }
            }
            Type::Object(name) => {
                match self.env.provider.as_ref().and_then(|provider| provider.field(name, field)) {
                    Some(ty) => Ok(ty),
                    None => issue(node, format!("undefined field {field:?} of {name}")),
                }
            }
            other => issue(node, format!("type {other} has no members, so no {field:?}")),
        }
    }

    fn index(
        &mut self,
        node: &Node,
        operand: &Node,
        index: &Node,
        optional: bool,
        scope: &Scope<'_>,
    ) -> Checked {
        let (inner, ty) = self.expr(operand, scope)?;
        let (key, key_type) = self.expr(index, scope)?;
        let ty = self.types.resolve(&ty);
        let (base, was_optional) = match &ty {
            Type::Optional(inner) => (self.types.resolve(inner), true),
            other => (other.clone(), false),
        };
        let number = |checker: &mut Self| {
            matches!(checker.types.resolve(&key_type), Type::Int | Type::Dyn | Type::Var(_))
        };
        let result = match &base {
            Type::List(item) if number(self) => Type::clone(item),
            Type::Map(map_key, value) if self.types.assignable(map_key, &key_type) => {
                Type::clone(value)
            }
            Type::Dyn | Type::Var(_) | Type::Object(_) => Type::Dyn,
            other => return issue(node, format!("type {other} cannot be indexed by {key_type}")),
        };
        let (operand, index) = (Box::new(inner), Box::new(key));
        if optional || was_optional {
            return Ok((Expr::OptIndex { operand, index }, Type::Optional(result.into())));
        }
        Ok((Expr::Index { operand, index }, result))
    }

    fn list(&mut self, items: &[(Node, bool)], scope: &Scope<'_>) -> Checked {
        let mut item_type: Option<Type> = None;
        let mut exprs = Vec::with_capacity(items.len());
        for (item, optional) in items {
            let (expr, ty) = self.expr(item, scope)?;
            let ty = self.unwrapped(item, ty, *optional)?;
            item_type = Some(self.join(item, item_type, ty)?);
            exprs.push((expr, *optional));
        }
        let item_type = item_type.unwrap_or_else(|| self.types.fresh());
        Ok((Expr::List(exprs.into()), Type::List(item_type.into())))
    }

    fn map(&mut self, entries: &[(Node, Node, bool)], scope: &Scope<'_>) -> Checked {
        let (mut key_type, mut value_type) = (None, None);
        let mut exprs = Vec::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let (key_expr, ty) = self.expr(key, scope)?;
            key_type = Some(self.join(key, key_type, ty)?);
            let (value_expr, ty) = self.expr(value, scope)?;
            let ty = self.unwrapped(value, ty, *optional)?;
            value_type = Some(self.join(value, value_type, ty)?);
            exprs.push((key_expr, value_expr, *optional));
        }
        let key_type = key_type.unwrap_or_else(|| self.types.fresh());
        let value_type = value_type.unwrap_or_else(|| self.types.fresh());
        Ok((Expr::Map(exprs.into()), Type::Map(key_type.into(), value_type.into())))
    }

    /// The type inside an optional element.
    fn unwrapped(&mut self, node: &Node, ty: Type, optional: bool) -> Result<Type, Issue> {
        if !optional {
            return Ok(ty);
        }
        match self.types.resolve(&ty) {
            Type::Optional(inner) => Ok(Type::clone(&inner)),
            Type::Dyn => Ok(Type::Dyn),
            other => {
                issue(node, format!("an optional element needs an optional value, not {other}"))
            }
        }
    }

    /// Literals hold elements of one type.
    fn join(&mut self, node: &Node, so_far: Option<Type>, ty: Type) -> Result<Type, Issue> {
        let Some(so_far) = so_far else { return Ok(ty) };
        let (a, b) = (self.types.resolve(&so_far), self.types.resolve(&ty));
        let fits = self.types.assignable(&a, &b);
        if self.n_formats > 0 {
            return Ok(if fits && a != Type::Dyn && b != Type::Dyn { a } else { Type::Dyn });
        }
        // Not even a dynamic value stands beside one of a known type.
        if fits && self.types.finish(&a) == self.types.finish(&b) {
            return Ok(a);
        }
        issue(node, format!("elements of one literal have one type: {a} and {b}"))
    }

    fn call(
        &mut self,
        node: &Node,
        receiver: Option<&Node>,
        name: &str,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Checked {
        if let Some(result) = self.expand(node, receiver, name, args, scope) {
            return result;
        }
        match (receiver, name, args) {
            (None, "_&&_" | "_||_", [a, b]) => return self.logic(name, a, b, scope),
            (None, "!_", [a]) => {
                let (expr, ty) = self.expr(a, scope)?;
                self.want(a, &Type::Bool, &ty)?;
                return Ok((Expr::Not(expr.into()), Type::Bool));
            }
            (None, "_?_:_", [condition, yes, no]) => {
                return self.ternary(condition, yes, no, scope);
            }
            _ => {}
        }
        let qualified = receiver.and_then(|receiver| self.qualified(receiver, name, scope));
        let mut exprs = Vec::with_capacity(args.len() + 1);
        let mut types = Vec::with_capacity(args.len() + 1);
        let method = receiver.is_some() && qualified.is_none();
        let receiver = receiver.filter(|_| qualified.is_none());
        let is_format = method && name == "format";
        self.n_formats += usize::from(is_format);
        let checked: Result<Vec<(Expr, Type)>, Issue> =
            receiver.into_iter().chain(args).map(|arg| self.expr(arg, scope)).collect();
        if is_format && checked.is_ok() {
            self.format(node, receiver, args, scope)?;
        }
        self.n_formats -= usize::from(is_format);
        for (expr, ty) in checked? {
            exprs.push(expr);
            types.push(ty);
        }
        let full = qualified.as_deref().unwrap_or(name);
        if let Some(found) = self.host(node, full, method, &exprs, &types)? {
            return Ok(found);
        }
        let result = self.overload(node, full, method, &types)?;
        let Some(function) = functions::number(full, method) else {
            return issue(node, format!("the function {full} is not available"));
        };
        literals(node, full, &exprs)?;
        Ok((Expr::Call { function, args: exprs.into() }, result))
    }

    /// A literal format is checked against a literal list of arguments.
    fn format(
        &mut self,
        node: &Node,
        receiver: Option<&Node>,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Result<(), Issue> {
        let Some(Kind::Const(Const::Str(format))) = receiver.map(|receiver| &receiver.kind) else {
            return Ok(());
        };
        let [Node { kind: Kind::List(items), .. }] = args else { return Ok(()) };
        let mut n_used = 0;
        for piece in Pieces::new(format, items.len()) {
            let Piece::Clause(clause, at) = piece.or_else(|message| issue(node, message))? else {
                continue;
            };
            n_used += 1;
            let (_, ty) = self.expr(&items[at].0, scope)?;
            let ty = self.types.resolve(&ty);
            let is = |types: &[Type]| types.contains(&ty);
            let fits = matches!(ty, Type::Dyn | Type::Var(_))
                || match clause {
                    Clause::String => {
                        !matches!(ty, Type::Optional(_) | Type::Object(_) | Type::Opaque(_))
                    }
                    Clause::Decimal | Clause::Octal => is(&[Type::Int, Type::Uint]),
                    Clause::Fixed(_) | Clause::Scientific(_) => is(&[Type::Double, Type::String]),
                    Clause::Binary => is(&[Type::Int, Type::Uint, Type::Bool]),
                    Clause::Hex | Clause::HexUpper => {
                        is(&[Type::Int, Type::Uint, Type::String, Type::Bytes])
                    }
                };
            if !fits {
                return issue(&items[at].0, format!("this clause of the format cannot show {ty}"));
            }
        }
        if n_used < items.len() {
            return issue(node, format!("the format uses {n_used} of {} arguments", items.len()));
        }
        Ok(())
    }

    /// `strings.quote`, `sets.contains`, `format.named`: a function whose name has a dot.
    fn qualified(&self, receiver: &Node, name: &str, scope: &Scope<'_>) -> Option<String> {
        let Kind::Ident(namespace) = &receiver.kind else { return None };
        let shadowed = self.locals.iter().any(|local| local.name == *namespace)
            || scope.args.iter().any(|argument| argument.name == &**namespace)
            || self.env.variables.iter().any(|(known, _)| known == namespace);
        let full = format!("{namespace}.{name}");
        (!shadowed && self.env.functions.overloads.contains_key(full.as_str())).then_some(full)
    }

    fn host(
        &mut self,
        node: &Node,
        name: &str,
        method: bool,
        exprs: &[Expr],
        types: &[Type],
    ) -> Result<Option<(Expr, Type)>, Issue> {
        let env = self.env;
        let Some(number) =
            env.hosts.iter().position(|(known, host)| **known == *name && host.receiver == method)
        else {
            return Ok(None);
        };
        let host = &env.hosts[number].1;
        let fits = host.params.len() == types.len()
            && host.params.iter().zip(types).all(|(param, ty)| self.types.assignable(param, ty));
        if !fits {
            return issue(
                node,
                format!("{name} takes {} arguments of other types", host.params.len()),
            );
        }
        Ok(Some((Expr::Host { function: number as u16, args: exprs.into() }, host.result.clone())))
    }

    /// The result type of the overloads that fit; dynamic when they differ.
    fn overload(
        &mut self,
        node: &Node,
        name: &str,
        method: bool,
        types: &[Type],
    ) -> Result<Type, Issue> {
        let Some(overloads) = self.env.functions.overloads.get(name) else {
            let hint = match Declarations::first_minor(name) {
                Some(minor) => format!("; Kubernetes has it from 1.{minor}"),
                None => String::new(),
            };
            return issue(node, format!("undeclared function {name:?}{hint}"));
        };
        let mut result: Option<Type> = None;
        let mut chosen: Option<Unifier> = None;
        for overload in overloads.iter().filter(|overload| {
            overload.is_method == method && overload.arguments.len() == types.len()
        }) {
            // What an earlier fitting overload bound stays bound for the later ones.
            let mut trial = chosen.clone().unwrap_or_else(|| self.types.clone());
            let mut params = Vec::new();
            let fits = overload.arguments.iter().zip(types).all(|(declared, ty)| {
                let wanted = trial.declared(declared, &mut params);
                trial.assignable(&wanted, ty)
            });
            if !fits {
                continue;
            }
            let ty = trial.declared(&overload.result, &mut params);
            let ty = trial.resolve(&ty);
            result = Some(match result {
                Some(first) if first != ty => Type::Dyn,
                _ => ty,
            });
            chosen = Some(trial);
        }
        if let Some(chosen) = chosen {
            self.types = chosen;
        }
        if let Some(ty) = result {
            Ok(ty)
        } else {
            let shown: Vec<String> =
                types.iter().map(|ty| self.types.finish(ty).to_string()).collect();
            issue(node, format!("no overload of {name:?} takes ({})", shown.join(", ")))
        }
    }

    fn want(&mut self, node: &Node, wanted: &Type, ty: &Type) -> Result<(), Issue> {
        if self.types.assignable(wanted, ty) {
            return Ok(());
        }
        issue(node, format!("expected {wanted}, found {}", self.types.finish(ty)))
    }

    fn logic(&mut self, name: &str, a: &Node, b: &Node, scope: &Scope<'_>) -> Checked {
        let (left, ty) = self.expr(a, scope)?;
        self.want(a, &Type::Bool, &ty)?;
        let (right, ty) = self.expr(b, scope)?;
        self.want(b, &Type::Bool, &ty)?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok((
            if name == "_&&_" { Expr::And(left, right) } else { Expr::Or(left, right) },
            Type::Bool,
        ))
    }

    fn ternary(&mut self, condition: &Node, yes: &Node, no: &Node, scope: &Scope<'_>) -> Checked {
        let (test, ty) = self.expr(condition, scope)?;
        self.want(condition, &Type::Bool, &ty)?;
        let (yes_expr, yes_type) = self.expr(yes, scope)?;
        let (no_expr, no_type) = self.expr(no, scope)?;
        let (a, b) = (self.types.resolve(&yes_type), self.types.resolve(&no_type));
        let ty = if a == Type::Dyn || b == Type::Dyn {
            Type::Dyn
        } else if self.types.assignable(&a, &b) {
            a
        } else {
            return issue(no, format!("both branches have one type: {a} and {b}"));
        };
        Ok((Expr::If(Box::new([test, yes_expr, no_expr])), ty))
    }
}

/// The type that a type's name stands for.
fn named_type(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "list" => Type::List(Type::Dyn.into()),
        "map" => Type::Map(Type::Dyn.into(), Type::Dyn.into()),
        "null_type" => Type::Null,
        "string" => Type::String,
        "uint" => Type::Uint,
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        other => Type::Opaque(other.into()),
    }
}

/// Calls with constants that can only fail are refused, as by the API server.
fn literals(node: &Node, name: &str, args: &[Expr]) -> Result<(), Issue> {
    let problem = match (name, args) {
        ("matches" | "find" | "findAll", [_, pattern, ..]) => match folded(pattern) {
            Some(Ok(Val::Str(text))) => crate::library::regex::Pattern::new(&text).is_err(),
            _ => false,
        },
        (_, [arg]) if is_conversion(name) => {
            converted(name, arg).is_some_and(|value| value.is_err())
        }
        _ => false,
    };
    if problem { issue(node, format!("the constant given to {name} is invalid")) } else { Ok(()) }
}

fn is_conversion(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "bytes"
            | "double"
            | "duration"
            | "dyn"
            | "int"
            | "string"
            | "timestamp"
            | "type"
            | "uint"
    )
}

/// A conversion of a constant at compile time; none for anything else.
fn converted<'a>(name: &str, arg: &'a Expr) -> Option<Result<Val<'a>, EvalError>> {
    match folded(arg)? {
        Ok(value) => {
            let function = functions::number(name, false)?;
            Some(functions::call(function, &[value]).map(|(value, _)| value))
        }
        error => Some(error),
    }
}

/// The value of a constant: a literal, a type's name, a list or map of constants,
/// a conversion of one; none for anything else.
fn folded(expr: &Expr) -> Option<Result<Val<'_>, EvalError>> {
    Some(match expr {
        Expr::Const(constant) => Ok(Val::from(constant)),
        Expr::Call { function, args } => match (functions::name(*function), &**args) {
            (Some(name), []) if name.starts_with("@type ") => {
                functions::call(*function, &[]).map(|(value, _)| value)
            }
            (Some(name), [arg]) if is_conversion(name) => return converted(name, arg),
            _ => return None,
        },
        Expr::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            for (item, optional) in items {
                match folded(item).filter(|_| !optional)? {
                    Ok(value) => values.push(value),
                    error => return Some(error),
                }
            }
            Ok(Val::list(values))
        }
        Expr::Map(entries) => {
            let mut made = Vec::with_capacity(entries.len());
            for (key, value, optional) in entries {
                match (folded(key).filter(|_| !optional)?, folded(value)?) {
                    (Ok(key), Ok(value)) => made.push((key, value)),
                    (error @ Err(_), _) | (_, error) => return Some(error),
                }
            }
            Ok(Val::Map(made.into()))
        }
        _ => return None,
    })
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
    }
}
