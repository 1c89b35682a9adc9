//! Generated cases: what a policy matches, its parameters and its expressions are
//! chosen apart from each other.

use ironhull_testkit::rng::Rng;
use serde_json::{Value, json};

use super::case::{Group, group};

pub mod definitions;
mod mutations;

/// So many groups, of eight requests each.
const N_GROUPS: usize = 480;
const N_ASKS: usize = 8;

pub fn groups() -> Vec<Group> {
    let mut rng = Rng::new(4);
    let make = |index| group(&format!("g{index}"), &written(&mut rng, index));
    (0..N_GROUPS).map(make).chain(definitions::groups()).collect()
}

const KINDS: &[&str] = &[
    "configmap",
    "secret",
    "pod",
    "deployment",
    "service",
    "widget1",
    "widget2",
    "clusterrole",
    "namespace",
    "hpa1",
    "hpa2",
];
const NAMESPACES: &[&str] = &["live-a", "live-b", "live-c"];

/// The shape of a group.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Objects, told apart by a label.
    Objects,
    /// `exec` into pods, told apart by name.
    Exec,
    /// `scale`, tokens: other subresources, told apart by name.
    Subresources,
}

fn written(rng: &mut Rng, index: usize) -> Value {
    if index % 6 == 5 {
        return mutations::written(rng, index);
    }
    let shape = match index % 12 {
        0 | 6 => Shape::Exec,
        3 => Shape::Subresources,
        _ => Shape::Objects,
    };
    let params = params(rng, shape);
    let n_policies = if rng.chance(12) { 2 } else { 1 };
    let policies: Vec<Value> =
        (0..n_policies).map(|_| policy(rng, shape, params.as_ref())).collect();
    let mut bindings: Vec<Value> =
        (0..n_policies).map(|of| binding(rng, shape, of, params.as_ref())).collect();
    if rng.chance(20) {
        bindings.push(binding(rng, shape, 0, params.as_ref()));
    }
    let asks: Vec<Value> = (0..N_ASKS).map(|_| ask(rng, shape, index)).collect();
    let objects = params.map_or_else(Vec::new, |params| params.objects);
    let isolate = if shape == Shape::Objects { "label" } else { "names" };
    json!({"policies": policies, "bindings": bindings, "params": objects, "asks": asks,
        "isolate": isolate})
}

struct Params {
    kind: Value,
    objects: Vec<Value>,
    is_cluster: bool,
}

fn params(rng: &mut Rng, _shape: Shape) -> Option<Params> {
    if rng.chance(35) {
        return None;
    }
    let is_cluster = rng.chance(30);
    let mut objects = Vec::new();
    for name in ["ID", "ID-two"] {
        if !rng.chance(80) {
            continue;
        }
        let want = *rng.pick(&["a", "b", "c"]);
        objects.push(match is_cluster {
            true => json!({"kind": "Limit", "metadata": {"name": name, "labels": {"want": want}},
                "limit": rng.below(5), "spec": {"want": want}}),
            false => json!({"metadata": {"name": name, "namespace": rng.pick(NAMESPACES),
                "labels": {"want": want}}, "data": {"want": want}}),
        });
    }
    let kind = match is_cluster {
        true => json!({"apiVersion": "example.dev/v1", "kind": "Limit"}),
        false => json!({"apiVersion": "v1", "kind": "ConfigMap"}),
    };
    Some(Params { kind, objects, is_cluster })
}

fn selector(rng: &mut Rng, keys: &[(&str, &[&str])]) -> Value {
    let &(key, values) = rng.pick(keys);
    match rng.below(6) {
        0 => json!({"matchLabels": {key: rng.pick(values)}}),
        1 => json!({"matchExpressions": [{"key": key, "operator": "In", "values": values}]}),
        2 => {
            json!({"matchExpressions": [{"key": key, "operator": "NotIn", "values": [values[0]]}]})
        }
        3 => json!({"matchExpressions": [{"key": key, "operator": "Exists"}]}),
        4 => json!({"matchExpressions": [{"key": key, "operator": "DoesNotExist"}]}),
        _ => json!({"matchLabels": {key: values[0]},
            "matchExpressions": [{"key": key, "operator": "In", "values": values}]}),
    }
}

const NAMESPACE_KEYS: &[(&str, &[&str])] = &[
    ("env", &["prod", "dev"]),
    ("team", &["red", "blue"]),
    ("kubernetes.io/metadata.name", &["live-a", "live-b"]),
];
const OBJECT_KEYS: &[(&str, &[&str])] = &[("tier", &["a", "b"]), ("app", &["x", "y"])];

