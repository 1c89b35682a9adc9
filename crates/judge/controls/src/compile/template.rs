//! Text with expressions in braces: `container {c.name} is privileged`.
//! A doubled brace is a brace.

use super::{Node, Part, Rules, Template};

impl<'a> Rules<'_, 'a, '_> {
    pub(super) fn template(&mut self, node: Node<'a>) -> Option<Template> {
        let Some(text) = node.as_str() else {
            self.reader.wrong(node, format!("expected text, found a {}", node.kind()));
            return None;
        };
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(message) => {
                self.reader.wrong(node, message);
                return None;
            }
        };
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Text(text) => Part::Text(text.into()),
                Piece::Expression(text) => Part::Value(self.compile_text(node, text)?),
            });
        }
        Some(Template(parts))
    }
}

pub(super) enum Piece<'t> {
    Text(String),
    Expression(&'t str),
}

pub(super) fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = behind;
            continue;
        }
        if brace == "}" {
            return Err(format!("a closing brace without an opening one in {text:?}"));
        }
        let end =
            expression_end(rest).ok_or_else(|| format!("a brace is not closed in {text:?}"))?;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Expression(&rest[..end]));
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Where the brace that closes an expression stands, past nested braces and strings.
fn expression_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}
