//! Snapshots as bytes: a line that names the format and its version, then one gzip
//! stream. Equal snapshots give equal bytes. What is read may come from anybody: it
//! ends in a [`DecodeError`], in bounded memory.
//!
//! The stream has whole numbers as LEB128, text with its length before it, names
//! that repeat once and then by number, and of a document its nodes from the root
//! down, each with its place in the source where it has one.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::diagnostic::{Code, Diagnostic, Level, Place};
use crate::object::{Object, Origin, Standing};
use crate::snapshot::{self, Cause, Coverage, Fact, Gap, Snapshot, UnseenKind};
use crate::source::{Rendered, Source, SourceId, TemplateLine};
use crate::thing::ThingRef;
use crate::value::Value;
use crate::version::Minor;

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub use reader::{DecodeError, Limits};
pub(crate) use writer::Writer;

/// What the first line says before the version.
const MAGIC: &[u8] = b"ironhull snapshot ";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 2;
/// At the end of the stream, so that nothing can be missing unnoticed.
const END: u8 = 0xe5;
/// A higher level is twice as slow for a twentieth less.
const LEVEL: u32 = 3;

/// A snapshot with what a check of it needs besides.
#[derive(Debug)]
pub struct Saved {
    /// What was read, sealed.
    pub snapshot: Snapshot,
    /// Policies, exceptions and gates among the judged files.
    pub own: Vec<Object>,
    /// The targets it was made of, as the user wrote them.
    pub targets: Vec<String>,
}

/// A part of the format: how it is written and read.
pub(crate) trait Stored: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// The bytes of a snapshot. Secrets must have been masked before, in its objects and
/// in the texts of its sources.
pub fn encode(snapshot: &Snapshot, own: &[&Object], targets: &[String]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.list(targets, |writer, target| writer.text(target));
    snapshot.minor.write(&mut writer);
    writer.bool(snapshot.minor_assumed);
    snapshot.coverage.write(&mut writer);
    writer.list(&snapshot.gaps, |writer, gap| gap.write(writer));
    writer.list(&snapshot.sources, |writer, source| source.write(writer));
    writer.list(&snapshot.diagnostics, |writer, diagnostic| diagnostic.write(writer));
    writer.list(&snapshot.objects, |writer, object| object.write(writer));
    writer.list(own, |writer, object| object.write(writer));
    writer.list(&snapshot.facts, |writer, fact| fact.write(writer));
    writer.byte(END);
    compressed(&writer.finish())
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = [MAGIC, VERSION.to_string().as_bytes(), b"\n"].concat();
    let mut encoder = GzEncoder::new(&mut bytes, Compression::new(LEVEL));
    // Writing to memory cannot fail.
    _ = encoder.write_all(payload);
    _ = encoder.finish();
    bytes
}

/// The snapshot of such bytes.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Saved, DecodeError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NoSnapshot)?;
    let end =
        rest.iter().take(11).position(|byte| *byte == b'\n').ok_or(DecodeError::NoSnapshot)?;
    let version = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse().ok());
    match version {
        Some(VERSION) => {}
        Some(other) => return Err(DecodeError::Version(other)),
        None => return Err(DecodeError::NoSnapshot),
    }
    let payload = reader::decompressed(&rest[end + 1..], limits)?;
    let mut reader = Reader::new(&payload);
    let targets = reader.list(Reader::text)?;
    let mut snapshot = Snapshot::new(Minor::read(&mut reader)?);
    snapshot.minor_assumed = reader.bool()?;
    snapshot.coverage = Coverage::read(&mut reader)?;
    snapshot.gaps = reader.list(Gap::read)?;
    snapshot.sources = reader.list(Source::read)?;
    reader.sources =
        snapshot.sources.iter().map(|source| source.text().to_owned().into()).collect();
    snapshot.diagnostics = reader.list(Diagnostic::read)?;
    snapshot.objects = reader.list(|reader| Object::read(reader).map(Arc::new))?;
    let own = reader.list(Object::read)?;
    snapshot.facts = reader.list(Fact::read)?;
    if reader.byte()? != END || !reader.is_at_end() {
        return Err(reader.damaged());
    }
    snapshot.seal();
    Ok(Saved { snapshot, own, targets })
}

