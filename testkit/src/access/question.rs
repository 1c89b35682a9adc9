//! Questions: half of them made from what a binding grants, and then perhaps
//! changed in one place.

#![allow(clippy::assigning_clones, reason = "a generator need not be fast")]

use serde_json::{Value, json};

use super::{GROUPS, NAMES, NAMESPACES, NODES, PATHS, RESOURCES, VERBS};
use crate::rng::Rng;

/// A question that a SubjectAccessReview can ask.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Verb.
    pub verb: String,
    /// API group.
    pub group: String,
    /// Resource.
    pub resource: String,
    /// Subresource; empty for none.
    pub subresource: String,
    /// Namespace; empty for none or all.
    pub namespace: String,
    /// Name; empty for none or all.
    pub name: String,
    /// What a field selector requires to be equal.
    pub fields: Vec<(String, String)>,
    /// A path, for what is no resource.
    pub path: String,
}

impl Question {
    /// As the oracle reads it.
    pub fn to_json(&self) -> Value {
        json!({"user": self.user, "groups": self.groups, "verb": self.verb, "group": self.group,
            "resource": self.resource, "subresource": self.subresource, "namespace": self.namespace,
            "name": self.name, "fields": self.fields, "path": self.path})
    }
}

pub(super) fn ask(rng: &mut Rng, objects: &[Value]) -> Question {
    let mut question = match rng.below(100) {
        0..=68 => from_grant(rng, objects).unwrap_or_else(|| random(rng)),
        69..=88 => of_kubelet(rng, objects),
        _ => random(rng),
    };
    if rng.chance(12) {
        change(rng, &mut question);
    }
    if rng.chance(2) {
        question.groups.push("system:masters".to_owned());
    }
    question
}

fn one<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.below(of.len())]
}

fn who(rng: &mut Rng, question: &mut Question) {
    match rng.below(10) {
        0..=3 => {
            question.user = (*rng.pick(NAMES)).to_owned();
            question.groups = vec!["system:authenticated".to_owned()];
            if rng.chance(50) {
                question.groups.push((*rng.pick(&GROUPS[..2])).to_owned());
            }
        }
        4..=7 => account(question, one(rng, NAMESPACES), one(rng, &NAMES[..2])),
        8 => {
            question.user = "system:anonymous".to_owned();
            question.groups = vec!["system:unauthenticated".to_owned()];
        }
        _ => kubelet(rng, question),
    }
}

fn account(question: &mut Question, namespace: &str, name: &str) {
    question.user = format!("system:serviceaccount:{namespace}:{name}");
    question.groups = [
        "system:serviceaccounts",
        &format!("system:serviceaccounts:{namespace}"),
        "system:authenticated",
    ]
    .map(str::to_owned)
    .to_vec();
}

fn kubelet(rng: &mut Rng, question: &mut Question) {
    let node = if rng.chance(95) { *rng.pick(NODES) } else { "" };
    question.user = format!("system:node:{node}");
    question.groups = vec!["system:authenticated".to_owned()];
    if rng.chance(95) {
        question.groups.push("system:nodes".to_owned());
    }
}

fn random(rng: &mut Rng) -> Question {
    let mut question = Question::default();
    who(rng, &mut question);
    if rng.chance(8) {
        question.verb =
            (*rng.pick(&["get", "post", "put", "impersonate-on:user-info:get"])).to_owned();
        question.path = (*rng.pick(PATHS)).to_owned();
        if rng.chance(30) {
            question.path.push_str("/more");
        }
        return question;
    }
    let (group, resource, subresources, namespaced) = *rng.pick(RESOURCES);
    question.verb = (*rng.pick(VERBS)).to_owned();
    question.group = group.to_owned();
    question.resource = resource.to_owned();
    if !subresources.is_empty() && rng.chance(30) {
        question.subresource = (*rng.pick(subresources)).to_owned();
    }
    if namespaced && rng.chance(80) {
        question.namespace = (*rng.pick(NAMESPACES)).to_owned();
    }
    if rng.chance(60) {
        question.name = (*rng.pick(NAMES)).to_owned();
    }
    question
}

