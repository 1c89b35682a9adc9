//! `ironhull access admins`: who is as good as cluster-admin, and when that was needed.

use std::collections::BTreeMap;

use anyhow::bail;
use ironhull_access::admins::Needed;
use ironhull_access::{Access, Admin, Admins, Identity, Subject};
use ironhull_audit::{Event, Recent, Used, User};
use ironhull_model::{Minor, Object, Snapshot, ThingRef, World};
use ironhull_report::text::plain;
use serde_json::{Value as Json, json};

use super::log::Logs;
use super::paths::step_json;
use super::reach::{Needs, Reach};
use super::who_did::what;
use super::{document, named, place, read, source_json, table};
use crate::args::Global;
use crate::args::access::{Admins as Args, FailOnUse, Output};
use crate::exit::Exit;
use crate::printer;

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let has_log = !args.audit.files.is_empty();
    if !has_log && args.fail_on != FailOnUse::Never {
        bail!("--fail-on needs the log that shows use: --audit FILE");
    }
    let logs = Logs::new(&args.audit)?;
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Ways);
    let access = Access::new(World::new(&snapshot));
    let admins = Admins::new(&access);
    let mut uses = Uses::new(snapshot.minor);
    let taken = logs.read(|event| uses.add(&admins, event))?;
    let shown = Shown {
        snapshot: &snapshot,
        reach: &reach,
        admins: admins.all().iter().filter(|(_, admin)| args.all || !admin.built_in).collect(),
        n_hidden: admins.all().values().filter(|admin| !args.all && admin.built_in).count(),
        uses: has_log.then_some(&uses),
    };
    match args.output {
        Output::Table => {
            printer::data(&shown.table());
            printer::error(&plain(&shown.sum()));
            reach.admit();
        }
        Output::Json => {
            printer::data(&shown.json());
            reach.tell();
        }
    }
    let counts = |subject: &Subject| match args.fail_on {
        FailOnUse::Used => uses.is_used(subject),
        FailOnUse::Unused => !uses.is_used(subject),
        FailOnUse::Never => false,
    };
    let mut all = reach.exit().or(taken.tell());
    if shown.uses.is_some() && uses.window.is_none() {
        printer::error(
            "error: the log has no request of this time, which shows no use and no disuse",
        );
        all = all.or(Exit::Unjudged);
    } else if shown.admins.iter().any(|(subject, _)| counts(subject)) {
        all = all.or(Exit::Findings);
    }
    Ok(all)
}

/// The last request of somebody that needed a way of his.
struct Use {
    time: String,
    verb: String,
    on: String,
    user: String,
    sent_by: Option<String>,
    audit_id: String,
}

/// A way that was used, and the binding that opened it, where any did.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Opened<'i> {
    way: &'static str,
    binding: Option<&'i ThingRef>,
}

/// How somebody used a way.
struct UseOfWay<'i, 'a> {
    n: u64,
    last: Use,
    needed: Needed<'i, 'a>,
}

/// What a log shows of use.
struct Uses<'i, 'a> {
    minor: Minor,
    /// What each used, by way.
    by_subject: BTreeMap<Subject, BTreeMap<Opened<'a>, UseOfWay<'i, 'a>>>,
    /// The times of the first and the last request of the log, whoever sent it.
    window: Option<(String, String)>,
    recent: Recent,
}

impl<'i, 'a> Uses<'i, 'a> {
    fn new(minor: Minor) -> Uses<'i, 'a> {
        Uses { minor, by_subject: BTreeMap::new(), window: None, recent: Recent::default() }
    }

    fn is_used(&self, subject: &Subject) -> bool {
        self.by_subject.contains_key(subject)
    }

    /// The uses of somebody, the last first.
    fn of(&self, subject: &Subject) -> Vec<&UseOfWay<'i, 'a>> {
        let mut uses: Vec<_> =
            self.by_subject.get(subject).into_iter().flat_map(BTreeMap::values).collect();
        uses.sort_by(|one, other| other.last.time.cmp(&one.last.time));
        uses
    }

