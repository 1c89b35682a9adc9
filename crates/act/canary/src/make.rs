//! Canaries from the controls' own examples: an object that violates one control and
//! as little else as can be, and its twin without that violation.

use std::sync::Arc;

use ironhull_controls::control::{Applies, Control, Surface};
use ironhull_controls::{Assignment, Judge, examples};
use ironhull_model::{
    Finding, Minor, Object, RepairStep, Severity, Snapshot, Value, Verdict, World,
};
use ironhull_schema::{KindInfo, Schema, Scope, defaults};
use ironhull_secrets::Salt;
use serde_json::{Value as Json, json};

use crate::elsewhere::{Elsewhere, moved};
use crate::fill;
use crate::wrap::Wrapping;

/// The name that the API server makes a canary's from.
pub const NAME: &str = "ironhull-canary-";
/// The label that says of which control an object is the canary.
pub const LABEL: &str = "ironhull.dev/canary";

/// How often repairs are looked for again: each may open the way for another.
const MOST_ROUNDS: usize = 24;

/// The namespace that a canary is made in, before it is sent to real ones.
pub(crate) const SOMEWHERE: &str = "somewhere";

/// An object that violates a control.
#[derive(Debug)]
pub struct Canary<'a> {
    /// Which control.
    pub control: &'a Control,
    /// How bad the violation is.
    pub severity: Severity,
    /// What is wrong with it.
    pub message: String,
    /// In which container, when it is no ordinary one: many guards look at these only.
    pub container: Option<&'static str>,
    /// Its kind, as the API server serves it.
    pub kind: &'static KindInfo,
    /// The object.
    pub object: Json,
    /// The same where the control holds: after its repair, else from an example.
    pub twin: Json,
    /// The fault in the other list of containers, where it is one there too.
    pub elsewhere: Option<Elsewhere>,
    /// The two inside of workloads, for a pod that violates the control there too.
    pub workloads: Vec<Workload>,
}

impl Canary<'_> {
    /// Whether its fault is in how a component of Kubernetes runs: controls of pods on the
    /// cluster's surface look at those that run the cluster. Whoever may start these
    /// decides on the cluster; admission is not there to stop him, and kubelets start
    /// them of files without asking.
    pub fn is_of_platform(&self) -> bool {
        self.control.surface == Surface::Cluster && self.control.applies == Applies::Pods
    }
}

/// A canary that is a pod, and its twin, as the templates of workloads. Some engines
/// look at pods only, some at Deployments only, some find no template that lies deeper.
#[derive(Debug)]
pub struct Workload {
    /// In what.
    pub wrapping: Wrapping,
    /// That, as the API server serves it.
    pub kind: &'static KindInfo,
    /// The workload of the canary.
    pub object: Json,
    /// The workload of its twin.
    pub twin: Json,
}

/// The canaries of `controls`. A control has none when it takes more than one object
/// to violate it, or something that admission does not see: then nothing that looks
/// at one request can stop it. `all` are the controls whose repairs make a canary
/// harmless but for its one fault; `image` is what its containers run, where the
/// image is not the fault.
pub fn canaries<'a>(
    controls: &[&'a Control],
    all: &[&Control],
    minor: Minor,
    image: &str,
) -> Vec<Canary<'a>> {
    let bench = Bench { all: Rules::new(all.to_vec()), minor, image };
    controls.iter().filter_map(|control| bench.canary(control)).collect()
}

/// Controls with their default parameters.
struct Rules<'a> {
    controls: Vec<&'a Control>,
    assignments: Vec<Assignment<'static>>,
}

impl<'a> Rules<'a> {
    fn new(controls: Vec<&'a Control>) -> Rules<'a> {
        let assignments = controls
            .iter()
            .enumerate()
            .map(|(index, control)| Assignment::by_default(index, control, None))
            .collect();
        Rules { controls, assignments }
    }

    /// What is wrong with an object as far as it shows by itself.
    fn violations(&self, object: &Json, minor: Minor) -> Vec<Finding> {
        let Some(snapshot) = alone(object, minor) else { return Vec::new() };
        let judge = Judge::new(World::new(&snapshot), &self.controls, &self.assignments);
        let mut judgement = judge.judgement();
        snapshot.objects.iter().for_each(|object| judge.object(object, &mut judgement));
        let violated = |finding: &Finding| finding.verdict == Verdict::Violated;
        judgement.findings.into_iter().filter(violated).collect()
    }
}

/// An estate of which only this object is known.
fn alone(object: &Json, minor: Minor) -> Option<Snapshot> {
    let value: Value = serde_json::from_value(object.clone()).ok()?;
    let value = defaults::apply(Schema::of(minor), &value);
    let mut object = Object::new(value, None)?;
    let mut snapshot = Snapshot::new(minor);
    let secrets = ironhull_secrets::redact(&mut object, &Salt::new(&[]));
    snapshot.facts.extend(secrets.iter().filter_map(|found| found.fact(&object)));
    snapshot.objects.push(Arc::new(object));
    snapshot.seal();
    Some(snapshot)
}

/// Whether an object violates a control by itself.
pub(crate) fn violates(control: &Control, object: &Json, minor: Minor) -> bool {
    !Rules::new(vec![control]).violations(object, minor).is_empty()
}

struct Bench<'b> {
    all: Rules<'b>,
    minor: Minor,
    image: &'b str,
}

