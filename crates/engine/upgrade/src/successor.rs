//! The same object in the API version that follows.

use ironhull_model::{Builder, Minor, Object, Pointer, RepairStep, Value};
use ironhull_schema::{Schema, required, strict};

use crate::{Ending, rewrite};

/// What can be done about an API version that ends.
#[derive(Clone, PartialEq, Debug)]
pub enum Successor {
    /// These steps say the same in the version that follows, and its schema accepts it.
    Steps(Vec<RepairStep>),
    /// It cannot be said without a person: why.
    ByHand(String),
    /// The judged minor does not serve what follows; this one does first.
    NotYet(Minor),
    /// Nothing follows.
    Nothing,
}

/// How an object is said in the API version that follows its own.
pub fn successor(object: &Object, ending: &Ending, minor: Minor) -> Successor {
    let life = ending.life;
    let Some((version, kind)) = life.replacement.and_then(|next| next.rsplit_once('/')) else {
        return Successor::Nothing;
    };
    if let Some(since) = life.replaced_since.filter(|since| *since > minor) {
        return Successor::NotYet(since);
    }
    if kind != life.kind {
        return Successor::ByHand(format!("{} became {version} {kind}", life.kind));
    }
    let mut steps = vec![RepairStep::Set {
        pointer: Pointer::root().join("apiVersion"),
        value: string(version),
    }];
    match rewrite::steps(object) {
        Ok(more) => steps.extend(more),
        Err(why) => return Successor::ByHand(why),
    }
    match accepted(Schema::of(minor), object, &steps, version) {
        Ok(()) => Successor::Steps(steps),
        Err(why) => Successor::ByHand(why),
    }
}

/// Whether the schema of the next version accepts the object after the steps:
/// no field that it does not know, none missing that it requires.
fn accepted(
    schema: Schema,
    object: &Object,
    steps: &[RepairStep],
    version: &str,
) -> Result<(), String> {
    let after = ironhull_patch::apply(&object.value, steps)
        .map_err(|refused| format!("{} cannot be changed: {}", refused.pointer, refused.reason))?;
    let errors = strict::check(schema, after.root())
        .ok_or_else(|| format!("the schema of {version} is not known here"))?;
    if let Some(error) = errors.first() {
        return Err(format!("{version} does not take it as it is: {}", error.message));
    }
    let missing = required::missing(schema, after.root()).unwrap_or_default();
    match missing.first() {
        Some(pointer) => Err(format!("{version} requires {pointer}")),
        None => Ok(()),
    }
}

pub(crate) fn string(text: &str) -> Value {
    let mut builder = Builder::new();
    builder.str(text, 0, 0);
    builder.finish()
}
