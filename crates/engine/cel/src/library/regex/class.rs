//! Characters and character classes of RE2's syntax.

use std::fmt::Write;

use super::translate::{Failure, consumed, fail};

/// A class without its brackets: text for the inside of a bracketed class.
type Pieces = String;

/// Matches nothing.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// One character as an atom.
pub(super) fn literal(code: u32, fold_case: bool) -> String {
    match char::from_u32(code) {
        None => NOTHING.into(),
        Some(char) if char.is_ascii_alphanumeric() && !fold_case => char.into(),
        Some(_) if fold_case => format!("(?i:\\x{{{code:X}}})"),
        Some(_) => format!("\\x{{{code:X}}}"),
    }
}

/// A class as an atom.
pub(super) fn lone(pieces: &str, fold_case: bool) -> String {
    bracketed(pieces, false, fold_case)
}

fn bracketed(pieces: &str, negated: bool, fold_case: bool) -> String {
    let class = match (pieces.is_empty(), negated) {
        (true, false) => NOTHING.into(),
        (true, true) => "(?s:.)".into(),
        (false, false) => format!("[{pieces}]"),
        (false, true) => format!("[^{pieces}]"),
    };
    if fold_case { format!("(?i:{class})") } else { class }
}

/// Reads `[…]` and returns it as an atom.
pub(super) fn parse(text: &str, fold_case: bool) -> Result<(String, &str), Failure<'_>> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    rest = &rest[usize::from(negated)..];
    let mut pieces = Pieces::new();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.len() > 2
            && rest.starts_with("[:")
            && let Some((group, after)) = parse_posix(rest)?
        {
            pieces += &group;
            rest = after;
            continue;
        }
        if let Some((group, after)) = parse_group(rest)? {
            pieces += &group;
            rest = after;
            continue;
        }
        let range = rest;
        let (low, after) = parse_char(rest, text)?;
        let mut high = low;
        rest = after;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            (high, rest) = parse_char(&rest[1..], text)?;
            if high < low {
                return fail("invalid character class range", consumed(range, rest));
            }
        }
        push_range(&mut pieces, low, high);
    }
    Ok((bracketed(&pieces, negated, fold_case), &rest[1..]))
}

/// Appends the characters from `low` to `high`; surrogates are in no text.
fn push_range(pieces: &mut Pieces, low: u32, high: u32) {
    for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
        if low <= high {
            _ = write!(pieces, "\\x{{{low:X}}}-\\x{{{high:X}}}");
        }
    }
}

fn parse_char<'p>(text: &'p str, whole: &'p str) -> Result<(u32, &'p str), Failure<'p>> {
    match text.chars().next() {
        None => fail("missing closing ]", whole),
        Some('\\') => parse_escape(text),
        Some(char) => Ok((char as u32, &text[char.len_utf8()..])),
    }
}

/// `[:alpha:]`, `[:^space:]`; none when it is not closed.
fn parse_posix(text: &str) -> Result<Option<(Pieces, &str)>, Failure<'_>> {
    let Some(end) = text[2..].find(":]").map(|end| end + 4) else { return Ok(None) };
    let name = &text[2..end - 2];
    let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let Some(ranges) = posix(name) else {
        return fail("invalid character class range", &text[..end]);
    };
    Ok(Some((group(ranges, negated), &text[end..])))
}

fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x{0}-\x{7F}",
        "blank" => r"\x{9}\x{20}",
        "cntrl" => r"\x{0}-\x{1F}\x{7F}",
        "digit" => "0-9",
        "graph" => r"\x{21}-\x{7E}",
        "lower" => "a-z",
        "print" => r"\x{20}-\x{7E}",
        "punct" => r"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}",
        "space" => r"\x{9}-\x{D}\x{20}",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

fn group(ranges: &str, negated: bool) -> Pieces {
    if negated { format!("[^{ranges}]") } else { ranges.into() }
}

