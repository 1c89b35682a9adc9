//! An estate in bulk is what it says it is.

use ironhull_testkit::cluster::{Cluster, Estate, Options, User};

#[test]
fn an_estate_has_what_was_asked_for() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    // IRONHULL_ESTATE=large measures how long the large one takes.
    let large = std::env::var("IRONHULL_ESTATE").is_ok_and(|size| size == "large");
    let small = Estate { nodes: 3, namespaces: 6, workloads: 40, pods: 60 };
    let estate = if large { Estate::LARGE } else { small };
    let started = std::time::Instant::now();
    cluster.fill(&estate);
    println!("{estate:?} in {:?}", started.elapsed());

    let list = |path: &str| {
        let list = cluster.get(&User::admin(), path).expect_success();
        list["items"].as_array().unwrap().clone()
    };
    assert_eq!(list("/api/v1/nodes").len(), estate.nodes);
    let pods = list("/api/v1/pods");
    assert_eq!(pods.len(), estate.pods);
    for pod in &pods {
        assert_eq!(pod["status"]["phase"], "Running", "{pod}");
        assert!(
            pod["spec"]["nodeName"].is_string()
                && pod["status"]["containerStatuses"][0]["imageID"].is_string()
        );
        assert!(!pod["metadata"]["managedFields"].as_array().unwrap().is_empty());
    }
    // Every owner that a pod names is there.
    let sets = list("/apis/apps/v1/replicasets");
    let uids: Vec<&serde_json::Value> = sets.iter().map(|set| &set["metadata"]["uid"]).collect();
    let owned = pods.iter().map(|pod| &pod["metadata"]["ownerReferences"][0]);
    let of_sets: Vec<_> = owned.filter(|owner| owner["kind"] == "ReplicaSet").collect();
    assert!(
        of_sets.len() * 2 > pods.len() && of_sets.iter().all(|owner| uids.contains(&&owner["uid"]))
    );
    let n_workloads: usize = [
        "apps/v1/deployments",
        "apps/v1/statefulsets",
        "apps/v1/daemonsets",
        "batch/v1/jobs",
        "batch/v1/cronjobs",
    ]
    .map(|kind| list(&format!("/apis/{kind}")).len())
    .iter()
    .sum();
    assert_eq!(n_workloads, estate.workloads);
    let bindings = list("/apis/rbac.authorization.k8s.io/v1/rolebindings");
    let of_teams = |binding: &&serde_json::Value| {
        binding["metadata"]["namespace"].as_str().unwrap().starts_with("team-")
    };
    assert_eq!(bindings.iter().filter(of_teams).count(), 2 * estate.namespaces);
}
