//! Permissions one by one: what subjects are granted, and what differs between
//! two worlds.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_schema::{Schema, Scope};

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

/// The most permissions that are told apart in one answer: a rule of a few kilobytes
/// multiplies to millions.
const MOST: usize = 300_000;

/// A rule that is too much to be told permission by permission.
#[derive(Clone, Copy, Debug)]
pub struct TooMany<'i, 'a> {
    /// The rule.
    pub rule: &'i Rule<'a>,
    /// How many permissions it is for one subject.
    pub n: usize,
}

/// Tells rules apart into their permissions, as many as can be shown.
#[derive(Debug)]
pub struct Apart {
    schema: Schema,
    left: usize,
}

impl Apart {
    /// For rules of a world.
    pub fn new(access: &Access<'_>) -> Apart {
        Apart { schema: Schema::of(access.world().base.minor), left: MOST }
    }

    /// Every permission of a rule in a namespace (none: everywhere), for `n_subjects`.
    /// What stands in no namespace is nothing that a RoleBinding grants.
    ///
    /// # Errors
    /// When there are more than can be shown.
    pub fn of_rule<'i, 'a>(
        &mut self,
        rule: &'i Rule<'a>,
        namespace: Option<&str>,
        n_subjects: usize,
    ) -> Result<Vec<Permission>, TooMany<'i, 'a>> {
        let n_names = rule.strings("resourceNames").count().max(1);
        let n_resources =
            rule.strings("apiGroups").count() * rule.strings("resources").count() * n_names;
        let n_targets = n_resources + rule.strings("nonResourceURLs").count();
        let n = rule.strings("verbs").count().saturating_mul(n_targets);
        let asked = n.saturating_mul(n_subjects);
        self.left = self.left.checked_sub(asked).ok_or(TooMany { rule, n })?;
        Ok(of_rule(self.schema, rule, namespace))
    }
}

fn of_rule(schema: Schema, rule: &Rule<'_>, namespace: Option<&str>) -> Vec<Permission> {
    let mut found = Vec::new();
    let mut push = |verb: &str, target| {
        let namespace = namespace.map(str::to_owned);
        found.push(Permission { namespace, target, verb: verb.to_owned() });
    };
    let names: Vec<&str> = rule.strings("resourceNames").collect();
    let names = if names.is_empty() { vec![""] } else { names };
    for group in rule.strings("apiGroups") {
        for resource in rule.strings("resources") {
            if namespace.is_some() && stands_in_none(schema, group, resource) {
                continue;
            }
            for (verb, name) in
                rule.strings("verbs").flat_map(|v| names.iter().map(move |n| (v, n)))
            {
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
            for verb in rule.strings("verbs") {
                push(verb, Target::Url(url.to_owned()));
            }
        }
    }
    found
}

/// Whether the objects of a resource stand in no namespace, so that a RoleBinding grants
/// nothing of them. A Namespace itself is asked about as in its own.
pub fn stands_in_none(schema: Schema, group: &str, resource: &str) -> bool {
    let (resource, _) = resource.split_once('/').unwrap_or((resource, ""));
    resource != "namespaces"
        && schema.resource(group, resource).is_some_and(|info| info.scope == Scope::Cluster)
}

/// What bindings of `before` give and nothing in `after` gives any more, by subject, with
/// the first source of each.
///
/// # Errors
/// When there is more than can be shown.
pub fn lost<'i, 'a>(
    before: &'i Access<'a>,
    after: &Access<'_>,
) -> Result<BTreeMap<(Subject, Permission), Source<'i, 'a>>, TooMany<'i, 'a>> {
    let mut apart = Apart::new(before);
    let mut found = BTreeMap::new();
    for binding in before.bindings() {
        let subjects: Vec<_> = { grants::named(binding.object).into_iter() }
            .map(|subject| (Identity::of(&subject), subject))
            .collect();
        for rule in before.rules(binding) {
            // Most rules stay, and need not be told apart.
            let stays = |who: &Identity| {
                after
                    .bindings_of(who, binding.namespace)
                    .any(|other| after.rules(other).any(|other| is_within(rule, other)))
            };
            let others: Vec<_> = subjects.iter().filter(|(who, _)| !stays(who)).collect();
            if others.is_empty() {
                continue;
            }
            for permission in apart.of_rule(rule, binding.namespace, others.len())? {
                for (who, subject) in &others {
                    if !permission.is_held(after, who) {
                        let key = (subject.clone(), permission.clone());
                        found.entry(key).or_insert((binding, rule));
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Whether one rule grants, word by word, all that another one does.
fn is_within(rule: &Rule<'_>, other: &Rule<'_>) -> bool {
    let within = |field: &str| {
        let all: BTreeSet<&str> = other.strings(field).collect();
        // Of names `*` is one like any other.
        let is_all = all.contains("*") && field != "resourceNames";
        is_all || rule.strings(field).all(|one| all.contains(one))
    };
    let names_all = other.strings("resourceNames").next().is_none();
    let names_some = rule.strings("resourceNames").next().is_some();
    ["verbs", "apiGroups", "resources", "nonResourceURLs"].into_iter().all(within)
        && (names_all || names_some && within("resourceNames"))
}
