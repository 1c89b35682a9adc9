//! What a scalar means: YAML 1.1 as the API machinery's decoder resolves it, and
//! what is left of it after its detour through JSON.

use std::borrow::Cow;

/// A resolved scalar.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str,
    /// A number that JSON cannot hold, as a key has it (`.inf`, `.nan`).
    Infinite(&'static str),
}

/// Resolves a plain scalar, or one with a tag that asks for it.
pub(crate) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Infinite(".nan"),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Resolved::Infinite(".inf");
        }
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Infinite("-.inf"),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => go_float(text).map_or(Resolved::Str, number),
        // A time stays text, and no time is a number.
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = without_underscores(text);
            integer(&plain).or_else(|| float(&plain).map(number)).unwrap_or(Resolved::Str)
        }
        _ => Resolved::Str,
    }
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') { text.replace('_', "").into() } else { text.into() }
}

/// Whether a text is an integer, not a float that has no fraction.
pub(crate) fn is_integer(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
        && integer(&without_underscores(text)).is_some()
}

/// A float as JSON and back: one without fraction below 1e21 is printed without
/// it, and so becomes an integer where it fits.
pub(crate) fn number(value: f64) -> Resolved {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // Of a large one the digits behind those that matter are zeros.
        if let Ok(int) = value.to_string().parse() {
            return Resolved::Int(int);
        }
    }
    Resolved::Float(value)
}

/// A number as a key: an integer in decimal, a float with the precision of 32
/// bits. None for an integer that only fits 64 bits without a sign.
pub(crate) fn number_key(text: &str) -> Option<String> {
    let plain = without_underscores(text);
    match integer(&plain).filter(|_| is_integer(text)) {
        Some(Resolved::Int(value)) => Some(value.to_string()),
        Some(_) => None,
        None => float(&plain).or_else(|| go_float(text)).map(shortest_of_32_bits),
    }
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`, with YAML's name of infinity.
fn shortest_of_32_bits(value: f64) -> String {
    let value = value as f32;
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Without a given precision Go decides as for six digits.
    if (-4..6).contains(&exponent) && value != 0.0 {
        return format!("{value}");
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `strconv.ParseInt(s, 0, 64)`, then `ParseUint`: decimal, `0x`, `0o`, `0b`, and
/// octal with a leading zero.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| (byte as char).is_digit(radix)) {
        return None;
    }
    let signed = text.starts_with(['-', '+']);
    let magnitude = u128::from_str_radix(digits, radix).ok()?;
    if negative {
        let value = i128::try_from(magnitude).ok()?.checked_neg()?;
        return i64::try_from(value).ok().map(Resolved::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Resolved::Int(value)),
        Err(_) if signed => None,
        Err(_) => u64::try_from(magnitude).ok().map(Resolved::UInt),
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_fits
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        })
}

/// A float in YAML's form.
fn float(text: &str) -> Option<f64> {
    is_float(text).then(|| go_float(text)).flatten()
}

/// `strconv.ParseFloat`; out of range is an error there.
fn go_float(text: &str) -> Option<f64> {
    let ok = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = ok.then(|| text.parse().ok()).flatten()?;
    value.is_finite().then_some(value)
}

/// The forms of a time that the decoder recognizes: a date; date and time with
/// `T` and a zone; date and time with a space and none.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let Some((date, rest)) =
        text.find(['T', 't', ' ']).map_or(Some((text, "")), |at| text.split_at_checked(at))
    else {
        return false;
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let year = year.filter(|year| year.len() == 4).and_then(|year| digits(year, 4, 9999));
    let month = month.and_then(|month| digits(month, 2, 12)).filter(|month| *month > 0);
    let (Some(year), Some(month)) = (year, month) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let n_days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_date = parts.next().is_none()
        && day.and_then(|day| digits(day, 2, n_days)).is_some_and(|day| day > 0);
    is_date
        && match rest.as_bytes() {
            [] => true,
            [b' ', ..] => is_clock(&rest[1..]),
            _ => {
                split_zone(&rest[1..]).is_some_and(|(clock, zone)| is_clock(clock) && is_zone(zone))
            }
        }
}

/// At most `most` digits and a number up to `limit`.
fn digits(text: &str, most: usize, limit: u32) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = (all && text.len() <= most).then(|| text.parse().ok()).flatten();
    number.filter(|number| *number <= limit)
}

fn is_clock(text: &str) -> bool {
    let (clock, fraction) = match text.find(['.', ',']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts[..] else { return false };
    let fits = |part: &str, limit| digits(part, 2, limit).is_some();
    let fraction_fits = fraction.is_none_or(|fraction| {
        !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    fits(hour, 23) && fits(minute, 59) && fits(second, 59) && fraction_fits
}

fn split_zone(text: &str) -> Option<(&str, &str)> {
    text.find(['Z', '+', '-']).map(|at| text.split_at(at))
}

fn is_zone(text: &str) -> bool {
    let bytes = text.as_bytes();
    text == "Z"
        || bytes.len() == 6
            && bytes[3] == b':'
            && digits(&text[1..3], 2, 24).is_some()
            && digits(&text[4..], 2, 60).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Resolved, is_timestamp, number_key, resolve};

    #[test]
    fn times_and_number_keys() {
        for text in
            ["2024-1-1", "2024-1-1 1:2:3", "2024-01-01T00:00:00Z", "2024-01-01t0:0:0.5+01:00"]
        {
            assert!(is_timestamp(text), "{text}");
        }
        for text in ["2024-02-30", "2024-1-1 ", "2024-01-01T00:00:00", "24-1-1"] {
            assert!(!is_timestamp(text), "{text}");
        }
        assert_eq!(number_key("1e6").as_deref(), Some("1e+06"));
        assert_eq!(number_key("0x10").as_deref(), Some("16"));
        assert_eq!(number_key("18446744073709551615"), None);
    }

    #[test]
    fn scalars_mean_what_the_api_machinery_reads() {
        for (text, expected) in [
            ("0755", Resolved::Int(493)),
            ("0o17", Resolved::Int(15)),
            ("0b11", Resolved::Int(3)),
            ("0x1F", Resolved::Int(31)),
            ("1_000", Resolved::Int(1000)),
            ("089", Resolved::Int(89)),
            ("190:20:30", Resolved::Str),
            ("1.0", Resolved::Int(1)),
            ("1.5e3", Resolved::Int(1500)),
            ("1.25", Resolved::Float(1.25)),
            (".5", Resolved::Float(0.5)),
            ("18446744073709551615", Resolved::UInt(u64::MAX)),
            ("yes", Resolved::Bool(true)),
            ("n", Resolved::Bool(false)),
            ("NO", Resolved::Bool(false)),
            ("~", Resolved::Null),
            (".inf", Resolved::Infinite(".inf")),
            ("2024-01-01", Resolved::Str),
            ("1.2.3", Resolved::Str),
            ("-", Resolved::Str),
            ("+1", Resolved::Int(1)),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
