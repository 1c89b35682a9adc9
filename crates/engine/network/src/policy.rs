//! NetworkPolicies (`networking.k8s.io/v1`), with the API's own defaults.

use ironhull_model::{Node, Object};

use crate::{Certainty, Workload};

/// Which way a connection is opened, seen from the pod that a policy selects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// Into the pod.
    Ingress,
    /// Out of the pod.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Direction; 2] = [Direction::Ingress, Direction::Egress];

    /// The field that holds the rules, and in lower case what people call it.
    pub fn field(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }

    /// The field of a rule that holds its peers.
    pub fn peers(self) -> &'static str {
        match self {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        }
    }

    /// As in `policyTypes`.
    pub fn policy_type(self) -> &'static str {
        match self {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        }
    }
}

/// One NetworkPolicy.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The object.
    pub object: &'a Object,
}

impl<'a> Policy<'a> {
    /// A policy as it was written.
    pub fn new(object: &'a Object) -> Policy<'a> {
        Policy { object }
    }

    /// Its spec.
    pub fn spec(self) -> Option<Node<'a>> {
        self.object.root().get("spec")
    }

    fn selector(self) -> Option<Node<'a>> {
        self.spec()?.get("podSelector").filter(|selector| !selector.is_null())
    }

    /// The labels that its selector wants equal.
    pub(crate) fn wanted_labels(self) -> Option<Node<'a>> {
        self.selector()?.get("matchLabels")
    }

    /// Whether it isolates the pods it selects in a direction. Without
    /// `policyTypes` that is ingress, and egress where it has egress rules.
    pub fn covers(self, direction: Direction) -> bool {
        let types = self.spec().and_then(|spec| spec.get("policyTypes"));
        match types.filter(|types| !types.is_empty()) {
            Some(types) => types.items().any(|item| item.as_str() == Some(direction.policy_type())),
            None => direction == Direction::Ingress || self.rules(direction).next().is_some(),
        }
    }

    /// Its rules for a direction, whether they have an effect or not.
    pub fn rules(self, direction: Direction) -> impl Iterator<Item = Node<'a>> {
        let rules = self.spec().and_then(|spec| spec.get(direction.field()));
        rules.into_iter().flat_map(Node::items)
    }

    /// The peers of its rules for a direction.
    pub fn peers(self, direction: Direction) -> impl Iterator<Item = Node<'a>> {
        self.rules(direction)
            .filter_map(move |rule| rule.get(direction.peers()))
            .flat_map(Node::items)
    }

    /// The ranges of its rules for a direction.
    pub fn ranges(self, direction: Direction) -> impl Iterator<Item = Node<'a>> {
        self.peers(direction)
            .filter_map(|peer| peer.get("ipBlock"))
            .filter(|block| !block.is_null())
    }

    /// Whether it selects every pod of its namespace, present and future.
    pub fn selects_all(self) -> bool {
        let parts = |selector: Node<'a>| {
            ["matchLabels", "matchExpressions"]
                .into_iter()
                .filter_map(move |part| selector.get(part))
        };
        self.selector().is_none_or(|selector| parts(selector).all(Node::is_empty))
    }

    /// Whether it selects a workload's pods. Pods on the host network are
    /// selected too, though nothing comes of it.
    pub fn selects(self, workload: &Workload<'a>) -> Certainty {
        if *self.object.thing.namespace != *workload.namespace() {
            return Certainty::No;
        }
        self.selector().map_or(Certainty::Yes, |selector| workload.labels.selected_by(selector))
    }

    /// The first rule that allows every connection in a direction: it has
    /// neither peers nor ports.
    pub fn allows_everything(self, direction: Direction) -> Option<Node<'a>> {
        let says_nothing = |rule: Node<'a>, field| rule.get(field).is_none_or(Node::is_empty);
        self.covers(direction)
            .then(|| {
                self.rules(direction).find(|rule| {
                    says_nothing(*rule, direction.peers()) && says_nothing(*rule, "ports")
                })
            })
            .flatten()
    }
}
