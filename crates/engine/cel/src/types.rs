//! Types of expressions, and when one may stand for another.

use std::fmt;
use std::sync::Arc;

use crate::library::declarations::DeclaredType;

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

/// Type variables and what they stand for.
#[derive(Clone, Default)]
pub(crate) struct Unifier {
    bound: Vec<Option<Type>>,
}

impl Unifier {
    pub(crate) fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Var(self.bound.len() as u32 - 1)
    }

    /// A type with its variables replaced as far as they are known.
    pub(crate) fn resolve(&self, ty: &Type) -> Type {
        match ty {
            Type::Var(index) => match self.bound.get(*index as usize) {
                Some(Some(bound)) => self.resolve(bound),
                _ => ty.clone(),
            },
            Type::List(item) => Type::List(self.resolve(item).into()),
            Type::Map(key, value) => {
                Type::Map(self.resolve(key).into(), self.resolve(value).into())
            }
            Type::Optional(inner) => Type::Optional(self.resolve(inner).into()),
            Type::Type(inner) => Type::Type(self.resolve(inner).into()),
            _ => ty.clone(),
        }
    }

    /// What stays unknown is dynamic.
    pub(crate) fn finish(&self, ty: &Type) -> Type {
        match self.resolve(ty) {
            Type::Var(_) => Type::Dyn,
            Type::List(item) => Type::List(self.finish(&item).into()),
            Type::Map(key, value) => {
                Type::Map(self.finish(&key).into(), self.finish(&value).into())
            }
            Type::Optional(inner) => Type::Optional(self.finish(&inner).into()),
            Type::Type(inner) => Type::Type(self.finish(&inner).into()),
            other => other,
        }
    }

    /// Whether a value of type `from` may stand where `to` is wanted; binds variables.
    pub(crate) fn assignable(&mut self, to: &Type, from: &Type) -> bool {
        let (to, from) = (self.resolve(to), self.resolve(from));
        match (&to, &from) {
            _ if to == from => true,
            (Type::Var(index), other) | (other, Type::Var(index)) => {
                self.bound[*index as usize] = Some(other.clone());
                true
            }
            // A typed object is a map at run time.
            (Type::Dyn, _)
            | (_, Type::Dyn)
            | (Type::Object(_) | Type::Opaque(_) | Type::Duration | Type::Timestamp, Type::Null)
            | (Type::Null, Type::Object(_) | Type::Opaque(_) | Type::Duration | Type::Timestamp)
            | (Type::Map(..), Type::Object(_))
            | (Type::Object(_), Type::Map(..))
            | (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.assignable(a, b)
            }
            (Type::Map(ak, av), Type::Map(bk, bv)) => {
                self.assignable(ak, bk) && self.assignable(av, bv)
            }
            _ => false,
        }
    }

    /// A declared type with its parameters as variables of this call.
    pub(crate) fn declared(
        &mut self,
        declared: &DeclaredType,
        params: &mut Vec<(&'static str, Type)>,
    ) -> Type {
        if declared.is_parameter() {
            if let Some((_, ty)) = params.iter().find(|(name, _)| *name == declared.name) {
                return ty.clone();
            }
            let ty = self.fresh();
            params.push((declared.name, ty.clone()));
            return ty;
        }
        let mut inner = |index: usize| {
            declared
                .parameters
                .get(index)
                .map_or(Type::Dyn, |parameter| self.declared(parameter, params))
        };
        match declared.name {
            "dyn" | "google.protobuf.Any" | "any" => Type::Dyn,
            "null_type" | "null" => Type::Null,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "google.protobuf.Duration" => Type::Duration,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "list" => Type::List(inner(0).into()),
            "map" => {
                let key = inner(0);
                Type::Map(key.into(), inner(1).into())
            }
            "optional_type" => Type::Optional(inner(0).into()),
            "type" => Type::Type(inner(0).into()),
            name => Type::Opaque(name.into()),
        }
    }
}
