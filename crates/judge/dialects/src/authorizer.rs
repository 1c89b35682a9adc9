//! The `authorizer` of expressions, answered by what the world's roles and bindings
//! allow, in the words of the API server's RBAC authorizer.

use ironhull_access::{Access, Binding, Identity, Question, Reason, Subject};
use ironhull_cel::{Check, Decision, EvalError, Host, Target, Val};
use ironhull_model::{Node, World};

use crate::policy::text;
use crate::request::User;

/// Answers the checks of one request.
pub(crate) struct Authorizer<'r, 'a> {
    pub(crate) world: World<'a>,
    pub(crate) access: Option<&'r Access<'a>>,
    /// Who asks; none when that is not known.
    pub(crate) user: Option<&'r User>,
}

/// Kinds that must all be known before nothing is allowed.
const KINDS: [&str; 4] = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

impl Host for Authorizer<'_, '_> {
    fn call<'v>(&self, _id: usize, _args: &[Val<'v>]) -> Result<Val<'v>, EvalError> {
        Err(EvalError::new("no such host function"))
    }

    fn authorize(&self, check: &Check) -> Option<Decision> {
        let who = match &check.subject {
            ironhull_cel::Subject::Requester => {
                let user = self.user?;
                Identity { user: user.name.clone(), groups: user.groups.clone() }
            }
            ironhull_cel::Subject::ServiceAccount(namespace, name) => {
                let mut who = Identity::of(&Subject::account(namespace, name));
                // The API server's library puts it in its groups only.
                who.groups.retain(|group| group != "system:authenticated");
                who
            }
        };
        let access = self.access?;
        let reason = match &check.target {
            Target::Path(path) => access.allows_url(&who, &check.verb, path),
            Target::Resource(resource) => {
                let namespace = (!resource.namespace.is_empty()).then_some(&*resource.namespace);
                let question = Question {
                    verb: &check.verb,
                    group: &resource.group,
                    resource: &resource.resource,
                    subresource: &resource.subresource,
                    name: &resource.name,
                    namespace,
                    fields: &[],
                };
                access.allows(&who, &question)
            }
        };
        match reason {
            Some(reason) => {
                let reason = told(reason, &who).into();
                Some(Decision { allowed: true, reason, error: None })
            }
            None => self.knows_all().then(Decision::default),
        }
    }
}

impl Authorizer<'_, '_> {
    fn knows_all(&self) -> bool {
        let coverage = &self.world.base.coverage;
        KINDS.iter().all(|kind| coverage.is_complete(ironhull_access::GROUP, kind))
    }
}

/// Why something is allowed.
fn told(reason: Reason<'_, '_>, who: &Identity) -> String {
    let Reason::Granted { binding, .. } = reason else { return String::new() };
    let root = binding.object.root();
    let role = |member| root.path(&["roleRef", member]).and_then(Node::as_str).unwrap_or_default();
    let thing = &binding.object.thing;
    let name = match binding.namespace {
        None => thing.name.to_string(),
        Some(namespace) => format!("{}/{namespace}", thing.name),
    };
    format!(
        "RBAC: allowed by {} {name:?} of {} {:?} to {}",
        thing.kind,
        role("kind"),
        role("name"),
        subject(binding, who)
    )
}

/// The first subject of a binding that somebody is.
fn subject(binding: &Binding<'_>, who: &Identity) -> String {
    let entries = binding.object.root().get("subjects").into_iter().flat_map(Node::items);
    for entry in entries {
        let is = match Subject::of_entry(entry, binding.object) {
            Some(Subject::Group(name)) => who.is_in(&name),
            Some(named) => named.user_name().is_some_and(|name| name == who.user),
            None => false,
        };
        if !is {
            continue;
        }
        let (kind, name) = (text(entry, "kind"), text(entry, "name"));
        if kind != "ServiceAccount" {
            return format!("{kind} {name:?}");
        }
        let namespace = match text(entry, "namespace") {
            "" => binding.namespace.unwrap_or_default(),
            namespace => namespace,
        };
        let name = format!("{name}/{namespace}");
        return format!("{kind} {name:?}");
    }
    String::new()
}
