//! Controls: the format, its compiler, the evaluator, exceptions and gates.
//!
//! A control is one sentence that must hold, written as a YAML file
//! (`controls/` in the repository). [`Compiler`] turns its document into a
//! [`Control`], type-checked against the schemas of every Kubernetes minor it
//! claims; [`Judge`] applies controls to a world and gives findings with their
//! evidence and repair. No file is read here and nothing is printed.

pub mod admission;
pub mod compile;
pub mod control;
pub mod definitions;
pub mod environment;
pub mod examples;
pub mod exceptions;
pub mod gate;
pub mod host;
pub mod judge;
pub mod left_out;
pub mod native;
pub mod packs;
pub mod policies;
pub mod reader;
pub mod rules;
pub mod scope;
pub mod standing;

pub use compile::{Compiler, UNSAID};
pub use control::Control;
pub use gate::Gate;
pub use judge::{Fault, Judge, Judgement, Said, Tally};
pub use policies::{Assignment, Policy, assign};
pub use standing::Standing;
