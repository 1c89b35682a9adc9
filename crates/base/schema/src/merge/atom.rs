//! What a schema lets stand at a place, as `structured-merge-diff` reads the API
//! server's published schemas (`k8s.io/kube-openapi/pkg/schemaconv`).

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ironhull_model::{Kind, Node, Value};

use crate::crd::{Additional, Structural};
use crate::{Field, FieldType, Schema, TypeId};

#[derive(Default)]
struct Rules {
    /// Types that are replaced as a whole.
    types: HashSet<&'static str>,
    /// The same of fields that are maps.
    maps: HashSet<(&'static str, &'static str)>,
    sets: HashSet<(&'static str, &'static str)>,
    defaults: HashMap<(&'static str, &'static str), Value>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules::default();
    for line in include_str!("../generated/merge.txt").lines().skip(1) {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (mark, ty, field, value) = (word(), word(), word(), word());
        match mark {
            "A" => _ = rules.types.insert(ty),
            "M" => _ = rules.maps.insert((ty, field)),
            "S" => _ = rules.sets.insert((ty, field)),
            _ => {
                if let Ok(value) = serde_json::from_str(value) {
                    rules.defaults.insert((ty, field), value);
                }
            }
        }
    }
    rules
});

/// The metadata of custom resources and of objects inside of them.
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// A scalar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scalar {
    Text,
    Number,
    Boolean,
    Any,
}

/// What makes the items of a list the same.
#[derive(Clone, Copy)]
pub(super) enum Relation<'s> {
    /// Nothing: the list is replaced as a whole.
    Atomic,
    /// They are equal.
    Set,
    /// Members of them are.
    Keys(Keys<'s>),
}

/// The names of those members.
#[derive(Clone, Copy)]
pub(super) enum Keys<'s> {
    Own(&'s [&'static str]),
    Custom(&'s [String]),
}

impl<'s> Keys<'s> {
    /// In order.
    pub(super) fn names(self) -> Vec<&'s str> {
        match self {
            Keys::Own(names) => names.to_vec(),
            Keys::Custom(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// A list.
#[derive(Clone, Copy)]
pub(super) struct List<'s> {
    pub(super) relation: Relation<'s>,
    pub(super) items: Ref<'s>,
}

/// A map, or a type with fields.
#[derive(Clone, Copy)]
pub(super) struct Map<'s> {
    fields: Fields<'s>,
    /// What stands under other names; none when nothing may.
    others: Option<Ref<'s>>,
    pub(super) is_atomic: bool,
}

#[derive(Clone, Copy)]
enum Fields<'s> {
    None,
    Own(TypeId),
    Custom { schema: &'s Structural, keeps_unknown: bool, is_object: bool },
}

/// What may stand at a place: one form of it, or several.
#[derive(Clone, Copy, Default)]
pub(super) struct Atom<'s> {
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<List<'s>>,
    pub(super) map: Option<Map<'s>>,
}

/// Names what may stand at a place.
#[derive(Clone, Copy)]
pub(super) enum Ref<'s> {
    /// Anything, replaced as a whole.
    Untyped,
    /// Anything, of which maps are merged.
    Deduced,
    /// Text.
    Text,
    /// One of the API server's own types.
    Type(TypeId),
    /// What a field holds where it says nothing of merging.
    Plain(&'s FieldType),
    /// A field of such a type.
    Field(TypeId, &'static Field),
    /// A part of a custom resource; `is_object` where that has a kind and metadata.
    Custom { schema: &'s Structural, keeps_unknown: bool, is_object: bool },
}

const UNTYPED: Atom<'_> = Atom {
    scalar: Some(Scalar::Any),
    list: Some(List { relation: Relation::Atomic, items: Ref::Untyped }),
    map: Some(Map { fields: Fields::None, others: Some(Ref::Untyped), is_atomic: true }),
};

const DEDUCED: Atom<'_> = Atom {
    map: Some(Map { fields: Fields::None, others: Some(Ref::Deduced), is_atomic: false }),
    ..UNTYPED
};

impl<'s> Ref<'s> {
    /// A whole custom resource.
    pub(super) fn resource(schema: &'s Structural) -> Ref<'s> {
        Ref::Custom { schema, keeps_unknown: false, is_object: true }
    }

    pub(super) fn atom(self, of: Schema) -> Atom<'s> {
        match self {
            Ref::Untyped => UNTYPED,
            Ref::Deduced => DEDUCED,
            Ref::Text => scalar(Scalar::Text),
            Ref::Type(ty) => fields(of, ty),
            Ref::Plain(ty) => plain(of, ty, false),
            Ref::Field(owner, field) => field_of(of, owner, field),
            Ref::Custom { schema, keeps_unknown, is_object } => {
                custom(schema, keeps_unknown, is_object)
            }
        }
    }
}

fn scalar<'s>(scalar: Scalar) -> Atom<'s> {
    Atom { scalar: Some(scalar), ..Atom::default() }
}

fn fields<'s>(of: Schema, ty: TypeId) -> Atom<'s> {
    let is_atomic = RULES.types.contains(of.type_name(ty));
    let map = Map { fields: Fields::Own(ty), others: None, is_atomic };
    Atom { map: Some(map), ..Atom::default() }
}

fn list<'s>(relation: Relation<'s>, item: &'s FieldType) -> Atom<'s> {
    let list = List { relation, items: Ref::Plain(item) };
    Atom { list: Some(list), ..Atom::default() }
}

