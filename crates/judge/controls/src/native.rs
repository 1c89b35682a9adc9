//! Rules that an engine decides. An adapter turns the engine's answer into
//! (pointer, message, evidence) per element; it holds no judgement of its own.

use std::sync::Arc;

use ironhull_access::Access;
use ironhull_model::{Facts, Node, Object, Pointer, RepairStep, Severity, ThingRef, World};
use ironhull_network::Network;
use ironhull_peers::Peers;
use ironhull_schema::Schema;

use crate::definitions::Definitions;

mod access;
mod components;
mod custom_resource;
mod estate;
mod exposure;
mod network;
mod peers;
mod pod_security;
mod process;
mod schema;
mod secrets;
mod upgrade;
mod webhooks;

/// What an adapter judges.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Everything else.
    pub world: World<'a>,
    /// The schemas of the assumed minor.
    pub schema: Schema,
    /// The object; none for `applies: cluster`.
    pub object: Option<&'a Object>,
    /// Its `PodSpec`, for `applies: pods`.
    pub pod: Option<Node<'a>>,
    /// The metadata of its pod template.
    pub meta: Option<Node<'a>>,
    /// What stands outside of the object's document.
    pub facts: Facts<'a>,
    /// The control's parameters.
    pub params: Node<'a>,
    /// Whether findings are shown one by one. Where they are only counted, their
    /// message, evidence and repair may be left out.
    pub is_proven: bool,
    /// The index of network questions, made once for all who ask.
    pub network: &'a dyn Fn() -> &'a Network<'a>,
    /// The index of who may do what, made once for all who ask.
    pub access: &'a dyn Fn() -> &'a Access<'a>,
    /// The add-ons, looked for once for all who ask.
    pub peers: &'a dyn Fn() -> &'a Peers<'a>,
    /// The definitions of custom resources, read once for all of them.
    pub definitions: &'a dyn Fn() -> &'a Definitions<'a>,
}

/// One element that violates, or cannot be decided.
#[derive(Debug, Default)]
pub struct Element {
    /// The thing it belongs to, if not the subject (`applies: cluster`).
    pub subject: Option<Arc<ThingRef>>,
    /// Its name, stable under reordering; empty for the subject as a whole.
    pub name: String,
    /// Where the finding points.
    pub at: Pointer,
    /// What is wrong.
    pub message: String,
    /// What was read, besides `at`: pointers into the subject.
    pub evidence: Vec<Pointer>,
    /// What was read in other objects.
    pub related: Vec<(Arc<ThingRef>, Pointer)>,
    /// Instead of the control's severity.
    pub severity: Option<Severity>,
    /// What helps.
    pub repair: Vec<RepairStep>,
    /// When not empty the element is unknown: what is missing.
    pub missing: Vec<String>,
}

/// What an adapter answers.
pub enum Answer {
    /// The sentence is about nothing here.
    NotApplicable,
    /// The elements that do not hold; none means that it holds.
    Elements(Vec<Element>),
}

/// An adapter.
pub type Native = fn(&Subject<'_>) -> Answer;

/// What an adapter looks at besides its subject, the subject's Namespace and facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Looks {
    /// Nothing.
    Own,
    /// Objects of these kinds: (group, kind).
    At(&'static [(&'static str, &'static str)]),
    /// Whatever there is.
    Everywhere,
}

/// Adapters with their names, and what they look at.
type Rules = &'static [(&'static str, Native, Looks)];

const TABLES: &[Rules] = &[
    access::RULES,
    components::RULES,
    custom_resource::RULES,
    estate::RULES,
    exposure::RULES,
    network::RULES,
    peers::RULES,
    pod_security::RULES,
    process::RULES,
    schema::RULES,
    secrets::RULES,
    upgrade::RULES,
    webhooks::RULES,
];

/// The adapter of this name, `engine/rule`, and what it looks at.
pub fn find(name: &str) -> Option<(Native, Looks)> {
    let found = TABLES.iter().copied().flatten().find(|(known, ..)| *known == name);
    found.map(|(_, native, looks)| (*native, *looks))
}

/// The names of all adapters.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(|(name, ..)| *name)
}
