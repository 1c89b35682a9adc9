//! What changes with a Kubernetes version: API versions that end, and what can
//! be said instead.

use ironhull_model::{Minor, Object};
use ironhull_schema::removed::{self, Removal};

/// How an object's API version stands in a minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The server does not serve it any more.
    Removed {
        /// The first minor without it.
        since: Minor,
    },
    /// The server serves it with a warning.
    Deprecated {
        /// The first minor that warns.
        since: Minor,
        /// The first minor that will not serve it, if that is decided.
        until: Option<Minor>,
    },
}

/// The API version of an object that ends, or has ended, in a minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// Where it stands.
    pub state: State,
    /// Its whole life.
    pub life: &'static Removal,
}

/// How an object's API version stands in `minor`; none when it is served without a warning.
pub fn ending(object: &Object, minor: Minor) -> Option<Ending> {
    let thing = &object.thing;
    let life = removed::lookup(&thing.group, &object.version, &thing.kind)?;
    let state = match (life.removed, life.deprecated) {
        (Some(since), _) if since <= minor => State::Removed { since },
        (until, Some(since)) if since <= minor => State::Deprecated { since, until },
        _ => return None,
    };
    Some(Ending { state, life })
}
