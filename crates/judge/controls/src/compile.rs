//! From a control file's document to a [`Control`]: reading, type-checking for
//! every minor it claims, and compiling.

use ironhull_cel::{Env, Issue, Program, Type};
use ironhull_model::{Code, Diagnostic, Kind, Minor, Node, Severity, SourceId};

use crate::control::{
    Applies, Bound, CelRule, Control, Expression, Join, Literal, Mapping, Part, Related, Rule,
    SeverityLine, Standard, Step, Surface, Target, Template,
};
use crate::environment::{Environments, Scope};
use crate::native;
use crate::reader::{self, Reader};

mod facts;
mod fields;
mod joins;
mod repair;
mod template;
#[cfg(test)]
mod tests;

pub use repair::UNSAID;

use fields::{applies, kinds_of, mappings, minors, standards, surface};

/// The fields of a control file.
const FIELDS: &[&str] = &[
    "id",
    "catalogue",
    "surface",
    "title",
    "why",
    "applies",
    "kubernetes",
    "params",
    "related",
    "let",
    "when",
    "each",
    "at",
    "must",
    "native",
    "unless",
    "needs",
    "helps",
    "message",
    "severity",
    "repair",
    "standards",
    "packs",
    "examples",
];

/// Compiles control files. Keep it: building the environments takes longer than
/// compiling a control.
#[derive(Default)]
pub struct Compiler {
    environments: Environments,
}

impl Compiler {
    /// A compiler that checks against the newest minor only, for changes of a
    /// control that compiles for all.
    pub fn newest() -> Compiler {
        Compiler { environments: Environments::of([Minor::NEWEST]) }
    }

    /// Compiles one document of a control file. Errors are told at their place;
    /// the control is none when one of them makes it meaningless.
    pub fn control(
        &self,
        document: Node<'_>,
        source: SourceId,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Control> {
        let before = diagnostics.len();
        let mut reader = Reader::new(document, source, Code::ControlInvalid, diagnostics);
        let control = self.read(&mut reader);
        // After a mistake that ends the reading the rest was not asked for.
        reader.also_known(FIELDS);
        reader.finish();
        control.filter(|_| diagnostics.len() == before)
    }

    fn read(&self, reader: &mut Reader<'_, '_>) -> Option<Control> {
        let id = reader.required_str("id")?;
        let is_in_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.chars().all(is_in_id) {
            let message = format!("the id {id:?} is not made of a-z, 0-9 and dashes");
            let at = reader.get("id").unwrap_or(reader.node());
            reader.wrong(at, message);
        }
        let title = reader.required_str("title")?;
        let why = reader.required_str("why")?;
        let catalogue = mappings(reader, "catalogue");
        let surface = surface(reader)?;
        let (applies, from_until) = (applies(reader)?, minors(reader));
        let params = reader.get("params");
        let needs = facts::named(reader, "needs");
        let helps = facts::named(reader, "helps");
        let standards = standards(reader);
        let packs = reader.strs("packs").into_iter().map(Into::into).collect();
        let examples = reader.required("examples").map(Node::to_json)?;
        let (from, until) = from_until?;
        let claimed = |minor: &Minor| {
            from.is_none_or(|from| *minor >= from) && until.is_none_or(|until| *minor < until)
        };
        let scopes: Vec<Scope> = self
            .environments
            .typed(&applies)
            .into_iter()
            .filter(|scope| claimed(&scope.minor))
            .collect();
        if scopes.is_empty() {
            reader.wrong(reader.node(), "it claims no Kubernetes version that is known here");
            return None;
        }
        let variants = Environments::of_kinds(&scopes, &applies);
        let facts = needs.iter().chain(&helps).cloned().collect();
        let mut rules = Rules { reader, scopes, variants, facts };
        let related = rules.related();
        let (rule, severity, may) = rules.read()?;
        let portable = related.is_empty()
            && needs.is_empty()
            && helps.is_empty()
            && matches!(&rule, Rule::Cel(rule) if rule.unless.is_none() && !uses_host(rule));
        Some(Control {
            id: id.into(),
            catalogue,
            surface,
            title: title.into(),
            why: why.into(),
            applies,
            from,
            until,
            params: params.map_or_else(|| "{}".to_owned(), Node::to_json).into(),
            related,
            needs,
            helps,
            rule,
            may,
            severity,
            standards,
            packs,
            portable,
            examples: examples.into(),
        })
    }
}

fn uses_host(rule: &CelRule) -> bool {
    let programs = rule.lets.iter().chain(&rule.each).map(|bound| &bound.program);
    programs.chain(&rule.when).chain([&rule.must]).any(|expression| expression.program.calls_host())
}

/// Reads the fields that hold expressions, compiling each for every scope.
struct Rules<'r, 'a, 'd> {
    reader: &'r mut Reader<'a, 'd>,
    scopes: Vec<Scope>,
    /// Where subjects are of several kinds: a scope for each, which only checks.
    variants: Vec<Scope>,
    /// The facts of `needs` and `helps`.
    facts: Vec<Box<str>>,
}

