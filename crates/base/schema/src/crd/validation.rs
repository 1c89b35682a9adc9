//! Validation of values by a schema, with the API server's verdict and words.

use ironhull_model::{Kind, Node, Pointer};

use super::structural::{Additional, Structural};
use super::text::quoted;
use super::values::{allowed, known_format, numbers, types};
use super::{format, lists};

/// Whether a pattern (in RE2's syntax) matches a text; none when it is no pattern.
pub type Matcher<'m> = &'m dyn Fn(&str, &str) -> Option<bool>;

/// Whether an error keeps rules from being asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// It does.
    Blocking,
    /// It does not.
    Other,
}

/// One thing that the API server refuses.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    /// Where.
    pub pointer: Pointer,
    /// Whether rules are asked nevertheless.
    pub kind: ProblemKind,
    /// The field as the API server writes it; `<nil>` for the object as a whole.
    pub field: String,
    /// What, behind the field.
    pub body: String,
}

impl Problem {
    pub(super) fn new(node: Node<'_>, kind: ProblemKind, field: String, body: String) -> Problem {
        Problem { pointer: node.pointer(), kind, field, body }
    }

    /// In the API server's words.
    pub fn text(&self) -> String {
        format!("{}: {}", self.field, self.body)
    }
}

/// Everything that the schema refuses in a custom resource with defaults, rules
/// aside.
pub fn validate(schema: &Structural, root: Node<'_>, matches: Matcher<'_>) -> Vec<Problem> {
    let mut problems = Validator { matches }.node(schema, root, "").problems;
    // Embedded objects at the root are the resource itself.
    let mut lists_problems = Vec::new();
    lists::check(schema, root, "", &mut lists_problems);
    problems.extend(lists_problems);
    let mut known = std::collections::BTreeSet::new();
    problems.retain(|problem| known.insert(problem.text()));
    problems
}

/// What one schema said, and how much of it held: that chooses what is told of
/// alternatives.
#[derive(Default)]
struct Verdict {
    problems: Vec<Problem>,
    n_held: usize,
}

impl Verdict {
    fn merge(&mut self, other: Verdict) {
        for problem in other.problems {
            self.push(problem);
        }
        self.n_held += other.n_held;
    }

    fn push(&mut self, problem: Problem) {
        if !self.problems.iter().any(|known| known.text() == problem.text()) {
            self.problems.push(problem);
        }
    }
}

struct Validator<'m> {
    matches: Matcher<'m>,
}

