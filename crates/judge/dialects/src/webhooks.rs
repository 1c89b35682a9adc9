//! Mutating webhooks, which the API server asks between mutating and validating
//! policies. What they answer only they know; which of them are asked about a request is
//! decided as for policies
//! (`k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go`).

use ironhull_model::{Minor, World};

use crate::allowance::Allowance;
use crate::estate::Param;
use crate::evaluate::{self, Met, Program};
use crate::input::with_seen;
use crate::matching::{Match, Matching};
use crate::policies::{Policies, is_never_asked};
use crate::policy::{FailurePolicy, Flavour, GROUP, Policy, list, named, text};
use crate::request::Request;

/// A mutating webhook.
#[derive(Debug)]
pub(crate) struct Webhook<'a> {
    /// Rules, selectors and conditions, which mean what a policy's mean.
    asked: Policy<'a>,
    conditions: Program,
}

impl<'a> Webhook<'a> {
    /// The mutating webhooks of a world, in the order of their configurations.
    pub(crate) fn all(world: World<'a>, minor: Minor) -> Vec<Webhook<'a>> {
        let mut all = Vec::new();
        for object in world.of_kind(GROUP, "MutatingWebhookConfiguration") {
            for node in list(object.root(), "webhooks") {
                if !Match::is_ever_called(node) {
                    continue;
                }
                let asked = Policy {
                    object,
                    flavour: Flavour::Mutating,
                    name: text(node, "name"),
                    // An error leaves the webhook out, or refuses the request.
                    failure: FailurePolicy::Ignore,
                    constraints: Match::of_webhook(node),
                    param_kind: None,
                    conditions: named(node, "matchConditions", "name", "expression"),
                    variables: Vec::new(),
                    validations: Vec::new(),
                    annotations: Vec::new(),
                    mutations: Vec::new(),
                    reinvoked: false,
                };
                let conditions = Program::compile(&asked, minor);
                all.push(Webhook { asked, conditions });
            }
        }
        all
    }

    /// Whether one of its conditions may ask who may do what.
    pub(crate) fn asks_who_may(&self) -> bool {
        self.asked.asks_who_may()
    }

    fn may_be_asked(
        &self,
        policies: &Policies<'_>,
        request: &Request<'_>,
        allowance: &Allowance,
    ) -> bool {
        let matched = match self.asked.constraints.matches(request, policies.estate()) {
            Matching::No => return false,
            // The request is refused then.
            Matching::Error(_) => return false,
            Matching::Unknown(_) => return true,
            Matching::Yes(matched) => matched,
        };
        self.asked.conditions.is_empty()
            || allowance.left() == 0
            || with_seen(policies, request, &matched, Param::None, (allowance, 0), |seen, _| {
                !matches!(evaluate::is_met(&self.asked, &self.conditions, seen), Met::No)
            })
    }
}

impl Policies<'_> {
    /// The mutating webhooks that may change a request's object before validating
    /// policies see it, by name.
    pub(crate) fn may_change(&self, request: &Request<'_>) -> Vec<&str> {
        if is_never_asked(request) {
            return Vec::new();
        }
        let allowance = self.allowance();
        let asked = { self.webhooks.iter() }
            .filter(|webhook| webhook.may_be_asked(self, request, &allowance));
        let mut names: Vec<&str> = Vec::new();
        for name in asked.map(|webhook| webhook.asked.name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
