//! What an answer of the API server says about who stopped a request, if anybody did.
//! The texts are those of `k8s.io/apiserver` (`pkg/admission`, `pkg/endpoints`) and of
//! the Pod Security admission plugin.

use std::fmt;

use ironhull_kube::Answer;
use serde_json::Value as Json;

/// Who refuses or warns.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Guard {
    /// Pod Security admission, at a level.
    PodSecurity {
        /// `baseline:latest`.
        level: String,
    },
    /// A ValidatingAdmissionPolicy or MutatingAdmissionPolicy.
    Policy {
        /// The policy's name.
        name: String,
        /// The binding's name; empty for an error of the policy itself.
        binding: String,
    },
    /// An admission webhook.
    Webhook {
        /// The webhook's own name, `validate.kyverno.svc-fail`.
        name: String,
    },
    /// RBAC, which lets nobody give away rights that they do not have.
    Escalation,
    /// An admission plugin that does not say its name.
    Admission,
    /// What the API server holds valid at all.
    Validation,
}

impl Guard {
    /// What kind of guard it is, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Guard::PodSecurity { .. } => "PodSecurity",
            Guard::Policy { .. } => "Policy",
            Guard::Webhook { .. } => "Webhook",
            Guard::Escalation => "RBAC",
            Guard::Admission => "AdmissionPlugin",
            Guard::Validation => "Validation",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Guard::PodSecurity { level } => write!(f, "PodSecurity {level}"),
            Guard::Policy { name, .. } => write!(f, "policy {name}"),
            Guard::Webhook { name } => write!(f, "webhook {name}"),
            Guard::Escalation => f.write_str("RBAC's escalation check"),
            Guard::Admission => f.write_str("an admission plugin"),
            Guard::Validation => f.write_str("the API server's validation"),
        }
    }
}

/// Why a canary shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Obstacle {
    /// The user may not create the kind there.
    NotAllowed,
    /// We may not impersonate the ServiceAccount.
    NotImpersonated,
    /// The API server does not serve the kind, or the namespace is going away.
    NotServed,
    /// An object of this name is there.
    Taken,
    /// A quota is used up.
    Quota,
    /// A webhook refuses dry runs, or does not answer.
    Webhook,
    /// Its twin without the fault is refused just the same.
    TwinRefused,
    /// No answer came.
    Unreachable,
}

impl Obstacle {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Obstacle::NotAllowed => "the user may not create it",
            Obstacle::NotImpersonated => "the ServiceAccount may not be impersonated",
            Obstacle::NotServed => "the kind or namespace is not served",
            Obstacle::Taken => "the name is taken",
            Obstacle::Quota => "a quota is used up",
            Obstacle::Webhook => "a webhook answers no dry run",
            Obstacle::TwinRefused => "what has no fault is refused too",
            Obstacle::Unreachable => "no answer came",
        }
    }
}

/// What one answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// The object would have been created; who warned, and how.
    Admitted { warnings: Vec<(Guard, String)> },
    /// Somebody refused it.
    Refused { by: Guard, message: String },
    /// Nothing about the object.
    Nothing { why: Obstacle, message: String },
    /// Ask again later.
    Busy { message: String },
}

pub(crate) fn read(answer: &Answer) -> Said {
    if (200..300).contains(&answer.code) {
        let warnings = answer.warnings.iter();
        let by_guards = warnings.filter_map(|text| Some((guard(text)?, text.clone())));
        return Said::Admitted { warnings: by_guards.collect() };
    }
    let status: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = match status["message"].as_str() {
        None | Some("") => format!("HTTP {}", answer.code),
        Some(message) => message.to_owned(),
    };
    if let Some(why) = obstacle(answer.code, &message) {
        return Said::Nothing { why, message };
    }
    if let Some(by) = guard(&message) {
        return Said::Refused { by, message };
    }
    match answer.code {
        429 | 500.. => Said::Busy { message },
        400 | 422 => Said::Refused { by: Guard::Validation, message },
        403 => Said::Refused { by: Guard::Admission, message },
        404 | 405 | 410 => Said::Nothing { why: Obstacle::NotServed, message },
        409 if status["reason"] == "AlreadyExists" => {
            Said::Nothing { why: Obstacle::Taken, message }
        }
        _ => Said::Busy { message },
    }
}

/// Answers that come before any guard looks at the object, or from one that cannot.
fn obstacle(code: u16, message: &str) -> Option<Obstacle> {
    const SAID: &[(&str, Obstacle)] = &[
        ("cannot impersonate resource", Obstacle::NotImpersonated),
        ("cannot create resource", Obstacle::NotAllowed),
        ("does not support dry run", Obstacle::Webhook),
        ("failed calling webhook", Obstacle::Webhook),
        ("failed to call webhook", Obstacle::Webhook),
        ("exceeded quota:", Obstacle::Quota),
        ("because it is being terminated", Obstacle::NotServed),
        ("no matches for kind", Obstacle::NotServed),
    ];
    if code == 401 {
        return Some(Obstacle::NotAllowed);
    }
    SAID.iter().find(|(text, _)| message.contains(text)).map(|(_, why)| *why)
}

