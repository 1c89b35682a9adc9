//! `ironhull access minimize`: the smallest roles that allow what was done.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use anyhow::bail;
use ironhull_access::permissions::{Apart, Permission, Target};
use ironhull_access::subject::MASTERS;
use ironhull_access::usage::{Minimal, Usage, Used};
use ironhull_access::{Access, Identity, Subject, grants};
use ironhull_audit::{Event, Recent};
use ironhull_model::{Minor, Object, Snapshot, Standing, Value, World};
use ironhull_report::text::plain;
use serde_json::json;

use super::log::Logs;
use super::reach::{Needs, Reach};
use super::{document, read, scope, too_many};
use crate::args::Global;
use crate::args::access::{Manifests, Minimize};
use crate::exit::Exit;
use crate::printer;

mod reviews;

use reviews::{Of, Reviews};

/// How many denials are told one by one.
const MOST_TOLD: usize = 10;

pub(super) fn run(args: &Minimize, global: &Global) -> anyhow::Result<Exit> {
    let subject = super::parsed(&args.subject)?;
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Rights);
    let logs = Logs::new(&args.audit)?;
    let name = args.name.clone().unwrap_or_else(|| role_name(&subject));
    // What everybody may do is not granted once more.
    let everybody = defaults(snapshot.minor, Vec::new());
    let everybody = Access::new(World::new(&everybody));
    let who = Identity::of(&subject);
    let bound = Access::new(World::new(&snapshot));
    let of = Of { subject: &subject, who: &who, bound: &bound, minor: snapshot.minor };
    let mut reviews = Reviews::default();
    let mut done = Done::new(args.most_names);
    let mut recent = Recent::default();
    let taken = logs.read(|event| {
        let used = of.used(event);
        done.is_seen |= event.is_decided() && !used.is_empty();
        if event.is_decided() && event.is_allowed() {
            let is_new = recent.is_new(&event.audit_id);
            if is_new {
                reviews.add(&of, event);
            }
            done.add(used, event, is_new, |used| used.is_allowed(&everybody, &who));
        }
    })?;
    if !done.is_seen {
        // Of somebody who is not in the logs all rights would be told to be needless.
        printer::error(&format!(
            "error: {subject} made none of the {} requests that these logs hold, so nothing shows what it needs\n  \
             help: is it written as the log writes it? ironhull access who-did --audit FILE names who acts",
            taken.tally.events
        ));
        for note in reviews.notes() {
            printer::error(&plain(&format!("note: {note}")));
        }
        _ = taken.tell();
        return Ok(Exit::Unjudged);
    }
    if done.usage.n_dropped > 0 {
        bail!(
            "{subject} did more different things than roles can tell apart; read less of the log with --since and --until"
        );
    }
    super::note_unknown(&subject, &snapshot);
    let unseen = done.usage.keep_unseen(&bound, &subject);
    let roles = done.usage.minimal();
    let documents: Vec<Value> =
        roles.iter().flat_map(|role| role.documents(&name, &subject)).collect();
    let minimal = defaults(snapshot.minor, documents.clone());
    let minimal = Access::new(World::new(&minimal));
    let replay = if logs.can_be_read_again() {
        Some(replay(&logs, |event| of.used(event), &who, &minimal)?)
    } else {
        None
    };
    let report = Report {
        subject: &subject,
        who: &who,
        done: &done,
        roles: &roles,
        taken_away: taken_away(&bound, &minimal, &subject, &who)?,
        kept: kept(&bound, &subject, &who),
        unseen: unseen.into_iter().collect(),
        reviews: &reviews,
        replay,
        events: taken.tally.events,
    };
    match args.output {
        Manifests::Yaml => {
            let mut text = report.comments();
            for document in &documents {
                text += "---\n";
                text += &ironhull_yaml::splice::to_yaml(document.root());
            }
            printer::data(&text);
            reach.admit();
        }
        Manifests::Json => {
            printer::data(&report.json(&reach, &documents));
            reach.tell();
        }
    }
    let denied = report.replay.as_ref().is_some_and(|replay| replay.denied > 0);
    // Roles that do not allow what was done are our mistake.
    let proven = if denied { Exit::Bug } else { Exit::Clean };
    Ok(reach.exit().or(taken.tell()).or(proven))
}

/// What the subject did.
struct Done {
    usage: Usage,
    /// Whether anything that it did was decided, either way.
    is_seen: bool,
    /// Requests that were allowed.
    requests: u64,
    /// Of them what everybody may do.
    of_everybody: u64,
    /// Roles and bindings that were written: RBAC also asks what is granted by them.
    grants: u64,
    /// Whether it acted as a member of `system:masters`.
    as_master: bool,
}

