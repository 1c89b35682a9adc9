//! Lists, and how a definition says that their items are told apart
//! (`x-kubernetes-list-type`): that decides what equals them and what `+` makes of them
//! (`k8s.io/apiserver/pkg/cel/common`).

use std::collections::HashMap;
use std::rc::Rc;

use super::{Val, compare::member, equal};
use crate::library::operand::{Operand, View};

/// A list's elements, and whether there may be more of them.
#[derive(Debug, Default)]
pub struct List<'a> {
    pub(crate) items: Vec<Val<'a>>,
    pub(crate) open: bool,
    /// Whether it is two lists joined, which shows in messages of the reference.
    pub(crate) joined: bool,
    pub(crate) ty: ListType,
}

/// What tells items of a list apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ListType {
    /// Their place.
    #[default]
    Atomic,
    /// Their value.
    Set,
    /// The values of these fields, by the names that expressions have for them.
    Map(Rc<[Box<str>]>),
}

impl<'a> List<'a> {
    /// Whether it holds the same as another list, in whatever order; none where items
    /// have no identity.
    pub(super) fn equals(&self, other: &Val<'_>) -> Option<bool> {
        let theirs = other.elements();
        if self.items.len() != theirs.len() {
            return Some(false);
        }
        let mut own = self.by_key()?;
        for item in &theirs {
            let Some(known) = own.get_mut(&self.ty.key(item)?) else { return Some(false) };
            if self.ty != ListType::Set && equal(&self.items[known.at], item) != Some(true) {
                return Some(false);
            }
            known.is_seen = true;
        }
        Some(own.values().all(|known| known.is_seen))
    }

    /// Itself with the items of another list: those of a key that it has take their place.
    pub(crate) fn with(&self, other: &Val<'a>) -> Option<List<'a>> {
        let mut places = self.by_key()?;
        let mut items = self.items.clone();
        for item in other.elements() {
            let key = self.ty.key(&item)?;
            match places.get(&key) {
                Some(_) if self.ty == ListType::Set => {}
                Some(known) if known.at < self.items.len() => items[known.at] = item,
                // What comes twice in the other list is there twice.
                Some(_) => items.push(item),
                None => {
                    places.insert(key, Known { at: items.len(), is_seen: false });
                    items.push(item);
                }
            }
        }
        Some(List { items, open: self.open || other.is_open(), joined: true, ty: self.ty.clone() })
    }

    fn by_key(&self) -> Option<HashMap<String, Known>> {
        let keyed = self.items.iter().enumerate();
        keyed.map(|(at, item)| Some((self.ty.key(item)?, Known { at, is_seen: false }))).collect()
    }
}

/// An item of a list: of several of one key the last.
struct Known {
    at: usize,
    is_seen: bool,
}

impl ListType {
    /// What equals only the same of other items; none of a set's item that is no scalar.
    fn key(&self, item: &Val<'_>) -> Option<String> {
        let fields = match self {
            ListType::Map(fields) => fields,
            _ if matches!(item.view(), View::List | View::Map) => return None,
            _ => return Some(scalar(item)),
        };
        let parts = fields.iter().map(|field| {
            let value = member(item, &Val::str(&**field));
            value.map_or_else(String::new, |value| scalar(&value))
        });
        Some(parts.map(|part| format!("{}:{part}", part.len())).collect())
    }
}

fn scalar(value: &Val<'_>) -> String {
    format!("{} {}", value.type_name(), value.display())
}
