//! Canaries: does anything really stop it?
//!
//! Each control that admission can stop has an object that violates it. Sent as a
//! server-side dry run it shows whether whatever protects the cluster refuses it;
//! nothing is created. A twin without the fault shows that the refusal was for it.

mod answer;
mod elsewhere;
mod fill;
mod make;
mod plan;
mod send;
mod wrap;

pub use answer::{Guard, Obstacle};
pub use elsewhere::Elsewhere;
pub use make::{Canary, LABEL, NAME, Workload, canaries};
pub use plan::{Trial, plan};
pub use send::{Outcome, Pace, Proof, run};
pub use wrap::Wrapping;

#[cfg(test)]
mod tests;
