//! Text from outside on its way to a terminal or a shell: names, paths and lines
//! of files may hold anything.

use std::borrow::Cow;

use ironhull_model::{Snapshot, SourceId};
use ironhull_secrets::shown::{places, without};

/// Characters of a line that an excerpt shows, and how many of them stand before
/// the place it is about.
const WIDEST: usize = 160;
const BEFORE: usize = 100;

/// One line of text without characters that steer a terminal or reorder what is
/// read: they come out escaped.
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// [`plain`] for text of many lines: line feeds and tabs stay.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

fn escaped<'t>(text: &'t str, but: &[char]) -> Cow<'t, str> {
    let steers = |c: char| {
        !but.contains(&c)
            && (c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}'))
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A word for a POSIX shell, in quotes where it needs them.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/@%+=:,".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(is_safe) {
        return Cow::Borrowed(text);
    }
    // What starts with a dash would be an option.
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    Cow::Owned(shell_quoted(&text))
}

/// The first `most` of some names, and how many more there are.
pub fn few(names: &[&str], most: usize) -> String {
    let named = names.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Text in single quotes for a POSIX shell.
pub(crate) fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A 1-based line of a source with the secrets in it masked. Secrets are known by
/// the objects that were read from it.
pub(crate) fn masked_line(snapshot: &Snapshot, id: SourceId, number: u32) -> String {
    let Some(source) = snapshot.source(id) else { return String::new() };
    let line = source.line(number);
    let from = (line.as_ptr() as usize).saturating_sub(source.text().as_ptr() as usize);
    let to = from + line.len();
    let own = |origin: ironhull_model::Origin| origin.source == id;
    let objects = snapshot.objects.iter().map(|object| &**object);
    let objects = objects.filter(|object| object.origin.is_some_and(own));
    without(line, from, &places(source.text(), objects, from, to))
}

/// A line of a text that could not be read, for a diagnostic: where it may hold a
/// secret, letters and digits of its values are left out, so that a position in
/// the line stays what it is.
pub(crate) fn guarded(line: String, around: &str) -> String {
    let names_secret = |line: &str| {
        let words = line.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
        { words }.any(|word| ironhull_secrets::by_name(word, "a-value"))
    };
    let compact: String =
        around.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    let may_hold = compact.contains("kind:Secret")
        || ironhull_secrets::by_form(&line).is_some()
        || around.lines().rev().take(3).any(names_secret);
    if !may_hold {
        return line;
    }
    let after = line.find(':').map_or(0, |at| at + 1);
    let (name, value) = line.split_at(after);
    let hidden = value.chars().map(|c| if c.is_alphanumeric() { '•' } else { c });
    name.chars().chain(hidden).collect()
}

/// The part of a line around a 1-based column that fits an excerpt, and the column in it.
pub(crate) fn window(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    let skip = if length <= WIDEST { 0 } else { column.saturating_sub(BEFORE + 1).min(length) };
    let mut part: String = line.chars().skip(skip).take(WIDEST).collect();
    if skip + WIDEST < length {
        part.push('…');
    }
    if skip > 0 {
        part.insert(0, '…');
    }
    (part, column - skip + usize::from(skip > 0))
}

#[cfg(test)]
mod tests {
    use super::{guarded, plain, plain_lines, shell_word, window};

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(plain_lines("a\n\tb\u{9b}"), "a\n\tb\\u{9b}");
        assert_eq!(plain("Größe · 1"), "Größe · 1");
    }

    #[test]
    fn words_are_one_word_to_a_shell() {
        assert_eq!(shell_word("deploy/a.yaml"), "deploy/a.yaml");
        assert_eq!(shell_word("a b.yaml"), "'a b.yaml'");
        assert_eq!(shell_word("it's $(id)"), "'it'\\''s $(id)'");
        assert_eq!(shell_word("-rf"), "'./-rf'");
    }

    #[test]
    fn lines_that_may_hold_a_secret_show_no_value() {
        let shown = |line: &str, around: &str| guarded(line.to_owned(), around);
        assert_eq!(shown("  a: \"x1, y", "kind: Secret\n"), "  a: \"••, •");
        assert_eq!(shown("  value: \"hunter2", "- name: DB_PASSWORD\n"), "  value: \"•••••••");
        assert_eq!(shown("  image: \"nginx", "- name: web\n"), "  image: \"nginx");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        assert_eq!(window("short", 3), ("short".to_owned(), 3));
        let (part, column) = window(&("a".repeat(500) + "X" + &"b".repeat(500)), 501);
        assert_eq!(part.chars().nth(column - 1), Some('X'));
        assert!(part.chars().count() <= 162);
        assert!(window("tiny", 4_000_000).1 <= 4_000_000);
    }
}
