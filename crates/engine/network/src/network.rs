//! The index that questions are asked of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use ironhull_model::{Node, Object, Pointer, ThingRef, World};
use ironhull_schema::{Schema, WORKLOAD_KINDS};

use crate::labels::{Labels, is_given_at_run_time};
use crate::validate::Validation;
use crate::{Certainty, GROUP, Policy, Protocol};

/// API groups of policies that say more than NetworkPolicies can.
const OTHER_POLICIES: &[&str] = &[
    "cilium.io",
    "crd.antrea.io",
    "crd.projectcalico.org",
    "policy.networking.k8s.io",
    "projectcalico.org",
];

/// A pod, or an object that makes pods which are alike.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
    /// The `PodSpec`.
    pub pod: Node<'a>,
    /// The addresses, where they are known.
    pub addresses: Vec<IpAddr>,
    pub(crate) labels: Labels<'a>,
}

impl<'a> Workload<'a> {
    fn new(schema: Schema, object: &'a Arc<Object>) -> Option<Workload<'a>> {
        let (group, kind) = (&*object.thing.group, &*object.thing.kind);
        let pod = schema.pod_spec(group, kind, object.root())?;
        let meta = schema.pod_meta(group, kind, object.root());
        let label_node = meta.and_then(|meta| meta.get("labels"));
        let status = object.root().get("status").filter(|_| kind == "Pod");
        let plural =
            status.and_then(|status| status.get("podIPs")).into_iter().flat_map(Node::items);
        let single = status.and_then(|status| status.get("podIP"));
        let texts = plural.filter_map(|item| item.get("ip")).chain(single);
        let mut addresses: Vec<IpAddr> =
            texts.filter_map(|text| text.as_str()?.parse().ok()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let labels = Labels::of_pods(object, label_node);
        Some(Workload { object, pod, addresses, labels })
    }

    /// Its namespace; empty when files do not say it.
    pub fn namespace(&self) -> &'a str {
        &self.object.thing.namespace
    }

    /// Where its pods' labels stand, which is what policies and Services select by.
    pub fn labels_pointer(&self) -> Pointer {
        let template = self.pod.parent().map_or_else(Pointer::root, Node::pointer);
        template.join("metadata").join("labels")
    }

    /// `Kind/name`.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.object.thing.kind, self.object.thing.name)
    }

    /// Whether it shares the node's network, which no NetworkPolicy covers.
    pub fn is_on_host_network(&self) -> bool {
        self.pod.get("hostNetwork").and_then(Node::as_bool) == Some(true)
    }

    /// The containers whose ports are served: the ordinary ones and sidecars.
    pub fn serving_containers(&self) -> impl Iterator<Item = Node<'a>> {
        let list = |name| self.pod.get(name).into_iter().flat_map(Node::items);
        let sidecars = list("initContainers").filter(|container| {
            container.get("restartPolicy").and_then(Node::as_str) == Some("Always")
        });
        list("containers").chain(sidecars)
    }

    /// Whether a container declares a port of this name and protocol.
    pub fn declares(&self, name: &str, protocol: Option<Protocol>) -> bool {
        self.ports().any(|(_, port)| {
            port.get("name").and_then(Node::as_str) == Some(name) && Protocol::of(port) == protocol
        })
    }

    /// The declared ports, each with its container.
    pub fn ports(&self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        self.serving_containers().flat_map(|container| {
            let ports = container.get("ports").into_iter().flat_map(Node::items);
            ports.map(move |port| (container, port))
        })
    }
}

/// A namespace, and the key and value of a label in it.
type Label<'a> = (&'a str, &'a str, &'a str);

/// NetworkPolicies, workloads and namespaces of a world.
#[derive(Debug)]
pub struct Network<'a> {
    pub(crate) world: World<'a>,
    workloads: BTreeMap<&'a str, Vec<Workload<'a>>>,
    /// Indices into a namespace's workloads, by a label that their template gives.
    by_label: HashMap<Label<'a>, Vec<usize>>,
    /// Indices into a namespace's workloads, by the object.
    by_thing: HashMap<&'a ThingRef, usize>,
    policies: BTreeMap<&'a str, Vec<Policy<'a>>>,
    /// Indices into a namespace's policies, by a label that each of them wants; and
    /// those that want none that tells.
    by_wanted: HashMap<Label<'a>, Vec<usize>>,
    wanting_any: HashMap<&'a str, Vec<usize>>,
    refused: Vec<Policy<'a>>,
    namespaces: BTreeMap<&'a str, &'a Arc<Object>>,
    /// Whether policies of kinds that are not understood here stand beside.
    others: bool,
}

