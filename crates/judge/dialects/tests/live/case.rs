//! Cases as data: policies with their bindings and parameters, and requests.

use serde_json::{Value, json};

use super::templates::{Sent, merge, sent};

/// Policies that only their own requests match, and those requests.
#[derive(Clone, Debug)]
pub struct Group {
    /// Short, and part of every name that its objects have.
    pub id: String,
    pub policies: Vec<Value>,
    pub bindings: Vec<Value>,
    pub params: Vec<Value>,
    pub asks: Vec<Ask>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The rule that it proves, or where it was generated.
    pub name: String,
    pub user: String,
    pub groups: Vec<String>,
    pub sent: Sent,
    /// What it exercises.
    pub features: Vec<&'static str>,
}

/// Reads a group as the case files write it; see `cases/README.md`.
pub fn group(id: &str, written: &Value) -> Group {
    let plural = |one: &str, many: &str| match (&written[one], &written[many]) {
        (Value::Null, Value::Null) => vec![json!({})],
        (Value::Null, many) => many.as_array().unwrap().clone(),
        (one, _) => vec![one.clone()],
    };
    let by_name = written["isolate"] == "names";
    let mut asks: Vec<Ask> = Vec::new();
    for (index, ask) in written["asks"].as_array().unwrap().iter().enumerate() {
        let name = format!("{id}-{index}");
        asks.push(Ask {
            name: ask["name"].as_str().unwrap_or(id).to_owned(),
            user: ask["user"].as_str().unwrap_or("alice").to_owned(),
            groups: strings(&ask["groups"]),
            sent: sent(ask, id, &name),
            features: Vec::new(),
        });
    }
    let names: Vec<String> = asks.iter().map(|ask| ask.sent.name.clone()).collect();
    let policies: Vec<Value> = plural("policy", "policies")
        .into_iter()
        .enumerate()
        .map(|(index, spec)| policy(&format!("{id}-p{index}"), id, spec, by_name.then_some(&names)))
        .collect();
    let bindings: Vec<Value> = plural("binding", "bindings")
        .into_iter()
        .enumerate()
        .map(|(index, spec)| binding(&format!("{id}-b{index}"), id, spec))
        .collect();
    let params: Vec<Value> =
        written["params"].as_array().into_iter().flatten().map(|it| param(id, it)).collect();
    let mut group = Group { id: id.to_owned(), policies, bindings, params, asks };
    for index in 0..group.asks.len() {
        group.asks[index].features = features(&group, &group.asks[index]);
    }
    group
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn policy(name: &str, id: &str, spec: Value, names: Option<&Vec<String>>) -> Value {
    let is_mutating = spec.get("mutations").is_some();
    let mut full = json!({"matchConstraints": {"resourceRules": [{"apiGroups": [""],
        "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}]}});
    if is_mutating {
        full["matchConstraints"]["resourceRules"][0]["operations"] = json!(["CREATE", "UPDATE"]);
        full["reinvocationPolicy"] = json!("Never");
    } else if spec.get("validations").is_none() && spec.get("auditAnnotations").is_none() {
        full["validations"] = json!([{"expression": "false"}]);
    }
    merge(&mut full, &spec);
    match names {
        None => {
            let selector = &mut full["matchConstraints"]["objectSelector"];
            merge(selector, &json!({"matchLabels": {"case": id}}));
        }
        Some(names) => {
            for rule in full["matchConstraints"]["resourceRules"].as_array_mut().unwrap() {
                if rule.get("resourceNames").is_none() {
                    rule["resourceNames"] = json!(names);
                }
            }
        }
    }
    let kind = if is_mutating { "MutatingAdmissionPolicy" } else { "ValidatingAdmissionPolicy" };
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
        "metadata": {"name": name, "labels": {"part-of": "cases"}}, "spec": replaced(full, id)})
}

fn binding(name: &str, id: &str, spec: Value) -> Value {
    let mut spec = spec;
    let of = spec["of"].as_u64().unwrap_or(0);
    let is_mutating = spec["mutating"] == true;
    let members = spec.as_object_mut().unwrap();
    members.remove("of");
    members.remove("mutating");
    let mut full = json!({"policyName": format!("{id}-p{of}")});
    if !is_mutating {
        full["validationActions"] = json!(["Deny"]);
    }
    merge(&mut full, &spec);
    let kind = match is_mutating {
        true => "MutatingAdmissionPolicyBinding",
        false => "ValidatingAdmissionPolicyBinding",
    };
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
        "metadata": {"name": name, "labels": {"part-of": "cases"}}, "spec": replaced(full, id)})
}

/// A parameter; `ID` in its name and labels stands for the group's.
fn param(id: &str, written: &Value) -> Value {
    let mut full = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "ID", "namespace": "live-a", "labels": {"params": "ID"}}});
    if written["kind"] == "Limit" {
        full = json!({"apiVersion": "example.dev/v1", "kind": "Limit",
            "metadata": {"name": "ID", "labels": {"params": "ID"}}});
    }
    merge(&mut full, written);
    replaced(full, id)
}