impl<'a> Rules<'_, 'a, '_> {
    fn read(mut self) -> Option<(Rule, Vec<SeverityLine>, Option<Box<str>>)> {
        if let Some(name) = self.reader.str("native") {
            if native::find(name).is_none() {
                let known: Vec<&str> = native::names().collect();
                let nearest = reader::nearest(name, &known);
                let hint =
                    nearest.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                self.reader.wrong(self.reader.node(), format!("no native rule {name:?}{hint}"));
            }
            let severity = self.severity();
            let may = self.native_repair();
            return Some((Rule::Native(name.into()), severity, may));
        }
        let lets = self.bindings("let", false);
        let when = self.expression("when");
        let each = self.bindings("each", true);
        let at = self.expression("at");
        let must = self.required_expression("must");
        let unless = self.expression("unless");
        let message = self.reader.required("message");
        let message = message.and_then(|node| self.template(node));
        let severity = self.severity();
        let (repair, may) = self.repair();
        let rule = CelRule { lets, when, each, at, must: must?, unless, message: message?, repair };
        Some((Rule::Cel(Box::new(rule)), severity, may))
    }

    fn bindings(&mut self, field: &'static str, elements: bool) -> Vec<Bound> {
        let Some(node) = self.reader.get(field) else { return Vec::new() };
        let mut bound = Vec::new();
        for (name, item) in node.entries() {
            let Some(program) = self.compile(item) else { continue };
            for (index, scope) in self.scopes.iter_mut().chain(&mut self.variants).enumerate() {
                let own = scope.compile(item.as_str().unwrap_or_default());
                let ty = own.map_or(Type::Dyn, |program| program.result_type().clone());
                let ty = if elements { element_type(&ty) } else { Some(ty) };
                match ty {
                    Some(ty) => scope.variable(name, ty),
                    None if index == 0 => {
                        self.reader.wrong(item, format!("each: {name} must be a list or a map"));
                        scope.variable(name, Type::Dyn);
                    }
                    None => scope.variable(name, Type::Dyn),
                }
            }
            bound.push(Bound { name: name.into(), program });
        }
        bound
    }

    fn expression(&mut self, field: &'static str) -> Option<Expression> {
        let node = self.reader.get(field)?;
        self.compile(node)
    }

    fn required_expression(&mut self, field: &'static str) -> Option<Expression> {
        let node = self.reader.required(field)?;
        self.compile(node)
    }

    fn compile(&mut self, node: Node<'a>) -> Option<Expression> {
        let Some(text) = scalar_text(node) else {
            self.reader.wrong(node, format!("expected an expression, found a {}", node.kind()));
            return None;
        };
        self.compile_text(node, &text)
    }

