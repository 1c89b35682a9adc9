//! [`Value`]: one immutable arena per object.
//!
//! A document is an array of 16-byte nodes; the children of a map or list stand
//! side by side in it, so indexing is O(1) and looking a key up is a scan over
//! consecutive nodes that compares one `u32` each. Field names of Kubernetes'
//! own schemas have a process-wide number ([`crate::keys`]); other names are
//! numbered within their value.
//!
//! A [`Node`] is a borrowed position in a value. From it come the JSON pointer,
//! the byte span in the file (when the value was read from one) and whether
//! defaulting put the node there. Nothing is converted on the way to an engine.

use std::cmp::Ordering;
use std::fmt;
use std::sync::OnceLock;

use crate::keys;
use crate::pointer::Pointer;

mod builder;
mod json;
mod stored;

pub use builder::{Anchor, Builder, Duplicate};

/// The position of a node in its [`Value`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// JSON null.
    Null,
    /// A boolean.
    Bool,
    /// An integer that fits `i64`.
    Int,
    /// An integer above `i64::MAX` that fits `u64`.
    UInt,
    /// Any other number.
    Float,
    /// A string.
    String,
    /// An array.
    List,
    /// An object; the order of the input is kept.
    Map,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Null => "null",
            Kind::Bool => "bool",
            Kind::Int | Kind::UInt => "integer",
            Kind::Float => "number",
            Kind::String => "string",
            Kind::List => "list",
            Kind::Map => "map",
        })
    }
}

/// Where a node stands in its source text: byte offsets into the whole file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeSpan {
    /// Start of the member's key; equals `start` for list items and the root.
    pub key: u32,
    /// First byte of the value.
    pub start: u32,
    /// One past the last byte of the value.
    pub end: u32,
}

/// The name of a map member as stored: below [`keys::LOCAL`] a number of
/// [`keys`], from there on an index into the value's own names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct KeyId(u32);

impl KeyId {
    const NONE: KeyId = KeyId(u32::MAX);
}

const DEFAULTED: u8 = 1;
const ALIASED: u8 = 2;
/// A member that a merge key brought.
const MERGED: u8 = 4;

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: KeyId,
    kind: Kind,
    flags: u8,
    payload: u64,
}

const _: () = assert!(size_of::<Slot>() == 16);

impl Slot {
    fn range(self) -> (usize, usize) {
        ((self.payload >> 32) as usize, (self.payload & 0xffff_ffff) as usize)
    }
}

/// A JSON-like document in one immutable arena. See the module's text.
#[derive(Clone)]
pub struct Value {
    slots: Box<[Slot]>,
    text: Box<str>,
    names: Box<[(u32, u32)]>,
    spans: Box<[NodeSpan]>,
    parents: OnceLock<Box<[u32]>>,
    /// Of maps with many members, by the first one: their positions in the
    /// order of their names. Made when such a map is first asked.
    sorted: OnceLock<Sorted>,
}

/// Positions by the first member of their map.
type Sorted = Box<[(usize, Box<[u32]>)]>;

/// From so many members on a map is searched by halves.
const WIDE: usize = 256;

impl Value {
    /// The outermost node.
    pub fn root(&self) -> Node<'_> {
        Node { value: self, id: NodeId(self.slots.len() as u32 - 1) }
    }

    /// The node with this id.
    ///
    /// # Panics
    /// When the id is not of this value.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        assert!((id.0 as usize) < self.slots.len(), "node id of another value");
        Node { value: self, id }
    }

    /// The node at a JSON pointer.
    pub fn at(&self, pointer: &Pointer) -> Option<Node<'_>> {
        pointer.segments().try_fold(self.root(), |node, segment| node.child(&segment))
    }

    /// How many nodes there are.
    pub fn n_nodes(&self) -> usize {
        self.slots.len()
    }

    /// Whether the value knows where its nodes stand in a text.
    pub fn has_spans(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Bytes this value holds on the heap.
    pub fn resident_bytes(&self) -> usize {
        size_of_val(&*self.slots)
            + self.text.len()
            + size_of_val(&*self.names)
            + size_of_val(&*self.spans)
            + self.parents.get().map_or(0, |parents| size_of_val(&**parents))
    }

    fn slot(&self, id: NodeId) -> Slot {
        self.slots[id.0 as usize]
    }

    fn name(&self, key: KeyId) -> Option<&str> {
        if key == KeyId::NONE {
            return None;
        }
        if key.0 < keys::LOCAL {
            return Some(keys::text(key.0));
        }
        let (start, len) = self.names[(key.0 - keys::LOCAL) as usize];
        Some(&self.text[start as usize..(start + len) as usize])
    }

    /// The first member of this name in a map with many.
    fn in_wide(&self, first: usize, text: &str) -> Option<Node<'_>> {
        let name = |at: u32| self.name(self.slots[at as usize].key).unwrap_or_default();
        let sorted = self.sorted.get_or_init(|| {
            let maps = self.slots.iter().filter(|slot| slot.kind == Kind::Map);
            let wide = maps.map(|map| map.range()).filter(|(_, count)| *count >= WIDE);
            let sorted = wide.map(|(first, count)| {
                let mut members: Vec<u32> = (first as u32..(first + count) as u32).collect();
                members.sort_by(|a, b| name(*a).cmp(name(*b)));
                (first, members.into_boxed_slice())
            });
            let mut sorted: Vec<_> = sorted.collect();
            sorted.sort_unstable_by_key(|(first, _)| *first);
            sorted.into_boxed_slice()
        });
        let map = sorted.binary_search_by_key(&first, |(first, _)| *first).ok()?;
        let members = &sorted[map].1;
        let at = *members.get(members.partition_point(|at| name(*at) < text))?;
        (name(at) == text).then_some(Node { value: self, id: NodeId(at) })
    }

    fn parents(&self) -> &[u32] {
        self.parents.get_or_init(|| {
            let mut parents = vec![u32::MAX; self.slots.len()];
            for (parent, slot) in self.slots.iter().enumerate() {
                if matches!(slot.kind, Kind::List | Kind::Map) {
                    let (first, count) = slot.range();
                    parents[first..first + count].fill(parent as u32);
                }
            }
            parents.into_boxed_slice()
        })
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root().to_json())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.root() == other.root()
    }
}

