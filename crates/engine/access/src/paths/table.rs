//! Which roles meet which needs, asked once for all who are bound to them.

use super::known::Known;
use crate::escalation::{self, Name, Need, Way};
use crate::impersonation::Other;
use crate::rule::Asked;
use crate::{Access, Question, Rule};

/// Every way that starts with a permission, and that of EKS last.
pub(super) fn ways() -> impl Iterator<Item = &'static Way> {
    escalation::ways().chain([&escalation::AWS_AUTH])
}

/// What a need asks: verb, resource as people write it, name. `gained` stands for
/// what is gained.
pub(super) fn questions(
    need: &'static Need,
    gained: &str,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str, String)> {
    let names: Vec<String> = match need.name {
        Name::Any | Name::Some | Name::Existing | Name::New | Name::Place => vec![String::new()],
        // Who may bind any role is asked about the greatest.
        Name::Bound(greatest) if gained.is_empty() => vec![greatest.to_owned()],
        Name::Gained | Name::Object | Name::Made | Name::Bound(_) => vec![gained.to_owned()],
        // Signers are allowed by their domain too.
        Name::Is(name) => {
            let domain = name.split_once('/').map(|(domain, _)| format!("{domain}/*"));
            std::iter::once(name.to_owned()).chain(domain).collect()
        }
    };
    need.any.iter().flat_map(move |what| {
        let names = names.clone();
        what.verbs.iter().flat_map(move |verb| {
            let names = names.clone();
            what.resources.iter().flat_map(move |resource| {
                let names = names.clone();
                names.into_iter().map(move |name| (*verb, what.group, *resource, name))
            })
        })
    })
}

/// The question, whichever namespace it is about.
pub(super) fn question<'q>(
    verb: &'q str,
    group: &'q str,
    full: &'q str,
    name: &'q str,
) -> Question<'q> {
    let (resource, subresource) = full.split_once('/').unwrap_or((full, ""));
    Question { subresource, name, ..Question::new(verb, group, resource) }
}

/// Whether requests of a verb carry no name, so that a rule of the name `""` grants them
/// (`ResourceNameMatches` compares names as they are); of a verb that is asked of who sends
/// as somebody else, the last part counts.
fn is_unnamed(verb: &str, full: &str) -> bool {
    let own = verb.rsplit(':').next().unwrap_or_default();
    ["create", "list", "watch", "deletecollection"].contains(&own) && !full.contains('/')
}

/// Whether a rule grants what is asked; of no name it is asked of any object.
pub(super) fn is_granted(
    rule: &Rule<'_>,
    asked: &Asked<'_>,
    (verb, full, name): (&str, &str, &str),
) -> bool {
    rule.covers(asked) && (!name.is_empty() || rule.names.is_empty() || is_unnamed(verb, full))
}

/// Whether a rule that is limited to names meets a need of whichever. As a user nobody
/// takes a name that is a ServiceAccount's; what is made has no name yet, and what is
/// changed is there.
pub(super) fn is_met_by_some(
    known: &Known<'_>,
    need: &Need,
    verb: &str,
    resource: &str,
    rule: &Rule<'_>,
) -> bool {
    // No object has the empty name.
    let mut names = rule.names.iter().filter(|name| !name.is_empty());
    match need.name {
        Name::Some => {
            names.any(|name| resource != "users" || !matches!(Other::of(name), Other::Account(..)))
        }
        Name::Existing => {
            let may_be = |name: &&str| known.objects.may_be_configured(resource, name);
            verb != "create" && names.any(may_be)
        }
        _ => false,
    }
}

/// A rule, and what it allows of a need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    /// Index of the rule among its role's effective rules.
    pub(super) rule: u32,
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
}

/// By role and need.
#[derive(Debug)]
pub(super) struct Table {
    n_needs: usize,
    met: Vec<Option<Met>>,
    /// Likewise whether it is met of one object at least.
    met_of_one: Vec<bool>,
    /// Whether a need is one of a way that does not begin with impersonation.
    is_plain: Vec<bool>,
    /// The first need of each way, in the order of [`ways`].
    first: Vec<usize>,
}

impl Table {
    pub(super) fn new(access: &Access<'_>, known: &Known<'_>) -> Table {
        let needs: Vec<&'static Need> = ways().flat_map(|way| way.needs).collect();
        let asked: Vec<Vec<_>> = needs
            .iter()
            .map(|need| {
                questions(need, "")
                    .map(|(verb, group, resource, name)| {
                        let asked =
                            Asked::new(&question(verb, group, resource, ""), access.numbers());
                        (asked, name, verb, resource)
                    })
                    .collect()
            })
            .collect();
        let mut met = Vec::with_capacity(access.roles().len() * needs.len());
        let mut met_of_one = Vec::with_capacity(met.capacity());
        for role in access.roles() {
            let rules: Vec<_> = access.rules_of(role).collect();
            for (need, asked) in needs.iter().zip(&asked) {
                let mut is_met_of_one = false;
                met.push(asked.iter().find_map(|(asked, name, verb, resource)| {
                    let asked = asked.named(name);
                    let rule = rules.iter().position(|rule| {
                        let covers = rule.covers_some(&asked);
                        is_met_of_one |= covers;
                        let by_some = || is_met_by_some(known, need, verb, resource, rule);
                        covers && (is_granted(rule, &asked, (verb, resource, name)) || by_some())
                    })?;
                    Some(Met { rule: rule as u32, verb, resource })
                }));
                met_of_one.push(is_met_of_one);
            }
        }
        let mut first = Vec::new();
        let mut n_needs = 0;
        for way in ways() {
            first.push(n_needs);
            n_needs += way.needs.len();
        }
        let is_plain =
            ways().flat_map(|way| way.needs.iter().map(|_| !way.is_impersonation())).collect();
        Table { n_needs, met, met_of_one, is_plain, first }
    }

    /// Whether a role, by its index, meets any need, if only of one object, of a way that one
    /// request can take which is sent as somebody else already.
    pub(super) fn leads(&self, role: usize) -> bool {
        let first = role * self.n_needs;
        let met = &self.met_of_one[first..first + self.n_needs];
        met.iter().zip(&self.is_plain).any(|(met, is_plain)| *met && *is_plain)
    }

    /// Whether a role meets a need of a way of one object at least; by their indices.
    pub(super) fn meets_of_one(&self, role: usize, way: usize, need: usize) -> bool {
        self.met_of_one[role * self.n_needs + self.first[way] + need]
    }

    /// What a role meets of the need of a way; by their indices.
    pub(super) fn get(&self, role: usize, way: usize, need: usize) -> Option<Met> {
        self.met[role * self.n_needs + self.first[way] + need]
    }
}
