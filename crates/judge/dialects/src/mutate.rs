//! What the mutating policies make of an object
//! (`k8s.io/apiserver/pkg/admission/plugin/policy/mutating`).
//!
//! Every mutation sees what the one before made of the object. After a change the
//! policies that may be reinvoked run once more. A mutation that fails leaves the
//! object as it is, and the next one still runs; under `Fail` the request is refused
//! then. Policies that see the object in different versions change an object each, and
//! what comes out is that of the last one.

use std::collections::BTreeSet;

use ironhull_model::Value;

use crate::allowance::{Allowance, EVALUATION};
use crate::authorizer::Authorizer;
use crate::decision::{Doubt, Status};
use crate::estate::Param;
use crate::evaluate::{self, Met};
use crate::input::{Documents, Shared};
use crate::matching::Matched;
use crate::plugins;
use crate::policies::{Entry, Policies, is_never_asked};
use crate::policy::{Binding, FailurePolicy, Policy};
use crate::request::{Known, Operation, Request, Typed};

mod invocations;
mod made;

/// A mutation that failed, or a policy that could not be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure<'e> {
    /// The policy.
    pub policy: &'e str,
    /// The binding; none for an error of the policy itself.
    pub binding: Option<&'e str>,
    /// What went wrong.
    pub message: String,
    /// Whether the policy takes it for a refusal.
    pub denies: bool,
    is_invalid: bool,
}

/// A policy that was run on an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied<'e> {
    /// The policy.
    pub policy: &'e str,
    /// The binding.
    pub binding: &'e str,
    /// The parameter's name, with its namespace.
    pub param: Option<String>,
    /// Whether it changed the object.
    pub changed: bool,
    /// Whether it ran again, after another change.
    pub again: bool,
}

/// What comes of an object.
#[derive(Clone, Debug)]
pub struct Mutated<'e> {
    /// The object afterwards, as validating policies see it; none where the request
    /// has none. Of a custom resource fields that no schema has are still there, which
    /// the API server drops when it stores it.
    pub object: Option<Value>,
    /// Which policies ran, in their order.
    pub applied: Vec<Applied<'e>>,
    /// What went wrong.
    pub failures: Vec<Failure<'e>>,
    /// The refusal, if there is one.
    pub status: Option<Status>,
    /// Policies whose mutation is not known: then the object is not, either.
    pub doubts: Vec<Doubt<'e>>,
}

impl Mutated<'_> {
    /// Where no policy is asked.
    pub(crate) fn untouched() -> Self {
        Mutated {
            object: None,
            applied: Vec::new(),
            failures: Vec::new(),
            status: None,
            doubts: Vec::new(),
        }
    }

    /// The mutations whose failing refuses the request.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Failure<'_>> {
        let is_refused = self.status.is_some();
        self.failures.iter().filter(move |failure| is_refused && failure.denies)
    }

    /// The policies that changed the object, in the order in which they did.
    pub(crate) fn changed_by(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for applied in self.applied.iter().filter(|applied| applied.changed) {
            if !names.contains(&applied.policy) {
                names.push(applied.policy);
            }
        }
        names
    }
}

/// One policy with one binding and one parameter.
struct Invocation<'e> {
    entry: &'e Entry<'e>,
    binding: &'e Binding<'e>,
    param: Param<'e>,
    matched: Matched<'e>,
}

/// The object in the version that some policies see.
struct Version<'e> {
    kind: Typed<'e>,
    object: Value,
    /// Whether a mutation was applied to it.
    is_dirty: bool,
}

/// Nothing more can be told: it is not known, or everything ends.
struct Ended;

struct Run<'r, 'e> {
    policies: &'e Policies<'e>,
    request: &'r Request<'e>,
    result: Mutated<'e>,
    /// Of this round.
    versions: Vec<Version<'e>>,
    /// The error of a mutation that ends everything.
    internal: Option<String>,
    /// Whether match conditions were asked yet.
    has_conditions: bool,
    /// What each policy may still cost, in their order.
    allowances: &'r [Allowance],
}

