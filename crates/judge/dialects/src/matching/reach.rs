//! What rules are for, apart from a request: whether anything in a namespace.

use ironhull_model::Node;

use super::{Match, Rule, has};
use crate::kinds::Kinds;
use crate::policy::list;

impl<'a> Match<'a> {
    /// Rules and selectors of a webhook, which mean what a policy's mean.
    pub(crate) fn of_webhook(webhook: Node<'a>) -> Match<'a> {
        let rules = list(webhook, "rules").map(Rule::read).collect();
        Match { rules, ..Match::read(Some(webhook)) }
    }

    /// The selector of namespaces, if there is one.
    pub(crate) fn namespace_selector(&self) -> Option<Node<'a>> {
        self.namespaces
    }

    /// Whether the rules are for something that is in a namespace, a Namespace itself
    /// among it. What nobody knows may be.
    pub(crate) fn is_for_namespaces(&self, kinds: &Kinds<'a>) -> bool {
        let excluded = &self.excluded;
        self.rules.is_empty() || self.rules.iter().any(|rule| rule.is_for(kinds, excluded))
    }
}

impl Rule<'_> {
    fn is_for(&self, kinds: &Kinds<'_>, excluded: &[Rule<'_>]) -> bool {
        let pairs = || {
            let of = |group| self.resources.iter().map(move |resource| (group, *resource));
            self.groups.iter().flat_map(of)
        };
        pairs().any(|(group, resource): (&&str, &str)| {
            let name = resource.split('/').next().unwrap_or_default();
            let is_open = match self.scope {
                // Only the Namespaces themselves are in one.
                "Cluster" => {
                    ["", "*"].contains(group)
                        && ["namespaces", "*"].contains(&name)
                        && has(&self.versions, "v1")
                }
                _ => kinds.may_be_namespaced(group, name, self.scope != "Namespaced"),
            };
            is_open && !excluded.iter().any(|rule| rule.has_all_of(self, group, resource))
        })
    }

    /// Whether it takes a resource out of another rule altogether.
    fn has_all_of(&self, other: &Rule<'_>, group: &str, resource: &str) -> bool {
        let all = |own: &[&str], wanted: &[&str]| wanted.iter().all(|item| has(own, item));
        let is_named = self.resources.contains(&resource)
            || self.resources.contains(&"*/*")
            || self.resources.contains(&"*") && !resource.contains('/');
        is_named
            && has(&self.groups, group)
            && all(&self.operations, &other.operations)
            && all(&self.versions, &other.versions)
            && self.names.is_empty()
            && ["", "*", other.scope].contains(&self.scope)
    }
}
