//! Who can reach whom: NetworkPolicies as the API defines them, and what leads
//! into the cluster from outside. It knows no control.
//!
//! Everything is asked of a [`Network`], an index over a world. Answers are
//! three-valued: an estate that was not read completely, namespaces whose labels
//! are not known and pods whose addresses are not known leave questions open.

mod certainty;
mod labels;
mod network;
mod policy;

pub mod exposure;
pub mod isolation;
pub mod notes;
pub mod range;
pub mod reach;
pub mod validate;

pub use certainty::Certainty;
pub use network::{Network, Workload};
pub use policy::{Direction, Policy};
pub use reach::{Peer, Port, Protocol, Reach};

/// The API group of NetworkPolicy and Ingress.
pub const GROUP: &str = "networking.k8s.io";