/// Rules that cover some of the kinds.
fn rule(rng: &mut Rng, shape: Shape) -> Value {
    let operations = match shape {
        Shape::Exec => json!([rng.pick(&["CONNECT", "*"])]),
        _ => rng
            .pick(&[
                json!(["*"]),
                json!(["CREATE"]),
                json!(["CREATE", "UPDATE"]),
                json!(["UPDATE", "DELETE"]),
                json!(["DELETE", "CREATE"]),
            ])
            .clone(),
    };
    let (groups, versions, resources) = match shape {
        Shape::Exec => rng
            .pick(&[
                (json!([""]), json!(["v1"]), json!(["pods/exec"])),
                (json!(["*"]), json!(["*"]), json!(["pods/*"])),
                (json!([""]), json!(["v1"]), json!(["*/exec"])),
                (json!([""]), json!(["v1"]), json!(["*/*"])),
                (json!([""]), json!(["v1"]), json!(["pods"])),
            ])
            .clone(),
        Shape::Subresources => rng
            .pick(&[
                (json!(["apps"]), json!(["v1"]), json!(["deployments/scale"])),
                (json!(["*"]), json!(["*"]), json!(["*/scale"])),
                (json!(["*"]), json!(["*"]), json!(["*/*"])),
                (json!([""]), json!(["v1"]), json!(["serviceaccounts/token"])),
                (json!([""]), json!(["v1"]), json!(["pods/eviction", "serviceaccounts/*"])),
            ])
            .clone(),
        Shape::Objects => rng
            .pick(&[
                (json!(["*"]), json!(["*"]), json!(["*"])),
                (json!(["*"]), json!(["*"]), json!(["*"])),
                (json!(["*"]), json!(["v1"]), json!(["*"])),
                (json!([""]), json!(["v1"]), json!(["configmaps", "secrets", "pods", "services"])),
                (json!([""]), json!(["*"]), json!(["configmaps", "namespaces"])),
                (json!(["apps", ""]), json!(["v1"]), json!(["deployments", "configmaps"])),
                (json!(["example.dev", ""]), json!(["v1"]), json!(["widgets", "configmaps"])),
                (json!(["example.dev"]), json!(["v2"]), json!(["widgets"])),
                (
                    json!(["autoscaling", ""]),
                    json!(["v2", "v1"]),
                    json!(["horizontalpodautoscalers", "configmaps"]),
                ),
                (json!(["autoscaling"]), json!(["v2"]), json!(["horizontalpodautoscalers"])),
            ])
            .clone(),
    };
    let mut rule = json!({"apiGroups": groups, "apiVersions": versions, "resources": resources,
        "operations": operations});
    if rng.chance(25) {
        rule["scope"] = json!(rng.pick(&["Namespaced", "Cluster", "*"]));
    }
    if shape == Shape::Objects && rng.chance(15) {
        rule["resourceNames"] = json!(["ID-0", "ID-1", "ID-2", "ID-3", "fixed"]);
    }
    rule
}

fn matching(rng: &mut Rng, shape: Shape, of_policy: bool) -> Value {
    let mut resources = json!({});
    if of_policy || rng.chance(50) {
        let n_rules = if rng.chance(25) { 2 } else { 1 };
        resources["resourceRules"] = (0..n_rules).map(|_| rule(rng, shape)).collect();
    }
    if rng.chance(25) {
        resources["namespaceSelector"] = selector(rng, NAMESPACE_KEYS);
    }
    if rng.chance(15) && shape == Shape::Objects {
        resources["objectSelector"] = selector(rng, OBJECT_KEYS);
    }
    if rng.chance(20) {
        resources["excludeResourceRules"] = json!([rule(rng, shape)]);
    }
    if rng.chance(30) {
        resources["matchPolicy"] = json!(rng.pick(&["Exact", "Equivalent"]));
    }
    resources
}

