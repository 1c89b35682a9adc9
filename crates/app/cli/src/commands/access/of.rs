//! `ironhull access of`: every rule that holds for a subject.

use ironhull_access::{Access, Binding, Identity, Question, Rule, permissions, subject};
use ironhull_model::{Snapshot, World};
use ironhull_schema::Schema;
use serde_json::json;

use super::reach::{Needs, Place, Reach};
use super::{document, named, place, read, scope, source_json, table};
use crate::args::Global;
use crate::args::access::{Of, Output};
use crate::exit::Exit;
use crate::printer;

pub(super) fn run(args: &Of, global: &Global) -> anyhow::Result<Exit> {
    let (subject, who) = super::subject(&args.who)?;
    let snapshot = read(&args.target, global)?;
    let place = args.namespace.as_deref().map_or(Place::Any, Place::Namespace);
    let reach = Reach::at(&snapshot, Needs::Rights, place);
    let access = Access::new(World::new(&snapshot));
    let rules = held(&access, args, &who);
    super::note_unknown(&subject, &snapshot);
    match args.output {
        Output::Table => {
            if who.is_in(subject::MASTERS) {
                printer::data(
                    "everything: no authorizer is asked about members of system:masters\n",
                );
            }
            printer::data(&rows(&snapshot, &rules));
            if let Some(node) = who.node() {
                printer::error(&format!(
                    "note: the Node authorizer also lets it read what the pods on {node} refer to"
                ));
            }
            reach.admit();
        }
        Output::Json => {
            let granted: Vec<_> = rules
                .iter()
                .map(|(binding, rule)| {
                    let list = |field| rule.strings(field).collect::<Vec<_>>();
                    let mut source = source_json(&snapshot, binding.object, rule);
                    source["namespace"] = json!(binding.namespace);
                    for field in
                        ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"]
                    {
                        source[field] = json!(list(field));
                    }
                    source
                })
                .collect();
            let fields = json!({"subject": subject.to_string(), "groups": who.groups,
                "bypass": who.is_in(subject::MASTERS), "granted": granted});
            printer::data(&document("AccessOf", &reach, fields));
            reach.tell();
        }
    }
    Ok(reach.exit())
}

fn held<'i, 'a>(
    access: &'i Access<'a>,
    args: &Of,
    who: &Identity,
) -> Vec<(&'i Binding<'a>, &'i Rule<'a>)> {
    let namespace = args.namespace.as_deref().unwrap_or(Question::ANY);
    let mut bindings: Vec<&Binding<'a>> = access.bindings_of(who, Some(namespace)).collect();
    bindings.sort_by_key(|binding| (binding.namespace, &binding.object.thing));
    bindings.dedup_by_key(|binding| &raw const **binding);
    let schema = Schema::of(access.world().base.minor);
    let rules = bindings
        .into_iter()
        .flat_map(|binding| access.rules(binding).map(move |rule| (binding, rule)));
    rules.filter(|(binding, rule)| what(schema, binding, rule).next().is_some()).collect()
}

fn rows(snapshot: &Snapshot, rules: &[(&Binding<'_>, &Rule<'_>)]) -> String {
    let schema = Schema::of(snapshot.minor);
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|(binding, rule)| {
            let join = |field| rule.strings(field).collect::<Vec<_>>().join(",");
            vec![
                scope(binding.namespace).to_owned(),
                what(schema, binding, rule).collect::<Vec<_>>().join(","),
                join("resourceNames"),
                join("verbs"),
                named(binding.object),
                named(rule.role),
                place(snapshot, rule.role, rule.node),
            ]
        })
        .collect();
    table(&["NAMESPACE", "RESOURCES", "NAMES", "VERBS", "BINDING", "ROLE", "RULE"], &rows)
}

/// `pods`, `deployments.apps`, or paths: what a binding grants of a rule. A RoleBinding
/// grants neither paths nor what stands in no namespace.
fn what<'r>(
    schema: Schema,
    binding: &Binding<'_>,
    rule: &'r Rule<'_>,
) -> impl Iterator<Item = String> + use<'r> {
    let is_everywhere = binding.namespace.is_none();
    let groups: Vec<&str> = rule.strings("apiGroups").collect();
    let resources = rule.strings("resources").flat_map(move |resource| {
        let groups = groups.clone().into_iter();
        let granted = groups.filter(move |group| {
            is_everywhere || !permissions::stands_in_none(schema, group, resource)
        });
        granted.map(move |group| match group {
            "" => resource.to_owned(),
            group => {
                let (own, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                let slash = if subresource.is_empty() { "" } else { "/" };
                format!("{own}.{group}{slash}{subresource}")
            }
        })
    });
    let urls = rule.strings("nonResourceURLs").filter(move |_| is_everywhere).map(str::to_owned);
    resources.chain(urls)
}
