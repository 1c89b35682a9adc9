//! Rules of custom resources' definitions (`x-kubernetes-validations`): compiled
//! over the schema's types and run on a resource that is about to be created.
//!
//! Transition rules (those that name `oldSelf`) are not asked on creation, unless
//! their `oldSelf` is optional.

use std::sync::Arc;

use ironhull_cel::{Binding, Context, Env, Program, Type, Val};
use ironhull_model::{Kind, Minor, Node};
use ironhull_schema::crd::{Additional, Problem, ProblemKind, Rule, Structural, value_text};

mod typed;

use typed::{Types, typed};

/// What all rules of one resource may cost, as the API server has it.
const BUDGET: u64 = 10_000_000;

/// What the rules said.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rules that do not hold, or end in an error.
    pub problems: Vec<Problem>,
    /// Rules that do not compile: where they stand in the definition, and why.
    pub broken: Vec<(String, String)>,
}

/// Asks every rule of a schema.
pub fn ask(schema: &Structural, root: Node<'_>, minor: Minor) -> Outcome {
    let mut outcome = Outcome::default();
    if schema.has_rules() {
        let mut asking = Asking { minor, left: BUDGET, ended: false, outcome: &mut outcome };
        asking.node(schema, schema, root, "", true);
    }
    outcome
}

struct Asking<'o> {
    minor: Minor,
    /// What is left of the budget.
    left: u64,
    /// Whether the budget ran out: nothing more is asked.
    ended: bool,
    outcome: &'o mut Outcome,
}

/// A rule's programs.
struct Compiled {
    rule: Program,
    message: Option<Program>,
}

impl Asking<'_> {
    /// The rules of `from`, which is `schema` or a part of its `allOf`.
    fn node(
        &mut self,
        schema: &Structural,
        from: &Structural,
        node: Node<'_>,
        path: &str,
        is_root: bool,
    ) {
        if node.is_null() || self.ended {
            return;
        }
        if !from.rules.is_empty() {
            self.rules(schema, from, node, path, is_root);
        }
        for part in from.all_of.iter().filter(|part| part.has_rules()) {
            self.node(schema, part, node, path, is_root);
        }
        match node.kind() {
            Kind::Map => {
                for (name, child) in node.entries() {
                    if let (Additional::Schema(schema), Additional::Schema(from)) =
                        (&schema.additional, &from.additional)
                    {
                        self.node(schema, from, child, &format!("{path}[{name}]"), schema.embedded);
                    }
                    if let (Some(schema), Some(from)) = (schema.property(name), from.property(name))
                    {
                        let at = if path.is_empty() {
                            name.to_owned()
                        } else {
                            format!("{path}.{name}")
                        };
                        self.node(schema, from, child, &at, schema.embedded);
                    }
                }
            }
            Kind::List => {
                if let (Some(schema), Some(from)) = (&schema.items, &from.items) {
                    for (index, item) in node.items().enumerate() {
                        self.node(schema, from, item, &format!("{path}[{index}]"), schema.embedded);
                    }
                }
            }
            _ => {}
        }
    }

    fn rules(
        &mut self,
        schema: &Structural,
        from: &Structural,
        node: Node<'_>,
        path: &str,
        is_root: bool,
    ) {
        let mut types = Types::default();
        let Some(ty) = types.declare(schema, is_root) else { return };
        let provider = Arc::new(types);
        let this = typed(schema, node, is_root);
        for rule in &from.rules {
            let names_old = names_old_self(&rule.rule) || names_old_self(&rule.message_expression);
            if self.ended || rule.rule.trim().is_empty() || names_old && !rule.optional_old_self {
                continue;
            }
            match self.compile(rule, &ty, &provider) {
                Ok(compiled) => self.rule(schema, rule, &compiled, &this, node, path),
                Err(why) => self.outcome.broken.push((rule.pointer.clone(), why)),
            }
        }
    }

    fn compile(&self, rule: &Rule, ty: &Type, types: &Arc<Types>) -> Result<Compiled, String> {
        let mut env = Env::new(self.minor);
        env.types(types.clone());
        env.variable("self", ty.clone());
        let old =
            if rule.optional_old_self { Type::Optional(Arc::new(ty.clone())) } else { ty.clone() };
        env.variable("oldSelf", old);
        let compile = |text: &str, wanted: &Type| {
            let program = ironhull_cel::compile(&env, text).map_err(|issues| {
                issues.first().map_or_else(String::new, |issue| issue.message.clone())
            })?;
            if program.result_type() != wanted {
                return Err(format!("it gives {}, not {wanted}", program.result_type()));
            }
            Ok(program)
        };
        let message = match rule.message_expression.trim() {
            "" => None,
            // One that does not compile is replaced by the message.
            text => compile(text, &Type::String).ok(),
        };
        Ok(Compiled { rule: compile(&rule.rule, &Type::Bool)?, message })
    }

    fn rule<'a>(
        &mut self,
        schema: &Structural,
        rule: &Rule,
        compiled: &'a Compiled,
        this: &Val<'a>,
        node: Node<'a>,
        path: &str,
    ) {
        let bindings = [Binding::Val(this.clone()), Binding::Val(Val::Optional(None))];
        let text = if rule.message.is_empty() { &rule.rule } else { &rule.message };
        let text = text.trim();
        if schema.ty == "integer" && node.kind() == Kind::Float {
            let error = "invalid data, expected int, got float64";
            let message = format!("{error} evaluating rule: {text}");
            return self.push(node, path, format!("Invalid value: \"integer\": {message}"));
        }
        let result = match self.run(&compiled.rule, &bindings) {
            Ok(result) => result,
            Err(_) if self.left == 0 => {
                let message = "validation failed due to running out of cost budget, no further \
                               validation rules will be run";
                self.ended = true;
                return self.push(
                    node,
                    path,
                    format!("Invalid value: \"{}\": {message}", schema.ty),
                );
            }
            Err(error) => {
                let message = if error.starts_with("no such overload") {
                    format!(
                        "'{error}': call arguments did not match a supported operator, function or \
                         macro signature for rule: {text}"
                    )
                } else if error.starts_with("operation cancelled") {
                    self.ended = true;
                    format!(
                        "'{error}': no further validation rules will be run due to call cost exceeds \
                         limit for rule: {text}"
                    )
                } else {
                    format!("{error} evaluating rule: {text}")
                };
                return self.push(
                    node,
                    path,
                    format!("Invalid value: \"{}\": {message}", schema.ty),
                );
            }
        };
        if matches!(result, Val::Bool(true)) {
            return;
        }
        let own = compiled.message.as_ref().and_then(|program| {
            let text = self.run(program, &bindings).ok()?.display().trim().to_owned();
            (!text.is_empty() && text.len() <= 5120 && !text.contains('\n')).then_some(text)
        });
        let detail = own.unwrap_or_else(|| match rule.message.trim() {
            "" => format!("failed rule: {}", rule.rule.trim()),
            message => message.to_owned(),
        });
        let at = blamed(path, &rule.field_path);
        let is_compound = matches!(schema.ty.as_str(), "object" | "array");
        let value = if is_compound { String::new() } else { format!(": {}", value_text(node)) };
        let body = match rule.reason.as_str() {
            "FieldValueForbidden" => format!("Forbidden: {detail}"),
            "FieldValueRequired" => format!("Required value: {detail}"),
            "FieldValueDuplicate" => format!("Duplicate value{value}"),
            _ => format!("Invalid value{value}: {detail}"),
        };
        let blamed = blamed_node(node, &rule.field_path);
        self.outcome.problems.push(problem(blamed, &at, body));
    }

    fn run<'a>(
        &mut self,
        program: &'a Program,
        bindings: &[Binding<'a>],
    ) -> Result<Val<'a>, String> {
        let mut context = Context::new();
        let result = program.eval(bindings, &mut context);
        self.left = self.left.saturating_sub(context.cost);
        result.map_err(|error| error.message)
    }

    fn push(&mut self, node: Node<'_>, path: &str, body: String) {
        self.outcome.problems.push(problem(node, path, body));
    }
}

