//! Changes of a new object, and what stands for what only a running cluster makes up.

use ironhull_model::{Node, Value};
use ironhull_patch::json_patch::{self, Operation as Patch};
use serde_json::json;

/// One of two things that stand for what only a running cluster makes up. What does not
/// hang on it comes out alike for both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guess {
    /// Shown to people, so it looks made up.
    First,
    /// Unlike the first in every character.
    Second,
}

impl Guess {
    /// Both.
    pub(crate) const BOTH: [Guess; 2] = [Guess::First, Guess::Second];

    /// So many characters of those that the API server makes names of.
    pub(crate) fn end(self, n: usize) -> String {
        match self {
            Guess::First => "x".repeat(n),
            Guess::Second => "2b4c6d8f5g".chars().cycle().take(n).collect(),
        }
    }

    /// One of the two.
    pub(crate) fn of<T>(self, first: T, second: T) -> T {
        if self == Guess::First { first } else { second }
    }

    /// The uid of an object.
    pub(crate) fn uid(self) -> &'static str {
        self.of("00000000-0000-4000-8000-000000000000", "ffffffff-eeee-4ddd-9ccc-bbbbbbbbbbbb")
    }
}

/// Changes of a value, made together.
#[derive(Default)]
pub(crate) struct Changes(Vec<(String, Option<Value>)>);

impl Changes {
    /// Puts something at a pointer, in place of what is there.
    pub(crate) fn put(&mut self, path: impl Into<String>, value: &serde_json::Value) {
        // Every JSON is a value.
        if let Ok(value) = serde_json::from_value(value.clone()) {
            self.0.push((path.into(), Some(value)));
        }
    }

    /// Puts something in place of what is there, in lists too.
    pub(crate) fn replace(&mut self, path: impl Into<String>, value: &serde_json::Value) {
        let path = path.into();
        self.drop(path.clone());
        self.put(path, value);
    }

    /// Takes away what is there.
    pub(crate) fn drop(&mut self, path: impl Into<String>) {
        self.0.push((path.into(), None));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an item to the end of a list that may not be there.
    pub(crate) fn push(&mut self, of: Node<'_>, path: &str, item: &serde_json::Value) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_there = of.get(name).is_some_and(|list| !list.is_null())
            || self.0.iter().any(|(known, _)| known == path);
        if !is_there {
            self.put(path, &json!([]));
        }
        self.put(format!("{path}/-"), item);
    }

    /// The value with them.
    pub(crate) fn made<'v>(&'v self, value: &Value) -> Value {
        let patch = |(path, value): &'v (String, Option<Value>)| {
            let op = if value.is_some() { "add" } else { "remove" };
            Patch { op, path, from: "", value: value.as_ref() }
        };
        let operations: Vec<Patch<'_>> = self.0.iter().map(patch).collect();
        match json_patch::apply(value, &operations) {
            Ok(Some(made)) => made,
            _ => value.clone(),
        }
    }
}

/// A part of an object, to be worked on.
pub(crate) fn json_of(node: Node<'_>) -> serde_json::Value {
    serde_json::to_value(node).unwrap_or_default()
}
