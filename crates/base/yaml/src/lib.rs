//! YAML and JSON as the API machinery reads them, with the span of every node,
//! and edits of the text by splices at those spans.
//!
//! YAML 1.1 with the scalar rules of the API machinery's decoder: `yes` is true,
//! `0755` is 493, a key `n:` is `"false"`. A broken document is a diagnostic; the
//! other documents of the text are still read.
//!
//! A parser of our own, because the existing ones read YAML 1.2, give character
//! rather than byte offsets, or cannot be bounded.

use ironhull_model::{Code, Diagnostic, SourceId, Value};

mod parser;
mod scalar;
pub mod splice;
mod split;

/// Bounds against hostile input.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub size: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// Nodes that aliases may add to one document.
    pub aliased: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { size: 100 << 20, depth: 200, aliased: 100_000 }
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

/// Parses a text of any number of documents.
pub fn parse(source: SourceId, text: &str, limits: &Limits) -> Parsed {
    let mut parsed = Parsed::default();
    if text.len() > limits.size {
        let message = format!("{} bytes; the limit is {}", text.len(), limits.size);
        parsed.diagnostics.push(Diagnostic::error(Code::TooLarge, message).at(source, 0, 0));
        return parsed;
    }
    for piece in split::pieces(text) {
        match piece {
            split::Piece::Document(start, end) => {
                document(source, text, (start, end), limits, &mut parsed)
            }
            split::Piece::BadSeparator(start, end) => parsed.diagnostics.push(
                Diagnostic::error(Code::YamlSyntax, "something stands behind a document separator")
                    .at(source, start as u32, end as u32)
                    .help("put it on the next line; only a comment may follow ---"),
            ),
        }
    }
    parsed
}

fn document(
    source: SourceId,
    text: &str,
    (start, end): (usize, usize),
    limits: &Limits,
    parsed: &mut Parsed,
) {
    let mut parser = parser::Parser::new(text, start, end, limits);
    match parser.document() {
        Ok(false) => {}
        Ok(true) => {
            for duplicate in parser.builder.duplicates() {
                let message = format!("key {:?} is already set in this mapping", duplicate.key);
                parsed.diagnostics.push(
                    Diagnostic::warning(Code::DuplicateKey, message)
                        .at(source, duplicate.span.key, duplicate.span.end)
                        .help("the last one counts; remove the others"),
                );
            }
            parsed.documents.push(Document { value: parser.builder.finish(), start, end });
        }
        Err(failure) => {
            let at = failure.at.min(text.len());
            let len = text[at..].chars().next().map_or(0, char::len_utf8);
            parsed.diagnostics.push(Diagnostic::error(failure.code, failure.message).at(
                source,
                at as u32,
                (at + len) as u32,
            ));
        }
    }
}

#[cfg(test)]
mod tests;
