//! Which bindings grant something, to whom, by which rule.

use ironhull_model::{Node, Object};
use rustc_hash::FxHashSet;

use crate::{Access, Binding, Question, Rule, Subject};

pub(crate) mod defaults;
pub mod widened;

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
    /// The bindings that somebody wrote, or added somebody to: [`written`] names whom.
    pub fn written_bindings(&self) -> impl Iterator<Item = &Binding<'a>> {
        self.bindings().iter().filter(|binding| {
            let object = binding.object;
            object.is_given()
                && (!defaults::may_be(object)
                    || entries(object).any(|entry| is_written(object, entry)))
        })
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

/// `ClusterRole NAME` or `Role NAME`: what a binding refers to.
pub fn role(binding: &Object) -> String {
    let field = |name| binding.root().path(&["roleRef", name]).and_then(Node::as_str);
    format!("{} {}", field("kind").unwrap_or("role"), field("name").unwrap_or_default())
}

/// The written subjects of a binding, as a person names them.
pub fn subjects(binding: &Object) -> impl Iterator<Item = String> {
    let subjects = entries(binding).filter(|entry| is_written(binding, *entry));
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
    once(binding, |_| true)
}

/// Those of them whom Kubernetes does not itself bind there: all of a binding that
/// somebody wrote, and who was added to a default one.
pub fn written(binding: &Object) -> Vec<Subject> {
    once(binding, |entry| is_written(binding, entry))
}

fn once(binding: &Object, counts: impl Fn(Node<'_>) -> bool) -> Vec<Subject> {
    let mut found = Vec::new();
    let mut known = FxHashSet::default();
    let counted = entries(binding).filter(|entry| counts(*entry));
    for subject in counted.filter_map(|entry| Subject::of_entry(entry, binding)) {
        if known.insert(subject.clone()) {
            found.push(subject);
        }
    }
    found
}

fn entries(binding: &Object) -> impl Iterator<Item = Node<'_>> {
    binding.root().get("subjects").into_iter().flat_map(Node::items)
}

fn is_written(binding: &Object, entry: Node<'_>) -> bool {
    let subject = || Subject::of_entry(entry, binding);
    !subject().is_some_and(|subject| defaults::bind(binding, &subject))
}
