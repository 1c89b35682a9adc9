//! `ironhull access diff`: permissions that one target gives and another does not.

use std::collections::BTreeMap;

use ironhull_access::permissions::{self, Permission, Source, Target};
use ironhull_access::{Access, Subject};
use ironhull_model::{Snapshot, World};
use serde_json::{Value as Json, json};

use super::reach::{Needs, Reach};
use super::{finished, named, place, read_targets, scope, source_json, table, too_many};
use crate::args::Global;
use crate::args::access::{Diff, Output};
use crate::exit::Exit;
use crate::printer;

/// Who, where and on what, with the verbs that differ.
type Changes<'i, 'a> = BTreeMap<(Subject, Option<String>, Target), (Vec<String>, Source<'i, 'a>)>;

pub(super) fn run(args: &Diff, global: &Global) -> anyhow::Result<Exit> {
    let version = args.kubernetes_version.as_deref();
    let before = read_targets(std::slice::from_ref(&args.before), version, global)?;
    let after = read_targets(std::slice::from_ref(&args.after), version, global)?;
    let reaches = [&before, &after].map(|snapshot| Reach::of(snapshot, Needs::Rights));
    let (old, new) = (Access::new(World::new(&before)), Access::new(World::new(&after)));
    let lost = grouped(permissions::lost(&old, &new).map_err(|many| too_many(&before, &many))?);
    let gained = grouped(permissions::lost(&new, &old).map_err(|many| too_many(&after, &many))?);
    let sides = [("-", &before, &lost), ("+", &after, &gained)];
    match args.output {
        Output::Table => {
            let rows: Vec<Vec<String>> = sides
                .into_iter()
                .flat_map(|(sign, snapshot, changes)| rows(sign, snapshot, changes))
                .collect();
            if !rows.is_empty() {
                let headers = [
                    "",
                    "WHO",
                    "NAMESPACE",
                    "RESOURCE",
                    "NAME",
                    "VERBS",
                    "BINDING",
                    "ROLE",
                    "RULE",
                ];
                printer::data(&table(&headers, &rows));
            }
            printer::data(&format!("{} lost, {} gained\n", lost.len(), gained.len()));
            if reaches[0].has_gaps() || reaches[0].is_complete() {
                reaches[0].tell();
                reaches[1].admit();
            } else {
                reaches[0].admit();
                reaches[1].tell();
            }
        }
        Output::Json => {
            let [lost, gained] =
                sides.map(|(_, snapshot, changes)| changes_json(snapshot, changes));
            let [before, after] = reaches.each_ref().map(|reach| {
                reach.tell();
                json!({"complete": reach.is_complete(), "unread": reach.json()})
            });
            let complete = reaches.iter().all(Reach::is_complete);
            let fields = json!({"lost": lost, "gained": gained, "complete": complete,
                "before": before, "after": after});
            printer::data(&finished("AccessDiff", fields));
        }
    }
    let exit = reaches[0].exit().or(reaches[1].exit());
    Ok(if lost.is_empty() && gained.is_empty() { exit } else { exit.or(Exit::Findings) })
}

fn grouped<'i, 'a>(changes: BTreeMap<(Subject, Permission), Source<'i, 'a>>) -> Changes<'i, 'a> {
    let mut grouped = Changes::new();
    for ((subject, permission), source) in changes {
        let Permission { namespace, target, verb } = permission;
        let entry = grouped.entry((subject, namespace, target));
        entry.or_insert_with(|| (Vec::new(), source)).0.push(verb);
    }
    grouped
}

fn rows(sign: &str, snapshot: &Snapshot, changes: &Changes<'_, '_>) -> Vec<Vec<String>> {
    let rows = changes.iter().map(|((subject, namespace, target), (verbs, (binding, rule)))| {
        vec![
            sign.to_owned(),
            subject.to_string(),
            scope(namespace.as_deref()).to_owned(),
            target.shown(),
            target.name().to_owned(),
            verbs.join(","),
            named(binding.object),
            named(rule.role),
            place(snapshot, rule.role, rule.node),
        ]
    });
    rows.collect()
}

fn changes_json(snapshot: &Snapshot, changes: &Changes<'_, '_>) -> Vec<Json> {
    let changes = changes.iter().map(|((subject, namespace, target), (verbs, (binding, rule)))| {
        let mut source = source_json(snapshot, binding.object, rule);
        source["subject"] = json!(subject.to_string());
        source["namespace"] = json!(namespace);
        source["on"] = json!(target.shown());
        source["name"] = json!(target.name());
        source["verbs"] = json!(verbs);
        source
    });
    changes.collect()
}
