//! The API server's way with words: plurals, quoted lists, Go's `%q`.

use std::fmt::Write;

/// `container "a"` or `containers "a", "b"`.
pub(crate) fn containers(names: &[&str]) -> String {
    counted("container", "containers", names)
}

/// `volume "a"` or `volumes "a", "b"`.
pub(crate) fn volumes(names: &[&str]) -> String {
    counted("volume", "volumes", names)
}

fn counted(one: &str, many: &str, names: &[&str]) -> String {
    format!("{} {}", plural(one, many, names.len()), quoted(names))
}

/// The word for `n` things.
pub(crate) fn plural<'w>(one: &'w str, many: &'w str, n: usize) -> &'w str {
    if n == 1 { one } else { many }
}

/// `"a", "b"`; what is inside is not escaped.
pub(crate) fn quoted<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("\"{}\"", item.as_ref())).collect();
    items.join(", ")
}

/// Sorted bytewise, each once.
pub(crate) fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items.dedup();
    items
}

/// A string as Go's `%q` prints it.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => _ = write!(quoted, "\\x{:02x}", c as u32),
            c if is_printable(c) => quoted.push(c),
            c if (c as u32) < 0x1_0000 => _ = write!(quoted, "\\u{:04x}", c as u32),
            c => _ = write!(quoted, "\\U{:08x}", c as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// Go's notion for the blocks that occur in practice: spaces other than U+0020,
/// C1 controls, surrogates' neighbours and private use are escaped.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && (!c.is_whitespace() || c == ' ')
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}')
}
