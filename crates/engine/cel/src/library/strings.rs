//! The string functions of the strings extension. Positions count code points.

/// No function makes a longer string, in bytes.
const MAX_RESULT: usize = 32 << 20;

fn out_of_range(index: i64) -> String {
    format!("index out of range: {index}")
}

/// The byte position of a code point; the length for the one past the last.
fn position(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    if text.is_ascii() {
        return (index <= text.len()).then_some(index);
    }
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(index)
}

/// How many code points.
pub(crate) fn size(text: &str) -> i64 {
    if text.is_ascii() { text.len() as i64 } else { text.chars().count() as i64 }
}

/// The code point at an index; nothing at the end.
pub(crate) fn char_at(text: &str, index: i64) -> Result<String, String> {
    let at = position(text, index).ok_or_else(|| out_of_range(index))?;
    Ok(text[at..].chars().next().map(String::from).unwrap_or_default())
}

/// The first place of `part` from `offset` on, or -1.
pub(crate) fn index_of(text: &str, part: &str, offset: i64) -> Result<i64, String> {
    if offset < 0 {
        return Err(out_of_range(offset));
    }
    let length = size(text);
    if part.is_empty() {
        return Ok(offset.min(length));
    }
    let Some(from) = position(text, offset) else { return Ok(-1) };
    Ok(text[from..].find(part).map_or(-1, |at| offset + size(&text[from..from + at])))
}

/// The last place of `part`, or -1.
pub(crate) fn last_index_of(text: &str, part: &str) -> i64 {
    if part.is_empty() {
        return size(text);
    }
    text.rfind(part).map_or(-1, |at| size(&text[..at]))
}

/// The last place of `part` that is not after `offset`, or -1.
pub(crate) fn last_index_of_from(text: &str, part: &str, offset: i64) -> Result<i64, String> {
    if offset < 0 {
        return Err(out_of_range(offset));
    }
    let length = size(text);
    if part.is_empty() {
        return Ok(offset.min(length));
    }
    if offset >= length {
        return Ok(-1);
    }
    let last_start = position(text, offset).unwrap_or(text.len());
    // A match may begin at the offset itself and end after it.
    let mut end = (last_start + part.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Ok(text[..end]
        .rmatch_indices(part)
        .map(|(at, _)| at)
        .find(|at| *at <= last_start)
        .map_or(-1, |at| size(&text[..at])))
}

/// Replaces the first `limit` places, all if it is negative.
pub(crate) fn replace(text: &str, old: &str, new: &str, limit: i64) -> Result<String, String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let n_places = text.matches(old).take(limit).count();
    let length = text.len() as u128 + n_places as u128 * new.len() as u128;
    if length > MAX_RESULT as u128 {
        return Err("result of replace is too long".into());
    }
    Ok(text.replacen(old, new, limit))
}

/// Splits at `separator` into at most `limit` parts (negative: any number, 0: none);
/// an empty separator splits into code points.
pub(crate) fn split<'t>(text: &'t str, separator: &str, limit: i64) -> Vec<&'t str> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Vec::new();
    }
    // One byte is found without preparing a search.
    if let [byte] = separator.as_bytes() {
        return text.splitn(limit, char::from(*byte)).collect();
    }
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let (first, after) = rest.split_at(char.len_utf8());
        if parts.len() + 1 == limit {
            parts.push(rest);
            break;
        }
        parts.push(first);
        rest = after;
    }
    parts
}

/// From `start` to the end.
pub(crate) fn substring(text: &str, start: i64) -> Result<&str, String> {
    position(text, start).map(|at| &text[at..]).ok_or_else(|| out_of_range(start))
}

/// From `start` up to `end`.
pub(crate) fn substring_range(text: &str, start: i64, end: i64) -> Result<&str, String> {
    if start > end {
        return Err(format!("invalid substring range. start: {start}, end: {end}"));
    }
    let from = position(text, start).ok_or_else(|| out_of_range(start))?;
    let to = position(text, end).ok_or_else(|| out_of_range(end))?;
    Ok(&text[from..to])
}

/// Joins with `separator` between.
pub(crate) fn join<'a>(
    parts: impl Iterator<Item = &'a str>,
    separator: &str,
) -> Result<String, String> {
    let mut joined = String::new();
    for (at, part) in parts.enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part);
        if joined.len() > MAX_RESULT {
            return Err("result of join is too long".into());
        }
    }
    Ok(joined)
}

/// A quoted string with escapes for control characters that have a letter.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_code_points() {
        assert_eq!(size("héllo"), 5);
        assert_eq!(char_at("héllo", 1), Ok("é".into()));
        assert_eq!(char_at("héllo", 5), Ok(String::new()));
        assert!(char_at("héllo", 6).is_err());
        assert!(char_at("héllo", -1).is_err());
        assert_eq!(substring("héllo", 2), Ok("llo"));
        assert_eq!(substring_range("héllo", 1, 3), Ok("él"));
        assert!(substring_range("héllo", 3, 1).unwrap_err().starts_with("invalid substring range"));
    }

    #[test]
    fn indices() {
        for (text, part, offset, index) in [
            ("tacocat", "a", 3, 5),
            ("tacocat", "", 9, 7),
            ("tacocat", "a", 7, -1),
            ("éaéa", "a", 2, 3),
            ("", "a", 0, -1),
        ] {
            assert_eq!(index_of(text, part, offset), Ok(index), "{text} {part} {offset}");
        }
        for (text, part, offset, index) in [
            ("tacocat", "at", 6, 5),
            ("tacocat", "at", 4, -1),
            ("tacocat", "ac", 1, 1),
            ("tacocat", "", 9, 7),
            ("tacocat", "a", 7, -1),
            ("aaaa", "aa", 1, 1),
            ("aaaa", "aa", 3, 2),
            ("éé", "é", 0, 0),
        ] {
            assert_eq!(last_index_of_from(text, part, offset), Ok(index), "{text} {part} {offset}");
        }
        assert_eq!(last_index_of("éaéa", "a"), 3);
    }

    #[test]
    fn splitting_and_replacing() {
        assert_eq!(split("a,b,c", ",", 2), ["a", "b,c"]);
        assert_eq!(split("héy", "", -1), ["h", "é", "y"]);
        assert_eq!(split("héy", "", 2), ["h", "éy"]);
        assert_eq!(split("", "", -1), Vec::<&str>::new());
        assert_eq!(split("", ",", -1), [""]);
        assert_eq!(split("a", ",", 0), Vec::<&str>::new());
        assert_eq!(replace("hé", "", "-", -1), Ok("-h-é-".into()));
        assert_eq!(replace("aaa", "a", "b", 2), Ok("bba".into()));
        assert!(replace(&"a".repeat(10_000), "a", &"b".repeat(10_000), -1).is_err());
    }
}
