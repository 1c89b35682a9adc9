//! What the cases send: an object of each kind, the path, and what the API server's
//! admission is told of it.

use serde_json::{Value, json};

mod kinds;

use kinds::{TEMPLATES, kind};

/// A request to the API server, and what our side is told of it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: &'static str,
    /// Without the query.
    pub path: String,
    /// More of the query.
    pub query: String,
    pub body: Option<Value>,
    /// What must be there before.
    pub existing: Vec<Value>,
    pub operation: &'static str,
    /// Group, version, plural.
    pub resource: [String; 3],
    pub subresource: &'static str,
    /// Group, version, kind.
    pub kind: [String; 3],
    /// None for what is in no namespace.
    pub namespace: Option<String>,
    pub name: String,
    /// Whether the request's object is what the body holds.
    pub sees_object: bool,
    /// Whether the object that is there is the first of `existing`, as it was stored.
    pub sees_old: bool,
}

fn split(api_version: &str) -> [String; 2] {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    [group.to_owned(), version.to_owned()]
}

fn triple(api_version: &str, name: &str) -> [String; 3] {
    let [group, version] = split(api_version);
    [group, version, name.to_owned()]
}

/// What a case writes over a template; nothing where it says nothing (RFC 7386).
pub fn merge(target: &mut Value, patch: &Value) {
    if !patch.is_null() {
        write_over(target, patch);
    }
}

fn write_over(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            members.remove(key);
        } else {
            write_over(members.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn path(api_version: &str, plural: &str, namespace: Option<&str>) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    match namespace {
        Some(namespace) => format!("{root}/{api_version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{api_version}/{plural}"),
    }
}

/// What one ask of a case sends. `label` is the label that only its case has, `name`
/// the object's.
pub fn sent(ask: &Value, label: &str, name: &str) -> Sent {
    let what = ask["kind"].as_str().unwrap_or("configmap");
    let namespace = ask["namespace"].as_str().unwrap_or("live-a");
    match what {
        "exec" => return exec(ask, namespace, name),
        "scale" => return scale(ask, label, namespace, name),
        "binding" => return binding(ask, label, namespace, name),
        "eviction" => return eviction(ask, label, namespace, name),
        "token" => return token(ask, namespace, name),
        _ => {}
    }
    let generated = ask["plural"].as_str().map(|plural| {
        // So few that they may stay.
        let [what, plural] = [what, plural].map(|text| &*text.to_owned().leak());
        kind(what, "example.dev/v1", what, plural, true, || json!({}))
    });
    let template = generated.as_ref().or_else(|| TEMPLATES.iter().find(|it| it.name == what));
    let template = template.unwrap_or_else(|| panic!("{what} is no kind of the cases"));
    let operation = match ask["operation"].as_str() {
        None | Some("CREATE") => "CREATE",
        Some("UPDATE") => "UPDATE",
        Some("DELETE") => "DELETE",
        Some(other) => panic!("{other} is no operation of {what}"),
    };
    let mut body = (template.body)();
    merge(
        &mut body,
        &json!({"apiVersion": template.api_version, "kind": template.kind,
        "metadata": {"name": name, "labels": {"case": label}}}),
    );
    if template.namespaced {
        body["metadata"]["namespace"] = json!(namespace);
    }
    if what == "pod" && operation == "UPDATE" {
        // Of a pod hardly anything may be changed, and what is sent replaces it all.
        merge(
            &mut body,
            &json!({"spec": {"serviceAccountName": "default",
            "serviceAccount": "default", "automountServiceAccountToken": false}}),
        );
    }
    let mut existing = body.clone();
    merge(&mut existing, &ask["old"]);
    if operation == "UPDATE" {
        body = existing.clone();
    }
    merge(&mut body, &ask["object"]);
    let scope = template.namespaced.then_some(namespace);
    let collection = path(template.api_version, template.plural, scope);
    let given = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let is_new = operation == "CREATE";
    let subresource = match ask["subresource"].as_str() {
        Some(name) => &*name.to_owned().leak(),
        None => template.subresource,
    };
    let below = if subresource.is_empty() { "" } else { "/" };
    Sent {
        method: match operation {
            "CREATE" => "POST",
            "UPDATE" => "PUT",
            _ => "DELETE",
        },
        path: match is_new {
            true => collection,
            false => format!("{collection}/{given}{below}{subresource}"),
        },
        query: ask["query"].as_str().unwrap_or_default().to_owned(),
        body: (operation != "DELETE").then_some(body),
        existing: if is_new { Vec::new() } else { vec![existing] },
        operation,
        resource: triple(template.api_version, template.plural),
        subresource,
        kind: triple(template.api_version, template.kind),
        namespace: match (what, scope) {
            ("namespace", _) => Some(given.clone()),
            (_, scope) => scope.map(str::to_owned),
        },
        name: given,
        sees_object: operation != "DELETE",
        sees_old: !is_new,
    }
}

fn exec(ask: &Value, namespace: &str, name: &str) -> Sent {
    let command = ask["command"].as_str().unwrap_or("ls");
    let body = json!({"apiVersion": "v1", "kind": "PodExecOptions", "stdout": true,
        "command": [command]});
    Sent {
        method: "POST",
        path: format!("/api/v1/namespaces/{namespace}/pods/{name}/exec"),
        query: format!("&stdout=true&command={command}"),
        body: Some(body),
        existing: Vec::new(),
        operation: "CONNECT",
        resource: triple("v1", "pods"),
        subresource: "exec",
        kind: triple("v1", "PodExecOptions"),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        sees_object: true,
        sees_old: false,
    }
}

fn scale(ask: &Value, label: &str, namespace: &str, name: &str) -> Sent {
    let deployment = sent(
        &json!({"kind": "deployment", "namespace": namespace, "object": {"spec": {"replicas": 1}}}),
        label,
        name,
    );
    let mut body = json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"replicas": 5}});
    merge(&mut body, &ask["object"]);
    Sent {
        method: "PUT",
        path: format!("{}/{name}/scale", deployment.path),
        query: String::new(),
        body: Some(body),
        existing: vec![deployment.body.unwrap()],
        operation: "UPDATE",
        subresource: "scale",
        kind: triple("autoscaling/v1", "Scale"),
        sees_object: true,
        sees_old: true,
        ..deployment_of(namespace, name)
    }
}

