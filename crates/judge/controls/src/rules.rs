//! Rules of custom resources' definitions (`x-kubernetes-validations`): compiled
//! over the schema's types and run on a resource that is about to be created.
//!
//! Transition rules (those that name `oldSelf`) are not asked on creation, unless
//! their `oldSelf` is optional.

use std::collections::HashMap;

use ironhull_cel::{Binding, Context, Program, Val};
use ironhull_model::{Kind, Minor, Node};
use ironhull_schema::crd::{Additional, Problem, ProblemKind, Rule, Structural, value_text};

mod compile;
mod typed;

use typed::typed;

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

/// A schema with its rules, compiled.
pub struct Rules {
    /// In a place of its own: its nodes are known by their addresses.
    schema: Box<Structural>,
    compiled: HashMap<Place, Vec<Compiled>>,
}

/// The addresses of a schema's node and of the part of it that has the rules.
type Place = (usize, usize);

/// A rule that is asked when a resource is created.
struct Compiled {
    /// Which one of its part.
    number: usize,
    /// Or why it does not compile.
    programs: Result<Programs, String>,
}

struct Programs {
    rule: Program,
    message: Option<Program>,
}

fn place(schema: &Structural, from: &Structural) -> Place {
    let of = |schema: &Structural| std::ptr::from_ref(schema) as usize;
    (of(schema), of(from))
}

impl Rules {
    /// Compiles every rule of a schema.
    pub fn new(schema: Structural, minor: Minor) -> Rules {
        let schema = Box::new(schema);
        let mut compiled = HashMap::new();
        if schema.has_rules() {
            compile::all(&schema, &schema, true, minor, &mut compiled);
        }
        Rules { schema, compiled }
    }

    /// The schema.
    pub fn schema(&self) -> &Structural {
        &self.schema
    }

    /// Asks every rule.
    pub fn ask(&self, root: Node<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        if !self.compiled.is_empty() {
            let mut asking =
                Asking { rules: self, left: BUDGET, ended: false, outcome: &mut outcome };
            asking.node(&self.schema, &self.schema, root, "", true);
        }
        outcome
    }
}

struct Asking<'r, 'o> {
    rules: &'r Rules,
    /// What is left of the budget.
    left: u64,
    /// Whether the budget ran out: nothing more is asked.
    ended: bool,
    outcome: &'o mut Outcome,
}

impl Asking<'_, '_> {
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
        let Some(compiled) = self.rules.compiled.get(&place(schema, from)) else { return };
        let this = typed(schema, node, is_root);
        for Compiled { number, programs } in compiled {
            if self.ended {
                return;
            }
            let rule = &from.rules[*number];
            match programs {
                Ok(programs) => self.rule(schema, rule, programs, &this, node, path),
                Err(why) => self.outcome.broken.push((rule.pointer.clone(), why.clone())),
            }
        }
    }

    fn rule<'a>(
        &mut self,
        schema: &Structural,
        rule: &Rule,
        programs: &'a Programs,
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
        let result = match self.run(&programs.rule, &bindings) {
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
        let own = programs.message.as_ref().and_then(|program| {
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
