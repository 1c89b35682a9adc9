//! `ironhull access`: who may do what, and what follows from it.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use ironhull_access::permissions::TooMany;
use ironhull_access::subject::{ANONYMOUS, MASTERS, UNAUTHENTICATED};
use ironhull_access::{Identity, Subject, grants};
use ironhull_model::{Node, Object, Snapshot, Standing, World};
use ironhull_report::text::plain;
use serde_json::{Value as Json, json};

use super::check::print_diagnostics;
use crate::args::Global;
use crate::args::access::{AccessCommand, Target, Who};
use crate::config;
use crate::estate;
use crate::exit::Exit;
use crate::printer;

mod admins;
mod diff;
mod directory;
mod graph;
mod log;
mod minimize;
mod of;
mod paths;
pub(super) mod reach;
mod stale;
mod who_can;
mod who_did;

use reach::Reach;

/// Runs the command.
pub(crate) fn run(command: &AccessCommand, global: &Global) -> anyhow::Result<Exit> {
    match command {
        AccessCommand::WhoCan(args) => who_can::run(args, global),
        AccessCommand::Of(args) => of::run(args, global),
        AccessCommand::Paths(args) => paths::run(args, global),
        AccessCommand::Admins(args) => admins::run(args, global),
        AccessCommand::Graph(args) => graph::run(args, global),
        AccessCommand::Diff(args) => diff::run(args, global),
        AccessCommand::Stale(args) => stale::run(args, global),
        AccessCommand::Minimize(args) => minimize::run(args, global),
        AccessCommand::WhoDid(args) => who_did::run(args),
    }
}

/// Reads a target; what could not be read is told.
fn read(target: &Target, global: &Global) -> anyhow::Result<Snapshot> {
    let here = [".".to_owned()];
    let targets = if target.targets.is_empty() { &here[..] } else { &target.targets };
    read_targets(targets, target.kubernetes_version.as_deref(), global)
}

pub(super) fn read_targets(
    targets: &[String],
    version: Option<&str>,
    global: &Global,
) -> anyhow::Result<Snapshot> {
    let config = config::load(global, targets)?;
    let minor = config::minor(version, &config)?;
    let options =
        estate::Options { complete: config.complete, ..estate::Options::to_ask(minor, global) };
    let snapshot = estate::read(targets, &options).snapshot;
    print_diagnostics(&snapshot);
    Ok(snapshot)
}

/// Says where nothing knows a subject: a ServiceAccount that is not there, whose bindings
/// hold for whoever makes it, or a name that no binding has, which may be misspelt.
fn note_unknown(subject: &Subject, snapshot: &Snapshot) {
    let Subject::ServiceAccount(namespace, name) = subject else {
        return match Identity::of(subject).node() {
            Some(node) => note_no_node(node, snapshot),
            None => note_unbound(subject, snapshot),
        };
    };
    let is_all = snapshot.coverage.is_complete("", "ServiceAccount");
    // Every namespace has this one, and hardly any file says so.
    let is_there =
        |account: &Object| *account.thing.namespace == **namespace && *account.thing.name == **name;
    if World::new(snapshot).of_kind("", "ServiceAccount").any(|account| is_there(account))
        || !is_all && name == "default"
    {
        return;
    }
    let place = if is_all { "" } else { " in what was read" };
    printer::error(&format!("note: there is no ServiceAccount {namespace}/{name}{place}"));
}

/// The Node authorizer gives a kubelet its rights, whatever bindings name it.
fn note_no_node(node: &str, snapshot: &Snapshot) {
    let mut nodes = World::new(snapshot).of_kind("", "Node");
    if !nodes.any(|known| *known.thing.name == *node) {
        let is_all = snapshot.coverage.is_complete("", "Node");
        let place = if is_all { "" } else { " in what was read" };
        printer::error(&plain(&format!("note: there is no Node {node}{place}")));
    }
}

