//! What expressions see of a request.

use ironhull_cel::policy::Inputs;
use ironhull_cel::{Host, Part, Resource, Val};
use ironhull_controls::left_out::LeftOut;
use ironhull_model::{Builder, Minor, Node, Value};
use ironhull_schema::crd;

use crate::allowance::{Allowance, EVALUATION};
use crate::authorizer::Authorizer;
use crate::estate::{Estate, Namespace, Param, namespace_object};
use crate::evaluate::Seen;
use crate::kinds::under;
use crate::matching::{Form, Matched};
use crate::plugins;
use crate::policies::Policies;
use crate::request::{Known, Place, Request, Typed};
use crate::unknown::{self, Unknown};

/// The documents that one evaluation sees, made for it.
pub(crate) struct Documents {
    /// The objects as the policy sees them, where that differs from what was sent.
    object: Option<Value>,
    old_object: Option<Value>,
    request: Value,
    /// The same under its own resource.
    own_request: Value,
    namespace: Option<Value>,
    params: Option<Value>,
    /// Whether they are for mutating policies.
    pub(crate) is_early: bool,
}

/// What the stages of an evaluation share.
pub(crate) struct Shared<'e> {
    /// Answers the authorizer's checks.
    pub(crate) host: &'e dyn Host,
    /// Of [`Documents::typed`].
    pub(crate) typed: &'e [&'e Value],
    /// Of [`Documents::parts`].
    pub(crate) parts: &'e [Part<'e>],
    /// What the policy may still cost.
    pub(crate) allowance: &'e Allowance,
    /// How many variables the policy has.
    pub(crate) n_variables: usize,
}

/// Which input of an evaluation something was read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The new object.
    Object,
    /// What is there.
    OldObject,
    /// The Namespace.
    Namespace,
    /// The parameter.
    Params,
    /// The request.
    Request,
}

/// The object of a request that was sent, in the form that a policy sees; none where that
/// is as it was sent.
pub(crate) fn sent(
    request: &Request<'_>,
    matched: &Matched<'_>,
    estate: &Estate<'_>,
) -> Option<Value> {
    let value = request.object.value()?;
    let is_sent = !request.is_stored && !request.is_mutated;
    let written = is_sent.then(|| estate.written(request.kind, value));
    match matched.form {
        Form::Own => written,
        _ => in_form(request, matched, written.as_ref().unwrap_or(value), estate),
    }
}

