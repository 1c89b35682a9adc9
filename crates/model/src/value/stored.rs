//! Values in saved snapshots: a node is its kind and marks, its span where the value
//! has spans, and then what it holds; a member's name stands before it.

use rustc_hash::FxHashMap;

use super::{ALIASED, DEFAULTED, KeyId, Kind, MERGED, Node, NodeSpan, Slot, Value};
use crate::codec::{DecodeError, Reader, Stored, Writer};
use crate::keys;

const KINDS: [Kind; 8] = [
    Kind::Null,
    Kind::Bool,
    Kind::Int,
    Kind::UInt,
    Kind::Float,
    Kind::String,
    Kind::List,
    Kind::Map,
];
const MARKS: u8 = DEFAULTED | ALIASED | MERGED;

impl Stored for Value {
    fn write(&self, writer: &mut Writer) {
        writer.bool(self.has_spans());
        let mut before = 0;
        write_node(self.root(), self.has_spans(), &mut before, writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
        let mut arena = Arena { has_spans: reader.bool()?, ..Arena::default() };
        let root = arena.node(KeyId::NONE, reader)?;
        arena.push(root);
        Ok(Value {
            slots: arena.slots.into_boxed_slice(),
            text: arena.text.into_boxed_str(),
            names: arena.names.into_boxed_slice(),
            spans: arena.spans.into_boxed_slice(),
            parents: std::sync::OnceLock::new(),
            sorted: std::sync::OnceLock::new(),
        })
    }
}

/// `before` is where the node before it starts, near which this one is.
fn write_node(node: Node<'_>, has_spans: bool, before: &mut u32, writer: &mut Writer) {
    let slot = node.slot();
    let kind = KINDS.iter().position(|kind| *kind == slot.kind).unwrap_or_default();
    writer.byte(kind as u8 | (slot.flags & MARKS) << 3);
    if has_spans {
        let span = node.span().unwrap_or_default();
        writer.signed(i64::from(span.start) - i64::from(*before));
        writer.signed(i64::from(span.start) - i64::from(span.key));
        writer.signed(i64::from(span.end) - i64::from(span.start));
        *before = span.start;
    }
    match slot.kind {
        Kind::Null => {}
        Kind::Bool => writer.bool(slot.payload != 0),
        Kind::Int => writer.signed(slot.payload as i64),
        Kind::UInt => writer.number(slot.payload),
        Kind::Float => writer.bytes(&slot.payload.to_le_bytes()),
        Kind::String => writer.text(node.as_str().unwrap_or_default()),
        Kind::List | Kind::Map => {
            writer.number(node.len() as u64);
            for child in node.items() {
                if slot.kind == Kind::Map {
                    writer.name(child.key().unwrap_or_default());
                }
                write_node(child, has_spans, before, writer);
            }
        }
    }
}

/// A value that is being read.
#[derive(Default)]
struct Arena {
    slots: Vec<Slot>,
    spans: Vec<NodeSpan>,
    text: String,
    names: Vec<(u32, u32)>,
    /// The value's own names by their number in the stream.
    known: FxHashMap<usize, u32>,
    has_spans: bool,
    before: u32,
}

impl Arena {
    fn push(&mut self, (slot, span): (Slot, NodeSpan)) {
        self.slots.push(slot);
        if self.has_spans {
            self.spans.push(span);
        }
    }

    fn node(
        &mut self,
        key: KeyId,
        reader: &mut Reader<'_>,
    ) -> Result<(Slot, NodeSpan), DecodeError> {
        reader.count_node()?;
        let tag = reader.byte()?;
        let (kind, flags) = (KINDS[usize::from(tag & 7)], tag >> 3);
        if flags & !MARKS != 0 {
            return Err(reader.damaged());
        }
        let span = if self.has_spans { self.span(reader)? } else { NodeSpan::default() };
        let payload = match kind {
            Kind::Null => 0,
            Kind::Bool => u64::from(reader.bool()?),
            Kind::Int => reader.signed()? as u64,
            Kind::UInt => match reader.number()? {
                value if i64::try_from(value).is_ok() => return Err(reader.damaged()),
                value => value,
            },
            Kind::Float => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(reader.bytes(8)?);
                u64::from_le_bytes(bytes)
            }
            Kind::String => {
                let text = reader.str()?;
                let start = self.text.len() as u64;
                self.text.push_str(text);
                start << 32 | text.len() as u64
            }
            Kind::List | Kind::Map => {
                reader.deeper(|reader| self.children(kind == Kind::Map, reader))?
            }
        };
        Ok((Slot { key, kind, flags, payload }, span))
    }

    /// Children stand side by side, behind theirs.
    fn children(&mut self, named: bool, reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
        let count = reader.count()?;
        let mut children = Vec::new();
        for _ in 0..count {
            let key = if named { self.key(reader)? } else { KeyId::NONE };
            children.push(self.node(key, reader)?);
        }
        let first = self.slots.len() as u64;
        children.into_iter().for_each(|child| self.push(child));
        Ok(first << 32 | count as u64)
    }

    fn span(&mut self, reader: &mut Reader<'_>) -> Result<NodeSpan, DecodeError> {
        let offset = |from: u32, by: i64| {
            i64::from(from).checked_add(by).and_then(|offset| u32::try_from(offset).ok())
        };
        let (start, key, end) = (reader.signed()?, reader.signed()?, reader.signed()?);
        let start = offset(self.before, start).ok_or_else(|| reader.damaged())?;
        let key = key.checked_neg().and_then(|key| offset(start, key));
        let key = key.ok_or_else(|| reader.damaged())?;
        let end = offset(start, end).ok_or_else(|| reader.damaged())?;
        reader.check_span(key, start, end)?;
        self.before = start;
        Ok(NodeSpan { key, start, end })
    }

    fn key(&mut self, reader: &mut Reader<'_>) -> Result<KeyId, DecodeError> {
        let number = reader.name_number()?;
        if let Some(known) = self.known.get(&number) {
            return Ok(KeyId(*known));
        }
        let name = reader.name_of(number);
        let id = match keys::number(name) {
            Some(number) => number,
            None => {
                let id = keys::LOCAL + self.names.len() as u32;
                self.names.push((self.text.len() as u32, name.len() as u32));
                self.text.push_str(name);
                id
            }
        };
        self.known.insert(number, id);
        Ok(KeyId(id))
    }
}
