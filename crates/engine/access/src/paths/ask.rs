//! What one identity may do, and which steps follow.

use super::sent::Sender;
use super::{Escalation, Gain, Granted, Open, Set, table};
use crate::escalation::{Gives, Need, Power, Way};
use crate::impersonation::on;
use crate::rule::Asked;
use crate::{Access, Binding, Identity, Question, Subject};

/// Asks what one identity may do.
pub(super) struct Asker<'e, 'i, 'a> {
    pub(super) escalation: &'e Escalation<'i, 'a>,
    /// None where it is a role that is asked about.
    pub(super) subject: Option<&'e Subject>,
    pub(super) who: &'e Identity,
    /// Its bindings but for those that are left out, looked up once for all ways: those of
    /// each of its names together, those that count everywhere first.
    pub(super) bindings: Vec<&'i Binding<'a>>,
    /// The names that the rules limit themselves to.
    pub(super) names: Vec<&'a str>,
    /// Who sends the requests, where that is somebody else.
    pub(super) sender: Option<Sender<'i, 'a>>,
    /// Whether all counts in one namespace only, whatever the bindings say.
    pub(super) inside: bool,
}

/// The names that the rules of bindings limit themselves to, each once.
pub(super) fn names_of<'i, 'a: 'i>(
    access: &'i Access<'a>,
    bindings: impl Iterator<Item = &'i Binding<'a>>,
) -> Vec<&'a str> {
    let rules = bindings.flat_map(|binding| access.rules(binding));
    let mut names: Vec<&str> = rules.flat_map(|rule| rule.names.iter().copied()).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

/// The namespaces in which bindings count, each once.
pub(super) fn namespaces_of<'i, 'a: 'i>(
    bindings: impl Iterator<Item = &'i Binding<'a>>,
) -> Vec<&'a str> {
    let mut namespaces: Vec<&str> = bindings.filter_map(|binding| binding.namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces
}

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// Adds a way where it is open in a namespace (none: everywhere), and says whether for
    /// all objects; else, if asked to, for those that rules name.
    pub(super) fn take(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        by_name: bool,
        found: &mut Vec<Open<'i, 'a>>,
    ) -> bool {
        if way.binds() {
            return by_name && self.take_bound((index, way), namespace, found);
        }
        let Some(grants) = self.all(index, way, namespace) else {
            if by_name {
                self.take_by_name((index, way), namespace, found);
            }
            return false;
        };
        let gains = way.gives.iter().flat_map(|gives| self.gained(*gives, namespace, &grants));
        let gains = gains.collect();
        self.add(way, namespace, (grants, None), gains, found);
        true
    }

    /// What grants every need; none when one is not granted.
    fn all(
        &self,
        index: usize,
        way: &'static Way,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        if self.sender.is_some() {
            return self.all_by_name(way, namespace, "");
        }
        let (access, table) = (self.escalation.access, &self.escalation.table);
        let needs = way.needs.iter().enumerate();
        let granted = needs.map(|(at, need)| {
            if need.cluster && self.inside {
                return None;
            }
            let place = if need.cluster { None } else { namespace };
            counting(&self.bindings, place).find_map(|binding| {
                let met = table.get(binding.role? as usize, index, at)?;
                let rule = access.rules(binding).nth(met.rule as usize)?;
                Some(Granted { what: format!("{} {}", met.verb, met.resource), binding, rule })
            })
        });
        granted.collect()
    }

    /// The same where what is gained has a name.
    pub(super) fn all_by_name(
        &self,
        way: &'static Way,
        namespace: Option<&str>,
        gained: &str,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let needs = way.needs.iter();
        let all: Option<Vec<_>> = needs.map(|need| self.any_met(need, gained, namespace)).collect();
        Some(all?.into_iter().flatten().collect())
    }

    /// What lets the sender send it as the other.
    pub(super) fn sent(
        &self,
        sender: &Sender<'i, 'a>,
        need: &Need,
        question: &Question<'_>,
    ) -> Option<Granted<'i, 'a>> {
        let verb = on(sender.mode, question.verb);
        self.granted(&sender.bindings, need, &Question { verb: &verb, ..*question })
    }

    /// The first of the bindings that count which grants it, and its rule.
    pub(super) fn granted(
        &self,
        bindings: &[&'i Binding<'a>],
        need: &Need,
        question: &Question<'_>,
    ) -> Option<Granted<'i, 'a>> {
        let access = self.escalation.access;
        let asked = Asked::new(question, access.numbers());
        let full = question.full_resource();
        counting(bindings, question.namespace).find_map(|binding| {
            let rule = access.rules(binding).find(|rule| {
                let by_some = || {
                    let known = &self.escalation.known;
                    table::is_met_by_some(known, need, question.verb, question.resource, rule)
                };
                let about = (question.verb, &*full, question.name);
                table::is_granted(rule, &asked, about) || rule.covers_some(&asked) && by_some()
            })?;
            let what = format!("{} {full}", question.verb);
            Some(Granted { what, binding, rule })
        })
    }

    pub(super) fn gained(
        &self,
        gives: Gives,
        namespace: Option<&str>,
        grants: &[Granted<'i, 'a>],
    ) -> Vec<Gain> {
        let own = namespace.map(str::to_owned);
        let power = match gives {
            Gives::ClusterAdmin | Gives::OwnClusterRoles => Power::ClusterAdmin,
            Gives::Namespace => own.map_or(Power::ClusterAdmin, Power::Namespace),
            Gives::OwnRoles => return self.own_roles(namespace, None),
            Gives::NewClusterRoles => return self.new_roles("ClusterRole", None, None),
            Gives::NewRoles => return self.new_roles("Role", namespace, None),
            Gives::Accounts => return vec![Gain::All(Set::Accounts(own))],
            Gives::RunningAccounts => return vec![Gain::All(Set::Running(own))],
            Gives::HeldSecrets => return vec![Gain::All(Set::Held(own, None))],
            Gives::OwnNodes => return self.own_nodes(namespace),
            Gives::NodeSecrets => return mounted(None, namespace),
            Gives::OwnNodeSecrets => return self.own_node_secrets(namespace),
            Gives::Roles => return vec![Gain::All(Set::Roles(own, None))],
            Gives::NodeAccounts => return vec![Gain::All(Set::OnNodes(own))],
            Gives::Users => return vec![Gain::All(Set::Users)],
            // Whoever may be any group is a member of system:masters, but not by a
            // certificate: admission refuses that one.
            Gives::Groups if grants.iter().any(|granted| granted.what == "impersonate groups") => {
                Power::ClusterAdmin
            }
            Gives::Groups => return vec![Gain::All(Set::Groups)],
            Gives::AsAccounts => return self.as_others(Set::Accounts(own)).into_iter().collect(),
            Gives::AsUsers => return self.as_others(Set::Users).into_iter().collect(),
            Gives::AsGroups => return self.as_others(Set::Groups).into_iter().collect(),
            Gives::Secrets => Power::Secrets(own),
            Gives::NodesByPod => {
                let Some(namespace) = namespace else { return vec![Gain::sure(Power::Nodes)] };
                return self.nodes_by_pod([namespace]).into_iter().collect();
            }
            Gives::Nodes => Power::Nodes,
            Gives::Admission => Power::Admission,
            Gives::Scheduling => Power::Scheduling,
            Gives::Traffic => Power::Traffic(own),
            Gives::Pods => Power::Pods(own),
        };
        vec![Gain::sure(power)]
    }
}