/// Calls `run` with what the expressions of a policy that is for a request see, after
/// mutating policies were asked.
pub(crate) fn with_seen<T>(
    policies: &Policies<'_>,
    request: &Request<'_>,
    matched: &Matched<'_>,
    param: Param<'_>,
    (allowance, n_variables): (&Allowance, usize),
    run: impl FnOnce(&Seen<'_>, &Documents) -> T,
) -> T {
    allowance.take(EVALUATION);
    let estate = policies.estate();
    let object = sent(request, matched, estate);
    let documents = Documents::new(request, matched, param, estate, object);
    let shown = documents.shown_namespace();
    let shown = shown.as_ref();
    let host =
        Authorizer { world: estate.world(), access: policies.access.as_ref(), user: request.user };
    let minor = estate.world().base.minor;
    let typed = documents.typed(request, param, shown, true, minor);
    let parts = documents.parts(request, param, estate);
    let shared = Shared { host: &host, typed: &typed, parts: &parts, allowance, n_variables };
    run(&documents.seen(request, matched, estate, shown, shared), &documents)
}

impl Documents {
    /// `object` is that of the request in the form that the policy sees.
    pub(crate) fn new(
        request: &Request<'_>,
        matched: &Matched<'_>,
        param: Param<'_>,
        estate: &Estate<'_>,
        object: Option<Value>,
    ) -> Documents {
        let old = request.old_object.value().filter(|_| matched.form != Form::Own);
        let namespace = match namespace_of(request, estate) {
            Some(Namespace::There(value)) => Some(value.clone()),
            _ => None,
        };
        let params = match param {
            Param::None => None,
            Param::Object(object) => {
                let version = Typed {
                    group: &object.thing.group,
                    version: &object.version,
                    name: &object.thing.kind,
                };
                Some(under(&object.value, version))
            }
        };
        Documents {
            object,
            old_object: old.and_then(|value| in_form(request, matched, value, estate)),
            request: request_document(request, matched.resource, matched.kind),
            own_request: request_document(request, request.resource, matched.kind),
            namespace,
            params,
            is_early: false,
        }
    }

    /// What each stage sees. `namespace` is [`Documents::shown_namespace`].
    pub(crate) fn seen<'e>(
        &'e self,
        request: &Request<'e>,
        matched: &Matched<'e>,
        estate: &'e Estate<'_>,
        shown: Option<&'e Value>,
        shared: Shared<'e>,
    ) -> Seen<'e> {
        let Shared { host, typed, parts, allowance, n_variables } = shared;
        let object = |known: Known<'e>, renamed: &'e Option<Value>| match (known, renamed) {
            (Known::None, _) => Val::Null,
            (_, Some(renamed)) => Val::from_node(renamed.root()),
            (Known::Some(value), None) if matched.form == Form::Own => Val::from_node(value.root()),
            _ => Val::Unknown,
        };
        let namespace = |value: Option<&'e Value>| match namespace_of(request, estate) {
            None => Val::Null,
            Some(Namespace::There(_)) => value.map_or(Val::Null, |it| Val::from_node(it.root())),
            Some(_) => Val::Unknown,
        };
        let params = self.params.as_ref().map_or(Val::Null, |it| Val::from_node(it.root()));
        let validations = Inputs {
            object: object(request.object, &self.object),
            old_object: object(request.old_object, &self.old_object),
            namespace_object: namespace(shown),
            request: with_unknowns(&self.request, request),
            params,
            request_resource: Some(requested(request)),
            n_variables,
        };
        let conditions = Inputs {
            namespace_object: Val::Null,
            request: with_unknowns(&self.own_request, request),
            ..validations.clone()
        };
        let messages = Inputs { request_resource: None, ..validations.clone() };
        let whole = namespace(self.namespace.as_ref());
        let annotations = Inputs { namespace_object: whole, ..messages.clone() };
        let unknown = unknowns(request, matched, &validations);
        // What is sent to a subresource is not stored as it is.
        let is_new = !request.is_stored && request.subresource.is_empty();
        let fresh = request.object.value().filter(|_| is_new);
        let fresh = fresh.map(|value| self.object.as_ref().unwrap_or(value));
        let minor = estate.world().base.minor;
        let is_early = self.is_early;
        let is_prepared = request.is_prepared;
        Seen {
            conditions,
            validations,
            messages,
            annotations,
            unknown,
            fresh,
            is_early,
            is_prepared,
            minor,
            host,
            allowance,
            typed,
            parts,
        }
    }

    /// The documents that the API server holds as values of its Go types, which it
    /// does since 1.37.
    pub(crate) fn typed<'e>(
        &'e self,
        request: &Request<'e>,
        param: Param<'_>,
        shown: Option<&'e Value>,
        with_objects: bool,
        minor: Minor,
    ) -> Vec<&'e Value> {
        if minor < Minor::v1(37) {
            return Vec::new();
        }
        let mut typed = vec![&self.request, &self.own_request];
        typed.extend(self.namespace.iter().chain(shown));
        if let Param::Object(object) = param
            && !crd::is_custom(&object.thing.group, &object.thing.kind)
        {
            typed.extend(&self.params);
        }
        if with_objects && !crd::is_custom(request.kind.group, request.kind.name) {
            typed.extend(self.object.iter().chain(&self.old_object));
            typed.extend(request.object.value().into_iter().chain(request.old_object.value()));
        }
        typed
    }

    /// What of the documents is known in part only.
    pub(crate) fn parts<'e>(
        &'e self,
        request: &Request<'e>,
        param: Param<'_>,
        estate: &Estate<'_>,
    ) -> Vec<Part<'e>> {
        let object = self.object.as_ref().or(request.object.value());
        let open = object.map(|value| plugins::parts(estate, request, value));
        let object = object.and_then(|value| request.left_out.part(value));
        let param = match param {
            Param::None => LeftOut::Nothing,
            Param::Object(object) => LeftOut::of(object),
        };
        let whole = object.into_iter().chain(self.params.as_ref().and_then(|it| param.part(it)));
        whole.chain(open.into_iter().flatten()).collect()
    }

    /// What expressions but those of audit annotations see of the Namespace.
    pub(crate) fn shown_namespace(&self) -> Option<Value> {
        self.namespace.as_ref().map(namespace_object)
    }

    /// Which input a node is of.
    pub(crate) fn source(&self, node: Node<'_>, request: &Request<'_>) -> Source {
        let is = |value: Option<&Value>| value.is_some_and(|it| std::ptr::eq(it, node.value()));
        if is(request.object.value()) || is(self.object.as_ref()) {
            Source::Object
        } else if is(request.old_object.value()) || is(self.old_object.as_ref()) {
            Source::OldObject
        } else if is(self.params.as_ref()) {
            Source::Params
        } else if is(Some(&self.request)) || is(Some(&self.own_request)) {
            Source::Request
        } else {
            Source::Namespace
        }
    }
}

/// An object, as the API server writes it, in the form that a policy sees.
fn in_form(
    request: &Request<'_>,
    matched: &Matched<'_>,
    value: &Value,
    estate: &Estate<'_>,
) -> Option<Value> {
    match matched.form {
        Form::Own => None,
        Form::Renamed => Some(under(value, matched.kind)),
        // How it is converted may depend on what was not read.
        Form::Converted if request.left_out != LeftOut::Nothing => None,
        Form::Converted => estate.converted(request.kind, matched.kind, value),
    }
}

