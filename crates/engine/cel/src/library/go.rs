//! How Go prints things: quoted strings and floats inside messages and values.

use std::fmt::Write;

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            char if is_printable(char) => quoted.push(char),
            char => {
                _ = match char as u32 {
                    code @ (..0x20 | 0x7f) => write!(quoted, "\\x{code:02x}"),
                    code @ ..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                    code => write!(quoted, "\\U{code:08x}"),
                };
            }
        }
    }
    quoted.push('"');
    quoted
}

/// `strconv.Quote` of bytes that need not be UTF-8.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = quote(chunk.valid());
        quoted.push_str(&valid[1..valid.len() - 1]);
        for byte in chunk.invalid() {
            _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    // The standard library tells printable characters only through escape_debug,
    // which spares combining ones when they are not first.
    let mut pair = [b'a', 0, 0, 0, 0];
    let len = 1 + char.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..len]).is_ok_and(|pair| pair.escape_debug().nth(1) == Some(char))
}

/// `strings.ToValidUTF8`: every run of invalid bytes becomes one U+FFFD.
pub(crate) fn to_valid_utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::new();
        let mut invalid_before = false;
        for chunk in error.as_bytes().utf8_chunks() {
            if !chunk.valid().is_empty() {
                text.push_str(chunk.valid());
                invalid_before = false;
            }
            if !chunk.invalid().is_empty() && !invalid_before {
                text.push('\u{fffd}');
                invalid_before = true;
            }
        }
        text
    })
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`, as doubles turn into strings.
pub(crate) fn format_float_g(value: f64) -> String {
    if let Some(special) = special_float(value) {
        return special.into();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `strconv.FormatFloat(value, 'f', -1, 64)`.
pub(crate) fn format_float_f(value: f64) -> String {
    special_float(value).map_or_else(|| format!("{value}"), str::to_owned)
}

/// `strconv.ParseFloat`: what Rust reads, and underscores between digits and
/// hexadecimal floats. What is too large is none.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let is_hex = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    let has_digit = unsigned.contains(|c: char| c.is_ascii_digit());
    let plain =
        if text.contains('_') { without_underscores(text, is_hex)? } else { text.to_owned() };
    let value = if is_hex { parse_hex_float(&plain)? } else { plain.parse().ok()? };
    (!(value.is_infinite() && has_digit)).then_some(value)
}

fn without_underscores(text: &str, is_hex: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| {
        bytes.get(at).is_some_and(|byte| {
            if is_hex {
                byte.is_ascii_hexdigit() || b"xX".contains(byte)
            } else {
                byte.is_ascii_digit()
            }
        })
    };
    let fits = |at: usize| bytes[at] != b'_' || at > 0 && is_digit(at - 1) && is_digit(at + 1);
    (0..bytes.len()).all(fits).then(|| text.replace('_', ""))
}

/// `[+-]0xHEX[.HEX]p[+-]DIGITS`.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = unsigned.get(2..)?.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || digits.len() > 30 {
        return None;
    }
    let value = u128::from_str_radix(&digits, 16).ok()? as f64;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(4 * fraction.len() as i32)?;
    Some(sign * value * 2f64.powi(exponent))
}

/// NaN and the infinities as Go writes them.
pub(crate) fn special_float(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        return Some("NaN");
    }
    match value {
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(
            quote("a\"b\\\n\x01é\u{200b}\u{301}\u{7f}"),
            r#""a\"b\\\n\x01é\u200b"#.to_owned() + "\u{301}" + r#"\x7f""#
        );
        assert_eq!(quote_bytes(b"a\xff"), r#""a\xff""#);
        assert_eq!(to_valid_utf8(b"a\xff\xfeb".to_vec()), "a\u{fffd}b");
    }

    #[test]
    fn floats() {
        for (value, text) in [
            (1e21, "1e+21"),
            (1e20, "1e+20"),
            (123_456.5, "123456.5"),
            (1_234_567.0, "1.234567e+06"),
            (1.5, "1.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.0, "-0"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(format_float_g(value), text);
        }
    }
}
