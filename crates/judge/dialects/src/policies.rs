//! The policies of a world that are in force, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ironhull_access::Access;
use ironhull_model::{Object, Standing, World};
use ironhull_schema::crd;

use crate::allowance::{self, Allowance};
use crate::answer::{self, Answer};
use crate::estate::Estate;
use crate::evaluate::Program;
use crate::mutate::{self, Mutated};
use crate::plugins::{self, Possible, Server};
use crate::policy::{Binding, Flavour, GROUP, Policy};
use crate::request::Request;
use crate::validate::{self, Problem};
use crate::webhooks::Webhook;

/// Resources that no policy is asked about: those of policies, and questions about
/// who may do what.
const NEVER: &[(&str, &[&str])] = &[
    (
        GROUP,
        &[
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ],
    ),
    ("authentication.k8s.io", &["selfsubjectreviews", "tokenreviews"]),
    (
        "authorization.k8s.io",
        &[
            "localsubjectaccessreviews",
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
            "subjectaccessreviews",
        ],
    ),
];

/// On other terms policies may say something else of every object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// What each may cost about one object: where it costs more, what it says is unknown.
    share: u64,
    /// What API servers make of objects before.
    servers: Vec<Server>,
}

/// A policy or binding that the API server would not take.
#[derive(Debug)]
pub struct Refused<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) policy: Policy<'a>,
    pub(crate) program: Program,
    /// By name.
    pub(crate) bindings: Vec<Binding<'a>>,
}

/// The policies of a world that a binding puts in force, compiled.
#[derive(Debug)]
pub struct Policies<'a> {
    estate: Estate<'a>,
    pub(crate) validating: Vec<Entry<'a>>,
    pub(crate) mutating: Vec<Entry<'a>>,
    refused: Vec<Refused<'a>>,
    /// Mutating webhooks, which are asked between the two.
    pub(crate) webhooks: Vec<Webhook<'a>>,
    /// Who may do what, where an expression asks.
    pub(crate) access: Option<Access<'a>>,
    /// What each may cost about one object, in the API server's units.
    share: u64,
}

impl<'a> Policies<'a> {
    /// Compiles the policies of a world.
    pub fn new(world: World<'a>) -> Policies<'a> {
        let mut refused = Vec::new();
        let validating = entries(world, Flavour::Validating, &mut refused);
        let mutating = entries(world, Flavour::Mutating, &mut refused);
        // Nothing is said of webhooks alone.
        let webhooks = match validating.is_empty() {
            true => Vec::new(),
            false => Webhook::all(world, world.base.minor),
        };
        let asks = validating.iter().chain(&mutating).any(|entry| entry.policy.asks_who_may())
            || webhooks.iter().any(Webhook::asks_who_may);
        let access = asks.then(|| Access::new(world));
        Policies {
            estate: Estate::new(world),
            validating,
            mutating,
            refused,
            webhooks,
            access,
            share: u64::MAX,
        }
    }

    /// Only the validating policies that `is_asked`, by name, and what all may cost when
    /// every object of the world is judged by them: about a minute. Mutating policies
    /// change what is judged, whether they are asked for or not.
    #[must_use]
    pub fn asked(mut self, is_asked: impl Fn(&str) -> bool) -> Policies<'a> {
        self.validating.retain(|entry| is_asked(entry.policy.name));
        let of_webhooks = usize::from(!self.webhooks.is_empty());
        let n_policies = self.validating.len() + self.mutating.len() + of_webhooks;
        self.share = allowance::share(n_policies, self.estate.world().objects().count());
        self
    }

    /// What all that they say hangs on beside the objects that it is said of.
    pub fn terms(&self) -> Terms {
        Terms { share: self.share, servers: self.estate.servers().to_vec() }
    }

    pub(crate) fn allowance(&self) -> Allowance {
        Allowance::new(self.share)
    }

