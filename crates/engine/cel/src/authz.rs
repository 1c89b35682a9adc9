//! The authorizer: what an expression asks, and what it is answered.

/// Whose access a check asks about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// Who made the request.
    Requester,
    /// The ServiceAccount of this namespace and name.
    ServiceAccount(Box<str>, Box<str>),
}

/// What a check asks about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A path that is no resource, such as `/healthz`.
    Path(Box<str>),
    /// A resource.
    Resource(Resource),
}

/// A resource that a check asks about; what is empty was not said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resource {
    /// Its API group; empty for the core group.
    pub group: Box<str>,
    /// Its plural name.
    pub resource: Box<str>,
    /// Its subresource.
    pub subresource: Box<str>,
    /// The namespace of the object; empty for all, or none.
    pub namespace: Box<str>,
    /// The object's name; empty for any.
    pub name: Box<str>,
    /// As it was written: one that does not parse counts as none.
    pub field_selector: Box<str>,
    /// As it was written: one that does not parse counts as none.
    pub label_selector: Box<str>,
}

/// One question to an authorizer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// Who.
    pub subject: Subject,
    /// What on.
    pub target: Target,
    /// An API verb, or an HTTP method in lower case for a path.
    pub verb: Box<str>,
}

/// An authorizer's answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decision {
    /// Whether it is allowed; no opinion is no.
    pub allowed: bool,
    /// Why, in the authorizer's words.
    pub reason: Box<str>,
    /// What went wrong while it decided.
    pub error: Option<Box<str>>,
}

/// Values of the authorizer's types.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Authz {
    #[doc(hidden)]
    Authorizer(Subject),
    #[doc(hidden)]
    Path(Subject, Box<str>),
    #[doc(hidden)]
    Group(Subject, Box<str>),
    #[doc(hidden)]
    Resource(Subject, Resource),
    /// Not answered yet; no expression sees it.
    #[doc(hidden)]
    Check(Box<Check>),
    #[doc(hidden)]
    Decision(Decision),
}

impl Authz {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Authz::Authorizer(_) => AUTHORIZER,
            Authz::Path(..) => "kubernetes.authorization.PathCheck",
            Authz::Group(..) => "kubernetes.authorization.GroupCheck",
            Authz::Resource(..) => RESOURCE_CHECK,
            Authz::Check(_) | Authz::Decision(_) => "kubernetes.authorization.Decision",
        }
    }
}

pub(crate) const AUTHORIZER: &str = "kubernetes.authorization.Authorizer";
pub(crate) const RESOURCE_CHECK: &str = "kubernetes.authorization.ResourceCheck";
