//! `ironhull access who-can`: every binding that grants it.

use anyhow::bail;
use ironhull_access::impersonation::{self, AUTHENTICATION};
use ironhull_access::{Access, Binding, GROUP, Question, Rule, grants};
use ironhull_model::{Node, Snapshot, World};
use ironhull_report::text::plain;
use ironhull_schema::{KindInfo, Schema, Scope};
use serde_json::json;

use super::reach::{Needs, Place, Reach};
use super::{document, named, place, read, scope, source_json, table};
use crate::args::Global;
use crate::args::access::{Output, WhoCan};
use crate::exit::Exit;
use crate::printer;

/// Whose signers only certificate approval asks about.
const CERTIFICATES: &str = "certificates.k8s.io";

/// What is asked about.
enum Asked {
    Url(String),
    Resource { group: String, resource: String, subresource: String, namespaced: bool },
}

impl Asked {
    /// What it is taken for, as `RESOURCE.GROUP/SUBRESOURCE` or the path.
    fn shown(&self) -> String {
        match self {
            Asked::Url(path) => path.clone(),
            Asked::Resource { group, resource, subresource, .. } => {
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if subresource.is_empty() { "" } else { "/" };
                format!("{resource}{dot}{group}{slash}{subresource}")
            }
        }
    }
}

pub(super) fn run(args: &WhoCan, global: &Global) -> anyhow::Result<Exit> {
    let snapshot = read(&args.target, global)?;
    let asked = asked(&args.resource, &args.verb, &snapshot)?;
    if let (Asked::Resource { resource, namespaced: false, .. }, Some(_)) =
        (&asked, &args.namespace)
    {
        bail!(
            "{resource} stand in no namespace: leave out -n{}",
            if is_of_namespaces(&asked) { ", and name one with --name" } else { "" }
        );
    }
    let place = match namespace_of(args, &asked) {
        None => Place::Outside,
        Some(Question::ANY) => Place::Any,
        Some(namespace) => Place::Namespace(namespace),
    };
    let reach = Reach::at(&snapshot, Needs::Rights, place);
    let access = Access::new(World::new(&snapshot));
    let found = find(&access, args, &asked);
    match args.output {
        Output::Table => {
            printer::data(&rows(&snapshot, &found));
            if is_of_nodes(&asked) {
                printer::error(
                    "note: the Node authorizer also allows kubelets what belongs to the pods on their nodes",
                );
            }
            reach.admit();
        }
        Output::Json => {
            let granted: Vec<_> = found
                .iter()
                .map(|(binding, rule)| {
                    let who: Vec<String> = subjects(binding);
                    let mut source = source_json(&snapshot, binding.object, rule);
                    source["subjects"] = json!(who);
                    source["namespace"] = json!(binding.namespace);
                    source
                })
                .collect();
            let question = json!({"verb": args.verb, "resource": asked.shown(),
                "namespace": args.namespace, "name": args.name});
            let bypass = ["group:system:masters"];
            let fields = json!({"question": question, "granted": granted, "bypass": bypass});
            printer::data(&document("AccessWhoCan", &reach, fields));
            reach.tell();
        }
    }
    Ok(reach.exit())
}

/// Whether it is about Namespaces themselves.
fn is_of_namespaces(asked: &Asked) -> bool {
    matches!(asked, Asked::Resource { group, resource, .. } if group.is_empty() && resource == "namespaces")
}

/// Where it is asked: about a Namespace, in it, so that RoleBindings there count.
fn namespace_of<'n>(args: &'n WhoCan, asked: &Asked) -> Option<&'n str> {
    let is_of_all = ["create", "list", "watch", "deletecollection"].contains(&&*args.verb);
    match asked {
        Asked::Url(_) => None,
        Asked::Resource { subresource, .. } if is_of_namespaces(asked) => {
            let named = Some(args.name.as_deref().unwrap_or(Question::ANY));
            named.filter(|_| !is_of_all || !subresource.is_empty())
        }
        Asked::Resource { namespaced, .. } => {
            namespaced.then(|| args.namespace.as_deref().unwrap_or(Question::ANY))
        }
    }
}

/// Whether the Node authorizer looks at what runs where.
fn is_of_nodes(asked: &Asked) -> bool {
    let Asked::Resource { group, resource, .. } = asked else { return false };
    let core = [
        "configmaps",
        "nodes",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "secrets",
        "serviceaccounts",
    ];
    group.is_empty() && core.contains(&&**resource)
        || group == "resource.k8s.io" && ["resourceclaims", "resourceslices"].contains(&&**resource)
}

fn subjects(binding: &Binding<'_>) -> Vec<String> {
    grants::named(binding.object).iter().map(ToString::to_string).collect()
}

fn find<'i, 'a>(
    access: &'i Access<'a>,
    args: &WhoCan,
    asked: &Asked,
) -> Vec<(&'i Binding<'a>, &'i Rule<'a>)> {
    let granting = |binding: &'i Binding<'a>| match asked {
        Asked::Url(path) => access.url_granted_by(binding, &args.verb, path),
        Asked::Resource { group, resource, subresource, .. } => {
            let namespace = namespace_of(args, asked);
            let name = args.name.as_deref().unwrap_or_default();
            let question = Question {
                subresource,
                name,
                namespace,
                ..Question::new(&args.verb, group, resource)
            };
            access.granted_by(binding, &question).or_else(|| {
                impersonation::by_all(&question).and_then(|all| access.granted_by(binding, &all))
            })
        }
    };
    let bindings = access.bindings().iter();
    bindings.filter_map(|binding| Some((binding, granting(binding)?))).collect()
}

