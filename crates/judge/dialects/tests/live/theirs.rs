//! What a real API server answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironhull_testkit::cluster::{Cluster, Options, Response, User};
use serde_json::{Value, json};

use super::case::{Ask, Group};
use super::ours::Answer;
use super::shared;

const GROUP: &str = "/apis/admissionregistration.k8s.io";

/// Starts an API server that audits, and makes what all cases share; `emulated` is the
/// minor that it behaves as, else its own; `flags` are others of the API server's.
pub fn start(emulated: Option<&'static str>, flags: &[&str]) -> Option<Cluster> {
    let audit = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["testbed-admin"]},
        {"level": "None", "userGroups": ["system:masters"]},
        {"level": "Metadata", "userGroups": ["cases"]},
    ]});
    let own = "--disable-admission-plugins=ResourceQuota";
    let flags = [own].iter().chain(flags).map(|flag| (*flag).to_owned()).collect();
    let options = Options {
        audit_policy: Some(audit),
        api_server_flags: flags,
        emulated_version: emulated,
        ..Options::default()
    };
    let cluster = Cluster::start(&options)?;
    cluster.create_all(&shared::objects());
    cluster.wait_for("custom resources", Duration::from_secs(60), || {
        let ready = |plural| {
            cluster.get(&User::admin(), &format!("/apis/example.dev/v1/{plural}")).is_success()
        };
        (ready("widgets") && ready("limits") && ready("things")).then_some(())
    });
    Some(cluster)
}

/// Whether mutating policies are served. Before 1.36 they are v1beta1 and off; and this
/// API server's plugin, which looks for v1, never gets ready when it is turned on there.
pub fn mutates(cluster: &Cluster) -> bool {
    let path = format!("{GROUP}/v1/mutatingadmissionpolicies");
    let status = cluster.get(&User::admin(), &path).status;
    assert!(matches!(status, 200 | 404), "{status}");
    status == 200
}

/// Everything of the kinds that our side looks up.
pub fn world(cluster: &Cluster) -> Vec<Value> {
    let kinds = [
        ("v1", "Namespace", "/api/v1/namespaces"),
        ("v1", "ServiceAccount", "/api/v1/serviceaccounts"),
        ("v1", "LimitRange", "/api/v1/limitranges"),
        ("v1", "Node", "/api/v1/nodes"),
        ("storage.k8s.io/v1", "StorageClass", "/apis/storage.k8s.io/v1/storageclasses"),
        ("networking.k8s.io/v1", "IngressClass", "/apis/networking.k8s.io/v1/ingressclasses"),
        ("node.k8s.io/v1", "RuntimeClass", "/apis/node.k8s.io/v1/runtimeclasses"),
        ("scheduling.k8s.io/v1", "PriorityClass", "/apis/scheduling.k8s.io/v1/priorityclasses"),
        ("v1", "ConfigMap", "/api/v1/configmaps?labelSelector=params"),
        ("example.dev/v1", "Limit", "/apis/example.dev/v1/limits"),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        ),
    ];
    let mut objects = Vec::new();
    for (api_version, kind, path) in kinds {
        let list = cluster.get(&User::admin(), path).expect_success();
        for item in list["items"].as_array().unwrap() {
            let mut item = item.clone();
            item["apiVersion"] = json!(api_version);
            item["kind"] = json!(kind);
            objects.push(item);
        }
    }
    objects
}

/// Runs over all items on a few threads; as many as keep two cores busy.
fn spread<T: Sync>(items: &[T], run: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    run(index, item);
                }
            });
        }
    });
}

fn create_all(cluster: &Cluster, objects: &[Value], refused: &Mutex<HashMap<String, String>>) {
    spread(objects, |_, object| {
        let response = cluster.create(&User::admin(), object);
        if !response.is_success() {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            refused.lock().unwrap().insert(name, response.message().to_owned());
        }
    });
}

/// Makes the parameters and what requests find there; gives for each request of each
/// group what was stored.
pub fn prepare(cluster: &Cluster, groups: &[Group]) -> Vec<Vec<Option<Value>>> {
    let refused = Mutex::default();
    let params: Vec<Value> = groups.iter().flat_map(|group| group.params.clone()).collect();
    create_all(cluster, &params, &refused);
    let refused = refused.into_inner().unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    let asks: Vec<&Ask> = groups.iter().flat_map(|group| &group.asks).collect();
    let stored: Mutex<HashMap<usize, Value>> = Mutex::default();
    spread(&asks, |index, ask| {
        for object in &ask.sent.existing {
            let mut made = cluster.create(&User::admin(), object).expect_success();
            if ask.sent.subresource == "scale" {
                made = cluster.get(&User::admin(), &ask.sent.path).expect_success();
            }
            stored.lock().unwrap().entry(index).or_insert(made);
        }
    });
    let mut stored = stored.into_inner().unwrap();
    let mut index = 0;
    let of_group = |group: &Group| {
        let mut of_ask = |_: &Ask| {
            index += 1;
            stored.remove(&(index - 1))
        };
        group.asks.iter().map(&mut of_ask).collect()
    };
    groups.iter().map(of_group).collect()
}

