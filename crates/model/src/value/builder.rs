//! Building a [`Value`] from events, innermost containers first.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{ALIASED, DEFAULTED, KeyId, Kind, MERGED, Node, NodeSpan, Slot, Value};
use crate::keys;

/// Two members of one map had the same name; the last one stays, as the API
/// machinery's decoder has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// The repeated name.
    pub key: String,
    /// Where the later member stands.
    pub span: NodeSpan,
}

/// A completed subtree that may be repeated in the value under construction.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    slot: Slot,
    span: NodeSpan,
}

impl Anchor {
    /// What it is.
    pub fn kind(self) -> Kind {
        self.slot.kind
    }

    /// Whether it is itself a copy made by [`Builder::repeat`].
    pub fn is_aliased(self) -> bool {
        self.slot.flags & ALIASED != 0
    }
}

/// Builds a [`Value`] from events. Containers are opened with
/// [`Builder::begin_map`] or [`Builder::begin_list`] and closed with
/// [`Builder::end`]; before each member of a map comes [`Builder::key`].
#[derive(Default)]
pub struct Builder {
    slots: Vec<Slot>,
    spans: Vec<NodeSpan>,
    text: String,
    names: Vec<(u32, u32)>,
    name_ids: FxHashMap<Box<str>, u32>,
    open: Vec<Open>,
    pending: Vec<(Slot, NodeSpan)>,
    next_key: Option<(KeyId, u32)>,
    duplicates: Vec<Duplicate>,
    keeps_spans: bool,
}

struct Open {
    kind: Kind,
    key: KeyId,
    span: NodeSpan,
    flags: u8,
    first_pending: usize,
}

impl Builder {
    /// A builder for a value without a source text.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// A builder that keeps the span of each node.
    pub fn with_spans() -> Builder {
        Builder { keeps_spans: true, ..Builder::default() }
    }

    /// Nodes so far; what bounds the expansion of aliases.
    pub fn n_nodes(&self) -> usize {
        self.slots.len() + self.pending.len()
    }

    /// How many containers are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Names the next member of the open map. `start` is the byte offset of the key.
    pub fn key(&mut self, name: &str, start: u32) {
        let id = match keys::number(name) {
            Some(number) => number,
            None => self.local_name(name),
        };
        self.next_key = Some((KeyId(id), start));
    }

    fn local_name(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.name_ids.get(name) {
            return id;
        }
        let id = keys::LOCAL + self.names.len() as u32;
        self.names.push((self.text.len() as u32, name.len() as u32));
        self.text.push_str(name);
        self.name_ids.insert(name.into(), id);
        id
    }

    /// Opens a map that starts at byte `start`.
    pub fn begin_map(&mut self, start: u32) {
        self.begin(Kind::Map, start, 0);
    }

    /// Opens a list that starts at byte `start`.
    pub fn begin_list(&mut self, start: u32) {
        self.begin(Kind::List, start, 0);
    }

    fn begin(&mut self, kind: Kind, start: u32, flags: u8) {
        let (key, key_start) = self.take_key(start);
        let span = NodeSpan { key: key_start, start, end: start };
        self.open.push(Open { kind, key, span, flags, first_pending: self.pending.len() });
    }

    fn take_key(&mut self, start: u32) -> (KeyId, u32) {
        self.next_key.take().unwrap_or((KeyId::NONE, start))
    }

    /// Closes the innermost container, which ends before byte `end`.
    /// Does nothing when none is open.
    pub fn end(&mut self, end: u32) {
        let Some(open) = self.open.pop() else { return };
        if open.kind == Kind::Map {
            self.drop_duplicates(open.first_pending);
        }
        let payload = self.move_pending(open.first_pending);
        let slot = Slot { key: open.key, kind: open.kind, flags: open.flags, payload };
        self.pending.push((slot, NodeSpan { end, ..open.span }));
    }

    fn move_pending(&mut self, from: usize) -> u64 {
        let first = self.slots.len() as u64;
        let count = (self.pending.len() - from) as u64;
        for (slot, span) in self.pending.drain(from..) {
            self.slots.push(slot);
            if self.keeps_spans {
                self.spans.push(span);
            }
        }
        first << 32 | count
    }