fn note_unbound(subject: &Subject, snapshot: &Snapshot) {
    let rbac = ["RoleBinding", "ClusterRoleBinding"];
    let world = World::new(snapshot);
    let mut bindings =
        rbac.into_iter().flat_map(|kind| world.of_kind(ironhull_access::GROUP, kind));
    if [MASTERS, UNAUTHENTICATED, ANONYMOUS].iter().any(|name| is_named(subject, name))
        || bindings.any(|binding| grants::named(binding).contains(subject))
    {
        return;
    }
    printer::error(&format!(
        "note: no binding that was read names {}: it has what its groups have",
        plain(&subject.to_string())
    ));
}

/// Whether a subject is the user or group of this name.
fn is_named(subject: &Subject, wanted: &str) -> bool {
    matches!(subject, Subject::User(name) | Subject::Group(name) if name == wanted)
}

/// Reads a subject as people write it.
fn parsed(text: &str) -> anyhow::Result<Subject> {
    Subject::parse(text).with_context(|| {
        format!(
            "{text:?} is no subject; write user:NAME, group:NAME, sa:NAMESPACE/NAME or system:serviceaccount:NAMESPACE:NAME"
        )
    })
}

fn subject(who: &Who) -> anyhow::Result<(Subject, Identity)> {
    let subject = parsed(&who.subject)?;
    let identity = Identity::of(&subject).with_groups(who.groups.iter().map(String::as_str));
    Ok((subject, identity))
}

/// `FILE:LINE` of a node of an object.
pub(super) fn place(snapshot: &Snapshot, object: &Object, node: Node<'_>) -> String {
    if object.standing == Standing::Assumed {
        return "in every cluster".to_owned();
    }
    let source = object.origin.and_then(|origin| snapshot.source(origin.source));
    let Some(source) = source else { return String::new() };
    match node.span().and_then(|span| source.shown_position(span.start)) {
        Some(position) => format!("{}:{}", source.path, position.line),
        None => source.path.clone(),
    }
}

/// A rule that cannot be told permission by permission.
fn too_many(snapshot: &Snapshot, many: &TooMany<'_, '_>) -> anyhow::Error {
    let (role, rule) = (many.rule.role, many.rule);
    anyhow!(
        "rule {} of {} ({}) is {} permissions, too many to tell them apart\n  help: access of SUBJECT shows rules as they are",
        rule.index(),
        role.thing,
        place(snapshot, role, rule.node),
        many.n
    )
}

/// `Kind/name` without its namespace, which stands beside it.
fn named(object: &Object) -> String {
    format!("{}/{}", object.thing.kind, object.thing.name)
}

/// Where a binding holds.
fn scope(namespace: Option<&str>) -> &str {
    match namespace {
        None => "*",
        Some("") => "(not said)",
        Some(namespace) => namespace,
    }
}

/// A binding, the role behind a rule and the rule, for programs.
fn source_json(
    snapshot: &Snapshot,
    binding: &Arc<Object>,
    rule: &ironhull_access::Rule<'_>,
) -> Json {
    json!({
        "binding": {"kind": &*binding.thing.kind, "namespace": &*binding.thing.namespace,
            "name": &*binding.thing.name, "place": place(snapshot, binding, binding.root())},
        "role": {"kind": &*rule.role.thing.kind, "namespace": &*rule.role.thing.namespace,
            "name": &*rule.role.thing.name, "rule": rule.index(),
            "place": place(snapshot, rule.role, rule.node)},
        "assumed": binding.standing == Standing::Assumed,
    })
}

/// A document of this kind.
fn document(kind: &str, reach: &Reach<'_>, mut fields: Json) -> String {
    fields["complete"] = reach.is_complete().into();
    fields["unread"] = reach.json().into();
    finished(kind, fields)
}

/// A document, its kind and version first known.
fn finished(kind: &str, mut fields: Json) -> String {
    fields["apiVersion"] = "ironhull.dev/v1".into();
    fields["kind"] = kind.into();
    let mut text = serde_json::to_string_pretty(&fields).unwrap_or_default();
    text.push('\n');
    text
}

/// Columns as `kubectl` prints them.
pub(super) fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell).into_owned()).collect()).collect();
    let n_columns = headers.len();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(headers[column].len())
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    let headers = headers.iter().map(|header| (*header).to_owned()).collect();
    for row in std::iter::once(&headers).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:width$}   ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
