//! YAML and JSON as the API machinery reads them, with the span of every node,
//! and edits of the text by splices at those spans.
//!
//! YAML 1.1 with the scalar rules of the API machinery's decoder: `yes` is true,
//! `0755` is 493, a key `n:` is `"false"`. A broken document is a diagnostic; the
//! other documents of the text are still read.
//!
//! A parser of our own, because the existing ones read YAML 1.2, give character
//! rather than byte offsets, or cannot be bounded.

use ironhull_model::{Code, Diagnostic, Node, SourceId, Value};

mod json;
mod parser;
mod resolve;
mod scanner;
pub mod splice;
mod split;

use scanner::Failure;

/// Bounds against hostile input.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub size: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { size: 100 << 20, depth: 200 }
    }
}

/// One document.
#[derive(Debug)]
pub struct Document {
    /// Its value; spans are byte offsets into the whole text.
    pub value: Value,
    /// First byte of the document, behind its separator.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// What a text held.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The documents that could be read. Empty documents are left out.
    pub documents: Vec<Document>,
    /// What was wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a text of any number of documents, as the API machinery takes a stream
/// apart; only that a broken document does not end it.
pub fn parse(source: SourceId, text: &str, limits: &Limits) -> Parsed {
    let written = text.len();
    let mut reading = Reading { source, limits, written, n_untold: 0, parsed: Parsed::default() };
    if text.len() > limits.size {
        let message = format!("{} bytes; the limit is {}", text.len(), limits.size);
        let diagnostic = Diagnostic::error(Code::TooLarge, message).at(source, 0, 0);
        reading.parsed.diagnostics.push(diagnostic);
        return reading.parsed;
    }
    let yaml_from = if json::looks_like_json(text) { reading.json(text) } else { Some(0) };
    if let Some(from) = yaml_from {
        // The reader ends the last line where the text does not.
        if text.ends_with('\n') || text[from..].is_empty() {
            reading.yaml(text, from);
        } else {
            reading.yaml(&format!("{text}\n"), from);
        }
    }
    reading.finish()
}

/// How many bytes the API machinery's decoder reads at once: what it never
/// reads, it does not refuse.
const READ_AHEAD: usize = 512;

/// How many diagnostics of one text are told; the rest is counted.
const MOST_TOLD: usize = 1000;

struct Reading<'l> {
    source: SourceId,
    limits: &'l Limits,
    /// Bytes of the text as it was given: no place is behind them.
    written: usize,
    n_untold: usize,
    parsed: Parsed,
}

