//! Types of a policy's variables, as `k8s.io/apiserver/pkg/admission/plugin/cel`
//! declares them: BuildRequestType, BuildNamespaceType, and those of composition.

use std::sync::Arc;

use crate::types::{Type, TypeProvider};
use crate::value::VARIABLES;

pub(super) const REQUEST: &str = "kubernetes.AdmissionRequest";
pub(super) const NAMESPACE: &str = "kubernetes.Namespace";

/// Object types, a line each: its name, then its fields with their types. `[T]` is a
/// list, `{T}` a map from strings.
const OBJECTS: &str = "\
kubernetes.GroupVersionKind group:string version:string kind:string
kubernetes.GroupVersionResource group:string version:string resource:string
kubernetes.UserInfo username:string uid:string groups:[string] extra:{[string]}
kubernetes.AdmissionRequest kind:kubernetes.GroupVersionKind \
resource:kubernetes.GroupVersionResource subResource:string \
requestKind:kubernetes.GroupVersionKind requestResource:kubernetes.GroupVersionResource \
requestSubResource:string name:string namespace:string operation:string \
userInfo:kubernetes.UserInfo dryRun:bool options:dyn
kubernetes.NamespaceSpec finalizers:[string]
kubernetes.NamespaceCondition status:string type:string \
lastTransitionTime:google.protobuf.Timestamp message:string reason:string
kubernetes.NamespaceStatus conditions:[kubernetes.NamespaceCondition] phase:string
kubernetes.NamespaceMetadata name:string generateName:string namespace:string \
labels:{string} annotations:{string} UID:string creationTimestamp:google.protobuf.Timestamp \
deletionGracePeriodSeconds:int deletionTimestamp:google.protobuf.Timestamp generation:int \
resourceVersion:string finalizers:[string]
kubernetes.Namespace metadata:kubernetes.NamespaceMetadata spec:kubernetes.NamespaceSpec \
status:kubernetes.NamespaceStatus";

/// Knows the fields of these types and of `variables`.
pub(super) struct Types {
    variables: Vec<(Box<str>, Type)>,
}

impl Types {
    pub(super) fn new(variables: Vec<(Box<str>, Type)>) -> Types {
        Types { variables }
    }
}

impl TypeProvider for Types {
    fn field(&self, object: &str, field: &str) -> Option<Type> {
        if object == VARIABLES {
            // A later variable of the same name hides the earlier.
            let found = self.variables.iter().rfind(|(name, _)| **name == *field);
            return found.map(|(_, ty)| ty.clone());
        }
        let fields = fields(object)?;
        fields.split(' ').find_map(|known| {
            let (name, ty) = known.split_once(':')?;
            (name == field).then(|| named(ty))
        })
    }

    fn is_type(&self, name: &str) -> bool {
        name == VARIABLES || fields(name).is_some()
    }

    fn objects_are_maps(&self) -> bool {
        false
    }
}

fn fields(object: &str) -> Option<&'static str> {
    OBJECTS.lines().find_map(|line| {
        let (name, fields) = line.split_once(' ')?;
        (name == object).then_some(fields)
    })
}

fn named(text: &str) -> Type {
    let inside = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(item) = inside('[', ']') {
        return Type::List(named(item).into());
    }
    if let Some(value) = inside('{', '}') {
        return Type::Map(Type::String.into(), named(value).into());
    }
    Type::named(text).unwrap_or_else(|| Type::Object(text.into()))
}

/// The type that a variable has whose expression has that type: composition keeps
/// scalars, lists and maps, anything else is dynamic.
pub(super) fn of_variable(ty: &Type) -> Type {
    match ty {
        Type::List(item) => Type::List(Arc::new(of_variable(item))),
        Type::Map(key, value) => {
            Type::Map(Arc::new(of_variable(key)), Arc::new(of_variable(value)))
        }
        Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Duration
        | Type::Timestamp => ty.clone(),
        _ => Type::Dyn,
    }
}