/// Puts policies in force and waits until they are.
pub fn enforce(cluster: &Cluster, groups: &[Group], batch: usize, mutates: bool) {
    let refused = Mutex::default();
    let objects: Vec<Value> = groups
        .iter()
        .flat_map(|group| group.policies.iter().chain(&group.bindings).cloned())
        .collect();
    create_all(cluster, &objects, &refused);
    let refused = refused.into_inner().unwrap();
    assert!(refused.is_empty(), "{refused:#?}");
    let name = format!("sentinel-{batch}");
    cluster.create_all(&sentinel("Validating", &name));
    let mut probe = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "live-a", "labels": {"sentinel": name}}});
    match mutates {
        true => cluster.create_all(&sentinel("Mutating", &name)),
        false => probe["data"] = json!({"a": "b"}),
    }
    let path = "/api/v1/namespaces/live-a/configmaps?dryRun=All";
    cluster.wait_for("the policies", Duration::from_secs(60), || {
        let response = cluster.post(&User::admin(), path, &probe);
        let is_changed = response.message().contains("changed by the sentinel");
        is_changed.then_some(())
    });
}

/// A policy that changes an object, and one that refuses what was changed.
fn sentinel(flavour: &str, name: &str) -> Vec<Value> {
    let constraints = json!({"objectSelector": {"matchLabels": {"sentinel": name}},
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}]});
    let mut spec = json!({"matchConstraints": constraints});
    let mut bound = json!({"policyName": name});
    if flavour == "Validating" {
        spec["validations"] =
            json!([{"expression": "!has(object.data)", "message": "changed by the sentinel"}]);
        bound["validationActions"] = json!(["Deny"]);
    } else {
        spec["reinvocationPolicy"] = json!("Never");
        spec["mutations"] = json!([{"patchType": "JSONPatch", "jsonPatch": {"expression":
            "[JSONPatch{op: 'add', path: '/data', value: {'a': 'b'}}]"}}]);
    }
    in_force(flavour, name, spec, bound)
}

/// A policy and its binding, which [`clear`] takes away.
fn in_force(flavour: &str, name: &str, spec: Value, bound: Value) -> Vec<Value> {
    let make = |kind: String, spec| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "labels": {"part-of": "cases"}}, "spec": spec})
    };
    vec![
        make(format!("{flavour}AdmissionPolicy"), spec),
        make(format!("{flavour}AdmissionPolicyBinding"), bound),
    ]
}

