//! What rules, selectors and match conditions of webhooks leave out is what a real API
//! server leaves out: a webhook that fails closed and that nobody answers refuses exactly
//! the requests that it is called about.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use ironhull_controls::admission::{Called, Probe, called};
use ironhull_model::{Coverage, Minor, Object, Snapshot, World};
use ironhull_testkit::cluster::{Cluster, Options, User};
use ironhull_testkit::wait;
use serde_json::{Value, json};

const NODES: &[&str] = &["system:masters", "system:nodes"];
const OTHERS: &[&str] = &["system:masters"];
const LABELS: &[(&str, &str)] = &[("app", "web"), ("guarded", "no")];

fn probe(
    (group, resource, subresource): (&'static str, &'static str, &'static str),
    kind: &'static str,
    namespace: &'static str,
) -> Probe<'static> {
    Probe {
        operation: "CREATE",
        group,
        version: "v1",
        resource,
        subresource,
        kind,
        members: &["spec", "data", "status", "target"],
        namespace,
        user: "somebody",
        groups: OTHERS,
        labels: &[],
        has_no_other_labels: true,
    }
}

/// Requests, with the method, the path and the body by which they are sent.
fn requests() -> Vec<(Probe<'static>, &'static str, String, Value)> {
    let mut all = Vec::new();
    let mut add = |probe: Probe<'static>, name: &str, spec: Value| {
        let root = match probe.group {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/{}", probe.version),
        };
        let namespace = match probe.namespace {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        let (method, name_in_path) = match (probe.operation, probe.subresource) {
            ("UPDATE", _) => ("PUT", format!("/{name}")),
            (_, "") => ("POST", String::new()),
            _ => ("POST", format!("/{name}")),
        };
        let sub = if probe.subresource.is_empty() { "" } else { "/" };
        let path = format!(
            "{root}{namespace}/{}{name_in_path}{sub}{}?dryRun=All",
            probe.resource, probe.subresource
        );
        let api_version = root.trim_start_matches("/apis/").trim_start_matches("/api/").to_owned();
        let mut body =
            json!({"apiVersion": api_version, "kind": probe.kind, "metadata": {"name": name}});
        for (key, value) in spec.as_object().unwrap() {
            body[key] = value.clone();
        }
        for (key, value) in probe.labels {
            body["metadata"]["labels"][*key] = (*value).into();
        }
        all.push((probe, method, path, body));
    };
    let pod = || json!({"spec": {"containers": [{"name": "web", "image": "web"}]}});
    let lease = || json!({"spec": {"holderIdentity": "me"}});
    for namespace in ["kube-system", "guarded", "bare"] {
        let pods = probe(("", "pods", ""), "Pod", namespace);
        add(pods, "web", pod());
        add(Probe { labels: LABELS, ..pods }, "web", pod());
        let leases = probe(("coordination.k8s.io", "leases", ""), "Lease", namespace);
        add(Probe { user: "node", groups: NODES, ..leases }, "node", lease());
        add(leases, "leader", lease());
        add(probe(("", "configmaps", ""), "ConfigMap", namespace), "made", json!({}));
        let maps = probe(("", "configmaps", ""), "ConfigMap", namespace);
        add(Probe { operation: "UPDATE", ..maps }, "kept", json!({"data": {"a": "b"}}));
    }
    let nodes = probe(("", "nodes", ""), "Node", "");
    add(Probe { user: "node", groups: NODES, ..nodes }, "new", json!({}));
    let status = Probe { operation: "UPDATE", subresource: "status", ..nodes };
    add(Probe { user: "node", groups: NODES, ..status }, "kept", json!({}));
    add(nodes, "new", json!({}));
    let roles = probe(("rbac.authorization.k8s.io", "clusterroles", ""), "ClusterRole", "");
    add(roles, "made", json!({"rules": []}));
    all
}

fn rule(groups: &str, resources: &str, operations: &str, scope: &str) -> Value {
    let list = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
    json!({
        "apiGroups": list(groups), "apiVersions": ["v1"], "resources": list(resources),
        "operations": list(operations), "scope": scope,
    })
}