impl Done {
    fn new(most_names: usize) -> Done {
        let usage = Usage::new(most_names);
        Done { usage, is_seen: false, requests: 0, of_everybody: 0, grants: 0, as_master: false }
    }

    fn add(
        &mut self,
        used: Vec<Used<'_>>,
        event: &Event<'_>,
        is_new: bool,
        is_of_everybody: impl Fn(&Used<'_>) -> bool,
    ) {
        if used.is_empty() {
            return;
        }
        self.requests += u64::from(is_new);
        self.as_master |= event.actor().groups.iter().any(|group| group == MASTERS);
        for used in used {
            if is_of_everybody(&used) {
                self.of_everybody += u64::from(is_new);
                continue;
            }
            if let Used::Resource { verb: "create" | "update" | "patch", group, .. } = used
                && group == ironhull_access::GROUP
            {
                self.grants += u64::from(is_new);
            }
            self.usage.add(&used);
        }
    }
}

/// What asking every request again gave.
struct Replay {
    asked: u64,
    denied: u64,
    told: Vec<String>,
}

fn replay(
    logs: &Logs<'_>,
    used: impl for<'e> Fn(&'e Event<'_>) -> Vec<Used<'e>>,
    who: &Identity,
    minimal: &Access<'_>,
) -> anyhow::Result<Replay> {
    let mut replay = Replay { asked: 0, denied: 0, told: Vec::new() };
    logs.read(|event| {
        if !event.is_decided() || !event.is_allowed() {
            return;
        }
        for used in used(event) {
            replay.asked += 1;
            if used.is_allowed(minimal, who) {
                continue;
            }
            replay.denied += 1;
            if replay.told.len() < MOST_TOLD {
                replay.told.push(format!("{used:?}"));
            }
        }
    })?;
    Ok(replay)
}

/// The roles that every cluster has, and these documents.
fn defaults(minor: Minor, documents: Vec<Value>) -> Snapshot {
    let mut snapshot = Snapshot::new(minor);
    let assumed =
        ironhull_schema::rbac::defaults(minor).filter_map(|value| Object::new(value, None));
    let assumed = assumed.map(|mut object| {
        object.standing = Standing::Assumed;
        object
    });
    let own = documents.into_iter().filter_map(|value| Object::new(value, None));
    snapshot.objects = assumed.chain(own).map(Arc::new).collect();
    snapshot.seal();
    snapshot
}

/// By binding, where, on what: verbs that are bound to the subject and not needed.
type TakenAway = BTreeMap<(String, Option<String>, Target), Vec<String>>;

fn taken_away(
    bound: &Access<'_>,
    minimal: &Access<'_>,
    subject: &Subject,
    who: &Identity,
) -> anyhow::Result<TakenAway> {
    let mut found = TakenAway::new();
    let mut apart = Apart::new(bound);
    for binding in bound.bindings() {
        if !grants::named(binding.object).contains(subject) {
            continue;
        }
        let by = format!("{} ({})", binding.object.thing, grants::role(binding.object));
        for rule in bound.rules(binding) {
            let all = apart.of_rule(rule, binding.namespace, 1);
            for permission in all.map_err(|many| too_many(bound.world().base, &many))? {
                if permission.is_held(minimal, who) {
                    continue;
                }
                let Permission { namespace, target, verb } = permission;
                let verbs = found.entry((by.clone(), namespace, target)).or_default();
                if !verbs.contains(&verb) {
                    verbs.push(verb);
                }
            }
        }
    }
    Ok(found)
}

/// Whether another server than the API server asks about it too: the kubelet's parts of a
/// node, and paths.
fn is_asked_elsewhere(target: &Target) -> bool {
    match target {
        Target::Url(_) => true,
        Target::Resource { group, resource, .. } => {
            group.is_empty() && resource.starts_with("nodes/")
        }
    }
}

/// Bindings of the subject's groups, which no role of his own changes.
fn kept(bound: &Access<'_>, subject: &Subject, who: &Identity) -> Vec<String> {
    let bindings = bound.bindings_of(who, Some(ironhull_access::Question::ANY));
    let others = bindings.filter(|binding| {
        binding.object.is_given() && !grants::named(binding.object).contains(subject)
    });
    let mut kept: Vec<String> = others
        .map(|binding| format!("{} ({})", binding.object.thing, grants::role(binding.object)))
        .collect();
    kept.sort();
    kept.dedup();
    kept
}

struct Report<'r> {
    subject: &'r Subject,
    who: &'r Identity,
    done: &'r Done,
    roles: &'r [Minimal],
    taken_away: TakenAway,
    kept: Vec<String>,
    /// Rights that no request shows.
    unseen: Vec<String>,
    /// What other servers asked.
    reviews: &'r Reviews,
    replay: Option<Replay>,
    events: u64,
}

