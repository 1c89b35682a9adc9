//! Judging one subject by a rule in CEL: nested `each` bindings, `must`, and,
//! when it does not hold, the finding.

use std::borrow::Cow;
use std::rc::Rc;

use ironhull_cel::{Binding, Context, EvalError, Part, Val};
use ironhull_model::{Code, Coverage, Diagnostic, Node, Verdict, snapshot};

use super::broken::broken;
use super::findings::all_of;
use super::{Judge, Judgement, Subject, unset};
use crate::control::{Applies, Bound, CelRule, Control, Expression, Join};
use crate::environment::slot;
use crate::host::Functions;
use crate::left_out::{LeftOut, Reads, unread};

/// What an expression gave, with the ways it can fail kept apart.
#[derive(Clone)]
pub(super) enum Outcome<'a> {
    Value(Val<'a>),
    Unknown,
    Error(EvalError),
}

/// What is decided before a subject's relations are looked up.
#[derive(Clone, Copy, Default)]
pub(super) struct Early {
    /// `when` asks the subject and the parameters only.
    when: bool,
    /// The first list of `each` is of the subject alone: its number among such lists.
    list: Option<usize>,
}

impl Early {
    /// `lists` are the texts of the lists so far.
    pub(super) fn of<'c>(rule: &'c CelRule, lists: &mut Vec<&'c str>) -> Early {
        let is_subject = |of: usize| of < slot::PARAMS;
        let when = rule.when.as_ref();
        let first = rule.each.first().map(|bound| &bound.program);
        let list = first.filter(|list| list.program.reads_only(is_subject)).map(|list| {
            lists.iter().position(|known| *known == &*list.text).unwrap_or_else(|| {
                lists.push(&list.text);
                lists.len() - 1
            })
        });
        Early { when: when.is_none_or(|when| when.program.reads_only(|of| of < slot::FACTS)), list }
    }
}

/// What the runs of one subject share.
pub(super) struct Shared<'a> {
    /// The subject's own first; what a rule binds behind them is its own.
    bindings: Vec<Binding<'a>>,
    /// The facts of a rule that names none.
    no_facts: Val<'a>,
    /// The lists of `each` that are of the subject alone, made when first asked for.
    lists: Vec<Option<Listed<'a>>>,
}

/// A list of `each`, with what could not be read for it.
#[derive(Clone)]
struct Listed<'a> {
    outcome: Outcome<'a>,
    unread: Vec<String>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(n_lists: usize, subject: &Subject<'a>) -> Shared<'a> {
        let mut bindings = unset(slot::COUNT);
        let node = |node: Option<Node<'a>>| {
            node.map_or(Binding::Unset, |node| Binding::Val(Val::from_node(node)))
        };
        let no_facts = Val::empty_map();
        bindings[slot::OBJECT] = node(Some(subject.object.root()));
        bindings[slot::POD] = node(subject.pod);
        // A template without metadata has none of its fields, which is no error.
        bindings[slot::META] = match subject.pod {
            Some(_) => Binding::Val(subject.meta.map_or_else(|| no_facts.clone(), Val::from_node)),
            None => Binding::Unset,
        };
        let namespace = subject.namespace.map_or(Val::Unknown, Val::from_node);
        bindings[slot::NAMESPACE] = Binding::Val(namespace);
        Shared { bindings, no_facts, lists: vec![None; n_lists] }
    }
}

/// One subject under one control.
pub(super) struct Run<'j, 'a> {
    pub(super) judge: &'j Judge<'a>,
    pub(super) index: usize,
    pub(super) rule: &'a CelRule,
    pub(super) subject: &'j Subject<'a>,
    pub(super) bindings: &'j mut Vec<Binding<'a>>,
    pub(super) missing: Vec<String>,
    pub(super) functions: Functions,
    /// What was not read as a whole of what it looks at.
    parts: Vec<Part<'a>>,
    judgement: &'j mut Judgement,
    verdict: Verdict,
}

