//! What an API server asks before somebody may send a request as somebody else
//! (apiserver pkg/endpoints/filters/impersonation).
//!
//! By the older way it asks for `impersonate` on the other's name, and on each group, uid
//! and extra; the sender has then all that the other has. Constrained impersonation
//! (KEP-5284) asks for `impersonate:MODE` on the same names and for
//! `impersonate-on:MODE:VERB` on what the request is about; then the other is asked for
//! VERB, as ever. Both are asked of one request only: nobody impersonates by impersonation.

use ironhull_model::Minor;

use crate::Question;
use crate::subject::{MASTERS, NODE_PREFIX, account_of};

/// The first minor that has constrained impersonation by default: feature gate
/// ConstrainedImpersonation, alpha in 1.35 and beta, on, in 1.36.
pub const SINCE: Minor = Minor::v1(36);
/// The API group of all that constrained impersonation asks about, and of uids and extras.
pub const AUTHENTICATION: &str = "authentication.k8s.io";
/// The mode of users who are neither nodes nor ServiceAccounts.
pub(crate) const USER_INFO: &str = "user-info";
/// The name by which the API server asks for all groups and extras.
pub(crate) const ALL: &str = "*";
/// What the verbs on names start with.
const VERB_PREFIX: &str = "impersonate:";
/// What the verbs on what a request is about start with.
const ON_PREFIX: &str = "impersonate-on:";

/// As what a user name is impersonated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Other<'u> {
    /// A ServiceAccount: its namespace and name.
    Account(&'u str, &'u str),
    /// A node by its name; a user like any other where `impersonate` is asked for.
    Node(&'u str),
    /// Any other user.
    User,
}

impl<'u> Other<'u> {
    /// As the API server tells user names apart: a name that no ServiceAccount or node can
    /// have is a user's.
    pub fn of(user: &'u str) -> Other<'u> {
        match account_of(user) {
            Some((namespace, name))
                if is_subdomain(name) && is_subdomain(namespace) && !namespace.contains('.') =>
            {
                return Other::Account(namespace, name);
            }
            _ => {}
        }
        let node = user.strip_prefix(NODE_PREFIX).filter(|node| is_subdomain(node));
        node.map_or(Other::User, Other::Node)
    }
}

/// Whether a text is a DNS subdomain (RFC 1123) by its characters.
fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|label| {
        let is_inside = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_inside)
    })
}

/// The mode of `impersonate:MODE`.
pub fn mode(verb: &str) -> Option<&str> {
    verb.strip_prefix(VERB_PREFIX).filter(|mode| !mode.is_empty())
}

/// The verb of the requests that a verb of a rule lets one send by a mode; `*` for all.
pub fn sent<'v>(verb: &'v str, mode: &str) -> Option<&'v str> {
    if verb == "*" {
        return Some(verb);
    }
    let (own, verb) = verb.strip_prefix(ON_PREFIX)?.split_once(':')?;
    (own == mode && !verb.is_empty()).then_some(verb)
}

/// What is asked of the sender for a request with a verb.
pub fn on(mode: &str, verb: &str) -> String {
    format!("{ON_PREFIX}{mode}:{verb}")
}

/// What else lets somebody take a group or an extra by constrained impersonation: from four
/// of them on the API server asks first for all (`manyAuthorizationChecksInLoop`), by the
/// name `*`, which resourceNames may hold. Nothing lets anybody take `system:masters`.
pub fn by_all<'q>(asked: &Question<'q>) -> Option<Question<'q>> {
    let is_of_name = mode(asked.verb) == Some(USER_INFO) && asked.group == AUTHENTICATION;
    let all = match asked.resource {
        "groups" => Question { name: ALL, ..*asked },
        "userextras" => Question { subresource: ALL, name: ALL, ..*asked },
        _ => return None,
    };
    (is_of_name && !["", ALL, MASTERS].contains(&asked.name)).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_told_apart_as_the_api_server_does() {
        let account = "system:serviceaccount:shop:api.v1";
        assert_eq!(Other::of(account), Other::Account("shop", "api.v1"));
        assert_eq!(Other::of("system:node:node-1"), Other::Node("node-1"));
        for user in [
            "jane",
            "system:serviceaccount:shop",
            "system:serviceaccount:shop:",
            "system:serviceaccount:shop:a:b",
            "system:serviceaccount:sh.op:api",
            "system:serviceaccount:shop:API",
            "system:node:",
            "system:node:-a",
            "system:node:a..b",
        ] {
            assert_eq!(Other::of(user), Other::User, "{user}");
        }
    }

    #[test]
    fn many_groups_and_extras_are_asked_for_by_one_name() {
        let groups = Question::new("impersonate:user-info", AUTHENTICATION, "groups");
        let ops = Question { name: "ops", ..groups };
        assert_eq!(by_all(&ops).map(|all| (all.subresource, all.name)), Some(("", "*")));
        let extra = Question { resource: "userextras", subresource: "scopes", ..ops };
        assert_eq!(by_all(&extra).map(|all| (all.subresource, all.name)), Some(("*", "*")));
        for asked in [
            groups,
            Question { name: "system:masters", ..ops },
            Question { resource: "users", ..ops },
            Question { verb: "impersonate", group: "", ..ops },
            Question { verb: "impersonate:serviceaccount", ..ops },
        ] {
            assert!(by_all(&asked).is_none(), "{asked:?}");
        }
    }

    #[test]
    fn verbs_name_their_mode() {
        assert_eq!(mode("impersonate:user-info"), Some("user-info"));
        assert_eq!((mode("impersonate"), mode("impersonate:"), mode("get")), (None, None, None));
        assert_eq!(on("user-info", "list"), "impersonate-on:user-info:list");
        assert_eq!(sent("impersonate-on:user-info:list", "user-info"), Some("list"));
        assert_eq!(sent("impersonate-on:user-info:list", "serviceaccount"), None);
        assert_eq!((sent("*", "user-info"), sent("list", "user-info")), (Some("*"), None));
    }
}
