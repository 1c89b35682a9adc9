//! Expressions of admission policies: what names they have, what their variables
//! are worth, what they may cost, and what those of mutations give.
//!
//! A [`Compiler`] is of one policy. Its variables are compiled first, in their
//! order; then each expression for its [`Use`]. A request's [`Inputs`] become the
//! bindings of all of them, and a [`Stage`] keeps what variables are worth for the
//! expressions that share it. [`evaluate`] accounts for the budget that the
//! expressions of one evaluation have together.

use std::sync::Arc;

use ironhull_model::Minor;

use crate::authz::{AUTHORIZER, Authz, RESOURCE_CHECK, Resource, Subject};
use crate::eval::Binding;
use crate::types::Type;
use crate::value::{Opaque, VARIABLES, Val};
use crate::{Env, Issue, Program, compile};

mod named;
mod patch;
mod stage;
mod types;

pub use named::{Named, named};
pub use patch::{Operation, apply_configuration, json_patch};
pub(crate) use patch::{is_typed, plain};
pub(crate) use stage::Read;
pub use stage::{BEYOND_ALLOWANCE, OUT_OF_BUDGET, Stage, Variables, evaluate};

/// What the expressions of one evaluation of a policy may cost together, which is
/// one binding with one parameter; a mutation has as much for itself.
pub const BUDGET: u64 = 10_000_000;
/// What match conditions may cost together.
pub const MATCH_CONDITIONS_BUDGET: u64 = BUDGET / 4;

/// What an expression is for, which decides what it may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// A match condition, validation, audit annotation or variable.
    Condition,
    /// A message expression, which has no `authorizer`.
    Message,
    /// A mutation's expression, which also makes objects and patches.
    Mutation,
}

/// Variables of all environments of policies, by their slots. Those that an
/// environment does not declare have a name that nothing can name.
const NAMES: [&str; 8] = [
    "object",
    "oldObject",
    "namespaceObject",
    "request",
    "params",
    "authorizer",
    "authorizer.requestResource",
    "variables",
];

/// Compiles the expressions of one policy, or of one webhook.
#[derive(Clone, Debug)]
pub struct Compiler {
    minor: Minor,
    has_params: bool,
    /// None where variables cannot be declared.
    variables: Option<Variables>,
}

impl Compiler {
    /// Of a ValidatingAdmissionPolicy or MutatingAdmissionPolicy; whether it has a
    /// `paramKind`.
    pub fn of_policy(minor: Minor, has_params: bool) -> Compiler {
        Compiler { minor, has_params, variables: Some(Variables::default()) }
    }

    /// Of the match conditions of a webhook.
    pub fn of_webhook(minor: Minor) -> Compiler {
        Compiler { minor, has_params: false, variables: None }
    }

    /// Declares and compiles the policy's next variable, which may use those before
    /// it. One that does not compile stays declared: using it is an error.
    pub fn variable(&mut self, name: &str, expression: &str) -> Result<(), Vec<Issue>> {
        let compiled = self.compile(Use::Condition, expression);
        let issues = compiled.as_ref().err().cloned();
        if let Some(variables) = &mut self.variables {
            variables.push(name, compiled);
        }
        issues.map_or(Ok(()), Err)
    }

    /// Compiles an expression.
    pub fn compile(&self, what_for: Use, expression: &str) -> Result<Program, Vec<Issue>> {
        compile(&self.env(what_for), expression)
    }

    /// The variables declared so far.
    pub fn variables(&self) -> Option<&Variables> {
        self.variables.as_ref()
    }

    /// What an expression may name.
    pub fn env(&self, what_for: Use) -> Env {
        let mut env = Env::new(self.minor);
        let object = |name: &str| Type::Object(name.into());
        let types = [
            Some(Type::Dyn),
            Some(Type::Dyn),
            Some(object(types::NAMESPACE)),
            Some(object(types::REQUEST)),
            self.has_params.then_some(Type::Dyn),
            (what_for != Use::Message).then(|| Type::Opaque(AUTHORIZER.into())),
            (what_for != Use::Message).then(|| Type::Opaque(RESOURCE_CHECK.into())),
            self.variables.is_some().then(|| object(VARIABLES)),
        ];
        for (name, ty) in NAMES.into_iter().zip(types) {
            match ty {
                Some(ty) => env.variable(name, ty),
                None => env.variable("", Type::Dyn),
            };
        }
        let declared = self.variables.as_ref().map(Variables::types).unwrap_or_default();
        env.types(Arc::new(types::Types::new(declared)));
        if what_for == Use::Mutation {
            env.patch_types();
        }
        env
    }
}

/// What a request gives the expressions of policies to look at. An input that is
/// not known is [`Val::Unknown`].
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The object after the request; null when there is none.
    pub object: Val<'a>,
    /// The object before it; null when there is none.
    pub old_object: Val<'a>,
    /// The object's Namespace; null of an object that is in none.
    pub namespace_object: Val<'a>,
    /// The request, with the fields of an AdmissionReview's request but `object`
    /// and `oldObject`.
    pub request: Val<'a>,
    /// The parameter; null when there is none.
    pub params: Val<'a>,
    /// The resource that is requested, which is `authorizer.requestResource`; none
    /// where there is no authorizer: for message expressions, also where they use
    /// variables.
    pub request_resource: Option<Resource>,
    /// The policy's variables.
    pub n_variables: usize,
}

impl<'a> Inputs<'a> {
    /// The bindings of all environments that a [`Compiler`] makes.
    pub fn bindings(self) -> Vec<Binding<'a>> {
        let authz = |authz| Binding::Val(Val::opaque(Opaque::Authz(authz)));
        let (authorizer, resource) = match self.request_resource {
            Some(resource) => (
                authz(Authz::Authorizer(Subject::Requester)),
                authz(Authz::Resource(Subject::Requester, resource)),
            ),
            None => (Binding::Missing(NAMES[5]), Binding::Missing(NAMES[6])),
        };
        vec![
            Binding::Val(self.object),
            Binding::Val(self.old_object),
            Binding::Val(self.namespace_object),
            Binding::Val(self.request),
            Binding::Val(self.params),
            authorizer,
            resource,
            Binding::Val(Val::Variables(self.n_variables)),
        ]
    }
}