    /// Whether objects of these kinds (group, kind) may change what is said of others:
    /// parameters, rights, definitions of kinds, what new objects get of others.
    pub fn looking_at(&self, kinds: &BTreeSet<(&str, &str)>) -> bool {
        let param = |entry: &Entry<'_>| {
            let kind = entry.policy.param_kind.as_ref();
            kind.is_some_and(|kind| kinds.contains(&(kind.group, kind.kind)))
        };
        let asks = self.access.is_some();
        // What new objects get of others.
        let given_by = [
            ("", "ServiceAccount"),
            ("", "LimitRange"),
            ("scheduling.k8s.io", "PriorityClass"),
            ("node.k8s.io", "RuntimeClass"),
            ("storage.k8s.io", "StorageClass"),
            ("networking.k8s.io", "IngressClass"),
        ];
        let is_in_force = !self.validating.is_empty() || !self.mutating.is_empty();
        let general = { kinds.iter() }.any(|kind| {
            matches!(kind.0, GROUP | crd::GROUP)
                || asks && kind.0 == ironhull_access::GROUP
                || is_in_force && given_by.contains(kind)
                || is_in_force && *kind == ("", "Node") && plugins::places_pods(&self.estate)
        });
        general || self.validating.iter().chain(&self.mutating).any(param)
    }

    /// The world as admission looks at it.
    pub fn estate(&self) -> &Estate<'a> {
        &self.estate
    }

    /// The validating policies in force with their bindings, by name.
    pub fn validating(&self) -> impl Iterator<Item = (&Policy<'a>, &[Binding<'a>])> {
        self.validating.iter().map(|entry| (&entry.policy, &*entry.bindings))
    }

    /// The mutating policies in force with their bindings, by name.
    pub fn mutating(&self) -> impl Iterator<Item = (&Policy<'a>, &[Binding<'a>])> {
        self.mutating.iter().map(|entry| (&entry.policy, &*entry.bindings))
    }

    /// What the mutating policies make of a request's object.
    pub fn mutate<'e>(&'e self, request: &Request<'e>) -> Mutated<'e> {
        mutate::mutate(self, request)
    }

    /// The forms that a request's object may have when policies are asked about it,
    /// after the API server's other admission plugins; none where it is as it was sent.
    pub fn forms(&self, request: &Request<'_>) -> Vec<Possible> {
        let sent = request.object.value().cloned();
        plugins::forms(&self.estate, request, sent.as_slice())
    }

    /// What comes of a request: first the mutating policies are asked, then, about what
    /// they leave, the validating ones. `forms` are those of [`Policies::forms`].
    pub fn answer<'e>(&'e self, request: &Request<'e>, forms: &'e [Possible]) -> Answer<'e> {
        answer::answer(self, request, forms)
    }

    /// Policies and bindings that the API server would refuse, so that they are not in
    /// force.
    pub fn refused(&self) -> &[Refused<'a>] {
        &self.refused
    }
}

/// Whether no policy is asked about it.
pub(crate) fn is_never_asked(request: &Request<'_>) -> bool {
    let resource = request.resource;
    NEVER.iter().any(|(group, names)| *group == resource.group && names.contains(&resource.name))
}

fn entries<'a>(
    world: World<'a>,
    flavour: Flavour,
    refused: &mut Vec<Refused<'a>>,
) -> Vec<Entry<'a>> {
    let minor = world.base.minor;
    // What the API server holds it has taken.
    let mut is_taken = |object: &'a Arc<Object>, problems: Vec<Problem>| {
        let is_taken = problems.is_empty() || object.standing == Standing::Live;
        if !is_taken {
            refused.push(Refused { object, problems });
        }
        is_taken
    };
    let mut bindings: BTreeMap<&str, Vec<Binding<'a>>> = BTreeMap::new();
    for object in world.of_kind(GROUP, flavour.binding_kind()) {
        if let Some(binding) = Binding::read(object, flavour)
            && is_taken(object, validate::binding(&binding, flavour, minor))
        {
            bindings.entry(binding.policy).or_default().push(binding);
        }
    }
    let mut entries = Vec::new();
    for object in world.of_kind(GROUP, flavour.kind()) {
        let Some(policy) = Policy::read(object) else { continue };
        if !is_taken(object, validate::policy(&policy, minor)) {
            continue;
        }
        let Some(mut bindings) = bindings.remove(policy.name) else { continue };
        bindings.sort_by_key(|binding| binding.name);
        let program = Program::compile(&policy, minor);
        entries.push(Entry { policy, program, bindings });
    }
    entries.sort_by_key(|entry| entry.policy.name);
    entries
}
