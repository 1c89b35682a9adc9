//! What one line sets: each sign that stands between a name and its value.

use crate::name::{is_of_secret, names};

/// What a credential of HTTP stands under.
const HEADER: &[&str] = &["authorization"];

/// Longer words are no secrets that anybody wrote down.
const LONGEST: usize = 4096;

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Shape {
    /// A file: names stand at the beginning of lines, between brackets or before `=`.
    #[default]
    File,
    /// A comment: also in the middle of a sentence, and a value is one word.
    Comment,
}

impl Shape {
    /// Whether a line of a file is a comment. What stands there is mostly an example.
    pub(super) fn leaves_out(self, line: &str) -> bool {
        let line = line.trim_start();
        let is_comment = line.starts_with(['#', ';'])
            || ["//", "--"].iter().any(|sign| {
                line.strip_prefix(sign).is_some_and(|rest| rest.starts_with([' ', '\t']))
            });
        self == Shape::File && is_comment
    }
}

/// A name and the value that it is set to.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Set<'t> {
    pub(super) name: &'t str,
    /// Without its quotes and the comment behind it; empty where there is none.
    pub(super) value: &'t str,
    /// It is the first of an entry of a list.
    pub(super) begins_entry: bool,
    /// The value is in the lines below: `password: |`.
    pub(super) is_block: bool,
}

/// What a line sets under names that say something of secrets, from left to right.
pub(super) fn sets(line: &str, shape: Shape) -> impl Iterator<Item = Set<'_>> {
    let is_sign = |byte: u8| matches!(byte, b':' | b'=' | b'>' | b',' | b' ' | b'\t');
    let signs = line.bytes().enumerate().filter(move |(_, byte)| is_sign(*byte));
    let opens = line.find(['{', '(']).unwrap_or(line.len());
    signs.filter_map(move |(at, sign)| {
        let (before, rest) = (&line[..at], &line[at + 1..]);
        match sign {
            b':' => by_colon(before, rest, opens < at, shape),
            b'=' => by_equals(before, rest, shape),
            b'>' => by_tag(before, rest),
            b',' => by_comma(before, rest),
            _ => by_space(before, rest, shape),
        }
    })
}

/// `name: value`, `{"name": "value"}`; in brackets where one is open.
fn by_colon<'t>(before: &'t str, rest: &'t str, is_open: bool, shape: Shape) -> Option<Set<'t>> {
    let name = Name::before(before)?;
    if rest.starts_with(['=', ':']) || rest.starts_with("//") {
        return None;
    }
    let head = name.head.trim_end();
    let is_between = head.ends_with(['{', '(']) && !head.ends_with("${")
        || head.ends_with([',', '[']) && (name.is_quoted || is_open)
        || head.ends_with('\\');
    match shape {
        Shape::Comment => name.word(rest),
        Shape::File if name.is_first() => name.rest_of_line(rest),
        Shape::File if is_between => name.word(rest),
        Shape::File => None,
    }
}

/// `name=value`, `name = value`, `name := value`, `'name' => value`, `user=a password=b`.
fn by_equals<'t>(before: &'t str, rest: &'t str, shape: Shape) -> Option<Set<'t>> {
    if rest.starts_with(['=', '~']) || before.ends_with(['=', '!', '<', '>', '~']) {
        return None;
    }
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    let name = Name::before(before.trim_end_matches([':', '+', '?']))?;
    if name.head.ends_with(['$', '%', '@']) || name.head.ends_with("${") {
        return None;
    }
    let is_spaced = before.ends_with(' ') || rest.starts_with(' ');
    let is_between = name.head.trim_end().ends_with(['{', '(', ',', ';', '[']);
    // Before the command of a script that it is for: `PGPASSWORD=… psql`.
    let is_variable = !is_spaced && name.text.bytes().all(|byte| !byte.is_ascii_lowercase());
    match shape {
        Shape::File if name.is_first() && !is_variable => name.rest_of_line(rest),
        // `let password = request.password` is code.
        Shape::File if is_spaced && !is_between && !name.is_first() => name.quoted(rest),
        _ => name.word(rest),
    }
}

