//! Scalars as values and as keys.

use ironhull_model::Code;

use super::{Anchored, Parser, Properties, Subtree};
use crate::resolve::{
    Resolved, decode_base64, is_integer, is_timestamp, number, number_key, resolve,
};
use crate::scanner::{Failure, Parse, Style, TokenKind};

/// What the tags of YAML's own types start with.
pub(super) const CORE: &str = "tag:yaml.org,2002:";

/// A key as JSON has it.
pub(super) enum Key {
    /// Its text.
    Text(String),
    /// `<<`: what follows is merged.
    Merge,
}

/// A scalar's meaning and text.
enum Meaning {
    Value(Resolved),
    /// Text other than what is written.
    Text(String),
}

impl<'t> Parser<'t> {
    /// A scalar as a value; gives what it is as a key.
    pub(super) fn scalar(&mut self, properties: &Properties<'t>) -> Parse<Option<String>> {
        let token = self.scanner.next()?;
        let end = token.end.min(self.written);
        self.text_end = self.text_end.max(end);
        let TokenKind::Scalar(text, style) = token.kind else { return Ok(None) };
        let meaning = meaning(&text, style, properties.tag.as_deref(), token.start)?;
        self.step()?;
        let anchored = properties.anchor.is_some();
        let key = if anchored { key_text(&text, &meaning) } else { None };
        let (from, to) = (token.start as u32, end as u32);
        match meaning {
            Meaning::Text(text) => self.builder.str(&text, from, to),
            Meaning::Value(value) => match value {
                Resolved::Null => self.builder.null(from, to),
                Resolved::Bool(value) => self.builder.bool(value, from, to),
                Resolved::Int(value) => self.builder.int(value, from, to),
                Resolved::UInt(value) => self.builder.uint(value, from, to),
                Resolved::Float(value) => self.builder.float(value, from, to),
                Resolved::Str => self.builder.str(&text, from, to),
                // Refused at the end, if no later member replaces it.
                Resolved::Infinite(_) => {
                    self.has_infinite = true;
                    self.builder.float(f64::INFINITY, from, to);
                }
            },
        }
        Ok(key)
    }

    /// A node of which only the properties are written.
    pub(super) fn empty_scalar(&mut self, properties: &Properties<'t>) -> Parse<Option<String>> {
        let at = properties.start.unwrap_or(self.text_end);
        let meaning = meaning("", Style::Plain, properties.tag.as_deref(), at)?;
        self.step()?;
        let key = key_text("", &meaning);
        match meaning {
            Meaning::Value(Resolved::Null) => self.builder.null(at as u32, at as u32),
            _ => self.builder.str("", at as u32, at as u32),
        }
        Ok(key)
    }

    /// A node as a key.
    pub(super) fn key(&mut self) -> Parse<Key> {
        if let TokenKind::Alias(name) = *self.peek()? {
            return self.alias_key(name).map(Key::Text);
        }
        let properties = self.properties()?;
        let key = match self.peek()?.clone() {
            TokenKind::Scalar(text, style) => {
                let at = self.position()?;
                let tag = properties.tag.as_deref();
                let is_implicit = tag == Some("!") || tag.is_none() && style == Style::Plain;
                if text == "<<" && (is_implicit || tag.is_some_and(|tag| core(tag) == "merge")) {
                    self.skip()?;
                    return Ok(Key::Merge);
                }
                let key = key_text(&text, &meaning(&text, style, tag, at)?);
                let Some(key) = key else {
                    return self.fail(format!("the key {text:?} is no text; quote it"));
                };
                match properties.anchor {
                    Some(_) => self.anchored_key(&properties)?,
                    None => {
                        self.step()?;
                        self.skip()?;
                    }
                }
                key
            }
            TokenKind::FlowSequenceStart
            | TokenKind::FlowMappingStart
            | TokenKind::BlockSequenceStart
            | TokenKind::BlockMappingStart => {
                return self.fail("a collection as a key; a key is text");
            }
            _ if properties.start.is_some() => {
                let key = self.empty_scalar(&properties)?;
                self.keep_key(&properties, key.clone(), 1);
                match key {
                    Some(key) => key,
                    None => return self.fail("a key is missing before the colon"),
                }
            }
            _ => return self.fail("a key is missing, or this cannot start one"),
        };
        Ok(Key::Text(key))
    }

    /// A key's scalar is a value where its alias stands.
    fn anchored_key(&mut self, properties: &Properties<'t>) -> Parse<()> {
        let key = self.scalar(properties)?;
        self.keep_key(properties, key, 1);
        Ok(())
    }

    /// Takes a key's scalar out of the value again and keeps it for aliases.
    fn keep_key(&mut self, properties: &Properties<'t>, key: Option<String>, n_steps: usize) {
        let anchor = self.builder.take();
        if let (Some(name), Some(anchor)) = (properties.anchor, anchor) {
            let subtree = Subtree { anchor, key, n_steps, height: 0 };
            self.anchors.insert(name, Anchored::Node(subtree));
        }
    }
}

/// The part of a tag behind what YAML's own tags start with; else the whole tag.
fn core(tag: &str) -> &str {
    tag.strip_prefix(CORE).or_else(|| tag.strip_prefix("!!")).unwrap_or(tag)
}

fn meaning(text: &str, style: Style, tag: Option<&str>, at: usize) -> Parse<Meaning> {
    let fail = |message| Err(Failure { code: Code::YamlSyntax, message, at });
    let Some(tag) = tag else {
        let value = if style == Style::Plain { resolve(text) } else { Resolved::Str };
        return Ok(Meaning::Value(value));
    };
    let Some(kind) = tag.strip_prefix(CORE) else { return Ok(Meaning::Value(Resolved::Str)) };
    let value = match kind {
        "binary" => {
            return match decode_base64(text) {
                Some(bytes) => Ok(Meaning::Text(String::from_utf8_lossy(&bytes).into_owned())),
                None => fail("a !!binary value is no base64".to_owned()),
            };
        }
        "bool" | "int" | "float" | "null" => resolve(text),
        "timestamp" if is_timestamp(text) => return Ok(Meaning::Value(Resolved::Str)),
        "timestamp" => return fail(format!("{text:?} is no time")),
        _ => return Ok(Meaning::Value(Resolved::Str)),
    };
    let fits = match (kind, value) {
        ("bool", Resolved::Bool(_)) | ("null", Resolved::Null) => true,
        ("int", Resolved::Int(_) | Resolved::UInt(_)) => is_integer(text),
        ("float", Resolved::Int(whole)) if is_integer(text) => {
            return Ok(Meaning::Value(number(whole as f64)));
        }
        ("float", Resolved::Int(_) | Resolved::Float(_) | Resolved::Infinite(_)) => true,
        _ => false,
    };
    if fits {
        return Ok(Meaning::Value(value));
    }
    fail(format!("{text:?} is no {kind}"))
}

/// A scalar as a key: numbers and booleans become text. None for null and for
/// integers that only fit 64 bits without a sign.
fn key_text(text: &str, meaning: &Meaning) -> Option<String> {
    Some(match meaning {
        Meaning::Text(text) => text.clone(),
        Meaning::Value(value) => match *value {
            Resolved::Null => return None,
            Resolved::Bool(value) => value.to_string(),
            Resolved::Infinite(name) => name.to_owned(),
            Resolved::Str => text.to_owned(),
            Resolved::UInt(_) | Resolved::Int(_) | Resolved::Float(_) => {
                return number_key(text);
            }
        },
    })
}
