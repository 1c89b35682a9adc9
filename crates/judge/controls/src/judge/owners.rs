//! Running objects that others made: what is found in a pod belongs to the workload
//! that a person owns.

use std::collections::HashSet;
use std::sync::Arc;

use ironhull_model::{Facts, Finding, Node, Object, Repair, Standing, ThingRef, World, object};

/// Longer chains (Pod, Job, CronJob) are not made by Kubernetes' own controllers.
const LONGEST: usize = 8;

/// The person or team that owns what facts are about, and who says so.
pub fn person(facts: Facts<'_>) -> Option<Arc<(String, String)>> {
    let fact = facts.get("owner")?;
    Some(Arc::new((fact.value.root().display(), fact.source.clone())))
}

/// A pod that has ended runs nothing any more.
pub fn is_over(object: &Object) -> bool {
    object.standing == Standing::Live
        && object.is("", "Pod")
        && object
            .root()
            .path(&["status", "phase"])
            .and_then(Node::as_str)
            .is_some_and(|phase| matches!(phase, "Succeeded" | "Failed"))
}

/// The last controller in the chain of those that made a running object, as far as
/// the world has them; none for what a person made.
pub fn outermost<'a>(world: World<'a>, object: &Object) -> Option<&'a Arc<Object>> {
    if !matches!(object.standing, Standing::Live | Standing::Partial) {
        return None;
    }
    let mut owner = controller(world, object)?;
    for _ in 0..LONGEST {
        let Some(next) = controller(world, owner) else { break };
        owner = next;
    }
    Some(owner)
}

/// The object's `ownerReference` with `controller: true`.
fn controller<'a>(world: World<'a>, object: &Object) -> Option<&'a Arc<Object>> {
    let [namespaced, other] = named(object)?;
    // Such as the Node of a mirror pod.
    let found = world.get(&namespaced).or_else(|| world.get(&other))?;
    // A static pod is nobody's but its own.
    (!found.is("", "Node")).then_some(found)
}

/// What an object says that its controller is: in its own namespace, or in none.
fn named(object: &Object) -> Option<[ThingRef; 2]> {
    let owners = object.root().path(&["metadata", "ownerReferences"])?;
    let is_controller =
        |owner: &Node<'_>| owner.get("controller").and_then(Node::as_bool) == Some(true);
    let owner = owners.items().find(is_controller)?;
    let text = |name| owner.get(name).and_then(Node::as_str).unwrap_or_default();
    let (group, _) = object::split_api_version(text("apiVersion"));
    let in_namespace = |namespace| ThingRef::new(group, text("kind"), namespace, text("name"));
    Some([in_namespace(&object.thing.namespace), in_namespace("")])
}

/// The running objects that some of these things made, or would have, if they were
/// there, and what those made in turn.
pub fn made_by(world: World<'_>, things: &HashSet<ThingRef>) -> HashSet<ThingRef> {
    let mut made = HashSet::new();
    for _ in 0..=LONGEST {
        let before = made.len();
        for object in world.objects().filter(|object| object.standing != Standing::Given) {
            let is_made = named(object)
                .is_some_and(|by| by.iter().any(|by| things.contains(by) || made.contains(by)));
            if is_made && !made.contains(&*object.thing) {
                made.insert(ThingRef::clone(&object.thing));
            }
        }
        if made.len() == before {
            break;
        }
    }
    made
}

/// Makes findings those of the owner. Where its template says the same they fold
/// into one; where not, the object that shows it is named.
pub fn hand_over(findings: &mut [Finding], object: &Object, owner: &Arc<Object>) {
    for finding in findings.iter_mut().filter(|finding| *finding.subject == *object.thing) {
        finding.subject = owner.thing.clone();
        finding.seen_in = Some(object.thing.clone());
        // What is changed in a pod its controller changes back.
        finding.repair = Repair::default();
        if !finding.message.is_empty() {
            finding.message += &format!(", in running pods only, such as {}", object.thing.name);
        }
    }
}
