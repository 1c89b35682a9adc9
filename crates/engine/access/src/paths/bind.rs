//! Binding roles that rules name, and by bindings that rules name.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::Asker;
use super::named::About;
use super::{Escalation, Gain, Granted, Open, Set};
use crate::escalation::{Need, Power, Way, What};
use crate::{Access, Binding, GROUP, Identity, Question, Role, Rule, grants};

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// Which roles can be bound to whom one likes, and whether all; the first need is to
    /// bind, the second to write bindings.
    pub(super) fn take_bound(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) -> bool {
        let [bind, write] = way.needs else { return false };
        if let Some(creates) = self.written(write, "create", "", namespace) {
            if let Some(mut grants) = self.any_met(bind, "", namespace) {
                grants.extend(creates);
                let gains = way.gives.iter();
                let gains = gains.flat_map(|gives| self.gained(*gives, namespace, &grants));
                let gains = self.if_unread(way, (namespace, ""), &grants, gains.collect());
                self.add(way, namespace, (grants, None), gains, found);
                return true;
            }
            self.take_roles((index, way), namespace, &creates, found);
        } else if let Some(changes) = self.changed(write, "", namespace) {
            // A binding that is there refers to its own role, which stays.
            let mut joined: BTreeMap<Power, Vec<Granted<'i, 'a>>> = BTreeMap::new();
            for binding in self.bindings_there(write, namespace) {
                if let Some((power, grants)) = self.joined(bind, namespace, binding) {
                    joined.entry(power).or_insert(grants);
                }
            }
            for (power, mut grants) in joined {
                grants.extend(changes.iter().cloned());
                self.add(way, namespace, (grants, None), vec![Gain::sure(power)], found);
            }
        }
        for name in self.candidates(index, way, 1, namespace) {
            let Some(changes) = self.changed(write, name, namespace) else { continue };
            for binding in self.bindings_named(write, namespace, name) {
                let Some((power, mut grants)) = self.joined(bind, namespace, binding) else {
                    continue;
                };
                grants.extend(changes.iter().cloned());
                self.add(way, namespace, (grants, Some(name)), vec![Gain::sure(power)], found);
            }
        }
        false
    }

    /// Those that rules name, by bindings that are created.
    fn take_roles(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        creates: &[Granted<'i, 'a>],
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let [bind, write] = way.needs else { return };
        let is_of_namespace = is_of_roles(bind);
        let everywhere = is_of_namespace && namespace.is_none();
        let place = namespace.filter(|_| is_of_namespace);
        for name in self.candidates(index, way, 0, namespace) {
            let Some(mut grants) = self.any_met(bind, name, namespace) else { continue };
            let role = self.escalation.access.role_index(place, name);
            let gain = match role.filter(|_| !everywhere) {
                Some(role) => self.bound(role, write, namespace),
                None if everywhere => Gain::All(Set::Roles(None, Some(name.to_owned()))),
                None => continue,
            };
            grants.extend(creates.iter().cloned());
            let gains = self.if_unread(way, (namespace, ""), &grants, vec![gain]);
            self.add(way, namespace, (grants, Some(name)), gains, found);
        }
    }

    /// What whoever is added to a binding has, and what lets one bind its role.
    fn joined(
        &self,
        bind: &'static Need,
        namespace: Option<&str>,
        binding: &Binding<'a>,
    ) -> Option<(Power, Vec<Granted<'i, 'a>>)> {
        let access = self.escalation.access;
        let role = binding.role?;
        let thing = &access.roles()[role as usize].object.thing;
        if (&*thing.kind == "Role") != is_of_roles(bind) {
            return None;
        }
        let [What { group, resources: [resource], .. }] = bind.any else { return None };
        let about = About { verb: "bind", group, resource, name: &thing.name };
        let place = binding.namespace.or(namespace);
        Some((power(access, role, place), self.met(bind, about, place)?))
    }

    /// What lets one change a binding; of no name any.
    fn changed(
        &self,
        write: &Need,
        name: &str,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let mut verbs = ["update", "patch"].into_iter();
        verbs.find_map(|verb| self.written(write, verb, name, namespace))
    }

    /// What lets one write a binding.
    fn written(
        &self,
        need: &Need,
        verb: &'static str,
        name: &str,
        namespace: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let [what] = need.any else { return None };
        let [resource] = what.resources else { return None };
        let about = About { verb, group: what.group, resource, name };
        self.met(need, about, namespace)
    }

    /// The bindings where one may write them.
    fn bindings_there(&self, write: &Need, namespace: Option<&str>) -> &'i [Binding<'a>] {
        let all = self.escalation.access.bindings();
        let (of_cluster, others) =
            all.split_at(all.partition_point(|binding| binding.namespace.is_none()));
        match (write.cluster, namespace) {
            (true, _) => of_cluster,
            (false, None) => others,
            (false, Some(own)) => {
                let rest = &others[others.partition_point(|it| it.namespace < Some(own))..];
                &rest[..rest.partition_point(|binding| binding.namespace == Some(own))]
            }
        }
    }

    /// Those of a name.
    fn bindings_named(
        &self,
        write: &Need,
        namespace: Option<&str>,
        name: &str,
    ) -> Vec<&'i Binding<'a>> {
        let objects = &self.escalation.known.objects;
        let access = self.escalation.access;
        let at = |place: Option<&str>| access.bindings().get(objects.binding(place, name)?);
        match (write.cluster, namespace) {
            (true, _) => at(None).into_iter().collect(),
            (false, Some(_)) => at(namespace).into_iter().collect(),
            (false, None) => objects.role_bindings(name).filter_map(|own| at(Some(own))).collect(),
        }
    }

    /// What a ClusterRole gives where one may bind it.
    fn bound(&self, role: u32, write: &Need, namespace: Option<&str>) -> Gain {
        let access = self.escalation.access;
        let is_everywhere = !write.cluster && namespace.is_none();
        match power(access, role, namespace) {
            Power::ClusterRole(name, None) if is_everywhere => {
                Gain::All(Set::InEveryNamespace(name))
            }
            power => Gain::sure(power),
        }
    }

    /// Where a ClusterRole that can be rewritten is bound to who asks; one that selects
    /// others can be made to select it.
    pub(super) fn own_cluster_role(&self, name: &str) -> Vec<Gain> {
        let access = self.escalation.access;
        if access.role_index(None, name).is_none() {
            return self.made_roles(("clusterroles", "ClusterRole"), None, name);
        }
        let is_it = |binding: &&Binding<'a>| {
            access.role(binding).is_some_and(|role| {
                let thing = &role.object.thing;
                &*thing.kind == "ClusterRole" && (&*thing.name == name || selects(role))
            })
        };
        whole(self.own_bindings().filter(is_it).map(|binding| (binding.namespace, None)))
    }

    /// The same of a role that is not there, and may be made under this name.
    fn made_roles(
        &self,
        (resource, kind): (&str, &str),
        namespace: Option<&str>,
        name: &str,
    ) -> Vec<Gain> {
        let question = Question { name, namespace, ..Question::new("create", GROUP, resource) };
        let access = self.escalation.access;
        let mut bindings = self.bindings.iter();
        match bindings.any(|binding| access.granted_by(binding, &question).is_some()) {
            true => self.new_roles(kind, namespace, Some(name)),
            false => Vec::new(),
        }
    }

    /// Where a role that may be made, of this name if any, is bound to who asks: by a binding
    /// to one that is not there, or to one that selects others.
    pub(super) fn new_roles(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Vec<Gain> {
        let access = self.escalation.access;
        let found = self.own_bindings().filter_map(|binding| {
            if let Some(role) = access.role(binding) {
                let is_sum = kind == "ClusterRole" && selects(role);
                return is_sum.then_some((binding.namespace, None));
            }
            let refers = grants::role(binding.object);
            let own = refers.split_once(' ').filter(|(own, _)| *own == kind)?.1;
            let is_it = name.is_none_or(|name| name == own)
                && namespace.is_none_or(|namespace| binding.namespace == Some(namespace));
            let unread =
                || format!("if there is no {refers}: {kind} objects were not read completely");
            is_it.then(|| (binding.namespace, (!binding.complete).then(unread)))
        });
        whole(found)
    }

    /// The bindings of who sends, who has the roles that are bound to him.
    fn own_bindings(&self) -> impl Iterator<Item = &'i Binding<'a>> {
        let own = self.sender.as_ref().map_or(&self.bindings, |sender| &sender.bindings);
        own.iter().copied()
    }

    /// The namespaces in which a Role that can be rewritten, of this name if any, is bound
    /// to who asks.
    pub(super) fn own_roles(&self, namespace: Option<&str>, name: Option<&str>) -> Vec<Gain> {
        let access = self.escalation.access;
        let mut found = Vec::new();
        if let Some(name) = name
            && access.role_index(namespace.or(Some("")), name).is_none()
        {
            found = self.made_roles(("roles", "Role"), namespace, name);
        }
        let is_it = |binding: &&Binding<'a>| {
            access.role(binding).is_some_and(|role| {
                let thing = &role.object.thing;
                &*thing.kind == "Role" && name.is_none_or(|name| name == &*thing.name)
            })
        };
        let places = self.own_bindings().filter(is_it).filter_map(|binding| binding.namespace);
        let places = places.filter(|own| namespace.is_none_or(|namespace| namespace == *own));
        found.extend(whole(places.map(|own| (Some(own), None))));
        found
    }
}

