//! Splitting a text into documents as the API machinery's reader does: at lines
//! that start with `---`, wherever they stand.

/// A piece of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// A document. The separator of one with nothing before it belongs to it.
    Document {
        /// Its first byte, the separator's if that belongs to it.
        start: usize,
        /// Its first byte behind the separator.
        body: usize,
        /// One past its last byte.
        end: usize,
    },
    /// A separator with something other than a comment behind it, which the
    /// reader refuses.
    BadSeparator(usize, usize),
}

/// The pieces of `text` from byte `from` on, in order.
pub(crate) fn pieces(text: &str, from: usize) -> impl Iterator<Item = Piece> {
    let (mut start, mut body, mut at) = (from, from, from);
    let mut bad = None;
    std::iter::from_fn(move || {
        if let Some(separator) = bad.take() {
            return Some(separator);
        }
        while at < text.len() {
            let line_start = at;
            at = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
            let line = &text[line_start..at];
            let Some(rest) = line.strip_prefix("---") else { continue };
            let rest = rest.trim();
            let piece = Piece::Document { start, body, end: line_start };
            let is_empty = start == line_start;
            if !rest.is_empty() && !rest.starts_with('#') {
                bad = Some(Piece::BadSeparator(line_start, line_start + line.trim_end().len()));
                (start, body) = (at, at);
                return if is_empty { bad.take() } else { Some(piece) };
            }
            body = at;
            if !is_empty {
                start = at;
                return Some(piece);
            }
        }
        (start < text.len()).then(|| {
            let piece = Piece::Document { start, body: body.min(text.len()), end: text.len() };
            start = text.len();
            piece
        })
    })
}
