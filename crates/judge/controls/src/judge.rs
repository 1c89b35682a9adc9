//! Facts → findings. [`Judge`] is built once for a world; each object is judged
//! on its own, so that the caller may spread them over threads.

use ironhull_access::Access;
use ironhull_cel::{Binding, Val};
use ironhull_model::{Facts, Kind, Node, Object, Severity, Verdict, World};
use ironhull_network::Network;
use ironhull_peers::Peers;
use ironhull_schema::Schema;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::control::{Applies, CelRule, Control, Rule};
use crate::definitions::Definitions;
use crate::native;
use crate::policies::Assignment;

mod broken;
mod cel_rule;
pub mod evidence;
mod findings;
mod joins;
mod judgement;
mod looks;
pub mod owners;
mod repair;

pub(crate) use broken::not_decoded;
pub(crate) use judgement::by_subject;
pub use judgement::{Judgement, Tally};
pub use looks::{Fault, Said};

/// Judges objects of one world by one list of controls.
pub struct Judge<'a> {
    world: World<'a>,
    controls: &'a [&'a Control],
    assignments: &'a [Assignment<'a>],
    /// For each control the assignments that policies make.
    by_policy: Vec<Vec<usize>>,
    schema: Schema,
    for_pods: Vec<usize>,
    for_any: Vec<usize>,
    for_kinds: HashMap<(&'a str, &'a str), Vec<usize>>,
    for_cluster: Vec<usize>,
    /// Findings below it come without evidence and repair.
    proof_from: Severity,
    /// Objects by the address of their value, for evidence.
    by_value: HashMap<usize, &'a Object>,
    /// Namespace objects by name, of several the first.
    namespaces: HashMap<&'a str, Node<'a>>,
    joins: joins::Joins<'a>,
    /// For each assignment what its findings share.
    names: Vec<Names>,
    /// For each assignment how its rule is run.
    prepared: Vec<Prepared<'a>>,
    /// How many lists of `each` are of a subject alone.
    n_lists: usize,
    /// The index of network questions, made when the first is asked.
    network: OnceLock<Network<'a>>,
    /// The index of who may do what, made when the first asks.
    access: OnceLock<Access<'a>>,
    /// The add-ons, looked for when the first asks.
    peers: OnceLock<Peers<'a>>,
    /// The definitions of custom resources, looked up when the first is judged.
    definitions: OnceLock<Definitions<'a>>,
}

/// What the findings of an assignment share.
struct Names {
    /// The control's id.
    control: Arc<str>,
    /// The policy's name; empty for the default.
    policy: Arc<str>,
    /// What the control's repairs may stop.
    may: Option<Arc<str>>,
}

/// A rule, ready to be run.
enum Prepared<'a> {
    Cel(&'a CelRule, cel_rule::Early),
    /// None for an adapter that this version does not have.
    Native(Option<(native::Native, native::Looks)>),
}

/// An object with the parts that rules name.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) object: &'a Object,
    pub(crate) pod: Option<Node<'a>>,
    pub(crate) meta: Option<Node<'a>>,
    /// The Namespace object it is in, when the world has it.
    pub(crate) namespace: Option<Node<'a>>,
    /// What stands outside of its document.
    pub(crate) facts: Facts<'a>,
}

