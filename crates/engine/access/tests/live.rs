//! The answers equal those that a real API server gives to SubjectAccessReviews.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::time::Duration;

use ironhull_access::Access;
use ironhull_model::World;
use ironhull_testkit::access::{self as generate, Question};
use ironhull_testkit::cluster::{Cluster, Options, User};
use ironhull_testkit::wait;
use serde_json::{Value, json};

#[path = "support/answer.rs"]
mod answer;

const N_ESTATES: u64 = 52;
const N_QUESTIONS: usize = 240;
/// Estates that the oracle does not get.
const FIRST: u64 = 1000;
/// How long authorizers and controllers may take to follow.
const SETTLES: Duration = Duration::from_secs(10);

/// What authorizers look at: apiVersion, kind and the path of their list.
const KINDS: &[(&str, &str, &str)] = &[
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings"),
    ("rbac.authorization.k8s.io/v1", "Role", "roles"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
    ("v1", "Pod", "pods"),
    ("v1", "PersistentVolume", "persistentvolumes"),
    ("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments"),
    ("resource.k8s.io/v1", "ResourceSlice", "resourceslices"),
];

fn list(cluster: &Cluster) -> Vec<Value> {
    let mut objects = Vec::new();
    for (api_version, kind, resource) in KINDS {
        let root = if *api_version == "v1" { "/api" } else { "/apis" };
        let path = format!("{root}/{api_version}/{resource}");
        let mut body = cluster.get(&User::admin(), &path).expect_success();
        for mut object in body["items"].as_array_mut().unwrap().drain(..) {
            object["apiVersion"] = (*api_version).into();
            object["kind"] = (*kind).into();
            objects.push(object);
        }
    }
    objects
}

/// Creates what the API server takes: a request for a pod's certificate needs a
/// proof, and a mirror pod may refer to nothing.
fn create(cluster: &Cluster, objects: &[Value]) -> Vec<Value> {
    let mut created = Vec::new();
    for object in objects.iter().filter(|object| object["kind"] != "PodCertificateRequest") {
        let response = cluster.create(&User::admin(), object);
        let lasts = ["Namespace", "ServiceAccount"].iter().any(|kind| object["kind"] == *kind);
        if lasts && (response.is_success() || response.status == 409) {
            continue;
        }
        if object["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
            assert_eq!(response.status, 403, "{}", response.body);
            continue;
        }
        let mut stored = response.expect_success();
        if let Some(status) = object.get("status") {
            stored["status"] = status.clone();
            let path = format!("{}/status", cluster.path(object));
            cluster.put(&User::admin(), &path, &stored).expect_success();
        }
        created.push(object.clone());
    }
    created
}

fn delete(cluster: &Cluster, objects: &[Value]) {
    for object in objects.iter().rev() {
        let path = cluster.path(object);
        let now = format!("{path}?gracePeriodSeconds=0");
        cluster.delete(&User::admin(), &now).expect_success();
        if object["kind"] == "PersistentVolume" {
            cluster.merge(&User::admin(), &path, &json!({"metadata": {"finalizers": null}}));
        }
    }
}

/// Whether the API server allows it.
fn ask(cluster: &Cluster, question: &Question) -> bool {
    let mut spec = json!({"user": question.user, "groups": question.groups});
    if question.path.is_empty() {
        spec["resourceAttributes"] = json!({"verb": question.verb, "group": question.group,
            "resource": question.resource, "subresource": question.subresource,
            "namespace": question.namespace, "name": question.name});
        let requirements = question
            .fields
            .iter()
            .map(|(field, value)| json!({"key": field, "operator": "In", "values": [value]}));
        let requirements: Vec<Value> = requirements.collect();
        if !requirements.is_empty() {
            spec["resourceAttributes"]["fieldSelector"] = json!({"requirements": requirements});
        }
    } else {
        spec["nonResourceAttributes"] = json!({"verb": question.verb, "path": question.path});
    }
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let body = cluster.post(&User::admin(), path, &review).expect_success();
    body["status"]["allowed"].as_bool().unwrap()
}

/// Authorizers and the controller that aggregates follow writes a little later:
/// what differs is asked until it does not, for as long as that can take.
fn settled(cluster: &Cluster, questions: &[&Question]) -> (Vec<bool>, Vec<bool>) {
    let mut theirs: Vec<bool> = questions.iter().map(|question| ask(cluster, question)).collect();
    let mut ours = answers(cluster, questions);
    _ = wait::until(SETTLES, || {
        for (index, question) in questions.iter().enumerate() {
            if ours[index] != theirs[index] {
                theirs[index] = ask(cluster, question);
            }
        }
        if ours != theirs {
            ours = answers(cluster, questions);
        }
        (ours == theirs).then_some(())
    });
    (ours, theirs)
}

/// What the engine says of the roles and bindings that there are now.
fn answers(cluster: &Cluster, questions: &[&Question]) -> Vec<bool> {
    let mut snapshot = answer::snapshot(&list(cluster));
    snapshot.seal();
    let access = Access::new(World::new(&snapshot));
    questions.iter().map(|question| answer::letter(&access, question) != '-').collect()
}

#[test]
fn answers_equal_subject_access_reviews() {
    // Pods of nodes that are not there would be collected.
    let controllers = "--controllers=*,-pod-garbage-collector-controller".to_owned();
    let options = Options {
        controller_manager: true,
        controller_manager_flags: vec![controllers],
        ..Options::default()
    };
    let Some(cluster) = Cluster::start(&options) else { return };
    let (mut n_questions, mut n_allowed, mut differences) = (0, 0, Vec::new());
    for number in 0..N_ESTATES {
        let estate = generate::estate(FIRST + number, N_QUESTIONS);
        let created = create(&cluster, &estate.objects);
        let questions: Vec<&Question> = estate
            .questions
            .iter()
            .filter(|question| question.resource != "podcertificaterequests")
            .collect();
        let (ours, theirs) = settled(&cluster, &questions);
        for ((question, ours), theirs) in questions.iter().zip(ours).zip(theirs) {
            n_questions += 1;
            n_allowed += usize::from(theirs);
            if ours != theirs {
                differences.push(format!("estate {number}, {theirs} there: {question:?}"));
            }
        }
        delete(&cluster, &created);
    }
    println!(
        "{n_questions} SubjectAccessReviews over {N_ESTATES} estates, {n_allowed} allowed, {} differ",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(n_questions >= 10_000 && n_allowed * 100 >= n_questions * 40);
}