/// Who says this.
fn guard(message: &str) -> Option<Guard> {
    let after = |text: &str, end: char| {
        let (_, rest) = message.split_once(text)?;
        Some(rest.split_once(end)?.0.to_owned())
    };
    if let Some(level) =
        after("violate PodSecurity \"", '"').or_else(|| after("violates PodSecurity \"", '"'))
    {
        return Some(Guard::PodSecurity { level });
    }
    if let Some(name) = after("admission webhook \"", '"') {
        return Some(Guard::Webhook { name });
    }
    if message.contains("attempting to grant RBAC permissions not currently held") {
        return Some(Guard::Escalation);
    }
    let policy = after("AdmissionPolicy '", '\'')
        .or_else(|| message.contains("' denied request").then(|| after("policy '", '\''))?);
    policy.map(|name| Guard::Policy { name, binding: after("binding '", '\'').unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::{Guard, Obstacle, Said, read};
    use ironhull_kube::Answer;

    fn said(code: u16, reason: &str, message: &str) -> Said {
        let body = serde_json::json!({"kind": "Status", "reason": reason, "message": message});
        let body = body.to_string().into_bytes();
        read(&Answer { code, warnings: Vec::new(), retry_after: None, body })
    }

    #[test]
    fn refusals_name_who_refuses() {
        let by = |code, message| match said(code, "Forbidden", message) {
            Said::Refused { by, .. } => by.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(
            by(
                403,
                "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": privileged (…)"
            ),
            "PodSecurity baseline:latest"
        );
        assert_eq!(
            by(
                422,
                "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'digests' with binding 'all' denied request: no digest"
            ),
            "policy digests"
        );
        assert_eq!(
            by(400, "admission webhook \"validate.kyverno.svc\" denied the request: no"),
            "webhook validate.kyverno.svc"
        );
        assert_eq!(
            by(422, "Pod \"x\" is invalid: spec.containers: Required value"),
            "the API server's validation"
        );
        assert_eq!(
            by(403, "pods \"x\" is forbidden: minimum cpu usage is 50m"),
            "an admission plugin"
        );
        assert_eq!(
            by(
                403,
                "roles \"x\" is forbidden: user \"u\" is attempting to grant RBAC permissions not currently held:"
            ),
            "RBAC's escalation check"
        );
    }

    #[test]
    fn what_is_not_about_the_object_is_an_obstacle() {
        let why = |code, reason, message| match said(code, reason, message) {
            Said::Nothing { why, .. } => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            why(
                403,
                "Forbidden",
                "pods is forbidden: User \"u\" cannot create resource \"pods\" in API group \"\""
            ),
            Obstacle::NotAllowed
        );
        assert_eq!(
            why(
                403,
                "Forbidden",
                "serviceaccounts \"x\" is forbidden: User \"u\" cannot impersonate resource \"serviceaccounts\""
            ),
            Obstacle::NotImpersonated
        );
        assert_eq!(
            why(403, "Forbidden", "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1"),
            Obstacle::Quota
        );
        assert_eq!(
            why(
                500,
                "InternalError",
                "Internal error occurred: failed calling webhook \"a.example\": no endpoints"
            ),
            Obstacle::Webhook
        );
        assert_eq!(
            why(400, "BadRequest", "admission webhook \"a.example\" does not support dry run"),
            Obstacle::Webhook
        );
        assert_eq!(
            why(404, "NotFound", "the server could not find the requested resource"),
            Obstacle::NotServed
        );
        assert_eq!(why(409, "AlreadyExists", "apiservices \"x\" already exists"), Obstacle::Taken);
        assert!(matches!(said(429, "TooManyRequests", "slow down"), Said::Busy { .. }));
    }

    #[test]
    fn warnings_name_who_warns() {
        let warnings = [
            "would violate PodSecurity \"restricted:latest\": x",
            "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no",
            "unknown field \"spec.x\"",
        ];
        let warnings = warnings.map(str::to_owned).to_vec();
        let answer = Answer { code: 201, warnings, retry_after: None, body: Vec::new() };
        let Said::Admitted { warnings } = read(&answer) else { panic!() };
        assert_eq!(warnings[0].0, Guard::PodSecurity { level: "restricted:latest".to_owned() });
        assert_eq!(warnings[1].0, Guard::Policy { name: "p".to_owned(), binding: "b".to_owned() });
        assert_eq!(warnings.len(), 2);
    }
}
