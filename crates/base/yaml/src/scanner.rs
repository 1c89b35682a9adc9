//! From text to tokens, with the context rules of the API machinery's decoder: a
//! `:` makes a key of what stands before it, indentation opens and closes block
//! collections.

use std::borrow::Cow;
use std::collections::VecDeque;

use ironhull_model::Code;

mod directive;
mod indicators;
mod quoted;
mod text;

/// What went wrong, where.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) at: usize,
}

pub(crate) type Parse<T> = Result<T, Failure>;

fn ended(at: usize) -> Failure {
    Failure { code: Code::YamlSyntax, message: "the text ends here".to_owned(), at }
}

/// How many characters of a line may stand before the `:` of a key.
const LONGEST_KEY: usize = 1024;

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum TokenKind<'t> {
    StreamEnd,
    Version(u8, u8),
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag { handle: String, suffix: String },
    Scalar(Cow<'t, str>, Style),
}

/// A token and the bytes it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A position: bytes from the text's start, lines, characters of the line and of
/// the text.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    line: usize,
    column: i32,
    index: usize,
}

/// What could turn out to be a key when a `:` follows on its line.
#[derive(Clone, Copy, Debug)]
struct SimpleKey {
    possible: bool,
    /// In block context at the indentation of its mapping nothing but a key may stand.
    required: bool,
    token: usize,
    mark: Mark,
}

/// Reads tokens of one document's text.
pub(crate) struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    mark: Mark,
    flow_level: usize,
    indent: i32,
    indents: Vec<i32>,
    /// One for each flow level, and one for block context.
    simple_keys: Vec<SimpleKey>,
    simple_key_allowed: bool,
    tokens: VecDeque<Token<'t>>,
    n_taken: usize,
    /// Whether the first token is known to be no key any more.
    ready: bool,
    ended: bool,
}

impl<'t> Scanner<'t> {
    /// Reads `text` from byte `start` on.
    pub(crate) fn new(text: &'t str, start: usize) -> Scanner<'t> {
        let mark = Mark { at: start, line: 0, column: 0, index: 0 };
        Scanner {
            text,
            bytes: text.as_bytes(),
            mark,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_keys: vec![SimpleKey { possible: false, required: false, token: 0, mark }],
            simple_key_allowed: true,
            tokens: VecDeque::new(),
            n_taken: 0,
            ready: false,
            ended: false,
        }
    }

    /// The next token, which stays.
    pub(crate) fn peek(&mut self) -> Parse<&Token<'t>> {
        while !self.ready && self.needs_more()? {
            self.fetch()?;
        }
        self.ready = true;
        // `needs_more` is false only with a token at hand.
        self.tokens.front().ok_or_else(|| ended(self.mark.at))
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Parse<Token<'t>> {
        let at = self.peek()?.start;
        self.n_taken += 1;
        self.ready = false;
        self.tokens.pop_front().ok_or_else(|| ended(at))
    }

    /// The first byte that no token was made of yet.
    pub(crate) fn position(&self) -> usize {
        self.mark.at
    }

    /// A token may be given out when it can no longer become a key.
    fn needs_more(&mut self) -> Parse<bool> {
        if self.tokens.is_empty() {
            return Ok(!self.ended);
        }
        let head = self.n_taken;
        match self.simple_keys.iter().rposition(|key| key.possible && key.token == head) {
            Some(level) => self.is_still_key(level),
            None => Ok(false),
        }
    }

    fn byte(&self) -> u8 {
        self.byte_at(0)
    }

    /// Bytes ahead; 0 behind the end. The text itself holds no NUL.
    fn byte_at(&self, offset: usize) -> u8 {
        self.bytes.get(self.mark.at + offset).copied().unwrap_or(0)
    }

    fn is_end(&self) -> bool {
        self.mark.at >= self.bytes.len()
    }

    fn is_blank(&self) -> bool {
        matches!(self.byte(), b' ' | b'\t')
    }

