//! What one mutation gives, and the object with it.

use ironhull_cel::policy::{
    BUDGET, Inputs, OUT_OF_BUDGET, Operation, apply_configuration, json_patch,
};
use ironhull_controls::left_out::{LeftOut, Reads, holds_masked, is_masked, thing};
use ironhull_model::{Builder, Node, Pointer, Value};
use ironhull_patch::json_patch as patch;
use ironhull_schema::{crd, strict};

use super::{Ended, Invocation, Run};
use crate::evaluate::{self, Program};
use crate::expression::{Given, Spent, Stage};
use crate::kinds::api_version;
use crate::plugins;
use crate::policy::PatchType;
use crate::request::Typed;

/// What running one expression gave.
enum Made {
    Object(Value),
    Patch(Vec<Operation>),
    Error(String),
    Unknown(String),
}

/// Why there is no object.
enum Stop {
    /// The mutation fails.
    Error(String),
    /// Everything ends.
    Internal(String),
    /// It cannot be told what comes out: what is missing.
    Unknown(String),
}

impl<'e> Run<'_, 'e> {
    /// Whether the mutations of an invocation changed the object.
    pub(super) fn mutations(
        &mut self,
        invocation: &Invocation<'e>,
        version: Option<usize>,
    ) -> Result<bool, Ended> {
        let Some(at) = version else { return Ok(false) };
        let before = self.versions[at].object.clone();
        let policy = &invocation.entry.policy;
        for (index, mutation) in policy.mutations.iter().enumerate() {
            let made = self.with_inputs(invocation, version, |seen| {
                make(&invocation.entry.program, mutation.patch, index, seen)
            });
            match self.apply(&self.versions[at].object, invocation.matched.kind, made) {
                Ok(object) => {
                    self.versions[at].object = object;
                    self.versions[at].is_dirty = true;
                }
                Err(Stop::Error(error)) => {
                    self.fail(policy, Some(invocation.binding), error, true);
                }
                Err(Stop::Internal(error)) => {
                    self.internal = Some(error);
                    return Err(Ended);
                }
                Err(Stop::Unknown(what)) => {
                    self.doubt(policy, Some(invocation.binding), what);
                    return Err(Ended);
                }
            }
        }
        Ok(self.versions[at].object != before)
    }

    /// The object after a mutation.
    fn apply(&self, now: &Value, kind: Typed<'_>, made: Made) -> Result<Value, Stop> {
        let estate = self.policies.estate();
        let changed = match made {
            Made::Unknown(what) => return Err(Stop::Unknown(what)),
            Made::Error(error) => return Err(Stop::Error(error)),
            Made::Object(part) => match estate.merged(kind, now, &untyped(&part)) {
                Some(Ok(merged)) => merged,
                Some(Err(error)) => {
                    return Err(Stop::Error(format!("error applying patch: {error}")));
                }
                None => {
                    return Err(Stop::Unknown(format!("the definition of {}", kind.shown())));
                }
            },
            Made::Patch(operations) => match patched(now, &operations, self.request.left_out)? {
                Ok(Some(patched)) => {
                    let schema = estate.kinds().schema();
                    let wrong = strict::check(schema, patched.root()).unwrap_or_default();
                    if !wrong.is_empty() {
                        let all: Vec<_> =
                            wrong.iter().map(|error| error.message.as_str()).collect();
                        let told = format!("strict decoding error: {}", all.join(", "));
                        return Err(Stop::Internal(told));
                    }
                    patched
                }
                Ok(None) => now.clone(),
                // What it lacks there may be what plugins add.
                Err(_) if !plugins::parts(estate, self.request, now).is_empty() => {
                    return Err(Stop::Unknown("what its JSON Patch is applied to".to_owned()));
                }
                Err(error) => return Err(Stop::Error(format!("JSON Patch: {error}"))),
            },
        };
        match unconvertible(self.request.kind, kind) {
            Some(error) => Err(Stop::Error(error)),
            None => Ok(estate.refilled(kind, &changed)),
        }
    }
}