impl<'i, 'a> Escalation<'i, 'a> {
    /// What each Role grants, in a namespace if any, of a name if any.
    pub(super) fn roles_in(&self, namespace: Option<&str>, name: Option<&str>) -> Vec<Power> {
        let thing = |index: u32| &self.access.roles()[index as usize].object.thing;
        let all: Vec<u32> = match namespace {
            Some(own) => self.known.objects.roles(own).collect(),
            None => (0..self.access.roles().len() as u32).collect(),
        };
        let counted = all.into_iter().filter(|index| {
            &*thing(*index).kind == "Role" && name.is_none_or(|name| name == &*thing(*index).name)
        });
        counted.map(|index| power(self.access, index, Some(&thing(index).namespace))).collect()
    }

    /// What is open to whoever is bound to a role; nothing of it is told together with what
    /// he has besides.
    pub(super) fn open_role(&self, role: Option<u32>, place: Option<&str>) -> Vec<Open<'i, 'a>> {
        let Some(role) = role else { return Vec::new() };
        let who = Identity { user: String::new(), groups: Vec::new() };
        let bindings = vec![self.access.as_bound(role)];
        let names = super::names_of(self.access, bindings.iter().copied());
        let inside = place.is_some();
        let asker = Asker {
            escalation: self,
            subject: None,
            who: &who,
            bindings,
            names,
            sender: None,
            inside,
        };
        let mut found = Vec::new();
        self.walk(&asker, place.as_slice(), &mut found);
        found
    }
}

