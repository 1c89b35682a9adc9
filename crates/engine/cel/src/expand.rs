//! From the parsed text to the expression that it stands for: macros of the
//! environment's minor and helpers.
//!
//! Helpers are hygienic: an argument means what it meant at the call, and the
//! body's own variables are renamed so that they cannot capture its names. An argument
//! that is more than a path and is named more than once is evaluated once.

use crate::Issue;
use crate::ast::{Const, Fold};
use crate::core::{Comprehension, Core, Found, Kind};
use crate::env::{Env, Helper};
use crate::parser::{Kind as Parsed, Node};

/// How often helpers may expand in one expression.
const MOST_EXPANSIONS: usize = 400;
/// An expression may stand for this many nodes: `optMap` doubles its operand.
const MOST_NODES: usize = 100_000;
/// Nested deeper than any text that the parser accepts, after expansion.
const MOST_DEPTH: usize = 1_100;
/// The accumulator's name in older versions of the language.
const ACCUMULATOR: &str = "__result__";
const SORT_BY_INPUT: &str = "@__sortBy_input__";

/// The names of a helper's parameters, with the scope their arguments were written in.
struct Scope<'n> {
    args: Vec<(&'n str, &'n Node, &'n Scope<'n>)>,
    /// 0 for the expression itself, else the number of the expansion.
    id: usize,
}

struct Expander<'e> {
    env: &'e Env,
    /// Comprehension variables of helpers' bodies around, with their scopes.
    locals: Vec<(Box<str>, usize)>,
    n_expansions: usize,
    n_nodes: usize,
    depth: usize,
}

/// Expands a parsed expression.
pub(crate) fn expand(env: &Env, node: &Node) -> Result<Core, Issue> {
    let mut expander = Expander { env, locals: Vec::new(), n_expansions: 0, n_nodes: 0, depth: 0 };
    expander.expr(node, &Scope { args: Vec::new(), id: 0 })
}

fn issue<T>(node: &Node, message: impl Into<String>) -> Result<T, Issue> {
    Err(Issue::new(message, node.start, node.end))
}

fn core(node: &Node, kind: Kind) -> Core {
    Core::new(kind, node.start, node.end)
}

fn call(node: &Node, name: &str, args: Vec<Core>) -> Core {
    core(node, Kind::Call { target: None, name: name.into(), args, found: Found::None })
}

fn method(node: &Node, target: Core, name: &str, args: Vec<Core>) -> Core {
    let target = Some(Box::new(target));
    core(node, Kind::Call { target, name: name.into(), args, found: Found::None })
}

fn accumulator(node: &Node) -> Core {
    core(node, Kind::Accumulator)
}

