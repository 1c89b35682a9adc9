//! Types of expressions, and when one may stand for another.

use std::fmt;
use std::sync::Arc;

mod unify;

pub(crate) use unify::Unifier;

/// A type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// Known at run time only.
    Dyn,
    /// `null`.
    Null,
    /// A boolean.
    Bool,
    /// A 64-bit signed integer.
    Int,
    /// A 64-bit unsigned integer.
    Uint,
    /// A 64-bit float.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A span of time.
    Duration,
    /// A moment.
    Timestamp,
    /// A list.
    List(Arc<Type>),
    /// A map.
    Map(Arc<Type>, Arc<Type>),
    /// A value or none.
    Optional(Arc<Type>),
    /// A type with named fields, from the [`TypeProvider`].
    Object(Arc<str>),
    /// A type of a library, such as `kubernetes.Quantity`.
    Opaque(Arc<str>),
    /// A type as a value: which.
    Type(Arc<Type>),
    /// Not known yet, while checking.
    Var(u32),
}

/// Knows the fields of object types.
pub trait TypeProvider: Send + Sync {
    /// The type of a field; none when the object has no such field.
    fn field(&self, object: &str, field: &str) -> Option<Type>;

    /// Whether a literal may name that type. The API server has no values of its
    /// declared types to make, so what such a literal makes is an error.
    fn is_type(&self, _name: &str) -> bool {
        false
    }

    /// Whether an object may stand where a map is wanted, as it is one at run time.
    fn objects_are_maps(&self) -> bool {
        true
    }
}

impl Type {
    /// The type that a declaration names; its parameters are variables numbered
    /// from 0 in the order in which `parameters` collects them.
    pub(crate) fn declared(
        declared: &crate::library::declarations::DeclaredType,
        parameters: &mut Vec<&'static str>,
    ) -> Type {
        if declared.is_parameter() {
            let known = parameters.iter().position(|name| *name == declared.name);
            let at = known.unwrap_or(parameters.len());
            if known.is_none() {
                parameters.push(declared.name);
            }
            return Type::Var(at as u32);
        }
        let inner = |parameters: &mut Vec<&'static str>, index: usize| {
            let parameter = declared.parameters.get(index);
            Arc::new(parameter.map_or(Type::Dyn, |declared| Type::declared(declared, parameters)))
        };
        match declared.name {
            "list" => Type::List(inner(parameters, 0)),
            "map" => {
                let key = inner(parameters, 0);
                Type::Map(key, inner(parameters, 1))
            }
            "optional_type" => Type::Optional(inner(parameters, 0)),
            "type" => Type::Type(inner(parameters, 0)),
            name => Type::named(name).unwrap_or_else(|| Type::Opaque(name.into())),
        }
    }

    /// A type without parameters of the language itself.
    pub(crate) fn named(name: &str) -> Option<Type> {
        Some(match name {
            "dyn" | "any" | "google.protobuf.Any" => Type::Dyn,
            "null_type" | "null" => Type::Null,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "google.protobuf.Duration" => Type::Duration,
            "google.protobuf.Timestamp" => Type::Timestamp,
            _ => return None,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn | Type::Var(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null_type"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("google.protobuf.Duration"),
            Type::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Type::List(item) => write!(f, "list({item})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(inner) => write!(f, "optional_type({inner})"),
            Type::Object(name) | Type::Opaque(name) => f.write_str(name),
            Type::Type(inner) => write!(f, "type({inner})"),
        }
    }
}
