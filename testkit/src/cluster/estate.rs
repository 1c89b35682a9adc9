//! A large estate in bulk, for figures: plain objects whose status is patched,
//! because no machine of tests runs a hundred kubelets.

mod objects;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Cluster, User};
use crate::rng::Rng;
use objects::{inhabitants, namespace, node, pod, replica_set, workload};

/// How much there is of what. Equal sizes give equal objects, but for what the API
/// server gives them.
#[derive(Clone, Copy, Debug)]
pub struct Estate {
    /// Ready nodes.
    pub nodes: usize,
    /// Namespaces, each with ServiceAccounts, roles and bindings, settings, and every
    /// second with a network policy.
    pub namespaces: usize,
    /// Deployments with their ReplicaSets, StatefulSets, DaemonSets, CronJobs and Jobs.
    pub workloads: usize,
    /// Running pods, each owned by a workload.
    pub pods: usize,
}

impl Estate {
    /// What speed is promised for.
    pub const LARGE: Self = Self { nodes: 100, namespaces: 400, workloads: 1200, pods: 5000 };
}

/// As many requests at a time as keep an API server on two cores busy.
const N_THREADS: usize = 8;

/// One object and the status that it has.
struct Made {
    object: Value,
    status: Option<Value>,
}

impl Cluster {
    /// Makes an estate.
    ///
    /// # Panics
    /// When an object is refused, or a controller manager runs, which would make
    /// pods of the workloads.
    pub fn fill(&self, estate: &Estate) {
        let components = self.components.lock().expect("components");
        assert!(
            !components.contains_key("kube-controller-manager"),
            "an estate in bulk has no controller manager"
        );
        drop(components);
        let mut rng = Rng::new(1);
        self.make(&(0..estate.nodes).map(node).collect::<Vec<_>>());
        let namespaces: Vec<String> =
            (0..estate.namespaces).map(|index| format!("team-{index:03}")).collect();
        self.make(&namespaces.iter().enumerate().map(namespace).collect::<Vec<_>>());
        self.make(&namespaces.iter().enumerate().flat_map(inhabitants).collect::<Vec<_>>());
        let workloads: Vec<Made> = (0..estate.workloads)
            .map(|index| workload(&mut rng, index, &namespaces[index % namespaces.len()]))
            .collect();
        let workloads = self.make(&workloads);
        let replica_sets: Vec<Made> = workloads
            .iter()
            .filter(|object| object["kind"] == "Deployment")
            .map(replica_set)
            .collect();
        let replica_sets = self.make(&replica_sets);
        let owners: Vec<&Value> = workloads
            .iter()
            .filter(|object| !["Deployment", "CronJob"].iter().any(|kind| object["kind"] == *kind))
            .chain(&replica_sets)
            .collect();
        let pods: Vec<Made> = (0..estate.pods)
            .map(|index| pod(&mut rng, index, owners[index % owners.len()], estate.nodes))
            .collect();
        self.make(&pods);
    }

    /// Creates objects and gives them their status; returns them as they are then.
    fn make(&self, objects: &[Made]) -> Vec<Value> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut made = Vec::new();
            while let Some(one) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                made.push(self.make_one(one));
            }
            made
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..N_THREADS).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("an object")).collect()
        })
    }

    fn make_one(&self, Made { object, status }: &Made) -> Value {
        let admin = User::admin();
        let response = self.create(&admin, object);
        assert!(response.is_success(), "{object}: {}", response.body);
        let mut created = response.body;
        let path = self.path(&created);
        if created["kind"] == "Node" {
            // What admission adds until a controller has seen the node ready.
            self.merge(&admin, &path, &json!({"spec": {"taints": null}})).expect_success();
        }
        if let Some(status) = status {
            let path = format!("{path}/status");
            created = self.merge(&admin, &path, &json!({"status": status})).expect_success();
        }
        created
    }
}
