//! Comprehensions: what the macros made of them, taken apart again.

use super::{Planner, issue};
use crate::Issue;
use crate::ast::{Expr, Fold, Folded};
use crate::core::{Comprehension, Core, Kind};
use crate::types::Type;

impl Planner {
    pub(super) fn fold(&mut self, comprehension: &Comprehension) -> Result<Expr, Issue> {
        let Comprehension { fold, vars, range, step } = comprehension;
        if *fold == Fold::Bind && matches!(range.ty, Type::Type(_)) {
            return issue(range, "a variable that holds a type cannot be used");
        }
        let planned_range = self.expr(range)?;
        let local = self.n_locals;
        self.n_locals += vars.len() as u16;
        let parts = self.step(*fold, step);
        self.n_locals = local;
        let (when, body) = parts?;
        Ok(Expr::Fold(Box::new(Folded {
            fold: *fold,
            local,
            n_vars: vars.len() as u8,
            range: planned_range,
            when,
            body,
        })))
    }

    /// The condition and body inside what the macro made of them.
    fn step(&mut self, fold: Fold, step: &Core) -> Result<(Option<Expr>, Expr), Issue> {
        if fold == Fold::Bind {
            return Ok((None, self.expr(step)?));
        }
        let Kind::Call { name, args, .. } = &step.kind else {
            return issue(step, "not a comprehension");
        };
        match (fold, &**name, &**args) {
            (Fold::All | Fold::Exists, _, [_, body]) => Ok((None, self.expr(body)?)),
            (Fold::ExistsOne, _, [body, ..]) => Ok((None, self.expr(body)?)),
            (Fold::Filter, _, [body, added, _]) => {
                // The element is named there too.
                self.element(added)?;
                Ok((None, self.expr(body)?))
            }
            (_, "_?_:_", [when, step, _]) => {
                let when = self.expr(when)?;
                Ok((Some(when), self.element(step)?))
            }
            _ => Ok((None, self.element(step)?)),
        }
    }

    /// What is added to the accumulator.
    fn element(&mut self, step: &Core) -> Result<Expr, Issue> {
        let Kind::Call { args, .. } = &step.kind else {
            return issue(step, "not a comprehension");
        };
        match &**args {
            [_, Core { kind: Kind::List(items), .. }] if items.len() == 1 => self.expr(&items[0].0),
            [_, key, value] => {
                self.expr(key)?;
                self.expr(value)
            }
            [_, value] => self.expr(value),
            _ => issue(step, "not a comprehension"),
        }
    }
}
