//! Equal to what the API server makes of an object before admission: defaulted,
//! taken to the internal version and back. Compared is the whole object as JSON
//! with sorted keys, without null, without the empty structs that Go writes
//! whether they were given or not, and without status.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ironhull_model::{Kind, Minor, Node, Value};
use ironhull_schema::{FieldType, KindInfo, Schema, TypeId, defaults};
use ironhull_testkit::oracle::{self, Case};
use ironhull_testkit::rng::Rng;

const N_OBJECTS: usize = 5_000;

/// Kinds with defaults of their own; half of the objects are of these.
const COMMON: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("", "Service"),
    ("", "Service"),
    ("", "Secret"),
    ("", "ServiceAccount"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apps", "Deployment"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("networking.k8s.io", "Ingress"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("policy", "PodDisruptionBudget"),
    ("resource.k8s.io", "ResourceClaim"),
    ("resource.k8s.io", "ResourceClaimTemplate"),
];

/// Groups whose kinds are questions to the API server, or that this oracle does not
/// know.
const LEFT_OUT: &[&str] = &[
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "apiextensions.k8s.io",
    "internal.apiserver.k8s.io",
    "lifecycle.k8s.io",
    "storagemigration.k8s.io",
];

/// Kinds that components write, not people; no control reads their defaults.
const OF_COMPONENTS: &[&str] = &[
    "Binding",
    "Eviction",
    "TokenRequest",
    "Scale",
    "Event",
    "ControllerRevision",
    "Node",
    "VolumeAttachment",
    "CompositePodGroup",
    // Their taints have the time of day.
    "DeviceTaintRule",
    "ResourceSlice",
    "ResourcePoolStatusRequest",
    "PodGroup",
    "PodCertificateRequest",
    "Workload",
];

/// What decides defaults: values by field, for text.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "image",
        &[
            "nginx",
            "nginx:latest",
            "nginx:1.25",
            "r.example:5000/a/b",
            "nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "nginx:1@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "UPPER:x",
        ],
    ),
    (
        "type",
        &[
            "RollingUpdate",
            "OnDelete",
            "Recreate",
            "ClusterIP",
            "NodePort",
            "LoadBalancer",
            "ExternalName",
            "Opaque",
            "Utilization",
            "Resource",
            "Localhost",
        ],
    ),
    ("kind", &["User", "Group", "ServiceAccount", "Role", "ClusterRole"]),
    ("restartPolicy", &["Always", "Never", "OnFailure"]),
    ("protocol", &["TCP", "UDP"]),
    ("policyTypes", &["Ingress", "Egress"]),
    ("clusterIP", &["None", "10.0.0.1"]),
    ("fieldPath", &["metadata.name"]),
    ("whenDeleted", &["Retain", "Delete"]),
    ("dnsPolicy", &["ClusterFirst", "None"]),
    // Different ones are a mistake; ours leaves the old name as it is written.
    ("serviceAccountName", &["web"]),
    ("serviceAccount", &["web"]),
    ("completionMode", &["Indexed", "NonIndexed"]),
    ("allocationMode", &["ExactCount", "All"]),
];

/// Booleans that are pointers in Go, so that false is kept.
const TRI_STATE: &[&str] = &[
    "enableServiceLinks",
    "suspend",
    "manualSelector",
    "automountServiceAccountToken",
    "allocateLoadBalancerNodePorts",
    "runAsNonRoot",
    "allowPrivilegeEscalation",
    "privileged",
    "readOnlyRootFilesystem",
    "hostUsers",
    "attachRequired",
    "podInfoOnMount",
    "requiresRepublish",
    "storageCapacity",
    "seLinuxMount",
    "publishNotReady",
];

/// Fields that the generator leaves to others: what the server writes itself, and
/// what is dropped behind feature gates or by the way to the internal version.
const SKIPPED: &[&str] = &[
    // The API server moves it into data; ours leaves it where its author wrote it.
    "stringData",
    "status",
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
    "selfLink",
    "generation",
    "deletionGracePeriodSeconds",
];

