//! Policy rules and what they cover.
//!
//! What a rule names is kept as numbers of the index's own names, so that a
//! question is four look-ups and comparisons of numbers.

use ironhull_model::{Node, Object};
use rustc_hash::FxHashMap;

/// May somebody do this to a resource?
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// A verb; `*` asks for all of them.
    pub verb: &'q str,
    /// An API group; `*` asks for all.
    pub group: &'q str,
    /// A resource; `*` asks for all.
    pub resource: &'q str,
    /// A subresource; empty for the resource itself.
    pub subresource: &'q str,
    /// A name; empty when the request has none (create, list).
    pub name: &'q str,
    /// A namespace; none for what is in none and for all namespaces at once;
    /// [`Question::ANY`] for whichever.
    pub namespace: Option<&'q str>,
    /// What a field selector requires to be equal, which only the Node authorizer reads.
    pub fields: &'q [(&'q str, &'q str)],
}

impl<'q> Question<'q> {
    /// Any namespace.
    pub const ANY: &'static str = "*";

    /// A question about all objects of a resource in any namespace.
    pub const fn new(verb: &'q str, group: &'q str, resource: &'q str) -> Question<'q> {
        Question {
            verb,
            group,
            resource,
            subresource: "",
            name: "",
            namespace: Some(Question::ANY),
            fields: &[],
        }
    }

    /// `pods/exec`, or `pods` where there is no subresource.
    pub fn full_resource(&self) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.resource, self.subresource)
    }
}

const STAR: u32 = 0;
/// A name that no rule has: only `*` covers it.
const UNKNOWN: u32 = u32::MAX;
/// No subresource.
const NONE: u32 = u32::MAX - 1;

/// The names that rules use, numbered.
#[derive(Debug)]
pub(crate) struct Names<'a>(FxHashMap<&'a str, u32>);

impl<'a> Names<'a> {
    pub(crate) fn new() -> Names<'a> {
        Names(FxHashMap::from_iter([("*", STAR)]))
    }

    fn add(&mut self, name: &'a str) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }

    fn get(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or(UNKNOWN)
    }

    fn list(&mut self, rule: Node<'a>, field: &str) -> Box<[u32]> {
        strings(rule, field).map(|text| self.add(text)).collect()
    }

    /// `pods/log` as two numbers.
    fn resource(&mut self, text: &'a str) -> (u32, u32) {
        match text.split_once('/') {
            Some((resource, subresource)) => (self.add(resource), self.add(subresource)),
            None => (self.add(text), NONE),
        }
    }
}

fn strings<'a>(rule: Node<'a>, field: &str) -> impl Iterator<Item = &'a str> {
    rule.get(field).into_iter().flat_map(Node::items).filter_map(Node::as_str)
}

/// A question in numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'q> {
    verb: u32,
    group: u32,
    resource: (u32, u32),
    subresource: u32,
    name: &'q str,
}

impl<'q> Asked<'q> {
    pub(crate) fn new(question: &Question<'q>, names: &Names<'_>) -> Asked<'q> {
        let subresource = match question.subresource {
            "" => NONE,
            text => names.get(text),
        };
        // The authorizer compares the joined text, so a slash may stand on either side.
        let resource = match question.resource.split_once('/') {
            Some((resource, rest)) if question.subresource.is_empty() => {
                (names.get(resource), names.get(rest))
            }
            _ => (names.get(question.resource), subresource),
        };
        Asked {
            verb: names.get(question.verb),
            group: names.get(question.group),
            resource,
            subresource,
            name: question.name,
        }
    }

    /// The same about an object.
    pub(crate) fn named<'n>(self, name: &'n str) -> Asked<'n> {
        let Asked { verb, group, resource, subresource, .. } = self;
        Asked { verb, group, resource, subresource, name }
    }
}

/// The most names that are looked through one by one.
const FEW: usize = 8;

/// One `PolicyRule` of a role.
#[derive(Debug)]
pub struct Rule<'a> {
    /// The role that has it: for an aggregated role the one it comes from.
    pub role: &'a Object,
    /// The rule.
    pub node: Node<'a>,
    verbs: Box<[u32]>,
    groups: Box<[u32]>,
    resources: Box<[(u32, u32)]>,
    pub(crate) names: Box<[&'a str]>,
    /// The same in order, where they are many: a rule may hold tens of thousands.
    ordered: Box<[&'a str]>,
    urls: Box<[&'a str]>,
}

impl<'a> Rule<'a> {
    pub(crate) fn read(role: &'a Object, node: Node<'a>, names: &mut Names<'a>) -> Rule<'a> {
        let of_objects: Box<[&str]> = strings(node, "resourceNames").collect();
        let mut ordered = match of_objects.len() {
            0..=FEW => Vec::new(),
            _ => of_objects.to_vec(),
        };
        ordered.sort_unstable();
        Rule {
            role,
            node,
            verbs: names.list(node, "verbs"),
            groups: names.list(node, "apiGroups"),
            resources: strings(node, "resources").map(|text| names.resource(text)).collect(),
            names: of_objects,
            ordered: ordered.into(),
            urls: strings(node, "nonResourceURLs").collect(),
        }
    }

    /// Its index in its role's `rules`.
    pub fn index(&self) -> usize {
        self.node.index().unwrap_or_default()
    }

    /// A list of the rule: `verbs`, `apiGroups`, `resources`, `resourceNames`,
    /// `nonResourceURLs`.
    pub fn strings(&self, field: &str) -> impl Iterator<Item = &'a str> {
        strings(self.node, field)
    }

    /// Whether the rule grants it. `*` in resources covers subresources; a plain
    /// resource does not; `*/sub` covers that subresource of everything. With
    /// resourceNames only requests with one of these names are covered.
    pub(crate) fn covers(&self, asked: &Asked<'_>) -> bool {
        self.covers_some(asked) && (self.names.is_empty() || self.has_name(asked.name))
    }

    /// Whether its resourceNames hold this one.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        if self.ordered.is_empty() {
            self.names.contains(&name)
        } else {
            self.ordered.binary_search(&name).is_ok()
        }
    }

    /// Whether the rule grants it of one object at least.
    pub(crate) fn covers_some(&self, asked: &Asked<'_>) -> bool {
        has(&self.verbs, asked.verb)
            && has(&self.groups, asked.group)
            && self.covers_resource(asked)
    }

    fn covers_resource(&self, asked: &Asked<'_>) -> bool {
        self.resources.iter().any(|&resource| {
            resource == (STAR, NONE)
                || resource == asked.resource
                || resource == (STAR, asked.subresource)
        })
    }

    /// Whether the rule grants a verb on a path that is no resource.
    pub(crate) fn covers_url(&self, verb: u32, path: &str) -> bool {
        has(&self.verbs, verb)
            && self.urls.iter().any(|url| {
                *url == "*"
                    || *url == path
                    || url.ends_with('*') && path.starts_with(url.trim_end_matches('*'))
            })
    }

    /// Whether it grants every verb on every resource of every group.
    pub fn is_everything(&self) -> bool {
        self.verbs.contains(&STAR)
            && self.groups.contains(&STAR)
            && self.resources.contains(&(STAR, NONE))
            && self.names.is_empty()
    }
}

pub(crate) fn verb(names: &Names<'_>, verb: &str) -> u32 {
    names.get(verb)
}

fn has(list: &[u32], wanted: u32) -> bool {
    list.iter().any(|&number| number == STAR || number == wanted)
}
