//! What texts set: names with values, in YAML, JSON, properties, INI, TOML, XML, scripts
//! and code, as they stand in configuration files, annotations and comments. The one
//! reader of them. No such text is parsed: many are broken, templates, or pieces.

use ironhull_model::base64;

use crate::argument::{in_header, is_secret};
use crate::name::{is_of_secret, is_word_of_secret};

mod line;

use line::{Set, Shape};

/// Whether a text sets a secret under its name, or as the value of an entry that is called
/// so. `is_file` says that it is a whole file: other texts of one line set nothing, unless
/// they are JSON.
pub(crate) fn hold_secret(text: &str, is_file: bool) -> bool {
    let is_json = || text.trim_start().starts_with(['{', '[']);
    // Every string of every object is asked.
    if !is_file && !text.contains('\n') && !is_json() || !has(text, HINTS) {
        return false;
    }
    let mut reader = Reader::default();
    text.lines().any(|line| !reader.secrets(line).is_empty())
}

/// What stands in every name that is one of a secret, and in what else says that one follows.
const HINTS: &[&str] =
    &["auth", "credential", "identified", "key", "pass", "pw", "secret", "token"];

/// The names of an entry's parts.
const PARTS: &[&str] = &["name", "value"];

/// Whether one of some words stands in a text, in any case. Most texts end here, and most
/// lines of the others.
fn has(text: &str, words: &[&str]) -> bool {
    let bytes = text.as_bytes();
    let stands = |at: usize, word: &str| {
        bytes[at..]
            .get(..word.len())
            .is_some_and(|piece| piece.eq_ignore_ascii_case(word.as_bytes()))
    };
    bytes.iter().enumerate().any(|(at, byte)| {
        let first = byte.to_ascii_lowercase();
        words.iter().any(|word| word.as_bytes()[0] == first && stands(at, word))
    })
}

/// Reads a text line by line.
#[derive(Default)]
pub(crate) struct Reader<'t> {
    shape: Shape,
    n_lines: usize,
    entry: Entry<'t>,
    /// Whose value is in the lines below.
    below: Option<Below<'t>>,
}

/// An entry of a list: `{name: DB_PASSWORD, value: …}`, in either order.
#[derive(Default)]
struct Entry<'t> {
    name: &'t str,
    /// A value that stands before its name, and in which line.
    value: &'t str,
    line: usize,
}

/// A name whose value is in the lines that are further in.
struct Below<'t> {
    name: &'t str,
    indent: usize,
    /// Whether all of them are it: `password: |`; else the first, where it sets nothing.
    is_block: bool,
}

impl<'t> Reader<'t> {
    /// For comments, in which prose stands beside what was taken out of use.
    pub(crate) fn of_comments() -> Reader<'t> {
        Reader { shape: Shape::Comment, ..Reader::default() }
    }

    /// The values in the next line that are secret.
    pub(crate) fn secrets(&mut self, line: &'t str) -> Vec<&'t str> {
        let mut found = Vec::new();
        self.n_lines += 1;
        if self.is_in_block(line, &mut found) || self.shape.leaves_out(line) {
            return found;
        }
        let above = self.below.take();
        if has(line, HINTS) || has(line, PARTS) {
            for set in line::sets(line, self.shape) {
                self.take(&set, indent(line), &mut found);
            }
        }
        let value = line.trim().trim_matches(['"', '\'']);
        // A line that sets something is of a mapping below the name.
        let is_value = |above: &Below<'_>| {
            above.indent < indent(line)
                && !value.contains([':', '='])
                && is_secret(above.name, value)
        };
        found.extend(above.filter(is_value).map(|_| value));
        found
    }

    /// Whether a line is part of a block above it, which is secret as a whole.
    fn is_in_block(&mut self, line: &'t str, found: &mut Vec<&'t str>) -> bool {
        let text = line.trim();
        let Some(below) = self.below.as_ref().filter(|below| below.is_block) else { return false };
        if !text.is_empty() && indent(line) <= below.indent {
            self.below = None;
            return false;
        }
        found.extend(is_secret(below.name, text).then_some(text));
        true
    }

    fn take(&mut self, set: &Set<'t>, indent: usize, found: &mut Vec<&'t str>) {
        if set.begins_entry {
            self.entry = Entry::default();
        }
        let name = match set.name {
            "value" => {
                (self.entry.value, self.entry.line) = (set.value, self.n_lines);
                self.entry.name
            }
            "name" => {
                self.entry.name = set.value;
                let value = self.entry.value;
                let is_beside = self.n_lines - self.entry.line <= 1;
                found.extend((is_beside && is_secret(set.value, value)).then_some(value));
                ""
            }
            name => name,
        };
        if set.value.is_empty() || set.is_block {
            let below = Below { name, indent, is_block: set.is_block };
            self.below = Some(below).filter(|below| is_of_secret(below.name));
        } else if is_literal(name, set.value) || in_header(name, set.value).is_some() {
            found.push(set.value);
        }
    }
}

/// Whether what a text sets a name to is a secret: `password: Password` and
/// `secretKey: db-password` say how something is called. Of a variable it is a poor one.
fn is_literal(name: &str, value: &str) -> bool {
    let is_variable = || !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_pair = || name == "auth" && holds_pair(value);
    let is_called = || is_word_of_secret(value) && !is_variable() || line::is_path(value);
    is_pair() || is_secret(name, value) && !is_called()
}

/// Whether it is the name and the password that a registry is asked with.
fn holds_pair(value: &str) -> bool {
    let pair = base64::decode(value).and_then(|pair| String::from_utf8(pair).ok());
    pair.is_some_and(|pair| pair.split_once(':').is_some_and(|(_, password)| password.len() >= 4))
}

/// How far in a line begins; the dash of an entry belongs to what stands before it.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests;