impl Bench<'_> {
    fn canary<'a>(&self, control: &'a Control) -> Option<Canary<'a>> {
        if control.applies == Applies::Cluster || !control.is_for(self.minor) {
            return None;
        }
        let own = Rules::new(vec![control]);
        let violates =
            |object: &Json| fill::fits(object) && !own.violations(object, self.minor).is_empty();
        let examples: Vec<_> = examples::read(control).into_iter().flatten().collect();
        let given = |violating: bool| {
            let of = examples.iter().filter(move |example| {
                example.params.is_none() && example.expects_violation() == violating
            });
            of.flat_map(|example| &example.sent)
                .filter_map(|value| serde_json::from_str(&value.root().to_json()).ok())
        };
        let object = given(true).find_map(|object| {
            let object = self.as_sent(object, &violates);
            (violates(&object) && may_be_named(&object)).then_some(object)
        })?;
        let kind = self.kind(&object)?;
        let object = self.harmless(control, object, &violates);
        let finding = own.violations(&object, self.minor).into_iter().max_by_key(|f| f.severity)?;
        let holds =
            |object: &Json| fill::fits(object) && own.violations(object, self.minor).is_empty();
        let twin = repaired(&own, &object, self.minor).filter(&holds).or_else(|| {
            let is_twin = |near: &Json| holds(near) && near["kind"] == object["kind"];
            let near = given(false).find_map(|near: Json| {
                let is =
                    |sent: &Json| is_twin(sent) || (holds(sent) && sent["kind"] == near["kind"]);
                Some(self.as_sent(near.clone(), &is)).filter(is_twin)
            })?;
            Some(self.harmless(control, near, &is_twin))
        })?;
        let container = special(finding.at.as_str());
        let elsewhere = self.elsewhere(control, &own, &object, finding.at.as_str(), &twin);
        let Finding { severity, message, .. } = finding;
        let workloads = Wrapping::ALL.into_iter().filter_map(|wrapping| {
            let (object, twin) = (wrapping.around(&object)?, wrapping.around(&twin)?);
            let workload = Workload { wrapping, kind: self.kind(&object)?, object, twin };
            (violates(&workload.object) && holds(&workload.twin)).then_some(workload)
        });
        let workloads = workloads.collect();
        Some(Canary {
            control,
            severity,
            message,
            container,
            kind,
            object,
            twin,
            elsewhere,
            workloads,
        })
    }

    /// The canary whose fault is in the other list of containers, if that is one too.
    fn elsewhere(
        &self,
        control: &Control,
        own: &Rules<'_>,
        object: &Json,
        at: &str,
        twin: &Json,
    ) -> Option<Elsewhere> {
        let moved = moved(object, at, twin)?;
        let violates = |object: &Json| {
            let findings = own.violations(object, self.minor);
            fill::fits(object) && findings.iter().any(|found| moved.holds(found.at.as_str()))
        };
        if !violates(&moved.pod) {
            return None;
        }
        let object = self.harmless(control, moved.pod.clone(), &violates);
        let holds =
            |object: &Json| fill::fits(object) && own.violations(object, self.minor).is_empty();
        // A fault that has no repair leaves with the container that has it.
        let twin = repaired(own, &object, self.minor).filter(&holds).unwrap_or(twin.clone());
        Some(Elsewhere { container: moved.container, object, twin })
    }

    /// The object as a client would send it: what runs pods as its pod, without what
    /// the API server writes, named by the server. Each change is kept only where the
    /// object stays what it `is`.
    fn as_sent(&self, object: Json, is: &dyn Fn(&Json) -> bool) -> Json {
        let mut object = object;
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        for (pointer, value) in fill::required(&object) {
            let replaces = pointer.ends_with("/restartPolicy") || pointer.ends_with("/name");
            with(&mut object, &pointer, value, replaces, is);
        }
        if let Some(meta) = object["metadata"].as_object_mut() {
            for made in [
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "managedFields",
                "namespace",
                "ownerReferences",
                "selfLink",
                "deletionTimestamp",
            ] {
                meta.remove(made);
            }
        }
        let pod = pod_of(&object);
        keep(&mut object, pod, is);
        if self.kind(&object).is_some_and(|kind| kind.scope == Scope::Namespaced) {
            object["metadata"]["namespace"] = SOMEWHERE.into();
        }
        let mut named = object.clone();
        if let Some(meta) = named["metadata"].as_object_mut() {
            meta.remove("name");
            meta.insert("generateName".to_owned(), NAME.into());
        }
        // The names of these say what they are; any other that a canary must have may be taken.
        let is_named =
            matches!(object["kind"].as_str(), Some("CustomResourceDefinition" | "APIService"));
        keep(&mut object, (!is_named).then_some(named), is);
        object
    }

    fn kind(&self, object: &Json) -> Option<&'static KindInfo> {
        let version = object["apiVersion"].as_str()?;
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        Schema::of(self.minor).kind(group, version, object["kind"].as_str()?)
    }

    /// Takes every other fault away, as far as that leaves the object what it `is`.
    fn harmless(&self, control: &Control, object: Json, is: &dyn Fn(&Json) -> bool) -> Json {
        let mut object = object;
        if object["kind"] == "Pod" {
            without(&mut object, "/spec", &["serviceAccountName", "serviceAccount"], is);
            for (pointer, value) in fill::hardened(&object, self.image) {
                let is_image = pointer.ends_with("/image");
                with(&mut object, &pointer, value, is_image, is);
            }
        }
        for _ in 0..MOST_ROUNDS {
            let findings = self.all.violations(&object, self.minor);
            let others = findings.iter().filter(|finding| *finding.control != *control.id);
            let better = others.filter_map(|finding| changed(&object, finding)).find(|after| {
                is(after) && self.all.violations(after, self.minor).len() < findings.len()
            });
            match better {
                Some(better) => object = better,
                None => break,
            }
        }
        object
    }
}

