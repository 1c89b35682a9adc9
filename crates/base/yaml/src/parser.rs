//! The parser: tokens of one document straight into a [`Builder`], recursive with
//! a bounded depth. What YAML says is taken to JSON on the way: keys become text.

use std::collections::HashMap;

use ironhull_model::value::Anchor;
use ironhull_model::{Builder, Code};

use crate::Limits;
use crate::scanner::{Failure, Parse, Scanner, TokenKind};

mod aliases;
mod block;
mod flow;
mod scalar;

use aliases::Aliasing;

/// Properties before a node.
#[derive(Default)]
pub(crate) struct Properties<'t> {
    anchor: Option<&'t str>,
    tag: Option<String>,
    start: Option<usize>,
}

/// What an anchor names.
enum Anchored {
    /// Its node is not complete yet; where that starts.
    Open(usize),
    Node(Subtree),
}

/// A completed node that aliases repeat.
#[derive(Clone)]
struct Subtree {
    anchor: Anchor,
    /// As a key; none when it cannot be one.
    key: Option<String>,
    n_steps: usize,
    height: usize,
}

/// How a document ended.
pub(crate) enum End {
    /// At the end of its text.
    Whole,
    /// The decoder reads nothing behind this byte.
    RestIgnored(usize),
}

/// Parses one document.
pub(crate) struct Parser<'t> {
    scanner: Scanner<'t>,
    limits: &'t Limits,
    depth: usize,
    /// The deepest level since it was last reset; what an anchor's height is told by.
    deepest: usize,
    pub(crate) builder: Builder,
    anchors: HashMap<&'t str, Anchored>,
    aliasing: Aliasing,
    tag_prefixes: Vec<(String, String)>,
    written: usize,
    /// Whether a number was read that JSON cannot hold.
    pub(crate) has_infinite: bool,
    /// Where the last token that is text of a node ended.
    text_end: usize,
}