impl<'a> Network<'a> {
    /// Looks at a world.
    pub fn new(world: World<'a>) -> Network<'a> {
        let schema = Schema::of(world.base.minor);
        let mut network = Network {
            world,
            workloads: BTreeMap::new(),
            by_label: HashMap::new(),
            by_thing: HashMap::new(),
            policies: BTreeMap::new(),
            by_wanted: HashMap::new(),
            wanting_any: HashMap::new(),
            refused: Vec::new(),
            namespaces: world
                .of_kind("", "Namespace")
                .map(|namespace| (&*namespace.thing.name, namespace))
                .collect(),
            others: world.objects().any(|object| {
                OTHER_POLICIES.contains(&&*object.thing.group)
                    && object.thing.kind.ends_with("Policy")
            }),
        };
        for object in WORKLOAD_KINDS.iter().flat_map(|(group, kind)| world.of_kind(group, kind)) {
            if let Some(workload) = Workload::new(schema, object) {
                network.add(workload);
            }
        }
        let validation = Validation::of(world.base.minor);
        for object in world.of_kind(GROUP, "NetworkPolicy") {
            let policy = Policy::new(object);
            if validation.refusals(object.root()).is_empty() {
                network.add_policy(policy);
            } else {
                network.refused.push(policy);
            }
        }
        network
    }

    fn add(&mut self, workload: Workload<'a>) {
        let namespace = workload.namespace();
        let all = self.workloads.entry(namespace).or_default();
        for (key, value) in workload.labels.written() {
            self.by_label.entry((namespace, key, value)).or_default().push(all.len());
        }
        self.by_thing.entry(&workload.object.thing).or_insert(all.len());
        all.push(workload);
    }

    fn add_policy(&mut self, policy: Policy<'a>) {
        let namespace = &*policy.object.thing.namespace;
        let label = self.rarest(namespace, policy.wanted_labels());
        let all = self.policies.entry(namespace).or_default();
        match label {
            Some(label) => self.by_wanted.entry(label).or_default().push(all.len()),
            None => self.wanting_any.entry(namespace).or_default().push(all.len()),
        }
        all.push(policy);
    }

    /// The label of a map that the fewest workloads have; none where none of them tells.
    fn rarest(&self, namespace: &'a str, wanted: Option<Node<'a>>) -> Option<Label<'a>> {
        let pairs = wanted.into_iter().flat_map(Node::entries);
        pairs
            .filter(|(key, _)| !is_given_at_run_time(key))
            .filter_map(|(key, value)| Some((namespace, key, value.as_str()?)))
            .min_by_key(|label| self.by_label.get(label).map_or(0, Vec::len))
    }

    /// The policies that select a workload's pods, certainly or possibly, in the
    /// order of [`Network::policies_in`].
    pub fn selecting(
        &self,
        workload: &Workload<'a>,
    ) -> impl Iterator<Item = (Policy<'a>, Certainty)> {
        let mut found: Vec<usize> = self.may_select(workload).collect();
        found.sort_unstable();
        let policies = self.policies_in(workload.namespace());
        let selected = found.into_iter().filter_map(|index| {
            let policy = *policies.get(index)?;
            Some((policy, policy.selects(workload)))
        });
        let selected: Vec<_> = selected.filter(|(_, selected)| *selected > Certainty::No).collect();
        selected.into_iter()
    }

    /// Indices of the policies of a workload's namespace that may select its pods:
    /// those that want a label which it has, or none that tells.
    fn may_select(&self, workload: &Workload<'a>) -> impl Iterator<Item = usize> {
        let namespace = workload.namespace();
        let any = self.wanting_any.get(namespace).into_iter().flatten();
        let labels = workload.labels.written();
        let wanting =
            labels.filter_map(move |(key, value)| self.by_wanted.get(&(namespace, key, value)));
        any.chain(wanting.flatten()).copied()
    }

