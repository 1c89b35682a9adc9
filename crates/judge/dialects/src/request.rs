//! What an admission policy is asked about.

use ironhull_controls::left_out::LeftOut;
use ironhull_model::{Builder, Node, Object, Value};
use ironhull_schema::Scope;

use crate::kinds::{Kinds, api_version};

/// What is about to happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object.
    Update,
    /// An object that goes.
    Delete,
    /// A connection, such as `exec` into a pod.
    Connect,
}

impl Operation {
    /// All.
    pub const ALL: [Operation; 4] =
        [Operation::Create, Operation::Update, Operation::Delete, Operation::Connect];

    /// As in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }

    /// The operation of that name.
    pub fn parse(text: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.as_str() == text)
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct User {
    /// The user name.
    pub name: String,
    /// Empty when there is none.
    pub uid: String,
    /// In the order of the authenticator.
    pub groups: Vec<String>,
    /// What else the authenticator says.
    pub extra: Vec<(String, Vec<String>)>,
}

/// A group, a version and a resource or a kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Typed<'a> {
    /// API group; empty for the core group.
    pub group: &'a str,
    /// Version.
    pub version: &'a str,
    /// Plural resource, or kind.
    pub name: &'a str,
}

impl Typed<'_> {
    /// `Widget in example.dev/v1`.
    pub(crate) fn shown(&self) -> String {
        format!("{} in {}", self.name, api_version(*self))
    }
}

/// Where the object lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place<'a> {
    /// In no namespace.
    Cluster,
    /// In this one. A Namespace is in itself.
    In(&'a str),
    /// In one that nobody says.
    Unsaid,
}

/// An object that may be there, may not, or is not known.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// There is none.
    None,
    /// This one.
    Some(&'a Value),
    /// Not known.
    Unknown,
}

impl<'a> Known<'a> {
    /// The object, when it is known.
    pub fn value(self) -> Option<&'a Value> {
        match self {
            Known::Some(value) => Some(value),
            _ => None,
        }
    }
}

/// A request as the API server's admission sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is about to happen.
    pub operation: Operation,
    /// Who asks; none when that is not known.
    pub user: Option<&'a User>,
    /// Version and plural name under which it was asked.
    pub resource: Typed<'a>,
    /// Empty for the resource itself.
    pub subresource: &'a str,
    /// The kind of what is sent.
    pub kind: Typed<'a>,
    /// Where.
    pub place: Place<'a>,
    /// The object's name; empty when the API server makes one.
    pub name: &'a str,
    /// The new object.
    pub object: Known<'a>,
    /// What is there.
    pub old_object: Known<'a>,
    /// Whether nothing is stored; none when that is not known.
    pub dry_run: Option<bool>,
    /// The operation's options; none when they are not known.
    pub options: Option<&'a Value>,
    /// Whether the object is as the API server holds it. If not, what only the API
    /// server sets (uid, times, a generated name) is not known.
    pub is_stored: bool,
    /// What was not read of the object.
    pub left_out: LeftOut,
    /// Whether a file's object went through [`Policies::mutate`](crate::Policies::mutate),
    /// so that it has the form in which the API server holds it.
    pub is_mutated: bool,
    /// Whether the API server's registry completed it, as it does before it asks
    /// validating policies.
    pub is_prepared: bool,
}

impl<'a> Request<'a> {
    /// Somebody creates an object. None when nobody says what resource its kind is of.
    pub fn create(kinds: &Kinds<'a>, object: &'a Object, value: &'a Value) -> Option<Request<'a>> {
        let thing = &object.thing;
        let (name, scope) = kinds.served(&thing.group, &object.version, &thing.kind)?;
        let resource = Typed { group: &thing.group, version: &object.version, name };
        let mut request = Request::of(Operation::Create, resource, object, value);
        request.place = place_of(scope, object);
        Some(request)
    }

    /// A request about an object, with nothing known but the object.
    pub fn of(
        operation: Operation,
        resource: Typed<'a>,
        object: &'a Object,
        value: &'a Value,
    ) -> Request<'a> {
        let thing = &object.thing;
        let name = value.root().path(&["metadata", "name"]).and_then(Node::as_str);
        Request {
            operation,
            user: None,
            resource,
            subresource: "",
            kind: Typed { group: &thing.group, version: &object.version, name: &thing.kind },
            place: match &*thing.namespace {
                "" => Place::Cluster,
                namespace => Place::In(namespace),
            },
            name: name.unwrap_or_default(),
            object: Known::Some(value),
            old_object: if operation == Operation::Create { Known::None } else { Known::Unknown },
            dry_run: None,
            options: None,
            is_stored: false,
            left_out: LeftOut::of(object),
            is_mutated: false,
            is_prepared: false,
        }
    }

    /// The namespace's name; empty for what is in none.
    pub fn namespace(&self) -> Option<&'a str> {
        match self.place {
            Place::Cluster => Some(""),
            Place::In(name) => Some(name),
            Place::Unsaid => None,
        }
    }

    /// Whether it is about a Namespace itself.
    pub fn is_namespace(&self) -> bool {
        self.kind == Typed { group: "", version: "v1", name: "Namespace" }
    }

    /// Whether the API server makes the name: validating policies see the one it
    /// makes, mutating policies see none.
    pub fn has_generated_name(&self) -> bool {
        if matches!(self.object, Known::Unknown) {
            return self.name.is_empty();
        }
        let object = self.object.value().filter(|_| self.name.is_empty());
        let text = |name| object?.root().path(&["metadata", name])?.as_str();
        text("name").is_none() && text("generateName").is_some_and(|prefix| !prefix.is_empty())
    }

    /// The name that messages use: the request's, else the object's, else the
    /// start of a generated one.
    pub fn shown_name(&self) -> &'a str {
        if !self.name.is_empty() {
            return self.name;
        }
        let Some(object) = self.object.value() else { return "Unknown" };
        let text = |name| object.root().path(&["metadata", name]).and_then(Node::as_str);
        let given = |text: &&str| !text.is_empty();
        text("name").filter(given).or(text("generateName").filter(given)).unwrap_or("Unknown")
    }

    /// `pods`, or `deployments.apps` outside the core group.
    pub fn shown_resource(&self) -> String {
        match self.resource.group {
            "" => self.resource.name.to_owned(),
            group => format!("{}.{group}", self.resource.name),
        }
    }
}

/// Where a kind's object lives.
pub fn place_of(scope: Scope, object: &Object) -> Place<'_> {
    let thing = &object.thing;
    match (scope, &*thing.namespace) {
        (Scope::Cluster, _) if object.is("", "Namespace") => Place::In(&thing.name),
        (Scope::Cluster, _) => Place::Cluster,
        (Scope::Namespaced, "") => Place::Unsaid,
        (Scope::Namespaced, namespace) => Place::In(namespace),
    }
}

/// The options of a dry run, as the API server holds them.
pub fn dry_run_options(operation: Operation) -> Value {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => "PodExecOptions",
    };
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, value) in [("kind", kind), ("apiVersion", "meta.k8s.io/v1")] {
        builder.key(key, 0);
        builder.str(value, 0, 0);
    }
    builder.key("dryRun", 0);
    builder.begin_list(0);
    builder.str("All", 0, 0);
    builder.end(0);
    builder.end(0);
    builder.finish()
}
