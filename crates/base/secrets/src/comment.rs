//! Secrets in comments of YAML, which no parser gives: values that were taken out of
//! use and stayed.

use crate::by_form;
use crate::settings::Reader;

/// The places of secrets in the comments of a text, in order. A comment begins with a
/// `#` at the start of a line or behind a space; within a quoted text it only looks so,
/// and a secret is none the less one.
pub(crate) fn secrets(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut reader = Reader::of_comments();
    let mut in_key = false;
    text.lines().filter_map(begin).flat_map(move |comment| {
        in_key |= comment.contains("-----BEGIN") && comment.contains("PRIVATE KEY");
        let mut found = if in_key {
            in_key = !comment.contains("-----END");
            vec![comment.trim()]
        } else {
            let mut found = reader.secrets(comment);
            let words = comment.split_whitespace().map(unquoted);
            found.extend(words.filter(|word| by_form(word).is_some()));
            found
        };
        found.sort_by_key(|piece| piece.as_ptr());
        found.into_iter().filter(|piece| !piece.is_empty()).map(|piece| place(text, piece))
    })
}

/// The comment of a line, behind its `#`.
fn begin(line: &str) -> Option<&str> {
    let mut hashes = line.match_indices('#').map(|(at, _)| at);
    let begin = hashes.find(|at| line[..*at].ends_with([' ', '\t']) || *at == 0)?;
    Some(&line[begin + 1..])
}

/// A word without its quotes and what stands around them.
fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\'', ',', '{', '}', '[', ']', ';'])
}

/// Where a piece of a text is.
fn place(text: &str, piece: &str) -> (usize, usize) {
    let start = piece.as_ptr() as usize - text.as_ptr() as usize;
    (start, start + piece.len())
}
