//! What rules are for, apart from a request: whether anything in a namespace.

use ironhull_model::Node;

use super::{Match, Rule, has};
use crate::kinds::Kinds;
use crate::policy::{GROUP, list};

impl<'a> Match<'a> {
    /// Rules and selectors of a webhook, which mean what a policy's mean.
    pub(crate) fn of_webhook(webhook: Node<'a>) -> Match<'a> {
        let rules = list(webhook, "rules").map(Rule::read).collect();
        Match { rules, ..Match::read(Some(webhook)) }
    }

    /// Whether a webhook is called for anything. One without rules is not, and none is
    /// about what configures admission
    /// (`k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules`
    /// `IsExemptAdmissionConfigurationResource`).
    pub(crate) fn is_ever_called(webhook: Node<'_>) -> bool {
        let is_exempt = |rule: &Rule<'_>| rule.groups.iter().all(|group| *group == GROUP);
        list(webhook, "rules").map(Rule::read).any(|rule| !is_exempt(&rule))
    }

    /// The selector of namespaces, if there is one.
    pub(crate) fn namespace_selector(&self) -> Option<Node<'a>> {
        self.namespaces
    }

    /// Whether the rules are for something that is in a namespace, a Namespace itself
    /// among it. What nobody knows may be.
    pub(crate) fn is_for_namespaces(&self, kinds: &Kinds<'a>) -> bool {
        let excluded = &self.excluded;
        self.rules.is_empty() || self.rules.iter().any(|rule| is_for(rule, kinds, excluded))
    }
}

fn is_for(rule: &Rule<'_>, kinds: &Kinds<'_>, excluded: &[Rule<'_>]) -> bool {
    let pairs = || {
        let of = |group| rule.resources.iter().map(move |resource| (group, *resource));
        rule.groups.iter().flat_map(of)
    };
    pairs().any(|(group, resource): (&&str, &str)| {
        let name = resource.split('/').next().unwrap_or_default();
        let is_open = match rule.scope {
            // Only the Namespaces themselves are in one.
            "Cluster" => {
                ["", "*"].contains(group)
                    && ["namespaces", "*"].contains(&name)
                    && has(&rule.versions, "v1")
            }
            _ => kinds.may_be_namespaced(group, name, rule.scope != "Namespaced"),
        };
        is_open && !excluded.iter().any(|other| has_all_of(other, rule, group, resource))
    })
}

/// Whether a rule takes a resource out of another altogether.
fn has_all_of(rule: &Rule<'_>, other: &Rule<'_>, group: &str, resource: &str) -> bool {
    let all = |own: &[&str], wanted: &[&str]| wanted.iter().all(|item| has(own, item));
    let is_named = rule.resources.contains(&resource)
        || rule.resources.contains(&"*/*")
        || rule.resources.contains(&"*") && !resource.contains('/');
    is_named
        && has(&rule.groups, group)
        && all(&rule.operations, &other.operations)
        && all(&rule.versions, &other.versions)
        && rule.names.is_empty()
        && ["", "*", other.scope].contains(&rule.scope)
}