/// `<name>value</name>`, and of `<property name="…">value</property>` the value.
fn by_tag<'t>(before: &'t str, rest: &'t str) -> Option<Set<'t>> {
    let tag = &before[before.rfind('<')? + 1..];
    let end = tag.find(char::is_whitespace);
    let name = end.map_or(tag, |_| "value");
    let value = &rest[..rest.find('<')?];
    let is_tag = tag.starts_with(|first: char| first.is_ascii_alphabetic())
        && rest[value.len()..].starts_with("</");
    is_tag.then(|| Set { name, value: value.trim(), begins_entry: false, is_block: false })
}

/// `define('NAME', 'value')`.
fn by_comma<'t>(before: &'t str, rest: &'t str) -> Option<Set<'t>> {
    let name = Name::before(before).filter(|name| name.is_quoted && name.head.ends_with('('))?;
    name.quoted(rest)
}

/// `name value` and `name "value"` as a whole line, `PASSWORD 'value'`, `--name value`.
fn by_space<'t>(before: &'t str, rest: &'t str, shape: Shape) -> Option<Set<'t>> {
    let name = Name::before(before).filter(|name| !name.is_quoted && !before.ends_with(' '))?;
    if name.is_flag {
        return name.word(rest).filter(|set| !set.value.starts_with('-'));
    }
    let is_loud = || name.text.bytes().all(|byte| !byte.is_ascii_lowercase());
    let quoted = || name.quoted(rest);
    if !name.is_first() {
        let is_header = || names(name.text, HEADER);
        return (is_loud() || is_header()).then(quoted).flatten();
    }
    // Of two words alone the second is a secret if it is none of a language.
    let value = rest.trim();
    let is_random = value.bytes().any(|byte| byte.is_ascii_digit())
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '('));
    if is_random && shape == Shape::File { name.rest_of_line(rest) } else { quoted() }
}

/// A name and what stands before it in its line.
struct Name<'t> {
    text: &'t str,
    head: &'t str,
    is_quoted: bool,
    /// `--name`.
    is_flag: bool,
}

impl<'t> Name<'t> {
    /// The name that ends where its sign begins; none of what has nothing to do with
    /// secrets, which most have.
    fn before(before: &'t str) -> Option<Name<'t>> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let before = before.trim_end();
        let quote = before.chars().next_back().filter(|last| matches!(last, '"' | '\''));
        let (text, head) = match quote {
            Some(quote) => {
                // In JSON within a text quotes are escaped.
                let inner = before[..before.len() - 1].trim_end_matches('\\');
                let start = inner.rfind(quote)?;
                (&inner[start + 1..], inner[..start].trim_end_matches('\\'))
            }
            None => {
                // Names are ASCII, so that one begins behind a whole character.
                let is_other = |byte: &u8| !is_name(char::from(*byte));
                let start = before.as_bytes().iter().rposition(is_other).map_or(0, |at| at + 1);
                (&before[start..], &before[..start])
            }
        };
        let name = match text.trim_start_matches('-') {
            "BY" if head.ends_with("IDENTIFIED ") => "PASSWORD",
            name => name,
        };
        let is_one = matches!(name, "name" | "value")
            || is_of_secret(name)
            || names(name, HEADER)
            || name == "auth";
        let (is_quoted, is_flag) = (quote.is_some(), text.starts_with('-'));
        let is_whole = text.chars().all(is_name);
        (is_one && is_whole).then_some(Name { text: name, head, is_quoted, is_flag })
    }

    /// Whether nothing that is said stands before it.
    fn is_first(&self) -> bool {
        let mut head = self.head.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        while let Some(rest) = ["-", "export", "set"].iter().find_map(|it| head.strip_suffix(it)) {
            head = rest.trim_end();
        }
        head.is_empty()
    }

