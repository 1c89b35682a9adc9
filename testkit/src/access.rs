//! Random estates of roles, bindings, pods on nodes, and questions about them:
//! what the API server would accept and could be asked by SubjectAccessReview.

use serde_json::{Value, json};

use crate::rng::Rng;

mod question;

pub use question::Question;

/// One estate and what is asked of it.
pub struct Estate {
    /// Namespaces, ServiceAccounts, roles, bindings, pods, volumes, …, in an order in
    /// which they can be created.
    pub objects: Vec<Value>,
    /// The questions.
    pub questions: Vec<Question>,
}

const NAMESPACES: &[&str] = &["bank", "lab", "ops", "shop"];
const NODES: &[&str] = &["node-a", "node-b", "node-c"];
const NAMES: &[&str] = &["alpha", "beta", "gamma", "delta"];
const GROUPS: &[&str] =
    &["dev", "sre", "system:authenticated", "system:serviceaccounts", "system:nodes"];
const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "impersonate",
    "bind",
    "escalate",
    "approve",
    "use",
    "impersonate:user-info",
    "impersonate:serviceaccount",
    "impersonate:arbitrary-node",
    "impersonate-on:user-info:get",
    "impersonate-on:serviceaccount:create",
];
/// (API group, resource, subresources, in namespaces).
const RESOURCES: &[(&str, &str, &[&str], bool)] = &[
    ("", "pods", &["log", "exec", "status", "eviction", "ephemeralcontainers"], true),
    ("", "secrets", &[], true),
    ("", "configmaps", &[], true),
    ("", "services", &["proxy", "status"], true),
    ("", "serviceaccounts", &["token"], true),
    ("", "persistentvolumeclaims", &["status"], true),
    ("", "persistentvolumes", &[], false),
    ("", "nodes", &["proxy", "status"], false),
    ("", "namespaces", &["finalize"], false),
    ("apps", "deployments", &["scale", "status"], true),
    ("apps", "statefulsets", &["scale"], true),
    ("batch", "jobs", &["status"], true),
    ("coordination.k8s.io", "leases", &[], true),
    ("rbac.authorization.k8s.io", "clusterroles", &[], false),
    ("rbac.authorization.k8s.io", "rolebindings", &[], true),
    ("storage.k8s.io", "csinodes", &["status"], false),
    ("storage.k8s.io", "volumeattachments", &["status"], false),
    ("resource.k8s.io", "resourceclaims", &["status"], true),
    ("resource.k8s.io", "resourceslices", &[], false),
    ("certificates.k8s.io", "certificatesigningrequests", &["approval", "status"], false),
    ("certificates.k8s.io", "podcertificaterequests", &["status"], true),
    ("certificates.k8s.io", "signers", &[], false),
    ("authentication.k8s.io", "users", &[], false),
    ("authentication.k8s.io", "groups", &[], false),
    ("authentication.k8s.io", "userextras", &["scopes"], false),
    ("authentication.k8s.io", "serviceaccounts", &[], true),
    ("authentication.k8s.io", "nodes", &[], false),
    ("example.com", "widgets", &["scale"], true),
];
const PATHS: &[&str] =
    &["/metrics", "/healthz", "/healthz/etcd", "/logs/kubelet", "/version", "/api/x", "/"];
/// Labels that aggregated roles select by; roles of a layer carry those below it.
const LAYERS: &[&str] = &["layer-0", "layer-1", "layer-2"];
const DEFAULT_AGGREGATES: &[&str] = &["view", "edit", "admin"];

/// The estate of a number: equal numbers give equal estates.
pub fn estate(number: u64, n_questions: usize) -> Estate {
    let mut rng = Rng::new(0xacce_0000 + number);
    let mut objects = accounts();
    cluster_roles(&mut rng, &mut objects);
    roles(&mut rng, &mut objects);
    bindings(&mut rng, &mut objects);
    on_nodes(&mut rng, &mut objects);
    let questions = (0..n_questions).map(|_| question::ask(&mut rng, &objects)).collect();
    Estate { objects, questions }
}

fn rbac(kind: &str, namespace: Option<&str>, name: &str) -> Value {
    let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

fn accounts() -> Vec<Value> {
    let namespaces = NAMESPACES
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let accounts = NAMESPACES.iter().flat_map(|namespace| {
        NAMES[..2].iter().map(move |name| {
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})
        })
    });
    namespaces.chain(accounts).collect()
}

fn some<'a>(rng: &mut Rng, most: usize, from: &[&'a str]) -> Vec<&'a str> {
    let mut chosen: Vec<&str> = (0..=rng.below(most)).map(|_| *rng.pick(from)).collect();
    chosen.dedup();
    chosen
}