fn plain<'s>(of: Schema, ty: &'s FieldType, is_map_atomic: bool) -> Atom<'s> {
    match ty {
        FieldType::String | FieldType::Bytes => scalar(Scalar::Text),
        FieldType::Time | FieldType::MicroTime | FieldType::Quantity => scalar(Scalar::Any),
        FieldType::Integer | FieldType::Number => scalar(Scalar::Number),
        FieldType::Boolean => scalar(Scalar::Boolean),
        // Published without a type.
        FieldType::IntOrString => DEDUCED,
        FieldType::Any => UNTYPED,
        FieldType::List(item) => list(Relation::Atomic, item),
        FieldType::Map(item) => {
            let others = Some(Ref::Plain(item));
            let map = Map { fields: Fields::None, others, is_atomic: is_map_atomic };
            Atom { map: Some(map), ..Atom::default() }
        }
        FieldType::Type(ty) => fields(of, *ty),
    }
}

fn field_of<'s>(of: Schema, owner: TypeId, field: &'static Field) -> Atom<'s> {
    let key = (of.type_name(owner), field.name);
    match &field.ty {
        FieldType::List(item) if RULES.sets.contains(&key) => list(Relation::Set, item),
        FieldType::List(item) if !field.keys.is_empty() => {
            list(Relation::Keys(Keys::Own(&field.keys)), item)
        }
        // The schemas inside of definitions are no raw objects.
        FieldType::Any if key.0.starts_with("io.k8s.apiextensions-apiserver.") => DEDUCED,
        ty => plain(of, ty, RULES.maps.contains(&key)),
    }
}

fn custom(schema: &Structural, keeps_unknown: bool, is_object: bool) -> Atom<'_> {
    // Whatever is below it may have unknown fields, too.
    let keeps_unknown = keeps_unknown || schema.preserve;
    let map = || {
        let others = match &schema.additional {
            Additional::Any => Some(Ref::Deduced),
            Additional::Schema(schema) => Some(part(schema, keeps_unknown)),
            Additional::None => {
                let is_open = keeps_unknown || schema.properties.is_empty() && !is_object;
                is_open.then_some(Ref::Deduced)
            }
        };
        let fields = Fields::Custom { schema, keeps_unknown, is_object };
        Some(Map { fields, others, is_atomic: schema.map_type == "atomic" })
    };
    let list = || {
        let relation = match schema.list_type.as_str() {
            "set" => Relation::Set,
            "map" => Relation::Keys(Keys::Custom(&schema.list_keys)),
            _ => Relation::Atomic,
        };
        let items = schema.items.as_deref().map_or(Ref::Untyped, |it| part(it, keeps_unknown));
        Some(List { relation, items })
    };
    match schema.ty.as_str() {
        "object" => Atom { map: map(), ..Atom::default() },
        "array" => Atom { list: list(), ..Atom::default() },
        "integer" | "number" => scalar(Scalar::Number),
        "boolean" => scalar(Scalar::Boolean),
        "string" if matches!(schema.format.as_str(), "" | "byte") => scalar(Scalar::Text),
        "string" => scalar(Scalar::Any),
        _ => Atom { scalar: Some(Scalar::Any), list: list(), map: map() },
    }
}

fn part(schema: &Structural, keeps_unknown: bool) -> Ref<'_> {
    Ref::Custom { schema, keeps_unknown, is_object: schema.embedded }
}

impl<'s> Map<'s> {
    /// What stands under a name; none when nothing may.
    pub(super) fn member(&self, of: Schema, name: &str) -> Option<Ref<'s>> {
        self.field(of, name).or(self.others)
    }

    /// What a field of that name holds; none when there is no such field.
    pub(super) fn field(&self, of: Schema, name: &str) -> Option<Ref<'s>> {
        match self.fields {
            Fields::None => None,
            Fields::Own(ty) => of.field(ty, name).map(|field| Ref::Field(ty, field)),
            Fields::Custom { is_object: true, .. } if matches!(name, "apiVersion" | "kind") => {
                Some(Ref::Text)
            }
            Fields::Custom { is_object: true, .. } if name == "metadata" => {
                of.type_named(METADATA).map(Ref::Type)
            }
            Fields::Custom { schema, keeps_unknown, .. } => {
                schema.property(name).map(|property| part(property, keeps_unknown))
            }
        }
    }

    /// The default of a field.
    pub(super) fn default_of(&self, of: Schema, name: &str) -> Option<Node<'s>> {
        match self.fields {
            Fields::None => None,
            Fields::Own(ty) => {
                let name = of.field(ty, name)?.name;
                RULES.defaults.get(&(of.type_name(ty), name)).map(|value| value.root())
            }
            Fields::Custom { schema, .. } => {
                let property = schema.property(name)?;
                property.default.as_ref().map(|value| value.root())
            }
        }
    }
}

impl<'s> Atom<'s> {
    /// The form that a value has, where that is allowed; else all of them.
    pub(super) fn of(self, node: Node<'_>) -> Atom<'s> {
        let one = match node.kind() {
            Kind::Null => return self,
            Kind::Map => Atom { map: self.map, ..Atom::default() },
            Kind::List => Atom { list: self.list, ..Atom::default() },
            _ => Atom { scalar: self.scalar, ..Atom::default() },
        };
        let is_allowed = one.map.is_some() || one.list.is_some() || one.scalar.is_some();
        if is_allowed { one } else { self }
    }
}