impl Expander<'_> {
    fn expr(&mut self, node: &Node, scope: &Scope<'_>) -> Result<Core, Issue> {
        self.n_nodes += 1;
        self.depth += 1;
        if self.n_nodes > MOST_NODES || self.depth > MOST_DEPTH {
            return issue(node, "the expression is too large after expansion");
        }
        let expanded = self.expanded(node, scope);
        self.depth -= 1;
        expanded
    }

    fn all(&mut self, nodes: &[Node], scope: &Scope<'_>) -> Result<Vec<Core>, Issue> {
        nodes.iter().map(|node| self.expr(node, scope)).collect()
    }

    fn expanded(&mut self, node: &Node, scope: &Scope<'_>) -> Result<Core, Issue> {
        Ok(match &node.kind {
            Parsed::Const(constant) => core(node, Kind::Const(constant.clone())),
            Parsed::Ident { name, root } => return self.ident(node, name, *root, scope),
            Parsed::Select { operand, field, optional } => {
                let operand = self.expr(operand, scope)?;
                if *optional {
                    let field = core(node, Kind::Const(Const::Str(field.clone())));
                    call(node, "_?._", vec![operand, field])
                } else {
                    let operand = Box::new(operand);
                    core(node, Kind::Select { operand, field: field.clone(), test: false })
                }
            }
            Parsed::Index { operand, index, optional } => {
                let args = vec![self.expr(operand, scope)?, self.expr(index, scope)?];
                call(node, if *optional { "_[?_]" } else { "_[_]" }, args)
            }
            Parsed::List(items) => {
                let expanded: Result<_, Issue> = items
                    .iter()
                    .map(|(item, optional)| Ok((self.expr(item, scope)?, *optional)))
                    .collect();
                core(node, Kind::List(expanded?))
            }
            Parsed::Map(entries) => {
                let expanded: Result<_, Issue> = entries
                    .iter()
                    .map(|(key, value, optional)| {
                        Ok((self.expr(key, scope)?, self.expr(value, scope)?, *optional))
                    })
                    .collect();
                core(node, Kind::Map(expanded?))
            }
            Parsed::Struct { name, fields } => {
                let expanded: Result<_, Issue> = fields
                    .iter()
                    .map(|(name, value, optional)| {
                        Ok((name.clone(), self.expr(value, scope)?, *optional))
                    })
                    .collect();
                core(node, Kind::Struct { name: name.clone(), fields: expanded? })
            }
            Parsed::Call { receiver, name, args } => {
                return self.call(node, receiver.as_deref(), name, args, scope);
            }
        })
    }

    fn ident(
        &mut self,
        node: &Node,
        name: &str,
        root: bool,
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        if scope.id == 0 || root {
            return Ok(core(node, Kind::Ident { name: name.into(), root }));
        }
        let is_local = self.locals.iter().any(|(known, id)| *id == scope.id && **known == *name);
        if is_local {
            let name = renamed(name, scope);
            return Ok(core(node, Kind::Ident { name, root: false }));
        }
        match scope.args.iter().find(|(known, ..)| *known == name) {
            Some((_, argument, outer)) => self.expr(argument, outer),
            None => Ok(core(node, Kind::Ident { name: name.into(), root: true })),
        }
    }

    fn call(
        &mut self,
        node: &Node,
        receiver: Option<&Node>,
        name: &str,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        let Some(receiver) = receiver else {
            if let ("has", [arg]) = (name, args) {
                return self.has(arg, scope);
            }
            let env = self.env;
            if let Some(helper) = env.helpers.get(name) {
                return self.helper(node, helper, args, scope);
            }
            let args = self.all(args, scope)?;
            return Ok(call(node, name, args));
        };
        let is_macro =
            self.env.functions.macros.iter().any(|known| {
                known.is_method && known.name == name && known.n_arguments == args.len()
            });
        if is_macro && let Some(expanded) = self.macro_call(node, receiver, name, args, scope) {
            return expanded;
        }
        let target = self.expr(receiver, scope)?;
        let args = self.all(args, scope)?;
        Ok(method(node, target, name, args))
    }

    fn has(&mut self, arg: &Node, scope: &Scope<'_>) -> Result<Core, Issue> {
        let Parsed::Select { operand, field, optional: false } = &arg.kind else {
            return issue(arg, "has() takes a selection such as has(a.b)");
        };
        let operand = Box::new(self.expr(operand, scope)?);
        Ok(core(arg, Kind::Select { operand, field: field.clone(), test: true }))
    }

    fn helper(
        &mut self,
        node: &Node,
        helper: &Helper,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        if helper.params.len() != args.len() {
            return issue(node, format!("this helper takes {} arguments", helper.params.len()));
        }
        self.n_expansions += 1;
        if self.n_expansions > MOST_EXPANSIONS {
            return issue(node, "helpers expand too far");
        }
        let id = self.n_expansions;
        let n_locals = self.locals.len();
        let (mut inner, mut bound) = (Scope { args: Vec::new(), id }, Vec::new());
        for (name, argument) in helper.params.iter().zip(args) {
            if is_path(argument) || n_uses(&helper.body, name) < 2 {
                inner.args.push((name, argument, scope));
            } else {
                bound.push((renamed(name, &inner), self.expr(argument, scope)?));
                self.locals.push((name.clone(), id));
            }
        }
        let expanded = self.expr(&helper.body, &inner);
        self.locals.truncate(n_locals);
        let body = expanded.map_err(|problem| Issue::new(problem.message, node.start, node.end))?;
        let binding = |body, (name, argument)| bind(node, name, argument, body);
        let mut expanded = bound.into_iter().rev().fold(body, binding);
        (expanded.start, expanded.end) = (node.start, node.end);
        Ok(expanded)
    }

    fn macro_call(
        &mut self,
        node: &Node,
        receiver: &Node,
        name: &str,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Option<Result<Core, Issue>> {
        let mut fold = |fold, n_vars: usize| {
            let (vars, parts) = args.split_at(n_vars);
            self.fold(node, fold, receiver, vars, parts, scope)
        };
        Some(match (name, args.len()) {
            ("all", 2) => fold(Fold::All, 1),
            ("all", 3) => fold(Fold::All, 2),
            ("exists", 2) => fold(Fold::Exists, 1),
            ("exists", 3) => fold(Fold::Exists, 2),
            ("exists_one" | "existsOne", 2) => fold(Fold::ExistsOne, 1),
            ("exists_one" | "existsOne", 3) => fold(Fold::ExistsOne, 2),
            ("filter", 2) => fold(Fold::Filter, 1),
            ("map", 2 | 3) => fold(Fold::Map, 1),
            ("transformList", 3 | 4) => fold(Fold::Map, 2),
            ("transformMap", 3 | 4) => fold(Fold::TransformMap, 2),
            ("transformMapEntry", 3 | 4) => fold(Fold::TransformMapEntry, 2),
            ("sortBy", 2) => self.sort_by(node, receiver, args, scope),
            ("optMap", 2) => self.opt_map(node, receiver, args, false, scope),
            ("optFlatMap", 2) => self.opt_map(node, receiver, args, true, scope),
            _ => return None,
        })
    }

    /// The names of comprehension variables.
    fn vars(vars: &[Node], scope: &Scope<'_>) -> Result<Vec<Box<str>>, Issue> {
        let mut names: Vec<Box<str>> = Vec::with_capacity(vars.len());
        for var in vars {
            let Parsed::Ident { name, root } = &var.kind else {
                return issue(var, "a comprehension's variable is a simple name");
            };
            // Nothing can name `.x`, but it may stand there.
            let name = if *root { format!(".{name}").into() } else { name.clone() };
            if *name == *ACCUMULATOR {
                return issue(var, "this name is taken by the comprehension itself");
            }
            let name = if scope.id == 0 { name } else { renamed(&name, scope) };
            if names.contains(&name) {
                return issue(var, "two variables of one comprehension have different names");
            }
            names.push(name);
        }
        Ok(names)
    }

    fn declare(&mut self, vars: &[Node], scope: &Scope<'_>) {
        if scope.id > 0 {
            self.locals.extend(vars.iter().filter_map(|var| match &var.kind {
                Parsed::Ident { name, .. } => Some((name.clone(), scope.id)),
                _ => None,
            }));
        }
    }

    fn fold(
        &mut self,
        node: &Node,
        fold: Fold,
        receiver: &Node,
        vars: &[Node],
        parts: &[Node],
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        let range = self.expr(receiver, scope)?;
        self.fold_over(node, fold, range, vars, parts, scope)
    }

    fn fold_over(
        &mut self,
        node: &Node,
        fold: Fold,
        range: Core,
        vars: &[Node],
        parts: &[Node],
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        let names = Self::vars(vars, scope)?;
        let n_locals = self.locals.len();
        self.declare(vars, scope);
        let parts = self.all(parts, scope);
        self.locals.truncate(n_locals);
        let step = step(node, fold, &names, parts?);
        Ok(core(node, Kind::Fold(Box::new(Comprehension { fold, vars: names, range, step }))))
    }

    /// `range.sortBy(x, key)`: the range with a name, sorted by the list of its keys.
    fn sort_by(
        &mut self,
        node: &Node,
        receiver: &Node,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        let range = self.expr(receiver, scope)?;
        if matches!(range.kind, Kind::Const(_) | Kind::Map(_)) {
            return issue(receiver, "sortBy sorts a list");
        }
        let input = || core(node, Kind::Ident { name: SORT_BY_INPUT.into(), root: false });
        let (vars, parts) = args.split_at(1);
        let keys = self.fold_over(node, Fold::Map, input(), vars, parts, scope)?;
        let step = method(node, input(), "@sortByAssociatedKeys", vec![keys]);
        Ok(bind(node, SORT_BY_INPUT.into(), range, step))
    }

    fn opt_map(
        &mut self,
        node: &Node,
        receiver: &Node,
        args: &[Node],
        flat: bool,
        scope: &Scope<'_>,
    ) -> Result<Core, Issue> {
        let (vars, parts) = args.split_at(1);
        let names = Self::bound_name(vars, scope)?;
        let n_locals = self.locals.len();
        let operand = self.expr(receiver, scope)?;
        let copy = self.expr(receiver, scope)?;
        self.declare(vars, scope);
        let body = self.expr(&parts[0], scope);
        self.locals.truncate(n_locals);
        let value = method(node, copy, "value", Vec::new());
        let mapped = bind(node, names, value, body?);
        let mapped = if flat { mapped } else { call(node, "optional.of", vec![mapped]) };
        let has_value = method(node, operand, "hasValue", Vec::new());
        let none = call(node, "optional.none", Vec::new());
        Ok(call(node, "_?_:_", vec![has_value, mapped, none]))
    }

    fn bound_name(vars: &[Node], scope: &Scope<'_>) -> Result<Box<str>, Issue> {
        match &vars[0].kind {
            Parsed::Ident { name, root: false } if scope.id == 0 => Ok(name.clone()),
            Parsed::Ident { name, root: false } => Ok(renamed(name, scope)),
            _ => issue(&vars[0], "a comprehension's variable is a simple name"),
        }
    }
}

