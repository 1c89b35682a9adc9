//! Objects that rules let one make by their names.
//!
//! Who creates is asked without a name. Who applies (server-side apply), or updates what
//! may be created so, asks for `patch` or `update` on a name, and where nothing has it for
//! `create` on that name too (apiserver pkg/endpoints/handlers, withAuthorization): rules
//! with resourceNames let him.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_model::ThingRef;
use ironhull_schema::{Schema, Scope};

use super::ask::{Asker, counting};
use super::named::About;
use super::objects::Presence;
use super::{Gain, Granted, Open, table};
use crate::escalation::{Name, Need, Way};
use crate::rule::Asked;
use crate::{Binding, GROUP, Question, Rule};

/// A rule, the binding by which it counts, and the verb that it grants.
type By<'i, 'a> = (&'static str, &'i Binding<'a>, &'i Rule<'a>);

/// The verbs by which something is made under a name.
fn verbs(group: &str) -> &'static [&'static str] {
    if group == GROUP { &["patch", "update"] } else { &["patch"] }
}

impl<'i, 'a> Asker<'_, 'i, 'a> {
    /// Adds a way where something can be made for it under a name.
    pub(super) fn take_made(
        &self,
        (index, way): (usize, &'static Way),
        namespace: Option<&str>,
        found: &mut Vec<Open<'i, 'a>>,
    ) {
        let made = way.needs.iter().enumerate().filter(|(_, it)| matches!(it.name, Name::Made));
        let made: Vec<usize> = made.map(|(at, _)| at).collect();
        let mut names: BTreeSet<&str> =
            { made.iter() }.flat_map(|at| self.candidates(index, way, *at, namespace)).collect();
        if made.is_empty() {
            names.insert("");
        }
        let found_one = names
            .into_iter()
            .find_map(|name| Some((name, self.all_by_name(way, namespace, name)?)));
        let Some((name, grants)) = found_one else { return };
        let gains = way.gives.iter().flat_map(|gives| self.gained(*gives, namespace, &grants));
        let gains = self.if_unread(way, (namespace, name), &grants, gains.collect());
        self.add(way, namespace, (grants, Some(name)), gains, found);
    }

    /// Namespaces besides these that rules name, in which a way may be open.
    pub(super) fn places(
        &self,
        (index, way): (usize, &'static Way),
        namespaces: &[&str],
    ) -> BTreeSet<&'a str> {
        let Some(at) = way.needs.iter().position(|need| matches!(need.name, Name::Place)) else {
            return BTreeSet::new();
        };
        let mut places = self.candidates(index, way, at, None);
        places.retain(|place| !namespaces.contains(place));
        places
    }

    /// What lets one make something under a name that nothing has, under this one if any.
    pub(super) fn made(
        &self,
        need: &Need,
        about: About<'_>,
        place: Option<&str>,
    ) -> Option<Vec<Granted<'i, 'a>>> {
        let About { group, resource, name: only, .. } = about;
        let access = self.escalation.access;
        let asked =
            |verb| Asked::new(&table::question(verb, group, resource, ""), access.numbers());
        let create = asked("create");
        let all = || {
            counting(&self.bindings, place)
                .flat_map(|binding| access.rules(binding).map(move |rule| (binding, rule)))
        };
        let mut creating = all()
            .filter(|(_, rule)| !rule.names.is_empty() && rule.covers_some(&create))
            .peekable();
        creating.peek()?;
        let changing: Changing<'i, 'a> =
            Changing::of(verbs(group).iter().map(|verb| (*verb, asked(verb))), all(), only);
        creating.find_map(|(binding, rule)| {
            let named = if only.is_empty() { &*rule.names } else { &[only] };
            let named = named
                .iter()
                .filter(|name| !name.is_empty() && (only.is_empty() || rule.has_name(name)));
            named.into_iter().find_map(|name| {
                let by = changing.on(name)?;
                if self.presence(group, resource, place, name) == Presence::There {
                    return None;
                }
                let own = |verb, binding, rule| Granted {
                    what: format!("{verb} {resource}"),
                    binding,
                    rule,
                };
                let mut grants = vec![own("create", binding, rule), own(by.0, by.1, by.2)];
                if let Some(sender) = &self.sender {
                    // The other is asked for create inside.
                    let question = table::question(by.0, group, resource, name);
                    let question = Question { namespace: place, ..question };
                    grants.push(self.sent(sender, need, &question)?);
                }
                Some(grants)
            })
        })
    }

    /// Whether there is something of a name already; anywhere is not everywhere.
    pub(super) fn presence(
        &self,
        group: &str,
        resource: &str,
        place: Option<&str>,
        name: &str,
    ) -> Presence {
        // A controller cleans up those of certificates.
        if resource == "certificatesigningrequests" {
            return Presence::Absent;
        }
        let world = self.escalation.world();
        let schema = Schema::of(world.base.minor);
        let Some(info) = schema.resource(group, resource) else { return Presence::Unread };
        let is_there = match (info.scope, place) {
            (Scope::Cluster, _) => world.get(&ThingRef::new(group, info.kind, "", name)),
            (_, Some(own)) => world.get(&ThingRef::new(group, info.kind, own, name)),
            (_, None) => None,
        };
        match is_there {
            Some(_) => Presence::There,
            None if world.base.coverage.is_complete(group, info.kind) => Presence::Absent,
            None => Presence::Unread,
        }
    }

    /// The same gains, on the condition that what is made is not there where that was not
    /// read.
    pub(super) fn if_unread(
        &self,
        way: &Way,
        (namespace, name): (Option<&str>, &str),
        grants: &[Granted<'i, 'a>],
        gains: Vec<Gain>,
    ) -> Vec<Gain> {
        let unread = way.needs.iter().flat_map(|need| need.any).find_map(|what| {
            let resource = what.resources.iter().find(|resource| {
                let is_made = |grant: &Granted<'_, '_>| {
                    grant.what.strip_prefix("create ") == Some(**resource)
                        && !(grant.rule.names.is_empty() && name.is_empty())
                };
                grants.iter().any(is_made)
                    && self.presence(what.group, resource, namespace, name) == Presence::Unread
            });
            Some((what.group, *resource?))
        });
        let Some((_, resource)) = unread else { return gains };
        let condition =
            format!("if there is none of its names: {resource} were not read completely");
        let conditional = gains.into_iter().flat_map(|gain| match gain {
            Gain::One(power, own) => vec![Gain::One(power, own.or(Some(condition.clone())))],
            Gain::All(set) => { self.escalation.members(&set) }
                .map(|power| Gain::One(power, Some(condition.clone())))
                .collect(),
        });
        conditional.collect()
    }
}

