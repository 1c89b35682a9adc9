//! Writing the parts of the format.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Stored;
use crate::thing::ThingRef;

/// The stream under construction.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    names: FxHashMap<Box<str>, u64>,
    things: FxHashMap<Arc<ThingRef>, u64>,
}

impl Writer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// A number that may be negative and is small more often than large.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number((value << 1 ^ value >> 63) as u64);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// A text that repeats: the first time 0 and itself, then its number from 1.
    pub(crate) fn name(&mut self, name: &str) {
        if let Some(number) = self.names.get(name) {
            return self.number(*number);
        }
        self.names.insert(name.into(), self.names.len() as u64 + 1);
        self.number(0);
        self.text(name);
    }

    /// As [`Writer::name`].
    pub(super) fn thing(&mut self, thing: &Arc<ThingRef>) {
        if let Some(number) = self.things.get(thing) {
            return self.number(*number);
        }
        self.things.insert(thing.clone(), self.things.len() as u64 + 1);
        self.number(0);
        thing.write(self);
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.number(items.len() as u64);
        items.iter().for_each(|item| write(self, item));
    }

    pub(super) fn option<T>(&mut self, item: Option<&T>, write: impl FnOnce(&mut Writer, &T)) {
        self.bool(item.is_some());
        if let Some(item) = item {
            write(self, item);
        }
    }

    /// One of a few, by its place among them.
    pub(super) fn one_of<T: PartialEq>(&mut self, all: &[T], one: T) {
        self.byte(all.iter().position(|known| *known == one).unwrap_or_default() as u8);
    }
}