/// Everything, everywhere or in each of these namespaces, and what must be so for it.
fn whole<'n>(places: impl Iterator<Item = (Option<&'n str>, Option<String>)>) -> Vec<Gain> {
    let powers = places.map(|(place, condition)| {
        let own = place.map(str::to_owned);
        (own.map_or(Power::ClusterAdmin, Power::Namespace), condition)
    });
    let found: BTreeSet<_> = powers.collect();
    found.into_iter().map(|(power, condition)| Gain::One(power, condition)).collect()
}

/// Whether a need is to bind Roles.
fn is_of_roles(bind: &Need) -> bool {
    bind.any.iter().any(|what| what.resources.contains(&"roles"))
}

/// Whether a role has the rules of those that it selects by their labels.
fn selects(role: &Role<'_>) -> bool {
    let selectors = role.object.root().path(&["aggregationRule", "clusterRoleSelectors"]);
    selectors.is_some_and(|selectors| selectors.items().next().is_some())
}

/// What a role is where it is bound.
fn power(access: &Access<'_>, role: u32, place: Option<&str>) -> Power {
    let role = &access.roles()[role as usize];
    let thing = &role.object.thing;
    let own = place.map(str::to_owned);
    match (access.rules_of(role).any(Rule::is_everything), own) {
        (true, None) => Power::ClusterAdmin,
        (true, Some(namespace)) => Power::Namespace(namespace),
        (false, Some(namespace)) if &*thing.kind == "Role" => {
            Power::Role(namespace, thing.name.to_string())
        }
        (false, own) => Power::ClusterRole(thing.name.to_string(), own),
    }
}