impl Stored for Minor {
    fn write(&self, writer: &mut Writer) {
        writer.number(u64::from(self.major));
        writer.number(u64::from(self.minor));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Minor, DecodeError> {
        Ok(Minor { major: reader.small()?, minor: reader.small()? })
    }
}

impl Stored for Coverage {
    fn write(&self, writer: &mut Writer) {
        match self {
            Coverage::Fragment => writer.byte(0),
            Coverage::Complete => writer.byte(1),
            Coverage::Kinds(kinds) => {
                writer.byte(2);
                writer.list(kinds, |writer, kind| writer.text(kind));
            }
            Coverage::AllBut(kinds) => {
                writer.byte(3);
                writer.list(kinds, |writer, kind| writer.text(kind));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Coverage, DecodeError> {
        Ok(match reader.byte()? {
            0 => Coverage::Fragment,
            1 => Coverage::Complete,
            2 => Coverage::Kinds(reader.list(Reader::text)?),
            3 => Coverage::AllBut(reader.list(Reader::text)?),
            _ => return Err(reader.damaged()),
        })
    }
}

const CAUSES: [Cause; 4] = [Cause::Unreadable, Cause::Denied, Cause::Stale, Cause::NotAsked];
const LEVELS: [Level; 3] = [Level::Note, Level::Warning, Level::Error];
const STANDINGS: [Standing; 4] =
    [Standing::Given, Standing::Assumed, Standing::Live, Standing::Partial];

impl Stored for Gap {
    fn write(&self, writer: &mut Writer) {
        writer.text(&self.what);
        writer.one_of(&CAUSES, self.cause);
        writer.text(&self.reason);
        writer.text(&self.supply);
        writer.name(self.fact.unwrap_or_default());
        writer.bool(self.kind.is_some());
        if let Some(kind) = &self.kind {
            writer.text(&kind.name);
            writer.list(&kind.seen_in, |writer, namespace| writer.text(namespace));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Gap, DecodeError> {
        let (what, cause) = (reader.text()?, reader.one_of(&CAUSES)?);
        let (reason, supply) = (reader.text()?, reader.text()?);
        let fact = match &*reader.name()? {
            "" => None,
            name => Some(fact_name(reader, name)?),
        };
        let kind = match reader.bool()? {
            false => None,
            true => {
                let name = reader.text()?;
                Some(Box::new(UnseenKind { name, seen_in: reader.list(Reader::text)? }))
            }
        };
        Ok(Gap { what, cause, reason, supply, fact, kind })
    }
}

fn fact_name(reader: &Reader<'_>, name: &str) -> Result<&'static str, DecodeError> {
    snapshot::declared(name).map(|fact| fact.name).ok_or_else(|| reader.damaged())
}

impl Stored for Source {
    fn write(&self, writer: &mut Writer) {
        writer.text(&self.path);
        writer.option(self.rendered.as_ref(), |writer, rendered| {
            writer.text(&rendered.command);
            writer.list(&rendered.lines, |writer, line| {
                writer.option(line.as_ref(), |writer, line| {
                    writer.number(u64::from(line.line));
                    writer.text(&line.text);
                    writer.option(line.value.as_ref(), |writer, value| writer.text(value));
                });
            });
        });
        let shown: Vec<_> = self.shown.iter().collect();
        writer.list(&shown, |writer, (line, text)| {
            writer.number(u64::from(**line));
            writer.text(text);
        });
        writer.text(self.text());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Source, DecodeError> {
        let path = reader.text()?;
        let rendered = reader.option(|reader| {
            let command = reader.text()?;
            let lines = reader.list(|reader| {
                reader.option(|reader| {
                    let (line, text) = (reader.offset()?, reader.text()?);
                    Ok(TemplateLine { line, text, value: reader.option(Reader::text)? })
                })
            })?;
            Ok(Rendered { command, lines })
        })?;
        let shown = reader.list(|reader| Ok((reader.offset()?, reader.text()?)))?;
        let mut source = Source::new(path, reader.text()?);
        source.rendered = rendered;
        source.shown = shown.into_iter().collect();
        Ok(source)
    }
}

impl Stored for Diagnostic {
    fn write(&self, writer: &mut Writer) {
        writer.name(self.code.as_str());
        writer.one_of(&LEVELS, self.level);
        writer.text(&self.message);
        writer.option(self.place.as_ref(), |writer, place| {
            writer.number(u64::from(place.source.0));
            writer.number(u64::from(place.start));
            writer.number(u64::from(place.end));
        });
        writer.option(self.help.as_ref(), |writer, help| writer.text(help));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Diagnostic, DecodeError> {
        let code = reader.name()?;
        let code = Code::ALL.iter().find(|known| known.as_str() == &*code);
        let code = *code.ok_or_else(|| reader.damaged())?;
        let (level, message) = (reader.one_of(&LEVELS)?, reader.text()?);
        let place = reader.option(|reader| {
            let source = SourceId(reader.offset()?);
            let (start, end) = (reader.offset()?, reader.offset()?);
            reader.check_place(source, start, end)?;
            Ok(Place { source, start, end })
        })?;
        Ok(Diagnostic { code, level, message, place, help: reader.option(Reader::text)? })
    }
}

impl Stored for Object {
    fn write(&self, writer: &mut Writer) {
        writer.thing(&self.thing);
        writer.name(&self.version);
        writer.one_of(&STANDINGS, self.standing);
        writer.option(self.origin.as_ref(), |writer, origin| {
            writer.number(u64::from(origin.source.0));
            writer.number(u64::from(origin.document));
            writer.option(origin.item.as_ref(), |writer, item| writer.number(u64::from(*item)));
        });
        self.value.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Object, DecodeError> {
        let (thing, version) = (reader.thing()?, reader.name()?);
        let standing = reader.one_of(&STANDINGS)?;
        let origin = reader.option(|reader| {
            let (source, document) = (SourceId(reader.offset()?), reader.offset()?);
            reader.check_place(source, 0, 0)?;
            Ok(Origin { source, document, item: reader.option(Reader::offset)? })
        })?;
        reader.of_source = origin.map(|origin| origin.source);
        let value = Value::read(reader)?;
        reader.of_source = None;
        Ok(Object { thing, version: (&*version).into(), value, origin, standing })
    }
}

impl Stored for Fact {
    fn write(&self, writer: &mut Writer) {
        writer.thing(&self.thing);
        writer.name(self.name);
        self.value.write(writer);
        writer.name(&self.source);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fact, DecodeError> {
        let (thing, name) = (reader.thing()?, reader.name()?);
        let name = fact_name(reader, &name)?;
        let value = Value::read(reader)?;
        Ok(Fact { thing, name, value, source: reader.name()?.to_string() })
    }
}

impl Stored for ThingRef {
    fn write(&self, writer: &mut Writer) {
        for part in [&self.group, &self.kind, &self.namespace, &self.name] {
            writer.name(part);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<ThingRef, DecodeError> {
        let (group, kind) = (reader.name()?, reader.name()?);
        Ok(ThingRef::new(&group, &kind, &reader.name()?, &reader.name()?))
    }
}