    /// The policies of a policy's namespace that may select a pod which it selects
    /// too, in order; more than those where it selects many.
    pub(crate) fn beside(&self, policy: Policy<'a>) -> Vec<Policy<'a>> {
        let namespace = &*policy.object.thing.namespace;
        let all = self.policies_in(namespace);
        if policy.selects_all() {
            return all.to_vec();
        }
        let any = self.wanting_any.get(namespace).into_iter().flatten().copied();
        let mut found: BTreeSet<usize> = any.collect();
        // Itself is beside itself, whether it selects a pod or not.
        let own = self.rarest(namespace, policy.wanted_labels());
        found.extend(own.and_then(|label| self.by_wanted.get(&label)).into_iter().flatten());
        let mut looked_at = 0;
        for (workload, _) in self.selected(policy).filter(|(_, is)| *is == Certainty::Yes) {
            for index in self.may_select(workload) {
                found.insert(index);
                looked_at += 1;
            }
            // Many pods with many policies each: looking at every policy is less.
            if looked_at > all.len() {
                return all.to_vec();
            }
        }
        found.into_iter().filter_map(|index| all.get(index).copied()).collect()
    }

    /// The workloads of a namespace that may have all labels of a map: those that
    /// have one of them, or all where that says nothing.
    pub(crate) fn candidates(
        &self,
        namespace: &'a str,
        wanted: Option<Node<'a>>,
    ) -> impl Iterator<Item = &Workload<'a>> {
        let all = self.workloads_in(namespace);
        let few = self
            .rarest(namespace, wanted)
            .map(|label| self.by_label.get(&label).map_or(&[][..], Vec::as_slice));
        let rest = if few.is_some() { &[][..] } else { all };
        few.unwrap_or_default().iter().filter_map(|index| all.get(*index)).chain(rest)
    }

    /// Every workload, by namespace.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload<'a>> {
        self.workloads.values().flatten()
    }

    /// The workloads of a namespace.
    pub fn workloads_in(&self, namespace: &str) -> &[Workload<'a>] {
        self.workloads.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The workload that is this object.
    pub fn workload(&self, object: &Object) -> Option<&Workload<'a>> {
        let index = *self.by_thing.get(&*object.thing)?;
        self.workloads_in(&object.thing.namespace).get(index)
    }

    /// Every policy that the API server accepts, by namespace.
    pub fn policies(&self) -> impl Iterator<Item = Policy<'a>> {
        self.policies.values().flatten().copied()
    }

    /// The policies of a namespace that the API server accepts.
    pub fn policies_in(&self, namespace: &str) -> &[Policy<'a>] {
        self.policies.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The policies that the API server refuses: they guard nothing.
    pub fn refused(&self) -> &[Policy<'a>] {
        &self.refused
    }

    /// The namespaces that are there, with their object where it was read:
    /// those with an object, and those of workloads.
    pub fn namespaces(&self) -> BTreeMap<&'a str, Option<&'a Arc<Object>>> {
        let used = self.workloads.keys().map(|name| (*name, None));
        let read = self.namespaces.iter().map(|(name, object)| (*name, Some(*object)));
        used.chain(read).collect()
    }

    pub(crate) fn namespace_labels(&self, name: &'a str) -> Labels<'a> {
        match self.namespaces.get(name) {
            Some(namespace) => Labels::of_namespace(namespace),
            None => {
                let all_were_read = self.world.base.coverage.is_complete("", "Namespace");
                Labels::of_unread_namespace(name, all_were_read)
            }
        }
    }

    /// Whether every policy that could decide was read and is understood.
    pub fn knows_all_policies(&self) -> bool {
        !self.others && self.world.base.coverage.is_complete(GROUP, "NetworkPolicy")
    }

    /// Whether policies stand beside that may deny what NetworkPolicies allow.
    pub fn has_other_policies(&self) -> bool {
        self.others
    }

    /// Whether every workload was read.
    pub fn knows_all_workloads(&self) -> bool {
        WORKLOAD_KINDS.iter().all(|(group, kind)| self.world.base.coverage.is_complete(group, kind))
    }

    /// What is missing where an answer is not known, in the words of reports.
    pub fn missing(&self) -> Vec<String> {
        if self.others {
            return vec!["an understanding of the network policies of other kinds".to_owned()];
        }
        vec!["all NetworkPolicies of the cluster".to_owned()]
    }
}
