//! `ironhull access who-did`: requests by object, user and time.

use std::collections::BTreeMap;

use anyhow::bail;
use ironhull_access::Subject;
use ironhull_audit::{Event, Recent, User};
use ironhull_model::Minor;
use ironhull_report::text::plain;
use ironhull_schema::Schema;
use serde_json::json;

use super::log::Logs;
use crate::args::access::{Output, WhoDid};
use crate::exit::Exit;
use crate::printer;

pub(super) fn run(args: &WhoDid) -> anyhow::Result<Exit> {
    let filter = Filter::new(args)?;
    let logs = Logs::new(&args.audit)?;
    if args.origin {
        return origin(&filter, &logs);
    }
    let mut recent = Recent::default();
    let mut found = 0_u64;
    let mut is_known = filter.user.is_none();
    let taken = logs.read(|event| {
        is_known = is_known || filter.is_by(event);
        if event.is_end() && filter.matches(event) && recent.is_new(&event.audit_id) {
            found += 1;
            printer::data(&match args.output {
                Output::Table => line(event),
                Output::Json => format!("{}\n", record(event)),
            });
        }
    })?;
    printer::error(&format!("{found} of {} events", taken.tally.events));
    if let Some(subject) = filter.user.as_ref().filter(|_| !is_known) {
        printer::error(&plain(&format!(
            "note: {subject} sent none of these requests: is it written as the log writes it?"
        )));
    }
    Ok(taken.tell())
}

struct Filter {
    /// Resource, group, name.
    object: Option<(String, Option<String>, Option<String>)>,
    namespace: Option<String>,
    user: Option<Subject>,
    /// As it is written.
    called: Option<String>,
    verbs: Vec<String>,
}

impl Filter {
    fn new(args: &WhoDid) -> anyhow::Result<Filter> {
        let object = args.object.as_deref().map(|text| {
            let (full, name) = match text.split_once('/') {
                Some((full, name)) => (full, Some(name.to_owned())),
                None => (text, None),
            };
            let (word, group) = match full.split_once('.') {
                Some((word, group)) => (word, Some(group.to_owned())),
                None => (full, None),
            };
            // `pod` and `Pod` mean pods.
            let known = Schema::of(Minor::NEWEST).meant(word);
            let resource = known.first().map_or(word, |info| info.resource);
            (resource.to_owned(), group, name)
        });
        let is_wrong = |text: &str| text.is_empty() || text.contains('/');
        if let Some((resource, group, name)) = &object
            && (is_wrong(resource)
                || [group, name].into_iter().flatten().any(|text| is_wrong(text)))
        {
            let text = args.object.as_deref().unwrap_or_default();
            bail!(
                "--object {text:?} is none: RESOURCE or RESOURCE/NAME, such as secrets/db or deployments.apps/api"
            );
        }
        let named = matches!(&object, Some((_, _, Some(_))));
        if args.origin && (!named || args.namespace.is_none()) {
            bail!("--origin is about one object: --object RESOURCE/NAME -n NAMESPACE");
        }
        // As the log writes a user, or as a subject.
        let user = args.user.as_deref();
        let user = user.map(|text| Subject::parse(text).unwrap_or_else(|| Subject::user(text)));
        let (namespace, called) = (args.namespace.clone(), args.user.clone());
        Ok(Filter { object, namespace, user, called, verbs: args.verb.clone() })
    }

    fn matches(&self, event: &Event<'_>) -> bool {
        let is_object = self.object.as_ref().is_none_or(|(resource, group, name)| {
            event.object_ref.as_ref().is_some_and(|object| {
                object.resource == *resource
                    && group.as_deref().is_none_or(|group| object.api_group == group)
                    && name.as_deref().is_none_or(|name| event.name() == name)
            })
        });
        let is_there = self.namespace.as_deref().is_none_or(|namespace| {
            event.object_ref.as_ref().is_some_and(|object| object.namespace == namespace)
        });
        let is_verb = self.verbs.is_empty() || self.verbs.iter().any(|verb| event.verb == *verb);
        is_object && is_there && self.is_by(event) && is_verb
    }

    /// Whether somebody acted, or sent it in another's name.
    fn is_by(&self, event: &Event<'_>) -> bool {
        let Some(subject) = &self.user else { return true };
        // A user may be called as a subject is written.
        let is_called = |user: &User<'_>| self.called.as_deref() == Some(&*user.username);
        let mut users = [event.actor(), &event.user].into_iter();
        users.any(|user| is(subject, user) || is_called(user))
    }
}