/// A field name resolved once (when an expression is compiled), so that
/// looking it up in many values compares numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldName {
    known: Option<u32>,
    text: Box<str>,
}

impl FieldName {
    /// Resolves `text`.
    pub fn new(text: &str) -> FieldName {
        FieldName { known: keys::number(text), text: text.into() }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A borrowed position in a [`Value`]. Equality is deep and by content: numbers
/// compare across integer and float as JSON numbers do, maps regardless of order.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    id: NodeId,
}

impl<'a> Node<'a> {
    /// The value this node is part of.
    pub fn value(self) -> &'a Value {
        self.value
    }

    /// Its position there.
    pub fn id(self) -> NodeId {
        self.id
    }

    fn slot(self) -> Slot {
        self.value.slot(self.id)
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.slot().kind
    }

    /// Whether it is JSON null.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether defaulting, not the author, put it there.
    pub fn is_defaulted(self) -> bool {
        self.slot().flags & DEFAULTED != 0
    }

    /// Whether its text stands elsewhere in the file, behind a YAML alias or merge key.
    pub fn is_aliased(self) -> bool {
        self.slot().flags & ALIASED != 0
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        let slot = self.slot();
        (slot.kind == Kind::Bool).then_some(slot.payload != 0)
    }

    /// The integer, if it is one that fits.
    pub fn as_i64(self) -> Option<i64> {
        let slot = self.slot();
        (slot.kind == Kind::Int).then_some(slot.payload as i64)
    }

    /// The integer, if it is one that fits.
    pub fn as_u64(self) -> Option<u64> {
        let slot = self.slot();
        match slot.kind {
            Kind::UInt => Some(slot.payload),
            Kind::Int => u64::try_from(slot.payload as i64).ok(),
            _ => None,
        }
    }

    /// The number, if it is one; integers are rounded to the nearest `f64`.
    pub fn as_f64(self) -> Option<f64> {
        let slot = self.slot();
        match slot.kind {
            Kind::Float => Some(f64::from_bits(slot.payload)),
            Kind::Int => Some(slot.payload as i64 as f64),
            Kind::UInt => Some(slot.payload as f64),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(self) -> Option<&'a str> {
        let slot = self.slot();
        if slot.kind != Kind::String {
            return None;
        }
        let (start, len) = slot.range();
        Some(&self.value.text[start..start + len])
    }

    /// Number of list items or map members; 0 for scalars.
    pub fn len(self) -> usize {
        let slot = self.slot();
        match slot.kind {
            Kind::List | Kind::Map => slot.range().1,
            _ => 0,
        }
    }

    /// Whether there are no items or members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn children(self) -> (usize, usize) {
        let slot = self.slot();
        match slot.kind {
            Kind::List | Kind::Map => slot.range(),
            _ => (0, 0),
        }
    }