fn rule(rng: &mut Rng) -> Value {
    let (group, resource, subresources, _) = *rng.pick(RESOURCES);
    let mut resources = vec![resource.to_owned()];
    for subresource in subresources {
        if rng.chance(25) {
            resources.push(format!("{resource}/{subresource}"));
        }
    }
    if rng.chance(30) {
        let (_, other, _, _) = *rng.pick(RESOURCES);
        resources.push(other.to_owned());
    }
    if rng.chance(20) {
        let odd = ["*", "*/scale", "*/status", "pods/*", "*/*", "*/exec"];
        (*rng.pick(&odd)).clone_into(&mut resources[0]);
    }
    let mut groups = vec![group];
    if rng.chance(15) {
        groups.push(rng.pick(RESOURCES).0);
    }
    if rng.chance(15) {
        groups = vec!["*"];
    }
    let verbs = if rng.chance(15) { vec!["*"] } else { some(rng, 5, VERBS) };
    let mut rule = json!({"apiGroups": groups, "resources": resources, "verbs": verbs});
    if rng.chance(25) {
        let mut names = some(rng, 2, NAMES);
        if rng.chance(15) {
            names.push("*");
        }
        rule["resourceNames"] = json!(names);
    }
    rule
}

fn url_rule(rng: &mut Rng) -> Value {
    let mut urls = some(rng, 2, PATHS);
    urls.push(*rng.pick(&["/healthz/*", "/logs*", "/metrics/**", "*", "/api/*/x", "/ap*"]));
    let verbs = ["get", "post", "*", "impersonate-on:user-info:get"];
    json!({"nonResourceURLs": urls, "verbs": some(rng, 2, &verbs)})
}

fn rules(rng: &mut Rng) -> Vec<Value> {
    (0..rng.below(4)).map(|_| rule(rng)).collect()
}

fn cluster_roles(rng: &mut Rng, objects: &mut Vec<Value>) {
    for index in 0..8 {
        let mut role = rbac("ClusterRole", None, &format!("role-{index}"));
        let mut list = rules(rng);
        if rng.chance(30) {
            list.push(url_rule(rng));
        }
        role["rules"] = json!(list);
        if rng.chance(40) {
            role["metadata"]["labels"][*rng.pick(LAYERS)] = "yes".into();
        }
        if rng.chance(25) {
            let into = rng.pick(DEFAULT_AGGREGATES);
            let label = format!("rbac.authorization.k8s.io/aggregate-to-{into}");
            role["metadata"]["labels"][label] = "true".into();
        }
        objects.push(role);
    }
    for (index, layer) in LAYERS.iter().enumerate() {
        let mut role = rbac("ClusterRole", None, &format!("sum-{index}"));
        let mut selectors = vec![json!({"matchLabels": {*layer: "yes"}})];
        if rng.chance(30) {
            selectors.push(
                json!({"matchExpressions": [{"key": rng.pick(LAYERS), "operator": "Exists"}]}),
            );
        }
        if rng.chance(10) {
            let without = |key: &str| json!({"key": key, "operator": "DoesNotExist"});
            selectors.push(json!({"matchExpressions": [
                without("kubernetes.io/bootstrapping"), without(LAYERS[0]), without("sum")]}));
        }
        role["aggregationRule"] = json!({"clusterRoleSelectors": selectors});
        role["metadata"]["labels"]["sum"] = "yes".into();
        // A circle is possible where no role of it has rules of its own: which of
        // those would be overwritten first is chance.
        if rng.chance(40) {
            role["metadata"]["labels"][*rng.pick(LAYERS)] = "yes".into();
        } else if rng.chance(50) {
            role["rules"] = json!(rules(rng));
        }
        objects.push(role);
    }
}

fn roles(rng: &mut Rng, objects: &mut Vec<Value>) {
    for namespace in NAMESPACES {
        for index in 0..3 {
            let mut role = rbac("Role", Some(namespace), &format!("role-{index}"));
            role["rules"] = json!(rules(rng));
            objects.push(role);
        }
    }
}

fn subject(rng: &mut Rng) -> Value {
    let api = "rbac.authorization.k8s.io";
    match rng.below(10) {
        0..=2 => json!({"kind": "User", "apiGroup": api, "name": rng.pick(NAMES)}),
        3 => {
            json!({"kind": "User", "apiGroup": api, "name": format!("system:serviceaccount:{}:{}", rng.pick(NAMESPACES), rng.pick(&NAMES[..2]))})
        }
        4..=5 => json!({"kind": "Group", "apiGroup": api, "name": rng.pick(GROUPS)}),
        6 => {
            json!({"kind": "Group", "apiGroup": api, "name": format!("system:serviceaccounts:{}", rng.pick(NAMESPACES))})
        }
        _ => {
            json!({"kind": "ServiceAccount", "namespace": rng.pick(NAMESPACES), "name": rng.pick(&NAMES[..2])})
        }
    }
}

fn cluster_role_name(rng: &mut Rng) -> String {
    match rng.below(20) {
        0..=11 => format!("role-{}", rng.below(8)),
        12..=15 => format!("sum-{}", rng.below(LAYERS.len())),
        16..=18 => (*rng.pick(DEFAULT_AGGREGATES)).to_owned(),
        _ => "gone".to_owned(),
    }
}

