//! Who may do what: the answers of the API server's own authorizers (members of
//! `system:masters`, the Node authorizer, RBAC) over a world, and what follows from them.
//!
//! [`Access`] is built once for a world and asked with [`Question`]s. It knows
//! nothing of what a webhook or a configured CEL authorizer says, nor of what
//! admission refuses afterwards.

pub mod admins;
pub mod escalation;
pub mod grants;
pub mod impersonation;
mod index;
mod node;
pub mod paths;
pub mod permissions;
mod roles;
mod rule;
pub mod subject;
#[cfg(test)]
mod tests;
pub mod usage;

pub use admins::{Admin, Admins};
pub use escalation::Power;
pub use grants::Grant;
pub use index::{Access, Binding, Reason};
pub use paths::Escalation;
pub use roles::Role;
pub use rule::{Question, Rule};
pub use subject::{Identity, Subject};

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";