    /// Length of the line break `offset` bytes ahead; 0 when there is none.
    fn break_at(&self, offset: usize) -> usize {
        match self.byte_at(offset) {
            b'\r' if self.byte_at(offset + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xc2 if self.byte_at(offset + 1) == 0x85 => 2,
            0xe2 if self.byte_at(offset + 1) == 0x80
                && matches!(self.byte_at(offset + 2), 0xa8 | 0xa9) =>
            {
                3
            }
            _ => 0,
        }
    }

    fn is_break(&self) -> bool {
        self.break_at(0) > 0
    }

    fn is_break_or_end(&self) -> bool {
        self.is_end() || self.is_break()
    }

    /// White space, a line break or the end `offset` bytes ahead.
    fn is_space_at(&self, offset: usize) -> bool {
        matches!(self.byte_at(offset), b' ' | b'\t' | 0) || self.break_at(offset) > 0
    }

    /// Passes one character.
    fn skip(&mut self) {
        self.mark.at += match self.byte() {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        self.mark.column += 1;
        self.mark.index += 1;
    }

    /// Passes ASCII characters as long as they are of a kind.
    fn skip_while(&mut self, is: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.mark.at..).unwrap_or_default();
        let n = rest.iter().take_while(|byte| byte.is_ascii() && is(**byte)).count();
        self.mark.at += n;
        self.mark.column += n as i32;
        self.mark.index += n;
    }

    /// Passes a line break and says what it means: `\n`, or itself for the
    /// Unicode separators.
    fn line_break(&mut self) -> &'t str {
        let len = self.break_at(0);
        let written = &self.text[self.mark.at..self.mark.at + len];
        self.mark.at += len;
        self.mark.index += if len == 2 && written == "\r\n" { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
        if len == 3 { written } else { "\n" }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parse<T> {
        Self::fail_at(self.mark.at, message)
    }

    fn fail_at<T>(at: usize, message: impl Into<String>) -> Parse<T> {
        Err(Failure { code: Code::YamlSyntax, message: message.into(), at })
    }

    fn push(&mut self, kind: TokenKind<'t>, start: usize) {
        self.tokens.push_back(Token { kind, start, end: self.mark.at });
    }

    /// Whether `---` or `...` stands here, at the start of a line.
    fn is_document_mark(&self) -> bool {
        let rest = &self.bytes[self.mark.at.min(self.bytes.len())..];
        self.mark.column == 0
            && (rest.starts_with(b"---") || rest.starts_with(b"..."))
            && self.is_space_at(3)
    }

    fn fetch(&mut self) -> Parse<()> {
        self.skip_to_token();
        self.unroll(self.mark.column);
        if self.is_end() {
            return self.fetch_end();
        }
        let in_flow = self.flow_level > 0;
        if self.mark.column == 0 && self.byte() == b'%' {
            self.leave_block()?;
            return self.directive();
        }
        if self.is_document_mark() {
            let kind =
                if self.byte() == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
            self.leave_block()?;
            return self.indicator(kind, 3);
        }
        match self.byte() {
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.drop_key()?;
                self.simple_key_allowed = true;
                self.indicator(TokenKind::FlowEntry, 1)
            }
            b'-' if self.is_space_at(1) => self.block_entry(),
            b'?' if in_flow || self.is_space_at(1) => self.explicit_key(),
            b':' if in_flow || self.is_space_at(1) => self.value(),
            b'*' | b'&' => self.anchor(),
            b'!' => {
                self.save_key()?;
                self.simple_key_allowed = false;
                self.tag()
            }
            b'|' | b'>' if !in_flow => {
                self.drop_key()?;
                self.simple_key_allowed = true;
                self.block_scalar()
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.simple_key_allowed = false;
                self.quoted()
            }
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => self.no_token(),
            _ => {
                self.save_key()?;
                self.simple_key_allowed = false;
                self.plain()
            }
        }
    }

    fn no_token<T>(&self) -> Parse<T> {
        match self.byte() {
            b'\t' => self.fail("a tab indents this line; YAML is indented with spaces"),
            byte => self.fail(format!("{:?} cannot start a value; quote it", byte as char)),
        }
    }

    /// Passes white space, comments and line breaks. A tab may not indent where a
    /// key could start.
    fn skip_to_token(&mut self) {
        loop {
            self.skip_while(|byte| byte == b' ');
            while self.byte() == b' '
                || self.byte() == b'\t' && (self.flow_level > 0 || !self.simple_key_allowed)
            {
                self.skip();
            }
            if self.byte() == b'#' {
                self.skip_comment();
            }
            if !self.is_break() {
                return;
            }
            self.line_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_comment(&mut self) {
        while !self.is_break_or_end() {
            self.skip();
            self.skip_while(|byte| !matches!(byte, b'\r' | b'\n'));
        }
    }

    /// Whether the key of a flow level can still get its `:`. One that had to be
    /// a key and cannot be one any more is a mistake.
    fn is_still_key(&mut self, level: usize) -> Parse<bool> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line == self.mark.line && key.mark.index + LONGEST_KEY >= self.mark.index {
            return Ok(true);
        }
        if key.required {
            return Self::no_colon(key);
        }
        self.simple_keys[level].possible = false;
        Ok(false)
    }

    fn no_colon<T>(key: SimpleKey) -> Parse<T> {
        Self::fail_at(key.mark.at, "expected a key and a colon")
    }

    fn save_key(&mut self) -> Parse<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.drop_key()?;
        let required = self.flow_level == 0 && self.indent == self.mark.column;
        let token = self.n_taken + self.tokens.len();
        if let Some(last) = self.simple_keys.last_mut() {
            *last = SimpleKey { possible: true, required, token, mark: self.mark };
        }
        Ok(())
    }

    fn drop_key(&mut self) -> Parse<()> {
        match self.simple_keys.last_mut() {
            Some(key) if key.possible && key.required => Self::no_colon(*key),
            Some(key) => {
                key.possible = false;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens a block collection when the column is deeper than the indentation.
    /// `before` is the token it starts before; none for the next one.
    fn roll(&mut self, mark: Mark, before: Option<usize>, kind: TokenKind<'t>) {
        if self.flow_level > 0 || self.indent >= mark.column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = mark.column;
        let token = Token { kind, start: mark.at, end: mark.at };
        match before {
            Some(number) => self.tokens.insert(number - self.n_taken, token),
            None => self.tokens.push_back(token),
        }
    }

    /// Closes the block collections that are indented deeper than `column`.
    fn unroll(&mut self, column: i32) {
        while self.flow_level == 0 && self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark.at);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