    fn add(&mut self, admins: &Admins<'i, 'a>, event: &Event<'_>) {
        self.widen(&event.request_received_timestamp);
        if !event.is_decided() || !event.is_allowed() {
            return;
        }
        let mut found: Vec<(Subject, Needed<'i, 'a>)> = Vec::new();
        let mut look = |user: &User<'_>, used: &[Used<'_>]| {
            let mut who = None;
            let groups = user.groups.iter().map(|group| Subject::Group(group.to_string()));
            for subject in std::iter::once(Subject::user(&user.username)).chain(groups) {
                if !admins.all().contains_key(&subject) {
                    continue;
                }
                let who = who.get_or_insert_with(|| identity(user));
                let needed = used.iter().find_map(|used| admins.needed(&subject, who, used));
                found.extend(needed.map(|needed| (subject, needed)));
            }
        };
        look(event.actor(), &event.used(self.minor));
        if event.impersonated_user.is_some() {
            look(&event.user, &event.impersonated());
        }
        if found.is_empty() {
            return;
        }
        let n_new = u64::from(self.recent.is_new(&event.audit_id));
        for (subject, needed) in found {
            let binding = needed.by.map(|(binding, _)| &*binding.object.thing);
            let opened = Opened { way: needed.way.id, binding };
            let ways = self.by_subject.entry(subject).or_default();
            let first = || UseOfWay { n: 0, last: Use::of(event), needed };
            let known = ways.entry(opened).or_insert_with(first);
            known.n += n_new;
            if *known.last.time < *event.request_received_timestamp {
                known.last = Use::of(event);
            }
        }
    }

    /// Times of one form, in UTC with microseconds, are ordered as their texts.
    fn widen(&mut self, time: &str) {
        if time.is_empty() {
            return;
        }
        match &mut self.window {
            None => self.window = Some((time.to_owned(), time.to_owned())),
            Some((first, _)) if time < &**first => time.clone_into(first),
            Some((_, last)) if time > &**last => time.clone_into(last),
            Some(_) => {}
        }
    }
}

fn identity(user: &User<'_>) -> Identity {
    Identity {
        user: user.username.to_string(),
        groups: user.groups.iter().map(ToString::to_string).collect(),
    }
}

impl Use {
    fn of(event: &Event<'_>) -> Use {
        Use {
            time: event.request_received_timestamp.to_string(),
            verb: event.verb.to_string(),
            on: what(event),
            user: event.actor().username.to_string(),
            sent_by: event.impersonated_user.as_ref().map(|_| event.user.username.to_string()),
            audit_id: event.audit_id.to_string(),
        }
    }

    fn json(&self, way: &str) -> Json {
        json!({"time": self.time, "verb": self.verb, "resource": self.on, "user": self.user,
            "sentBy": self.sent_by, "way": way, "auditID": self.audit_id})
    }

    /// `create shop/deployments.apps/api as anna by jane`.
    fn request(&self, subject: &Subject) -> String {
        let by = match (&self.sent_by, subject) {
            (Some(sender), _) if *sender != self.user => format!(" as {} by {sender}", self.user),
            (_, Subject::Group(_)) => format!(" by {}", self.user),
            _ => String::new(),
        };
        format!("{} {}{by}", self.verb, self.on)
    }
}

impl UseOfWay<'_, '_> {
    fn json(&self, snapshot: &Snapshot) -> Json {
        let way = self.needed.way.id;
        let by = self.needed.by.map(|(binding, rule)| source_json(snapshot, binding.object, rule));
        json!({"way": way, "uses": self.n, "grant": by, "lastUse": self.last.json(way)})
    }
}

struct Shown<'s, 'i, 'a> {
    snapshot: &'s Snapshot,
    reach: &'s Reach<'s>,
    admins: Vec<(&'s Subject, &'s Admin<'i, 'a>)>,
    /// How many every cluster has.
    n_hidden: usize,
    /// What logs show, where there are any.
    uses: Option<&'s Uses<'i, 'a>>,
}

