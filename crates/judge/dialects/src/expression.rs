//! Expressions of policies: what they may name, their types, how they are run.

use ironhull_cel::policy::{self, BEYOND_ALLOWANCE, Inputs, OUT_OF_BUDGET, Use, Variables};
use ironhull_cel::{Binding, Context, Host, Issue, Part, Program, Type, Val};
use ironhull_controls::left_out::Reads;
use ironhull_model::{Minor, Value};

use crate::allowance::Allowance;
use crate::policy::Named;

/// What an expression must give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wants {
    /// A boolean.
    Bool,
    /// Text.
    Text,
    /// Text or null.
    TextOrNull,
    /// An object to merge.
    Object,
    /// Operations of a JSON Patch.
    Patch,
}

impl Wants {
    fn accepts(self, ty: &Type) -> bool {
        match self {
            Wants::Bool => *ty == Type::Bool,
            Wants::Text => *ty == Type::String,
            Wants::TextOrNull => matches!(ty, Type::String | Type::Null),
            Wants::Object => *ty == Type::Object("Object".into()),
            Wants::Patch => *ty == Type::List(Type::Object("JSONPatch".into()).into()),
        }
    }

    fn refusal(self, ty: &Type) -> String {
        match self {
            Wants::Bool => format!("must evaluate to bool but got {ty}"),
            Wants::Text => format!("must evaluate to string but got {ty}"),
            Wants::TextOrNull => {
                format!("must evaluate to one of [string null_type] but got {ty}")
            }
            Wants::Object => format!("must evaluate to Object but got {ty}"),
            Wants::Patch => format!("must evaluate to list(JSONPatch) but got {ty}"),
        }
    }
}

/// An expression, compiled or not.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) text: String,
    /// Or why it does not compile.
    pub(crate) program: Result<Program, String>,
    /// What it may look at, by the policy's variables, too.
    pub(crate) named: Vec<policy::Named>,
}

/// Compiles the expressions of one policy.
pub(crate) struct Compiler(policy::Compiler);

impl Compiler {
    pub(crate) fn new(minor: Minor, has_params: bool) -> Compiler {
        Compiler(policy::Compiler::of_policy(minor, has_params))
    }

    /// Compiles a named value; what comes later may use it.
    pub(crate) fn variable(&mut self, named: &Named<'_>) -> Result<(), String> {
        let compiled = self.0.variable(named.name, named.expression);
        compiled.map_err(|issues| failure(named.expression, &issues))
    }

    pub(crate) fn compile(&self, text: &str, wants: Wants) -> Expression {
        let what_for = match wants {
            Wants::Text => Use::Message,
            Wants::Object | Wants::Patch => Use::Mutation,
            _ => Use::Condition,
        };
        let program =
            self.0.compile(what_for, text).map_err(|issues| failure(text, &issues)).and_then(
                |program| match wants.accepts(program.result_type()) {
                    true => Ok(program),
                    false => Err(wants.refusal(program.result_type())),
                },
            );
        let named = match (&program, self.0.variables()) {
            (Ok(program), Some(variables)) => policy::named(program, variables),
            _ => Vec::new(),
        };
        Expression { text: text.to_owned(), program, named }
    }

    /// The named values.
    pub(crate) fn variables(&self) -> Variables {
        self.0.variables().cloned().unwrap_or_default()
    }
}

/// What does not compile, as the API server's compiler tells it.
fn failure(text: &str, issues: &[Issue]) -> String {
    let mut told = String::from("compilation failed: ");
    for (index, issue) in issues.iter().enumerate() {
        let before = &text[..(issue.start as usize).min(text.len())];
        let (line, start) =
            (before.matches('\n').count(), before.rfind('\n').map_or(0, |at| at + 1));
        let column = before[start..].chars().count();
        let shown = text[start..].lines().next().unwrap_or_default();
        let (newline, dots) = (if index > 0 { "\n" } else { "" }, ".".repeat(column));
        told.push_str(&format!(
            "{newline}ERROR: <input>:{}:{}: {}\n | {shown}\n | {dots}^",
            line + 1,
            column + 1,
            issue.message
        ));
    }
    told
}

/// What running an expression gave.
pub(crate) enum Given<'e> {
    Value(Val<'e>),
    Error(String),
}

/// Expressions that run one after another on one budget, with one memory of the
/// named values.
pub(crate) struct Stage<'e> {
    bindings: Vec<Binding<'e>>,
    memory: policy::Stage<'e>,
    host: &'e dyn Host,
    /// The documents that the API server holds as values of its Go types.
    typed: &'e [&'e Value],
    /// Those that were not read as a whole.
    parts: &'e [Part<'e>],
    allowance: &'e Allowance,
    /// What is left of the API server's budget.
    pub(crate) left: u64,
}

/// What ends all evaluations that share a budget.
pub(crate) enum Spent {
    /// The API server's budget is spent.
    Budget,
    /// More than is allowed for here: why what it gives is not known.
    Allowance(String),
}

impl<'e> Stage<'e> {
    pub(crate) fn new(
        inputs: &Inputs<'e>,
        variables: &'e Variables,
        host: &'e dyn Host,
        (typed, parts): (&'e [&'e Value], &'e [Part<'e>]),
        allowance: &'e Allowance,
        budget: u64,
    ) -> Stage<'e> {
        let memory = policy::Stage::new(variables);
        let bindings = inputs.clone().bindings();
        Stage { bindings, memory, host, typed, parts, allowance, left: budget }
    }

    /// Runs an expression; what it costs is taken from the budget.
    pub(crate) fn run(
        &mut self,
        expression: &'e Expression,
        reads: &mut Reads<'e>,
    ) -> Result<Given<'e>, Spent> {
        let program = match &expression.program {
            Ok(program) => program,
            Err(error) => return Ok(Given::Error(format!("compilation error: {error}"))),
        };
        let mut context = Context::new();
        context.trace = Some(reads);
        context.host = Some(self.host);
        context.stage = Some(&mut self.memory);
        context.typed = self.typed;
        context.parts = self.parts;
        context.allowance = Some(self.allowance.left());
        let before = self.left;
        let result = policy::evaluate(program, &self.bindings, &mut context, &mut self.left);
        self.allowance.take(before - self.left);
        match result {
            Ok(value) => Ok(Given::Value(value)),
            Err(error) if error.message == OUT_OF_BUDGET => Err(Spent::Budget),
            Err(error) if error.message == BEYOND_ALLOWANCE => {
                self.allowance.take(u64::MAX);
                Err(Spent::Allowance(self.allowance.spent()))
            }
            Err(error) => Ok(Given::Error(format!(
                "expression '{}' resulted in error: {}",
                expression.text, error.message
            ))),
        }
    }
}
