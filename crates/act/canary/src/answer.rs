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
        let by_guards = warnings.filter_map(|text| Some((warner(text)?, text.clone())));
        return Said::Admitted { warnings: by_guards.collect() };
    }
    let status: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = match status["message"].as_str() {
        None | Some("") => format!("HTTP {}", answer.code),
        Some(message) => message.to_owned(),
    };
    // Whoever refuses may say anything: only how the API server begins tells who it is.
    if let Some(by) = guard(&message) {
        return Said::Refused { by, message };
    }
    if let Some(why) = obstacle(answer.code, &message) {
        return Said::Nothing { why, message };
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
    if code == 401 {
        return Some(Obstacle::NotAllowed);
    }
    let forbidden = message.split_once(FORBIDDEN).map(|(_, why)| why);
    let Some(why) = forbidden else {
        return match message {
            _ if message.starts_with("admission webhook \"")
                || message.contains("failed calling webhook \"")
                || message.contains("failed to call webhook") =>
            {
                Some(Obstacle::Webhook)
            }
            _ if message.contains("no matches for kind") => Some(Obstacle::NotServed),
            _ => None,
        };
    };
    match why {
        _ if why.starts_with("exceeded quota:") => Some(Obstacle::Quota),
        _ if why.starts_with("unable to create new content") => Some(Obstacle::NotServed),
        _ if !why.starts_with("User \"") => None,
        _ if why.contains("cannot impersonate resource") => Some(Obstacle::NotImpersonated),
        _ if why.contains("cannot create resource") => Some(Obstacle::NotAllowed),
        _ => None,
    }
}

/// What stands before the reason of a refusal (`errors.NewForbidden` of the API machinery).
const FORBIDDEN: &str = " is forbidden: ";

/// Who refuses with this message.
fn guard(message: &str) -> Option<Guard> {
    if let Some((name, rest)) = quoted(message, "admission webhook \"", '"') {
        let denies = rest.starts_with(" denied the request");
        return denies.then(|| Guard::Webhook { name: name.to_owned() });
    }
    // What a policy cannot do is told without the frame.
    if let Some(by) = policy(message) {
        return Some(by);
    }
    let (_, why) = message.split_once(FORBIDDEN)?;
    if let Some((level, _)) = quoted(why, "violates PodSecurity \"", '"') {
        return Some(Guard::PodSecurity { level: level.to_owned() });
    }
    if why.starts_with("user \"")
        && why.contains("attempting to grant RBAC permissions not currently held")
    {
        return Some(Guard::Escalation);
    }
    policy(why)
}

/// The policy that denies, if one does.
fn policy(text: &str) -> Option<Guard> {
    let begins = ["ValidatingAdmissionPolicy '", "MutatingAdmissionPolicy '", "policy '"];
    let found = begins.iter().find_map(|begin| quoted(text, begin, '\''));
    let (name, rest) = found.or_else(|| quoted(text, "policy \"", '"'))?;
    policy_that(name, rest, " denied request")
}

/// Who warns with this text. What a webhook warns of has no frame.
fn warner(text: &str) -> Option<Guard> {
    if let Some((level, _)) = quoted(text, "would violate PodSecurity \"", '"') {
        return Some(Guard::PodSecurity { level: level.to_owned() });
    }
    let begin = "Validation failed for ValidatingAdmissionPolicy '";
    let (name, rest) = quoted(text, begin, '\'')?;
    policy_that(name, rest, ":")
}

/// The policy `name`, where its binding, if one is named, and `does` follow.
fn policy_that(name: &str, rest: &str, does: &str) -> Option<Guard> {
    let (binding, rest) = quoted(rest, " with binding '", '\'').unwrap_or(("", rest));
    let (name, binding) = (name.to_owned(), binding.to_owned());
    rest.starts_with(does).then_some(Guard::Policy { name, binding })
}

/// What follows `begin`, with which a text begins, up to `end`, and the rest.
fn quoted<'t>(text: &'t str, begin: &str, end: char) -> Option<(&'t str, &'t str)> {
    text.strip_prefix(begin)?.split_once(end)
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

    /// Whoever refuses says what he likes, also what another one says.
    #[test]
    fn a_refusal_is_of_who_begins_it() {
        for says in [
            "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": (privileged)",
            "exceeded quota: of ours",
            "users \"u\" is forbidden: User \"u\" cannot create resource",
            "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "admission webhook \"w\" denied the request: no",
            "failed calling webhook \"w\"",
        ] {
            for (begins, who) in [
                (
                    "admission webhook \"validate.kyverno.svc\" denied the request: ",
                    "webhook validate.kyverno.svc",
                ),
                (
                    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'q' with binding 'b' denied request: ",
                    "policy q",
                ),
                ("policy 'q' with binding 'b' denied request: ", "policy q"),
                ("policy \"q\" denied request: ", "policy q"),
            ] {
                let Said::Refused { by, .. } = said(422, "Invalid", &format!("{begins}{says}"))
                else {
                    panic!("{begins}{says}")
                };
                assert_eq!(by.to_string(), who, "{says}");
            }
        }
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
