//! Findings: what a judgement says, with its proof and its repair.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::diagnostic::Place;
use crate::pointer::Pointer;
use crate::thing::ThingRef;
use crate::value::Value;

/// How bad a violation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hygiene.
    Low,
    /// Weakens a defence.
    Medium,
    /// One step from a compromise.
    High,
    /// Control of a node or the cluster.
    Critical,
}

impl Severity {
    /// All, from the worst down.
    pub const ALL: [Severity; 4] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// Lower case, as in options and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Severity, String> {
        Severity::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a severity: low, medium, high or critical"))
    }
}

/// What a control says about a subject.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The sentence holds.
    Holds,
    /// The sentence is about nothing here.
    NotApplicable,
    /// A fact that decides is missing.
    Unknown,
    /// The sentence does not hold.
    Violated,
}

/// How far a policy goes when its control does not hold, from looking to denying.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// Findings are shown and change nothing.
    Observe,
    /// Findings are told to whoever makes them, and change nothing.
    Warn,
    /// What is new is stopped; what was already wrong goes on.
    StopNew,
    /// Everything is stopped. The rung of what no policy names.
    #[default]
    Stop,
}

impl Rung {
    /// All, from the least.
    pub const ALL: [Rung; 4] = [Rung::Observe, Rung::Warn, Rung::StopNew, Rung::Stop];

    /// As in policies and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Observe => "observe",
            Rung::Warn => "warn",
            Rung::StopNew => "stop-new",
            Rung::Stop => "stop",
        }
    }
}

/// Hash of control, assignment, subject and element: a finding's identity for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a finding. An element is named by its schema's
    /// list-map key or by content, never by index.
    pub fn of(control: &str, assignment: &str, subject: &ThingRef, element: &str) -> Fingerprint {
        let mut hash = Sha256::new();
        let parts = [
            control,
            assignment,
            &subject.group,
            &subject.kind,
            &subject.namespace,
            &subject.name,
            element,
        ];
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&digest[..16]);
        Fingerprint(fingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing that was read to come to the verdict.
#[derive(Clone, PartialEq, Debug)]
pub struct Evidence {
    /// In which thing.
    pub thing: Arc<ThingRef>,
    /// In which fact about it; none for its document.
    pub fact: Option<&'static str>,
    /// Where in it; for an absent field the nearest ancestor that exists.
    pub pointer: Pointer,
    /// What stands there, in short JSON; none for an absent field.
    pub value: Option<String>,
    /// The absent field's name.
    pub absent: Option<String>,
    /// Put there by defaulting.
    pub defaulted: bool,
    /// Where in which text.
    pub place: Option<Place>,
}

/// One step of a repair.
#[derive(Clone, PartialEq, Debug)]
pub enum RepairStep {
    /// Write `value` at `pointer`, creating missing parents.
    Set {
        /// Where in the subject.
        pointer: Pointer,
        /// What.
        value: Value,
    },
    /// Take away what stands at `pointer`.
    Remove {
        /// Where in the subject.
        pointer: Pointer,
    },
    /// Add `value` to the list at `pointer`, creating it where it is missing.
    Append {
        /// The list.
        pointer: Pointer,
        /// The new item.
        value: Value,
    },
    /// Create another object.
    Create {
        /// The whole object.
        object: Value,
    },
    /// Only a person can answer.
    Ask {
        /// What to decide.
        question: String,
    },
}

/// The smallest change that makes the control hold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Repair {
    /// In order. Empty when none is known.
    pub steps: Vec<RepairStep>,
    /// What works today and the steps may stop; none when they can stop nothing.
    pub may: Option<Arc<str>>,
}

impl Repair {
    /// A repair that may stop something; a question changes nothing, so it stops nothing.
    pub fn new(steps: Vec<RepairStep>, may: Option<&Arc<str>>) -> Repair {
        let changes = steps.iter().any(|step| !matches!(step, RepairStep::Ask { .. }));
        Repair { may: may.filter(|_| changes).cloned(), steps }
    }
}

/// Why a finding is accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Accepted {
    /// The exception's name.
    pub name: String,
    /// `waiver` or `by-design`.
    pub kind: String,
    /// In the owner's words.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The day it ends (waiver) or is to be reviewed (by-design), `YYYY-MM-DD`.
    pub until: String,
}

/// A violation or an unknown. What holds is counted, not stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// The control's id.
    pub control: Arc<str>,
    /// The policy that assigned it; empty for the default.
    pub assignment: Arc<str>,
    /// How far that policy goes.
    pub rung: Rung,
    /// Who is judged.
    pub subject: Arc<ThingRef>,
    /// The object of the subject that alone shows it: a running pod that is not as
    /// its template says.
    pub seen_in: Option<Arc<ThingRef>>,
    /// Which part of the subject, in names that survive reordering; may be empty.
    pub element: Box<str>,
    /// Violated or unknown.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where in the subject.
    pub at: Pointer,
    /// Where in which text.
    pub place: Option<Place>,
    /// What was read on the deciding branch.
    pub evidence: Vec<Evidence>,
    /// What an unknown finding lacks.
    pub missing: Vec<String>,
    /// The change that helps.
    pub repair: Repair,
    /// Who owns the subject, and who says so.
    pub owner: Option<Arc<(String, String)>>,
    /// The exception that covers it.
    pub accepted: Option<Arc<Accepted>>,
}

impl Finding {
    /// Its identity for ever.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.control, &self.assignment, &self.subject, &self.element)
    }

    /// Its readable id: `control/[namespace/]Kind/name[/element]`.
    pub fn id(&self) -> String {
        if self.element.is_empty() {
            return format!("{}/{}", self.control, self.subject);
        }
        format!("{}/{}/{}", self.control, self.subject, self.element)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Severity};
    use crate::thing::ThingRef;

    #[test]
    fn parts_cannot_run_into_each_other() {
        let thing = ThingRef::new("", "Pod", "a", "b");
        let other = ThingRef::new("", "Pod", "", "ab");
        assert_ne!(Fingerprint::of("c", "", &thing, "x"), Fingerprint::of("c", "", &other, "x"));
        assert_ne!(Fingerprint::of("c", "x", &thing, ""), Fingerprint::of("c", "", &thing, "x"));
    }

    #[test]
    fn severities_order_and_parse() {
        assert!(Severity::Critical > Severity::High);
        assert_eq!("medium".parse(), Ok(Severity::Medium));
        assert!("Medium".parse::<Severity>().is_err());
    }
}
