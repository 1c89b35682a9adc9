//! `ironhull access admins`: who is as good as cluster-admin, and when that was needed.

use std::collections::BTreeMap;

use anyhow::bail;
use ironhull_access::{Access, Admin, Admins, Identity, Subject};
use ironhull_audit::{Event, Recent, Used, User};
use ironhull_model::{Snapshot, World};
use serde_json::{Value as Json, json};

use super::log::Logs;
use super::paths::step_json;
use super::reach::{Needs, Reach};
use super::who_did::{plain, what};
use super::{document, named, place, read, table};
use crate::args::Global;
use crate::args::access::{Admins as Args, FailOnUse, Output};
use crate::exit::Exit;
use crate::printer;

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    if args.files.is_empty() && args.fail_on != FailOnUse::Never {
        bail!("--fail-on needs the log that shows use: --audit FILE");
    }
    let logs = Logs::of(&args.files, args.since.as_deref(), args.until.as_deref())?;
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Ways);
    let access = Access::new(World::new(&snapshot));
    let admins = Admins::new(&access);
    let mut uses = Uses::default();
    let taken = logs.read(|event| uses.add(&admins, event))?;
    let shown = Shown {
        snapshot: &snapshot,
        reach: &reach,
        admins: admins.all().iter().filter(|(_, admin)| args.all || !admin.built_in).collect(),
        n_hidden: admins.all().values().filter(|admin| !args.all && admin.built_in).count(),
        uses: (!args.files.is_empty()).then_some(&uses),
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
    let is_used = |subject: &Subject| uses.by_subject.contains_key(subject);
    let counts = |subject: &Subject| match args.fail_on {
        FailOnUse::Used => is_used(subject),
        FailOnUse::Unused => !is_used(subject),
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

/// The last request of somebody that needed his way.
struct Use {
    time: String,
    verb: String,
    on: String,
    user: String,
    sent_by: Option<String>,
    way: String,
    audit_id: String,
}

/// What a log shows of use.
#[derive(Default)]
struct Uses {
    /// The last use, and how many there were.
    by_subject: BTreeMap<Subject, (Use, u64)>,
    /// The times of the first and the last request of the log, whoever sent it.
    window: Option<(String, String)>,
    recent: Recent,
}

impl Uses {
    fn add(&mut self, admins: &Admins<'_, '_>, event: &Event<'_>) {
        self.widen(&event.request_received_timestamp);
        if !event.is_decided() || !event.is_allowed() {
            return;
        }
        let mut found: Vec<(Subject, String)> = Vec::new();
        let mut look = |user: &User<'_>, used: &[Used<'_>]| {
            let mut who = None;
            let groups = user.groups.iter().map(|group| Subject::Group(group.to_string()));
            for subject in std::iter::once(Subject::user(&user.username)).chain(groups) {
                if !admins.all().contains_key(&subject) {
                    continue;
                }
                let who = who.get_or_insert_with(|| identity(user));
                let way = used.iter().find_map(|used| admins.needed(&subject, who, used));
                found.extend(way.map(|way| (subject, way.to_owned())));
            }
        };
        look(event.actor(), &event.used());
        if event.impersonated_user.is_some() {
            look(&event.user, &event.impersonated());
        }
        if found.is_empty() {
            return;
        }
        let n_new = u64::from(self.recent.is_new(&event.audit_id));
        for (subject, way) in found {
            let last = || Use::of(event, &way);
            let known = self.by_subject.entry(subject).or_insert_with(|| (last(), 0));
            known.1 += n_new;
            if *known.0.time < *event.request_received_timestamp {
                known.0 = last();
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
    fn of(event: &Event<'_>, way: &str) -> Use {
        Use {
            time: event.request_received_timestamp.to_string(),
            verb: event.verb.to_string(),
            on: what(event),
            user: event.actor().username.to_string(),
            sent_by: event.impersonated_user.as_ref().map(|_| event.user.username.to_string()),
            way: way.to_owned(),
            audit_id: event.audit_id.to_string(),
        }
    }

    fn json(&self) -> Json {
        json!({"time": self.time, "verb": self.verb, "resource": self.on, "user": self.user,
            "sentBy": self.sent_by, "way": self.way, "auditID": self.audit_id})
    }
}

struct Shown<'s, 'i, 'a> {
    snapshot: &'s Snapshot,
    reach: &'s Reach<'s>,
    admins: Vec<(&'s Subject, &'s Admin<'i, 'a>)>,
    /// How many every cluster has.
    n_hidden: usize,
    /// What logs show, where there are any.
    uses: Option<&'s Uses>,
}

impl Shown<'_, '_, '_> {
    fn table(&self) -> String {
        let mut headers = vec!["SUBJECT", "WAY", "BINDING", "PLACE"];
        if self.uses.is_some() {
            headers.extend(["USES", "LAST USE", "REQUEST"]);
        }
        let rows = self.admins.iter().map(|(subject, admin)| self.row(subject, admin));
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() { String::new() } else { table(&headers, &rows) }
    }

    fn row(&self, subject: &Subject, admin: &Admin<'_, '_>) -> Vec<String> {
        let binding = { admin.path.first() }
            .and_then(|step| step.grants.first())
            .map(|grant| grant.binding.object);
        let mut row = vec![
            subject.to_string(),
            way(admin),
            binding.map_or_else(|| "(no authorizer is asked)".to_owned(), |it| named(it)),
            binding.map_or_else(String::new, |it| place(self.snapshot, it, it.root())),
        ];
        let Some(uses) = self.uses else { return row };
        match uses.by_subject.get(subject) {
            None => row.extend(["0".to_owned(), "none in the log".to_owned(), String::new()]),
            Some((last, n)) => {
                let by = match (&last.sent_by, subject) {
                    (Some(sender), _) if *sender != last.user => {
                        format!(" as {} by {sender}", last.user)
                    }
                    (_, Subject::Group(_)) => format!(" by {}", last.user),
                    _ => String::new(),
                };
                let request = plain(&format!("{} {}{by}", last.verb, last.on));
                row.extend([n.to_string(), plain(&last.time), request]);
            }
        }
        row
    }

    /// How many there are, and what the log shows of them.
    fn sum(&self) -> String {
        let n = self.admins.len();
        let at_least = if self.reach.has_gaps() { "at least " } else { "" };
        let mut text = format!("{at_least}{n} as good as cluster-admin");
        if let Some(uses) = self.uses {
            let is_used = |subject: &Subject| uses.by_subject.contains_key(subject);
            let n_used = self.admins.iter().filter(|(subject, _)| is_used(subject)).count();
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
                let found = uses.by_subject.get(subject);
                json["uses"] = found.map_or(0, |(_, n)| *n).into();
                json["lastUse"] = found.map_or(Json::Null, |(last, _)| last.json());
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