fn rows(snapshot: &Snapshot, found: &[(&Binding<'_>, &Rule<'_>)]) -> String {
    let mut rows = vec![vec![
        "group:system:masters".to_owned(),
        "*".to_owned(),
        "(no authorizer is asked)".to_owned(),
    ]];
    for (binding, rule) in found {
        for who in subjects(binding) {
            rows.push(vec![
                who,
                scope(binding.namespace).to_owned(),
                named(binding.object),
                named(rule.role),
                place(snapshot, rule.role, rule.node),
            ]);
        }
    }
    table(&["WHO", "NAMESPACE", "BINDING", "ROLE", "RULE"], &rows)
}

/// What only impersonation asks about, in no namespace but for ServiceAccounts.
fn is_impersonated(group: &str, word: &str) -> bool {
    let names: &[&str] = match group {
        "" => &["users", "groups"],
        AUTHENTICATION => &["users", "groups", "uids", "userextras", "serviceaccounts", "nodes"],
        _ => &[],
    };
    names.contains(&word)
}

/// The subresources of Kubernetes' own resources, and those of custom ones.
const SUBRESOURCES: &[&str] = &[
    "*",
    "approval",
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "finalize",
    "log",
    "portforward",
    "proxy",
    "resize",
    "scale",
    "status",
    "token",
];

/// Reads `RESOURCE[.GROUP][/SUBRESOURCE]` or a path.
fn asked(text: &str, verb: &str, snapshot: &Snapshot) -> anyhow::Result<Asked> {
    if text.starts_with('/') {
        return Ok(Asked::Url(text.to_owned()));
    }
    let (full, subresource) = text.split_once('/').unwrap_or((text, ""));
    let schema = Schema::of(snapshot.minor);
    let (word, group) = match full.split_once('.') {
        Some((word, group)) => (word, Some(without_version(group))),
        None => (full, None),
    };
    if word.is_empty() {
        bail!("{text:?} names no resource; write RESOURCE[.GROUP][/SUBRESOURCE]");
    }
    let is_named = !subresource.is_empty() && !SUBRESOURCES.contains(&subresource);
    // A group of its own may have others.
    if is_named && group.is_none_or(|group| !group.contains('.')) && word != "userextras" {
        printer::error(&plain(&format!(
            "note: {subresource} behind the slash is taken for a subresource, as in roles; for the object of that name: {full} --name {subresource}"
        )));
    }
    let resource = |group: &str, resource: &str, namespaced| Asked::Resource {
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespaced,
    };
    // Without a group the one is meant in which the verb is asked for.
    let constrained = impersonation::mode(verb).is_some() && is_impersonated(AUTHENTICATION, word);
    let group = group.or_else(|| {
        let is_of_it = constrained || ["uids", "userextras"].contains(&word);
        is_of_it.then_some(AUTHENTICATION).or_else(|| is_impersonated("", word).then_some(""))
    });
    if let Some(group) = group.filter(|group| is_impersonated(group, word)) {
        return Ok(resource(group, word, word == "serviceaccounts"));
    }
    // The API server is asked about binding a ClusterRole in a namespace too.
    let is_bound =
        |group: &str, plural: &str| (verb, group, plural) == ("bind", GROUP, "clusterroles");
    let builtin = |info: &KindInfo| {
        let namespaced = info.scope == Scope::Namespaced || is_bound(info.group, info.resource);
        resource(info.group, info.resource, namespaced)
    };
    let known = schema.meant(word);
    let own = custom(word, group, snapshot);
    match (group, &known[..], own) {
        // What is built in comes before custom resources of the same name, as for kubectl.
        (None, [info, ..], own) => {
            if let Some((group, plural, _)) = own {
                printer::error(&plain(&format!(
                    "note: {plural}.{group} has the same name; this is about {}",
                    builtin(info).shown()
                )));
            }
            Ok(builtin(info))
        }
        (_, _, Some((group, plural, namespaced))) => Ok(resource(&group, &plural, namespaced)),
        (Some(CERTIFICATES), [], None) if word == "signers" => {
            Ok(resource(CERTIFICATES, word, false))
        }
        (None, [], None) if word == "signers" => Ok(resource(CERTIFICATES, word, false)),
        (Some(group), _, None) => {
            if let Some(info) = known.iter().find(|info| info.group == group) {
                return Ok(builtin(info));
            }
            if group != "*" {
                printer::error(&format!(
                    "note: nothing that was read says that there is a resource {word} of {group}"
                ));
            }
            Ok(resource(group, word, true))
        }
        (None, [], None) if word == "*" => Ok(resource("*", word, true)),
        (None, [], None) => {
            bail!("{word:?} is no resource of Kubernetes {}; write RESOURCE.GROUP", snapshot.minor)
        }
    }
}

/// The group of kubectl's `VERSION.GROUP` or `GROUP`: no group begins like a version.
fn without_version(text: &str) -> &str {
    let (first, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_version = first
        .strip_prefix('v')
        .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    if is_version { rest } else { text }
}

/// Group, plural and whether namespaced, of a definition in the input.
fn custom(word: &str, group: Option<&str>, snapshot: &Snapshot) -> Option<(String, String, bool)> {
    let world = World::new(snapshot);
    world.of_kind("apiextensions.k8s.io", "CustomResourceDefinition").find_map(|definition| {
        let spec = definition.root().get("spec")?;
        let text = |path: &[&str]| spec.path(path).and_then(Node::as_str);
        let is =
            |name: &str| text(&["names", name]).is_some_and(|own| own.eq_ignore_ascii_case(word));
        let own = text(&["group"])?;
        let meant = ["plural", "singular", "kind"].into_iter().any(is);
        (meant && group.is_none_or(|group| group == own)).then_some(())?;
        let namespaced = text(&["scope"]) == Some("Namespaced");
        Some((own.to_owned(), text(&["names", "plural"])?.to_owned(), namespaced))
    })
}