fn bindings(rng: &mut Rng, objects: &mut Vec<Value>) {
    for index in 0..8 {
        let mut binding = rbac("ClusterRoleBinding", None, &format!("bind-{index}"));
        binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role_name(rng)});
        binding["subjects"] = (0..rng.below(4)).map(|_| subject(rng)).collect();
        objects.push(binding);
    }
    for namespace in NAMESPACES {
        for index in 0..4 {
            let mut binding = rbac("RoleBinding", Some(namespace), &format!("bind-{index}"));
            let (kind, name) = if rng.chance(50) {
                ("Role", format!("role-{}", rng.below(4)))
            } else {
                ("ClusterRole", cluster_role_name(rng))
            };
            binding["roleRef"] =
                json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
            binding["subjects"] = (0..rng.below(4)).map(|_| subject(rng)).collect();
            objects.push(binding);
        }
    }
}

fn on_nodes(rng: &mut Rng, objects: &mut Vec<Value>) {
    for name in NAMES {
        let claim = json!({"namespace": rng.pick(NAMESPACES), "name": rng.pick(NAMES)});
        let secret = json!({"namespace": rng.pick(NAMESPACES), "name": rng.pick(NAMES)});
        let source = match rng.below(4) {
            0 => {
                json!({"csi": {"driver": "d", "volumeHandle": name, "nodeStageSecretRef": secret, "controllerPublishSecretRef": {"namespace": "ops", "name": "delta"}}})
            }
            1 => {
                json!({"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:x", "lun": 1, "secretRef": {"name": rng.pick(NAMES)}}})
            }
            2 => json!({"azureFile": {"secretName": rng.pick(NAMES), "shareName": "s"}}),
            _ => json!({"hostPath": {"path": "/x"}}),
        };
        let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "claimRef": claim}});
        for (key, value) in source.as_object().into_iter().flatten() {
            volume["spec"][key] = value.clone();
        }
        objects.push(volume);
    }
    for index in 0..8 {
        objects.push(pod(rng, index));
    }
    for name in &NAMES[..2] {
        objects.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": name},
            "spec": {"attacher": "d", "nodeName": rng.pick(NODES), "source": {"persistentVolumeName": name}}}));
        objects.push(json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name},
            "spec": {"driver": "d.example.com", "nodeName": rng.pick(NODES), "pool": {"name": name, "generation": 1, "resourceSliceCount": 1}}}));
        objects.push(json!({"apiVersion": "certificates.k8s.io/v1", "kind": "PodCertificateRequest",
            "metadata": {"name": name, "namespace": rng.pick(NAMESPACES)}, "spec": {"nodeName": rng.pick(NODES)}}));
    }
}

fn pod(rng: &mut Rng, index: usize) -> Value {
    let mut container = json!({"name": "c", "image": "registry.example.com/c:1"});
    if rng.chance(40) {
        container["envFrom"] = json!([{"secretRef": {"name": rng.pick(NAMES)}}, {"configMapRef": {"name": rng.pick(NAMES)}}]);
    }
    if rng.chance(40) {
        container["env"] = json!([
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": rng.pick(NAMES), "key": "k"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": rng.pick(NAMES), "key": "k"}}}]);
    }
    let volumes = [
        json!({"secret": {"secretName": rng.pick(NAMES)}}),
        json!({"configMap": {"name": rng.pick(NAMES)}}),
        json!({"projected": {"sources": [{"secret": {"name": rng.pick(NAMES)}}, {"configMap": {"name": rng.pick(NAMES)}}]}}),
        json!({"persistentVolumeClaim": {"claimName": rng.pick(NAMES)}}),
        json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}),
        json!({"csi": {"driver": "d", "nodePublishSecretRef": {"name": rng.pick(NAMES)}}}),
    ];
    let mut chosen = Vec::new();
    for (at, mut volume) in volumes.into_iter().enumerate() {
        if rng.chance(35) {
            volume["name"] = format!("v{at}").into();
            chosen.push(volume);
        }
    }
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{index}"), "namespace": rng.pick(NAMESPACES)},
        "spec": {"serviceAccountName": rng.pick(&NAMES[..2]), "containers": [container], "volumes": chosen}});
    if rng.chance(85) {
        pod["spec"]["nodeName"] = (*rng.pick(NODES)).into();
    }
    if rng.chance(25) {
        pod["spec"]["imagePullSecrets"] = json!([{"name": rng.pick(NAMES)}]);
    }
    if rng.chance(30) {
        pod["spec"]["resourceClaims"] = json!([
            {"name": "direct", "resourceClaimName": rng.pick(NAMES)},
            {"name": "made", "resourceClaimTemplateName": "t"}]);
        pod["status"] = json!({"resourceClaimStatuses": [{"name": "made", "resourceClaimName": rng.pick(NAMES)}]});
    }
    if rng.chance(10) {
        pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    }
    pod
}
