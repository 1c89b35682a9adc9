//! `ironhull access graph`: who is bound to what, and who can become whom.

use std::collections::BTreeMap;

use ironhull_access::paths::{End, Many};
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
    let mut ways = Ways {
        escalation: &escalation,
        subjects: &subjects,
        drawn: BTreeMap::new(),
        many: BTreeMap::new(),
    };
    for subject in &subjects {
        ways.follow(&Power::Is(subject.clone()), &mut nodes);
    }
    edges.extend(ways.drawn.into_iter().map(|((from, to), way)| Edge {
        from,
        to,
        label: way.to_owned(),
        is_way: true,
    }));
    (nodes, edges)
}

/// The ways that are drawn.
struct Ways<'e, 'i, 'a> {
    escalation: &'e Escalation<'i, 'a>,
    /// Those whom bindings name, in order.
    subjects: &'e [Subject],
    /// By their ends, each once.
    drawn: BTreeMap<(usize, usize), &'static str>,
    /// Of many, where ways to them lead; nowhere where none of them leads on.
    many: BTreeMap<Many, Option<usize>>,
}

impl Ways<'_, '_, '_> {
    /// Draws the ways from a power.
    fn follow(&mut self, from: &Power, nodes: &mut Nodes) {
        for (way, end) in self.escalation.ends(from) {
            let to = match end {
                End::One(power) => self.one(&power, nodes),
                End::Many(many) => self.many(many, nodes),
            };
            if let Some(to) = to {
                let from = nodes.add(from.to_string(), kind(from));
                self.draw(from, to, way.id);
            }
        }
    }

    fn draw(&mut self, from: usize, to: usize, label: &'static str) {
        if from != to {
            self.drawn.entry((from, to)).or_insert(label);
        }
    }

    /// The node of a power. Whom nothing is bound to leads nowhere, and nor does acting as
    /// one whose rights one may not use.
    fn one(&mut self, power: &Power, nodes: &mut Nodes) -> Option<usize> {
        match power {
            Power::Is(other) if self.subjects.binary_search(other).is_err() => return None,
            Power::As(..) if self.escalation.ends(power).is_empty() => return None,
            Power::As(..) => self.follow(power, nodes),
            _ => {}
        }
        Some(nodes.add(power.to_string(), kind(power)))
    }

    /// The node of many, which leads to each of them; of one alone its own.
    fn many(&mut self, many: Many, nodes: &mut Nodes) -> Option<usize> {
        if let Some(known) = self.many.get(&many) {
            return *known;
        }
        let all: Vec<usize> =
            self.escalation.each(&many).filter_map(|power| self.one(&power, nodes)).collect();
        let node = match all[..] {
            [] => None,
            [one] => Some(one),
            _ => {
                let node = nodes.add(many.to_string(), "set");
                all.into_iter().for_each(|one| self.draw(node, one, "each of them"));
                Some(node)
            }
        };
        self.many.insert(many, node);
        node
    }
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
            "set" => "folder",
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
            "set" => format!("  n{number}[/{name}/]\n"),
            _ => format!("  n{number}([{name}])\n"),
        };
    }
    for edge in edges {
        let arrow = if edge.is_way { "-.->" } else { "-->" };
        text += &format!("  n{} {arrow}|{}| n{}\n", edge.from, label(&edge.label), edge.to);
    }
    text
}