    /// Keeps the last of several members with one name, at the place of the first.
    /// What a merge key brought may be overridden, and may override.
    fn drop_duplicates(&mut self, from: usize) {
        let members = &self.pending[from..];
        let repeated = if members.len() <= 16 {
            members.iter().enumerate().any(|(i, (slot, _))| {
                members[..i].iter().any(|(earlier, _)| earlier.key == slot.key)
            })
        } else {
            let mut seen = FxHashSet::default();
            !members.iter().all(|(slot, _)| seen.insert(slot.key.0))
        };
        if !repeated {
            return;
        }
        let mut place = FxHashMap::default();
        let mut kept: Vec<(Slot, NodeSpan)> = Vec::new();
        for (slot, span) in self.pending.drain(from..).collect::<Vec<_>>() {
            match place.get(&slot.key.0) {
                None => {
                    place.insert(slot.key.0, kept.len());
                    kept.push((slot, span));
                }
                Some(&at) => {
                    if (kept[at].0.flags | slot.flags) & MERGED == 0 {
                        let key = self.key_text(slot.key);
                        self.duplicates.push(Duplicate { key, span });
                    }
                    kept[at] = (slot, span);
                }
            }
        }
        self.pending.extend(kept);
    }

    fn key_text(&self, key: KeyId) -> String {
        if key.0 < keys::LOCAL {
            return keys::text(key.0).to_owned();
        }
        let (start, len) = self.names[(key.0 - keys::LOCAL) as usize];
        self.text[start as usize..(start + len) as usize].to_owned()
    }

    fn scalar(&mut self, kind: Kind, payload: u64, start: u32, end: u32) {
        let (key, key_start) = self.take_key(start);
        let slot = Slot { key, kind, flags: 0, payload };
        self.pending.push((slot, NodeSpan { key: key_start, start, end }));
    }

    /// Adds null.
    pub fn null(&mut self, start: u32, end: u32) {
        self.scalar(Kind::Null, 0, start, end);
    }

    /// Adds a boolean.
    pub fn bool(&mut self, value: bool, start: u32, end: u32) {
        self.scalar(Kind::Bool, u64::from(value), start, end);
    }

    /// Adds an integer.
    pub fn int(&mut self, value: i64, start: u32, end: u32) {
        self.scalar(Kind::Int, value as u64, start, end);
    }

    /// Adds an integer that may be above `i64::MAX`.
    pub fn uint(&mut self, value: u64, start: u32, end: u32) {
        let kind = if i64::try_from(value).is_ok() { Kind::Int } else { Kind::UInt };
        self.scalar(kind, value, start, end);
    }

    /// Adds a number.
    pub fn float(&mut self, value: f64, start: u32, end: u32) {
        self.scalar(Kind::Float, value.to_bits(), start, end);
    }

    /// Adds a string.
    pub fn str(&mut self, value: &str, start: u32, end: u32) {
        let payload = (self.text.len() as u64) << 32 | value.len() as u64;
        self.text.push_str(value);
        self.scalar(Kind::String, payload, start, end);
    }

    /// The subtree completed last, for [`Builder::repeat`].
    pub fn anchor(&self) -> Option<Anchor> {
        self.pending.last().map(|&(slot, span)| Anchor { slot, span })
    }

    /// Adds a copy of a subtree of this builder (a YAML alias). Its nodes are
    /// marked as aliased and keep the span of the anchor's text.
    pub fn repeat(&mut self, anchor: Anchor) {
        let (key, key_start) = self.next_key.take().unwrap_or((KeyId::NONE, anchor.span.start));
        let mut slot = self.repeat_slot(anchor.slot);
        slot.key = key;
        let span = NodeSpan { key: key_start, ..anchor.span };
        self.pending.push((slot, span));
    }

    /// Takes the subtree completed last out of the value, so that it stands only
    /// where it is repeated or merged.
    pub fn take(&mut self) -> Option<Anchor> {
        let from = self.open.last().map_or(0, |open| open.first_pending);
        if self.pending.len() <= from {
            return None;
        }
        self.pending.pop().map(|(slot, span)| Anchor { slot, span })
    }