/// Conditions that any request may be asked; some end in errors.
const CHECKS: &[&str] = &[
    "object.metadata.labels.tier == 'a'",
    "has(object.metadata.labels) && has(object.metadata.labels.tier)",
    "object != null && object.metadata.name.size() > 3",
    "request.operation != 'UPDATE'",
    "request.operation in ['CREATE', 'DELETE', 'CONNECT']",
    "request.userInfo.username == 'alice'",
    "'devs' in request.userInfo.groups",
    "oldObject == null || oldObject.metadata.labels.tier == 'b'",
    "namespaceObject == null || namespaceObject.metadata.labels.env == 'prod'",
    "namespaceObject != null && namespaceObject.metadata.name != 'live-c'",
    "!has(object.data) || object.data.all(k, object.data[k] != 'bad')",
    "object.?data.?a.orValue('1') == '1'",
    "object.spec.replicas < 4",
    "!has(object.spec) || object.spec.?size.orValue(1) < 3",
    "request.name.endsWith('1') || request.name.endsWith('2')",
    "request.kind.kind != 'Secret' && request.resource.group != 'apps'",
    "has(request.namespace) && request.namespace == 'live-a'",
    "request.requestKind.version == request.kind.version",
    "has(request.dryRun) && request.dryRun",
    "has(request.subResource) || request.kind.group == ''",
    "object.metadata.name.startsWith('g') && object.metadata.name.contains('-')",
    "[1, 2, 3].exists(x, x / (x - 2) == 3)",
    "1 / 0 == 1 || request.operation == 'DELETE'",
    "object.command[0] == 'ls'",
    "object.spec.containers.all(c, c.image.startsWith('registry.test/'))",
];

const WITH_AUTHORIZER: &[&str] = &[
    "authorizer.group('').resource('configmaps').namespace('live-a').check('special').allowed()",
    "authorizer.requestResource.check('special').allowed()",
    "authorizer.group('').resource('pods').check('list').allowed()",
    "authorizer.serviceAccount('live-a', 'robot').group('').resource('secrets').namespace('live-a').check('get').allowed()",
    "authorizer.path('/healthz').check('get').allowed()",
    "authorizer.requestResource.check('special').reason() == ''",
];

const WITH_PARAMS: &[&str] = &[
    "params == null || object.metadata.labels.tier == params.data.want",
    "params != null && has(params.metadata.labels) && params.metadata.labels.want == 'a'",
    "params.?limit.orValue(0) < 3",
    "params.metadata.name.endsWith('two') || request.userInfo.username == 'alice'",
];

fn check(rng: &mut Rng, has_params: bool) -> &'static str {
    match rng.below(20) {
        0..4 if has_params => rng.pick::<&str>(WITH_PARAMS),
        4..6 => rng.pick::<&str>(WITH_AUTHORIZER),
        _ => rng.pick::<&str>(CHECKS),
    }
}

const MESSAGES: &[&str] = &[
    "'not for ' + request.userInfo.username",
    "request.operation + ' of ' + request.resource.resource",
    "string(object.metadata.labels.tier) + ' is no tier'",
    "object.?metadata.?labels.?tier.orValue(' ') == ' ' ? '' : 'a\\nb'",
    "'quoted \"text\" <' + string(request.userInfo.groups.size()) + '>'",
];

fn policy(rng: &mut Rng, shape: Shape, params: Option<&Params>) -> Value {
    let has_params = params.is_some();
    let mut spec = json!({"matchConstraints": matching(rng, shape, true)});
    if let Some(params) = params {
        spec["paramKind"] = params.kind.clone();
    }
    if rng.chance(35) {
        spec["failurePolicy"] = json!(rng.pick(&["Ignore", "Fail"]));
    }
    if rng.chance(30) {
        let n = 1 + rng.below(3);
        let conditions = (0..n)
            .map(|at| json!({"name": format!("c{at}"), "expression": check(rng, has_params)}));
        spec["matchConditions"] = conditions.collect();
    }
    let has_variables = rng.chance(40);
    if has_variables {
        spec["variables"] = json!([
            {"name": "first", "expression": check(rng, has_params)},
            {"name": "second", "expression": format!("variables.first || {}", check(rng, has_params))},
            {"name": "tier", "expression": "object.metadata.labels.tier"},
        ]);
    }
    let n = 1 + rng.below(3);
    let validations = (0..n).map(|_| validation(rng, has_params, has_variables));
    spec["validations"] = validations.collect();
    if rng.chance(30) {
        spec["auditAnnotations"] = json!([
            {"key": "who", "valueExpression": "request.userInfo.username + ' ' + request.operation"},
            {"key": "tier", "valueExpression": "object == null ? '' : string(object.metadata.labels.tier)"},
        ]);
        if rng.chance(50) {
            spec["auditAnnotations"].as_array_mut().unwrap().truncate(1);
        }
    }
    spec
}

