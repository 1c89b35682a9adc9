//! Reading the parts of the format, which may be anything.

use std::io::Read;
use std::sync::Arc;

// Over what is in memory it reads not a byte too far, so that what is behind its end shows.
use flate2::bufread::GzDecoder;

use super::Stored;
use crate::source::SourceId;
use crate::thing::ThingRef;

/// What bounds the memory that reading takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of the stream before compression.
    pub bytes: u64,
}

impl Default for Limits {
    /// A gigabyte: some 100,000 pods.
    fn default() -> Limits {
        Limits { bytes: 1 << 30 }
    }
}

/// Why bytes are no snapshot.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// They begin otherwise.
    #[error("it is no snapshot of ironhull")]
    NoSnapshot,
    /// Another version of the format.
    #[error("it has version {0} of the format, and this ironhull reads {v}", v = super::VERSION)]
    Version(u32),
    /// They end too early, or were changed.
    #[error("it is cut off or damaged ({0})")]
    Damaged(String),
    /// It would be larger than the limit.
    #[error("it is larger than {0} MiB")]
    TooLarge(u64),
}

/// What may come of a few bytes, and of each byte more: real snapshots shrink less.
const LEAST: u64 = 16 << 20;
const MOST_RATIO: u64 = 256;
/// Deeper documents are not written.
const DEEPEST: u32 = 300;

/// The stream, if it is no longer than it may be.
pub(super) fn decompressed(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let most = limits.bytes.min(LEAST + MOST_RATIO * bytes.len() as u64);
    let mut decoder = GzDecoder::new(bytes);
    let mut payload = Vec::new();
    let read = decoder.by_ref().take(most + 1).read_to_end(&mut payload);
    read.map_err(|error| DecodeError::Damaged(error.to_string()))?;
    if payload.len() as u64 > most {
        return Err(DecodeError::TooLarge(most >> 20));
    }
    match decoder.into_inner() {
        [] => Ok(payload),
        _ => Err(DecodeError::Damaged("something stands behind its end".to_owned())),
    }
}

/// A position in the stream.
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    names: Vec<Arc<str>>,
    things: Vec<Arc<ThingRef>>,
    /// The texts of the sources, once they are read.
    pub(super) sources: Vec<Arc<str>>,
    /// Into which of them the spans of the document at hand point.
    pub(super) of_source: Option<SourceId>,
    depth: u32,
    n_nodes: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader {
            bytes,
            at: 0,
            names: Vec::new(),
            things: Vec::new(),
            sources: Vec::new(),
            of_source: None,
            depth: 0,
            n_nodes: 0,
        }
    }

    /// An error at this place.
    pub(crate) fn damaged(&self) -> DecodeError {
        DecodeError::Damaged(format!("at byte {} of its stream", self.at))
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.bytes(1)?[0])
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'b [u8], DecodeError> {
        let end = self.at.checked_add(n).ok_or_else(|| self.damaged())?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(|| self.damaged())?;
        self.at = end;
        Ok(bytes)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged()),
        }
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            // The tenth has one bit left.
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number that fits the type.
    fn fits<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        let value = self.number()?;
        T::try_from(value).map_err(|_| self.damaged())
    }

    pub(super) fn small(&mut self) -> Result<u16, DecodeError> {
        self.fits()
    }

    pub(crate) fn offset(&mut self) -> Result<u32, DecodeError> {
        self.fits()
    }

    /// How many of something follow. Each takes a byte at least.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count: usize = self.fits()?;
        if count > self.bytes.len() - self.at { Err(self.damaged()) } else { Ok(count) }
    }

    pub(crate) fn str(&mut self) -> Result<&'b str, DecodeError> {
        let length = self.count()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged())
    }

    pub(super) fn text(&mut self) -> Result<String, DecodeError> {
        self.str().map(str::to_owned)
    }

    /// A name that repeats, by its number.
    pub(crate) fn name_number(&mut self) -> Result<usize, DecodeError> {
        match self.fits::<usize>()? {
            0 => {
                let name = self.str()?.into();
                self.names.push(name);
                Ok(self.names.len() - 1)
            }
            number if number <= self.names.len() => Ok(number - 1),
            _ => Err(self.damaged()),
        }
    }

    /// The name of a number that was read.
    pub(crate) fn name_of(&self, number: usize) -> &str {
        &self.names[number]
    }

    pub(super) fn name(&mut self) -> Result<Arc<str>, DecodeError> {
        let number = self.name_number()?;
        Ok(self.names[number].clone())
    }

    pub(super) fn thing(&mut self) -> Result<Arc<ThingRef>, DecodeError> {
        match self.fits::<usize>()? {
            0 => {
                let thing = Arc::new(ThingRef::read(self)?);
                self.things.push(thing.clone());
                Ok(thing)
            }
            number => self.things.get(number - 1).cloned().ok_or_else(|| self.damaged()),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Reader<'b>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        // What is declared is not believed: memory grows with what is really there.
        (0..self.count()?).map(|_| read(self)).collect()
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> Result<T, DecodeError> {
        let at = usize::from(self.byte()?);
        all.get(at).copied().ok_or_else(|| self.damaged())
    }

    /// That a place is one: inside the text of a source, between characters.
    pub(super) fn check_place(
        &self,
        source: SourceId,
        start: u32,
        end: u32,
    ) -> Result<(), DecodeError> {
        let text = self.sources.get(source.0 as usize).ok_or_else(|| self.damaged())?;
        text.get(start as usize..end as usize).map(|_| ()).ok_or_else(|| self.damaged())
    }

    /// As [`Reader::check_place`], in the source of the document at hand. A value of
    /// no text, such as a fact, has no places.
    pub(crate) fn check_span(&self, key: u32, start: u32, end: u32) -> Result<(), DecodeError> {
        let source = self.of_source.ok_or_else(|| self.damaged())?;
        self.check_place(source, start, end)?;
        self.check_place(source, key, key)
    }

    /// Counts a node, whose memory is more than its bytes.
    pub(crate) fn count_node(&mut self) -> Result<(), DecodeError> {
        self.n_nodes += 1;
        let most = self.bytes.len() / 2 + 64;
        if self.n_nodes > most { Err(self.damaged()) } else { Ok(()) }
    }

    /// Goes one container down, while `read` reads its children.
    pub(crate) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth >= DEEPEST {
            return Err(self.damaged());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}
