//! `schema/strict`: what strict decoding refuses, and what the API server drops
//! silently without it.

use ironhull_model::Standing;
use ironhull_schema::strict;

use super::{Answer, Element, Looks, Rules, Subject};

pub(super) const RULES: Rules = &[("schema/strict", strict_decoding, Looks::Own)];

fn strict_decoding(subject: &Subject<'_>) -> Answer {
    let Some(object) = subject.object else { return Answer::NotApplicable };
    // What the API server holds it has decoded.
    if object.standing == Standing::Live {
        return Answer::NotApplicable;
    }
    match strict::check(subject.schema, object.root()) {
        // Custom resources and removed kinds have no schema here.
        None => Answer::NotApplicable,
        Some(errors) => Answer::Elements(
            errors
                .into_iter()
                .map(|error| Element {
                    name: error.pointer.to_string(),
                    at: error.pointer,
                    message: error.message,
                    ..Element::default()
                })
                .collect(),
        ),
    }
}