/// Who acted, and who sent it in his name.
fn who(event: &Event<'_>) -> String {
    match &event.impersonated_user {
        Some(other) => format!("{} (sent by {})", other.username, event.user.username),
        None => event.user.username.to_string(),
    }
}

pub(super) fn what(event: &Event<'_>) -> String {
    let Some(object) = &event.object_ref else {
        return event.request_uri.split('?').next().unwrap_or_default().to_owned();
    };
    let part = |before: &str, text: &str| match text {
        "" => String::new(),
        text => format!("{before}{text}"),
    };
    let namespace = match &*object.namespace {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    let name = part("/", event.name());
    let (group, subresource) = (part(".", &object.api_group), part("/", &object.subresource));
    format!("{namespace}{}{group}{name}{subresource}", object.resource)
}

fn result(event: &Event<'_>) -> String {
    let code = event.code();
    if event.is_allowed() { code.to_string() } else { format!("{code} denied") }
}

/// Whether a user is a subject, or in the group that it is.
pub(super) fn is(subject: &Subject, user: &User<'_>) -> bool {
    match subject {
        Subject::Group(group) => user.groups.iter().any(|own| own == group),
        _ => subject.user_name().is_some_and(|name| name == user.username),
    }
}

fn line(event: &Event<'_>) -> String {
    let from = event.source_ips.last().map_or("", |ip| &**ip);
    let (time, verb) = (&event.request_received_timestamp, &event.verb);
    let text = format!(
        "{time}  {:<12}  {verb:<16}  {}  {}  {from}",
        result(event),
        who(event),
        what(event)
    );
    plain(text.trim_end()).into_owned() + "\n"
}

fn record(event: &Event<'_>) -> serde_json::Value {
    let object = event.object_ref.as_ref().map(|object| {
        json!({"group": object.api_group, "resource": object.resource,
            "subresource": object.subresource, "namespace": object.namespace,
            "name": event.name()})
    });
    json!({"time": event.request_received_timestamp, "verb": event.verb,
        "user": event.actor().username, "groups": event.actor().groups,
        "sentBy": event.user.username, "object": object, "uri": event.request_uri,
        "code": event.code(), "allowed": event.is_allowed(), "from": event.source_ips,
        "auditID": event.audit_id})
}

/// Kind in lower case and name of an object's manager, by resource and name.
struct Created {
    who: String,
    time: String,
    owner: Option<(String, String)>,
}

/// Who created an object: the user, and where that was a controller, who created
/// what the controller made it for.
fn origin(filter: &Filter, logs: &Logs<'_>) -> anyhow::Result<Exit> {
    let Some((resource, _, Some(name))) = &filter.object else { return Ok(Exit::Usage) };
    // What made it may have been created long before, so every creation of what
    // makes pods is kept in mind: names only.
    let makers = [
        "replicasets",
        "deployments",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "replicationcontrollers",
    ];
    let mut created: BTreeMap<(String, String), Created> = BTreeMap::new();
    let taken = logs.read(|event| {
        let Some(object) = &event.object_ref else { return };
        let creates = event.verb == "create" || event.verb == "patch" && event.code() == 201;
        let fits = filter.namespace.as_deref() == Some(&*object.namespace)
            && object.subresource.is_empty()
            && (makers.contains(&&*object.resource)
                || object.resource == *resource && event.name() == name);
        if !event.is_end() || !creates || !fits || !event.is_allowed() || event.code() >= 300 {
            return;
        }
        let owner = event.owners().iter().find(|owner| owner.controller);
        let made = Created {
            who: who(event),
            time: event.request_received_timestamp.to_string(),
            owner: owner.map(|owner| (owner.kind.to_string(), owner.name.to_string())),
        };
        created.insert((object.resource.to_string(), event.name().to_owned()), made);
    })?;
    let schema = Schema::of(Minor::NEWEST);
    let mut next = Some((resource.clone(), name.clone()));
    let mut found = false;
    // An owner is older than what it owns; a circle would be a forged log.
    while let Some(key) = next.take() {
        let (resource, name) = &key;
        let Some(made) = created.remove(&key) else {
            let why = if found { "who created it" } else { "its creation" };
            printer::data(&plain(&format!("{resource}/{name}: {why} is not in these logs")));
            printer::data("\n");
            break;
        };
        found = true;
        let text = format!("{resource}/{name}: created by {} at {}", made.who, made.time);
        printer::data(&(plain(&text).into_owned() + "\n"));
        next = made.owner.map(|(kind, name)| {
            let known = schema.meant(&kind);
            (known.first().map_or(kind, |info| info.resource.to_owned()), name)
        });
    }
    if found {
        printer::error("note: owners stand in logs of level Request and RequestResponse only");
    }
    Ok(taken.tell())
}
