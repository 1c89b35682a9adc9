//! Which bindings grant something, to whom, by which rule.

use ironhull_model::{Node, Object};

use crate::{Access, Binding, Question, Rule, Subject};

/// What one binding says to some questions.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'i, 'a, 'q> {
    /// It grants one of them.
    Granted {
        /// The first question that it grants.
        question: Question<'q>,
        /// By which rule.
        rule: &'i Rule<'a>,
    },
    /// Nothing that was read grants any, but its role was not read completely.
    Unread,
}

impl<'a> Access<'a> {
    /// The bindings that somebody wrote: neither assumed nor started with every cluster.
    pub fn written_bindings(&self) -> impl Iterator<Item = &Binding<'a>> {
        self.bindings()
            .iter()
            .filter(|binding| binding.object.is_given() && !is_default(binding.object))
    }

    /// What a binding says to questions, asked in order.
    pub fn grant<'q>(
        &self,
        binding: &Binding<'a>,
        mut questions: impl Iterator<Item = Question<'q>>,
    ) -> Option<Grant<'_, 'a, 'q>> {
        let found = questions.find_map(|question| {
            let rule = self.granted_by(binding, &question)?;
            Some(Grant::Granted { question, rule })
        });
        found.or_else(|| (!binding.complete).then_some(Grant::Unread))
    }
}

/// What every cluster is started with.
pub(crate) fn is_default(binding: &Object) -> bool {
    binding.label("kubernetes.io/bootstrapping") == Some("rbac-defaults")
        && (binding.thing.name.starts_with("system:") || &*binding.thing.name == "cluster-admin")
}

/// `ClusterRole NAME` or `Role NAME`: what a binding refers to.
pub fn role(binding: &Object) -> String {
    let field = |name| binding.root().path(&["roleRef", name]).and_then(Node::as_str);
    format!("{} {}", field("kind").unwrap_or("role"), field("name").unwrap_or_default())
}

/// The subjects of a binding, as a person names them.
pub fn subjects(binding: &Object) -> impl Iterator<Item = String> {
    let subjects = binding.root().get("subjects").into_iter().flat_map(Node::items);
    subjects.filter_map(|subject| {
        let field = |name| subject.get(name).and_then(Node::as_str);
        Some(match (field("kind")?, field("name")?, field("namespace")) {
            ("ServiceAccount", name, Some(namespace)) => {
                format!("ServiceAccount {namespace}/{name}")
            }
            ("ServiceAccount", name, None) => format!("ServiceAccount {name}"),
            (kind, name, _) => format!("{} {name}", kind.to_lowercase()),
        })
    })
}

/// The subjects of a binding, each once, in order.
pub fn named(binding: &Object) -> Vec<Subject> {
    let entries = binding.root().get("subjects").into_iter().flat_map(Node::items);
    let mut found: Vec<Subject> = Vec::new();
    for subject in entries.filter_map(|entry| Subject::of_entry(entry, binding)) {
        if !found.contains(&subject) {
            found.push(subject);
        }
    }
    found
}
