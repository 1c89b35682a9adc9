//! What canaries showed of a cluster the last time that they were sent.

use std::collections::BTreeSet;

use ironhull_dialects::guards::Guard;
use ironhull_model::{Node, Object, Severity};
use serde_json::{Value as Json, json};

use super::MOST_NAMED;
use crate::table::count;
use crate::text::few;

/// What the last run of `prove` showed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proven {
    /// When the oldest of it was, RFC 3339.
    pub from: String,
    /// When the last of it was.
    pub at: String,
    /// To how many namespaces canaries were sent.
    pub n_namespaces: usize,
    /// How many controls were tried somewhere.
    pub n_tried: usize,
    /// Who stopped what.
    pub stops: Vec<Stops>,
    /// What was not stopped somewhere, the gravest first.
    pub open: Vec<Open>,
}

/// What one guard stopped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stops {
    /// `PodSecurity`, `Policy`, `Webhook` or another kind of guard.
    pub kind: String,
    /// A level, a policy's or a webhook's name.
    pub name: String,
    /// The policy's binding.
    pub binding: String,
    /// The controls whose canaries it stopped.
    pub controls: BTreeSet<String>,
    /// Where it did.
    pub namespaces: BTreeSet<String>,
}

/// A control whose canary was not stopped somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// The control.
    pub control: String,
    /// How grave what it forbids is.
    pub severity: Severity,
    /// Where nobody stopped it.
    pub namespaces: BTreeSet<String>,
}

impl Proven {
    /// What a guard stopped; none for nothing.
    pub fn of(&self, guard: &Guard<'_>) -> Option<&Stops> {
        let thing = &guard.object.thing;
        self.stops.iter().find(|stops| match stops.kind.as_str() {
            "Policy" => *stops.name == *thing.name && *stops.binding == *guard.name,
            "Webhook" => thing.kind.ends_with("WebhookConfiguration") && *stops.name == *guard.name,
            _ => false,
        })
    }

    /// What Pod Security stopped, whatever the level.
    pub(super) fn pod_security(&self) -> Option<Stops> {
        let levels = self.stops.iter().filter(|stops| stops.kind == "PodSecurity");
        levels.cloned().reduce(|mut all, stops| {
            all.controls.extend(stops.controls);
            all.namespaces.extend(stops.namespaces);
            all
        })
    }

    /// Whether an object was written to since the oldest of it.
    pub(super) fn is_before(&self, object: &Object) -> bool {
        let managers = object.root().path(&["metadata", "managedFields"]);
        let mut managers = managers.into_iter().flat_map(Node::items);
        managers.any(|entry| {
            // Status is no change of what it stops.
            let time = entry.get("time").and_then(Node::as_str);
            entry.get("subresource").is_none() && time.is_some_and(|time| time > &*self.from)
        })
    }

    /// When it was, and what was open.
    pub(super) fn summary(&self) -> String {
        let since = match self.from == self.at {
            true => self.at.clone(),
            false => format!("{} to {}", self.from, self.at),
        };
        let mut text = format!(
            "proven {since}: {} tried in {}",
            count(self.n_tried, "control"),
            count(self.n_namespaces, "namespace")
        );
        let open: Vec<String> = { self.open.iter() }
            .map(|open| {
                let spaces: Vec<&str> = open.namespaces.iter().map(String::as_str).collect();
                format!("{} in {}", open.control, few(&spaces, 1))
            })
            .collect();
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        text += &match open.is_empty() {
            true => ", all stopped".to_owned(),
            false => format!(", {} not stopped: {}", open.len(), few(&open, MOST_NAMED)),
        };
        text + " → ironhull prove cluster:"
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Json {
        let open: Vec<Json> = { self.open.iter() }
            .map(|open| {
                json!({
                    "control": open.control,
                    "severity": open.severity.as_str(),
                    "namespaces": open.namespaces,
                })
            })
            .collect();
        json!({
            "from": self.from,
            "at": self.at,
            "namespaces": self.n_namespaces,
            "tried": self.n_tried,
            "podSecurity": self.pod_security().map_or_else(BTreeSet::new, |stops| stops.controls),
            "open": open,
        })
    }
}

/// What a guard stopped, in words.
pub(super) fn of_guard(stops: Option<&Stops>) -> String {
    let Some(stops) = stops else { return "stopped no canary".to_owned() };
    let spaces: Vec<&str> = stops.namespaces.iter().map(String::as_str).collect();
    let place = match spaces.iter().all(|space| space.is_empty()) {
        true => String::new(),
        false => format!(" in {}", few(&spaces, MOST_NAMED)),
    };
    format!("proven to stop {}{place}", count(stops.controls.len(), "control"))
}
