//! Comprehensions. What is charged around each element is what the macro's
//! expansion costs in the reference: reading the accumulator, testing it, adding
//! to it.

use std::rc::Rc;

use ironhull_model::Kind;

use super::locals::Local;
use super::{Eval, EvalError, INTERRUPTED, LIST, Machine, no_overload};
use crate::ast::{Expr, Fold, Folded};
use crate::library::operand::{Operand, View};
use crate::value::{List, Val, is_key, member};

/// How many iterations pass between two looks at the interruption.
const INTERRUPT_EVERY: u32 = 100;

/// What a comprehension has gathered so far.
#[derive(Default)]
struct Accumulator<'a> {
    decided: bool,
    unknown: bool,
    error: Option<EvalError>,
    n_true: i64,
    items: Vec<Val<'a>>,
    keys: Vec<Val<'a>>,
}

impl<'a> Accumulator<'a> {
    /// The first error stays.
    fn fail(&mut self, error: EvalError) {
        self.error.get_or_insert(error);
    }

    fn insert(&mut self, key: Val<'a>, value: Val<'a>) {
        if self.keys.iter().any(|known| is_key(known, &key)) {
            let shown = key.go_display();
            self.fail(EvalError::new(format!("insert failed: key {shown} already exists")));
            return;
        }
        self.keys.push(key);
        self.items.push(value);
    }
}

/// A condition's value.
enum Truth {
    True,
    False,
    Unknown,
}

