//! The definitions of a world's custom resources, each read and its rules compiled
//! once, when the first of its resources is judged.

use ironhull_model::{Minor, Object};
use ironhull_schema::crd;

use crate::rules::Rules;

/// Definitions with their rules.
pub type Definitions<'a> = crd::Definitions<'a, Rules>;

/// The definition of a custom resource: its object, and its schema with the rules.
pub(crate) fn of<'d, 'a>(
    definitions: &'d Definitions<'a>,
    object: &Object,
    minor: Minor,
) -> Option<(&'a Object, &'d Rules)> {
    let thing = &object.thing;
    let definition = definitions.of(&thing.group, &object.version, &thing.kind)?;
    Some((definition.object, definition.made(|schema| Rules::new(schema, minor))))
}