/// `\d \D \s \S \w \W`, `\pL`, `\p{Greek}`; none for anything else.
pub(super) fn parse_group(text: &str) -> Result<Option<(Pieces, &str)>, Failure<'_>> {
    let bytes = text.as_bytes();
    if bytes.len() < 2 || bytes[0] != b'\\' {
        return Ok(None);
    }
    let ranges = match bytes[1].to_ascii_lowercase() {
        b'd' => "0-9",
        b's' => r"\x{9}-\x{A}\x{C}-\x{D}\x{20}",
        b'w' => "0-9A-Za-z_",
        b'p' => return parse_unicode(text).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((group(ranges, bytes[1].is_ascii_uppercase()), &text[2..])))
}

fn parse_unicode(text: &str) -> Result<(Pieces, &str), Failure<'_>> {
    let mut negated = text.as_bytes()[1] == b'P';
    let (mut name, rest) = if text[2..].starts_with('{') {
        let Some(end) = text.find('}') else {
            return fail("invalid character class range", text);
        };
        (&text[3..end], &text[end + 1..])
    } else {
        let len = text[2..].chars().next().map_or(0, char::len_utf8);
        text[2..].split_at(len)
    };
    if let Some(inverse) = name.strip_prefix('^') {
        (negated, name) = (!negated, inverse);
    }
    let Some(class) = unicode_class(name) else {
        return fail("invalid character class range", consumed(text, rest));
    };
    Ok((group(&class, negated), rest))
}

/// The general category or script of that name.
fn unicode_class(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|char| !"_- ".contains(*char)).collect();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match plain.to_ascii_lowercase().as_str() {
        "any" => return Some(r"\x{0}-\x{10FFFF}".into()),
        "ascii" => return Some(r"\x{0}-\x{7F}".into()),
        "assigned" => return Some(r"\P{gc=Cn}".into()),
        _ => {}
    }
    // A script's four-letter code is no name of it, unless it is its whole name.
    const SHORT_SCRIPTS: [&str; 9] =
        ["ahom", "cham", "kawi", "lisu", "miao", "modi", "newa", "thai", "toto"];
    let is_code = plain.len() == 4 && !SHORT_SCRIPTS.contains(&plain.to_ascii_lowercase().as_str());
    let candidates = [format!(r"\p{{gc={plain}}}"), format!(r"\p{{sc={plain}}}")];
    candidates.into_iter().take(if is_code { 1 } else { 2 }).find(|class| {
        !plain.to_ascii_lowercase().starts_with("is")
            && regex_syntax::Parser::new().parse(class).is_ok()
    })
}

/// Reads one escaped character.
pub(super) fn parse_escape(text: &str) -> Result<(u32, &str), Failure<'_>> {
    let mut chars = text[1..].chars();
    let Some(char) = chars.next() else {
        return fail("trailing backslash at end of expression", "");
    };
    let code = match char {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => {
            let octal = |rest: &str| rest.starts_with(|next| matches!(next, '0'..='7'));
            if char != '0' && !octal(chars.as_str()) {
                return fail("invalid escape sequence", consumed(text, chars.as_str()));
            }
            let mut code = char as u32 - '0' as u32;
            for _ in 1..3 {
                if !octal(chars.as_str()) {
                    break;
                }
                code = code * 8 + chars.next().and_then(|digit| digit.to_digit(8)).unwrap_or(0);
            }
            code
        }
        'x' => match parse_hex(&mut chars) {
            Some(code) => code,
            None => return fail("invalid escape sequence", consumed(text, chars.as_str())),
        },
        char if char.is_ascii() && !char.is_ascii_alphanumeric() => char as u32,
        _ => return fail("invalid escape sequence", consumed(text, chars.as_str())),
    };
    Ok((code, chars.as_str()))
}

/// What follows `\x`: two digits or any number in braces.
fn parse_hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let first = chars.next()?;
    if first != '{' {
        let second = chars.next().and_then(|char| char.to_digit(16));
        return Some(first.to_digit(16)? * 16 + second?);
    }
    let mut code = None;
    loop {
        let char = chars.next()?;
        if char == '}' {
            return code;
        }
        let next = code.unwrap_or(0) * 16 + char.to_digit(16)?;
        if next > 0x0010_FFFF {
            return None;
        }
        code = Some(next);
    }
}
