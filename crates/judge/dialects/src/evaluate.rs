//! One evaluation: a policy, a binding and a parameter on a request. The order, the
//! budgets and the texts are those of
//! `k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go`.

use ironhull_cel::policy::{BUDGET, Inputs, MATCH_CONDITIONS_BUDGET, OUT_OF_BUDGET};
use ironhull_cel::{Host, Part, Val};
use ironhull_controls::left_out::Reads;
use ironhull_model::{Minor, Value};

use crate::allowance::Allowance;
use crate::expression::{Expression, Given, Spent, Stage};
use crate::policy::{FailurePolicy, Policy};
use crate::text::{aggregate, cut};
use crate::unknown::{self, Unknown};

mod program;
mod unset;

pub(crate) use program::Program;
use unset::{REQUESTS_LATER, derived, lacks};

/// A computed message may have so many bytes.
const MESSAGE: usize = 5 * 1024;
/// Said in place of a computed message that reads what is not known.
const UNTOLD: &str = "(its message reads what is not known)";
/// What is kept of an audit annotation, in bytes.
const ANNOTATION: usize = 10 * 1024;

/// What a validation gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It holds.
    Admitted,
    /// It does not hold.
    Denied,
    /// It ended in an error.
    Failed,
    /// It reads what is not known: what that is.
    Unknown(String),
}

/// A validation of an evaluation, or an error in place of all of them.
#[derive(Debug)]
pub(crate) struct Step<'e> {
    /// Its place among the validations.
    pub(crate) index: usize,
    /// What it gave.
    pub(crate) outcome: Outcome,
    /// Whether it is a violation, with the policy's answer to errors.
    pub(crate) denies: bool,
    /// What is said; empty when it holds.
    pub(crate) message: String,
    /// The reason of the refusal; empty for an error's.
    pub(crate) reason: &'e str,
    /// What it read.
    pub(crate) reads: Reads<'e>,
}

/// An audit annotation of an evaluation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Annotation<'e> {
    /// Its key, without the policy's name.
    pub(crate) key: &'e str,
    /// Its text; none when there is none. The error, which denies whatever the
    /// binding says; or what is not known.
    pub(crate) value: Result<Option<String>, Outcome>,
    /// The error's text.
    pub(crate) error: String,
}

/// What one evaluation gave.
#[derive(Debug, Default)]
pub(crate) struct Evaluation<'e> {
    /// Whether the match conditions hold; without them nothing is said.
    pub(crate) is_met: bool,
    /// The validations.
    pub(crate) steps: Vec<Step<'e>>,
    /// The audit annotations.
    pub(crate) annotations: Vec<Annotation<'e>>,
    /// What the validations cost, in the API server's units.
    pub(crate) cost: u64,
}

/// What an evaluation sees: the stages see different things.
pub(crate) struct Seen<'e> {
    /// Match conditions see no namespace, and the request under its own resource.
    pub(crate) conditions: Inputs<'e>,
    pub(crate) validations: Inputs<'e>,
    /// Neither messages nor audit annotations may ask who may do what; annotations
    /// see the whole Namespace.
    pub(crate) messages: Inputs<'e>,
    pub(crate) annotations: Inputs<'e>,
    /// What is not known.
    pub(crate) unknown: Vec<Unknown>,
    /// The new object, when it lacks what only the API server sets.
    pub(crate) fresh: Option<&'e Value>,
    /// Whether mutating policies see it, before most of that is set.
    pub(crate) is_early: bool,
    /// Whether validating policies see it, after most of that is set.
    pub(crate) is_prepared: bool,
    /// The API server's minor.
    pub(crate) minor: Minor,
    /// Answers the authorizer's checks.
    pub(crate) host: &'e dyn Host,
    /// What the policy may still cost.
    pub(crate) allowance: &'e Allowance,
    /// The documents that the API server holds as values of its Go types.
    pub(crate) typed: &'e [&'e Value],
    /// Those that were not read as a whole: the object first, if it is one of them.
    pub(crate) parts: &'e [Part<'e>],
}

impl Seen<'_> {
    /// What is not known that an expression read.
    pub(crate) fn missing(&self, expression: &Expression, reads: &Reads<'_>) -> String {
        unknown::missing(&self.unknown, self.parts, expression, reads)
    }

    /// What the API server sets in a new object, where that was read.
    pub(crate) fn lacks(&self, reads: &Reads<'_>) -> Option<String> {
        let object = self.fresh?;
        let is_derived = self.is_prepared || self.minor < REQUESTS_LATER;
        lacks(object, self, reads).or_else(|| is_derived.then(|| derived(object, reads)).flatten())
    }
}