/// Runs the mutating policies.
pub(crate) fn mutate<'e>(policies: &'e Policies<'e>, request: &Request<'e>) -> Mutated<'e> {
    let estate = policies.estate();
    let object = request.object.value().map(|value| match request.is_stored {
        true => value.clone(),
        false => estate.written(request.kind, value),
    });
    let result = Mutated { object, ..Mutated::untouched() };
    let allowances: Vec<Allowance> =
        policies.mutating.iter().map(|_| policies.allowance()).collect();
    let mut run = Run {
        policies,
        request,
        result,
        versions: Vec::new(),
        internal: None,
        has_conditions: false,
        allowances: &allowances,
    };
    if request.operation != Operation::Delete && !is_never_asked(request) {
        run.rounds();
    }
    run.finish()
}

impl<'e> Run<'_, 'e> {
    fn rounds(&mut self) {
        let Ok(again) = self.round(None) else { return };
        if !self.result.doubts.is_empty() {
            return;
        }
        if self.result.applied.iter().any(|applied| applied.changed) {
            self.complete();
        }
        if !again.is_empty() {
            // Whether it ends says nothing more: what is told is in the result.
            _ = self.round(Some(&again));
        }
    }

    /// After a change the API server's other plugins are asked again
    /// (`k8s.io/apiserver/pkg/admission/reinvocation.go`).
    fn complete(&mut self) {
        let estate = self.policies.estate();
        let Some(object) = &self.result.object else { return };
        let request = self.current(Some(object));
        if let Some(completed) = plugins::again(estate, &request, object) {
            self.result.object = Some(estate.rewritten(self.request.kind, &completed));
        }
    }

    /// One pass over all policies; the second over those that may run again. Gives
    /// who is to run again.
    fn round(&mut self, only: Option<&BTreeSet<String>>) -> Result<BTreeSet<String>, Ended> {
        let (mut invoked, mut required) = (BTreeSet::new(), BTreeSet::new());
        self.versions.clear();
        let mut last = None;
        for invocation in self.invocations() {
            let key = invocation.key();
            let version = self.version(&invocation)?;
            if !self.is_met(&invocation, version)? || only.is_some_and(|only| !only.contains(&key))
            {
                continue;
            }
            if version.is_some() {
                last = version;
            }
            let changed = self.mutations(&invocation, version)?;
            if changed {
                required.clone_from(&invoked);
            }
            self.result.applied.push(Applied {
                policy: invocation.entry.policy.name,
                binding: invocation.binding.name,
                param: invocation.param_name(),
                changed,
                again: only.is_some(),
            });
            if invocation.entry.policy.reinvoked {
                invoked.insert(key);
            }
        }
        let Some(last) = last.and_then(|last| self.versions.get(last)) else { return Ok(required) };
        if !last.is_dirty {
            return Ok(required);
        }
        let estate = self.policies.estate();
        match estate.converted(last.kind, self.request.kind, &last.object) {
            Some(object) => self.result.object = Some(object),
            None => {
                let missing = format!("what was changed as {}", last.kind.shown());
                let Applied { policy, binding, .. } = self.result.applied[0];
                let binding = Some(binding);
                self.result.doubts.push(Doubt { policy, binding, may_deny: true, missing });
                return Err(Ended);
            }
        }
        Ok(invoked)
    }

    /// The place of the object in the version that an invocation sees; none where the
    /// request has no object.
    fn version(&mut self, invocation: &Invocation<'e>) -> Result<Option<usize>, Ended> {
        let Some(object) = &self.result.object else { return Ok(None) };
        let kind = invocation.matched.kind;
        if let Some(at) = self.versions.iter().position(|version| version.kind == kind) {
            return Ok(Some(at));
        }
        match self.policies.estate().converted(self.request.kind, kind, object) {
            Some(object) => {
                self.versions.push(Version { kind, object, is_dirty: false });
                Ok(Some(self.versions.len() - 1))
            }
            None => {
                let what = "the object as the API server converts it".to_owned();
                self.doubt(&invocation.entry.policy, Some(invocation.binding), what);
                Err(Ended)
            }
        }
    }

    /// The request with the object as it is now.
    fn current<'s>(&self, object: Option<&'s Value>) -> Request<'s>
    where
        'e: 's,
    {
        Request {
            object: object.map_or(Known::None, Known::Some),
            is_mutated: true,
            ..*self.request
        }
    }

    fn is_met(
        &mut self,
        invocation: &Invocation<'e>,
        version: Option<usize>,
    ) -> Result<bool, Ended> {
        self.has_conditions |= !invocation.entry.policy.conditions.is_empty();
        let met = self.with_inputs(invocation, version, |seen| {
            evaluate::is_met(&invocation.entry.policy, &invocation.entry.program, seen)
        });
        match met {
            Met::Yes => Ok(true),
            Met::No => Ok(false),
            Met::Error(error) => {
                self.fail(&invocation.entry.policy, Some(invocation.binding), error, true);
                Ok(false)
            }
            Met::Unknown(what) => {
                self.doubt(&invocation.entry.policy, Some(invocation.binding), what);
                Err(Ended)
            }
        }
    }

    /// Calls `run` with what the expressions of an invocation see now.
    fn with_inputs<T>(
        &self,
        invocation: &Invocation<'e>,
        version: Option<usize>,
        run: impl FnOnce(&evaluate::Seen<'_>) -> T,
    ) -> T {
        let estate = self.policies.estate();
        let object = version.map(|at| &self.versions[at].object);
        let current = self.current(object);
        let matched = &invocation.matched;
        // It is in the form that the policy sees.
        let object = current.object.value().cloned();
        let mut documents = Documents::new(&current, matched, invocation.param, estate, object);
        documents.is_early = true;
        let shown = documents.shown_namespace();
        let authorizer = Authorizer {
            world: estate.world(),
            access: self.policies.access.as_ref(),
            user: self.request.user,
        };
        let n_variables = invocation.entry.program.variables.len();
        let minor = estate.world().base.minor;
        // Match conditions have it hold objects as values of its types from then on.
        let with_objects = self.has_conditions;
        let typed =
            documents.typed(&current, invocation.param, shown.as_ref(), with_objects, minor);
        let shown = shown.as_ref();
        let parts = documents.parts(&current, invocation.param, estate);
        let all = self.policies.mutating.iter();
        let own = { all }.position(|entry| std::ptr::eq(entry, invocation.entry));
        let none = Allowance::new(0);
        let allowance = own.and_then(|own| self.allowances.get(own)).unwrap_or(&none);
        allowance.take(EVALUATION);
        let shared =
            Shared { host: &authorizer, typed: &typed, parts: &parts, allowance, n_variables };
        run(&documents.seen(&current, matched, estate, shown, shared))
    }

    fn fail(
        &mut self,
        policy: &'e Policy<'e>,
        binding: Option<&'e Binding<'e>>,
        message: String,
        is_invalid: bool,
    ) {
        let denies = policy.failure == FailurePolicy::Fail;
        let binding = binding.map(|binding| binding.name);
        let failure = Failure { policy: policy.name, binding, message, denies, is_invalid };
        self.result.failures.push(failure);
    }

    fn doubt(&mut self, policy: &'e Policy<'e>, binding: Option<&'e Binding<'e>>, missing: String) {
        let binding = binding.map(|binding| binding.name);
        let may_deny = policy.failure == FailurePolicy::Fail;
        self.result.doubts.push(Doubt { policy: policy.name, binding, may_deny, missing });
    }

    fn finish(self) -> Mutated<'e> {
        let mut result = self.result;
        // What could not be asked comes first.
        result.failures.sort_by_key(|failure| failure.is_invalid);
        if let Some(error) = self.internal {
            result.status = Some(Status {
                code: 500,
                reason: "InternalError".to_owned(),
                message: format!("Internal error occurred: {error}"),
                causes: vec![error],
            });
            return result;
        }
        let denying: Vec<&Failure<'_>> =
            result.failures.iter().filter(|failure| failure.denies).collect();
        result.status = denying.first().map(|first| Status {
            code: 403,
            reason: if first.is_invalid { "Invalid" } else { "Forbidden" }.to_owned(),
            message: first.text(),
            causes: denying.iter().map(|failure| failure.text()).collect(),
        });
        result
    }
}

impl Failure<'_> {
    /// In the API server's words.
    pub fn text(&self) -> String {
        let Failure { policy, message, .. } = self;
        match self.binding {
            Some(binding) => {
                format!("policy '{policy}' with binding '{binding}' denied request: {message}")
            }
            None => format!("policy {policy:?} denied request: {message}"),
        }
    }
}

impl Invocation<'_> {
    fn param_name(&self) -> Option<String> {
        match self.param {
            Param::None => None,
            Param::Object(object) => Some(object.thing.to_string()),
        }
    }

    fn key(&self) -> String {
        let param = self.param_name().unwrap_or_default();
        format!("{}\n{}\n{param}", self.entry.policy.name, self.binding.name)
    }
}
