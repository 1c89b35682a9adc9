//! The function libraries of Kubernetes CEL over plain types. What is registered
//! for which Kubernetes minor, and what it costs, stands with the declarations.

mod bridge;
mod canonical;
pub(crate) mod cost;
pub(crate) mod declarations;
pub(crate) mod functions;
pub(crate) mod operand;
pub(crate) mod registry;

pub(crate) mod go;
mod shown;

pub(crate) mod duration;
pub(crate) mod format;
pub(crate) mod ip;
pub(crate) mod lists;
pub(crate) mod quantity;
pub(crate) mod regex;
pub(crate) mod semver;
pub(crate) mod string_format;
pub(crate) mod strings;
pub(crate) mod timestamp;
pub(crate) mod url;

#[cfg(test)]
mod differential;