    /// The children in input order: list items or map members' values; none for scalars.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'a>> + DoubleEndedIterator + Clone {
        let (first, count) = self.children();
        (first..first + count).map(move |id| Node { value: self.value, id: NodeId(id as u32) })
    }

    /// The members of a map in input order; none for anything else.
    pub fn entries(self) -> impl ExactSizeIterator<Item = (&'a str, Node<'a>)> + Clone {
        let (first, count) = if self.kind() == Kind::Map { self.children() } else { (0, 0) };
        (first..first + count).map(move |id| {
            let node = Node { value: self.value, id: NodeId(id as u32) };
            (node.key().unwrap_or_default(), node)
        })
    }

    /// The list item at `index`.
    pub fn item(self, index: usize) -> Option<Node<'a>> {
        let slot = self.slot();
        if slot.kind != Kind::List {
            return None;
        }
        let (first, count) = slot.range();
        (index < count).then(|| Node { value: self.value, id: NodeId((first + index) as u32) })
    }

    /// The member of a map or, by its decimal index, the item of a list that a
    /// JSON pointer's segment names.
    pub fn child(self, segment: &str) -> Option<Node<'a>> {
        match self.kind() {
            Kind::Map => self.get(segment),
            Kind::List => self.item(segment.parse().ok()?),
            _ => None,
        }
    }

    /// The member named `name`.
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        self.find(keys::number(name), name)
    }

    /// The member with a resolved name.
    pub fn field(self, name: &FieldName) -> Option<Node<'a>> {
        self.find(name.known, &name.text)
    }

    /// Follows member names from here.
    pub fn path(self, names: &[&str]) -> Option<Node<'a>> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    fn find(self, known: Option<u32>, text: &str) -> Option<Node<'a>> {
        let slot = self.slot();
        if slot.kind != Kind::Map {
            return None;
        }
        let (first, count) = slot.range();
        let members = &self.value.slots[first..first + count];
        if count >= WIDE {
            return self.value.in_wide(first, text);
        }
        let found = match known {
            Some(number) => members.iter().position(|member| member.key.0 == number),
            None => members.iter().position(|member| {
                member.key.0 >= keys::LOCAL && self.value.name(member.key) == Some(text)
            }),
        }?;
        Some(Node { value: self.value, id: NodeId((first + found) as u32) })
    }

    /// The name under which it stands in a map.
    pub fn key(self) -> Option<&'a str> {
        self.value.name(self.slot().key)
    }

    /// The map or list it stands in; none for the root.
    pub fn parent(self) -> Option<Node<'a>> {
        let parent = self.value.parents()[self.id.0 as usize];
        (parent != u32::MAX).then_some(Node { value: self.value, id: NodeId(parent) })
    }

    /// Its index in the list it stands in.
    pub fn index(self) -> Option<usize> {
        let parent = self.parent()?;
        (parent.kind() == Kind::List).then(|| self.id.0 as usize - parent.slot().range().0)
    }

    /// Its JSON pointer (RFC 6901) from the root.
    pub fn pointer(self) -> Pointer {
        self.pointer_before(0)
    }

    /// The pointer with room for `more` bytes. Recurses as deep as the value nests,
    /// which every reader bounds.
    fn pointer_before(self, more: usize) -> Pointer {
        let Some(parent) = self.parent() else { return Pointer::with_capacity(more) };
        match self.key() {
            Some(key) => {
                let mut pointer = parent.pointer_before(more + 1 + key.len());
                pointer.push(key);
                pointer
            }
            None => {
                let mut pointer = parent.pointer_before(more + 2);
                pointer.push_index(self.id.0 as usize - parent.slot().range().0);
                pointer
            }
        }
    }

    /// Where it stands in its source text. A defaulted node has its parent's span.
    pub fn span(self) -> Option<NodeSpan> {
        self.value.spans.get(self.id.0 as usize).copied()
    }

    /// As compact JSON text.
    pub fn to_json(self) -> String {
        let mut text = String::new();
        json::write(self, &mut text);
        text
    }

    /// A scalar as a person reads it (strings without quotes), anything else as JSON.
    pub fn display(self) -> String {
        self.as_str().map_or_else(|| self.to_json(), str::to_owned)
    }

    /// A value of its own with this node as root; spans are kept.
    pub fn to_value(self) -> Value {
        let mut builder =
            if self.value.has_spans() { Builder::with_spans() } else { Builder::new() };
        builder.copy(self);
        builder.finish()
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Node<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::List, Kind::List) => {
                self.len() == other.len() && self.items().zip(other.items()).all(|(a, b)| a == b)
            }
            (Kind::Map, Kind::Map) => {
                self.len() == other.len()
                    && self.entries().all(|(key, a)| other.get(key).is_some_and(|b| a == b))
            }
            (Kind::String, Kind::String) => self.as_str() == other.as_str(),
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool, Kind::Bool) => self.as_bool() == other.as_bool(),
            _ => compare_numbers(*self, *other) == Some(Ordering::Equal),
        }
    }
}

fn compare_numbers(a: Node<'_>, b: Node<'_>) -> Option<Ordering> {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
    }
}

#[cfg(test)]
mod tests;
