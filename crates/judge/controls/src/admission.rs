//! Which requests the rules and selectors of admission are for, as the API server matches
//! them (`k8s.io/apiserver/pkg/admission/plugin/webhook/predicates`): those of webhooks
//! and of admission policies mean the same.

use ironhull_model::{Node, selector};

mod webhook;

pub use webhook::{Called, Probe, called, called_somewhere};

/// The label by which the API server names every Namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// One rule of resources.
#[derive(Debug)]
pub struct Rule<'a> {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, `*`.
    pub operations: Vec<&'a str>,
    /// API groups, `*` for all.
    pub groups: Vec<&'a str>,
    /// API versions, `*` for all.
    pub versions: Vec<&'a str>,
    /// `pods`, `pods/exec`, `pods/*`, `*/scale`, `*`, `*/*`.
    pub resources: Vec<&'a str>,
    /// Names of objects; none for all. Webhooks have none.
    pub names: Vec<&'a str>,
    /// `Cluster`, `Namespaced`, `*`; empty for all.
    pub scope: &'a str,
}

/// What a rule looks at of a request.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`.
    pub operation: &'a str,
    /// API group; empty for the core group.
    pub group: &'a str,
    /// API version.
    pub version: &'a str,
    /// Plural resource.
    pub resource: &'a str,
    /// Empty for the resource itself.
    pub subresource: &'a str,
    /// The object's name; empty when the API server makes one.
    pub name: &'a str,
    /// Whether the request names a namespace, which one for a Namespace does.
    pub is_in_namespace: bool,
}

impl<'a> Rule<'a> {
    /// A `RuleWithOperations` or `NamedRuleWithOperations`.
    pub fn read(node: Node<'a>) -> Rule<'a> {
        let list = |name| node.get(name).into_iter().flat_map(Node::items);
        let strings = |name| list(name).filter_map(Node::as_str).collect();
        Rule {
            operations: strings("operations"),
            groups: strings("apiGroups"),
            versions: strings("apiVersions"),
            resources: strings("resources"),
            names: strings("resourceNames"),
            scope: node.get("scope").and_then(Node::as_str).unwrap_or_default(),
        }
    }

    /// Whether it covers a request.
    pub fn covers(&self, asked: &Asked<'_>) -> bool {
        self.is_in_scope(asked)
            && has(&self.operations, asked.operation)
            && has(&self.groups, asked.group)
            && has(&self.versions, asked.version)
            && covers(&self.resources, asked.resource, asked.subresource)
            && (self.names.is_empty() || self.names.contains(&asked.name))
    }

    /// A Namespace is in itself, and yet in no namespace.
    fn is_in_scope(&self, asked: &Asked<'_>) -> bool {
        let is_namespace = (asked.group, asked.version, asked.resource) == ("", "v1", "namespaces");
        let is_namespaced = asked.is_in_namespace && !is_namespace;
        match self.scope {
            "" | "*" => true,
            "Namespaced" => is_namespaced,
            "Cluster" => !is_namespaced,
            _ => false,
        }
    }
}

/// Whether items name something, by itself or with `*`.
pub fn has(items: &[&str], wanted: &str) -> bool {
    items.iter().any(|item| *item == "*" || *item == wanted)
}

/// `*` alone has no subresources; `pods/*` has pods too.
fn covers(resources: &[&str], resource: &str, subresource: &str) -> bool {
    resources.iter().any(|item| {
        let (own, sub) = item.split_once('/').unwrap_or((item, ""));
        (own == "*" || own == resource) && (sub == "*" || sub == subresource)
    })
}

/// Whether a `LabelSelector` asks for nothing, so that it selects everything.
pub fn is_empty(selector: Node<'_>) -> bool {
    selector.entries().all(|(_, part)| part.is_empty())
}

/// What a selector says of a namespace of which only the name is known; none where its
/// labels decide.
pub fn by_name(wanted: Node<'_>, name: &str) -> Option<bool> {
    selector::selects_knowing(wanted, &[(NAME_LABEL, name)])
}