impl<'a> Judge<'a> {
    /// Prepares to judge. Controls that are not for the world's minor judge
    /// nothing. `assignments` are of [`crate::policies::assign`] over the same controls.
    pub fn new(
        world: World<'a>,
        controls: &'a [&'a Control],
        assignments: &'a [Assignment<'a>],
    ) -> Judge<'a> {
        let minor = world.base.minor;
        let mut judge = Judge {
            world,
            controls,
            assignments,
            by_policy: vec![Vec::new(); controls.len()],
            schema: Schema::of(minor),
            for_pods: Vec::new(),
            for_any: Vec::new(),
            for_kinds: HashMap::new(),
            for_cluster: Vec::new(),
            proof_from: Severity::Low,
            namespaces: namespaces(world),
            joins: joins::Joins::new(world, controls),
            names: Vec::new(),
            prepared: Vec::new(),
            n_lists: 0,
            by_value: world
                .objects()
                .map(|object| (&raw const object.value as usize, &**object))
                .collect(),
            network: OnceLock::new(),
            access: OnceLock::new(),
            peers: OnceLock::new(),
            definitions: OnceLock::new(),
        };
        let mut lists = Vec::new();
        for (index, assignment) in assignments.iter().enumerate() {
            let control = controls[assignment.control];
            judge.names.push(Names {
                control: (&*control.id).into(),
                policy: assignment.name().into(),
                may: control.may.as_deref().map(Into::into),
            });
            judge.prepared.push(match &control.rule {
                Rule::Cel(rule) => Prepared::Cel(rule, cel_rule::Early::of(rule, &mut lists)),
                Rule::Native(name) => Prepared::Native(native::find(name)),
            });
            if !control.is_for(minor) {
                continue;
            }
            if assignment.policy.is_some() {
                judge.by_policy[assignment.control].push(index);
            }
            if !judge.unseen(control).is_empty() {
                judge.for_cluster.push(index);
            }
            match &control.applies {
                Applies::Pods => judge.for_pods.push(index),
                Applies::Any => judge.for_any.push(index),
                Applies::Cluster => judge.for_cluster.push(index),
                Applies::Kinds(kinds) => {
                    for (group, kind) in kinds {
                        judge.for_kinds.entry((group, kind)).or_default().push(index);
                    }
                }
            }
        }
        judge.n_lists = lists.len();
        judge
    }

    /// The kinds that a control judges and of which no object was seen though there may
    /// be some. A control over any kind is not about what is missing.
    fn unseen(&self, control: &Control) -> Vec<&'a str> {
        let is_about = |(group, kind): (&str, &str)| match &control.applies {
            Applies::Kinds(kinds) => {
                kinds.iter().any(|(of, name)| (&**of == "*" || &**of == group) && &**name == kind)
            }
            Applies::Pods => {
                (group, kind) == ("", "Pod")
                    || ironhull_schema::template_path(group, kind).is_some()
            }
            Applies::Any | Applies::Cluster => false,
        };
        let unseen = self.world.base.unseen().filter(|kind| is_about(*kind));
        unseen.map(|(_, kind)| kind).collect()
    }

    /// Leaves evidence and repair out of findings below a severity. Proof costs a
    /// second evaluation, which is wasted on what is only counted.
    #[must_use]
    pub fn prove_from(mut self, severity: Severity) -> Judge<'a> {
        self.proof_from = severity;
        self
    }

    /// An empty judgement of the right size, to fill and merge.
    pub fn judgement(&self) -> Judgement {
        Judgement::sized(self.controls.len())
    }

    /// Judges one object by every control that applies to it. What is assumed to
    /// exist everywhere is not judged, only looked at.
    pub fn object(&self, object: &'a Object, judgement: &mut Judgement) {
        let Some(subject) = self.subject(object) else { return };
        let mut shared = cel_rule::Shared::new(self.n_lists, &subject);
        let first = judgement.findings.len();
        for index in self.rules_for(&subject) {
            if let Some(verdict) = self.judge(index, &subject, &mut shared, judgement) {
                judgement.tallies[self.assignments[index].control].count(verdict);
            }
        }
        let made = &mut judgement.findings[first..];
        if let Some(owner) = owners::outermost(self.world, object) {
            owners::hand_over(made, object, owner);
        }
        made.sort_by(by_subject);
        let n_unread = std::mem::take(&mut judgement.unreadable).len();
        judgement.errors.extend(not_decoded(self.schema, object, n_unread));
    }

    /// An object with what rules name of it; none when it is not judged.
    fn subject(&self, object: &'a Object) -> Option<Subject<'a>> {
        if !object.is_judged() || owners::is_over(object) {
            return None;
        }
        let root = object.root();
        let thing = &object.thing;
        let pod = self.schema.pod_spec(&thing.group, &thing.kind, root);
        let meta = self.schema.pod_meta(&thing.group, &thing.kind, root);
        let namespace = self.namespaces.get(&*thing.namespace).copied();
        let facts = self.world.base.facts_for(thing);
        Some(Subject { object, pod, meta, namespace, facts })
    }

    /// The assignments that may judge a subject.
    fn rules_for(&self, subject: &Subject<'a>) -> impl Iterator<Item = usize> {
        let thing = &subject.object.thing;
        let for_pods = subject.pod.is_some().then_some(&self.for_pods);
        let of_group = |group| self.for_kinds.get(&(group, &*thing.kind));
        let for_kind = of_group(&*thing.group).into_iter().chain(of_group("*"));
        // Files that programs read have none, and are nothing that an API server keeps.
        let for_any = subject.object.root().get("metadata").map(|_| &self.for_any);
        for_pods.into_iter().chain(for_any).chain(for_kind).flatten().copied()
    }

    /// Judges the estate as a whole.
    pub fn estate(&self, judgement: &mut Judgement) {
        for &index in self.of_estate() {
            self.estate_under(index, judgement);
        }
    }

    /// The assignments that judge the estate as a whole, or what of it is not there.
    pub fn of_estate(&self) -> &[usize] {
        &self.for_cluster
    }

    /// Judges the estate as a whole by one of [`Judge::of_estate`].
    pub fn estate_under(&self, index: usize, judgement: &mut Judgement) {
        if let Some(verdict) = self.estate_by(index, judgement) {
            judgement.tallies[self.assignments[index].control].count(verdict);
        }
    }

    /// Judges the estate by one assignment.
    fn estate_by(&self, index: usize, judgement: &mut Judgement) -> Option<Verdict> {
        if !self.in_force(index, None) {
            return None;
        }
        let first = judgement.findings.len();
        let verdict = match self.prepared[index] {
            _ if self.control(index).applies != Applies::Cluster => {
                judgement.findings.push(self.unseen_finding(index));
                Verdict::Unknown
            }
            Prepared::Cel(rule, early) => {
                let object = &self.world.base.cluster;
                let facts = self.facts_of_cluster();
                let cluster = Subject { object, pod: None, meta: None, namespace: None, facts };
                let mut shared = cel_rule::Shared::new(self.n_lists, &cluster);
                self.cel(index, rule, early, &cluster, &mut shared, judgement)
            }
            Prepared::Native(native) => self.native(index, native, None, judgement),
        };
        for finding in &mut judgement.findings[first..] {
            let object = self.world.get(&finding.subject);
            let made =
                object.and_then(|object| Some((object, owners::outermost(self.world, object)?)));
            if let Some((object, owner)) = made {
                owners::hand_over(std::slice::from_mut(finding), object, owner);
            }
        }
        Some(verdict)
    }

    fn judge(
        &self,
        index: usize,
        subject: &Subject<'a>,
        shared: &mut cel_rule::Shared<'a>,
        judgement: &mut Judgement,
    ) -> Option<Verdict> {
        if !self.in_force(index, Some(subject.object)) {
            return None;
        }
        Some(match self.prepared[index] {
            Prepared::Cel(rule, early) => self.cel(index, rule, early, subject, shared, judgement),
            Prepared::Native(native) => self.native(index, native, Some(subject), judgement),
        })
    }

    /// Whether an assignment judges a subject: its policy covers it, and no other
    /// one that asks the same takes its place.
    fn in_force(&self, index: usize, object: Option<&Object>) -> bool {
        let own = &self.assignments[index];
        let rivals = &self.by_policy[own.control];
        rivals.is_empty()
            || own.covers(object)
                && !rivals.iter().any(|&rival| {
                    let other = &self.assignments[rival];
                    rival != index && other.replaces(own) && other.covers(object)
                })
    }

    /// The control of an assignment.
    fn control(&self, index: usize) -> &'a Control {
        self.controls[self.assignments[index].control]
    }

    fn native(
        &self,
        index: usize,
        native: Option<(native::Native, native::Looks)>,
        subject: Option<&Subject<'a>>,
        judgement: &mut Judgement,
    ) -> Verdict {
        let Some((native, _)) = native else { return Verdict::Unknown };
        let answer = native(&native::Subject {
            world: self.world,
            schema: self.schema,
            object: subject.map(|subject| subject.object),
            pod: subject.and_then(|subject| subject.pod),
            meta: subject.and_then(|subject| subject.meta),
            facts: subject.map_or_else(|| self.facts_of_cluster(), |subject| subject.facts),
            params: self.params_of(index).root(),
            is_proven: self.severity(index) >= self.proof_from,
            network: &|| self.network.get_or_init(|| Network::new(self.world)),
            access: &|| self.access.get_or_init(|| Access::new(self.world)),
            peers: &|| self.peers.get_or_init(|| Peers::new(self.world)),
            definitions: &|| self.definitions.get_or_init(|| Definitions::new(self.world)),
        });
        let native::Answer::Elements(elements) = answer else { return Verdict::NotApplicable };
        let mut verdict = Verdict::Holds;
        for element in elements {
            if let Some(finding) = self.native_finding(index, subject, element) {
                verdict = verdict.max(finding.verdict);
                judgement.findings.push(finding);
            }
        }
        verdict
    }

    fn facts_of_cluster(&self) -> Facts<'a> {
        self.world.base.facts_for(&self.world.base.cluster.thing)
    }

    fn severity(&self, index: usize) -> Severity {
        self.control(index).worst()
    }
}

fn namespaces(world: World<'_>) -> HashMap<&str, Node<'_>> {
    let mut by_name = HashMap::new();
    for object in world.of_kind("", "Namespace").filter(|object| object.thing.namespace.is_empty())
    {
        by_name.entry(&*object.thing.name).or_insert(object.root());
    }
    by_name
}

/// What a binding shows to a person.
pub(crate) fn shown(value: &Val<'_>) -> String {
    match value.node() {
        Some(node) if !matches!(node.kind(), Kind::Map | Kind::List) => node.display(),
        _ => value.display(),
    }
}

/// Bindings with all base variables unset.
pub(crate) fn unset<'a>(n: usize) -> Vec<Binding<'a>> {
    (0..n).map(|_| Binding::Unset).collect()
}