impl<'a> Machine<'_, '_, 'a> {
    pub(super) fn fold(&mut self, folded: &'a Folded) -> Eval<Val<'a>> {
        let at = folded.local as usize;
        if folded.fold == Fold::Bind {
            self.locals.set(at, Local::Lazy(&folded.range));
            return self.eval(&folded.body);
        }
        let range = self.read(&folded.range)?;
        let mut accumulator = Accumulator::default();
        // The iteration borrows nothing of the machine, so that lists of documents
        // are passed without a copy.
        match &range {
            Val::Unknown => return Ok(Val::Unknown),
            Val::List(list) => {
                let items = list.items.iter().enumerate();
                let items = items.map(|(at, item)| (Val::Int(at as i64), item.clone()));
                self.each(items, false, folded, &mut accumulator)?;
            }
            Val::Node(node) if node.kind() == Kind::List => {
                let items = node.items().enumerate();
                let items = items.map(|(at, item)| (Val::Int(at as i64), Val::part(item)));
                self.each(items, false, folded, &mut accumulator)?;
            }
            Val::Node(node) if node.kind() == Kind::Map => {
                let items = node.entries().map(|(key, item)| (Val::str(key), Val::part(item)));
                self.each(items, true, folded, &mut accumulator)?;
            }
            Val::Map(entries) => {
                self.each(entries.iter().cloned(), true, folded, &mut accumulator)?;
            }
            other => return Err(not_iterable(other, folded.n_vars)),
        }
        accumulator.unknown |= range.is_open();
        self.result(folded.fold, accumulator)
    }

    fn each(
        &mut self,
        items: impl Iterator<Item = (Val<'a>, Val<'a>)>,
        is_map: bool,
        folded: &'a Folded,
        accumulator: &mut Accumulator<'a>,
    ) -> Eval<()> {
        let at = folded.local as usize;
        for (key, item) in items {
            // The condition of the loop.
            self.charge_ones(match folded.fold {
                Fold::All => 2,
                Fold::Exists => 3,
                _ => 0,
            })?;
            if accumulator.decided {
                return Ok(());
            }
            let element = if folded.n_vars == 1 && !is_map {
                item
            } else {
                if folded.n_vars == 2 {
                    self.locals.set(at + 1, Local::Val(item));
                }
                key
            };
            self.locals.set(at, Local::Val(element.clone()));
            self.element(folded, element, accumulator)?;
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Eval<()> {
        self.n_iterations = self.n_iterations.wrapping_add(1);
        if self.n_iterations.is_multiple_of(INTERRUPT_EVERY)
            && self.context.interrupt.is_some_and(|interrupt| interrupt())
        {
            return Err(EvalError { message: INTERRUPTED.to_owned(), fatal: true });
        }
        Ok(())
    }

    fn truth(&mut self, expr: &'a Expr) -> Eval<Truth> {
        let value = self.read(expr)?;
        match value.view() {
            View::Bool(true) => Ok(Truth::True),
            View::Bool(false) => Ok(Truth::False),
            _ if value.is_unknown() => Ok(Truth::Unknown),
            _ => Err(no_overload()),
        }
    }

    /// Adds an element to the accumulator.
    fn element(
        &mut self,
        folded: &'a Folded,
        element: Val<'a>,
        accumulator: &mut Accumulator<'a>,
    ) -> Eval<()> {
        if let Some(when) = &folded.when {
            match self.truth(when) {
                Ok(Truth::True) => {}
                Ok(Truth::False) => return Ok(()),
                Ok(Truth::Unknown) => {
                    accumulator.unknown = true;
                    return Ok(());
                }
                Err(error) if error.fatal => return Err(error),
                Err(error) => {
                    // The accumulator becomes the condition's error.
                    accumulator.error = Some(error);
                    return Ok(());
                }
            }
        }
        match folded.fold {
            Fold::All | Fold::Exists => {
                self.charge(1)?;
                let decisive = folded.fold == Fold::Exists;
                match self.truth(&folded.body) {
                    Ok(Truth::True) => accumulator.decided = decisive,
                    Ok(Truth::False) => accumulator.decided = !decisive,
                    Ok(Truth::Unknown) => accumulator.unknown = true,
                    Err(error) if error.fatal => return Err(error),
                    Err(error) => accumulator.fail(error),
                }
            }
            Fold::ExistsOne | Fold::Filter => self.selected(folded, element, accumulator)?,
            Fold::Map => {
                self.charge(1)?;
                let value = self.body(folded, accumulator)?;
                // A list of a constant is made once.
                self.charge(if matches!(folded.body, Expr::Const(_)) { 0 } else { LIST })?;
                self.charge(1)?;
                accumulator.items.extend(value);
            }
            Fold::TransformMap => {
                self.charge(1)?;
                // The accumulator is the first argument: its error ends the call.
                if accumulator.error.is_none() {
                    self.charge(1)?;
                    let value = self.body(folded, accumulator)?;
                    self.charge(1)?;
                    if let Some(value) = value {
                        accumulator.insert(element, value);
                    }
                }
            }
            Fold::TransformMapEntry => {
                self.charge(1)?;
                let value = self.body(folded, accumulator)?;
                self.charge(1)?;
                if let Some(value) = value {
                    insert_all(accumulator, &value);
                }
            }
            Fold::Bind => {}
        }
        Ok(())
    }

    /// `exists_one` counts and `filter` keeps the elements for which the body holds.
    fn selected(
        &mut self,
        folded: &'a Folded,
        element: Val<'a>,
        accumulator: &mut Accumulator<'a>,
    ) -> Eval<()> {
        match self.truth(&folded.body) {
            Ok(Truth::True) => {}
            Ok(Truth::False) => return Ok(()),
            Ok(Truth::Unknown) => {
                accumulator.unknown = true;
                return Ok(());
            }
            Err(error) if error.fatal => return Err(error),
            Err(error) => {
                accumulator.error = Some(error);
                return Ok(());
            }
        }
        if folded.fold == Fold::ExistsOne {
            accumulator.n_true += 1;
            return self.charge_ones(2);
        }
        // The accumulator, the element, the list of it, the sum.
        self.charge_ones(2)?;
        self.charge(LIST)?;
        self.charge(1)?;
        accumulator.items.push(element);
        Ok(())
    }

    /// The body's value; none if it is unknown or an error, which is noted.
    fn body(
        &mut self,
        folded: &'a Folded,
        accumulator: &mut Accumulator<'a>,
    ) -> Eval<Option<Val<'a>>> {
        match self.eval(&folded.body) {
            Ok(Val::Unknown) => accumulator.unknown = true,
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.fatal => return Err(error),
            Err(error) => accumulator.fail(error),
        }
        Ok(None)
    }

    fn result(&mut self, fold: Fold, accumulator: Accumulator<'a>) -> Eval<Val<'a>> {
        let Accumulator { decided, unknown, error, n_true, items, keys } = accumulator;
        self.charge_ones(if fold == Fold::ExistsOne { 2 } else { 1 })?;
        match fold {
            Fold::All if decided => return Ok(Val::Bool(false)),
            Fold::Exists if decided => return Ok(Val::Bool(true)),
            // What is not known of some elements may still decide.
            Fold::All | Fold::Exists if unknown => return Ok(Val::Unknown),
            _ => {}
        }
        if let Some(error) = error {
            return Err(error);
        }
        Ok(match fold {
            Fold::All | Fold::Exists => Val::Bool(fold == Fold::All),
            Fold::ExistsOne if unknown && n_true < 2 => Val::Unknown,
            Fold::ExistsOne => Val::Bool(n_true == 1),
            // What is not known of some elements is not known of the list.
            Fold::Filter | Fold::Map => {
                Val::List(Rc::new(List { items, open: unknown, ..List::default() }))
            }
            _ if unknown => Val::Unknown,
            _ => Val::Map(Rc::new(keys.into_iter().zip(items).collect())),
        })
    }
}

fn insert_all<'a>(accumulator: &mut Accumulator<'a>, entry: &Val<'a>) {
    if accumulator.error.is_some() {
        return;
    }
    if !entry.is_type("map") {
        let shown = entry.type_name();
        accumulator.fail(EvalError::new(format!("no such overload: cel.@mapInsert(map, {shown})")));
        return;
    }
    for key in entry.elements() {
        if accumulator.error.is_none()
            && let Some(value) = member(entry, &key)
        {
            accumulator.insert(key, value);
        }
    }
}

fn not_iterable(value: &Val<'_>, n_vars: u8) -> EvalError {
    let shown = value.go_type(false);
    EvalError::new(if n_vars == 1 {
        format!("got '{shown}', expected iterable type")
    } else {
        format!("unsupported comprehension range type: {shown}")
    })
}