/// Webhooks without their client: all rules with a few of the rest, and all of the rest
/// with the widest rule.
fn webhooks() -> Vec<Value> {
    let rules = [
        rule("*", "*", "*", "*"),
        rule("*", "*/*", "*", "*"),
        rule("*", "*", "CREATE", "Namespaced"),
        rule("*", "*", "*", "Cluster"),
        rule("", "*", "*", "*"),
        rule("", "pods/*", "CREATE", "*"),
        rule("", "nodes/status", "UPDATE", "*"),
        rule("", "*/status", "*", "*"),
        rule("", "nodes", "*", "Namespaced"),
        rule("coordination.k8s.io,apps", "leases,pods", "CREATE", "*"),
        rule("rbac.authorization.k8s.io", "*", "UPDATE", "*"),
        rule("", "configmaps", "UPDATE,DELETE", "*"),
    ];
    let name = "kubernetes.io/metadata.name";
    let one = |key: &str, operator: &str, values: Value| {
        let mut expression = json!({"key": key, "operator": operator});
        if operator == "In" || operator == "NotIn" {
            expression["values"] = values;
        }
        json!({"matchExpressions": [expression]})
    };
    let condition = |text: &str| json!({"matchConditions": [{"name": "c", "expression": text}]});
    let rest = [
        json!({}),
        json!({"namespaceSelector": {"matchLabels": {"team": "a"}}}),
        json!({"namespaceSelector": one(name, "NotIn", json!(["kube-system"]))}),
        json!({"namespaceSelector": one("team", "DoesNotExist", json!([]))}),
        json!({"objectSelector": {"matchLabels": {"app": "web"}}}),
        json!({"objectSelector": one("guarded", "NotIn", json!(["no"]))}),
        condition("!('system:nodes' in request.userInfo.groups)"),
        condition("has(object.metadata.namespace) && object.metadata.namespace != 'kube-system'"),
        condition("request.resource.resource == 'pods'"),
        condition("has(request.subResource) && request.subResource == 'status'"),
        condition("object.metadata.labels['app'] == 'web'"),
        condition("oldObject == null && request.operation == 'CREATE'"),
        condition("request.namespace == 'guarded'"),
        condition("namespaceObject != null && namespaceObject.metadata.name == 'guarded'"),
        condition("request.userInfo.username == 'node' || object.kind == 'ClusterRole'"),
        json!({"matchConditions": [
            {"name": "fails", "expression": "object.metadata.labels['none'] == 'x'"},
            {"name": "decides", "expression": "object.kind != 'Pod'"},
        ]}),
    ];
    let with = |rule: &Value, rest: &Value| {
        let mut webhook = rest.clone();
        webhook["rules"] = json!([rule]);
        webhook
    };
    let few = [&rest[0], &rest[2], &rest[6]];
    let wide = rest.iter().skip(1).map(|rest| with(&rules[1], rest));
    let narrow = rules.iter().flat_map(|rule| few.iter().map(move |rest| with(rule, rest)));
    narrow.chain(wide).collect()
}

/// Puts a webhook in force, and one beside it by which that shows.
fn install(cluster: &Cluster, number: usize, webhook: &Value) {
    let client = json!({"service": {"name": "gone", "namespace": "kube-system"}});
    let mut own = webhook.clone();
    // It leaves alone what shows that it is in force.
    let apart = json!({
        "name": "apart", "expression": "!has(request.namespace) || request.namespace != 'default'",
    });
    let mut conditions = own["matchConditions"].as_array().cloned().unwrap_or_default();
    conditions.push(apart);
    own["matchConditions"] = conditions.into();
    let marker = json!({
        "rules": [rule("", "configmaps", "CREATE", "*")],
        "matchConditions": [{"name": "c", "expression": format!("request.name == 'marker-{number}'")}],
    });
    let mut marker = marker;
    for (webhook, name) in [(&mut own, "own.example.dev"), (&mut marker, "marker.example.dev")] {
        webhook["name"] = name.into();
        webhook["clientConfig"] = client.clone();
        webhook["failurePolicy"] = "Fail".into();
        webhook["sideEffects"] = "None".into();
        webhook["admissionReviewVersions"] = json!(["v1"]);
        webhook["timeoutSeconds"] = 1.into();
    }
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks";
    // An apply replaces what an older one said.
    let object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hooks"}, "webhooks": [marker, own],
    });
    let admin = User::admin();
    let body = Some(("application/apply-patch+yaml", &object));
    cluster
        .request(&admin, "PATCH", &format!("{path}?fieldManager=test&force=true"), body)
        .expect_success();
    let name = format!("marker-{number}");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let asked = || {
        let answer = cluster.post(&admin, "/api/v1/namespaces/default/configmaps?dryRun=All", &map);
        answer.message().contains("marker.example.dev").then_some(())
    };
    wait::until(Duration::from_secs(20), asked).unwrap();
}

