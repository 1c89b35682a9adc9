//! A policy's variables: compiled once, evaluated when they are first read, kept
//! for the expressions of one stage. And the budget that these share.

use std::borrow::Cow;

use super::types::of_variable;
use crate::eval::{Binding, Context, EvalError};
use crate::parser::is_word;
use crate::types::Type;
use crate::value::Val;
use crate::{Issue, Program};

/// What ends an evaluation whose budget does not suffice.
pub const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// What ends an evaluation that costs more than [`Context::allowance`].
pub const BEYOND_ALLOWANCE: &str = "it costs more than is allowed for it here";

/// The variables of one policy, in their order.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    declared: Vec<Variable>,
}

#[derive(Clone, Debug)]
struct Variable {
    name: Box<str>,
    /// What is wrong with one that does not compile.
    program: Result<Program, String>,
}

impl Variables {
    pub(super) fn push(&mut self, name: &str, compiled: Result<Program, Vec<Issue>>) {
        let program = compiled.map_err(|issues| {
            let texts: Vec<String> = issues.into_iter().map(|issue| issue.message).collect();
            texts.join("; ")
        });
        self.declared.push(Variable { name: name.into(), program });
    }

    pub(super) fn types(&self) -> Vec<(Box<str>, Type)> {
        let ty = |variable: &Variable| {
            variable.program.as_ref().map_or(Type::Dyn, |program| of_variable(&program.result))
        };
        self.declared.iter().map(|variable| (variable.name.clone(), ty(variable))).collect()
    }

    /// The place and the program of one by the name that expressions use.
    pub(super) fn named(&self, name: &str) -> Option<(usize, Option<&Program>)> {
        let name = unescaped(name)?;
        let at = self.declared.iter().rposition(|known| *known.name == *name)?;
        Some((at, self.declared[at].program.as_ref().ok()))
    }

    /// The programs of all.
    pub(super) fn programs(&self) -> impl Iterator<Item = (usize, Option<&Program>)> {
        self.declared.iter().map(|known| known.program.as_ref().ok()).enumerate()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.declared.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }
}

/// A variable's value, as far as it was asked for.
#[derive(Clone, Debug)]
enum Memo<'a> {
    Unread,
    /// Its expression is being evaluated.
    Open,
    Read(Result<Val<'a>, String>),
}

/// What a policy's variables are worth within one stage: validations share one,
/// message expressions, match conditions and audit annotations have their own, and
/// so has each mutation.
#[derive(Debug)]
pub struct Stage<'a> {
    variables: &'a Variables,
    memos: Vec<Memo<'a>>,
    cost: u64,
}

impl<'a> Stage<'a> {
    /// A stage in which no variable was read yet.
    pub fn new(variables: &'a Variables) -> Stage<'a> {
        Stage { variables, memos: vec![Memo::Unread; variables.len()], cost: 0 }
    }

    /// What evaluating variables has cost since this was last asked.
    pub fn take_cost(&mut self) -> u64 {
        std::mem::take(&mut self.cost)
    }

    /// What a variable is worth, or its program if that is not known yet; none when
    /// there is no such variable.
    pub(crate) fn read(&mut self, name: &str) -> Option<Read<'a>> {
        let name = unescaped(name)?;
        let at = self.variables.declared.iter().rposition(|known| *known.name == *name)?;
        let declared = &self.variables.declared[at];
        Some(match (&self.memos[at], &declared.program) {
            (Memo::Read(value), _) => Read::Value(value.clone().map_err(EvalError::new)),
            (Memo::Open, _) => {
                Read::Value(Err(EvalError::panic(format!("variable {name:?} reads itself"))))
            }
            (Memo::Unread, Ok(program)) => {
                self.memos[at] = Memo::Open;
                Read::Program(at, program)
            }
            (Memo::Unread, Err(error)) => Read::Value(Err(EvalError::new(format!(
                "composited variable {name:?} fails to compile: {error}"
            )))),
        })
    }

    /// Keeps what a variable's program gave and cost.
    pub(crate) fn keep(
        &mut self,
        at: usize,
        value: Result<Val<'a>, EvalError>,
        cost: u64,
    ) -> Result<Val<'a>, EvalError> {
        self.cost = self.cost.saturating_add(cost);
        let value = value.map_err(|error| {
            let name = &self.variables.declared[at].name;
            format!("composited variable {name:?} fails to evaluate: {}", error.message)
        });
        self.memos[at] = Memo::Read(value.clone());
        value.map_err(EvalError::new)
    }
}

/// What reading a variable found.
pub(crate) enum Read<'a> {
    Value(Result<Val<'a>, EvalError>),
    /// It must be evaluated first.
    Program(usize, &'a Program),
}

/// A field's name as it was before it was escaped to be an identifier; none when it
/// holds an escape that is none.
fn unescaped(name: &str) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    let mut rest = name;
    while let Some((before, escape, after)) = escape(rest) {
        text += before;
        text += match escape {
            "underscores" => "__",
            "dot" => ".",
            "dash" => "-",
            "slash" => "/",
            word if is_word(word) && word.len() + 4 == name.len() => word,
            _ => return None,
        };
        rest = after;
    }
    Some(if text.is_empty() { rest.into() } else { (text + rest).into() })
}

/// The first `__…__` with no underscore inside, and what is around it.
fn escape(text: &str) -> Option<(&str, &str, &str)> {
    let starts = text.match_indices('_').map(|(at, _)| at);
    starts.filter(|at| text[*at..].starts_with("__")).find_map(|at| inside(text, at))
}

fn inside(text: &str, at: usize) -> Option<(&str, &str, &str)> {
    let rest = &text[at + 2..];
    let end = rest.find('_')?;
    let after = rest[end..].strip_prefix("__")?;
    (end > 0).then(|| (&text[..at], &rest[..end], after))
}

/// Evaluates an expression within what is left of a budget, from which what it and
/// the variables that it read have cost is taken. The error [`OUT_OF_BUDGET`], which
/// is fatal, ends the whole evaluation that the budget is for; so does
/// [`BEYOND_ALLOWANCE`], of which it is not known what the API server would have said.
pub fn evaluate<'a>(
    program: &'a Program,
    bindings: &[Binding<'a>],
    context: &mut Context<'_, 'a>,
    budget: &mut u64,
) -> Result<Val<'a>, EvalError> {
    context.cost = 0;
    let allowance = context.allowance.filter(|allowance| allowance < budget);
    let value = program.eval(bindings, context);
    let of_variables = context.stage.as_deref_mut().map_or(0, Stage::take_cost);
    if allowance.is_some_and(|most| of_variables.saturating_add(context.cost) > most) {
        return Err(EvalError { message: BEYOND_ALLOWANCE.to_owned(), fatal: true });
    }
    let left = budget.checked_sub(of_variables).and_then(|left| left.checked_sub(context.cost));
    match left {
        Some(left) => {
            *budget = left;
            value
        }
        None => {
            *budget = 0;
            Err(EvalError { message: OUT_OF_BUDGET.to_owned(), fatal: true })
        }
    }
}