impl Shown<'_, '_, '_> {
    fn table(&self) -> String {
        let mut headers = vec!["SUBJECT", "WAY", "BINDING", "PLACE"];
        if self.uses.is_some() {
            headers.extend(["USES", "LAST USE", "REQUEST"]);
        }
        let rows = self.admins.iter().flat_map(|(subject, admin)| self.rows(subject, admin));
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() { String::new() } else { table(&headers, &rows) }
    }

    /// His shortest way, and each other way that he used, beside the binding that opened it.
    fn rows(&self, subject: &Subject, admin: &Admin<'_, '_>) -> Vec<Vec<String>> {
        let first = admin.path.first();
        let first_way = first.map_or("", |step| step.way.id);
        let first_binding =
            first.and_then(|step| step.grants.first()).map(|grant| grant.binding.object);
        let row = |way: String, binding: Option<&Object>| {
            vec![
                subject.to_string(),
                way,
                binding.map_or_else(|| "(no authorizer is asked)".to_owned(), named),
                binding.map_or_else(String::new, |it| place(self.snapshot, it, it.root())),
            ]
        };
        let used = self.uses.map(|uses| uses.of(subject)).unwrap_or_default();
        let mut shortest = row(way(admin), first_binding.map(|binding| &**binding));
        let is_shortest = |used: &UseOfWay<'_, '_>| {
            let binding = used.needed.by.map(|(binding, _)| &binding.object.thing);
            used.needed.way.id == first_way
                && binding == first_binding.map(|binding| &binding.thing)
        };
        if self.uses.is_some() {
            match used.iter().find(|used| is_shortest(used)) {
                Some(used) => shortest.extend(cells(used, subject)),
                None => shortest.extend(["0", "none in the log", ""].map(str::to_owned)),
            }
        }
        let others = used.iter().filter(|used| !is_shortest(used)).map(|used| {
            let binding = used.needed.by.map(|(binding, _)| &**binding.object);
            let mut row = row(used.needed.way.id.to_owned(), binding);
            row.extend(cells(used, subject));
            row
        });
        let mut rows: Vec<_> = others.collect();
        rows.insert(0, shortest);
        rows
    }

    /// How many there are, and what the log shows of them.
    fn sum(&self) -> String {
        let n = self.admins.len();
        let at_least = if self.reach.has_gaps() { "at least " } else { "" };
        let mut text = format!("{at_least}{n} as good as cluster-admin");
        if let Some(uses) = self.uses {
            let n_used = self.admins.iter().filter(|(subject, _)| uses.is_used(subject)).count();
            let window = match &uses.window {
                Some((first, last)) => format!("from {first} to {last}"),
                None => "in a log without requests".to_owned(),
            };
            text += &format!(": {n_used} needed it, {} did not {window}", n - n_used);
        }
        if self.n_hidden > 0 {
            text += &format!(" · {} of every cluster not shown: --all", self.n_hidden);
        }
        text
    }

    fn json(&self) -> String {
        let admins = self.admins.iter().map(|(subject, admin)| {
            let steps = admin.path.iter().map(|step| step_json(self.snapshot, step));
            let mut json = json!({"subject": subject.to_string(), "builtIn": admin.built_in,
                "steps": steps.collect::<Vec<Json>>()});
            if let Some(uses) = self.uses {
                let found = uses.of(subject);
                json["uses"] = found.iter().map(|used| used.n).sum::<u64>().into();
                let last = found.first().map(|used| used.last.json(used.needed.way.id));
                json["lastUse"] = last.into();
                let by_way = found.iter().map(|used| used.json(self.snapshot));
                json["usedWays"] = by_way.collect::<Vec<Json>>().into();
            }
            json
        });
        let window = self.uses.map(|uses| {
            let window = uses.window.as_ref();
            json!({"from": window.map(|it| &it.0), "to": window.map(|it| &it.1)})
        });
        let fields = json!({"admins": admins.collect::<Vec<Json>>(), "notShown": self.n_hidden,
            "window": window});
        document("AccessAdmins", self.reach, fields)
    }
}

/// How often, when and what for.
fn cells(used: &UseOfWay<'_, '_>, subject: &Subject) -> [String; 3] {
    [used.n.to_string(), used.last.time.clone(), used.last.request(subject)]
}

/// `run-pods → sa:shop/ci → everything`.
fn way(admin: &Admin<'_, '_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let n_steps = admin.path.len();
    for (index, step) in admin.path.iter().enumerate() {
        parts.push(step.way.id.to_owned());
        if index + 1 < n_steps {
            parts.push(step.to.to_string());
        }
    }
    parts.join(" → ")
}
