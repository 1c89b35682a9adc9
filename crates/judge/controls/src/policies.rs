//! Policies: which controls hold where, with which parameters, and how far each goes.
//!
//! ```yaml
//! apiVersion: ironhull.dev/v1
//! kind: Policy
//! metadata: { name: payments }
//! spec:
//!   controls: [host-path-sensitive, "@pss-restricted", "image-*"]
//!   scope: [{ namespace: "payments*" }]        # none is everywhere
//!   except: [{ kind: Job, name: migrate }]
//!   params: { host-path-sensitive: { paths: [/etc, /srv] } }
//!   rung: warn                                 # observe, warn, stop-new, stop
//!   owner: payments-team
//! ```
//!
//! Every control holds everywhere with its own parameters at rung `stop`, unless a
//! policy covers the subject. Where several policies ask the same of a subject
//! (the same parameters), the strictest counts; where they ask different things,
//! each is judged.

use std::collections::BTreeMap;

use ironhull_model::finding::Rung;
use ironhull_model::{Builder, Code, Diagnostic, Node, Object, SourceId, Value};

use crate::control::Control;
use crate::reader::{self, Reader};
use crate::scope::{Scope, glob};

/// One policy, as read.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `metadata.name`; the assignment's name in findings.
    pub name: String,
    /// How far it goes.
    pub rung: Rung,
    /// Who answers for it.
    pub owner: Option<String>,
    controls: Vec<String>,
    scope: Scope,
    except: Scope,
    params: BTreeMap<String, Value>,
}

impl Policy {
    /// The controls and packs that it names.
    pub fn controls(&self) -> &[String] {
        &self.controls
    }

    /// Whether it says something about things in a namespace.
    pub fn reaches(&self, namespace: &str) -> bool {
        let is_in = self.scope.is_empty() || self.scope.reaches(namespace, false);
        is_in && !self.except.reaches(namespace, true)
    }
}

/// Reads a `Policy` document. Names of controls and parameters are checked
/// against the controls that exist; a policy with any mistake is not applied.
pub fn read(
    document: Node<'_>,
    source: SourceId,
    known: &[&Control],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Policy> {
    let before = diagnostics.len();
    let mut reader = Reader::new(document, source, Code::PolicyInvalid, diagnostics);
    reader.also_known(&["apiVersion", "kind"]);
    let metadata = reader.required("metadata");
    let name = metadata.and_then(|metadata| metadata.get("name")).and_then(Node::as_str);
    let spec = reader.required("spec");
    reader.finish();
    let mut reader = Reader::new(spec?, source, Code::PolicyInvalid, diagnostics);
    let controls = names(&mut reader, known);
    let scope = Scope::read(&mut reader, "scope");
    let except = Scope::read(&mut reader, "except");
    let params = params(&mut reader, known);
    let rung = rung(&mut reader);
    let owner = reader.str("owner").map(str::to_owned);
    reader.finish();
    let name = name?.to_owned();
    let policy = Policy { name, rung, owner, controls, scope, except, params };
    (diagnostics.len() == before).then_some(policy)
}

/// The names of controls, packs (`@cis`) and patterns (`image-*`) that a policy selects.
fn names(reader: &mut Reader<'_, '_>, known: &[&Control]) -> Vec<String> {
    let names: Vec<String> = reader.strs("controls").into_iter().map(str::to_owned).collect();
    let at = reader.node().get("controls").unwrap_or(reader.node());
    if names.is_empty() {
        reader.wrong(at, "controls names no control");
    }
    for name in &names {
        if !known.iter().any(|control| selects(name, control)) {
            reader.wrong(at, format!("{name:?} is no control{}", suggestion(name, known)));
        }
    }
    names
}

fn params(reader: &mut Reader<'_, '_>, known: &[&Control]) -> BTreeMap<String, Value> {
    let mut params = BTreeMap::new();
    for (id, given) in reader.get("params").into_iter().flat_map(Node::entries) {
        let Some(control) = known.iter().find(|control| *control.id == *id) else {
            reader.wrong(given, format!("{id:?} is no control{}", suggestion(id, known)));
            continue;
        };
        let own = own_params(control);
        for (name, value) in given.entries() {
            let wanted = own.root().get(name);
            match wanted {
                Some(wanted) if wanted.kind() == value.kind() => {}
                Some(wanted) => reader.wrong(
                    value,
                    format!("{id}.{name} must be a {}, not a {}", wanted.kind(), value.kind()),
                ),
                None => {
                    let all: Vec<&str> = own.root().entries().map(|(name, _)| name).collect();
                    let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
                    reader.wrong(value, format!("{id} has no parameter {name:?}; it has {all}"));
                }
            }
        }
        params.insert(id.to_owned(), given.to_value());
    }
    params
}

fn rung(reader: &mut Reader<'_, '_>) -> Rung {
    let Some(text) = reader.str("rung") else { return Rung::Stop };
    Rung::ALL.into_iter().find(|rung| rung.as_str() == text).unwrap_or_else(|| {
        let at = reader.node().get("rung").unwrap_or(reader.node());
        reader.wrong(at, format!("rung {text:?} is none of observe, warn, stop-new, stop"));
        Rung::Stop
    })
}

/// Whether a name as users write it (an id, a pattern with `*`, or a pack with
/// `@`) means a control. A standard with items of the control is a pack too.
pub fn selects(name: &str, control: &Control) -> bool {
    let Some(pack) = name.strip_prefix('@') else { return glob(name, &control.id) };
    let has = |pack: &str| control.packs.iter().any(|own| **own == *pack);
    has(pack)
        || (pack == "pss-restricted" && has("pss-baseline"))
        || control.standards.iter().any(|standard| *standard.name == *pack)
}

/// The controls that names mean; all of them when there is no name.
///
/// # Errors
/// What to say of a name that means none.
pub fn select<'c>(every: &[&'c Control], names: &[&str]) -> Result<Vec<&'c Control>, String> {
    let means = |name: &str| every.iter().any(|control| selects(name, control));
    if let Some(name) = names.iter().find(|name| !means(name)) {
        return Err(format!("{name:?} is no control{}", suggestion(name, every)));
    }
    let wanted =
        |control: &Control| names.is_empty() || names.iter().any(|name| selects(name, control));
    Ok(every.iter().copied().filter(|control| wanted(control)).collect())
}