/// What a container is called that is no ordinary one, by a pointer into it.
fn special(pointer: &str) -> Option<&'static str> {
    let kinds =
        [("/initContainers/", "init container"), ("/ephemeralContainers/", "ephemeral container")];
    kinds.into_iter().find_map(|(part, name)| pointer.contains(part).then_some(name))
}

/// The pod that a workload makes.
fn pod_of(object: &Json) -> Option<Json> {
    let kind = object["kind"].as_str()?;
    let (group, _) = object["apiVersion"].as_str()?.split_once('/')?;
    let template = ironhull_schema::template_path(group, kind)?;
    let template = template.iter().fold(object, |object, name| &object[*name]);
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": template["spec"]});
    for kept in ["labels", "annotations"] {
        if let Some(value) = template["metadata"].get(kept) {
            pod["metadata"][kept] = value.clone();
        }
    }
    Some(pod)
}

/// Whether the name of an object must say what it is.
fn is_named_by_content(object: &Json) -> bool {
    matches!(object["kind"].as_str(), Some("CustomResourceDefinition" | "APIService"))
}

/// A canary that must have one name would meet the object that has it.
fn may_be_named(object: &Json) -> bool {
    object["metadata"].get("generateName").is_some() || is_named_by_content(object)
}

/// Writes a value, where that leaves the object what it `is`.
fn with(object: &mut Json, pointer: &str, value: Json, replace: bool, is: &dyn Fn(&Json) -> bool) {
    let mut after = object.clone();
    if fill::set(&mut after, pointer, value, replace) {
        keep(object, Some(after), is);
    }
}

/// Takes members away, where that leaves the object what it `is`.
fn without(object: &mut Json, pointer: &str, names: &[&str], is: &dyn Fn(&Json) -> bool) {
    let mut after = object.clone();
    if let Some(map) = after.pointer_mut(pointer).and_then(Json::as_object_mut) {
        map.retain(|name, _| !names.contains(&name.as_str()));
        keep(object, Some(after), is);
    }
}

/// Takes a change where the object stays what it is.
fn keep(object: &mut Json, after: Option<Json>, is: &dyn Fn(&Json) -> bool) {
    if let Some(after) = after.filter(is) {
        *object = after;
    }
}

/// The object after a finding's repair, where that needs no person and no other object.
fn changed(object: &Json, finding: &Finding) -> Option<Json> {
    let steps = &finding.repair.steps;
    let is_own =
        |step: &RepairStep| !matches!(step, RepairStep::Ask { .. } | RepairStep::Create { .. });
    if steps.is_empty() || !steps.iter().all(is_own) {
        return None;
    }
    let value: Value = serde_json::from_value(object.clone()).ok()?;
    let after = ironhull_patch::apply(&value, steps).ok()?;
    serde_json::from_str(&after.root().to_json()).ok()
}

/// The object after all repairs of a control, if it then holds.
fn repaired(own: &Rules<'_>, object: &Json, minor: Minor) -> Option<Json> {
    let mut object = object.clone();
    for _ in 0..MOST_ROUNDS {
        let findings = own.violations(&object, minor);
        if findings.is_empty() {
            return Some(object);
        }
        object = findings.iter().find_map(|finding| changed(&object, finding))?;
    }
    None
}