fn deployment_of(namespace: &str, name: &str) -> Sent {
    Sent {
        subresource: "",
        ..sent(&json!({"kind": "deployment", "namespace": namespace}), "", name)
    }
}

fn eviction(ask: &Value, label: &str, namespace: &str, name: &str) -> Sent {
    let pod = sent(&json!({"kind": "pod", "namespace": namespace}), label, name);
    let mut body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace, "labels": {"case": label}}});
    merge(&mut body, &ask["object"]);
    Sent {
        path: format!("{}/{name}/eviction", pod.path),
        existing: vec![pod.body.clone().unwrap()],
        body: Some(body),
        subresource: "eviction",
        kind: triple("policy/v1", "Eviction"),
        ..pod
    }
}

fn binding(ask: &Value, label: &str, namespace: &str, name: &str) -> Sent {
    let pod = sent(&json!({"kind": "pod", "namespace": namespace}), label, name);
    let mut body = json!({"apiVersion": "v1", "kind": "Binding", "target": {"kind": "Node", "name": "x"},
        "metadata": {"name": name, "namespace": namespace, "labels": {"case": label}}});
    merge(&mut body, &ask["object"]);
    Sent {
        path: format!("{}/{name}/binding", pod.path),
        existing: vec![pod.body.clone().unwrap()],
        body: Some(body),
        subresource: "binding",
        kind: triple("v1", "Binding"),
        ..pod
    }
}

fn token(ask: &Value, namespace: &str, name: &str) -> Sent {
    // The API server names a request after its account.
    let mut body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"expirationSeconds": 3600, "audiences": ["api"]}});
    merge(&mut body, &ask["object"]);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace}});
    Sent {
        method: "POST",
        path: format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"),
        query: String::new(),
        body: Some(body),
        existing: vec![account],
        operation: "CREATE",
        resource: triple("v1", "serviceaccounts"),
        subresource: "token",
        kind: triple("authentication.k8s.io/v1", "TokenRequest"),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        sees_object: true,
        sees_old: false,
    }
}