/// Puts the group's id in place of `ID`.
fn replaced(value: Value, id: &str) -> Value {
    serde_json::from_str(&value.to_string().replace("ID", id)).unwrap()
}

/// What a request exercises, read off the group itself.
pub fn features(group: &Group, ask: &Ask) -> Vec<&'static str> {
    let mut features = vec![ask.sent.operation];
    for policy in &group.policies {
        of_policy(&policy["spec"], &mut features);
    }
    for binding in &group.bindings {
        of_binding(&binding["spec"], &group.policies, &mut features);
    }
    let mut note = |is: bool, feature| {
        if is {
            features.push(feature);
        }
    };
    let sent = &ask.sent;
    note(!sent.subresource.is_empty(), "match: subresource");
    note(sent.namespace.is_none(), "match: cluster-scoped");
    note(sent.kind[2] == "Namespace", "match: Namespace");
    note(sent.name.is_empty(), "match: generateName");
    note(sent.kind[0] == "example.dev", "match: custom resource");
    let versions = |policy: &Value| {
        let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().cloned();
        rules.unwrap_or_default().iter().any(|rule| {
            let lists = strings(&rule["apiVersions"]);
            !lists.contains(&sent.resource[1]) && !lists.contains(&"*".to_owned())
        })
    };
    note(group.policies.iter().any(versions), "match: other version");
    features.sort_unstable();
    features.dedup();
    features
}

fn of_match(resources: &Value, features: &mut Vec<&'static str>) {
    let is_set = |value: &Value| value.as_object().is_some_and(|it| !it.is_empty());
    let mut note = |is: bool, feature| {
        if is {
            features.push(feature);
        }
    };
    note(is_set(&resources["namespaceSelector"]), "match: namespaceSelector");
    note(is_set(&resources["objectSelector"]), "match: objectSelector");
    note(resources["excludeResourceRules"].is_array(), "match: excludeResourceRules");
    note(resources["matchPolicy"] == "Exact", "match: Exact");
    note(resources["matchPolicy"] != "Exact", "match: Equivalent");
    for rule in resources["resourceRules"].as_array().into_iter().flatten() {
        note(rule["resourceNames"].is_array(), "match: resourceNames");
        note(rule["scope"] == "Namespaced" || rule["scope"] == "Cluster", "match: scope");
        let text = rule.to_string();
        note(text.contains("\"*") || text.contains("/*\""), "match: wildcard");
    }
}

fn of_policy(spec: &Value, features: &mut Vec<&'static str>) {
    of_match(&spec["matchConstraints"], features);
    let mut note = |is: bool, feature| {
        if is {
            features.push(feature);
        }
    };
    note(spec["mutations"].is_array(), "mutations");
    for (kind, feature) in [
        ("ApplyConfiguration", "mutations: ApplyConfiguration"),
        ("JSONPatch", "mutations: JSONPatch"),
    ] {
        let mutations = spec["mutations"].as_array();
        note(mutations.into_iter().flatten().any(|it| it["patchType"] == kind), feature);
    }
    note(spec["reinvocationPolicy"] == "IfNeeded", "mutations: reinvoked");
    note(spec["failurePolicy"] == "Ignore", "failurePolicy: Ignore");
    note(spec["failurePolicy"] != "Ignore", "failurePolicy: Fail");
    note(spec["matchConditions"].is_array(), "matchConditions");
    note(spec["variables"].is_array(), "variables");
    note(spec["auditAnnotations"].is_array(), "auditAnnotations");
    note(spec["paramKind"].is_null(), "params: none");
    let text = spec.to_string();
    note(text.contains("messageExpression"), "messageExpression");
    note(text.contains("\"reason\""), "reason");
    note(text.contains("authorizer"), "authorizer");
    note(text.contains("namespaceObject"), "namespaceObject");
}

fn of_binding(spec: &Value, policies: &[Value], features: &mut Vec<&'static str>) {
    if spec["matchResources"].is_object() {
        features.push("match: binding");
        of_match(&spec["matchResources"], features);
    }
    let mut note = |is: bool, feature| {
        if is {
            features.push(feature);
        }
    };
    for (action, feature) in
        [("Deny", "action: Deny"), ("Warn", "action: Warn"), ("Audit", "action: Audit")]
    {
        note(strings(&spec["validationActions"]).contains(&action.to_owned()), feature);
    }
    let params = &spec["paramRef"];
    if params.is_null() {
        return;
    }
    let kind = policies.iter().find_map(|it| it["spec"]["paramKind"]["kind"].as_str());
    note(params["name"].is_string(), "params: by name");
    note(params["selector"].is_object(), "params: by selector");
    note(kind == Some("Limit"), "params: cluster-scoped kind");
    note(
        kind == Some("ConfigMap") && params["namespace"].is_null(),
        "params: of the request's namespace",
    );
    note(params["namespace"].is_string(), "params: of a namespace");
    note(params["parameterNotFoundAction"] == "Allow", "params: Allow");
    note(params["parameterNotFoundAction"] == "Deny", "params: Deny");
}
