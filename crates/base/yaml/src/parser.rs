//! The parser: block and flow YAML 1.1, recursive with a bounded depth, straight
//! into a [`Builder`]. JSON is flow YAML.

use std::collections::HashMap;

use ironhull_model::value::Anchor;
use ironhull_model::{Builder, Code};

use crate::Limits;
use crate::scalar::{Scalar, resolve};

mod block;
mod flow;
mod text;

/// What went wrong, where.
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) at: usize,
}

pub(crate) type Parse<T> = Result<T, Failure>;

/// Properties before a node.
#[derive(Default, Clone)]
pub(crate) struct Properties {
    anchor: Option<String>,
    tag: Option<String>,
}

impl Properties {
    fn is_empty(&self) -> bool {
        self.anchor.is_none() && self.tag.is_none()
    }
}

/// Parses one document.
pub(crate) struct Parser<'t> {
    /// The whole text, up to the document's end.
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth: usize,
    limits: &'t Limits,
    pub(crate) builder: Builder,
    anchors: HashMap<String, Anchor>,
    /// Nodes that aliases added.
    n_aliased: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, start: usize, end: usize, limits: &'t Limits) -> Parser<'t> {
        let text = &text[..end];
        Parser {
            text,
            bytes: text.as_bytes(),
            at: start,
            depth: 0,
            limits,
            builder: Builder::with_spans(),
            anchors: HashMap::new(),
            n_aliased: 0,
        }
    }

    /// The document's one node; false when there is none.
    pub(crate) fn document(&mut self) -> Parse<bool> {
        self.skip_to_token()?;
        if self.at >= self.bytes.len() {
            return Ok(false);
        }
        self.block_node(-1, false)?;
        self.skip_to_token()?;
        if self.at < self.bytes.len() {
            return self.fail("expected the end of the document");
        }
        Ok(true)
    }

    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn peek_at(&self, offset: usize) -> u8 {
        self.bytes.get(self.at + offset).copied().unwrap_or(0)
    }

    fn is_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Whether what stands `offset` bytes ahead separates tokens.
    fn is_blank_at(&self, offset: usize) -> bool {
        matches!(self.peek_at(offset), b' ' | b'\t' | b'\n' | b'\r')
            || self.at + offset >= self.bytes.len()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(Failure {
            code: Code::YamlSyntax,
            message: message.into(),
            at: self.at.min(self.text.len()),
        })
    }

    fn enter(&mut self) -> Parse<()> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            let message = format!("nested deeper than {} levels", self.limits.depth);
            return Err(Failure { code: Code::YamlTooDeep, message, at: self.at });
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The column of the next byte, from 0.
    fn column(&self) -> i32 {
        let line_start = self.bytes[..self.at]
            .iter()
            .rposition(|byte| matches!(byte, b'\n' | b'\r'))
            .map_or(0, |at| at + 1);
        let start =
            if line_start == 0 && self.text.starts_with('\u{feff}') { 3 } else { line_start };
        self.text[start.min(self.at)..self.at].chars().count() as i32
    }

    /// Skips white space, line breaks and comments. Tabs may separate tokens on a
    /// line but not indent one in block context.
    fn skip_to_token(&mut self) -> Parse<()> {
        let mut line_starts = self.at == 0 || matches!(self.bytes[self.at - 1], b'\n' | b'\r');
        let mut indented_by_tab = false;
        loop {
            match self.peek() {
                b' ' => self.at += 1,
                b'\t' => {
                    indented_by_tab |= line_starts;
                    self.at += 1;
                }
                b'\n' | b'\r' => {
                    self.at += 1;
                    line_starts = true;
                    indented_by_tab = false;
                }
                b'#' if self.at == 0 || self.is_blank_before() => {
                    while !self.is_end() && !matches!(self.peek(), b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                _ if self.is_end() => return Ok(()),
                _ if indented_by_tab && !matches!(self.peek(), b'{' | b'}' | b'[' | b']') => {
                    return self.fail("a tab indents this line; YAML is indented with spaces");
                }
                _ => return Ok(()),
            }
        }
    }

    fn is_blank_before(&self) -> bool {
        self.at == 0 || matches!(self.bytes[self.at - 1], b' ' | b'\t' | b'\n' | b'\r')
    }

    /// `&anchor` and `!tag`, in any order.
    fn properties(&mut self, same_line: bool) -> Parse<Properties> {
        let mut properties = Properties::default();
        loop {
            match self.peek() {
                b'&' => {
                    if properties.anchor.is_some() {
                        return self.fail("two anchors on one node");
                    }
                    self.at += 1;
                    properties.anchor = Some(self.name("anchor")?);
                }
                b'!' => {
                    if properties.tag.is_some() {
                        return self.fail("two tags on one node");
                    }
                    let start = self.at;
                    while !self.is_blank_at(0)
                        && !matches!(self.peek(), b',' | b'[' | b']' | b'{' | b'}')
                    {
                        self.at += 1;
                    }
                    properties.tag = Some(self.text[start..self.at].to_owned());
                }
                _ => return Ok(properties),
            }
            if same_line {
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
            }
        }
    }

    fn name(&mut self, what: &str) -> Parse<String> {
        let start = self.at;
        while self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'_' | b'-') {
            self.at += 1;
        }
        if start == self.at
            || !(self.is_blank_at(0)
                || matches!(self.peek(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'))
        {
            return self.fail(format!("an {what} has a name of letters, digits, - and _"));
        }
        Ok(self.text[start..self.at].to_owned())
    }

    fn alias(&mut self) -> Parse<()> {
        let start = self.at;
        self.at += 1;
        let name = self.name("alias")?;
        let Some(anchor) = self.anchors.get(&name).copied() else {
            self.at = start;
            return self.fail(format!("unknown anchor {name:?}"));
        };
        let size = self.builder.size(anchor);
        self.n_aliased = self.n_aliased.saturating_add(size);
        if self.n_aliased > self.limits.aliased {
            return self.too_many_aliases(start);
        }
        self.builder.repeat(anchor);
        Ok(())
    }

    fn too_many_aliases<T>(&self, at: usize) -> Parse<T> {
        let message = format!("aliases expand to more than {} nodes", self.limits.aliased);
        Err(Failure { code: Code::YamlAliases, message, at })
    }

    fn keep_anchor(&mut self, properties: &Properties) {
        if let (Some(name), Some(anchor)) = (&properties.anchor, self.builder.anchor()) {
            self.anchors.insert(name.clone(), anchor);
        }
    }

    /// Adds a scalar. `plain` is not quoted and not a block scalar.
    fn scalar(
        &mut self,
        text: &str,
        plain: bool,
        properties: &Properties,
        start: usize,
        end: usize,
    ) -> Parse<()> {
        let (from, to) = (start as u32, end as u32);
        let tag = properties.tag.as_deref().map(short_tag);
        let resolved = match tag.as_deref() {
            None if plain => resolve(text, false),
            Some("!!binary") => return self.binary(text, properties, from, to),
            Some("!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp") => {
                Self::tagged(text, tag.as_deref().unwrap_or_default(), start)?
            }
            None | Some(_) => Scalar::Str,
        };
        match resolved {
            Scalar::Null => self.builder.null(from, to),
            Scalar::Bool(value) => self.builder.bool(value, from, to),
            Scalar::Int(value) => self.builder.int(value, from, to),
            Scalar::UInt(value) => self.builder.uint(value, from, to),
            Scalar::Float(value) => self.builder.float(value, from, to),
            Scalar::Str | Scalar::Merge => self.builder.str(text, from, to),
            Scalar::NotJson => {
                return Err(Failure {
                    code: Code::YamlSyntax,
                    message: format!(
                        "{text} is a number that JSON cannot hold; quote it if it is text"
                    ),
                    at: start,
                });
            }
        }
        self.keep_anchor(properties);
        Ok(())
    }

    fn tagged(text: &str, tag: &str, at: usize) -> Parse<Scalar> {
        let value = resolve(text, tag != "!!timestamp");
        let fits = match (tag, value) {
            ("!!int", Scalar::Int(_) | Scalar::UInt(_)) => {
                !text.contains(['.', 'e', 'E']) || text.starts_with("0x")
            }
            ("!!float", Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) | Scalar::NotJson) => {
                true
            }
            ("!!bool", Scalar::Bool(_)) | ("!!null", Scalar::Null) => true,
            ("!!timestamp", Scalar::Str) => text.starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        Err(Failure { code: Code::YamlSyntax, message: format!("{text:?} is no {tag}"), at })
    }

    fn binary(&mut self, text: &str, properties: &Properties, from: u32, to: u32) -> Parse<()> {
        match decode_base64(text).and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => self.builder.str(&text, from, to),
            None => {
                return Err(Failure {
                    code: Code::YamlSyntax,
                    message: "!!binary value is no base64 of UTF-8 text".to_owned(),
                    at: from as usize,
                });
            }
        }
        self.keep_anchor(properties);
        Ok(())
    }

    /// A mapping key as JSON has it: numbers and booleans become text.
    fn key_text(text: &str, plain: bool, properties: &Properties, at: usize) -> Parse<String> {
        if !plain
            || properties
                .tag
                .as_deref()
                .is_some_and(|tag| matches!(&*short_tag(tag), "!!str" | "!"))
        {
            return Ok(text.to_owned());
        }
        Ok(match resolve(text, false) {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value) if text.contains(['.', 'e', 'E']) && !text.starts_with("0x") => {
                go_float_key(value as f64)
            }
            Scalar::Int(value) => value.to_string(),
            Scalar::UInt(_) => {
                return Err(Failure {
                    code: Code::YamlSyntax,
                    message: format!("the key {text} is no text; quote it"),
                    at,
                });
            }
            Scalar::Float(value) => go_float_key(value),
            Scalar::Null => {
                return Err(Failure {
                    code: Code::YamlSyntax,
                    message: "a key is null; quote it if it is text".to_owned(),
                    at,
                });
            }
            _ => text.to_owned(),
        })
    }
}

/// Keys that are floats are printed with the precision of 32 bits.
fn go_float_key(value: f64) -> String {
    format!("{}", value as f32)
}

fn short_tag(tag: &str) -> String {
    let tag = tag.strip_prefix("!<").and_then(|tag| tag.strip_suffix('>')).unwrap_or(tag);
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(rest) => format!("!!{rest}"),
        None => tag.to_owned(),
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bits = 0_u32;
    let mut n_bits = 0;
    let mut n_chars = 0;
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                n_chars += 1;
                continue;
            }
            _ => return None,
        };
        n_chars += 1;
        bits = bits << 6 | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    (n_chars % 4 == 0).then_some(bytes)
}
