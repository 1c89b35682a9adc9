//! The roles and bindings that every cluster starts with. Generated from the
//! API server's own bootstrap policy: one JSON document a line, with a bit for
//! each supported minor that has it so.

use ironhull_model::{Minor, Value};

use crate::Schema;

/// The default roles and bindings of a minor.
pub fn defaults(minor: Minor) -> impl Iterator<Item = Value> {
    let bit = Schema::of(minor).bit;
    include_str!("generated/rbac.jsonl").lines().filter_map(move |line| {
        let (minors, json) = line.split_once(' ')?;
        (minors.parse::<u8>().ok()? & bit != 0).then(|| serde_json::from_str(json).ok()).flatten()
    })
}

/// Those of every supported minor: an upgraded cluster keeps what an older one made.
pub fn ever() -> impl Iterator<Item = Value> {
    let lines = include_str!("generated/rbac.jsonl").lines();
    lines.filter_map(|line| serde_json::from_str(line.split_once(' ')?.1).ok())
}
