//! A canary's fault in another list of containers: many guards look at ordinary ones
//! only, some forget these.
//!
//! Ephemeral containers are none of them: the API server takes them only by
//! `pods/ephemeralcontainers` of a pod that runs, so no dry run of a new pod shows them.

use serde_json::{Value as Json, json};

/// What init containers cannot have, unless they run beside the others.
const OF_ORDINARY: [&str; 4] = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

/// Lists of containers, with what one of them is called.
const LISTS: [(&str, &str); 2] =
    [("containers", "ordinary container"), ("initContainers", "init container")];

/// The fault of a canary in a container of the other kind.
#[derive(Debug)]
pub struct Elsewhere {
    /// In which kind of container.
    pub container: &'static str,
    /// The canary.
    pub object: Json,
    /// The same where the control holds.
    pub twin: Json,
}

/// A pod with a container moved to the other list.
pub(crate) struct Moved {
    pub(crate) pod: Json,
    /// The list in which it now is.
    list: &'static str,
    /// What it now is.
    pub(crate) container: &'static str,
}

impl Moved {
    /// Whether a pointer leads into the list in which the container now is.
    pub(crate) fn holds(&self, pointer: &str) -> bool {
        let rest = pointer.strip_prefix("/spec/").and_then(|rest| rest.strip_prefix(self.list));
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Moves the container that a pointer leads into; `twin` is the pod without its fault,
/// of which the harmless container takes its place.
pub(crate) fn moved(pod: &Json, pointer: &str, twin: &Json) -> Option<Moved> {
    if pod["kind"] != "Pod" {
        return None;
    }
    let mut parts = pointer.strip_prefix("/spec/")?.split('/');
    let (from, index) = (parts.next()?, parts.next()?.parse::<usize>().ok()?);
    let here = LISTS.iter().position(|(list, _)| *list == from)?;
    let (list, container) = LISTS[1 - here];
    let mut pod = pod.clone();
    let spec = pod["spec"].as_object_mut()?;
    let own = spec.get_mut(from)?.as_array_mut()?;
    if index >= own.len() {
        return None;
    }
    let mut faulty = own.remove(index);
    if list == "initContainers" {
        let harmless = twin.pointer(&format!("/spec/{from}/{index}"))?.clone();
        own.insert(index, harmless);
        let fields = faulty.as_object_mut()?;
        fields.retain(|name, _| !OF_ORDINARY.contains(&name.as_str()));
        let name = format!("init-{}", fields.get("name")?.as_str()?);
        fields.insert("name".to_owned(), name.into());
    } else {
        // It would run beside the others, which ordinary containers do anyway.
        faulty.as_object_mut()?.remove("restartPolicy");
    }
    if spec.get(from)?.as_array()?.is_empty() {
        spec.remove(from);
    }
    spec.entry(list).or_insert(json!([])).as_array_mut()?.push(faulty);
    Some(Moved { pod, list, container })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::moved;

    #[test]
    fn a_container_moves_to_the_other_list_and_leaves_a_harmless_one() {
        let pod = |containers: serde_json::Value| json!({"kind": "Pod", "spec": containers});
        let bad = json!({"name": "web", "tty": true, "livenessProbe": {}});
        let good = json!({"name": "web"});
        let from = pod(json!({"containers": [bad]}));
        let twin = pod(json!({"containers": [good]}));
        let to = moved(&from, "/spec/containers/0/tty", &twin).unwrap();
        assert_eq!(to.container, "init container");
        assert!(to.holds("/spec/initContainers/0") && !to.holds("/spec/containers/0"));
        let init = json!([{"name": "init-web", "tty": true}]);
        assert_eq!(to.pod["spec"], json!({"containers": [good], "initContainers": init}));

        let bad = json!({"name": "setup", "tty": true, "restartPolicy": "Always"});
        let from = pod(json!({"containers": [good], "initContainers": [bad]}));
        let to = moved(&from, "/spec/initContainers/0", &twin).unwrap();
        assert_eq!(to.container, "ordinary container");
        assert!(to.holds("/spec/containers/1/tty") && !to.holds("/spec/containersX/1"));
        assert_eq!(to.pod["spec"], json!({"containers": [good, {"name": "setup", "tty": true}]}));
        assert!(moved(&from, "/spec/hostNetwork", &twin).is_none());
        assert!(moved(&from, "/spec/ephemeralContainers/0", &twin).is_none());
        assert!(moved(&from, "/spec/containers/7", &twin).is_none());
    }
}
