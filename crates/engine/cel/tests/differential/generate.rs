//! Expressions from the grammar, seeded: mostly well-typed, some ill-typed, many
//! of which fail when run.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use ironhull_testkit::rng::Rng;

use super::grammar::{Grammar, Part, Template, Type};

/// One generated expression.
pub(crate) struct Generated {
    pub(crate) expression: String,
    /// The labels of the templates in it.
    pub(crate) labels: Vec<usize>,
    /// Whether something in it is of another type than is wanted there.
    pub(crate) ill_typed: bool,
}

/// Kubernetes minors that are generated for.
pub(crate) const MINORS: std::ops::RangeInclusive<u32> = 28..=37;

const MAX_LENGTH: usize = 900;

type Makers = (Rc<[usize]>, Rc<[usize]>);

/// Makes expressions for one minor.
pub(crate) struct Generator<'g> {
    pub(super) grammar: &'g Grammar,
    pub(super) rng: Rng,
    /// How often each template was used.
    hits: Vec<u32>,
    minor: u32,
    /// The templates of the minor that make a type: of it alone, and of any.
    makers: HashMap<Type, Makers>,
    labels: Vec<usize>,
    scope: Vec<(String, Type)>,
    n_bound: usize,
    /// Of 100 subexpressions this many are of a wrong type.
    wrong: usize,
    ill_typed: bool,
    /// Inside a list or map literal, whose elements must be of one type.
    pub(super) in_literal: bool,
}