impl<'a> Judge<'a> {
    pub(super) fn cel(
        &self,
        index: usize,
        rule: &'a CelRule,
        early: Early,
        subject: &Subject<'a>,
        shared: &mut Shared<'a>,
        judgement: &mut Judgement,
    ) -> Verdict {
        let control = self.control(index);
        let n_slots = slot::COUNT + control.related.len() + rule.lets.len() + rule.each.len();
        let Shared { bindings, no_facts, lists } = shared;
        bindings.truncate(slot::COUNT);
        bindings.resize(n_slots, Binding::Unset);
        let mut run = Run {
            judge: self,
            index,
            rule,
            subject,
            bindings,
            missing: missing_facts(control, subject),
            functions: Functions::default(),
            parts: LeftOut::of(subject.object).part(&subject.object.value).into_iter().collect(),
            judgement,
            verdict: Verdict::NotApplicable,
        };
        // The parameters live as long as the judge, which outlives every run.
        let params: &'a ironhull_model::Value = self.params_of(index);
        run.bindings[slot::PARAMS] = Binding::Val(Val::from_node(params.root()));
        run.bind_facts(control, no_facts);
        run.rule(control, early, lists);
        run.verdict
    }
}

fn missing_facts(control: &Control, subject: &Subject<'_>) -> Vec<String> {
    let missing = control.needs.iter().filter(|name| subject.facts.get(name).is_none());
    missing.filter_map(|name| Some(snapshot::declared(name)?.missing())).collect()
}