fn validation(rng: &mut Rng, has_params: bool, has_variables: bool) -> Value {
    let one = check(rng, has_params);
    let expression = match rng.below(10) {
        0..3 => one.to_owned(),
        3..5 if has_variables => "variables.second && variables.first".to_owned(),
        5 if has_variables => format!("variables.tier == 'a' || {one}"),
        6..8 => format!("({one}) || ({})", check(rng, has_params)),
        8 => format!("!({one})"),
        _ => format!("({one}) && ({})", check(rng, has_params)),
    };
    let mut validation = json!({"expression": expression});
    if rng.chance(40) {
        validation["message"] = json!(rng.pick(&["it must not be", " spaces ", "'quoted'"]));
    }
    if rng.chance(45) {
        validation["messageExpression"] = json!(rng.pick(MESSAGES));
    }
    if rng.chance(35) {
        validation["reason"] = json!(rng.pick(&["Forbidden", "Invalid", "RequestEntityTooLarge"]));
    }
    validation
}

fn binding(rng: &mut Rng, shape: Shape, of: usize, params: Option<&Params>) -> Value {
    let actions = rng
        .pick(&[
            json!(["Deny"]),
            json!(["Deny"]),
            json!(["Warn"]),
            json!(["Audit"]),
            json!(["Audit", "Deny"]),
            json!(["Warn", "Audit"]),
        ])
        .clone();
    let mut spec = json!({"of": of, "validationActions": actions});
    if rng.chance(30) {
        spec["matchResources"] = matching(rng, shape, false);
    }
    let Some(params) = params.filter(|_| rng.chance(90)) else { return spec };
    let mut reference = json!({"parameterNotFoundAction": rng.pick(&["Allow", "Deny"])});
    match rng.below(10) {
        0..5 => reference["name"] = json!(rng.pick(&["ID", "ID-two"])),
        5..9 => {
            reference["selector"] = json!({"matchLabels": {"params": "ID"}});
            if rng.chance(40) {
                reference["selector"]["matchExpressions"] =
                    json!([{"key": "want", "operator": "In", "values": ["a", "b"]}]);
            }
        }
        _ => reference["name"] = json!("nobody"),
    }
    if rng.chance(if params.is_cluster { 8 } else { 45 }) {
        reference["namespace"] = json!(rng.pick(NAMESPACES));
    }
    spec["paramRef"] = reference;
    spec
}

fn ask(rng: &mut Rng, shape: Shape, index: usize) -> Value {
    let user = *rng.pick(&["alice", "alice", "bob", "carol"]);
    let groups = if rng.chance(30) { json!(["devs"]) } else { json!([]) };
    let mut ask = json!({"name": format!("generated {index}"), "user": user, "groups": groups,
        "namespace": rng.pick(NAMESPACES)});
    match shape {
        Shape::Exec => {
            ask["kind"] = json!("exec");
            ask["command"] = json!(rng.pick(&["ls", "sh"]));
            return ask;
        }
        Shape::Subresources => {
            ask["kind"] = json!(rng.pick(&["scale", "token", "scale", "eviction"]));
            if rng.chance(50) && ask["kind"] == "scale" {
                ask["object"] = json!({"spec": {"replicas": 1 + rng.below(6)}});
            }
            return ask;
        }
        Shape::Objects => {}
    }
    let kind = *rng.pick(KINDS);
    ask["kind"] = json!(if rng.chance(30) { "configmap" } else { kind });
    ask["operation"] = json!(rng.pick(&["CREATE", "CREATE", "UPDATE", "DELETE"]));
    let mut labels = json!({});
    if rng.chance(75) {
        labels["tier"] = json!(rng.pick(&["a", "b", "c"]));
    }
    if rng.chance(40) {
        labels["app"] = json!(rng.pick(&["x", "y"]));
    }
    ask["object"] = json!({"metadata": {"labels": labels}});
    ask["old"] = json!({"metadata": {"labels": {"tier": rng.pick(&["a", "b"])}}});
    if ask["kind"] == "configmap" && rng.chance(50) {
        ask["object"]["data"] = json!({"a": rng.pick(&["1", "bad", "2"])});
    }
    if ask["operation"] == "CREATE" && ask["kind"] != "namespace" && rng.chance(12) {
        ask["object"]["metadata"]["name"] = Value::Null;
        ask["object"]["metadata"]["generateName"] = json!("made-");
    }
    if ask["kind"] == "namespace" && rng.chance(60) {
        ask["object"]["metadata"]["labels"]["env"] = json!(rng.pick(&["prod", "dev"]));
    }
    ask
}
