//! The add-ons of a cluster: which engines, sensors, issuers, scanners and the like are
//! installed in it, of which version, how much of them is up, what each does by its own
//! policies, who does the same as another, and what nobody does.
//!
//! It knows what its table holds, and no control. An add-on is recognised by what its
//! public manifests have and little else has, never by a name or a namespace alone.
//!
//! ```ignore
//! let peers = Peers::new(World::new(&snapshot));
//! assert_eq!(peers.found[0].known.name, "Kyverno");
//! ```

mod known;
mod left_out;
mod peers;
mod rules;
mod running;
mod table;
mod twins;
mod webhooks;

pub use known::{Beside, Function, Known, Part, Runs};
pub use peers::{Overlap, Peer, Peers};
pub use rules::{Does, Rule, Says, wanted};
pub use running::{Running, Signal, State};
pub use webhooks::Webhook;

#[cfg(test)]
mod tests;