/// Waits until mutating policies know the types of all definitions, for which they look
/// every five seconds; until then they refuse what is of them.
pub fn know_types(cluster: &Cluster) {
    let label = json!({"sentinel": "types"});
    let constraints = json!({"objectSelector": {"matchLabels": label},
        "resourceRules": [{"apiGroups": ["example.dev"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE"]}]});
    let part = "Object{metadata: Object.metadata{labels: {'known': 'yes'}}}";
    let spec = json!({"matchConstraints": constraints, "reinvocationPolicy": "Never", "mutations": [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": part}}]});
    let bound = json!({"policyName": "sentinel-types"});
    cluster.create_all(&in_force("Mutating", "sentinel-types", spec, bound));
    let objects = shared::objects();
    let definitions = objects.iter().filter(|of| of["kind"] == "CustomResourceDefinition");
    let probe = |of: &Value, version: &Value| {
        let (names, version) = (&of["spec"]["names"], version["name"].as_str().unwrap());
        let mut object = json!({"apiVersion": format!("example.dev/{version}"), "kind": names["kind"],
            "metadata": {"name": "types", "labels": label}});
        let mut place = "";
        if of["spec"]["scope"] == "Namespaced" {
            object["metadata"]["namespace"] = json!("live-a");
            place = "namespaces/live-a/";
        }
        let plural = names["plural"].as_str().unwrap();
        (format!("/apis/example.dev/{version}/{place}{plural}?dryRun=All"), object)
    };
    let mut unknown: Vec<(String, Value)> = definitions
        .flat_map(|of| of["spec"]["versions"].as_array().unwrap().iter().map(|at| probe(of, at)))
        .collect();
    assert!(unknown.len() > 10, "{unknown:?}");
    cluster.wait_for("the types of custom resources", Duration::from_secs(60), || {
        unknown.retain(|(path, object)| {
            let response = cluster.post(&User::admin(), path, object);
            response.body["metadata"]["labels"]["known"] != "yes"
        });
        unknown.is_empty().then_some(())
    });
    clear(cluster, true);
}

/// Takes all policies of the cases away.
pub fn clear(cluster: &Cluster, mutates: bool) {
    for resource in [
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicybindings",
        "validatingadmissionpolicies",
        "mutatingadmissionpolicies",
    ] {
        if resource.starts_with("mutating") && !mutates {
            continue;
        }
        let path = format!("{GROUP}/v1/{resource}?labelSelector=part-of%3Dcases");
        cluster.delete(&User::admin(), &path).expect_success();
    }
}

/// Sends all requests; the number of each is in its query, for the audit log.
/// `stored` are the versions of what is updated.
pub fn ask(cluster: &Cluster, asks: &[&Ask], stored: &[Value], first: usize) -> Vec<Response> {
    let responses: Mutex<HashMap<usize, Response>> = Mutex::default();
    spread(asks, |index, ask| {
        let sent = &ask.sent;
        // A connection is no change: it knows no dry run, and there is no such pod.
        let dry = if sent.operation == "CONNECT" { "" } else { "&dryRun=All" };
        let path = format!("{}?number={}{dry}{}", sent.path, first + index, sent.query);
        let mut groups: Vec<&str> = ask.groups.iter().map(String::as_str).collect();
        if !groups.contains(&"cases") {
            groups.push("cases");
        }
        let user = User::named(&ask.user, &groups);
        let mut body = sent.body.clone().filter(|_| sent.operation != "CONNECT");
        if let Some(body) = body.as_mut().filter(|_| sent.operation == "UPDATE") {
            body["metadata"]["resourceVersion"] = stored[index].clone();
        }
        let body = body.as_ref().map(|body| ("application/json", body));
        let response = cluster.request(&user, sent.method, &path, body);
        responses.lock().unwrap().insert(index, response);
    });
    let mut responses = responses.into_inner().unwrap();
    (0..asks.len()).map(|index| responses.remove(&index).unwrap()).collect()
}

/// The audit annotations of the policies, by the numbers of the requests.
pub fn audited(cluster: &Cluster) -> HashMap<usize, BTreeMap<String, String>> {
    let mut audited = HashMap::new();
    for event in cluster.audit_events() {
        let uri = event["requestURI"].as_str().unwrap_or_default();
        let Some((_, rest)) = uri.split_once("number=") else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let annotations = event["annotations"].as_object().into_iter().flatten();
        let own = annotations
            .filter(|(key, _)| {
                let policy = key.split('/').next().unwrap_or_default();
                policy.contains("-p") && !policy.contains('.')
                    || policy == "validation.policy.admission.k8s.io"
            })
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
        audited.insert(digits.parse().unwrap(), own.collect());
    }
    audited
}

/// An answer in the form of ours.
pub fn answer(ask: &Ask, response: &Response, audit: BTreeMap<String, String>) -> Answer {
    let body = &response.body;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let denied = response.message().contains("denied request")
        || response.message().starts_with("Internal error occurred: strict");
    let mut message = format!("{} {} {}", response.status, text("reason"), text("message"));
    let prefix = ask.sent.body.as_ref().and_then(|body| body["metadata"]["generateName"].as_str());
    if let Some(prefix) = prefix.filter(|_| ask.sent.name.is_empty())
        && let Some(at) = message.find(&format!("\"{prefix}"))
    {
        // What the API server adds to a generated name is chance.
        let end = at + 1 + prefix.len();
        message.replace_range(end..end + 5, "");
    }
    Answer {
        denied,
        code: if denied { response.status } else { 0 },
        reason: if denied { text("reason") } else { String::new() },
        messages: if denied { vec![message] } else { Vec::new() },
        // Fields that no schema has are told of by the decoder, old ones by the registry.
        warnings: { response.warnings.iter() }
            .filter(|text| !text.starts_with("unknown field ") && !text.contains("deprecated"))
            .cloned()
            .collect(),
        audit: super::ours::in_order(audit),
        object: None,
        is_prepared: false,
    }
}