    fn set(&self, value: &'t str) -> Set<'t> {
        let begins_entry = self.head.trim_end().ends_with(['-', '{']);
        Set { name: self.text, value, begins_entry, is_block: false }
    }

    /// Set to all that follows but a comment.
    fn rest_of_line(&self, rest: &'t str) -> Option<Set<'t>> {
        let rest = without_mark(rest.trim())?;
        if let Some(value) = in_quotes(rest) {
            return Some(self.set(value));
        }
        let end = [" #", "\t#", " ;"].iter().filter_map(|sign| rest.find(sign)).min();
        let value = rest[..end.unwrap_or(rest.len())].trim_end_matches([' ', ',', ';', '\\']);
        let is_block = value.starts_with(['|', '>'])
            && value[1..].bytes().all(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'));
        let is_set = is_block || !value.starts_with(['|', '>', '[', '(', '`']) && !is_code(value);
        is_set.then(|| Set { is_block, ..self.set(value) })
    }

    /// Set to the next word.
    fn word(&self, rest: &'t str) -> Option<Set<'t>> {
        let rest = rest.trim_start();
        if let Some(value) = in_quotes(rest) {
            return Some(self.set(value));
        }
        let ends = |c: char| c.is_whitespace() || ",;&\"'`<>(){}[]".contains(c);
        let mut letters = rest.char_indices().take(LONGEST);
        let end = letters.find(|(_, letter)| ends(*letter)).map(|(at, _)| at);
        let value = &rest[..end.or((rest.len() < LONGEST).then_some(rest.len()))?];
        let is_call = rest[value.len()..].starts_with(['(', '[']);
        (!value.is_empty() && !is_call && !is_code(value)).then(|| self.set(value))
    }

    /// Set to what stands in quotes.
    fn quoted(&self, rest: &'t str) -> Option<Set<'t>> {
        in_quotes(rest.trim_start()).map(|value| self.set(value))
    }
}

/// What stands in quotes at the beginning of a text; to its end where they are not closed.
fn in_quotes(text: &str) -> Option<&str> {
    let escaped = text.strip_prefix('\\');
    let text = escaped.unwrap_or(text);
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inner = &text[1..];
    let mut is_escape = false;
    let end = inner.find(|c| {
        let ends = if escaped.is_some() { c == '\\' } else { c == quote && !is_escape };
        is_escape = c == '\\' && !is_escape;
        ends
    });
    Some(&inner[..end.unwrap_or(inner.len())])
}

/// A value of YAML without its anchor and a tag of YAML's own; none of what another tag
/// makes something else: `!vault`.
fn without_mark(mut text: &str) -> Option<&str> {
    while text.starts_with(['&', '!']) {
        let (mark, rest) = text.split_once(' ')?;
        if mark.starts_with('!') && !mark.starts_with("!!") {
            return None;
        }
        text = rest.trim_start();
    }
    Some(text)
}

/// Whether a bare word is code or a type: `os.Getenv("X")`, `form.password`, `string`.
fn is_code(value: &str) -> bool {
    const TYPES: &[&str] =
        &["String", "String!", "bytes", "keyword", "str", "string", "string!", "text", "varchar"];
    let called = value.split_once(['(', '[']).map(|(function, _)| function);
    let is_call = called.is_some_and(|function| {
        !function.is_empty() && function.chars().all(is_letter) && value.ends_with([')', ']'])
    });
    let is_member = words_in_path(value) > 1 && is_of_secret(value);
    is_call || is_member || TYPES.contains(&value)
}

/// Whether a value is a path of words: `request.headers.authorization`, `com.example.Login`.
pub(super) fn is_path(value: &str) -> bool {
    words_in_path(value) > 2
}

/// How many words there are between the dots of a value; none where there is more than words.
fn words_in_path(value: &str) -> usize {
    let is_word = |part: &str| !part.is_empty() && part.chars().all(is_letter);
    if value.split('.').all(is_word) { value.split('.').count() } else { 0 }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$' | '.')
}
