//! Struct literals, and the fields of types.

use super::{Checker, issue};
use crate::Issue;
use crate::ast::{JSON_PATCH, is_dynamic_object};
use crate::core::{Core, Kind};
use crate::types::Type;

/// What is known of a field.
pub(super) enum Field {
    Type(Type),
    /// The reference takes it for a field and has no type for it: only a dynamic
    /// value can be assigned.
    Untyped,
}

impl Checker<'_> {
    /// A field of an object type; none if it has none of that name.
    pub(super) fn field_of(&self, object: &str, field: &str) -> Option<Field> {
        if self.env.functions.patches {
            if is_dynamic_object(object) {
                return Some(Field::Type(Type::Dyn));
            }
            if object == JSON_PATCH {
                return Some(match field {
                    "op" | "path" | "from" => Field::Type(Type::String),
                    "value" => Field::Type(Type::Dyn),
                    _ => Field::Untyped,
                });
            }
        }
        self.env.provider.as_ref()?.field(object, field).map(Field::Type)
    }

    /// Whether such a field of that value is taken for one without a type.
    pub(super) fn is_untyped(&self, operand: &Core, field: &str) -> bool {
        let ty = self.types.resolve(&operand.ty);
        let inner = match &ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        matches!(inner, Type::Object(name)
            if matches!(self.field_of(name, field), Some(Field::Untyped)))
    }

    fn is_type(&self, name: &str) -> bool {
        (self.env.functions.patches && (is_dynamic_object(name) || name == JSON_PATCH))
            || self.env.provider.as_ref().is_some_and(|types| types.is_type(name))
    }

    pub(super) fn literal(&mut self, core: &mut Core) -> Result<(), Issue> {
        let (start, end) = (core.start, core.end);
        let Kind::Struct { name, fields } = &mut core.kind else { return Ok(()) };
        if let Some(rest) = name.strip_prefix('.') {
            *name = rest.into();
        }
        if !self.is_type(name) {
            let message = format!("{name} is no type that can be constructed here");
            return Err(Issue::new(message, start, end));
        }
        for (field, value, optional) in fields.iter_mut() {
            self.expr(value)?;
            let wanted = self.field_of(name, field);
            let ty = Self::element(value, *optional)?;
            let fits = match &wanted {
                Some(Field::Type(wanted)) => self.types.assignable(wanted, &ty),
                Some(Field::Untyped) => ty == Type::Dyn,
                None => return issue(value, format!("undefined field {field:?} of {name}")),
            };
            if !fits {
                let found = self.types.finish(&ty);
                return issue(value, format!("field {field:?} of {name} cannot be {found}"));
            }
        }
        core.ty = Type::Object((&**name).into());
        Ok(())
    }
}
