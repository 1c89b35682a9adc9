//! The nouns of Ironhull: values, objects, snapshots, worlds, findings.
//!
//! Plain data and the rules that keep it consistent. This crate knows no file,
//! socket, clock or Kubernetes client; engines and judges are functions over it.

pub mod base64;
pub mod codec;
pub mod diagnostic;
pub mod finding;
pub mod image;
mod keys;
pub mod object;
pub mod pointer;
pub mod selector;
pub mod snapshot;
pub mod source;
pub mod thing;
pub mod value;
pub mod version;
pub mod world;

pub use diagnostic::{Code, Diagnostic, Level, Place};
pub use finding::{
    Accepted, Evidence, Finding, Fingerprint, Repair, RepairStep, Severity, Verdict,
};
pub use object::{Object, Origin, Standing};
pub use pointer::Pointer;
pub use snapshot::{
    Cause, Coverage, Fact, Facts, Gap, Named, Snapshot, UnseenKind, Wanted, kind_name,
};
pub use source::{Position, Source, SourceId};
pub use thing::ThingRef;
pub use value::{Builder, FieldName, Kind, Node, NodeId, NodeSpan, Value};
pub use version::Minor;
pub use world::{Change, World};