impl<'g> Generator<'g> {
    pub(crate) fn new(grammar: &'g Grammar, minor: u32, corpus: u64) -> Generator<'g> {
        Generator {
            grammar,
            rng: Rng::new(u64::from(minor) + 100 * corpus),
            hits: vec![0; grammar.templates.len()],
            minor,
            makers: HashMap::new(),
            labels: Vec::new(),
            scope: Vec::new(),
            n_bound: 0,
            wrong: 0,
            ill_typed: false,
            in_literal: false,
        }
    }

    /// The next expression.
    pub(crate) fn next(&mut self) -> Generated {
        loop {
            self.labels.clear();
            self.scope.clear();
            self.n_bound = 0;
            self.ill_typed = false;
            self.wrong = if self.rng.chance(24) { 6 } else { 0 };
            let expression = self.outermost();
            if expression.len() <= MAX_LENGTH {
                for label in &self.labels {
                    self.hits[*label] += 1;
                }
                let (labels, ill_typed) = (self.labels.clone(), self.ill_typed);
                return Generated { expression, labels, ill_typed };
            }
        }
    }

    /// One template, or a list of some whose type is so common as a result that
    /// they would seldom be reached.
    fn outermost(&mut self) -> String {
        let template = self.least_used(|_| true).expect("a template");
        let depth = 3 + self.rng.below(2);
        let first = self.expand(template, &mut BTreeMap::new(), depth);
        let result = self.grammar.templates[template].result.clone();
        let n_more = match result.name.as_str() {
            "Bool" => 3,
            "Int" | "Str" => 2,
            _ => 0,
        };
        if n_more == 0 || self.wrong > 0 && self.rng.chance(50) {
            return first;
        }
        let more = (0..n_more).map(|_| {
            let at = self.least_used(|template| template.result == result).expect("the first one");
            let depth = 2 + self.rng.below(2);
            self.expand(at, &mut BTreeMap::new(), depth)
        });
        let more: Vec<String> = more.collect();
        format!("[{first}, {}]", more.join(", "))
    }

    /// Of the templates that fit one that was used least.
    fn least_used(&mut self, fits: impl Fn(&Template) -> bool) -> Option<usize> {
        let templates = &self.grammar.templates;
        let fitting: Vec<usize> = (0..templates.len())
            .filter(|&at| templates[at].since <= self.minor && fits(&templates[at]))
            .collect();
        self.least_used_of(&fitting)
    }

    fn least_used_of(&mut self, fitting: &[usize]) -> Option<usize> {
        if fitting.is_empty() {
            return None;
        }
        let used = |at: usize| {
            self.hits[at] + 8 * self.labels.iter().filter(|label| **label == at).count() as u32
        };
        let least = fitting.iter().map(|&at| used(at)).min()?;
        let rarest: Vec<usize> = fitting.iter().copied().filter(|&at| used(at) == least).collect();
        Some(*self.rng.pick(&rarest))
    }

    fn makers(&mut self, wanted: &Type) -> Makers {
        if let Some(known) = self.makers.get(wanted) {
            return known.clone();
        }
        let templates = self.grammar.templates.iter().enumerate();
        let any: Vec<usize> = templates
            .filter(|(_, template)| {
                template.since <= self.minor && template.result.unify(wanted, &mut BTreeMap::new())
            })
            .map(|(at, _)| at)
            .collect();
        let own =
            any.iter().copied().filter(|&at| !self.grammar.templates[at].result.is_variable());
        let makers = (own.collect(), any.clone().into());
        self.makers.insert(wanted.clone(), makers);
        self.makers[wanted].clone()
    }

    pub(super) fn any_type(&mut self, depth: usize) -> Type {
        let scalars = [
            "Int", "Str", "Bool", "Uint", "Double", "Dur", "Ts", "Bytes", "Null", "Dyn", "Type",
            "Quantity", "Url",
        ];
        let later = [("Ip", 30), ("Cidr", 30), ("Format", 31), ("Semver", 33)];
        match self.rng.below(if depth == 0 { 14 } else { 20 }) {
            0..=4 => Type::new(["Int", "Str", "Int", "Str", "Bool"][self.rng.below(5)]),
            5..=12 => Type::new(scalars[self.rng.below(scalars.len())]),
            13 => {
                let (name, since) = *self.rng.pick(&later);
                Type::new(if since <= self.minor { name } else { "Quantity" })
            }
            14..=16 => Type::with("List", vec![self.any_type(0)]),
            17..=18 => Type::with("Map", vec![Type::new("Str"), self.any_type(0)]),
            _ => Type::with("Opt", vec![self.any_type(0)]),
        }
    }

    fn expand(&mut self, at: usize, bindings: &mut BTreeMap<String, Type>, depth: usize) -> String {
        self.labels.push(at);
        let template = self.grammar.templates[at].clone();
        let scope_before = self.scope.len();
        let mut bound_names = BTreeMap::new();
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(literal) => {
                    let literal = match bound_names.get("x") {
                        Some(name) => literal.replace("{x: ", &format!("{{{name}: ")),
                        None => literal.clone(),
                    };
                    text.push_str(&literal);
                }
                Part::String(kind) => text.push_str(&self.string(kind)),
                Part::Expression(pattern) => {
                    let wanted = self.bind(pattern, bindings, depth);
                    let sub = self.expression(&wanted, depth.saturating_sub(1));
                    text.push_str(&sub);
                }
                Part::Bind(name, pattern) => {
                    let bound = self.bind(pattern, bindings, depth);
                    let unique = format!("v{}", self.n_bound);
                    self.n_bound += 1;
                    text.push_str(&unique);
                    bound_names.insert(name.clone(), unique.clone());
                    self.scope.push((unique, bound));
                }
            }
        }
        self.scope.truncate(scope_before);
        text
    }

    fn bind(
        &mut self,
        pattern: &Type,
        bindings: &mut BTreeMap<String, Type>,
        depth: usize,
    ) -> Type {
        for name in ["A", "B"] {
            if !bindings.contains_key(name) && mentions(pattern, name) {
                let chosen = self.any_type(depth.saturating_sub(1));
                bindings.insert(name.to_owned(), chosen);
            }
        }
        pattern.substitute(bindings)
    }

    pub(super) fn expression(&mut self, wanted: &Type, depth: usize) -> String {
        if self.wrong > 0 && self.rng.chance(self.wrong) {
            let other = self.any_type(1);
            self.ill_typed |= other != *wanted;
            let text = self.well_typed(&other, depth);
            return if self.rng.chance(50) { format!("dyn({text})") } else { text };
        }
        self.well_typed(wanted, depth)
    }

    fn well_typed(&mut self, wanted: &Type, depth: usize) -> String {
        if wanted.name == "Map1" {
            return self.literal(wanted, depth);
        }
        let in_scope: Vec<String> = self
            .scope
            .iter()
            .filter(|(_, bound)| bound == wanted || wanted.name == "Dyn")
            .map(|(name, _)| name.clone())
            .collect();
        if !in_scope.is_empty() && self.rng.chance(40) {
            return self.rng.pick(&in_scope).clone();
        }
        if depth > 0 && self.rng.chance(94) {
            let (own, any) = self.makers(wanted);
            let found = self.least_used_of(&own);
            let any = self.least_used_of(&any);
            let chosen = if self.rng.chance(85) { found.or(any) } else { any };
            if let Some(at) = chosen {
                let mut bindings = BTreeMap::new();
                self.grammar.templates[at].result.unify(wanted, &mut bindings);
                return self.expand(at, &mut bindings, depth);
            }
        }
        self.literal(wanted, depth)
    }

    /// A string of a kind as an expression: mostly a literal, sometimes put
    /// together so that nothing can be said before it runs.
    pub(super) fn string(&mut self, kind: &str) -> String {
        let pool = self.grammar.pools.get(kind).unwrap_or_else(|| panic!("no pool {kind}"));
        let mut value = self.rng.pick(pool).clone();
        if !kind.starts_with("format") && self.rng.chance(12) {
            value = self.mutate(&value);
        }
        let n_chars = value.chars().count();
        // Literals of these kinds are read when the expression is compiled.
        let checked = matches!(kind, "duration" | "timestamp" | "regex" | "number" | "bool")
            || kind.starts_with("format");
        let split = if checked { 88 } else { 15 };
        if n_chars > 1 && self.rng.chance(split) {
            let at = 1 + self.rng.below(n_chars - 1);
            let at = value.char_indices().nth(at).map_or(value.len(), |(at, _)| at);
            return format!("({} + {})", quoted(&value[..at]), quoted(&value[at..]));
        }
        match self.rng.below(12) {
            0 => format!("dyn({})", quoted(&value)),
            1 if !checked => self.expression(&Type::new("Str"), 1),
            _ => quoted(&value),
        }
    }

    fn mutate(&mut self, value: &str) -> String {
        let mut chars: Vec<char> = value.chars().collect();
        let alphabet: Vec<char> = "0129.:/%-+abeEiKmnsTZ[](){}?*\\^$,# é_".chars().collect();
        for _ in 0..=self.rng.below(2) {
            let char = *self.rng.pick(&alphabet);
            let at = self.rng.below(chars.len() + 1);
            match self.rng.below(3) {
                0 => chars.insert(at, char),
                1 if at < chars.len() => chars[at] = char,
                _ if at < chars.len() => {
                    chars.remove(at);
                }
                _ => {}
            }
        }
        // The reference needs hours for an exponent such as e1000000000.
        let n_digits = chars.iter().rev().take_while(|char| char.is_ascii_digit()).count();
        if n_digits > 3 && chars.iter().any(|char| "eE".contains(*char)) {
            return value.to_owned();
        }
        chars.into_iter().collect()
    }
}

fn mentions(pattern: &Type, name: &str) -> bool {
    pattern.name == name || pattern.parameters.iter().any(|parameter| mentions(parameter, name))
}

/// A CEL string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for char in text.chars() {
        match char {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            char => quoted.push(char),
        }
    }
    quoted.push('\'');
    quoted
}