/// Whether looking it up costs no more than a name of it.
fn is_path(node: &Node) -> bool {
    match &node.kind {
        Parsed::Const(_) | Parsed::Ident { .. } => true,
        Parsed::Select { operand, optional: false, .. } => is_path(operand),
        _ => false,
    }
}

/// How often a helper's body names a parameter; in a comprehension that is often.
fn n_uses(body: &Node, name: &str) -> usize {
    let all = |nodes: &[Node]| nodes.iter().map(|node| n_uses(node, name)).sum();
    match &body.kind {
        Parsed::Const(_) => 0,
        Parsed::Ident { name: named, .. } => usize::from(**named == *name),
        Parsed::Select { operand, .. } => n_uses(operand, name),
        Parsed::Index { operand, index, .. } => n_uses(operand, name) + n_uses(index, name),
        Parsed::List(items) => items.iter().map(|(item, _)| n_uses(item, name)).sum(),
        Parsed::Map(entries) => {
            entries.iter().map(|(key, value, _)| n_uses(key, name) + n_uses(value, name)).sum()
        }
        Parsed::Struct { fields, .. } => {
            fields.iter().map(|(_, value, _)| n_uses(value, name)).sum()
        }
        Parsed::Call { receiver, args, .. } => {
            let in_args: usize = all(args);
            let n_in_receiver = receiver.as_deref().map_or(0, |node| n_uses(node, name));
            // What a comprehension's body names is looked up for each element.
            n_in_receiver + if receiver.is_some() && args.len() > 1 { 2 * in_args } else { in_args }
        }
    }
}

