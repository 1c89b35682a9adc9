//! The API server's own admission policies: ValidatingAdmissionPolicy and
//! MutatingAdmissionPolicy, as it decides them.
//!
//! [`Policies`] compiles the policies of a world once; [`Policies::answer`] asks first
//! the mutating ones about a [`Request`], then the validating ones about what those
//! leave and the API server's registry completes, for a [`Decision`]: verdict, code,
//! reason, message, warnings, audit annotations, and what was read to come to it. What is not known in the world
//! (who asks, what is there, a namespace's labels) makes *unknown* where an
//! expression reads it.
//!
//! It knows no file and no report. Quotas and webhooks are not asked; which mutating webhooks may change an object that
//! is refused is said.

mod allowance;
mod answer;
pub mod audit;
mod authorizer;
mod convert;
mod decide;
mod decision;
mod estate;
mod evaluate;
mod expression;
pub mod guards;
mod input;
mod kinds;
mod matching;
mod mutate;
mod plugins;
mod policies;
mod policy;
mod registry;
mod request;
pub mod suite;
mod text;
mod unknown;
mod validate;
mod webhooks;

pub use answer::Answer;
pub use decision::{Decision, Denial, Doubt, Ran, Read, Said, Status, Verdict};
pub use estate::{Estate, Namespace, Param};
pub use evaluate::Outcome;
pub use input::Source;
pub use ironhull_controls::left_out::LeftOut;
pub use kinds::{Equivalent, Kinds};
pub use matching::{Form, Match, Matched, Matching};
pub use mutate::{Applied, Failure, Mutated};
pub use plugins::Possible;
pub use policies::{Policies, Refused, Terms};
pub use policy::{
    Action, Binding, FailurePolicy, Flavour, GROUP, Mutation, Named, ParamKind, ParamRef,
    PatchType, Policy, Validation,
};
pub use request::{Known, Operation, Place, Request, Typed, User, dry_run_options, place_of};
pub use validate::Problem;
