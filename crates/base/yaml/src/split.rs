//! Splitting a text into documents as the API machinery's reader does: at lines
//! that start with `---`. Behind `...` the decoder reads nothing more of a document.

/// A piece of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// A document without separator, directives and BOM.
    Document(usize, usize),
    /// A separator with something other than a comment behind it, which the
    /// reader refuses.
    BadSeparator(usize, usize),
}

/// The pieces of a text, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut at = start;
    // Where the present document ended at `...`.
    let mut ended = None;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        let line = &text[at..line_end];
        if let Some(rest) = line.strip_prefix("---") {
            pieces.push(Piece::Document(start, ended.take().unwrap_or(at)));
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                pieces.push(Piece::BadSeparator(at, at + line.trim_end().len()));
            }
            start = line_end;
        } else if ended.is_none() && is_end_mark(line) {
            ended = Some(at);
        } else if line.starts_with('%') && text[start..at].trim().is_empty() {
            start = line_end;
        }
        at = line_end;
    }
    pieces.push(Piece::Document(start, ended.unwrap_or(text.len())));
    pieces
}

fn is_end_mark(line: &str) -> bool {
    line.strip_prefix("...")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}
