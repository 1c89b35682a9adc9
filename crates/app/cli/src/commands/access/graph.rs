//! `ironhull access graph`: who is bound to what, and who can become whom.

use std::collections::BTreeMap;

use ironhull_access::{Access, Escalation, Power, Subject, grants};
use ironhull_model::{Standing, World};
use ironhull_report::text::plain;
use serde_json::json;

use super::reach::{Needs, Reach};
use super::{document, read, scope};
use crate::args::Global;
use crate::args::access::{Drawing, Graph};
use crate::exit::Exit;
use crate::printer;

/// A name, and the number by which edges refer to it.
#[derive(Default)]
struct Nodes {
    /// Name → (number, kind).
    known: BTreeMap<String, (usize, &'static str)>,
}

impl Nodes {
    fn add(&mut self, name: String, kind: &'static str) -> usize {
        let next = self.known.len();
        self.known.entry(name).or_insert((next, kind)).0
    }
}

struct Edge {
    from: usize,
    to: usize,
    label: String,
    /// A way to another power; otherwise a binding.
    is_way: bool,
}

pub(super) fn run(args: &Graph, global: &Global) -> anyhow::Result<Exit> {
    let snapshot = read(&args.target, global)?;
    let reach = Reach::of(&snapshot, Needs::Ways);
    let access = Access::new(World::new(&snapshot));
    let (nodes, edges) = draw(&access, args.all);
    let mut names: Vec<(&str, usize, &str)> =
        nodes.known.iter().map(|(name, (number, kind))| (&**name, *number, *kind)).collect();
    names.sort_by_key(|(_, number, _)| *number);
    let text = match args.output {
        Drawing::Dot => dot(&names, &edges),
        Drawing::Mermaid => mermaid(&names, &edges),
        Drawing::Json => {
            let nodes: Vec<_> = names
                .iter()
                .map(|(name, number, kind)| json!({"id": number, "name": name, "kind": kind}))
                .collect();
            let edges: Vec<_> = edges
                .iter()
                .map(|edge| {
                    let kind = if edge.is_way { "way" } else { "binding" };
                    json!({"from": edge.from, "to": edge.to, "label": edge.label, "kind": kind})
                })
                .collect();
            document("AccessGraph", &reach, json!({"nodes": nodes, "edges": edges}))
        }
    };
    printer::data(&text);
    match args.output {
        Drawing::Json => reach.tell(),
        Drawing::Dot | Drawing::Mermaid => reach.admit(),
    }
    Ok(reach.exit())
}

fn draw(access: &Access<'_>, all: bool) -> (Nodes, Vec<Edge>) {
    let mut nodes = Nodes::default();
    let mut edges = Vec::new();
    let mut subjects: Vec<Subject> = Vec::new();
    for binding in access.bindings() {
        let object = binding.object;
        if object.standing == Standing::Assumed && !all {
            continue;
        }
        let role = grants::role(object).replace(' ', "/");
        let role = match (role.starts_with("Role/"), binding.namespace) {
            (true, Some(namespace)) => format!("{namespace}/{role}"),
            _ => role,
        };
        let to = nodes.add(role, "role");
        for subject in grants::named(object) {
            let from = nodes.add(subject.to_string(), "subject");
            let label = format!("{} in {}", object.thing.name, scope(binding.namespace));
            edges.push(Edge { from, to, label, is_way: false });
            subjects.push(subject);
        }
    }
    subjects.sort();
    subjects.dedup();
    let escalation = Escalation::new(access);
    let mut ways: BTreeMap<(usize, usize), &str> = BTreeMap::new();
    for subject in &subjects {
        let from = Power::Is(subject.clone());
        for step in escalation.steps(&from) {
            // Whom nothing is bound to leads nowhere, and nor does acting as one whose
            // rights one may not use.
            let then = match &step.to {
                Power::Is(other) if !subjects.contains(other) => continue,
                Power::As(..) => escalation.steps(&step.to),
                _ => Vec::new(),
            };
            if matches!(step.to, Power::As(..)) && then.is_empty() {
                continue;
            }
            for step in std::iter::once(&step).chain(&then) {
                let from = nodes.add(step.from.to_string(), kind(&step.from));
                let to = nodes.add(step.to.to_string(), kind(&step.to));
                if from != to {
                    ways.entry((from, to)).or_insert(step.way.id);
                }
            }
        }
    }
    edges.extend(ways.into_iter().map(|((from, to), way)| Edge {
        from,
        to,
        label: way.to_owned(),
        is_way: true,
    }));
    (nodes, edges)
}

/// What kind of node a power is.
fn kind(power: &Power) -> &'static str {
    if matches!(power, Power::Is(_)) { "subject" } else { "power" }
}

fn dot(names: &[(&str, usize, &str)], edges: &[Edge]) -> String {
    let mut text = "digraph access {\n  rankdir=LR;\n".to_owned();
    for (name, number, kind) in names {
        let shape = match *kind {
            "role" => "box",
            "power" => "octagon",
            _ => "ellipse",
        };
        text += &format!("  n{number} [label={}, shape={shape}];\n", quoted(name));
    }
    for edge in edges {
        let style = if edge.is_way { ", style=dashed, color=red" } else { "" };
        let label = quoted(&edge.label);
        text += &format!("  n{} -> n{} [label={label}{style}];\n", edge.from, edge.to);
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(text).replace('\\', "\\\\").replace('"', "\\\""))
}

fn mermaid(names: &[(&str, usize, &str)], edges: &[Edge]) -> String {
    // Mermaid reads entities inside quotes.
    let label = |text: &str| format!("\"{}\"", plain(text).replace('"', "#quot;"));
    let mut text = "flowchart LR\n".to_owned();
    for (name, number, kind) in names {
        let name = label(name);
        text += &match *kind {
            "role" => format!("  n{number}[{name}]\n"),
            "power" => format!("  n{number}{{{{{name}}}}}\n"),
            _ => format!("  n{number}([{name}])\n"),
        };
    }
    for edge in edges {
        let arrow = if edge.is_way { "-.->" } else { "-->" };
        text += &format!("  n{} {arrow}|{}| n{}\n", edge.from, label(&edge.label), edge.to);
    }
    text
}
