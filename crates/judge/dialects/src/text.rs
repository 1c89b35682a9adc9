//! Texts as Go writes them.

use std::fmt::Write as _;

/// A JSON string as `encoding/json` writes it: safe inside HTML.
pub(crate) fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                _ = write!(out, "\\u{:04x}", character as u32);
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

/// Several errors as one (`k8s.io/apimachinery/pkg/util/errors`): each once.
pub(crate) fn aggregate(errors: &[String]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for error in errors {
        if !once.contains(&error.as_str()) {
            once.push(error);
        }
    }
    match once.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// A text of at most so many bytes, cut where a character ends.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// How many characters all warnings of an answer may have; when they have more, each
/// is cut.
const TOTAL: usize = 4 * 1024;
/// What is then left of each.
const EACH: usize = 256;

/// Warnings as they arrive: each once, cut when they are much text
/// (`k8s.io/apiserver/pkg/endpoints/filters/warning.go`).
pub(crate) fn delivered(warnings: &[String]) -> Vec<String> {
    let mut once: Vec<&String> = Vec::new();
    for warning in warnings {
        if !once.contains(&warning) {
            once.push(warning);
        }
    }
    let size = |text: &str| text.chars().count();
    if once.iter().map(|text| size(text)).sum::<usize>() <= TOTAL {
        return once.into_iter().cloned().collect();
    }
    let mut written = 0;
    let mut shown = Vec::new();
    for text in once {
        if written >= TOTAL {
            break;
        }
        let short: String = text.chars().take(EACH).collect();
        written += size(&short);
        shown.push(short);
    }
    shown
}
