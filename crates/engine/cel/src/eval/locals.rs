//! Comprehension variables. A few live in place, so that the common comprehensions
//! allocate nothing.

use crate::ast::Expr;
use crate::value::Val;

/// How many live in place.
const IN_PLACE: usize = 4;

/// One variable.
#[derive(Clone, Debug)]
pub(super) enum Local<'a> {
    Val(Val<'a>),
    /// Evaluated when it is first read.
    Lazy(&'a Expr),
    /// What it was evaluated to is an error.
    Failed(Box<super::EvalError>),
}

/// The variables around the expression that is evaluated, innermost last.
#[derive(Default)]
pub(super) struct Locals<'a> {
    in_place: [Option<Local<'a>>; IN_PLACE],
    beyond: Vec<Local<'a>>,
}

impl<'a> Locals<'a> {
    /// Sets variable `at`.
    pub(super) fn set(&mut self, at: usize, local: Local<'a>) {
        if let Some(place) = self.in_place.get_mut(at) {
            *place = Some(local);
            return;
        }
        let at = at - IN_PLACE;
        while self.beyond.len() <= at {
            self.beyond.push(Local::Val(Val::Null));
        }
        self.beyond[at] = local;
    }

    pub(super) fn get(&self, at: usize) -> Option<&Local<'a>> {
        match self.in_place.get(at) {
            Some(place) => place.as_ref(),
            None => self.beyond.get(at - IN_PLACE),
        }
    }

    /// Takes all variables away.
    pub(super) fn take(&mut self) -> Locals<'a> {
        std::mem::take(self)
    }
}