struct Writer<'r> {
    rng: &'r mut Rng,
    schema: Schema,
    /// Fields in a hundred that are filled in.
    density: usize,
}

impl Writer<'_> {
    fn object(&mut self, ty: TypeId, depth: usize, fixed: &[String]) -> String {
        let schema = self.schema;
        let mut members = fixed.to_vec();
        let type_name = schema.type_name(ty);
        let is_union = type_name.ends_with("VolumeSource") || type_name.ends_with(".Volume");
        let fields: Vec<_> = schema.fields(ty).collect();
        for field in &fields {
            let is_fixed =
                fixed.iter().any(|member| member.starts_with(&format!("\"{}\":", field.name)));
            // A claim's template names its kind, or nothing does.
            let is_type_meta = type_name.ends_with(".PersistentVolumeClaim")
                && matches!(field.name, "apiVersion" | "kind");
            if is_fixed || is_type_meta || SKIPPED.contains(&field.name) {
                continue;
            }
            let chance = match field.name {
                _ if field.required => 100,
                // Nothing else goes with a rolling update.
                "type" if type_name.contains("Strategy") => 0,
                "serviceName" => 100,
                "value" if type_name.ends_with(".PriorityClass") => 100,
                "spec" | "template" | "jobTemplate" | "image" | "devices" => 100,
                "containers" | "ports" => 85,
                _ if is_union => 8,
                _ => self.density,
            };
            if (depth > 0 || chance == 100)
                && self.rng.chance(chance)
                && let Some(value) = self.value(field.name, &field.ty, depth)
            {
                members.push(format!("\"{}\":{value}", field.name));
            }
        }
        format!("{{{}}}", members.join(","))
    }

    /// Never a zero value: Go writes those or not by the field's tag.
    fn value(&mut self, name: &str, ty: &FieldType, depth: usize) -> Option<String> {
        Some(match ty {
            FieldType::String => {
                let known = TEXTS.iter().find(|(field, _)| *field == name);
                let value = known.map_or("a", |(_, values)| values[self.rng.below(values.len())]);
                format!("\"{value}\"")
            }
            FieldType::Bytes => "\"aGk=\"".to_owned(),
            FieldType::Time => "\"2024-01-01T00:00:00Z\"".to_owned(),
            FieldType::MicroTime => "\"2024-01-01T00:00:00.123456Z\"".to_owned(),
            FieldType::Integer => (1 + self.rng.below(90)).to_string(),
            FieldType::Number => "2".to_owned(),
            FieldType::Boolean => {
                let is_false = TRI_STATE.contains(&name) && self.rng.chance(50);
                (!is_false).to_string()
            }
            FieldType::IntOrString => (*self.rng.pick(&["80", "\"http\"", "\"25%\""])).to_owned(),
            FieldType::Quantity => (*self.rng.pick(&["\"100m\"", "\"1Gi\"", "\"2\""])).to_owned(),
            FieldType::Any => return None,
            FieldType::List(item) => {
                let items: Vec<String> = (0..=self.rng.below(2))
                    .filter_map(|_| self.value(name, item, depth.saturating_sub(1)))
                    .collect();
                if items.is_empty() {
                    return None;
                }
                format!("[{}]", items.join(","))
            }
            FieldType::Map(item) => {
                let keys = if name == "limits" || name == "requests" || name == "capacity" {
                    ["cpu", "memory"]
                } else {
                    ["k0", "k1"]
                };
                let members: Vec<String> = keys
                    .into_iter()
                    .take(1 + self.rng.below(2))
                    .filter_map(|key| {
                        Some(format!(
                            "\"{key}\":{}",
                            self.value(name, item, depth.saturating_sub(1))?
                        ))
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            FieldType::Type(ty) => self.object(*ty, depth.saturating_sub(1), &[]),
        })
    }
}

fn object(rng: &mut Rng, info: &KindInfo) -> String {
    let schema = Schema::of(Minor::v1(37));
    let density = *rng.pick(&[3, 8, 15, 25]);
    let api_version = match info.group {
        "" => info.version.to_owned(),
        group => format!("{group}/{}", info.version),
    };
    let fixed = [
        format!("\"apiVersion\":\"{api_version}\""),
        format!("\"kind\":\"{}\"", info.kind),
        "\"metadata\":{\"name\":\"example\"}".to_owned(),
    ];
    Writer { rng, schema, density }.object(info.ty, 9, &fixed)
}

/// Structs without `omitempty`.
const ALWAYS_WRITTEN: &[&str] = &[
    "metadata",
    "spec",
    "status",
    "resources",
    "strategy",
    "updateStrategy",
    "template",
    "clientConfig",
    "target",
    "jobTemplate",
    "validation",
    "port",
    "conditions",
    "backend",
    "podSelector",
];

fn canonical(node: Node<'_>) -> String {
    match node.kind() {
        Kind::List => {
            let items: Vec<String> = node.items().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Map => {
            let members: BTreeMap<&str, String> = node
                .entries()
                .filter(|(key, member)| !member.is_null() && *key != "status")
                .map(|(key, member)| (key, canonical(member)))
                .filter(|(key, member)| !(member == "{}" && ALWAYS_WRITTEN.contains(key)))
                .collect();
            let members: Vec<String> =
                members.into_iter().map(|(key, member)| format!("\"{key}\":{member}")).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => node.to_json(),
    }
}

#[test]
fn defaulted_objects_are_those_of_the_api_server() {
    let schema = Schema::of(Minor::v1(37));
    let mut rng = Rng::new(59);
    let all: Vec<&KindInfo> = schema
        .kinds()
        .filter(|info| !LEFT_OUT.contains(&info.group) && !OF_COMPONENTS.contains(&info.kind))
        // It writes the class of a claim's device, whether it is said or not.
        .filter(|info| (info.group, info.version) != ("resource.k8s.io", "v1beta1"))
        // The binding's alpha version has a default that its later ones do not have.
        .filter(|info| !(info.version == "v1alpha1" && info.kind.ends_with("PolicyBinding")))
        .collect();
    let mut mix: BTreeMap<String, usize> = BTreeMap::new();
    let mut n_defaulted = 0;
    let mut cases = Vec::new();
    for index in 0..N_OBJECTS {
        let info = if index % 4 > 0 {
            let (group, kind) = rng.pick(COMMON);
            let of_kind: Vec<&&KindInfo> =
                all.iter().filter(|info| (info.group, info.kind) == (*group, *kind)).collect();
            *of_kind[rng.below(of_kind.len())]
        } else {
            all[rng.below(all.len())]
        };
        let input = object(&mut rng, info);
        let value: Value = serde_json::from_str(&input).unwrap();
        let after = defaults::apply(schema, &value);
        assert_eq!(defaults::apply(schema, &after), after, "defaulting twice: {input}");
        n_defaulted += usize::from(after != value);
        *mix.entry(format!("{}/{}", info.version, info.kind)).or_default() += 1;
        cases.push(Case { input, ours: canonical(after.root()) });
    }
    println!("{N_OBJECTS} objects of {} kinds, {n_defaulted} with defaults: {mix:?}", mix.len());
    assert!(n_defaulted * 3 > N_OBJECTS);
    oracle::check(&golden(), "defaults", &cases);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The roles and bindings of 1.37 are those that its API server starts with; for
/// the other minors `xtask` compares them with the fixtures of their modules.
#[test]
fn default_roles_are_those_of_the_api_server() {
    let mut ours: Vec<String> =
        ironhull_schema::rbac::defaults(Minor::v1(37)).map(|role| canonical(role.root())).collect();
    ours.sort();
    let input = r#"{"rbac": true}"#.to_owned();
    let hash = |text: &String| format!("{:016x}", oracle::hash(text));
    println!("{} roles and bindings", ours.len());
    assert!(ours.len() > 100);
    let ours = ours.iter().map(hash).collect::<Vec<_>>().join(" ");
    oracle::check(&golden(), "defaults-rbac", &[Case { input, ours }]);
}
