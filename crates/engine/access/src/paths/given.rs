//! What the object gives that a rule names.

use super::ask::{Asker, mounted};
use super::known::Privileged;
use super::objects::{Presence, proxied};
use super::{Gain, Set};
use crate::escalation::{Gives, Power, Way};

/// An object that a rule names, and the way that goes by it.
#[derive(Clone, Copy)]
pub(super) struct Found<'n> {
    pub(super) way: &'static Way,
    /// Where; none for everywhere.
    pub(super) namespace: Option<&'n str>,
    /// With its subresource.
    pub(super) resource: &'static str,
    pub(super) name: &'n str,
}

impl Asker<'_, '_, '_> {
    /// Whether it is a workload of a kind that was not read completely.
    pub(super) fn is_unread_workload(&self, found: Found<'_>) -> bool {
        let Found { namespace, resource, name, .. } = found;
        let objects = &self.escalation.known.objects;
        objects.is_workload(resource)
            && namespace
                .is_some_and(|own| objects.workload(resource, own, name) == Presence::Unread)
    }

    /// What a way gives by one object.
    pub(super) fn given(&self, found: Found<'_>) -> Vec<Gain> {
        let Found { namespace, resource, name, .. } = found;
        let objects = &self.escalation.known.objects;
        match resource {
            "secrets" => {
                let tokens = objects.tokens(name);
                let is_here = |own: &str| namespace.is_none_or(|namespace| namespace == own);
                let mut tokens = tokens.filter(|(own, _)| is_here(own));
                let set = Set::TokensNamed(namespace.map(str::to_owned), name.to_owned());
                tokens.next().map(|_| Gain::All(set)).into_iter().collect()
            }
            "clusterroles" => self.own_cluster_role(name),
            "roles" => self.own_roles(namespace, Some(name)),
            "nodes" if found.way.gives.contains(&Gives::NodeSecrets) => {
                mounted(Some(name), namespace)
            }
            "nodes" => self.escalation.on_node(name, namespace),
            "nodes/proxy" => self.inside_node(name),
            "services/proxy" => Vec::new(),
            "pods/proxy" => self.of_pod(Found { name: proxied(name), ..found }),
            _ if objects.is_workload(resource) => self.of_workload(found),
            _ => self.of_pod(found),
        }
    }

    /// What the containers of a node hold.
    fn inside_node(&self, node: &str) -> Vec<Gain> {
        let known = &self.escalation.known;
        if known.control_nodes.contains(node) {
            return vec![Gain::sure(Power::ClusterAdmin)];
        }
        let is_any = known.objects.running_on(node).next().is_some();
        let running = Gain::All(Set::RunningOn(node.to_owned()));
        is_any.then_some(running).into_iter().collect()
    }

    fn of_pod(&self, found: Found<'_>) -> Vec<Gain> {
        let Found { way, namespace, name, .. } = found;
        let objects = &self.escalation.known.objects;
        if let Some(namespace) = namespace.filter(|own| objects.pod(own, name) == Presence::Unread)
        {
            let pod = Power::Pod(namespace.to_owned(), name.to_owned());
            return vec![Gain::One(pod, Some(unread("pod", namespace, name)))];
        }
        let places: Vec<&str> = { objects.pods(name) }
            .filter(|own| namespace.is_none_or(|namespace| namespace == *own))
            .collect();
        if places.is_empty() {
            return Vec::new();
        }
        let own = namespace.map(str::to_owned);
        let gains = way.gives.iter().filter_map(|gives| match gives {
            Gives::RunningAccounts => {
                Some(Gain::All(Set::RunningNamed(own.clone(), name.to_owned())))
            }
            Gives::HeldSecrets => Some(Gain::All(Set::Held(own.clone(), Some(name.to_owned())))),
            Gives::Pods => Some(Gain::All(Set::PodsNamed(own.clone(), name.to_owned()))),
            Gives::NodesByPod => self.nodes_by_pod(places.iter().copied()),
            _ => None,
        });
        gains.collect()
    }

    fn of_workload(&self, found: Found<'_>) -> Vec<Gain> {
        let Found { way, namespace, resource, name } = found;
        let known = &self.escalation.known;
        let Some(namespace) = namespace else {
            let nodes = self.nodes_by_pod(known.objects.workloads(resource, name));
            let is_any = known.objects.workloads(resource, name).next().is_some();
            let set = Gain::All(Set::Workloads(resource, name.to_owned()));
            return is_any.then_some(set).into_iter().chain(nodes).collect();
        };
        let own = || Some(namespace.to_owned());
        match known.objects.workload(resource, namespace, name) {
            Presence::Absent => Vec::new(),
            Presence::There => {
                let gains = way.gives.iter().filter_map(|gives| match gives {
                    Gives::Accounts => Some(Gain::All(Set::Accounts(own()))),
                    Gives::Secrets => Some(Gain::sure(Power::Secrets(own()))),
                    Gives::NodesByPod => self.nodes_by_pod([namespace]),
                    _ => None,
                });
                gains.collect()
            }
            Presence::Unread => {
                let condition = unread(resource, namespace, name);
                let accounts = known.accounts(Some(namespace)).map(Power::Is);
                let all = accounts.chain([Power::Secrets(own())]);
                all.map(|power| Gain::One(power, Some(condition.clone()))).collect()
            }
        }
    }

    /// The nodes, where Pod Security lets a pod of one of these namespaces take them.
    pub(super) fn nodes_by_pod<'n>(
        &self,
        namespaces: impl IntoIterator<Item = &'n str>,
    ) -> Option<Gain> {
        let mut conditional = None;
        for namespace in namespaces {
            match self.escalation.known.privileged_pods(namespace) {
                Privileged::Allowed => return Some(Gain::sure(Power::Nodes)),
                Privileged::If(condition) => {
                    conditional.get_or_insert(Gain::One(Power::Nodes, Some(condition)));
                }
                Privileged::Forbidden => {}
            }
        }
        conditional
    }
}

fn unread(what: &str, namespace: &str, name: &str) -> String {
    format!("if {what} {name} is in {namespace}, which was not read completely")
}
