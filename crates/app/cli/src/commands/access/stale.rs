//! `ironhull access stale`: who has rights, and is not in the directory any more.

use ironhull_access::{Access, Subject, grants};
use ironhull_model::{Snapshot, World};
use serde_json::json;

use super::directory::Directory;
use super::reach::{Needs, Reach};
use super::{document, named, place, read, scope, table};
use crate::args::Global;
use crate::args::access::{Output, Stale};
use crate::exit::Exit;
use crate::printer;

/// A subject of a binding whom the directory does not know.
struct Found {
    subject: Subject,
    /// Its name has not the prefix that names of the directory have.
    is_foreign: bool,
    namespace: Option<String>,
    binding: String,
    role: String,
    place: String,
}

impl Found {
    fn why(&self) -> &'static str {
        if self.is_foreign { "not of the directory" } else { "not in the directory" }
    }
}

pub(super) fn run(args: &Stale, global: &Global) -> anyhow::Result<Exit> {
    let mut directory = Directory::default();
    for path in &args.directory {
        directory.add(path)?;
    }
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Rights);
    let (found, n_known) = find(&snapshot, args, &directory);
    match args.output {
        Output::Table => {
            let rows = found.iter().map(|found| {
                vec![
                    found.subject.to_string(),
                    found.why().to_owned(),
                    scope(found.namespace.as_deref()).to_owned(),
                    found.binding.clone(),
                    found.role.clone(),
                    found.place.clone(),
                ]
            });
            let rows: Vec<Vec<String>> = rows.collect();
            if !rows.is_empty() {
                let headers = ["SUBJECT", "WHY", "NAMESPACE", "BINDING", "ROLE", "PLACE"];
                printer::data(&table(&headers, &rows));
            }
            let (n, known) = (found.len(), n_known);
            printer::error(&format!("{n} bound and not in the directory, {known} bound and in it"));
            reach.admit();
        }
        Output::Json => {
            let stale: Vec<_> = found
                .iter()
                .map(|found| {
                    json!({"subject": found.subject.to_string(), "why": found.why(),
                        "namespace": found.namespace, "binding": found.binding,
                        "role": found.role, "place": found.place})
                })
                .collect();
            let fields = json!({"stale": stale, "known": n_known});
            printer::data(&document("AccessStale", &reach, fields));
            reach.tell();
        }
    }
    let told = if found.is_empty() { Exit::Clean } else { Exit::Findings };
    Ok(reach.exit().or(told))
}

/// Users and groups of bindings whom the directory does not know, and how many it does.
/// ServiceAccounts and names of the system are of no directory.
fn find(snapshot: &Snapshot, args: &Stale, directory: &Directory) -> (Vec<Found>, usize) {
    let access = Access::new(World::new(snapshot));
    let mut found = Vec::new();
    let mut n_known = 0;
    for binding in access.written_bindings() {
        for subject in grants::written(binding.object) {
            let (name, prefix, is_user) = match &subject {
                Subject::User(name) => (name, &args.user_prefix, true),
                Subject::Group(name) => (name, &args.group_prefix, false),
                Subject::ServiceAccount(..) => continue,
            };
            if name.starts_with("system:") {
                continue;
            }
            let own = name.strip_prefix(prefix.as_str());
            let is_known = own.is_some_and(|own| {
                if is_user { directory.has_user(own) } else { directory.has_group(own) }
            });
            if is_known {
                n_known += 1;
                continue;
            }
            found.push(Found {
                is_foreign: own.is_none(),
                namespace: binding.namespace.map(str::to_owned),
                binding: named(binding.object),
                role: grants::role(binding.object),
                place: place(snapshot, binding.object, binding.object.root()),
                subject,
            });
        }
    }
    found.sort_by(|one, other| {
        let key = |found: &Found| {
            (found.subject.to_string(), found.namespace.clone(), found.binding.clone())
        };
        key(one).cmp(&key(other))
    });
    (found, n_known)
}
