//! Which requests a policy or a binding is for: `matchConstraints` and
//! `matchResources`, as the API server's matcher reads them
//! (`k8s.io/apiserver/pkg/admission/plugin/policy/matching`).

use ironhull_controls::admission::{Asked, Rule, by_name, has, is_empty};
use ironhull_model::{Node, Object, Value, selector};

use crate::estate::Estate;
use crate::kinds::{Equivalent, Kinds};
use crate::policy::{list, text};
use crate::request::{Known, Operation, Place, Request, Typed};

mod reach;

/// `matchConstraints` of a policy, or `matchResources` of a binding.
#[derive(Debug)]
pub struct Match<'a> {
    namespaces: Option<Node<'a>>,
    objects: Option<Node<'a>>,
    excluded: Vec<Rule<'a>>,
    rules: Vec<Rule<'a>>,
    is_exact: bool,
}

/// How a request matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Matched<'a> {
    /// The resource by which: the request's own, or the same in another version.
    pub resource: Typed<'a>,
    /// Its kind.
    pub kind: Typed<'a>,
    /// How its objects differ from what was sent.
    pub form: Form,
}

/// The form in which a policy sees an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As it was sent.
    Own,
    /// Under another `apiVersion`, else the same.
    Renamed,
    /// Converted by the API server, in a way that may not be known here.
    Converted,
}

/// Whether a request matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Matching<'a> {
    /// It does not.
    No,
    /// It does.
    Yes(Matched<'a>),
    /// The API server could not tell: its error.
    Error(String),
    /// It cannot be told here: what is missing.
    Unknown(String),
}

/// What a selector says.
enum Selected {
    No,
    Yes,
    Error(String),
    Unknown(String),
}

impl<'a> Match<'a> {
    pub(crate) fn read(node: Option<Node<'a>>) -> Match<'a> {
        let present = |name| node?.get(name).filter(|node: &Node<'a>| !node.is_null());
        let rules = |name| node.into_iter().flat_map(move |node| list(node, name)).map(Rule::read);
        let policy = node.map(|node| text(node, "matchPolicy")).unwrap_or_default();
        Match {
            namespaces: present("namespaceSelector"),
            objects: present("objectSelector"),
            excluded: rules("excludeResourceRules").collect(),
            rules: rules("resourceRules").collect(),
            is_exact: policy == "Exact",
        }
    }

    /// Whether a request matches.
    pub fn matches(&self, request: &Request<'a>, estate: &Estate<'a>) -> Matching<'a> {
        let namespace = self.selects_namespace(request, estate);
        if matches!(namespace, Selected::No) {
            return Matching::No;
        }
        let object = self.selects_object(request);
        if matches!(object, Selected::No) {
            return Matching::No;
        }
        if self.find(&self.excluded, request, estate).is_some() {
            return Matching::No;
        }
        let own = Matched { resource: request.resource, kind: request.kind, form: Form::Own };
        let matched = match self.rules.is_empty() {
            true => own,
            false => match self.find(&self.rules, request, estate) {
                Some(matched) => matched,
                None => return Matching::No,
            },
        };
        // A selector's error counts only for requests that the rules are for.
        match (namespace, object) {
            (Selected::Error(error), _) | (_, Selected::Error(error)) => Matching::Error(error),
            (Selected::Unknown(what), _) | (_, Selected::Unknown(what)) => Matching::Unknown(what),
            _ => Matching::Yes(matched),
        }
    }

    /// How the rules alone cover a request.
    pub(crate) fn by_rules(
        &self,
        request: &Request<'a>,
        estate: &Estate<'a>,
    ) -> Option<Matched<'a>> {
        self.find(&self.rules, request, estate)
    }

    /// Whether the rules may cover a new object of a kind of which nobody says what
    /// resource it is.
    pub(crate) fn may_cover(&self, object: &Object, kinds: Kinds<'a>) -> bool {
        let plural = guessed_plural(&object.thing.kind);
        let (group, version) = (&*object.thing.group, &*object.version);
        self.rules.iter().any(|rule| {
            // The plural of a definition may be any that no other kind of its group has.
            let may_be = |resource: &&str| {
                let (own, sub) = resource.split_once('/').unwrap_or((resource, "*"));
                let is_free = || rule.groups.contains(&group) && !kinds.has(group, own);
                sub == "*" && (own == "*" || own == plural || is_free())
            };
            has(&rule.operations, Operation::Create.as_str())
                && has(&rule.groups, group)
                && (!self.is_exact || has(&rule.versions, version))
                && rule.resources.iter().any(may_be)
        })
    }