/// Which rules let one change what.
struct Changing<'i, 'a> {
    any: Option<By<'i, 'a>>,
    named: BTreeMap<&'a str, By<'i, 'a>>,
}

impl<'i, 'a> Changing<'i, 'a> {
    /// Of one name where it is not empty.
    fn of<'q>(
        asked: impl Iterator<Item = (&'static str, Asked<'q>)>,
        rules: impl Iterator<Item = (&'i Binding<'a>, &'i Rule<'a>)>,
        only: &str,
    ) -> Changing<'i, 'a> {
        let asked: Vec<_> = asked.collect();
        let mut changing = Changing { any: None, named: BTreeMap::new() };
        for (binding, rule) in rules {
            let Some((verb, _)) = asked.iter().find(|(_, asked)| rule.covers_some(asked)) else {
                continue;
            };
            let by = (*verb, binding, rule);
            if rule.names.is_empty() || !only.is_empty() && rule.has_name(only) {
                changing.any.get_or_insert(by);
            }
            if !only.is_empty() {
                continue;
            }
            for name in &rule.names {
                changing.named.entry(name).or_insert(by);
            }
        }
        changing
    }

    fn on(&self, name: &str) -> Option<By<'i, 'a>> {
        self.any.or_else(|| self.named.get(name).copied())
    }
}
