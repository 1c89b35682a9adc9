//! What the mutating policies make of an object
//! (`k8s.io/apiserver/pkg/admission/plugin/policy/mutating`).
//!
//! Every mutation sees what the one before made of the object. After a change the
//! policies that may be reinvoked run once more. A mutation that fails leaves the
//! object as it is, and the next one still runs; under `Fail` the request is refused
//! then.

use std::collections::BTreeSet;

use ironhull_cel::policy::{
    BUDGET, Inputs, Operation as PatchOperation, apply_configuration, json_patch,
};
use ironhull_model::{Builder, Value};
use ironhull_patch::json_patch as patch;
use ironhull_schema::{crd, defaults, merge, strict, wire};

use crate::authorizer::Authorizer;
use crate::decision::{Doubt, Status};
use crate::estate::{Param, Params};
use crate::evaluate::{self, Met};
use crate::expression::{Given, Reads, Stage};
use crate::input::{Documents, Shared};
use crate::matching::{Form, Matched, Matching};
use crate::policies::{Entry, Policies, is_never_asked};
use crate::policy::{Binding, FailurePolicy, PatchType, Policy};
use crate::request::{Known, Operation, Request};

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
    /// The object afterwards, as the API server holds it; none where the request has none.
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

/// One policy with one binding and one parameter.
struct Invocation<'e> {
    entry: &'e Entry<'e>,
    binding: &'e Binding<'e>,
    param: Param<'e>,
    matched: Matched<'e>,
}

/// What running one expression gave.
enum Made {
    Object(Value),
    Patch(Vec<PatchOperation>),
    Error(String),
    Unknown,
}

struct Run<'r, 'e> {
    policies: &'e Policies<'e>,
    request: &'r Request<'e>,
    result: Mutated<'e>,
    /// The error of a mutation that ends everything.
    internal: Option<String>,
    /// Whether match conditions were asked yet.
    has_conditions: bool,
}

/// Runs the mutating policies.
pub(crate) fn mutate<'e>(policies: &'e Policies<'e>, request: &Request<'e>) -> Mutated<'e> {
    let schema = policies.estate().kinds().schema();
    let object = request.object.value().map(|value| match request.is_stored {
        true => value.clone(),
        false => wire::written(schema, value),
    });
    let result = Mutated {
        object,
        applied: Vec::new(),
        failures: Vec::new(),
        status: None,
        doubts: Vec::new(),
    };
    let mut run = Run { policies, request, result, internal: None, has_conditions: false };
    if request.operation != Operation::Delete && !is_never_asked(request) {
        run.rounds();
    }
    run.finish()
}

