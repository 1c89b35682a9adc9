//! Policy rules and what they cover.

use ironhull_model::{Node, Object};

/// One `PolicyRule` of a role.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The role that has it.
    pub role: &'a Object,
    /// The rule.
    pub node: Node<'a>,
}

/// May somebody do this?
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
        }
    }
}

pub(crate) fn read(role: &Object) -> Vec<Rule<'_>> {
    let rules = role.root().get("rules").into_iter().flat_map(Node::items);
    rules.map(|node| Rule { role, node }).collect()
}

impl Rule<'_> {
    fn has(&self, field: &str, value: &str) -> bool {
        self.node.get(field).is_some_and(|list| {
            list.items()
                .any(|item| matches!(item.as_str(), Some(text) if text == value || text == "*"))
        })
    }

    /// Whether the rule grants it. `*` in resources covers subresources; a plain
    /// resource does not; `*/sub` covers that subresource of everything. With
    /// resourceNames only requests with one of these names are covered.
    pub fn covers(&self, question: &Question<'_>) -> bool {
        self.has("verbs", question.verb)
            && self.has("apiGroups", question.group)
            && self.covers_resource(question)
            && self.covers_name(question)
    }

    fn covers_resource(&self, question: &Question<'_>) -> bool {
        let Some(resources) = self.node.get("resources") else { return false };
        resources.items().filter_map(Node::as_str).any(|resource| match resource.split_once('/') {
            _ if resource == "*" => true,
            None => resource == question.resource && question.subresource.is_empty(),
            Some(("*", sub)) => sub == question.subresource,
            Some((own, sub)) => {
                own == question.resource && sub == question.subresource && !sub.is_empty()
            }
        })
    }

    fn covers_name(&self, question: &Question<'_>) -> bool {
        let names = self.node.get("resourceNames").filter(|names| !names.is_empty());
        names.is_none_or(|names| {
            !question.name.is_empty()
                && names.items().any(|name| name.as_str() == Some(question.name))
        })
    }

    /// Whether it grants every verb on every resource of every group.
    pub fn is_everything(&self) -> bool {
        self.covers(&Question::new("*", "*", "*"))
    }
}
