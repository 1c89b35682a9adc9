//! Secrets in texts that are shown: the places of what was masked, and a piece of
//! the text with them left out.

use ironhull_model::{Node, Object};

use crate::masked;

/// What stands for a secret in a text that is shown.
pub const REDACTED: &str = "‹redacted›";

/// Where in the bytes `from..to` of a source secrets stand, in order, told by the
/// objects that were read from it.
pub fn places<'o>(
    objects: impl IntoIterator<Item = &'o Object>,
    from: usize,
    to: usize,
) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for object in objects {
        let mut stack = vec![object.root()];
        while let Some(node) = stack.pop() {
            let Some((start, end)) = overlap(node, from, to) else { continue };
            match node.as_str() {
                Some(text) if masked(text).is_some() => places.push((start, end)),
                Some(_) => {}
                None => stack.extend(node.items()),
            }
        }
    }
    places.sort_unstable();
    places
}

/// The bytes of a node that fall into a range, or its whole span where it holds others.
fn overlap(node: Node<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
    let span = node.span()?;
    let (start, end) = (span.start as usize, span.end as usize);
    // What an alias or a default brought stands elsewhere; the root may have no span.
    let is_inside = start < to && end > from || node.parent().is_none();
    (is_inside || node.is_aliased()).then_some((start.max(from), end.min(to)))
}

/// A piece of a source that begins at byte `from` of it, without the secrets at `places`.
pub fn without(piece: &str, from: usize, places: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, end) in places {
        let (start, end) = (start.saturating_sub(from), end.saturating_sub(from).min(piece.len()));
        if start >= at && end > start {
            out.push_str(piece.get(at..start).unwrap_or_default());
            out.push_str(REDACTED);
            at = end;
        }
    }
    out.push_str(piece.get(at..).unwrap_or_default());
    out
}
