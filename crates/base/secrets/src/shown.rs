//! Secrets in texts that are shown: the places of what was masked, and a piece of
//! the text with them left out.

use std::collections::HashSet;

use ironhull_model::{Node, Object};

use crate::{comment, masked};

/// What stands for a secret in a text that is shown.
pub const REDACTED: &str = "‹redacted›";

/// Where in the bytes `from..to` of a source's text secrets stand, in order and apart,
/// told by the objects that were read from it; in comments, by themselves.
pub fn places<'o>(
    text: &str,
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
    let piece = text.get(from..to).unwrap_or_default();
    places.extend(comment::secrets(piece).map(|(start, end)| (start + from, end + from)));
    places.sort_unstable();
    places.dedup_by(|next, known| {
        let is_apart = next.0 >= known.1;
        if !is_apart {
            known.1 = known.1.max(next.1);
        }
        !is_apart
    });
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

/// What is as secret as a shorter one is told from words by chance.
const SHORTEST: usize = 6;
/// Further secrets of one text are blanked where they stand only.
const MOST: usize = 1000;

/// A text of the same length, lines and characters as a source's that may be kept:
/// without the secrets of the objects that were read from it, also where they stand
/// again, and of what is outside of `objects` and `others` nothing is left but
/// which lines say that a Secret follows.
pub fn sealed(text: &str, objects: &[&Object], others: &[&Object]) -> String {
    let mut hidden = vec![true; text.len()];
    for object in objects.iter().chain(others) {
        let (start, end) = extent(object.root());
        hidden[start.min(text.len())..end.min(text.len())].fill(false);
    }
    let mut secrets = HashSet::new();
    for (start, end) in places(text, objects.iter().copied(), 0, text.len()) {
        hidden[start..end].fill(true);
        let secret = text.get(start..end).unwrap_or_default();
        let secret = secret.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        if secret.len() >= SHORTEST && secrets.len() < MOST {
            secrets.insert(secret);
        }
    }
    for (at, secret) in secrets.iter().flat_map(|secret| text.match_indices(secret)) {
        hidden[at..at + secret.len()].fill(true);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let names_secret = matches!(line.trim(), "kind: Secret" | "kind: \"Secret\"");
        for c in line.chars() {
            let keep = names_secret || !hidden[out.len()] || matches!(c, '\n' | '\r');
            out.push(if keep { c } else { blank(c) });
        }
    }
    out
}

/// The bytes from the first key of a document to its end.
fn extent(root: Node<'_>) -> (usize, usize) {
    let own = root.span().unwrap_or_default();
    let spans = root.items().filter_map(Node::span).filter(|span| span.start < span.end);
    let own = (own.start < own.end).then_some((own.start, own.end));
    let all = spans.map(|span| (span.key, span.end)).chain(own);
    let (start, end) = all.fold((u32::MAX, 0), |(a, b), (start, end)| (a.min(start), b.max(end)));
    if start < end { (start as usize, end as usize) } else { (0, 0) }
}

/// A character that says nothing, of as many bytes.
fn blank(c: char) -> char {
    match c.len_utf8() {
        1 => '*',
        2 => '·',
        3 => '•',
        _ => '🞄',
    }
}

#[cfg(test)]
mod tests {
    use ironhull_model::{Builder, Object};

    use super::{places, sealed};
    use crate::Salt;

    /// The object of `name: b` in a text, as a parser would read it.
    fn object(text: &str, secret: &str) -> Object {
        let at = |piece: &str| text.find(piece).unwrap() as u32;
        let mut builder = Builder::with_spans();
        builder.begin_map(at("kind: Pod"));
        for (key, value) in [("apiVersion", "v1"), ("kind", "Pod"), ("password", secret)] {
            builder.key(key, at(value));
            builder.str(value, at(value), at(value) + value.len() as u32);
        }
        builder.key("metadata", at("metadata"));
        builder.begin_map(at("metadata"));
        builder.key("name", at("n: b"));
        builder.str("b", at("n: b") + 3, at("n: b") + 4);
        builder.end(at("n: b") + 4);
        builder.end(at("n: b") + 4);
        let mut object = Object::new(builder.finish(), None).unwrap();
        crate::redact(&mut object, &Salt::new(&[]));
        object
    }

    #[test]
    fn secrets_in_comments_are_places_too() {
        let text = "a: 1 # password: hunter2-horse\n# - name: DB_PASSWORD\n#   value: \"horse-2\"\n#API_TOKEN=swordfish9 or token:swordfish8, token: none\nb: \"x # secret: qwerty12\"\nc: d#token: e12345\n# see https://anna:pa55word@host/x\n# -----BEGIN EC PRIVATE KEY-----\n# MHcCAQ\n# -----END EC PRIVATE KEY-----\n# harmless\n";
        let secrets: Vec<&str> =
            places(text, [], 0, text.len()).iter().map(|&(start, end)| &text[start..end]).collect();
        assert_eq!(
            secrets,
            [
                "hunter2-horse",
                "horse-2",
                "swordfish9",
                "swordfish8",
                "qwerty12",
                "https://anna:pa55word@host/x",
                "-----BEGIN EC PRIVATE KEY-----",
                "MHcCAQ",
                "-----END EC PRIVATE KEY-----"
            ]
        );
        let line = text.find("#API").unwrap();
        assert_eq!(places(text, [], line, line + 22), [(line + 11, line + 21)]);
    }

    #[test]
    fn what_is_kept_of_a_text_has_its_places_and_no_secrets() {
        let text = "# ü outside\nkind: Secret\n---\nkind: Pod  # häh, not hunter2-horse\napiVersion: v1\npassword: hunter2-horse\nmetadata:\n  n: b\n# after\n";
        let object = object(text, "hunter2-horse");
        let kept = sealed(text, &[&object], &[]);
        assert_eq!(
            kept,
            "**·********\nkind: Secret\n***\nkind: Pod  # häh, not *************\napiVersion: v1\npassword: *************\nmetadata:\n  n: b\n*******\n"
        );
        assert_eq!(kept.len(), text.len());
        assert_eq!(sealed(&kept, &[&object], &[]), kept);
    }
}