/// A run that gave a value, an error, or needs what is not known.
enum Told<'e> {
    Value(Val<'e>),
    Error(String),
    Unknown(String),
}

struct Run<'r, 'e> {
    policy: &'r Policy<'e>,
    program: &'e Program,
    seen: &'r Seen<'e>,
}

/// Evaluates a validating policy.
pub(crate) fn evaluate<'e>(
    policy: &Policy<'e>,
    program: &'e Program,
    seen: &Seen<'e>,
) -> Evaluation<'e> {
    let run = Run { policy, program, seen };
    match run.conditions() {
        Met::Yes => run.validations(),
        Met::No => Evaluation::default(),
        Met::Error(error) => run.whole(error),
        Met::Unknown(what) => run.unknown(what),
    }
}

/// Whether the match conditions hold.
pub(crate) enum Met {
    Yes,
    No,
    Error(String),
    Unknown(String),
}

/// Whether a policy's match conditions hold.
pub(crate) fn is_met<'e>(policy: &Policy<'e>, program: &'e Program, seen: &Seen<'e>) -> Met {
    Run { policy, program, seen }.conditions()
}

impl<'e> Run<'_, 'e> {
    fn stage(&self, inputs: &Inputs<'e>, budget: u64) -> Stage<'e> {
        let documents = (self.seen.typed, self.seen.parts);
        let Seen { host, allowance, .. } = self.seen;
        Stage::new(inputs, &self.program.variables, *host, documents, allowance, budget)
    }

    fn ask(
        &self,
        stage: &mut Stage<'e>,
        expression: &'e Expression,
        reads: &mut Reads<'e>,
    ) -> Result<Told<'e>, Spent> {
        let given = stage.run(expression, reads)?;
        if let Some(what) = self.seen.lacks(reads) {
            return Ok(Told::Unknown(what));
        }
        Ok(match given {
            Given::Value(value) if value.is_unknown() => {
                Told::Unknown(self.seen.missing(expression, reads))
            }
            Given::Value(value) => Told::Value(value),
            Given::Error(error) => Told::Error(error),
        })
    }

    fn fails(&self) -> bool {
        self.policy.failure == FailurePolicy::Fail
    }

    /// All are asked; a false one decides before errors do.
    fn conditions(&self) -> Met {
        let mut stage = self.stage(&self.seen.conditions, MATCH_CONDITIONS_BUDGET);
        let (mut errors, mut unknown, mut is_false) = (Vec::new(), None, false);
        for expression in &self.program.conditions {
            match self.ask(&mut stage, expression, &mut Reads::default()) {
                Err(Spent::Allowance(what)) => return Met::Unknown(what),
                Err(Spent::Budget) if self.fails() => {
                    return Met::Error(OUT_OF_BUDGET.to_owned());
                }
                Err(Spent::Budget) => return Met::No,
                Ok(Told::Value(value)) => is_false |= matches!(value, Val::Bool(false)),
                Ok(Told::Error(error)) => errors.push(error),
                Ok(Told::Unknown(what)) => unknown = Some(what),
            }
        }
        match (is_false, unknown, errors.is_empty()) {
            (true, ..) => Met::No,
            (_, Some(what), _) => Met::Unknown(what),
            (_, _, true) => Met::Yes,
            _ if self.fails() => Met::Error(aggregate(&errors)),
            _ => Met::No,
        }
    }

    fn validations(&self) -> Evaluation<'e> {
        let mut stage = self.stage(&self.seen.validations, BUDGET);
        let mut told = Vec::new();
        for expression in &self.program.validations {
            let mut reads = Reads::default();
            match self.ask(&mut stage, expression, &mut reads) {
                Ok(answer) => told.push((answer, reads)),
                Err(spent) => return self.spent(spent),
            }
        }
        let messages = match self.messages(stage.left) {
            Err(Spent::Allowance(what)) => return self.spent(Spent::Allowance(what)),
            messages => messages.ok(),
        };
        let steps: Vec<Step<'e>> = told
            .into_iter()
            .enumerate()
            .map(|(index, (answer, reads))| self.judged(index, answer, reads, messages.as_deref()))
            .collect();
        let cost = BUDGET - stage.left;
        match self.annotations() {
            Ok(annotations) => Evaluation { is_met: true, steps, annotations, cost },
            Err(spent) => self.spent(spent),
        }
    }

    /// What ends everything in place of it.
    fn spent(&self, spent: Spent) -> Evaluation<'e> {
        match spent {
            Spent::Budget => self.whole(OUT_OF_BUDGET.to_owned()),
            Spent::Allowance(what) => self.unknown(what),
        }
    }

    fn unknown(&self, what: String) -> Evaluation<'e> {
        let step = self.step(0, Outcome::Unknown(what), String::new(), Reads::default());
        Evaluation { is_met: true, steps: vec![step], ..Evaluation::default() }
    }

    /// The computed messages, on what the validations left.
    fn messages(&self, left: u64) -> Result<Vec<Option<String>>, Spent> {
        let mut stage = self.stage(&self.seen.messages, left);
        let mut messages = Vec::new();
        for expression in &self.program.messages {
            let Some(expression) = expression else {
                messages.push(None);
                continue;
            };
            let message = match self.ask(&mut stage, expression, &mut Reads::default())? {
                Told::Value(value) => Some(value.display().trim().to_owned()),
                Told::Unknown(what) => Some(format!("{UNTOLD}: {what}")),
                Told::Error(_) => None,
            };
            let is_fit = |text: &String| text.len() <= MESSAGE && !text.contains('\n');
            messages.push(message.filter(is_fit));
        }
        Ok(messages)
    }

    fn judged(
        &self,
        index: usize,
        answer: Told<'e>,
        reads: Reads<'e>,
        messages: Option<&[Option<String>]>,
    ) -> Step<'e> {
        let answer = match (answer, messages) {
            (Told::Value(_), None) => {
                Told::Error(format!("failed messageExpression: {OUT_OF_BUDGET}"))
            }
            (answer, _) => answer,
        };
        match answer {
            Told::Value(Val::Bool(true)) => {
                self.step(index, Outcome::Admitted, String::new(), reads)
            }
            Told::Unknown(what) => self.step(index, Outcome::Unknown(what), String::new(), reads),
            Told::Error(error) => self.step(index, Outcome::Failed, error, reads),
            Told::Value(_) => {
                let computed = messages.and_then(|all| all.get(index)?.clone());
                let validation = &self.policy.validations[index];
                let said = computed.filter(|text| !text.is_empty());
                let said = said.unwrap_or_else(|| validation.message.trim().to_owned());
                let message = match said.is_empty() {
                    true => format!("failed expression: {}", validation.expression.trim()),
                    false => said,
                };
                let reason =
                    if validation.reason.is_empty() { "Invalid" } else { validation.reason };
                Step { reason, ..self.step(index, Outcome::Denied, message, reads) }
            }
        }
    }

    fn step(&self, index: usize, outcome: Outcome, message: String, reads: Reads<'e>) -> Step<'e> {
        let denies = match outcome {
            Outcome::Denied => true,
            Outcome::Failed => self.fails(),
            Outcome::Admitted | Outcome::Unknown(_) => false,
        };
        Step { index, outcome, denies, message, reason: "", reads }
    }

    /// An error in place of everything.
    fn whole(&self, error: String) -> Evaluation<'e> {
        let step = self.step(0, Outcome::Failed, error, Reads::default());
        Evaluation { is_met: true, steps: vec![step], ..Evaluation::default() }
    }

    fn annotations(&self) -> Result<Vec<Annotation<'e>>, Spent> {
        let mut stage = self.stage(&self.seen.annotations, BUDGET);
        let mut annotations = Vec::new();
        for (named, expression) in self.policy.annotations.iter().zip(&self.program.annotations) {
            let mut error = String::new();
            let value = match self.ask(&mut stage, expression, &mut Reads::default())? {
                Told::Value(Val::Null) => Ok(None),
                Told::Value(value) => {
                    let text = value.display().trim().to_owned();
                    Ok((!text.is_empty()).then(|| cut(&text, ANNOTATION).to_owned()))
                }
                Told::Error(_) if !self.fails() => Ok(None),
                Told::Error(told) => {
                    error = told;
                    Err(Outcome::Failed)
                }
                Told::Unknown(what) => Err(Outcome::Unknown(what)),
            };
            annotations.push(Annotation { key: named.name, value, error });
        }
        Ok(annotations)
    }
}
