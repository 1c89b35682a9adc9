//! Macros and helpers.

use super::{
    Argument, Checked, Checker, Expr, Fold, Kind, Local, MOST_EXPANSIONS, Name, Node, Scope, Type,
    issue,
};
use crate::Issue;
use ironhull_model::FieldName;

impl Checker<'_> {
    /// The expansion of a call, if it is a macro or a helper.
    pub(super) fn expand(
        &mut self,
        node: &Node,
        receiver: Option<&Node>,
        name: &str,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Option<Checked> {
        if receiver.is_none() && name == "has" && args.len() == 1 {
            return Some(self.has(&args[0], scope));
        }
        if receiver.is_none()
            && let Some(helper) = self.env.helpers.get(name)
        {
            return Some(self.helper(node, helper, args, scope));
        }
        let receiver = receiver?;
        let declared =
            self.env.functions.macros.iter().any(|known| {
                known.is_method && known.name == name && known.n_arguments == args.len()
            });
        if !declared {
            return None;
        }
        Some(match (name, args) {
            ("all", [v, body]) => self.fold(node, Fold::All, receiver, &[v], None, body, scope),
            ("exists", [v, body]) => {
                self.fold(node, Fold::Exists, receiver, &[v], None, body, scope)
            }
            ("exists_one" | "existsOne", [v, body]) => {
                self.fold(node, Fold::ExistsOne, receiver, &[v], None, body, scope)
            }
            ("filter", [v, body]) => {
                self.fold(node, Fold::Filter, receiver, &[v], None, body, scope)
            }
            ("map", [v, body]) => self.fold(node, Fold::Map, receiver, &[v], None, body, scope),
            ("map", [v, when, body]) => {
                self.fold(node, Fold::Map, receiver, &[v], Some(when), body, scope)
            }
            ("all", [i, v, body]) => {
                self.fold(node, Fold::All, receiver, &[i, v], None, body, scope)
            }
            ("exists", [i, v, body]) => {
                self.fold(node, Fold::Exists, receiver, &[i, v], None, body, scope)
            }
            ("exists_one" | "existsOne", [i, v, body]) => {
                self.fold(node, Fold::ExistsOne, receiver, &[i, v], None, body, scope)
            }
            ("transformList", [i, v, body]) => {
                self.fold(node, Fold::Map, receiver, &[i, v], None, body, scope)
            }
            ("transformList", [i, v, when, body]) => {
                self.fold(node, Fold::Map, receiver, &[i, v], Some(when), body, scope)
            }
            ("transformMap", [i, v, body]) => {
                self.fold(node, Fold::TransformMap, receiver, &[i, v], None, body, scope)
            }
            ("transformMap", [i, v, when, body]) => {
                self.fold(node, Fold::TransformMap, receiver, &[i, v], Some(when), body, scope)
            }
            ("transformMapEntry", [i, v, body]) => {
                self.fold(node, Fold::TransformMapEntry, receiver, &[i, v], None, body, scope)
            }
            ("transformMapEntry", [i, v, when, body]) => {
                self.fold(node, Fold::TransformMapEntry, receiver, &[i, v], Some(when), body, scope)
            }
            ("sortBy", [v, body]) => {
                self.fold(node, Fold::SortBy, receiver, &[v], None, body, scope)
            }
            ("optMap", [v, body]) => self.opt_map(receiver, v, body, false, scope),
            ("optFlatMap", [v, body]) => self.opt_map(receiver, v, body, true, scope),
            _ => return None,
        })
    }

    fn has(&mut self, arg: &Node, scope: &Scope<'_>) -> Checked {
        let Kind::Select { operand, field, optional } = &arg.kind else {
            return issue(arg, "has() takes a selection such as has(a.b)");
        };
        let (inner, ty) = self.expr(operand, scope)?;
        let ty = self.types.resolve(&ty);
        let base = match &ty {
            Type::Optional(inner) => self.types.resolve(inner),
            other => other.clone(),
        };
        self.field_type(arg, &base, field)?;
        if *optional {
            return issue(arg, "has() takes no optional selection");
        }
        Ok((Expr::Has { operand: inner.into(), field: Name(FieldName::new(field)) }, Type::Bool))
    }

    fn helper(
        &mut self,
        node: &Node,
        helper: &crate::env::Helper,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Checked {
        if helper.params.len() != args.len() {
            return issue(node, format!("this helper takes {} arguments", helper.params.len()));
        }
        self.n_expansions += 1;
        if self.n_expansions > MOST_EXPANSIONS * 10 {
            return issue(node, "helpers expand too far");
        }
        // An argument is checked where it stands in the body but means what it
        // meant at the call: it sees the call's scope, and the body's own
        // comprehension variables cannot capture its names.
        let args = helper
            .params
            .iter()
            .zip(args)
            .map(|(name, node)| Argument { name, node, scope })
            .collect();
        let inner = Scope { args, id: self.n_expansions };
        self.expr(&helper.body, &inner)
            .map_err(|problem| Issue::new(problem.message, node.start, node.end))
    }

    #[expect(clippy::too_many_arguments, reason = "a macro has as many parts")]
    fn fold(
        &mut self,
        node: &Node,
        fold: Fold,
        receiver: &Node,
        vars: &[&Node],
        when: Option<&Node>,
        body: &Node,
        scope: &Scope<'_>,
    ) -> Checked {
        let (range, range_type) = self.expr(receiver, scope)?;
        let range_type = self.types.resolve(&range_type);
        let (index_type, item_type) = match &range_type {
            Type::List(item) => (Type::Int, Type::clone(item)),
            Type::Map(key, value) => (Type::clone(key), Type::clone(value)),
            Type::Dyn | Type::Var(_) => (Type::Dyn, Type::Dyn),
            // Typed objects and others cannot be iterated.
            other => return issue(receiver, format!("type {other} cannot be iterated")),
        };
        let is_map = matches!(range_type, Type::Map(..));
        let types = match vars {
            [_] => vec![if is_map { index_type.clone() } else { item_type.clone() }],
            _ => vec![index_type.clone(), item_type.clone()],
        };
        if fold == Fold::Filter {
            self.used_local(node, &types[0]);
        }
        let local = self.locals.len();
        for (var, ty) in vars.iter().zip(types) {
            let Kind::Ident(name) = &var.kind else {
                return issue(var, "a comprehension's variable is a simple name");
            };
            self.locals.push(Local { name: name.clone(), ty, scope: scope.id });
        }
        let inner = |checker: &mut Self| -> Result<(Option<Expr>, Expr, Type), Issue> {
            let when = match when {
                None => None,
                Some(when) => {
                    let (expr, ty) = checker.expr(when, scope)?;
                    checker.want(when, &Type::Bool, &ty)?;
                    Some(expr)
                }
            };
            let (expr, ty) = checker.expr(body, scope)?;
            Ok((when, expr, ty))
        };
        let result = inner(self);
        self.locals.truncate(local);
        let (when, body_expr, body_type) = result?;
        let ty = match fold {
            Fold::All | Fold::Exists | Fold::ExistsOne => {
                self.want(body, &Type::Bool, &body_type)?;
                Type::Bool
            }
            Fold::Filter => {
                self.want(body, &Type::Bool, &body_type)?;
                Type::List(if is_map { index_type } else { item_type }.into())
            }
            Fold::Map => Type::List(body_type.into()),
            Fold::SortBy => range_type,
            Fold::TransformMap => Type::Map(index_type.into(), body_type.into()),
            Fold::TransformMapEntry => match self.types.resolve(&body_type) {
                map @ (Type::Map(..) | Type::Dyn) => map,
                other => return issue(body, format!("transformMapEntry gives a map, not {other}")),
            },
        };
        let fold = Expr::Fold {
            fold,
            local: local as u16,
            n_vars: vars.len() as u8,
            range: range.into(),
            when: when.map(Box::new),
            body: body_expr.into(),
        };
        Ok((fold, ty))
    }

    fn opt_map(
        &mut self,
        receiver: &Node,
        var: &Node,
        body: &Node,
        flat: bool,
        scope: &Scope<'_>,
    ) -> Checked {
        let (operand, ty) = self.expr(receiver, scope)?;
        let inner = match self.types.resolve(&ty) {
            Type::Optional(inner) => Type::clone(&inner),
            Type::Dyn | Type::Var(_) => Type::Dyn,
            other => {
                return issue(receiver, format!("optMap works on an optional value, not {other}"));
            }
        };
        let Kind::Ident(name) = &var.kind else {
            return issue(var, "optMap's variable is a simple name");
        };
        self.used_local(var, &inner);
        let local = self.locals.len();
        self.locals.push(Local { name: name.clone(), ty: inner, scope: scope.id });
        let checked = self.expr(body, scope);
        self.locals.truncate(local);
        let (body_expr, body_type) = checked?;
        let ty = if flat {
            match self.types.resolve(&body_type) {
                optional @ Type::Optional(_) => optional,
                Type::Dyn => Type::Optional(Type::Dyn.into()),
                other => {
                    return issue(body, format!("optFlatMap gives an optional value, not {other}"));
                }
            }
        } else {
            Type::Optional(body_type.into())
        };
        let expr = Expr::OptMap {
            local: local as u16,
            operand: operand.into(),
            body: body_expr.into(),
            flat,
        };
        Ok((expr, ty))
    }
}
