//! The pods that workloads make are those that a real cluster's controllers make.

use std::sync::Arc;
use std::time::Duration;

use ironhull_dialects::Policies;
use ironhull_dialects::audit::pods_of;
use ironhull_model::{Coverage, Minor, Object, Snapshot, World};
use ironhull_schema::{Schema, defaults, wire};
use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::ours;

fn workload(api_version: &str, kind: &str, name: &str, more: &Value) -> Value {
    let is_job = kind == "Job";
    let mut template = json!({
        "metadata": {"labels": {"app": name}, "annotations": {"a": "b"}, "finalizers": ["example.dev/kept"]},
        "spec": {
            "containers": [{"name": "main", "image": "registry.test/app:1",
                "volumeMounts": [{"name": "e", "mountPath": "/e"}]}],
            "initContainers": [{"name": "first", "image": "registry.test/app:1"}],
            "volumes": [{"name": "e", "emptyDir": {}}, {"name": "data", "emptyDir": {}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists",
                "effect": "NoExecute", "tolerationSeconds": 9}],
        },
    });
    if is_job {
        template["spec"]["restartPolicy"] = json!("Never");
    }
    let mut spec = json!({"template": template});
    if !is_job {
        spec["selector"] = match kind {
            "ReplicationController" => json!({"app": name}),
            _ => json!({"matchLabels": {"app": name}}),
        };
    }
    super::templates::merge(&mut spec, more);
    json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": "made"}, "spec": spec})
}

fn workloads() -> Vec<Value> {
    let claim = |name: &str| {
        json!({"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}})
    };
    vec![
        workload("apps/v1", "Deployment", "deployed", &json!({})),
        workload("apps/v1", "ReplicaSet", "replicated", &json!({})),
        workload("v1", "ReplicationController", "old", &json!({})),
        workload(
            "apps/v1",
            "StatefulSet",
            "stateful",
            &json!({"serviceName": "s", "ordinals": {"start": 2},
            "volumeClaimTemplates": [claim("data")]}),
        ),
        workload("apps/v1", "StatefulSet", "stateless", &json!({})),
        workload(
            "apps/v1",
            "DaemonSet",
            "everywhere",
            &json!({"template": {"spec": {"hostNetwork": true,
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}]}}}}}),
        ),
        workload("batch/v1", "Job", "once", &json!({})),
        workload(
            "batch/v1",
            "Job",
            "counted",
            &json!({"completionMode": "Indexed", "completions": 1,
            "backoffLimitPerIndex": 1}),
        ),
    ]
}

/// What in our two guesses differs from the pod that was made, but for what the guesses
/// themselves differ in.
fn compare(path: &str, [first, second]: [&Value; 2], theirs: &Value, told: &mut Vec<String>) {
    match (first, second, theirs) {
        (Value::Object(a), Value::Object(b), Value::Object(c)) => {
            for key in a.keys().chain(b.keys()).chain(c.keys()) {
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or_default()
                };
                compare(&format!("{path}/{key}"), [&of(a), &of(b)], &of(c), told);
            }
        }
        (Value::Array(a), Value::Array(b), Value::Array(c)) => {
            if a.len() != b.len() || a.len() != c.len() {
                told.push(format!("{path}: ours {first}, theirs {theirs}"));
                return;
            }
            for (index, item) in a.iter().enumerate() {
                compare(&format!("{path}/{index}"), [item, &b[index]], &c[index], told);
            }
        }
        _ if first != theirs && (first == second || theirs.is_null()) => {
            told.push(format!("{path}: ours {first}, theirs {theirs}"));
        }
        _ => {}
    }
}

#[test]
fn pods_are_those_that_controllers_make() {
    let options = Options { controller_manager: true, ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}}),
    ]);
    let workloads = workloads();
    cluster.create_all(&workloads);
    let made = |name: &str| {
        let list = cluster.get(&User::admin(), "/api/v1/namespaces/made/pods").expect_success();
        let items = list["items"].as_array().unwrap().clone();
        items.into_iter().find(|pod| pod["metadata"]["labels"]["app"] == *name)
    };
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    snapshot.coverage = Coverage::Complete;
    let schema = Schema::of(Minor::NEWEST);
    let objects = workloads.iter().map(|it| defaults::apply(schema, &ours::value(it)));
    snapshot.objects.extend(objects.filter_map(|it| Object::new(it, None).map(Arc::new)));
    snapshot.seal();
    let world = World::new(&snapshot);
    let policies = Policies::new(world);
    let mut told = Vec::new();
    for object in world.objects() {
        let name = &object.thing.name;
        let mut theirs =
            cluster.wait_for(&format!("a pod of {name}"), Duration::from_secs(60), || made(name));
        theirs["apiVersion"] = json!("v1");
        theirs["kind"] = json!("Pod");
        let metadata = theirs["metadata"].as_object_mut().unwrap();
        for set in ["uid", "creationTimestamp", "generation", "managedFields", "resourceVersion"] {
            metadata.remove(set);
        }
        let forms = pods_of(&policies, object);
        let mut written: Vec<Value> = forms
            .iter()
            .map(|form| {
                let json = wire::written(schema, form.value(), ironhull_cel::written_quantity)
                    .root()
                    .to_json();
                serde_json::from_str(&json).unwrap()
            })
            .collect();
        assert_eq!(written.len(), 2, "{name}");
        if object.thing.kind.as_ref() != "StatefulSet" {
            theirs["metadata"].as_object_mut().unwrap().remove("name");
        }
        for pod in written.iter_mut().chain([&mut theirs]) {
            pod.as_object_mut().unwrap().remove("status");
        }
        compare(name, [&written[0], &written[1]], &theirs, &mut told);
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(workloads.len(), world.objects().count());
}
