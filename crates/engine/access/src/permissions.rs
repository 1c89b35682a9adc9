//! Permissions one by one: what subjects are granted, and what differs between
//! two worlds.

use std::collections::BTreeMap;

use crate::{Access, Binding, Identity, Question, Rule, Subject, grants};

/// What a permission is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    /// A resource.
    Resource {
        /// API group, or `*`.
        group: String,
        /// Resource with its subresource, or `*`.
        resource: String,
        /// A single object; empty for all of them.
        name: String,
    },
    /// A path that is no resource; it may end in `*`.
    Url(String),
}

/// One verb on one target, somewhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Permission {
    /// The namespace; none for everywhere.
    pub namespace: Option<String>,
    /// On what.
    pub target: Target,
    /// Which verb, or `*`.
    pub verb: String,
}

/// A binding and a rule that gives something.
pub type Source<'i, 'a> = (&'i Binding<'a>, &'i Rule<'a>);

impl Target {
    /// `deployments.apps/scale`, or the path, as `kubectl` writes it.
    pub fn shown(&self) -> String {
        match self {
            Target::Url(url) => url.clone(),
            Target::Resource { group, resource, .. } => {
                let (resource, subresource) = match resource.split_once('/') {
                    Some((resource, subresource)) => (resource, format!("/{subresource}")),
                    None => (&**resource, String::new()),
                };
                let dot = if group.is_empty() { "" } else { "." };
                format!("{resource}{dot}{group}{subresource}")
            }
        }
    }

    /// The object's name; empty for all.
    pub fn name(&self) -> &str {
        match self {
            Target::Resource { name, .. } => name,
            Target::Url(_) => "",
        }
    }
}

impl Permission {
    /// Whether somebody has it. `*` is had only by who is granted `*`.
    pub fn is_held(&self, access: &Access<'_>, who: &Identity) -> bool {
        match &self.target {
            Target::Url(url) => access.allows_url(who, &self.verb, url).is_some(),
            Target::Resource { group, resource, name } => {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                let question = Question {
                    subresource,
                    name,
                    namespace: self.namespace.as_deref(),
                    ..Question::new(&self.verb, group, resource)
                };
                access.can(who, &question)
            }
        }
    }
}

/// Every permission of a rule in a namespace.
pub fn of_rule(rule: &Rule<'_>, namespace: Option<&str>) -> Vec<Permission> {
    let mut found = Vec::new();
    let mut push = |verb: &str, target| {
        let namespace = namespace.map(str::to_owned);
        found.push(Permission { namespace, target, verb: verb.to_owned() });
    };
    let names: Vec<&str> = rule.strings("resourceNames").collect();
    let names = if names.is_empty() { vec![""] } else { names };
    for verb in rule.strings("verbs") {
        for group in rule.strings("apiGroups") {
            for resource in rule.strings("resources") {
                for name in &names {
                    let target = Target::Resource {
                        group: group.to_owned(),
                        resource: resource.to_owned(),
                        name: (*name).to_owned(),
                    };
                    push(verb, target);
                }
            }
        }
        if namespace.is_none() {
            for url in rule.strings("nonResourceURLs") {
                push(verb, Target::Url(url.to_owned()));
            }
        }
    }
    found
}

/// Every permission that bindings give, by subject, with the first source of each.
pub fn all<'i, 'a>(access: &'i Access<'a>) -> BTreeMap<(Subject, Permission), Source<'i, 'a>> {
    let mut found = BTreeMap::new();
    for binding in access.bindings() {
        let subjects = grants::named(binding.object);
        for rule in access.rules(binding) {
            for permission in of_rule(rule, binding.namespace) {
                for subject in &subjects {
                    let key = (subject.clone(), permission.clone());
                    found.entry(key).or_insert((binding, rule));
                }
            }
        }
    }
    found
}

/// What bindings of `before` give and nothing in `after` gives any more.
pub fn lost<'i, 'a>(
    before: &'i Access<'a>,
    after: &Access<'_>,
) -> BTreeMap<(Subject, Permission), Source<'i, 'a>> {
    let mut found = all(before);
    found.retain(|(subject, permission), _| !permission.is_held(after, &Identity::of(subject)));
    found
}