impl Reading<'_> {
    fn tell(&mut self, diagnostic: Diagnostic) {
        if self.parsed.diagnostics.len() < MOST_TOLD {
            self.parsed.diagnostics.push(diagnostic);
        } else {
            self.n_untold += 1;
        }
    }

    fn finish(mut self) -> Parsed {
        if self.n_untold > 0 {
            let message = format!("{} more problems of this text are not told", self.n_untold);
            let more = Diagnostic::error(Code::YamlSyntax, message).at(self.source, 0, 0);
            self.parsed.diagnostics.push(more);
        }
        self.parsed
    }

    /// Reads a stream of JSON values. When that does not go on behind the first
    /// one, the rest is YAML: from where on.
    fn json(&mut self, text: &str) -> Option<usize> {
        let mut reader = json::Reader::new(text, 0, self.limits);
        let mut n_read = 0;
        let mut consumed = 0;
        while reader.has_more() {
            let start = reader.at;
            if let Err(failure) = reader.value() {
                if n_read > 1 || failure.code == Code::YamlTooDeep {
                    self.failure(text, failure);
                    return None;
                }
                let from = behind_json(text, consumed);
                if from.is_none() {
                    self.failure(text, failure);
                }
                return from;
            }
            n_read += 1;
            consumed = reader.at;
            let next = json::Reader::new(text, consumed, self.limits);
            let read = std::mem::replace(&mut reader, next);
            match read.bad_number {
                None => {
                    let value = self.duplicates(read.builder);
                    self.document(value, start, consumed);
                }
                Some(at) => {
                    let message = "a number that no float holds".to_owned();
                    self.failure(text, Failure { code: Code::YamlSyntax, message, at });
                }
            }
        }
        None
    }

    fn yaml(&mut self, text: &str, from: usize) {
        for piece in split::pieces(text, from) {
            match piece {
                split::Piece::Document { start, body, end } => {
                    if let Err(failure) = self.yaml_document(text, (start, body, end)) {
                        self.failure(text, failure);
                    }
                }
                split::Piece::BadSeparator(start, end) => {
                    let message = "something stands behind a document separator";
                    self.tell(
                        Diagnostic::error(Code::YamlSyntax, message)
                            .at(self.source, start as u32, end as u32)
                            .help("put it on the next line; only a comment may follow ---"),
                    );
                }
            }
        }
    }

    fn yaml_document(
        &mut self,
        text: &str,
        (start, body, end): (usize, usize, usize),
    ) -> Result<(), Failure> {
        let (text, written) = (&text[..end], self.written);
        let start = if text[start..].starts_with('\u{feff}') { start + 3 } else { start };
        let refused = control_character(&text[start..]).map(|at| start + at);
        let readable = &text[..refused.unwrap_or(end)];
        let mut parser = parser::Parser::new(readable, start, written, self.limits);
        let ended = parser.document();
        if let Some(at) = refused
            && !matches!(ended, Ok(Some(parser::End::RestIgnored(from))) if from + READ_AHEAD < at)
        {
            let message = "a control character; YAML does not allow it".to_owned();
            return Err(Failure { code: Code::YamlSyntax, message, at });
        }
        let Some(ended) = ended? else { return Ok(()) };
        if let parser::End::RestIgnored(from) = ended
            && has_content(&text[from..])
        {
            self.tell(
                Diagnostic::warning(
                    Code::YamlSyntax,
                    "Kubernetes ignores what follows in this document",
                )
                .at(self.source, from.min(written) as u32, end.min(written) as u32)
                .help("separate documents with --- on a line of its own"),
            );
        }
        let has_infinite = parser.has_infinite;
        let value = self.duplicates(parser.builder);
        if let Some(at) = has_infinite.then(|| infinite(value.root())).flatten() {
            let message = "a number that JSON cannot hold; quote it if it is text".to_owned();
            return Err(Failure { code: Code::YamlSyntax, message, at });
        }
        self.document(value, body.min(written), end.min(written));
        Ok(())
    }

    fn duplicates(&mut self, builder: ironhull_model::Builder) -> Value {
        for duplicate in builder.duplicates() {
            let message = format!("key {:?} is already set in this mapping", duplicate.key);
            self.tell(
                Diagnostic::warning(Code::DuplicateKey, message)
                    .at(self.source, duplicate.span.key, duplicate.span.end)
                    .help("the last one counts; remove the others"),
            );
        }
        builder.finish()
    }

    fn document(&mut self, value: Value, start: usize, end: usize) {
        if !value.root().is_null() {
            self.parsed.documents.push(Document { value, start, end });
        }
    }

    fn failure(&mut self, text: &str, failure: Failure) {
        let at = failure.at.min(self.written);
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let len = text[at..].chars().next().map_or(0, char::len_utf8);
        self.tell(Diagnostic::error(failure.code, failure.message).at(
            self.source,
            at as u32,
            (at + len).min(self.written) as u32,
        ));
    }
}

/// Where YAML goes on behind JSON: past white space and the first line break. The
/// reader looks four bytes ahead for that, and gives up where there are fewer.
fn behind_json(text: &str, consumed: usize) -> Option<usize> {
    let rest = &text[consumed..];
    for (at, c) in rest.char_indices() {
        if rest.len() - at < 4 {
            return None;
        }
        match c {
            '\n' => return Some(consumed + at + 1),
            c if c.is_whitespace() => {}
            _ => return Some(consumed + at),
        }
    }
    None
}

/// Where a number stands that is infinite or none.
fn infinite(node: Node<'_>) -> Option<usize> {
    if node.as_f64().is_some_and(|number| !number.is_finite()) {
        return node.span().map(|span| span.start as usize);
    }
    node.items().find_map(infinite)
}

/// Where the first character stands that YAML does not allow.
fn control_character(text: &str) -> Option<usize> {
    let suspicious =
        |byte: &u8| matches!(byte, ..0x20 | 0x7f.. ) && !matches!(byte, b'\t' | b'\n' | b'\r');
    if !text.as_bytes().iter().any(suspicious) {
        return None;
    }
    text.char_indices().find(|(_, c)| !is_allowed(*c)).map(|(at, _)| at)
}

fn is_allowed(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Whether there is anything but white space, comments and ends of documents.
fn has_content(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && line != "..."
    })
}

#[cfg(test)]
mod tests;