/// The Namespace that a request is in; none for what is in none and for a Namespace.
pub(crate) fn namespace_of<'e>(
    request: &Request<'_>,
    estate: &'e Estate<'_>,
) -> Option<Namespace<'e>> {
    match request.place {
        _ if request.is_namespace() => None,
        Place::Cluster => None,
        Place::In(name) => Some(estate.namespace(name)),
        Place::Unsaid => Some(Namespace::Unknown),
    }
}

/// The resource that is requested, as the authorizer is asked about it.
fn requested(request: &Request<'_>) -> Resource {
    Resource {
        group: request.resource.group.into(),
        resource: request.resource.name.into(),
        subresource: request.subresource.into(),
        namespace: request.namespace().unwrap_or_default().into(),
        name: request.name.into(),
        ..Resource::default()
    }
}

fn unknowns(request: &Request<'_>, matched: &Matched<'_>, inputs: &Inputs<'_>) -> Vec<Unknown> {
    let is_converted = matched.form == Form::Converted;
    let (object, old) = (inputs.object.is_unknown(), inputs.old_object.is_unknown());
    let all = [
        (is_converted && (object || old), unknown::CONVERTED),
        (!is_converted && object, unknown::OBJECT),
        (!is_converted && old, unknown::OLD_OBJECT),
        (inputs.namespace_object.is_unknown(), unknown::NAMESPACE),
        (request.user.is_none(), unknown::USER),
        (request.has_generated_name(), unknown::NAME),
        (request.dry_run.is_none(), unknown::DRY_RUN),
        (request.options.is_none(), unknown::OPTIONS),
        (request.place == Place::Unsaid, unknown::PLACE),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, unknown)| unknown).collect()
}

/// The request, with members that are not known in place of those that are missing.
fn with_unknowns<'e>(document: &'e Value, request: &Request<'_>) -> Val<'e> {
    let mut unknown = Vec::new();
    if request.has_generated_name() {
        unknown.push("name");
    }
    if request.user.is_none() {
        unknown.push("userInfo");
    }
    if request.dry_run.is_none() {
        unknown.push("dryRun");
    }
    if request.options.is_none() {
        unknown.push("options");
    }
    if request.place == Place::Unsaid {
        unknown.push("namespace");
    }
    if unknown.is_empty() {
        return Val::from_node(document.root());
    }
    let known =
        document.root().entries().map(|(key, node)| (Val::Str(key.into()), Val::from_node(node)));
    let unknown = unknown.into_iter().map(|key| (Val::Str(key.into()), Val::Unknown));
    Val::Map(known.chain(unknown).collect::<Vec<_>>().into())
}

/// An `admission.k8s.io/v1` `AdmissionRequest` as the API server fills it in for
/// expressions: no uid and no objects.
fn request_document(request: &Request<'_>, resource: Typed<'_>, kind: Typed<'_>) -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    member(&mut builder, "uid", "");
    typed(&mut builder, "kind", "kind", kind);
    typed(&mut builder, "resource", "resource", resource);
    given(&mut builder, "subResource", request.subresource);
    typed(&mut builder, "requestKind", "kind", request.kind);
    typed(&mut builder, "requestResource", "resource", request.resource);
    given(&mut builder, "requestSubResource", request.subresource);
    given(&mut builder, "name", request.name);
    given(&mut builder, "namespace", request.namespace().unwrap_or_default());
    member(&mut builder, "operation", request.operation.as_str());
    if let Some(user) = request.user {
        builder.key("userInfo", 0);
        builder.begin_map(0);
        given(&mut builder, "username", &user.name);
        given(&mut builder, "uid", &user.uid);
        strings(&mut builder, "groups", &user.groups);
        if !user.extra.is_empty() {
            builder.key("extra", 0);
            builder.begin_map(0);
            user.extra.iter().for_each(|(key, values)| strings(&mut builder, key, values));
            builder.end(0);
        }
        builder.end(0);
    }
    for name in ["object", "oldObject"] {
        builder.key(name, 0);
        builder.null(0, 0);
    }
    if let Some(dry_run) = request.dry_run {
        builder.key("dryRun", 0);
        builder.bool(dry_run, 0, 0);
    }
    if let Some(options) = request.options {
        builder.key("options", 0);
        builder.copy(options.root());
    }
    builder.end(0);
    builder.finish()
}

fn member(builder: &mut Builder, key: &str, value: &str) {
    builder.key(key, 0);
    builder.str(value, 0, 0);
}

fn given(builder: &mut Builder, key: &str, value: &str) {
    if !value.is_empty() {
        member(builder, key, value);
    }
}

fn strings(builder: &mut Builder, key: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    builder.key(key, 0);
    builder.begin_list(0);
    values.iter().for_each(|value| builder.str(value, 0, 0));
    builder.end(0);
}

fn typed(builder: &mut Builder, key: &str, last: &str, value: Typed<'_>) {
    builder.key(key, 0);
    builder.begin_map(0);
    member(builder, "group", value.group);
    member(builder, "version", value.version);
    member(builder, last, value.name);
    builder.end(0);
}
