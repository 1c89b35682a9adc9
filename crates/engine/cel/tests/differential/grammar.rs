//! The generator's grammar: typed templates (`corpus/grammar.txt`) and strings
//! by kind (`corpus/pools.txt`).

use std::collections::BTreeMap;

/// A type of the grammar: its name and parameters, `List(Int)`. One upper-case
/// letter is a type variable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Type>,
}

impl Type {
    pub(crate) fn new(name: &str) -> Type {
        Type::with(name, Vec::new())
    }

    pub(crate) fn with(name: &str, parameters: Vec<Type>) -> Type {
        Type { name: name.to_owned(), parameters }
    }

    pub(crate) fn parse(text: &str) -> Type {
        let Some((name, inner)) = text.split_once('(') else { return Type::new(text) };
        let inner = inner.strip_suffix(')').expect("closed");
        let mut parameters = Vec::new();
        let (mut depth, mut start) = (0, 0);
        for (at, char) in inner.char_indices() {
            match char {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    parameters.push(Type::parse(&inner[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
        }
        parameters.push(Type::parse(&inner[start..]));
        Type::with(name, parameters)
    }

    pub(crate) fn is_variable(&self) -> bool {
        self.name.len() == 1
    }

    /// Whether `self` with its variables bound can be `wanted`; adds the bindings.
    pub(crate) fn unify(&self, wanted: &Type, bindings: &mut BTreeMap<String, Type>) -> bool {
        if self.is_variable() {
            return match bindings.get(&self.name) {
                Some(bound) => bound == wanted,
                None => {
                    bindings.insert(self.name.clone(), wanted.clone());
                    true
                }
            };
        }
        self.name == wanted.name
            && self.parameters.len() == wanted.parameters.len()
            && self
                .parameters
                .iter()
                .zip(&wanted.parameters)
                .all(|(mine, theirs)| mine.unify(theirs, bindings))
    }

    pub(crate) fn substitute(&self, bindings: &BTreeMap<String, Type>) -> Type {
        match bindings.get(&self.name) {
            Some(bound) => bound.clone(),
            None => Type::with(
                &self.name,
                self.parameters.iter().map(|parameter| parameter.substitute(bindings)).collect(),
            ),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    Expression(Type),
    Bind(String, Type),
    String(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) label: String,
    pub(crate) since: u32,
    pub(crate) result: Type,
    pub(crate) parts: Vec<Part>,
}

pub(crate) struct Grammar {
    pub(crate) templates: Vec<Template>,
    pub(crate) pools: BTreeMap<String, Vec<String>>,
}

impl Grammar {
    pub(crate) fn load() -> Grammar {
        let templates = include_str!("../corpus/grammar.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(template)
            .collect();
        let mut pools: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in include_str!("../corpus/pools.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (kind, value) = line.split_once(' ').unwrap_or((line, ""));
            pools.entry(kind.to_owned()).or_default().push(unescape(value));
        }
        Grammar { templates, pools }
    }
}

fn unescape(text: &str) -> String {
    text.replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t").replace('\u{1}', "\\")
}

fn template(line: &str) -> Template {
    let fields: Vec<&str> = line.splitn(4, " | ").collect();
    let [label, since, result, text] = fields[..] else { panic!("{line}") };
    Template {
        label: label.to_owned(),
        since: since.parse().expect(line),
        result: Type::parse(result),
        parts: parts(text),
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some((part, after)) = placeholder(rest) {
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(part);
            rest = after;
            continue;
        }
        literal.push(char);
        rest = &rest[char.len_utf8()..];
    }
    parts.push(Part::Text(literal));
    parts
}

fn placeholder(text: &str) -> Option<(Part, &str)> {
    let inner = text.strip_prefix('{')?;
    let (name, after) = inner.split_once('}')?;
    if let Some(kind) = name.strip_prefix("s.") {
        return Some((Part::String(kind.to_owned()), after));
    }
    let (bound, name) = match name.split_once(':') {
        Some((bound, name)) => (Some(bound), name),
        None => (None, name),
    };
    let is_type = name.starts_with(|char: char| char.is_ascii_uppercase())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "(),".contains(char));
    if !is_type {
        return None;
    }
    let part = match bound {
        Some(bound) => Part::Bind(bound.to_owned(), Type::parse(name)),
        None => Part::Expression(Type::parse(name)),
    };
    Some((part, after))
}
