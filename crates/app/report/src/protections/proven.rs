//! What canaries showed of a cluster the last time that they were sent.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Where it did, and when the oldest of what it stopped there was shown.
    pub namespaces: BTreeMap<String, String>,
}

impl Stops {
    /// Adds what was shown elsewhere, or at another time.
    pub fn add(&mut self, controls: BTreeSet<String>, namespaces: BTreeMap<String, String>) {
        self.controls.extend(controls);
        for (namespace, time) in namespaces {
            let known = self.namespaces.entry(namespace).or_insert_with(|| time.clone());
            if time < *known {
                *known = time;
            }
        }
    }
}

/// A control whose canary was not stopped somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// The control.
    pub control: String,
    /// How grave what it forbids is.
    pub severity: Severity,
    /// Where nobody stopped it, and when that was shown.
    pub namespaces: BTreeMap<String, String>,
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
            all.add(stops.controls, stops.namespaces);
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
            .map(|open| format!("{} in {}", open.control, self.places(&open.namespaces, 1)))
            .collect();
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        text += &match open.as_slice() {
            [] if self.n_tried == 0 => ": none could be".to_owned(),
            [] => ", all stopped".to_owned(),
            open => format!(", {} not stopped: {}", open.len(), few(open, MOST_NAMED)),
        };
        text + " → ironhull prove cluster:"
    }

    /// Places, with the time of each where the last proof showed nothing of it.
    fn places(&self, namespaces: &BTreeMap<String, String>, most: usize) -> String {
        let place = |(name, time): (&String, &String)| match *time == self.at {
            true => name.clone(),
            false => format!("{name} ({time})"),
        };
        let places: Vec<String> = namespaces.iter().map(place).collect();
        few(&places.iter().map(String::as_str).collect::<Vec<_>>(), most)
    }

    /// The places that are older than the last proof, with their time.
    pub(super) fn older<'p>(
        &self,
        namespaces: &'p BTreeMap<String, String>,
    ) -> BTreeMap<&'p str, &'p str> {
        let older = namespaces.iter().filter(|(_, time)| **time != self.at);
        older.map(|(name, time)| (name.as_str(), time.as_str())).collect()
    }

    /// What a guard stopped, in words.
    pub(super) fn of_guard(&self, stops: Option<&Stops>) -> String {
        let Some(stops) = stops else {
            let nothing =
                if self.n_tried == 0 { "no canary was tried" } else { "stopped no canary" };
            return nothing.to_owned();
        };
        let place = match stops.namespaces.keys().all(String::is_empty) {
            true => { stops.namespaces.values().find(|time| **time != self.at) }
                .map_or_else(String::new, |time| format!(" ({time})")),
            false => format!(" in {}", self.places(&stops.namespaces, MOST_NAMED)),
        };
        format!("proven to stop {}{place}", count(stops.controls.len(), "control"))
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Json {
        let open: Vec<Json> = { self.open.iter() }
            .map(|open| {
                json!({
                    "control": open.control,
                    "severity": open.severity.as_str(),
                    "namespaces": open.namespaces.keys().collect::<Vec<_>>(),
                    "older": self.older(&open.namespaces),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ironhull_model::Severity;

    use super::{Open, Proven, Stops};

    fn places(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, time)| ((*name).to_owned(), (*time).to_owned())).collect()
    }

    #[test]
    fn what_the_last_proof_did_not_show_has_its_own_time() {
        let open = |control: &str, namespaces| Open {
            control: control.to_owned(),
            severity: Severity::High,
            namespaces: places(namespaces),
        };
        let proven = Proven {
            from: "1".into(),
            at: "2".into(),
            n_namespaces: 2,
            n_tried: 3,
            stops: Vec::new(),
            open: vec![open("x", &[("a", "1"), ("b", "2")]), open("y", &[("b", "2")])],
        };
        let summary = proven.summary();
        assert!(summary.starts_with("proven 1 to 2: "), "{summary}");
        assert!(summary.contains("not stopped: x in a (1) and 1 more, y in b → "), "{summary}");
        // Where nothing could be tried nothing was stopped either.
        let nothing = Proven { n_tried: 0, open: Vec::new(), ..proven.clone() };
        assert!(nothing.summary().contains("0 controls tried in 2 namespaces: none could be → "));
        assert_eq!(nothing.of_guard(None), "no canary was tried");
        assert_eq!(proven.of_guard(None), "stopped no canary");
        let json = proven.json();
        assert_eq!(json["open"][0]["namespaces"], serde_json::json!(["a", "b"]));
        assert_eq!(json["open"][0]["older"], serde_json::json!({"a": "1"}));
        assert_eq!(json["open"][1]["older"], serde_json::json!({}));
        let mut stops = Stops::default();
        stops.add(["x".to_owned()].into(), places(&[("a", "2"), ("b", "2")]));
        assert_eq!(proven.of_guard(Some(&stops)), "proven to stop 1 control in a, b");
        // Of several in one place the oldest counts, in whichever order they come.
        stops.add(["y".to_owned()].into(), places(&[("a", "1")]));
        stops.add(["z".to_owned()].into(), places(&[("a", "2")]));
        assert_eq!(proven.of_guard(Some(&stops)), "proven to stop 3 controls in a (1), b");
        let mut cluster = Stops::default();
        cluster.add(["x".to_owned()].into(), places(&[("", "1")]));
        assert_eq!(proven.of_guard(Some(&cluster)), "proven to stop 1 control (1)");
    }
}
