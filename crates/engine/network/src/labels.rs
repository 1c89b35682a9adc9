//! Label selectors over labels that may not all be known.

use ironhull_model::{Node, Object};

use crate::Certainty;

/// Labels that controllers add when they make a pod from a template.
const AT_RUN_TIME: &[(&str, &[&str])] = &[
    ("DaemonSet", &["controller-revision-hash", "pod-template-generation"]),
    ("Deployment", &["pod-template-hash"]),
    ("ReplicaSet", &["pod-template-hash"]),
    (
        "StatefulSet",
        &[
            "apps.kubernetes.io/pod-index",
            "controller-revision-hash",
            "statefulset.kubernetes.io/pod-name",
        ],
    ),
    ("Job", JOB),
    ("CronJob", JOB),
];

const JOB: &[&str] = &[
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
];

/// Whether a controller may give pods this label beside those of their template.
pub(crate) fn is_given_at_run_time(key: &str) -> bool {
    AT_RUN_TIME.iter().any(|(_, keys)| keys.contains(&key))
}

const NAME: &str = "kubernetes.io/metadata.name";

/// The labels of a pod or a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    node: Option<Node<'a>>,
    /// The value of `kubernetes.io/metadata.name`, which every namespace has.
    name: Option<&'a str>,
    /// Keys whose value only the cluster knows.
    at_run_time: &'static [&'static str],
    /// Whether keys that are not in `node` are known to be absent.
    complete: bool,
}

enum Label<'a> {
    Is(&'a str),
    Absent,
    Unknown,
}

impl<'a> Labels<'a> {
    /// The labels of the pods that an object makes.
    pub(crate) fn of_pods(owner: &Object, labels: Option<Node<'a>>) -> Labels<'a> {
        let kind = &*owner.thing.kind;
        let at_run_time = AT_RUN_TIME.iter().find(|(known, _)| *known == kind);
        let at_run_time = at_run_time.map_or(&[][..], |(_, keys)| *keys);
        Labels { node: labels, name: None, at_run_time, complete: true }
    }

    /// The labels of a namespace that was read.
    pub(crate) fn of_namespace(namespace: &'a Object) -> Labels<'a> {
        let node = namespace.root().path(&["metadata", "labels"]);
        Labels { node, name: Some(&namespace.thing.name), at_run_time: &[], complete: true }
    }

    /// The labels of a namespace that was not read. One that is not even named
    /// may have any.
    pub(crate) fn of_unread_namespace(name: &'a str, all_were_read: bool) -> Labels<'a> {
        let name = Some(name).filter(|name| !name.is_empty());
        Labels { node: None, name, at_run_time: &[], complete: all_were_read && name.is_some() }
    }

    /// The labels as they were written.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let entries = self.node.into_iter().flat_map(Node::entries);
        entries.filter_map(|(key, value)| Some((key, value.as_str()?)))
    }

    fn get(&self, key: &str) -> Label<'a> {
        if let Some(name) = self.name.filter(|_| key == NAME) {
            return Label::Is(name);
        }
        match self.node.and_then(|node| node.get(key)).and_then(Node::as_str) {
            Some(value) => Label::Is(value),
            None if self.at_run_time.contains(&key) || !self.complete => Label::Unknown,
            None => Label::Absent,
        }
    }

    /// Whether a `LabelSelector` selects them; an empty one selects everything.
    pub(crate) fn selected_by(&self, selector: Node<'_>) -> Certainty {
        let equal = selector.get("matchLabels").map_or(Certainty::Yes, |wanted| self.hold(wanted));
        let expressions = selector.get("matchExpressions").into_iter().flat_map(Node::items);
        expressions.map(|expression| self.matches(expression)).fold(equal, Certainty::and)
    }

    /// Whether they hold every label of a map, as a Service's selector wants.
    pub(crate) fn hold(&self, wanted: Node<'_>) -> Certainty {
        wanted
            .entries()
            .map(|(key, value)| match self.get(key) {
                Label::Is(is) => (value.as_str() == Some(is)).into(),
                Label::Absent => Certainty::No,
                Label::Unknown => Certainty::Unknown,
            })
            .fold(Certainty::Yes, Certainty::and)
    }

    fn matches(&self, expression: Node<'_>) -> Certainty {
        let text = |name| expression.get(name).and_then(Node::as_str).unwrap_or_default();
        let listed = |value: &str| {
            expression
                .get("values")
                .is_some_and(|values| values.items().any(|item| item.as_str() == Some(value)))
        };
        match (text("operator"), self.get(text("key"))) {
            (_, Label::Unknown) => Certainty::Unknown,
            ("In", Label::Is(value)) => listed(value).into(),
            ("NotIn", Label::Is(value)) => (!listed(value)).into(),
            ("Exists", label) => matches!(label, Label::Is(_)).into(),
            ("DoesNotExist", label) => matches!(label, Label::Absent).into(),
            // What lacks the key is not in any set.
            ("NotIn", Label::Absent) => Certainty::Yes,
            _ => Certainty::No,
        }
    }
}