impl Report<'_> {
    /// What a person should know before applying the roles.
    fn comments(&self) -> String {
        let mut text = String::new();
        let Done { requests, of_everybody, .. } = self.done;
        let n_rules: usize = self.roles.iter().map(Minimal::n_rules).sum();
        let n_roles = self.roles.len();
        _ = writeln!(
            text,
            "# {}: {requests} allowed requests in {} events, {of_everybody} of them what everybody may do\n# {n_roles} {}, {n_rules} {}",
            plain(&self.subject.to_string()),
            self.events,
            if n_roles == 1 { "role" } else { "roles" },
            if n_rules == 1 { "rule" } else { "rules" },
        );
        match &self.replay {
            None => text += "# not replayed: the log can be read once only\n",
            Some(Replay { asked, denied, told }) => {
                _ = writeln!(text, "# replayed: {asked} questions, {denied} denied");
                for told in told {
                    _ = writeln!(text, "#   denied {}", plain(told));
                }
            }
        }
        if *requests == 0 {
            text += "# the logs hold nothing that it was allowed: no roles\n";
        }
        if self.done.grants > 0 {
            text += "# it wrote roles or bindings: RBAC lets it grant only what it holds, or with bind and escalate\n";
        }
        for note in &self.notes() {
            _ = writeln!(text, "# {note}");
        }
        if !self.taken_away.is_empty() {
            text += "# taken away, once the present bindings are deleted:\n";
        }
        let mut last = "";
        for ((by, namespace, target), verbs) in &self.taken_away {
            if last != by {
                _ = writeln!(text, "#   {by}");
                last = by;
            }
            let name = match target.name() {
                "" => String::new(),
                name => format!(" {name}"),
            };
            let place = scope(namespace.as_deref());
            _ = writeln!(text, "#     {place}  {}{name}: {}", target.shown(), verbs.join(" "));
        }
        text
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.who.is_in(MASTERS) || self.done.as_master {
            notes.push("it acted as a member of system:masters, whom no role limits".to_owned());
        }
        if self.who.node().is_some() {
            notes.push("the Node authorizer allows kubelets what these roles repeat".to_owned());
        }
        if !self.unseen.is_empty() {
            let unseen = self.unseen.join(", ");
            notes.push(format!("kept, because no request shows who asks for it: {unseen}"));
        }
        notes.extend(self.reviews.notes());
        if self.taken_away.keys().any(|(_, _, target)| is_asked_elsewhere(target))
            && !self.reviews.are_told()
        {
            notes.push("kubelets and proxies ask for rights on nodes/… and paths by SubjectAccessReviews, and these logs hold none with its content (level Request or RequestResponse): look before you take them away".to_owned());
        }
        notes.extend(self.kept.iter().map(|by| format!("kept through its groups: {by}")));
        notes
    }

    fn json(&self, reach: &Reach<'_>, documents: &[Value]) -> String {
        let parsed = documents.iter().map(|document| document.root().to_json());
        let roles: Vec<serde_json::Value> =
            parsed.filter_map(|text| serde_json::from_str(&text).ok()).collect();
        let taken_away: Vec<_> = self
            .taken_away
            .iter()
            .map(|((by, namespace, target), verbs)| {
                json!({"binding": by, "namespace": namespace, "on": target.shown(),
                    "name": target.name(), "verbs": verbs})
            })
            .collect();
        let replay = self.replay.as_ref().map(|replay| {
            json!({"asked": replay.asked, "denied": replay.denied, "denials": replay.told})
        });
        let fields = json!({"subject": self.subject.to_string(), "events": self.events,
            "requests": self.done.requests, "ofEverybody": self.done.of_everybody,
            "wroteGrants": self.done.grants, "documents": roles, "takenAway": taken_away,
            "kept": self.kept, "reviews": self.reviews.json(), "notes": self.notes(), "replay": replay});
        document("AccessMinimize", reach, fields)
    }
}

/// A name that Kubernetes accepts.
fn role_name(subject: &Subject) -> String {
    let text = match subject {
        Subject::User(name) | Subject::Group(name) => name.clone(),
        Subject::ServiceAccount(namespace, name) => format!("{namespace}-{name}"),
    };
    let word: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' })
        .take(200)
        .collect();
    format!("{}-minimal", word.trim_matches(['-', '.']))
}