    /// Compiles `text` for every minor; the newest minor's program is kept.
    fn compile_text(&mut self, node: Node<'a>, text: &str) -> Option<Expression> {
        let mut program = None;
        for scope in &self.scopes {
            match scope.compile(text) {
                Ok(compiled) => program = Some(compiled),
                Err(issues) => {
                    let minor = scope.minor;
                    for issue in issues {
                        let near = snippet(text, &issue);
                        self.reader.wrong(
                            node,
                            format!("{} (Kubernetes {minor}) in {near}", issue.message),
                        );
                    }
                    return None;
                }
            }
        }
        for issue in self.in_no_kind(text) {
            let near = snippet(text, &issue);
            let told = format!("{} of any kind in applies, in {near}", issue.message);
            self.reader.wrong(node, told);
        }
        for told in facts::unnamed(text, &self.facts) {
            self.reader.wrong(node, told);
        }
        program.map(|program| Expression { text: text.into(), program })
    }

    /// Mistakes that an expression over subjects of several kinds has for each of them,
    /// at the same place: a field that none of them has.
    fn in_no_kind(&self, text: &str) -> Vec<Issue> {
        let mut common: Option<Vec<Issue>> = None;
        for scope in &self.variants {
            let issues = scope.compile(text).err().unwrap_or_default();
            let is_here = |known: &Issue| {
                issues.iter().any(|issue| (issue.start, issue.end) == (known.start, known.end))
            };
            common = Some(match common {
                Some(known) => known.into_iter().filter(is_here).collect(),
                None => issues,
            });
            if common.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
        }
        common.unwrap_or_default()
    }

    fn severity(&mut self) -> Vec<SeverityLine> {
        let Some(node) = self.reader.required("severity") else { return Vec::new() };
        let parse = |text: &str| text.parse::<Severity>();
        if let Some(text) = node.as_str() {
            return match parse(text) {
                Ok(severity) => vec![SeverityLine { severity, when: None }],
                Err(error) => {
                    self.reader.wrong(node, error);
                    Vec::new()
                }
            };
        }
        let mut lines = Vec::new();
        for (key, item) in node.entries() {
            match parse(key) {
                Err(error) => self.reader.wrong(item, error),
                Ok(severity) => {
                    let when = if item.as_bool() == Some(true) || item.as_str() == Some("true") {
                        None
                    } else {
                        self.compile(item)
                    };
                    lines.push(SeverityLine { severity, when });
                }
            }
        }
        if lines.last().is_none_or(|line| line.when.is_some()) {
            self.reader
                .wrong(node, "the last severity must be true, so that every violation has one");
        }
        if lines.windows(2).any(|pair| pair[0].severity <= pair[1].severity) {
            self.reader.wrong(node, "severities are decided from critical down; order them so");
        }
        lines
    }
}

fn element_type(ty: &Type) -> Option<Type> {
    match ty {
        Type::List(item) => Some(Type::clone(item)),
        Type::Map(key, _) => Some(Type::clone(key)),
        Type::Dyn => Some(Type::Dyn),
        _ => None,
    }
}

/// An expression may be written as a YAML boolean or number.
fn scalar_text(node: Node<'_>) -> Option<String> {
    match node.kind() {
        Kind::String => node.as_str().map(str::to_owned),
        Kind::Bool | Kind::Int => Some(node.to_json()),
        _ => None,
    }
}

fn snippet(text: &str, issue: &Issue) -> String {
    let start = (issue.start as usize).min(text.len());
    let end = (issue.end as usize).clamp(start, text.len());
    match text.get(start..end) {
        Some(part) if !part.is_empty() => format!("{part:?} of {text:?}"),
        _ => format!("{text:?}"),
    }
}

/// Compiles a single expression as the API server of `minor` would for a policy
/// over an untyped `object` (`ironhull policy eval`).
pub fn untyped(minor: Minor, variables: &[&str], text: &str) -> Result<Program, Vec<Issue>> {
    let mut env = Env::new(minor);
    for name in variables {
        env.variable(name, Type::Dyn);
    }
    ironhull_cel::compile(&env, text)
}
