//! The known ways from one power to another, as data: what somebody must be
//! allowed to do, and what he has then.

use std::fmt;

use ironhull_model::Minor;

use crate::Subject;

mod ways;

pub use ways::all as ways;
pub(crate) use ways::{
    ADMINISTER, AWS_AUTH, CONTROL_PLANE, EVERYTHING, MASTERS, NODE_SECRETS, NODE_TOKENS,
    READ_TOKEN, TAKE_TOKENS,
};

/// Something that can be held.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Power {
    /// Everything, everywhere.
    ClusterAdmin,
    /// Everything in a namespace.
    Namespace(String),
    /// The nodes: every container, every mounted Secret, every token there.
    Nodes,
    /// Reading the Secrets of a namespace; none for all of them.
    Secrets(Option<String>),
    /// Reading those Secrets of a namespace that pods name.
    SecretsOfPods(String),
    /// Deciding what is admitted.
    Admission,
    /// Deciding where pods run.
    Scheduling,
    /// Taking the traffic of a namespace's Services; none for any.
    Traffic(Option<String>),
    /// Reaching into the pods of a namespace; none for all.
    Pods(Option<String>),
    /// Reaching into one pod: its namespace and name.
    Pod(String, String),
    /// What a ClusterRole grants, in a namespace; none for everywhere.
    ClusterRole(String, Option<String>),
    /// What a Role grants: its namespace and name.
    Role(String, String),
    /// Acting as somebody.
    Is(Subject),
    /// Sending requests as somebody else by constrained impersonation: who sends, and as
    /// whom. Each request must be allowed to the other, and its verb, as
    /// `impersonate-on:MODE:VERB`, to who sends it.
    As(Subject, Subject),
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut of = |what: &str, namespace: &Option<String>| match namespace {
            Some(namespace) => write!(f, "{what}:{namespace}"),
            None => f.write_str(what),
        };
        match self {
            Power::Secrets(namespace) => of("secrets", namespace),
            Power::SecretsOfPods(namespace) => write!(f, "secrets-of-pods:{namespace}"),
            Power::Traffic(namespace) => of("traffic", namespace),
            Power::Pods(namespace) => of("pods", namespace),
            Power::Pod(namespace, name) => write!(f, "pod:{namespace}/{name}"),
            Power::ClusterRole(name, None) => write!(f, "clusterrole:{name}"),
            Power::ClusterRole(name, Some(namespace)) => {
                write!(f, "clusterrole:{name} in {namespace}")
            }
            Power::Role(namespace, name) => write!(f, "role:{namespace}/{name}"),
            Power::ClusterAdmin => f.write_str("cluster-admin"),
            Power::Namespace(namespace) => write!(f, "namespace:{namespace}"),
            Power::Nodes => f.write_str("nodes"),
            Power::Admission => f.write_str("admission"),
            Power::Scheduling => f.write_str("scheduling"),
            Power::Is(subject) => subject.fmt(f),
            Power::As(sender, other) => write!(f, "{sender} as {other}"),
        }
    }
}

/// Verbs on resources of one group.
pub(crate) struct What {
    pub(crate) verbs: &'static [&'static str],
    pub(crate) group: &'static str,
    pub(crate) resources: &'static [&'static str],
}

/// One of several things that must be allowed.
pub(crate) struct Need {
    pub(crate) any: &'static [What],
    /// Whether it is about what stands in no namespace.
    pub(crate) cluster: bool,
    pub(crate) name: Name,
}

