//! Which texts may be names.

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// RFC 1123: lower-case letters, digits and dashes inside.
pub(super) fn is_lower_label(text: &str) -> bool {
    let inner = !text.starts_with('-') && !text.ends_with('-');
    (1..=63).contains(&text.len()) && is_plain(text) && inner
}

/// RFC 1035: the same, beginning with a letter.
pub(super) fn is_label(text: &str) -> bool {
    is_lower_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// RFC 1123: labels with dots between them.
pub(super) fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && is_plain(part) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// Letters, digits, and `-_.` inside; at most 63.
pub(super) fn is_name_part(text: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_end(*byte) || b"-_.".contains(byte))
        && bytes.first().is_some_and(|byte| is_end(*byte))
        && bytes.last().is_some_and(|byte| is_end(*byte))
}

/// A name part, perhaps behind a DNS subdomain and a slash.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name_part(name),
        None => is_name_part(text),
    }
}

/// What may stand in a path.
pub(super) fn is_path_segment(text: &str) -> bool {
    text != "." && text != ".." && !text.contains(['/', '%'])
}

/// An identifier of CEL that is no reserved word.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !ironhull_cel::syntax::is_word(text)
}
