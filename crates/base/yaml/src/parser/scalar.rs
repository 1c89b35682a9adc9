//! Scalars as values and as keys.

use std::borrow::Cow;

use ironhull_model::Code;

use super::{Anchored, Parser, Properties, Subtree};
use crate::resolve::{Resolved, is_integer, is_timestamp, number, number_key, resolve};
use crate::scanner::{Failure, Parse, Style, TokenKind};

/// What the tags of YAML's own types start with.
pub(super) const CORE: &str = "tag:yaml.org,2002:";

/// A key as JSON has it.
pub(super) enum Key<'t> {
    /// Its text.
    Text(Cow<'t, str>),
    /// `<<`: what follows is merged.
    Merge,
}

/// A scalar as it is written.
struct ScalarToken<'t> {
    text: Cow<'t, str>,
    style: Style,
    start: usize,
    end: usize,
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
        let token = self.scalar_token()?;
        let meaning = meaning(&token.text, token.style, properties.tag.as_deref(), token.start)?;
        let anchored = properties.anchor.is_some();
        let key = if anchored { key_text(&token.text, &meaning) } else { None };
        self.add(&token, meaning)?;
        Ok(key)
    }

    /// The scalar that comes next; callers have seen that one does.
    fn scalar_token(&mut self) -> Parse<ScalarToken<'t>> {
        let token = self.scanner.next()?;
        let end = token.end.min(self.written);
        self.text_end = self.text_end.max(end);
        let (text, style) = match token.kind {
            TokenKind::Scalar(text, style) => (text, style),
            _ => (Cow::Borrowed(""), Style::Plain),
        };
        Ok(ScalarToken { text, style, start: token.start, end })
    }

    fn add(&mut self, token: &ScalarToken<'t>, meaning: Meaning) -> Parse<()> {
        self.step()?;
        let (from, to) = (token.start as u32, token.end as u32);
        match meaning {
            Meaning::Text(text) => self.builder.str(&text, from, to),
            Meaning::Value(value) => match value {
                Resolved::Null => self.builder.null(from, to),
                Resolved::Bool(value) => self.builder.bool(value, from, to),
                Resolved::Int(value) => self.builder.int(value, from, to),
                Resolved::UInt(value) => self.builder.uint(value, from, to),
                Resolved::Float(value) => self.builder.float(value, from, to),
                Resolved::Str => self.builder.str(&token.text, from, to),
                // Refused at the end, if no later member replaces it.
                Resolved::Infinite(_) => {
                    self.has_infinite = true;
                    self.builder.float(f64::INFINITY, from, to);
                }
            },
        }
        Ok(())
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
    pub(super) fn key(&mut self) -> Parse<Key<'t>> {
        if let TokenKind::Alias(name) = *self.peek()? {
            return self.alias_key(name).map(|key| Key::Text(key.into()));
        }
        let properties = self.properties()?;
        match self.peek()? {
            TokenKind::Scalar(..) => self.scalar_key(&properties),
            TokenKind::FlowSequenceStart
            | TokenKind::FlowMappingStart
            | TokenKind::BlockSequenceStart
            | TokenKind::BlockMappingStart => self.fail("a collection as a key; a key is text"),
            _ if properties.start.is_some() => {
                let key = self.empty_scalar(&properties)?;
                self.keep_key(&properties, key.clone());
                match key {
                    Some(key) => Ok(Key::Text(key.into())),
                    None => self.fail("a key is missing before the colon"),
                }
            }
            _ => self.fail("a key is missing, or this cannot start one"),
        }
    }

    fn scalar_key(&mut self, properties: &Properties<'t>) -> Parse<Key<'t>> {
        let token = self.scalar_token()?;
        let tag = properties.tag.as_deref();
        let is_implicit = tag == Some("!") || tag.is_none() && token.style == Style::Plain;
        if token.text == "<<" && (is_implicit || tag.is_some_and(|tag| core(tag) == "merge")) {
            return Ok(Key::Merge);
        }
        let meaning = meaning(&token.text, token.style, tag, token.start)?;
        if properties.anchor.is_some() {
            // A key's scalar is a value where its alias stands.
            let key = key_text(&token.text, &meaning);
            self.add(&token, meaning)?;
            self.keep_key(properties, key.clone());
            return match key {
                Some(key) => Ok(Key::Text(key.into())),
                None => Self::no_key(&token),
            };
        }
        self.step()?;
        match meaning {
            Meaning::Value(Resolved::Str) => Ok(Key::Text(token.text)),
            meaning => match key_text(&token.text, &meaning) {
                Some(key) => Ok(Key::Text(key.into())),
                None => Self::no_key(&token),
            },
        }
    }

    fn no_key<T>(token: &ScalarToken<'t>) -> Parse<T> {
        let message = format!("the key {:?} is no text; quote it", token.text);
        Err(Failure { code: Code::YamlSyntax, message, at: token.start })
    }

    /// Takes a key's scalar out of the value again and keeps it for aliases.
    fn keep_key(&mut self, properties: &Properties<'t>, key: Option<String>) {
        let anchor = self.builder.take();
        if let (Some(name), Some(anchor)) = (properties.anchor, anchor) {
            let subtree = Subtree { anchor, key, n_steps: 1, height: 0 };
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
            return match ironhull_model::base64::decode(text) {
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
