//! `ironhull access paths`: the shortest ways to more.

use anyhow::bail;
use ironhull_access::paths::{Paths as Found, Step};
use ironhull_access::{Access, Escalation, Power, Subject};
use ironhull_model::{Snapshot, World};
use ironhull_report::text::plain;
use serde_json::{Value as Json, json};

use super::reach::{Needs, Reach};
use super::{document, named, place, read, source_json};
use crate::args::Global;
use crate::args::access::{Output, Paths};
use crate::exit::Exit;
use crate::printer;

/// Which powers are asked for.
enum To {
    All,
    /// Secrets of any namespace.
    AnySecrets,
    One(Power),
}

pub(super) fn run(args: &Paths, global: &Global) -> anyhow::Result<Exit> {
    let (subject, who) = super::subject(&args.who)?;
    let to = args.to.as_deref().map_or(Ok(To::All), to)?;
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Ways);
    let access = Access::new(World::new(&snapshot));
    let escalation = Escalation::new(&access);
    let paths = escalation.paths(&subject, &who);
    let shown = wanted(&paths, &to);
    super::note_unknown(&subject, &snapshot);
    if let To::One(Power::Is(other)) = &to {
        super::note_unknown(other, &snapshot);
    }
    match args.output {
        Output::Table => {
            printer::data(&text(&reach, &snapshot, &subject, &paths, &shown));
            reach.admit();
        }
        Output::Json => {
            let found: Vec<Json> = shown
                .iter()
                .filter_map(|power| Some((power, paths.to(power)?)))
                .map(|(power, path)| {
                    let steps: Vec<Json> =
                        path.into_iter().map(|step| step_json(&snapshot, step)).collect();
                    json!({"to": power.to_string(), "steps": steps})
                })
                .collect();
            let fields = json!({"subject": subject.to_string(), "paths": found});
            printer::data(&document("AccessPaths", &reach, fields));
            reach.tell();
        }
    }
    let exit = reach.exit();
    let reached = !matches!(to, To::All) && !shown.is_empty();
    Ok(if reached { exit.or(Exit::Findings) } else { exit })
}

fn to(text: &str) -> anyhow::Result<To> {
    Ok(match text {
        "cluster-admin" => To::One(Power::ClusterAdmin),
        "nodes" => To::One(Power::Nodes),
        "secrets" => To::AnySecrets,
        _ => match (text.strip_prefix("secrets:"), Subject::parse(text)) {
            (Some(namespace), _) => To::One(Power::Secrets(Some(namespace.to_owned()))),
            (None, Some(subject)) => To::One(Power::Is(subject)),
            (None, None) => bail!(
                "--to {text:?} is none of cluster-admin, nodes, secrets, secrets:NAMESPACE, user:NAME, group:NAME, sa:NAMESPACE/NAME"
            ),
        },
    })
}

/// The powers to show that are reached. Whoever is cluster-admin has what is asked for.
fn wanted(paths: &Found<'_, '_>, to: &To) -> Vec<Power> {
    let reached = |power: &Power| paths.reached().any(|known| known == power);
    let mut found: Vec<Power> = match to {
        To::All => return paths.reached().cloned().collect(),
        To::One(Power::Secrets(namespace)) => {
            let all = [None, namespace.clone()].map(Power::Secrets);
            let some = namespace.clone().map(Power::SecretsOfPods);
            all.into_iter().chain(some).filter(reached).collect()
        }
        // Sending some requests as somebody is told where one is not him.
        To::One(Power::Is(other)) if !reached(&Power::Is(other.clone())) => {
            let is_as = |power: &&Power| matches!(power, Power::As(_, own) if own == other);
            paths.reached().filter(is_as).cloned().collect()
        }
        To::One(power) => Some(power.clone()).filter(reached).into_iter().collect(),
        To::AnySecrets => {
            let is_secrets =
                |power: &&Power| matches!(power, Power::Secrets(_) | Power::SecretsOfPods(_));
            paths.reached().filter(is_secrets).cloned().collect()
        }
    };
    if found.is_empty() && reached(&Power::ClusterAdmin) {
        found.push(Power::ClusterAdmin);
    }
    found
}

fn text(
    reach: &Reach<'_>,
    snapshot: &Snapshot,
    subject: &Subject,
    paths: &Found<'_, '_>,
    shown: &[Power],
) -> String {
    if shown.is_empty() {
        let limit = if reach.has_gaps() { "way in what was read" } else { "known way" };
        return format!("{} reaches none of it by any {limit}\n", plain(&subject.to_string()));
    }
    let mut text = String::new();
    // Accounts that are one step away and lead nowhere are told in one line.
    let mut others: Vec<String> = Vec::new();
    for power in shown {
        let Some(path) = paths.to(power) else { continue };
        if shown.len() > 1 && matches!(power, Power::Is(_) | Power::As(..)) {
            others.push(power.to_string());
            continue;
        }
        let n_steps = path.len();
        let plural = if n_steps == 1 { "step" } else { "steps" };
        text += &plain(&format!("{subject} → {power}   {n_steps} {plural}"));
        text.push('\n');
        for (index, step) in path.into_iter().enumerate() {
            text += &step_text(snapshot, index + 1, step);
        }
        text.push('\n');
    }
    if !others.is_empty() {
        text += &plain(&format!("and can act as {}: {}", others.len(), others.join(" ")));
        text += "\n   --to SUBJECT shows the way\n";
    }
    text
}

fn step_text(snapshot: &Snapshot, number: usize, step: &Step<'_, '_>) -> String {
    let place_of = step.namespace.as_ref().map_or(String::new(), |it| format!(" (namespace {it})"));
    let step_line = format!(
        "  {number}  {}  {}{place_of}: {} → {}",
        step.way.id, step.way.text, step.from, step.to
    );
    let mut text = plain(&step_line).into_owned() + "\n";
    for grant in &step.grants {
        let binding = grant.binding.object;
        text += &format!(
            "     {}   {} {}   {} rule {} {}\n",
            grant.what,
            named(binding),
            place(snapshot, binding, binding.root()),
            named(grant.rule.role),
            grant.rule.index(),
            place(snapshot, grant.rule.role, grant.rule.node),
        );
    }
    if let Some(condition) = &step.condition {
        text += &format!("     {condition}\n");
    }
    text
}

pub(super) fn step_json(snapshot: &Snapshot, step: &Step<'_, '_>) -> Json {
    let grants: Vec<Json> = step
        .grants
        .iter()
        .map(|grant| {
            let mut source = source_json(snapshot, grant.binding.object, grant.rule);
            source["allowed"] = json!(grant.what);
            source
        })
        .collect();
    json!({"way": step.way.id, "text": step.way.text, "from": step.from.to_string(),
        "to": step.to.to_string(), "namespace": step.namespace, "condition": step.condition,
        "grants": grants})
}