/// Which object a need is about.
#[derive(Clone, Copy)]
pub(crate) enum Name {
    /// Any: a rule with resourceNames does not do.
    Any,
    /// This one.
    Is(&'static str),
    /// The namespace in which it is done: what is asked about a Namespace is asked in it.
    Place,
    /// The one that is gained.
    Gained,
    /// Whichever: a rule with resourceNames does.
    Some,
    /// Whichever is there already: a rule with resourceNames does; what is not there may be
    /// made under a name that rules have.
    Existing,
    /// Any; what is not there yet may be made under a name that rules have.
    New,
    /// The same one as each other need of this kind, made so.
    Made,
    /// Any; a rule with resourceNames gives what one of these gives by itself.
    Object,
    /// The role that is bound: this one where any may be; each of them where this is empty.
    Bound(&'static str),
}

/// What a step gives, in the namespace where its needs are met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    ClusterAdmin,
    /// Everything in the namespace.
    Namespace,
    /// Everything; by name where this ClusterRole, which can be rewritten, is bound.
    OwnClusterRoles,
    /// Everything in the namespaces where a Role, which can be rewritten, is bound.
    OwnRoles,
    /// Everything where a ClusterRole is bound that is not there, or selects others.
    NewClusterRoles,
    /// Everything in the namespaces where a Role is bound that is not there.
    NewRoles,
    /// What each Role of the namespace grants.
    Roles,
    /// Each ServiceAccount of the namespace; with [`Name::Gained`] those that are allowed by name.
    Accounts,
    /// Each ServiceAccount whose token is in a pod of the namespace.
    RunningAccounts,
    /// The Secrets that containers of pods hold.
    HeldSecrets,
    /// Each whose token the kubelet of such a pod may ask for.
    NodeAccounts,
    /// Likewise on the nodes on which pods run as who asks.
    OwnNodes,
    /// The Secrets that pods on nodes name.
    NodeSecrets,
    /// Likewise on the nodes on which pods run as who asks.
    OwnNodeSecrets,
    /// Each user that is known; with [`Name::Gained`] those that are allowed by name.
    Users,
    /// Each group that is known, by name.
    Groups,
    /// Each of them, within what one may send as somebody else.
    AsAccounts,
    AsUsers,
    AsGroups,
    Secrets,
    Nodes,
    /// The nodes, where Pod Security lets a pod take them.
    NodesByPod,
    Admission,
    Scheduling,
    Traffic,
    Pods,
}

impl Gives {
    /// Whether it is Secrets, somebody else or everything.
    fn is_grave(self) -> bool {
        !matches!(self, Gives::Admission | Gives::Scheduling | Gives::Traffic | Gives::Pods)
    }
}

/// Whether a right by itself, such as `get` on `secrets`, shows Secrets or makes its holder
/// somebody else; `resource` with its subresource, `*` for all of them.
pub fn is_grave(verb: &str, group: &str, resource: &str) -> bool {
    ["*", "approve", "bind", "escalate", "sign"].contains(&verb)
        || verb.starts_with("impersonate")
        || is_of(verb, group, resource, |way| way.needs.len() == 1)
}

/// Whether a right is one of those by which somebody comes to Secrets or to be somebody
/// else; verb and `resource` may be `*`.
pub fn is_part_of_grave(verb: &str, group: &str, resource: &str) -> bool {
    is_of(verb, group, resource, |_| true)
}

/// Whether a right is needed for a grave way of these.
fn is_of(verb: &str, group: &str, resource: &str, counts: impl Fn(&Way) -> bool) -> bool {
    let ways =
        ways::all().filter(|way| counts(way) && way.gives.iter().any(|gives| gives.is_grave()));
    ways.flat_map(|way| way.needs).flat_map(|need| need.any).any(|what| {
        [what.group, "*"].contains(&group)
            && (verb == "*" || what.verbs.contains(&verb))
            && (resource == "*" || what.resources.contains(&resource))
    })
}

/// One way.
pub struct Way {
    /// Its name.
    pub id: &'static str,
    /// What is done.
    pub text: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) gives: &'static [Gives],
    /// From which minor on it is open; none for every one.
    pub(crate) since: Option<Minor>,
    /// Up to which minor it is open; none for every one.
    pub(crate) until: Option<Minor>,
    /// Whether it goes through a workload or pod: a right to one of them by its name, as
    /// what keeps it in order mostly has, gives what that one may.
    pub(crate) by_workload: bool,
}

impl Way {
    /// Whether a minor has it.
    pub(crate) fn is_of(&self, minor: Minor) -> bool {
        self.since.is_none_or(|first| minor >= first) && self.until.is_none_or(|last| minor <= last)
    }

    /// Whether it binds roles.
    pub(crate) fn binds(&self) -> bool {
        self.needs.iter().any(|need| matches!(need.name, Name::Bound(_)))
    }

    /// Whether names that rules have may open it in the namespaces of these names.
    pub(crate) fn is_in_one_place(&self) -> bool {
        self.needs.iter().any(|need| matches!(need.name, Name::Place))
    }

    /// Whether it begins with sending a request as somebody else, which one request can
    /// do once.
    pub(crate) fn is_impersonation(&self) -> bool {
        let verbs = self.needs.iter().flat_map(|need| need.any).flat_map(|what| what.verbs);
        verbs.into_iter().any(|verb| verb.starts_with("impersonate"))
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Way {
    fn eq(&self, other: &Way) -> bool {
        self.id == other.id
    }
}