    fn selects_namespace(&self, request: &Request<'a>, estate: &Estate<'a>) -> Selected {
        let is_about_one = request.resource.name == "namespaces";
        if request.place == Place::Cluster && !is_about_one {
            return Selected::Yes;
        }
        let Some(wanted) = self.namespaces.filter(|node| !is_empty(*node)) else {
            return Selected::Yes;
        };
        let writes = matches!(request.operation, Operation::Create | Operation::Update);
        if is_about_one && request.subresource.is_empty() && writes {
            return match request.object {
                Known::Some(object) => {
                    // The API server names a Namespace by a label before it asks.
                    let object = Estate::completed(object);
                    let labels = object.root().path(&["metadata", "labels"]);
                    selected(selector::selects(wanted, labels))
                }
                Known::None => {
                    Selected::Error("object does not implement the Object interfaces".to_owned())
                }
                Known::Unknown => Selected::Unknown("the object".to_owned()),
            };
        }
        let Place::In(name) = request.place else {
            return Selected::Unknown("the namespace of the object".to_owned());
        };
        estate.namespace_selected(wanted, name)
    }

    fn selects_object(&self, request: &Request<'a>) -> Selected {
        let Some(wanted) = self.objects.filter(|node| !is_empty(*node)) else {
            return Selected::Yes;
        };
        let of = |value: &Value| {
            let metadata = value.root().get("metadata");
            metadata.is_some_and(|metadata| selector::selects(wanted, metadata.get("labels")))
        };
        let known = [request.object, request.old_object];
        if known.into_iter().filter_map(Known::value).any(of) {
            return Selected::Yes;
        }
        match known.into_iter().any(|known| matches!(known, Known::Unknown)) {
            true => Selected::Unknown("the object that is there".to_owned()),
            false => Selected::No,
        }
    }

    /// The first way in which rules cover a request: itself, else an equivalent.
    fn find(
        &self,
        rules: &[Rule<'a>],
        request: &Request<'a>,
        estate: &Estate<'a>,
    ) -> Option<Matched<'a>> {
        let (resource, kind) = (request.resource, request.kind);
        if rules.iter().any(|rule| covers(rule, request, resource)) {
            return Some(Matched { resource, kind, form: Form::Own });
        }
        if self.is_exact || rules.is_empty() {
            return None;
        }
        let equivalents = estate.kinds().equivalents(resource);
        let covered = |rule: &Rule<'a>| {
            equivalents.iter().find(|equivalent| covers(rule, request, equivalent.resource))
        };
        let Equivalent { resource, kind, is_same } = *rules.iter().find_map(covered)?;
        // What is sent to `scale` is a Scale, whatever the version of the resource.
        if request.subresource == "scale" {
            return Some(Matched { resource, kind: request.kind, form: Form::Own });
        }
        let form = if is_same { Form::Renamed } else { Form::Converted };
        Some(Matched { resource, kind, form })
    }
}

/// Whether a rule covers a request for a resource in one of its versions.
fn covers(rule: &Rule<'_>, request: &Request<'_>, resource: Typed<'_>) -> bool {
    rule.covers(&Asked {
        operation: request.operation.as_str(),
        group: resource.group,
        version: resource.version,
        resource: resource.name,
        subresource: request.subresource,
        name: request.name,
        is_in_namespace: request.place != Place::Cluster,
    })
}

/// The plural name that definitions mostly give a kind.
fn guessed_plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

fn selected(selects: bool) -> Selected {
    if selects { Selected::Yes } else { Selected::No }
}

impl Estate<'_> {
    /// Whether a selector selects a namespace; none when its labels, which decide, are
    /// not known.
    pub fn namespace_selects(&self, wanted: Node<'_>, name: &str) -> Option<bool> {
        if is_empty(wanted) {
            return Some(true);
        }
        match self.namespace_selected(wanted, name) {
            Selected::Yes => Some(true),
            Selected::No | Selected::Error(_) => Some(false),
            Selected::Unknown(_) => None,
        }
    }

    fn namespace_selected(&self, wanted: Node<'_>, name: &str) -> Selected {
        match self.namespace(name) {
            crate::estate::Namespace::There(value) => {
                selected(selector::selects(wanted, value.root().path(&["metadata", "labels"])))
            }
            crate::estate::Namespace::Missing => {
                Selected::Error(format!("namespaces {name:?} not found"))
            }
            crate::estate::Namespace::Unknown => match by_name(wanted, name) {
                Some(selects) => selected(selects),
                None => Selected::Unknown(format!("the labels of namespace {name}")),
            },
        }
    }
}
