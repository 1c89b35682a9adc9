//! The answer to a request, as plain data.

use std::collections::BTreeMap;

use ironhull_model::Pointer;

use crate::evaluate::Outcome;
use crate::input::Source;
use crate::policy::Action;
use crate::request::Request;

/// What comes of a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// No policy refuses it.
    Allowed,
    /// A policy may refuse it: what it reads is not known.
    Unknown,
    /// A policy refuses it.
    Denied,
}

/// The `Status` of a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// The reason.
    pub reason: String,
    /// The message.
    pub message: String,
    /// The messages of its `details.causes`.
    pub causes: Vec<String>,
}

/// One refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial<'e> {
    /// The policy.
    pub policy: &'e str,
    /// The binding; none for an error of the policy itself.
    pub binding: Option<&'e str>,
    /// What is wrong.
    pub message: String,
    /// The reason; empty for an error's.
    pub reason: String,
}

/// What an evaluation read, or looked for in vain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// In which document.
    pub source: Source,
    /// Where.
    pub pointer: Pointer,
    /// The member that is not there.
    pub absent: Option<String>,
}

/// A validation's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Its place among the policy's validations.
    pub index: usize,
    /// What it gave.
    pub outcome: Outcome,
    /// Whether it is a violation, with the policy's answer to errors.
    pub denies: bool,
    /// What is wrong.
    pub message: String,
    /// What was read; only where it does not hold.
    pub reads: Vec<Read>,
    /// Whether it may have read the object, which a variable may have done before.
    pub sees_object: bool,
}

/// One evaluation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran<'e> {
    /// The policy.
    pub policy: &'e str,
    /// The binding.
    pub binding: &'e str,
    /// The parameter's name, with its namespace.
    pub param: Option<String>,
    /// What the binding does with violations.
    pub actions: Vec<Action>,
    /// The validations.
    pub said: Vec<Said>,
    /// What they cost, in the API server's units.
    pub cost: u64,
}

/// A policy whose answer is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt<'e> {
    /// The policy.
    pub policy: &'e str,
    /// The binding, as far as it comes to that.
    pub binding: Option<&'e str>,
    /// Whether it may refuse the request.
    pub may_deny: bool,
    /// What is not known.
    pub missing: String,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision<'e> {
    /// What comes of it.
    pub verdict: Verdict,
    /// Every refusal, by the names of policies and bindings.
    pub denials: Vec<Denial<'e>>,
    /// The refusal as it is told, of the first denial.
    pub status: Option<Status>,
    /// The warnings, as they arrive.
    pub warnings: Vec<String>,
    /// What the audit log gets.
    pub audit: BTreeMap<String, String>,
    /// The evaluations.
    pub ran: Vec<Ran<'e>>,
    /// Policies whose answer is not known.
    pub doubts: Vec<Doubt<'e>>,
}

impl Decision<'_> {
    pub(crate) fn allowed() -> Self {
        Decision {
            verdict: Verdict::Allowed,
            denials: Vec::new(),
            status: None,
            warnings: Vec::new(),
            audit: BTreeMap::new(),
            ran: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// Verdict and status by the refusals and doubts.
    pub(crate) fn settle(&mut self, request: &Request<'_>) {
        self.status = self.denials.first().map(|denial| denial.status(request));
        self.verdict = match () {
            () if !self.denials.is_empty() => Verdict::Denied,
            () if self.doubts.iter().any(|doubt| doubt.may_deny) => Verdict::Unknown,
            () => Verdict::Allowed,
        };
    }
}

impl Denial<'_> {
    /// The refusal in the API server's words, without the object's name.
    pub fn text(&self) -> String {
        let Denial { policy, message, .. } = self;
        match self.binding {
            Some(binding) => format!(
                "ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {message}"
            ),
            None => format!("ValidatingAdmissionPolicy '{policy}' denied request: {message}"),
        }
    }

    /// As the API server tells it when this is the first.
    pub fn status(&self, request: &Request<'_>) -> Status {
        let text = self.text();
        let reason = if self.reason.is_empty() { "Invalid" } else { &self.reason };
        let code = match reason {
            "Forbidden" => 403,
            "Unauthorized" => 401,
            "RequestEntityTooLarge" => 413,
            _ => 422,
        };
        let (resource, name) = (request.shown_resource(), request.shown_name());
        Status {
            code,
            reason: reason.to_owned(),
            message: format!("{resource} {name:?} is forbidden: {text}"),
            causes: vec![text],
        }
    }
}