/// The API server's error about an object of its own types that was changed in another
/// version than the request's: it does not go over its internal version there.
fn unconvertible(requested: Typed<'_>, seen: Typed<'_>) -> Option<String> {
    let is_same = (requested.group, requested.version) == (seen.group, seen.version);
    if is_same || crd::is_custom(seen.group, seen.name) {
        return None;
    }
    Some(match requested.group == seen.group {
        true => format!(
            "converting ({}.{kind}) to ({}.{kind}): unknown conversion",
            seen.version,
            requested.version,
            kind = seen.name
        ),
        false => format!(
            "{}.{} is not suitable for converting to {:?} in scheme \"pkg/runtime/scheme.go:111\"",
            seen.version,
            seen.name,
            api_version(requested)
        ),
    })
}

/// The object after the operations of a JSON Patch, as the API server's library gives it.
/// What they compare or copy must be known.
fn patched(
    now: &Value,
    operations: &[Operation],
    left_out: LeftOut,
) -> Result<Result<Option<Value>, String>, Stop> {
    let may_have = left_out.may_have();
    if may_have.is_none() && !holds_masked(now.root()) {
        return Ok(patch::apply(now, &borrowed(operations)));
    }
    let mut object = now.clone();
    for operation in operations {
        let read = match operation.op.as_str() {
            "test" => &operation.path,
            "copy" | "move" => &operation.from,
            _ => "",
        };
        if let Some(what) = unknown_at(&object, read, may_have) {
            return Err(Stop::Unknown(what));
        }
        match patch::apply(&object, &borrowed(std::slice::from_ref(operation))) {
            Ok(Some(patched)) => object = patched,
            other => return Ok(other),
        }
    }
    Ok(Ok(Some(object)))
}

/// What is not known of what stands at a pointer.
fn unknown_at(object: &Value, pointer: &str, may_have: Option<fn(&str) -> bool>) -> Option<String> {
    let parsed = Pointer::parse(pointer)?;
    let first = parsed.segments().next();
    let is_left_out = |may_have: fn(&str) -> bool| match &first {
        Some(name) => object.root().get(name).is_none() && may_have(name),
        None => !pointer.is_empty(),
    };
    let whose = || thing(object.root());
    if may_have.is_some_and(is_left_out) {
        return Some(format!("{pointer} of {}, which was not read", whose()));
    }
    let is_hidden = |node: &Node<'_>| is_masked(*node) || holds_masked(*node);
    let found = object.at(&parsed).filter(|_| !pointer.is_empty()).filter(is_hidden)?;
    Some(format!("{} of {}, which is masked", found.pointer(), whose()))
}

fn borrowed(operations: &[Operation]) -> Vec<patch::Operation<'_>> {
    let operations = operations.iter().map(|it| patch::Operation {
        op: &it.op,
        path: &it.path,
        from: &it.from,
        value: it.value.as_ref(),
    });
    operations.collect()
}

/// Evaluates one mutation.
fn make(program: &Program, patch: PatchType, index: usize, seen: &evaluate::Seen<'_>) -> Made {
    let inputs = Inputs {
        namespace_object: seen.annotations.namespace_object.clone(),
        ..seen.validations.clone()
    };
    let documents = (seen.typed, seen.parts);
    let mut stage =
        Stage::new(&inputs, &program.variables, seen.host, documents, seen.allowance, BUDGET);
    let expression = &program.mutations[index];
    if let Err(error) = &expression.program {
        return Made::Error(error.clone());
    }
    let mut reads = Reads::default();
    let given = stage.run(expression, &mut reads);
    if let Some(what) = seen.lacks(&reads) {
        return Made::Unknown(what);
    }
    let value = match given {
        Ok(Given::Value(value)) => value,
        Ok(Given::Error(error)) => return Made::Error(error),
        Err(Spent::Budget) => return Made::Error(OUT_OF_BUDGET.to_owned()),
        Err(Spent::Allowance(what)) => return Made::Unknown(what),
    };
    if value.is_unknown() {
        return Made::Unknown(seen.missing(expression, &reads));
    }
    let made = match patch {
        PatchType::ApplyConfiguration => apply_configuration(&value, seen.typed).map(Made::Object),
        PatchType::JsonPatch => json_patch(&value, seen.typed).map(Made::Patch),
    };
    made.unwrap_or_else(Made::Error)
}

/// A part without `apiVersion` and `kind`, which it takes from the object.
fn untyped(part: &Value) -> Value {
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, child) in
        part.root().entries().filter(|(key, _)| !matches!(*key, "apiVersion" | "kind"))
    {
        builder.key(key, 0);
        builder.copy(child);
    }
    builder.end(0);
    builder.finish()
}