impl Asker<'_, '_, '_> {
    /// What the kubelets of the nodes may ask for on which pods run as who asks.
    fn own_nodes(&self, namespace: Option<&str>) -> Vec<Gain> {
        let Some(subject) = self.subject else { return Vec::new() };
        let nodes = self.escalation.known.objects.hosts(subject);
        nodes.flat_map(|node| self.escalation.on_node(node, namespace)).collect()
    }

    /// The Secrets that pods there name.
    fn own_node_secrets(&self, namespace: Option<&str>) -> Vec<Gain> {
        let Some(subject) = self.subject else { return Vec::new() };
        let nodes = self.escalation.known.objects.hosts(subject);
        nodes.flat_map(|node| mounted(Some(node), namespace)).collect()
    }
}

/// The Secrets that pods on a node (none: on any) name, in a namespace if any, and whose
/// tokens they hold.
pub(super) fn mounted(node: Option<&str>, namespace: Option<&str>) -> Vec<Gain> {
    let own = || (node.map(str::to_owned), namespace.map(str::to_owned));
    let (secrets, tokens) = (own(), own());
    let tokens = Set::MountedTokens(tokens.0, tokens.1);
    vec![Gain::All(Set::Mounted(secrets.0, secrets.1)), Gain::All(tokens)]
}

/// The bindings that count in a namespace, or outside of all.
pub(super) fn counting<'c, 'i, 'a>(
    bindings: &'c [&'i Binding<'a>],
    namespace: Option<&'c str>,
) -> impl Iterator<Item = &'i Binding<'a>> + use<'c, 'i, 'a> {
    let counts =
        move |binding: &&'i Binding<'a>| binding.namespace.is_none_or(|own| Some(own) == namespace);
    bindings.iter().copied().filter(counts)
}