/// What to say behind a name that means no control.
pub fn suggestion(name: &str, known: &[&Control]) -> String {
    let ids: Vec<&str> = known.iter().map(|control| &*control.id).collect();
    match reader::nearest(name, &ids) {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None => "; `ironhull show controls` lists them".to_owned(),
    }
}

/// A control as it is judged: with which parameters, and by which policy.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The control, by its place in the list that is judged.
    pub control: usize,
    /// Its parameters.
    pub params: Value,
    /// Who assigned it; none is the default.
    pub policy: Option<&'a Policy>,
}

impl<'a> Assignment<'a> {
    /// The default: everywhere, at rung `stop`, with `given` over the control's
    /// own parameters.
    pub fn by_default(index: usize, control: &Control, given: Option<&Value>) -> Assignment<'a> {
        Assignment { control: index, params: merged(control, given), policy: None }
    }

    /// The policy's name; empty for the default.
    pub fn name(&self) -> &'a str {
        self.policy.map_or("", |policy| &policy.name)
    }

    /// How far it goes.
    pub fn rung(&self) -> Rung {
        self.policy.map_or(Rung::Stop, |policy| policy.rung)
    }

    /// Whether it judges a subject; none is the estate as a whole.
    pub(crate) fn covers(&self, object: Option<&Object>) -> bool {
        let Some(policy) = self.policy else { return true };
        match object {
            None => policy.scope.is_empty(),
            Some(object) => {
                (policy.scope.is_empty() || policy.scope.has(&object.thing, Some(object)))
                    && !policy.except.has(&object.thing, Some(object))
            }
        }
    }

    /// Whether it takes the place of another assignment of the same control
    /// where both cover a subject.
    pub(crate) fn replaces(&self, other: &Assignment<'_>) -> bool {
        other.policy.is_none()
            || (self.params == other.params
                && (self.rung(), other.name()) > (other.rung(), self.name()))
    }
}

/// Every control by default, and by each policy that selects it.
pub fn assign<'a>(controls: &[&Control], policies: &'a [Policy]) -> Vec<Assignment<'a>> {
    let mut assignments: Vec<Assignment<'a>> = controls
        .iter()
        .enumerate()
        .map(|(index, control)| Assignment::by_default(index, control, None))
        .collect();
    for policy in policies {
        for (index, control) in controls.iter().enumerate() {
            if policy.controls.iter().any(|name| selects(name, control)) {
                assignments.push(Assignment {
                    control: index,
                    params: merged(control, policy.params.get(&*control.id)),
                    policy: Some(policy),
                });
            }
        }
    }
    assignments
}

fn own_params(control: &Control) -> Value {
    serde_json::from_str(&control.params).unwrap_or_else(|_| Builder::new().finish())
}

/// A control's parameters with those that are given instead.
fn merged(control: &Control, given: Option<&Value>) -> Value {
    let own = own_params(control);
    let Some(given) = given else { return own };
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, node) in own.root().entries() {
        builder.key(key, 0);
        builder.copy(given.root().get(key).unwrap_or(node));
    }
    builder.end(0);
    builder.finish()
}

#[cfg(test)]
mod tests;