    /// The children of an anchored map or list.
    pub fn items(&self, anchor: Anchor) -> impl Iterator<Item = Anchor> + '_ {
        let (first, count) = match anchor.slot.kind {
            Kind::Map | Kind::List => anchor.slot.range(),
            _ => (0, 0),
        };
        (first..first + count).map(|id| Anchor {
            slot: self.slots[id],
            span: self.spans.get(id).copied().unwrap_or_default(),
        })
    }

    /// Adds the members of an anchored map to the open map (a YAML merge key). A
    /// member that the map has already is replaced, as a later one replaces these.
    pub fn merge(&mut self, anchor: Anchor) {
        let (first, count) = match anchor.slot.kind {
            Kind::Map => anchor.slot.range(),
            _ => (0, 0),
        };
        for id in first..first + count {
            let span = self.spans.get(id).copied().unwrap_or_default();
            let mut slot = self.repeat_slot(self.slots[id]);
            slot.flags |= MERGED;
            self.pending.push((slot, span));
        }
    }

    fn repeat_slot(&mut self, slot: Slot) -> Slot {
        let slot = Slot { flags: slot.flags & !MERGED | ALIASED, ..slot };
        if !matches!(slot.kind, Kind::List | Kind::Map) {
            return slot;
        }
        let (first, count) = slot.range();
        let from = self.pending.len();
        for id in first..first + count {
            let span = self.spans.get(id).copied().unwrap_or_default();
            let child = self.repeat_slot(self.slots[id]);
            self.pending.push((child, span));
        }
        Slot { payload: self.move_pending(from), ..slot }
    }

    /// Adds a copy of another value's subtree with its spans and marks.
    pub fn copy(&mut self, node: Node<'_>) {
        let from = self.pending.len();
        let (span, flags) = (node.span().unwrap_or_default(), node.slot().flags);
        match node.kind() {
            Kind::Map | Kind::List => {
                self.begin_like(node);
                for child in node.items() {
                    if let Some(key) = child.key() {
                        self.key(key, child.span().unwrap_or_default().key);
                    }
                    self.copy(child);
                }
                self.end(span.end);
                return;
            }
            Kind::String => self.str(node.as_str().unwrap_or_default(), span.start, span.end),
            kind => self.scalar(kind, node.slot().payload, span.start, span.end),
        }
        self.pending[from].0.flags = flags;
    }

    /// Opens a container of the kind, span and marks of `node`, for a copy of
    /// which only some children are the same.
    pub fn begin_like(&mut self, node: Node<'_>) {
        let span = node.span().unwrap_or_default();
        self.begin(node.kind(), span.start, node.slot().flags);
    }

    /// Marks the subtree completed last as put there by defaulting, and gives
    /// all of it the span of its parent.
    pub fn mark_defaulted(&mut self) {
        let parent = self.open.last().map(|open| open.span).unwrap_or_default();
        let Some((slot, span)) = self.pending.last_mut() else { return };
        slot.flags |= DEFAULTED;
        *span = parent;
        let slot = *slot;
        self.mark_children(slot, parent);
    }

    fn mark_children(&mut self, slot: Slot, parent: NodeSpan) {
        if !matches!(slot.kind, Kind::List | Kind::Map) {
            return;
        }
        let (first, count) = slot.range();
        for id in first..first + count {
            self.slots[id].flags |= DEFAULTED;
            if let Some(span) = self.spans.get_mut(id) {
                *span = parent;
            }
            self.mark_children(self.slots[id], parent);
        }
    }

    /// Members that were dropped because a later one had their name.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// The finished value: the one node that was added, or null when there was
    /// none. Containers that are still open are closed.
    pub fn finish(mut self) -> Value {
        while !self.open.is_empty() {
            self.end(0);
        }
        if self.pending.is_empty() {
            self.null(0, 0);
        }
        self.pending.truncate(1);
        self.move_pending(0);
        Value {
            slots: self.slots.into_boxed_slice(),
            text: self.text.into_boxed_str(),
            names: self.names.into_boxed_slice(),
            spans: self.spans.into_boxed_slice(),
            parents: std::sync::OnceLock::new(),
            sorted: std::sync::OnceLock::new(),
        }
    }
}