impl<'e> Run<'_, 'e> {
    fn rounds(&mut self) {
        let again = self.round(None);
        if !again.is_empty() && self.internal.is_none() && self.result.doubts.is_empty() {
            self.round(Some(&again));
        }
    }

    /// One pass over all policies; the second over those that may run again. Gives
    /// who is to run again.
    fn round(&mut self, only: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let (mut invoked, mut dirty) = (BTreeSet::new(), false);
        for invocation in self.invocations() {
            let key = invocation.key();
            match self.is_met(&invocation) {
                Some(true) => {}
                Some(false) => continue,
                None => return BTreeSet::new(),
            }
            if only.is_some_and(|only| !only.contains(&key)) {
                continue;
            }
            let Some(changed) = self.mutations(&invocation, &mut dirty) else {
                return BTreeSet::new();
            };
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
        if dirty { invoked } else { BTreeSet::new() }
    }

    /// Everybody who is for the request, found before anything is changed.
    fn invocations(&mut self) -> Vec<Invocation<'e>> {
        let estate = self.policies.estate();
        let mut found = Vec::new();
        // What is looked up in the request lives shorter than the policies.
        let now = self.result.object.clone();
        for entry in &self.policies.mutating {
            let policy = &entry.policy;
            let current = self.current(now.as_ref());
            let matched = match policy.constraints.matches(&current, estate) {
                Matching::No => continue,
                Matching::Yes(matched) => owned(matched, self.request, policy, estate),
                Matching::Error(error) => {
                    self.config_error(policy, None, &error);
                    continue;
                }
                Matching::Unknown(what) => {
                    self.doubt(policy, None, what);
                    continue;
                }
            };
            if let Some(error) = estate.configuration_error(policy) {
                self.config_error(policy, None, &error);
                continue;
            }
            for binding in &entry.bindings {
                let matching = binding.resources.as_ref().map(|it| {
                    let current = self.current(now.as_ref());
                    match it.matches(&current, estate) {
                        Matching::No => Ok(false),
                        Matching::Yes(_) => Ok(true),
                        Matching::Error(error) => Err((true, error)),
                        Matching::Unknown(what) => Err((false, what)),
                    }
                });
                match matching {
                    None | Some(Ok(true)) => {}
                    Some(Ok(false)) => continue,
                    Some(Err((true, error))) => {
                        self.config_error(policy, Some(binding), &error);
                        continue;
                    }
                    Some(Err((false, what))) => {
                        self.doubt(policy, Some(binding), what);
                        continue;
                    }
                }
                match estate.params(policy, binding, self.request) {
                    Params::Found(params) => {
                        found.extend(params.into_iter().map(|param| Invocation {
                            entry,
                            binding,
                            param,
                            matched,
                        }))
                    }
                    Params::Error(error) => self.config_error(policy, Some(binding), &error),
                    Params::Unknown(what) => self.doubt(policy, Some(binding), what),
                }
            }
        }
        found
    }

    /// The request with the object as it is now.
    fn current<'s>(&self, object: Option<&'s Value>) -> Request<'s>
    where
        'e: 's,
    {
        Request {
            object: object.map_or(Known::None, Known::Some),
            is_stored: true,
            ..*self.request
        }
    }

    fn is_met(&mut self, invocation: &Invocation<'e>) -> Option<bool> {
        self.has_conditions |= !invocation.entry.policy.conditions.is_empty();
        let object = self.result.object.clone();
        let met = self.with_inputs(invocation, object.as_ref(), |seen| {
            evaluate::is_met(&invocation.entry.policy, &invocation.entry.program, seen)
        });
        match met {
            Met::Yes => Some(true),
            Met::No => Some(false),
            Met::Error(error) => {
                self.fail(&invocation.entry.policy, Some(invocation.binding), error, true);
                Some(false)
            }
            Met::Unknown(what) => {
                self.doubt(&invocation.entry.policy, Some(invocation.binding), what);
                None
            }
        }
    }

    /// Calls `run` with what the expressions of an invocation see now.
    fn with_inputs<T>(
        &self,
        invocation: &Invocation<'e>,
        object: Option<&Value>,
        run: impl FnOnce(&evaluate::Seen<'_>) -> T,
    ) -> T {
        let estate = self.policies.estate();
        let current = self.current(object);
        let documents = Documents::new(&current, &invocation.matched, invocation.param, estate);
        let shown = documents.shown_namespace();
        let authorizer = Authorizer {
            world: estate.world(),
            access: self.policies.access.as_ref(),
            user: self.request.user,
        };
        let n_variables = invocation.entry.program.variables.len();
        let matched = &invocation.matched;
        let minor = estate.world().base.minor;
        // Match conditions have it hold objects as values of its types from then on.
        let with_objects = self.has_conditions;
        let typed =
            documents.typed(&current, invocation.param, shown.as_ref(), with_objects, minor);
        let shown = shown.as_ref();
        let shared = Shared { host: &authorizer, typed: &typed, n_variables };
        run(&documents.seen(&current, matched, estate, shown, shared))
    }

    /// Whether the mutations of an invocation changed the object; none when that is
    /// not known, or everything ends.
    fn mutations(&mut self, invocation: &Invocation<'e>, dirty: &mut bool) -> Option<bool> {
        let before = self.result.object.clone();
        let policy = &invocation.entry.policy;
        for index in 0..policy.mutations.len() {
            let Some(now) = self.result.object.clone() else { continue };
            let made = self.with_inputs(invocation, Some(&now), |seen| {
                make(&invocation.entry.program, policy.mutations[index].patch, index, seen)
            });
            let failed = match self.apply(&now, made) {
                Some(Ok(object)) => {
                    self.result.object = Some(object);
                    *dirty = true;
                    continue;
                }
                Some(Err(error)) => error,
                None => {
                    let what = "the object as the API server merges it".to_owned();
                    self.doubt(policy, Some(invocation.binding), what);
                    return None;
                }
            };
            if self.internal.is_some() {
                return None;
            }
            self.fail(policy, Some(invocation.binding), failed, true);
        }
        Some(self.result.object != before)
    }

    /// The object after a mutation; none when that is not known.
    fn apply(&mut self, now: &Value, made: Made) -> Option<Result<Value, String>> {
        let schema = self.policies.estate().kinds().schema();
        let kind = self.request.kind;
        let is_custom = crd::is_custom(kind.group, kind.name);
        let changed = match made {
            Made::Unknown => return None,
            Made::Error(error) => return Some(Err(error)),
            Made::Object(_) if is_custom => return None,
            Made::Object(part) => match merge::merge(schema, now, &untyped(&part)) {
                Ok(merged) => merged,
                Err(error) => return Some(Err(format!("error applying patch: {error}"))),
            },
            Made::Patch(operations) => {
                let operations: Vec<patch::Operation<'_>> = operations
                    .iter()
                    .map(|it| patch::Operation {
                        op: &it.op,
                        path: &it.path,
                        from: &it.from,
                        value: it.value.as_ref(),
                    })
                    .collect();
                match patch::apply(now, &operations) {
                    Ok(Some(patched)) => {
                        let wrong = strict::check(schema, patched.root()).unwrap_or_default();
                        if !wrong.is_empty() {
                            let all: Vec<_> =
                                wrong.iter().map(|error| error.message.as_str()).collect();
                            let told = format!("strict decoding error: {}", all.join(", "));
                            self.internal = Some(told.clone());
                            return Some(Err(told));
                        }
                        patched
                    }
                    Ok(None) => now.clone(),
                    Err(error) => return Some(Err(format!("JSON Patch: {error}"))),
                }
            }
        };
        Some(Ok(wire::written(schema, &defaults::apply(schema, &changed))))
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

    fn config_error(
        &mut self,
        policy: &'e Policy<'e>,
        binding: Option<&'e Binding<'e>>,
        error: &str,
    ) {
        let what = if binding.is_some() { "binding" } else { "policy" };
        self.fail(policy, binding, format!("failed to configure {what}: {error}"), false);
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

/// A match, without what it borrows of the object.
fn owned<'e>(
    matched: Matched<'_>,
    request: &Request<'e>,
    policy: &Policy<'e>,
    estate: &crate::estate::Estate<'e>,
) -> Matched<'e> {
    let own = Matched { resource: request.resource, kind: request.kind, form: Form::Own };
    if matched.form == Form::Own {
        return own;
    }
    // The rules do not look at the object.
    match policy.constraints.by_rules(request, estate) {
        Some(matched) => matched,
        None => own,
    }
}

/// Evaluates one mutation.
fn make(
    program: &evaluate::Program,
    patch: PatchType,
    index: usize,
    seen: &evaluate::Seen<'_>,
) -> Made {
    let inputs = Inputs {
        namespace_object: seen.annotations.namespace_object.clone(),
        ..seen.validations.clone()
    };
    let mut stage = Stage::new(&inputs, &program.variables, seen.host, seen.typed, BUDGET);
    let expression = &program.mutations[index];
    if let Err(error) = &expression.program {
        return Made::Error(error.clone());
    }
    let value = match stage.run(expression, &mut Reads::default()) {
        Ok(Given::Value(value)) => value,
        Ok(Given::Error(error)) => return Made::Error(error),
        Err(_) => return Made::Error(ironhull_cel::policy::OUT_OF_BUDGET.to_owned()),
    };
    if value.is_unknown() {
        return Made::Unknown;
    }
    let made = match patch {
        PatchType::ApplyConfiguration => apply_configuration(&value, seen.typed).map(Made::Object),
        PatchType::JsonPatch => json_patch(&value, seen.typed).map(Made::Patch),
    };
    made.unwrap_or_else(Made::Error)
}

/// A part without `apiVersion` and `kind`, which it takes from the object.
fn untyped(part: &Value) -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, child) in
        part.root().entries().filter(|(key, _)| !matches!(*key, "apiVersion" | "kind"))
    {
        builder.key(key, 0);
        builder.copy(child);
    }
    builder.end(0);
    builder.finish()
}