fn texts(node: &Value) -> Vec<&str> {
    node.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a rule of a bound role grants to one of the binding's subjects.
fn from_grant(rng: &mut Rng, objects: &[Value]) -> Option<Question> {
    let bindings: Vec<&Value> = objects
        .iter()
        .filter(|object| object["roleRef"].is_object() && object["subjects"][0].is_object())
        .collect();
    let binding = *rng.pick(&bindings);
    let subjects = binding["subjects"].as_array()?;
    let mut question = Question::default();
    let subject = rng.pick(subjects);
    be(rng, &mut question, subject);
    let own = &binding["metadata"]["namespace"];
    let role = objects.iter().find(|object| {
        object["kind"] == binding["roleRef"]["kind"]
            && object["metadata"]["name"] == binding["roleRef"]["name"]
            && (object["kind"] == "ClusterRole" || object["metadata"]["namespace"] == *own)
    })?;
    let rules: Vec<Value> = match &role["aggregationRule"] {
        Value::Null => role["rules"].as_array()?.clone(),
        _ => objects
            .iter()
            .filter(|object| object["kind"] == "ClusterRole")
            .flat_map(|object| object["rules"].as_array().cloned().unwrap_or_default())
            .collect(),
    };
    if rules.is_empty() {
        return None;
    }
    let rule = rng.pick(&rules);
    let verb = *rng.pick(&texts(&rule["verbs"]));
    question.verb = (if verb == "*" { *rng.pick(VERBS) } else { verb }).to_owned();
    if let [url, ..] = texts(&rule["nonResourceURLs"])[..] {
        question.path = url.replace('*', "more");
        return Some(question);
    }
    let group = *rng.pick(&texts(&rule["apiGroups"]));
    question.group = (if group == "*" { "apps" } else { group }).to_owned();
    let full = *rng.pick(&texts(&rule["resources"]));
    let (resource, subresource) = full.split_once('/').unwrap_or((full, ""));
    question.resource = (if resource == "*" { rng.pick(RESOURCES).1 } else { resource }).to_owned();
    question.subresource = (if subresource == "*" { "log" } else { subresource }).to_owned();
    let anywhere = rng.pick(NAMESPACES);
    question.namespace =
        own.as_str().unwrap_or(if rng.chance(70) { anywhere } else { "" }).to_owned();
    if let names @ [_, ..] = &texts(&rule["resourceNames"])[..] {
        question.name = if rng.chance(85) { (*rng.pick(names)).to_owned() } else { String::new() };
    } else if rng.chance(50) {
        question.name = (*rng.pick(NAMES)).to_owned();
    }
    Some(question)
}

/// Asks as a subject of a binding.
fn be(rng: &mut Rng, question: &mut Question, subject: &Value) {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("ServiceAccount") => {
            account(question, subject["namespace"].as_str().unwrap_or_default(), name);
        }
        Some("User") => match name.split(':').collect::<Vec<_>>()[..] {
            ["system", "serviceaccount", namespace, own] => account(question, namespace, own),
            _ => {
                question.user = name.to_owned();
                question.groups = vec!["system:authenticated".to_owned()];
            }
        },
        _ => match name.strip_prefix("system:serviceaccounts:") {
            Some(namespace) => account(question, namespace, one(rng, &NAMES[..2])),
            None => {
                question.user = "somebody".to_owned();
                question.groups = vec![name.to_owned()];
            }
        },
    }
}