impl<'t> Parser<'t> {
    /// Reads `text` from `start` on. No span ends behind `written`.
    pub(crate) fn new(
        text: &'t str,
        start: usize,
        written: usize,
        limits: &'t Limits,
    ) -> Parser<'t> {
        Parser {
            scanner: Scanner::new(text, start),
            limits,
            depth: 0,
            deepest: 0,
            builder: Builder::with_spans(),
            anchors: HashMap::new(),
            aliasing: Aliasing::default(),
            tag_prefixes: Vec::new(),
            written,
            has_infinite: false,
            text_end: start,
        }
    }

    /// The document's one node; none when there is none.
    pub(crate) fn document(&mut self) -> Parse<Option<End>> {
        let explicit = match self.peek()? {
            TokenKind::StreamEnd => return Ok(None),
            TokenKind::Version(..) | TokenKind::TagDirective { .. } => {
                self.directives()?;
                if *self.peek()? != TokenKind::DocumentStart {
                    return self.fail(
                        "a directive needs a document of its own: nothing may stand between them, \
                         and Kubernetes takes --- as the end of what stands before it",
                    );
                }
                true
            }
            kind => *kind == TokenKind::DocumentStart,
        };
        if explicit {
            self.skip()?;
        }
        let is_empty = explicit
            && matches!(
                self.peek()?,
                TokenKind::Version(..)
                    | TokenKind::TagDirective { .. }
                    | TokenKind::DocumentStart
                    | TokenKind::DocumentEnd
                    | TokenKind::StreamEnd
            );
        self.step()?;
        if is_empty {
            self.null(self.text_end)?;
        } else {
            self.node(true, false)?;
        }
        match self.peek()? {
            TokenKind::StreamEnd => Ok(Some(End::Whole)),
            TokenKind::DocumentEnd => {
                self.skip()?;
                Ok(Some(End::RestIgnored(self.scanner.position())))
            }
            _ => Ok(Some(End::RestIgnored(self.position()?))),
        }
    }

    fn directives(&mut self) -> Parse<()> {
        let mut has_version = false;
        loop {
            match self.peek()? {
                TokenKind::Version(1, 1) if !has_version => has_version = true,
                TokenKind::Version(..) => return self.fail("the only version is %YAML 1.1, once"),
                TokenKind::TagDirective { handle, prefix } => {
                    let new = (handle.clone(), prefix.clone());
                    if self.tag_prefixes.iter().any(|(known, _)| *known == new.0) {
                        return self.fail("a second %TAG for one handle");
                    }
                    self.tag_prefixes.push(new);
                }
                _ => return Ok(()),
            }
            self.skip()?;
        }
    }

    fn peek(&mut self) -> Parse<&TokenKind<'t>> {
        Ok(&self.scanner.peek()?.kind)
    }

    /// Where the next token starts.
    fn position(&mut self) -> Parse<usize> {
        Ok(self.scanner.peek()?.start)
    }

    /// Passes a token; gives its span.
    fn skip(&mut self) -> Parse<(usize, usize)> {
        let token = self.scanner.next()?;
        if !matches!(token.kind, TokenKind::BlockEnd | TokenKind::StreamEnd) {
            self.text_end = self.text_end.max(token.end.min(self.written));
        }
        Ok((token.start, token.end))
    }

    fn fail<T>(&mut self, message: impl Into<String>) -> Parse<T> {
        let at = self.position()?;
        Err(Failure { code: Code::YamlSyntax, message: message.into(), at })
    }

    fn enter(&mut self) -> Parse<()> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > self.limits.depth {
            return self.too_deep();
        }
        Ok(())
    }

    fn too_deep<T>(&mut self) -> Parse<T> {
        let message = format!("nested deeper than {} levels", self.limits.depth);
        Err(Failure { code: Code::YamlTooDeep, message, at: self.position()? })
    }

    /// An empty scalar at `at`.
    fn null(&mut self, at: usize) -> Parse<()> {
        self.step()?;
        self.builder.null(at as u32, at as u32);
        Ok(())
    }

    /// `&anchor` and `!tag`, in any order.
    fn properties(&mut self) -> Parse<Properties<'t>> {
        let mut properties = Properties::default();
        loop {
            match self.peek()? {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                }
                TokenKind::Tag { handle, suffix } if properties.tag.is_none() => {
                    let (handle, suffix) = (handle.clone(), suffix.clone());
                    properties.tag = Some(self.full_tag(&handle, suffix)?);
                }
                _ => return Ok(properties),
            }
            let start = self.skip()?.0;
            properties.start.get_or_insert(start);
        }
    }

    fn full_tag(&mut self, handle: &str, suffix: String) -> Parse<String> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        let declared = self.tag_prefixes.iter().find(|(known, _)| known == handle);
        let prefix = match (declared, handle) {
            (Some((_, prefix)), _) => prefix.as_str(),
            (None, "!") => "!",
            (None, "!!") => scalar::CORE,
            _ => return self.fail(format!("no %TAG declares the handle {handle}")),
        };
        Ok(format!("{prefix}{suffix}"))
    }

    /// A node. `block`: block collections may start here. `indentless`: so may
    /// the entries of a sequence at the indentation of its mapping.
    fn node(&mut self, block: bool, indentless: bool) -> Parse<()> {
        if let TokenKind::Alias(name) = *self.peek()? {
            return self.alias(name);
        }
        let properties = self.properties()?;
        let (n_steps, deepest) = (self.aliasing.n_steps(), self.deepest);
        self.deepest = self.depth;
        let start = self.position()?;
        if let Some(name) = properties.anchor {
            self.anchors.insert(name, Anchored::Open(start));
        }
        let mut key = None;
        match self.peek()? {
            TokenKind::BlockEntry if indentless => self.collection(Self::indentless_sequence)?,
            TokenKind::FlowSequenceStart => self.collection(Self::flow_sequence)?,
            TokenKind::FlowMappingStart => self.collection(Self::flow_mapping)?,
            TokenKind::BlockSequenceStart if block => self.collection(Self::block_sequence)?,
            TokenKind::BlockMappingStart if block => self.collection(Self::block_mapping)?,
            TokenKind::Scalar(..) => key = self.scalar(&properties)?,
            _ if properties.start.is_some() => key = self.empty_scalar(&properties)?,
            _ => return self.fail("a value is missing here, or this cannot start one"),
        }
        if let (Some(name), Some(anchor)) = (properties.anchor, self.builder.anchor()) {
            let n_steps = self.aliasing.n_steps() - n_steps;
            let height = self.deepest - self.depth;
            let subtree = Subtree { anchor, key, n_steps, height };
            // Unless a node inside took the name.
            if matches!(self.anchors.get(name), Some(Anchored::Open(of)) if *of == start) {
                self.anchors.insert(name, Anchored::Node(subtree));
            }
        }
        self.deepest = self.deepest.max(deepest);
        Ok(())
    }

    fn collection(&mut self, read: fn(&mut Self) -> Parse<()>) -> Parse<()> {
        self.enter()?;
        self.step()?;
        read(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn begin_list(&mut self, start: usize) {
        self.builder.begin_list(start as u32);
    }

    fn begin_map(&mut self, start: usize) {
        self.builder.begin_map(start as u32);
    }

    fn end(&mut self, end: usize) {
        self.builder.end(end as u32);
    }
}