fn world_of(cluster: &Cluster) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    let list = cluster.get(&User::admin(), "/api/v1/namespaces").expect_success();
    for item in list["items"].as_array().unwrap() {
        let mut item = item.clone();
        item["apiVersion"] = "v1".into();
        item["kind"] = "Namespace".into();
        let value = serde_json::from_value(item).unwrap();
        snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
    }
    snapshot.seal();
    snapshot
}

#[test]
fn conditions_see_no_namespace() {
    let snapshot = Snapshot::new(Minor::NEWEST);
    let ask = |expression: &str| {
        let condition = json!({"name": "c", "expression": expression});
        let rules = json!([rule("", "pods", "CREATE", "*")]);
        let webhook = json!({"rules": rules, "matchConditions": [condition]});
        let webhook: ironhull_model::Value = serde_json::from_value(webhook).unwrap();
        called(webhook.root(), &probe(("", "pods", ""), "Pod", "guarded"), World::new(&snapshot))
    };
    assert_eq!(ask("namespaceObject == null"), Called::Yes);
    assert_eq!(ask("namespaceObject != null"), Called::No);
    // An error refuses the request.
    assert_eq!(ask("namespaceObject.metadata.name != 'guarded'"), Called::Yes);
}

#[test]
fn what_webhooks_are_called_about_is_what_a_real_api_server_calls_them_about() {
    // A webhook without an answer would fail the tests of everybody else.
    let options = Options { controller_manager: true, ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let namespace = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    cluster.create_all(&[
        namespace("guarded", json!({"team": "a"})),
        namespace("bare", json!({})),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "kept"}}),
    ]);
    for namespace in ["kube-system", "guarded", "bare"] {
        cluster.create_all(&[json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": namespace}})]);
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        let is_there = || cluster.get(&User::admin(), &account).is_success().then_some(());
        wait::until(Duration::from_secs(20), is_there).unwrap();
    }
    let snapshot = world_of(&cluster);
    let world = World::new(&snapshot);
    let (requests, webhooks) = (requests(), webhooks());
    let (mut n_called, mut n_unknown, mut n) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (number, webhook) in webhooks.iter().enumerate() {
        install(&cluster, number, webhook);
        let value: ironhull_model::Value = serde_json::from_value(webhook.clone()).unwrap();
        for (probe, method, path, body) in &requests {
            let user = User::named(probe.user, probe.groups);
            let body = Some(("application/json", body));
            let answer = cluster.request(&user, method, path, body);
            let theirs = match (answer.is_success(), answer.message()) {
                (true, _) => Called::No,
                (_, text)
                    if text.contains("own.example.dev") || text.contains("resulted in error") =>
                {
                    Called::Yes
                }
                (_, text) => panic!("{method} {path}: {text}"),
            };
            let ours = called(value.root(), probe, world);
            n += 1;
            n_called += usize::from(theirs == Called::Yes);
            if matches!(ours, Called::Unknown(_)) {
                n_unknown += 1;
            } else if ours != theirs {
                wrong.push(format!(
                    "{webhook}: {method} {path}: {ours:?}, not {theirs:?}: {}",
                    answer.message()
                ));
            }
        }
    }
    println!(
        "{} webhooks, {n} requests, {n_called} of them called about, {n_unknown} unknown",
        webhooks.len()
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_called * 5 > n && n_called * 5 < n * 4, "{n_called} of {n} prove one side only");
    assert!(n_unknown * 20 < n, "{n_unknown} of {n} are unknown");
    // These no webhook is asked about, from 1.37 on; nor about webhooks.
    install(&cluster, webhooks.len(), &json!({"rules": [rule("*", "*/*", "*", "*")]}));
    let reviews = [
        ("authentication.k8s.io", "TokenReview", "tokenreviews"),
        ("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    ];
    for (group, kind, resource) in reviews {
        let spec = match kind {
            "TokenReview" => json!({"token": "x"}),
            _ => json!({"nonResourceAttributes": {"path": "/", "verb": "get"}}),
        };
        let review = json!({"apiVersion": format!("{group}/v1"), "kind": kind, "spec": spec});
        cluster
            .post(&User::admin(), &format!("/apis/{group}/v1/{resource}"), &review)
            .expect_success();
    }
}