/// What kubelets ask for: mostly what some pod refers to.
fn of_kubelet(rng: &mut Rng, objects: &[Value]) -> Question {
    let mut question = random(rng);
    question.path = String::new();
    kubelet(rng, &mut question);
    let node = question.user.trim_start_matches("system:node:").to_owned();
    let pods: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "Pod").collect();
    let pod = *rng.pick(&pods);
    if rng.chance(80)
        && let Some(own) = pod["spec"]["nodeName"].as_str()
    {
        question.user = format!("system:node:{own}");
    }
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let mut set = |verb: &str, group: &str, resource: &str, namespace: &str, name: &str| {
        question.verb = verb.to_owned();
        question.group = group.to_owned();
        (question.resource, question.subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource.to_owned(), subresource.to_owned()),
            None => (resource.to_owned(), String::new()),
        };
        question.namespace = namespace.to_owned();
        question.name = name.to_owned();
    };
    let name = *rng.pick(NAMES);
    let verb = *rng.pick(&["get", "list", "watch", "get", "update"]);
    match rng.below(18) {
        0..=2 => set(verb, "", "secrets", namespace, name),
        3..=4 => set(verb, "", "configmaps", namespace, name),
        5 => set(
            verb,
            "",
            "persistentvolumeclaims",
            namespace,
            one(rng, &["pod-0-v4", "pod-1-v4", name, name]),
        ),
        6 => set(
            one(rng, &["update", "patch", "get"]),
            "",
            "persistentvolumeclaims/status",
            namespace,
            name,
        ),
        7 => set(verb, "", "persistentvolumes", "", name),
        8 => set(verb, "resource.k8s.io", "resourceclaims", namespace, name),
        9 => set(
            "create",
            "",
            "serviceaccounts/token",
            namespace,
            pod["spec"]["serviceAccountName"].as_str().unwrap_or_default(),
        ),
        10 => set(
            verb,
            "",
            "serviceaccounts",
            namespace,
            pod["spec"]["serviceAccountName"].as_str().unwrap_or_default(),
        ),
        11 => set(
            one(rng, &["get", "update", "create", "list"]),
            "coordination.k8s.io",
            "leases",
            one(rng, &["kube-node-lease", "kube-node-lease", "ops"]),
            &node,
        ),
        12 => set(
            one(rng, &["get", "patch", "create", "list"]),
            "storage.k8s.io",
            one(rng, &["csinodes", "csinodes", "csinodes/status"]),
            "",
            &node,
        ),
        13 => set(verb, "storage.k8s.io", "volumeattachments", "", name),
        14 => set(
            one(rng, &["get", "list", "deletecollection", "create"]),
            "resource.k8s.io",
            "resourceslices",
            "",
            name,
        ),
        15 => set(verb, "", "nodes", "", if rng.chance(70) { &node } else { "" }),
        16 => set(
            one(rng, &["get", "list", "watch", "create", "delete"]),
            "",
            "pods",
            namespace,
            pod["metadata"]["name"].as_str().unwrap_or_default(),
        ),
        _ => set(verb, "certificates.k8s.io", "podcertificaterequests", namespace, name),
    }
    if rng.chance(25) {
        question.fields = vec![("spec.nodeName".to_owned(), node)];
        if rng.chance(60) {
            question.verb = "list".to_owned();
            question.name = String::new();
        }
    }
    question
}

/// Changes one thing.
fn change(rng: &mut Rng, question: &mut Question) {
    match rng.below(7) {
        0 => question.verb = (*rng.pick(VERBS)).to_owned(),
        1 => question.group = rng.pick(RESOURCES).0.to_owned(),
        2 => question.resource = rng.pick(RESOURCES).1.to_owned(),
        3 => question.subresource = (*rng.pick(&["", "log", "exec", "scale", "status"])).to_owned(),
        // A path stands in no namespace.
        4 if question.path.is_empty() => {
            question.namespace = (*rng.pick(&["", "bank", "ops", "elsewhere"])).to_owned();
        }
        5 => question.name = (*rng.pick(&["", "alpha", "*", "omega"])).to_owned(),
        _ => who(rng, question),
    }
}
