//! Which mutating policies are for a request, with which bindings and parameters.

use super::{Invocation, Run};
use crate::estate::{Estate, Params};
use crate::matching::{Form, Matched, Matching};
use crate::policies::Entry;
use crate::policy::{Binding, Policy};
use crate::request::Request;

impl<'e> Run<'_, 'e> {
    /// Everybody who is for the request, found before anything is changed.
    pub(super) fn invocations(&mut self) -> Vec<Invocation<'e>> {
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
                let matching = binding
                    .resources
                    .as_ref()
                    .map(|it| is_for(it.matches(&self.current(now.as_ref()), estate)));
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
                self.with_params(entry, binding, matched, &mut found);
            }
        }
        found
    }

    fn with_params(
        &mut self,
        entry: &'e Entry<'e>,
        binding: &'e Binding<'e>,
        matched: Matched<'e>,
        found: &mut Vec<Invocation<'e>>,
    ) {
        let policy = &entry.policy;
        match self.policies.estate().params(policy, binding, self.request) {
            Params::Found(params) => {
                let params = params.into_iter();
                found.extend(params.map(|param| Invocation { entry, binding, param, matched }));
            }
            Params::Error(error) => self.config_error(policy, Some(binding), &error),
            Params::Unknown(what) => self.doubt(policy, Some(binding), what),
        }
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
}

/// Whether a request matches; or the error (true), or what is not known (false).
fn is_for(matching: Matching<'_>) -> Result<bool, (bool, String)> {
    match matching {
        Matching::No => Ok(false),
        Matching::Yes(_) => Ok(true),
        Matching::Error(error) => Err((true, error)),
        Matching::Unknown(what) => Err((false, what)),
    }
}

/// A match, without what it borrows of the object.
fn owned<'e>(
    matched: Matched<'_>,
    request: &Request<'e>,
    policy: &Policy<'e>,
    estate: &Estate<'e>,
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