fn renamed(name: &str, scope: &Scope<'_>) -> Box<str> {
    format!("{name}@{}", scope.id).into()
}

fn bind(node: &Node, name: Box<str>, range: Core, step: Core) -> Core {
    let comprehension = Comprehension { fold: Fold::Bind, vars: vec![name], range, step };
    core(node, Kind::Fold(Box::new(comprehension)))
}

/// What becomes of the accumulator with each element.
fn step(node: &Node, fold: Fold, vars: &[Box<str>], mut parts: Vec<Core>) -> Core {
    let var = || core(node, Kind::Ident { name: vars[0].clone(), root: false });
    let body = parts.pop().unwrap_or_else(|| accumulator(node));
    let added = |item: Core| {
        call(node, "_+_", vec![accumulator(node), core(node, Kind::List(vec![(item, false)]))])
    };
    let if_so =
        |condition: Core, then: Core| call(node, "_?_:_", vec![condition, then, accumulator(node)]);
    let insert = |args: Vec<Core>| call(node, "cel.@mapInsert", args);
    let step = match fold {
        Fold::All => return call(node, "_&&_", vec![accumulator(node), body]),
        Fold::Exists => return call(node, "_||_", vec![accumulator(node), body]),
        Fold::ExistsOne => {
            let one = core(node, Kind::Const(Const::Int(1)));
            return if_so(body, call(node, "_+_", vec![accumulator(node), one]));
        }
        Fold::Filter => return if_so(body, added(var())),
        Fold::TransformMap => insert(vec![accumulator(node), var(), body]),
        Fold::TransformMapEntry => insert(vec![accumulator(node), body]),
        Fold::Map | Fold::Bind => added(body),
    };
    match parts.pop() {
        Some(condition) => if_so(condition, step),
        None => step,
    }
}
