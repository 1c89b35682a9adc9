//! Secrets in comments of YAML, which no parser gives: values that were taken out of
//! use and stayed.

use crate::{by_form, by_name};

/// The places of secrets in the comments of a text, in order. A comment begins with a
/// `#` at the start of a line or behind a space; within a quoted text it only looks so,
/// and a secret is none the less one.
pub(crate) fn secrets(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    let mut state = State::default();
    text.split_inclusive('\n').flat_map(move |line| {
        let start = at;
        at += line.len();
        let found = match begin(line) {
            Some(begin) => state.comment(&line[begin..]),
            None => Vec::new(),
        };
        let from = start + begin(line).unwrap_or_default();
        found.into_iter().map(move |(start, end)| (start + from, end + from))
    })
}

/// Where the comment of a line begins, behind its `#`.
fn begin(line: &str) -> Option<usize> {
    let mut hashes = line.match_indices('#').map(|(at, _)| at);
    let begin = hashes.find(|at| line[..*at].ends_with([' ', '\t']) || *at == 0)?;
    Some(begin + 1)
}

/// What the lines before say of the next one.
#[derive(Default)]
struct State {
    /// Whether a private key has begun and not ended.
    in_key: bool,
    /// What `name:` said last: the next `value:` is of it.
    named: String,
}

impl State {
    /// The secrets of one comment.
    fn comment(&mut self, text: &str) -> Vec<(usize, usize)> {
        self.in_key |= text.contains("-----BEGIN") && text.contains("PRIVATE KEY");
        if self.in_key {
            self.in_key = !text.contains("-----END");
            let key = text.trim();
            return Vec::from_iter((!key.is_empty()).then(|| place(text, key)));
        }
        let mut found = Vec::new();
        let mut key = "";
        for word in text.split_whitespace() {
            let value = unquoted(word);
            let before = if key == "value" { &*self.named } else { key };
            let own = word.split_once(['=', ':']).unwrap_or_default();
            let pairs = [(before, value), (unquoted(own.0), unquoted(own.1))];
            if by_form(value).is_some() {
                found.push(place(text, value));
            } else if let Some((_, literal)) = pairs.iter().find(|pair| by_name(pair.0, pair.1)) {
                found.push(place(text, literal));
            }
            if key == "name" {
                value.clone_into(&mut self.named);
            }
            key = word.strip_suffix(':').map_or("", unquoted);
        }
        found
    }
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