impl<'a> Run<'_, 'a> {
    /// Judges the subject. Whom the control is about and whether there is anything
    /// to judge comes first where that can be told without relations.
    fn rule(&mut self, control: &'a Control, early: Early, lists: &mut [Option<Listed<'a>>]) {
        if !self.missing.is_empty() {
            return self.unknown();
        }
        if early.when && !self.when() {
            return;
        }
        let first = early.list.zip(self.rule.each.first()).map(|(number, bound)| {
            let Listed { outcome, unread } = lists[number].get_or_insert_with(|| {
                let outcome = self.evaluate(&bound.program);
                Listed { outcome, unread: self.functions.take_unread() }
            });
            self.functions.not_read(unread);
            outcome.clone()
        });
        if let Some(Outcome::Value(list)) = &first
            && list.is_empty()
        {
            return;
        }
        if let Err((expression, error)) = self.bind_related(control, first.as_ref()) {
            return self.own_error(expression, &error);
        }
        if self.says_nothing(control) {
            return;
        }
        let first_let = slot::COUNT + control.related.len();
        for (offset, bound) in self.rule.lets.iter().enumerate() {
            self.bindings[first_let + offset] = match self.evaluate(&bound.program) {
                Outcome::Value(value) => Binding::Val(value),
                Outcome::Unknown => Binding::Val(Val::Unknown),
                Outcome::Error(error) => return self.own_error(&bound.program, &error),
            };
        }
        if early.when || self.when() {
            self.each(&self.rule.each, first_let + self.rule.lets.len(), first);
        }
    }

    /// Whether a control of the estate as a whole has nothing of what it is about before
    /// it, in files of which nobody says that they are all: of those it says nothing.
    fn says_nothing(&self, control: &Control) -> bool {
        let base = self.judge.world.base;
        if control.applies != Applies::Cluster || base.coverage != Coverage::Fragment {
            return false;
        }
        let lists = &self.bindings[slot::COUNT..slot::COUNT + control.related.len()];
        let is_empty = |list: &Binding<'_>| matches!(list, Binding::Val(list @ Val::List(_)) if list.elements().is_empty());
        let mut facts = control.needs.iter().chain(&control.helps);
        !lists.is_empty()
            && lists.iter().all(is_empty)
            && !facts.any(|name| self.subject.facts.get(name).is_some())
    }

    /// Whether the control is about the subject; what is not a boolean is noted.
    fn when(&mut self) -> bool {
        let Some(when) = &self.rule.when else { return true };
        match self.evaluate(when) {
            Outcome::Value(Val::Bool(is_about)) => return is_about,
            Outcome::Unknown => self.unknown(),
            Outcome::Value(_) => {
                self.own_error(when, &EvalError::new("when did not give a boolean"));
            }
            Outcome::Error(error) => self.own_error(when, &error),
        }
        false
    }

    /// Binds `facts`: what the control names and the estate has. A fact that only helps
    /// and is not there is unknown.
    fn bind_facts(&mut self, control: &'a Control, none: &Val<'a>) {
        if control.needs.is_empty() && control.helps.is_empty() {
            self.bindings[slot::FACTS] = Binding::Val(none.clone());
            return;
        }
        let facts = self.subject.facts;
        let named = control.needs.iter().chain(&control.helps).map(|name| {
            let fact = facts.get(name);
            let value = fact.map_or(Val::Unknown, |fact| Val::from_node(fact.value.root()));
            (Val::Str(Cow::Borrowed(&**name)), value)
        });
        self.bindings[slot::FACTS] = Binding::Val(Val::Map(Rc::new(named.collect())));
    }

    /// Binds the lists of related objects. A join whose expression is unknown is
    /// unknown; one whose value is null or absent finds nothing. A join by the very list
    /// that is judged item by item, which `first` is if it was made before, asks it once.
    fn bind_related(
        &mut self,
        control: &'a Control,
        first: Option<&Outcome<'a>>,
    ) -> Result<(), (&'a Expression, EvalError)> {
        let listed = first.zip(self.rule.each.first());
        let value_of = |run: &Self, expression: &'a Expression| match listed {
            Some((known, list)) if list.program.text == expression.text => known.clone(),
            _ => run.evaluate(expression),
        };
        for (offset, related) in control.related.iter().enumerate() {
            let expression = match &related.join {
                Join::All => None,
                Join::By { is: expression, .. }
                | Join::SelectedBy(expression)
                | Join::Selecting { labels: expression, .. } => Some(expression),
            };
            let asked = expression.map(|expression| (expression, value_of(self, expression)));
            let value = match asked {
                None => None,
                Some((_, Outcome::Value(value))) => Some(value),
                Some((_, Outcome::Unknown)) => {
                    self.bindings[slot::COUNT + offset] = Binding::Val(Val::Unknown);
                    continue;
                }
                Some((expression, Outcome::Error(error))) => return Err((expression, error)),
            };
            let judge = self.judge;
            let joined =
                judge.joins.find(judge.world, related, self.subject.object, value.as_ref());
            let parts =
                joined.objects.iter().filter_map(|object| LeftOut::of(object).part(&object.value));
            self.parts.extend(parts);
            let nodes = joined.objects.iter().map(|object| Val::from_node(object.root())).collect();
            let list = if joined.complete { Val::list(nodes) } else { Val::open_list(nodes) };
            self.bindings[slot::COUNT + offset] = Binding::Val(list);
        }
        Ok(())
    }

    pub(super) fn evaluate(&self, expression: &'a Expression) -> Outcome<'a> {
        let mut context = Context::new();
        context.host = Some(&self.functions);
        context.parts = &self.parts;
        outcome(expression.program.eval(self.bindings, &mut context))
    }

    /// What the rule reads that was left out or is masked: it is run once more.
    fn hidden(&self) -> Vec<String> {
        let mut reads = Reads::default();
        let rule = self.rule;
        let bound = rule.lets.iter().chain(&rule.each).map(|bound| &bound.program);
        for expression in rule.when.iter().chain(bound).chain([&rule.must]) {
            let mut context = Context::new();
            context.host = Some(&self.functions);
            context.trace = Some(&mut reads);
            context.parts = &self.parts;
            // What is bound further in is an error here, and reads nothing.
            _ = expression.program.eval(self.bindings, &mut context);
        }
        self.functions.take_unread();
        unread(&self.parts, &reads)
    }

    /// `known` is the first list, if it was made before.
    fn each(&mut self, remaining: &'a [Bound], at_slot: usize, known: Option<Outcome<'a>>) {
        let Some((bound, rest)) = remaining.split_first() else { return self.element() };
        match known.unwrap_or_else(|| self.evaluate(&bound.program)) {
            Outcome::Value(list) => {
                let unread = list.is_open().then(|| self.functions.take_unread());
                list.each_element(|item| {
                    self.bindings[at_slot] = Binding::Val(item);
                    self.each(rest, at_slot + 1, None);
                });
                self.bindings[at_slot] = Binding::Unset;
                // What an open list leaves out may be what the control is about.
                if let Some(unread) = unread {
                    self.functions.take_unread();
                    self.functions.not_read(&unread);
                    self.unknown();
                }
            }
            Outcome::Unknown => self.unknown(),
            Outcome::Error(error) => self.own_error(&bound.program, &error),
        }
    }

    /// Judges one combination of bindings.
    fn element(&mut self) {
        self.functions.take_unread();
        match self.evaluate(&self.rule.must) {
            Outcome::Value(Val::Bool(true)) => self.saw(Verdict::Holds),
            Outcome::Value(Val::Bool(false)) if self.excused() => self.saw(Verdict::Holds),
            Outcome::Value(Val::Bool(false)) => {
                self.saw(Verdict::Violated);
                let finding = self.finding(Verdict::Violated);
                self.judgement.findings.push(finding);
            }
            Outcome::Unknown => self.unknown(),
            Outcome::Value(_) => {
                self.own_error(&self.rule.must, &EvalError::new("must did not give a boolean"));
            }
            Outcome::Error(error) => self.own_error(&self.rule.must, &error),
        }
    }

    fn excused(&self) -> bool {
        let Some(unless) = &self.rule.unless else { return false };
        matches!(self.evaluate(unless), Outcome::Value(Val::Bool(true)))
    }

    fn unknown(&mut self) {
        self.saw(Verdict::Unknown);
        let unread = self.functions.take_unread();
        let mut finding = self.finding(Verdict::Unknown);
        if finding.missing.is_empty() {
            let unread = if unread.is_empty() { self.hidden() } else { unread };
            finding.missing = if unread.is_empty() { self.open_joins() } else { unread };
        }
        self.judgement.findings.push(finding);
    }

    /// What could decide an unknown: the joins that are not complete, or the namespace.
    fn open_joins(&self) -> Vec<String> {
        let control = self.judge.control(self.index);
        let mut missing: Vec<String> = control
            .related
            .iter()
            .flat_map(|related| &related.kinds)
            .filter(|(group, kind)| !self.judge.world.base.coverage.is_complete(group, kind))
            .map(|(_, kind)| all_of(kind))
            .collect();
        if missing.is_empty() {
            missing.push("the Namespace object".to_owned());
        }
        missing
    }

    /// An error in our own control: unknown, and a bug to report. On what the API server
    /// would not take no rule can count: unknown, and told once for the object.
    fn own_error(&mut self, expression: &Expression, error: &EvalError) {
        self.saw(Verdict::Unknown);
        if broken(self.judge.schema, self.subject.object.root()).is_some() {
            if self.judgement.unreadable.last() != Some(&self.index) {
                self.judgement.unreadable.push(self.index);
            }
            return;
        }
        let control = self.judge.control(self.index);
        let message = format!(
            "control {} failed on {}: {} in {:?}",
            control.id, self.subject.object.thing, error.message, expression.text
        );
        let mut diagnostic = Diagnostic::error(Code::ControlFailed, message);
        if let (Some(origin), Some(span)) =
            (self.subject.object.origin, self.subject.object.root().span())
        {
            diagnostic = diagnostic.at(origin.source, span.start, span.end);
        }
        self.judgement.errors.push(diagnostic);
    }

    fn saw(&mut self, verdict: Verdict) {
        // Verdict orders not-applicable below holds; the worst of all elements counts.
        let rank = |verdict| match verdict {
            Verdict::NotApplicable => 0,
            Verdict::Holds => 1,
            Verdict::Unknown => 2,
            Verdict::Violated => 3,
        };
        if rank(verdict) > rank(self.verdict) {
            self.verdict = verdict;
        }
    }
}

pub(super) fn outcome<'a>(result: Result<Val<'a>, EvalError>) -> Outcome<'a> {
    match result {
        Ok(value) if value.is_unknown() => Outcome::Unknown,
        Ok(value) => Outcome::Value(value),
        Err(error) => Outcome::Error(error),
    }
}
