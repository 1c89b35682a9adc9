//! Who asks.

use std::fmt;

use ironhull_model::{Node, Object};

/// Members of it may do everything; no authorizer is asked.
pub const MASTERS: &str = "system:masters";
/// Everybody who has proven who he is.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Everybody who has not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user of requests that prove nothing.
pub const ANONYMOUS: &str = "system:anonymous";
/// The kubelets.
pub const NODES: &str = "system:nodes";
/// What a kubelet's user name starts with.
pub const NODE_PREFIX: &str = "system:node:";
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";
const ACCOUNTS: &str = "system:serviceaccounts";

/// Somebody whom a binding can name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A user by name.
    User(String),
    /// Any member of a group.
    Group(String),
    /// A ServiceAccount: its namespace and name.
    ServiceAccount(String, String),
}

impl Subject {
    /// Reads `user:NAME`, `group:NAME`, `sa:NS/NAME`, `serviceaccount:NS/NAME` or
    /// `system:serviceaccount:NS:NAME`; kinds as bindings write them and a space before the
    /// name, as findings say them, too.
    pub fn parse(text: &str) -> Option<Subject> {
        if let Some((namespace, name)) = account_of(text) {
            return Some(Subject::account(namespace, name));
        }
        let (kind, name) = text.split_once([':', ' '])?;
        if name.is_empty() {
            return None;
        }
        match &*kind.to_ascii_lowercase() {
            "user" => Some(Subject::user(name)),
            "group" => Some(Subject::Group(name.to_owned())),
            "sa" | "serviceaccount" => {
                let (namespace, name) = name.split_once(['/', ':'])?;
                (!namespace.is_empty() && !name.is_empty())
                    .then(|| Subject::account(namespace, name))
            }
            _ => None,
        }
    }

    /// A user; a ServiceAccount where the name is one's.
    pub fn user(name: &str) -> Subject {
        match account_of(name) {
            Some((namespace, account)) => Subject::account(namespace, account),
            None => Subject::User(name.to_owned()),
        }
    }

    /// A ServiceAccount.
    pub fn account(namespace: &str, name: &str) -> Subject {
        Subject::ServiceAccount(namespace.to_owned(), name.to_owned())
    }

    /// The subject that an entry of a binding's `subjects` names; none for kinds
    /// that RBAC does not know and for a ServiceAccount without a namespace.
    pub fn of_entry(entry: Node<'_>, binding: &Object) -> Option<Subject> {
        match Named::read(entry, &binding.thing.namespace)? {
            Named::User(name) => Some(Subject::user(name)),
            Named::Group(name) => Some(Subject::Group(name.to_owned())),
            Named::Account(namespace, name) => Some(Subject::account(namespace, name)),
        }
    }

    /// The user name that requests carry; none for a group.
    pub fn user_name(&self) -> Option<String> {
        match self {
            Subject::User(name) => Some(name.clone()),
            Subject::Group(_) => None,
            Subject::ServiceAccount(namespace, name) => {
                Some(format!("{ACCOUNT_PREFIX}{namespace}:{name}"))
            }
        }
    }
}

impl fmt::Display for Subject {
    /// The form that [`Subject::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::User(name) => write!(f, "user:{name}"),
            Subject::Group(name) => write!(f, "group:{name}"),
            Subject::ServiceAccount(namespace, name) => write!(f, "sa:{namespace}/{name}"),
        }
    }
}

/// Who asks, as an authenticator says it: a user name and groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The user name; empty for just any member of the groups.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Identity {
    /// A subject with the groups that everybody like it is in.
    pub fn of(subject: &Subject) -> Identity {
        let mut groups = Vec::new();
        match subject {
            Subject::User(name) if name == ANONYMOUS => groups.push(UNAUTHENTICATED.to_owned()),
            Subject::User(name) => {
                if name.starts_with(NODE_PREFIX) {
                    groups.push(NODES.to_owned());
                }
                groups.push(AUTHENTICATED.to_owned());
            }
            Subject::Group(name) => {
                groups.push(name.clone());
                if name.starts_with("system:serviceaccounts:") {
                    groups.push(ACCOUNTS.to_owned());
                }
                if name != AUTHENTICATED && name != UNAUTHENTICATED {
                    groups.push(AUTHENTICATED.to_owned());
                }
            }
            Subject::ServiceAccount(namespace, _) => groups.extend([
                ACCOUNTS.to_owned(),
                format!("{ACCOUNTS}:{namespace}"),
                AUTHENTICATED.to_owned(),
            ]),
        }
        Identity { user: subject.user_name().unwrap_or_default(), groups }
    }

    /// The same, in more groups.
    #[must_use]
    pub fn with_groups<'g>(mut self, groups: impl IntoIterator<Item = &'g str>) -> Identity {
        for group in groups {
            if !self.is_in(group) {
                self.groups.push(group.to_owned());
            }
        }
        self
    }

    /// Whether it is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// The node whose kubelet this is.
    pub fn node(&self) -> Option<&str> {
        self.user.strip_prefix(NODE_PREFIX).filter(|_| self.is_in(NODES))
    }

    /// Namespace and name of the ServiceAccount that the user name is.
    pub fn account(&self) -> Option<(&str, &str)> {
        account_of(&self.user)
    }
}

/// Namespace and name in `system:serviceaccount:NS:NAME`.
pub(crate) fn account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT_PREFIX)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

/// An entry of a binding's `subjects` as the RBAC authorizer reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Named<'a> {
    User(&'a str),
    Group(&'a str),
    Account(&'a str, &'a str),
}

impl<'a> Named<'a> {
    /// `namespace` is the binding's: a ServiceAccount that names none is there.
    pub(crate) fn read(entry: Node<'a>, namespace: &'a str) -> Option<Named<'a>> {
        let field = |name| entry.get(name).and_then(Node::as_str);
        let name = field("name").unwrap_or_default();
        match field("kind")? {
            "User" => Some(Named::User(name)),
            "Group" => Some(Named::Group(name)),
            "ServiceAccount" => {
                let own = field("namespace").filter(|text| !text.is_empty());
                let namespace = own.unwrap_or(namespace);
                (!namespace.is_empty()).then_some(Named::Account(namespace, name))
            }
            _ => None,
        }
    }
}