impl Validator<'_> {
    fn node(&self, schema: &Structural, node: Node<'_>, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        if node.is_null() {
            match Self::type_problem(schema, node, path) {
                Some(problem) => verdict.push(problem),
                None => verdict.n_held += 1,
            }
            verdict.problems.extend(allowed(schema, node, path));
            return verdict;
        }
        if !types(schema).is_empty() || known_format(schema).is_some() {
            match Self::type_problem(schema, node, path) {
                Some(problem) => verdict.push(problem),
                None => verdict.n_held += 1,
            }
            verdict.n_held += 1;
        }
        verdict.merge(self.alternatives(schema, node, path));
        verdict.n_held += 1;
        match node.kind() {
            Kind::String => {
                let text = node.as_str().unwrap_or_default();
                verdict.problems.extend(self.text(schema, node, text, path));
                verdict.n_held += 1;
                if let Some(fits) =
                    known_format(schema).and_then(|name| format::fits(name, text, self.matches))
                {
                    if !fits {
                        let message = format!(
                            "{path} in body must be of type {}: {}",
                            schema.format,
                            quoted(text)
                        );
                        let body = format!("Invalid value: {}: {message}", quoted(text));
                        verdict.push(blocking(node, path, body));
                    }
                    verdict.n_held += 1;
                }
            }
            Kind::Int | Kind::UInt | Kind::Float => {
                verdict.problems.extend(numbers(schema, node, path));
                verdict.n_held += 2;
            }
            Kind::List => {
                verdict.merge(self.list(schema, node, path));
                verdict.n_held += 2;
            }
            Kind::Map => {}
            Kind::Null | Kind::Bool => {}
        }
        verdict.problems.extend(allowed(schema, node, path));
        verdict.n_held += 1;
        if node.kind() == Kind::Map {
            verdict.merge(self.map(schema, node, path));
            verdict.n_held += 1;
        }
        verdict.n_held += 1;
        verdict
    }

    fn type_problem(schema: &Structural, node: Node<'_>, path: &str) -> Option<Problem> {
        let types = types(schema);
        let wrong = |wanted: &str, found: &str| {
            let message = format!("{path} in body must be of type {wanted}: {}", quoted(found));
            let body = format!("Invalid value: {}: {message}", quoted(found));
            Some(blocking(node, path, body))
        };
        if node.is_null() {
            if types.is_empty() || schema.nullable {
                return None;
            }
            return wrong(&types.join(","), "null");
        }
        let (found, found_format) = match node.kind() {
            Kind::String => ("string", ""),
            Kind::Bool => ("boolean", ""),
            Kind::Int => ("integer", "int64"),
            Kind::UInt | Kind::Float => ("number", "float64"),
            Kind::List => ("array", ""),
            Kind::Map => ("object", ""),
            Kind::Null => return None,
        };
        let has = |name: &str| types.contains(&name);
        let is_whole = node.kind() == Kind::Float
            && node.as_f64().is_some_and(|value| value.fract() == 0.0 && value.abs() < 9.1e15);
        let fits = has(found) || is_whole && has("integer") || found == "integer" && has("number");
        let format = known_format(schema).unwrap_or_default();
        let is_text = matches!(node.kind(), Kind::String | Kind::List);
        if !is_text && !format.is_empty() && !fits && found_format != format {
            return wrong(format, found_format);
        }
        if !has("number") && !has("integer") && !format.is_empty() && is_text {
            return None;
        }
        if fits { None } else { wrong(&types.join(","), found) }
    }

    fn text(&self, schema: &Structural, node: Node<'_>, text: &str, path: &str) -> Option<Problem> {
        let length = text.chars().count() as i64;
        let bounds = &schema.bounds;
        if let Some(most) = bounds.max_length.filter(|most| length > *most) {
            let bytes = if most == 1 { "byte" } else { "bytes" };
            let body = format!("Too long: may not be more than {most} {bytes}");
            return Some(blocking(node, path, body));
        }
        if let Some(least) = bounds.min_length.filter(|least| length < *least) {
            let message = format!("{path} in body should be at least {least} chars long");
            return Some(invalid(node, path, &quoted(text), &message));
        }
        if schema.pattern.is_empty() || (self.matches)(&schema.pattern, text) != Some(false) {
            return None;
        }
        let message = format!("{path} in body should match '{}'", schema.pattern);
        Some(invalid(node, path, &quoted(text), &message))
    }

    fn list(&self, schema: &Structural, node: Node<'_>, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for (index, item) in node.items().enumerate() {
            if let Some(items) = &schema.items {
                verdict.merge(self.node(items, item, &format!("{path}[{index}]")));
            }
        }
        let size = node.len() as i64;
        if let Some(least) = schema.bounds.min_items.filter(|least| size < *least) {
            let message = format!("{path} in body should have at least {least} items");
            verdict.push(invalid(node, path, &size.to_string(), &message));
        }
        if let Some(most) = schema.bounds.max_items.filter(|most| size > *most) {
            verdict.push(too_many(node, path, size, most));
        }
        verdict
    }

    fn map(&self, schema: &Structural, node: Node<'_>, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        let size = node.len() as i64;
        if let Some(least) = schema.bounds.min_properties.filter(|least| size < *least) {
            let message = format!("{path} in body should have at least {least} properties");
            verdict.push(invalid(node, path, &size.to_string(), &message));
        }
        if let Some(most) = schema.bounds.max_properties.filter(|most| size > *most) {
            verdict.push(too_many(node, path, size, most));
        }
        for (name, member) in node.entries() {
            if let Some(property) = schema.property(name) {
                let at = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                verdict.merge(self.node(property, member, &at));
            } else if let Additional::Schema(additional) = &schema.additional {
                verdict.merge(self.node(additional, member, &format!("{path}.{name}")));
            }
        }
        for name in schema.required.iter().filter(|name| node.get(name).is_none()) {
            verdict.push(blocking(node, &format!("{path}.{name}"), "Required value".to_owned()));
        }
        verdict
    }

    fn alternatives(&self, schema: &Structural, node: Node<'_>, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        let name = quoted(path);
        if !schema.any_of.is_empty() {
            let mut best: Option<Verdict> = None;
            let mut held = None;
            for inner in &schema.any_of {
                let result = self.node(inner, node, path);
                if result.problems.is_empty() {
                    held = Some(result);
                    break;
                }
                if best.as_ref().is_none_or(|best| result.n_held > best.n_held) {
                    best = Some(result);
                }
            }
            match held {
                Some(held) => verdict.merge(held),
                None => {
                    let message = format!("{name} must validate at least one schema (anyOf)");
                    verdict.push(whole(node, &message));
                    best.into_iter().for_each(|best| verdict.merge(best));
                }
            }
        }
        if !schema.one_of.is_empty() {
            self.one_of(schema, node, path, &mut verdict);
        }
        if !schema.all_of.is_empty() {
            let mut n_valid = 0;
            for inner in &schema.all_of {
                let result = self.node(inner, node, path);
                n_valid += usize::from(result.problems.is_empty());
                verdict.merge(result);
            }
            if n_valid != schema.all_of.len() {
                let more = if n_valid == 0 { ". None validated" } else { "" };
                let message = format!("{name} must validate all the schemas (allOf){more}");
                verdict.push(whole(node, &message));
            }
        }
        if let Some(not) = &schema.not
            && self.node(not, node, path).problems.is_empty()
        {
            verdict.push(whole(node, &format!("{name} must not validate the schema (not)")));
        }
        verdict.n_held += 1;
        verdict
    }

    fn one_of(&self, schema: &Structural, node: Node<'_>, path: &str, verdict: &mut Verdict) {
        let mut best: Option<Verdict> = None;
        let mut held: Option<Verdict> = None;
        let mut n_valid = 0;
        for inner in &schema.one_of {
            let result = self.node(inner, node, path);
            if result.problems.is_empty() {
                n_valid += 1;
                best = None;
                held.get_or_insert(result);
            } else if n_valid == 0 && best.as_ref().is_none_or(|best| result.n_held > best.n_held) {
                best = Some(result);
            }
        }
        if let (1, Some(held)) = (n_valid, held) {
            verdict.merge(held);
            return;
        }
        let found = if n_valid == 0 {
            "Found none valid".to_owned()
        } else {
            format!("Found {n_valid} valid alternatives")
        };
        let name = quoted(path);
        let message = format!("{name} must validate one and only one schema (oneOf). {found}");
        verdict.push(whole(node, &message));
        best.into_iter().for_each(|best| verdict.merge(best));
    }
}

/// The field of a path: `<nil>` when it is empty, and without a first dot.
fn field(path: &str) -> String {
    match path.strip_prefix('.').unwrap_or(path) {
        "" => "<nil>".to_owned(),
        path => path.to_owned(),
    }
}

pub(super) fn blocking(node: Node<'_>, path: &str, body: String) -> Problem {
    Problem::new(node, ProblemKind::Blocking, field(path), body)
}

pub(super) fn invalid(node: Node<'_>, path: &str, value: &str, message: &str) -> Problem {
    let body = format!("Invalid value: {value}: {message}");
    Problem::new(node, ProblemKind::Other, field(path), body)
}

/// About the object as a whole.
pub(super) fn whole(node: Node<'_>, message: &str) -> Problem {
    let body = format!("Invalid value: \"\": {message}");
    Problem::new(node, ProblemKind::Other, "<nil>".to_owned(), body)
}

fn too_many(node: Node<'_>, path: &str, size: i64, most: i64) -> Problem {
    let items = if most == 1 { "item" } else { "items" };
    blocking(node, path, format!("Too many: {size}: must have at most {most} {items}"))
}