fn problem(node: Node<'_>, path: &str, body: String) -> Problem {
    let field = if path.is_empty() { "<nil>".to_owned() } else { path.to_owned() };
    Problem { pointer: node.pointer(), kind: ProblemKind::Other, field, body }
}

/// Whether an expression names `oldSelf`.
fn names_old_self(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("oldSelf").any(|(at, name)| {
        !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word)
    })
}

/// `.spec.x` or `.map['key']`, relative to `path`.
fn blamed(path: &str, field_path: &str) -> String {
    let relative: String = steps(field_path)
        .into_iter()
        .enumerate()
        .map(|(index, step)| match step {
            Step::Field(name) if index == 0 => name,
            Step::Field(name) => format!(".{name}"),
            Step::Key(key) => format!("[{key}]"),
        })
        .collect();
    match (path, relative.as_str()) {
        (path, "") => path.to_owned(),
        ("", relative) => relative.to_owned(),
        (path, relative) => format!("{path}.{relative}"),
    }
}

/// The node that a field path names, or the nearest one above it.
fn blamed_node<'a>(node: Node<'a>, field_path: &str) -> Node<'a> {
    let mut node = node;
    for step in steps(field_path) {
        let (Step::Field(name) | Step::Key(name)) = step;
        match node.get(&name) {
            Some(child) => node = child,
            None => break,
        }
    }
    node
}

enum Step {
    Field(String),
    Key(String),
}

fn steps(field_path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = field_path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("['") {
            let Some(end) = inner.find("']") else { break };
            let key = &inner[..end];
            // A key in brackets is a field where the schema has fields.
            steps.push(Step::Key(key.replace("\\'", "'").replace("\\\\", "\\")));
            rest = &inner[end + 2..];
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            if end == 0 {
                break;
            }
            steps.push(Step::Field(inner[..end].to_owned()));
            rest = &inner[end..];
        }
    }
    steps
}
