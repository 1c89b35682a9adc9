//! What a scalar means: YAML 1.1 as the API machinery's decoder resolves it, and
//! what is left of it after its detour through JSON.

/// A resolved scalar.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str,
    Merge,
    /// A number that JSON cannot hold (`.inf`, `.nan`).
    NotJson,
}

/// Resolves a plain scalar, or one with an explicit core tag.
pub(crate) fn resolve(text: &str, tagged: bool) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => return Scalar::NotJson,
        "<<" => return Scalar::Merge,
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => go_float(text).map_or(Scalar::Str, number),
        b'0'..=b'9' | b'+' | b'-' => {
            if !tagged && is_timestamp(text) {
                return Scalar::Str;
            }
            let plain: std::borrow::Cow<'_, str> =
                if text.contains('_') { text.replace('_', "").into() } else { text.into() };
            integer(&plain).unwrap_or_else(|| {
                if is_float(&plain) {
                    go_float(&plain).map_or(Scalar::Str, number)
                } else {
                    Scalar::Str
                }
            })
        }
        _ => Scalar::Str,
    }
}

/// A float as JSON and back: integral ones below 1e21 are printed without a
/// fraction and so become integers.
fn number(value: f64) -> Scalar {
    if !value.is_finite() {
        return Scalar::NotJson;
    }
    if value == 0.0 {
        return if value.is_sign_negative() { Scalar::Float(-0.0) } else { Scalar::Int(0) };
    }
    if value.fract() == 0.0 && value.abs() < 1e21 {
        let digits = format!("{value:.0}");
        if let Ok(int) = digits.parse() {
            return Scalar::Int(int);
        }
    }
    Scalar::Float(value)
}

/// `strconv.ParseInt(s, 0, 64)`, then `ParseUint`: decimal, `0x`, `0o`, `0b`, and
/// octal with a leading zero.
fn integer(text: &str) -> Option<Scalar> {
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
        return i64::try_from(value).ok().map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if signed => None,
        Err(_) => u64::try_from(magnitude).ok().map(Scalar::UInt),
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

/// `strconv.ParseFloat`; out of range is an error there.
fn go_float(text: &str) -> Option<f64> {
    let ok = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = ok.then(|| text.parse().ok()).flatten()?;
    value.is_finite().then_some(value)
}

/// The timestamp forms that the decoder recognizes; they stay text.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let date_end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let mut parts = text[5..date_end].split('-');
    let field = |part: Option<&str>, most: u32| {
        part.is_some_and(|part| {
            (1..=2).contains(&part.len())
                && part.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number))
        })
    };
    field(parts.next(), 12) && field(parts.next(), 31) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{Scalar, resolve};

    #[test]
    fn scalars_mean_what_the_api_machinery_reads() {
        for (text, expected) in [
            ("0755", Scalar::Int(493)),
            ("0o17", Scalar::Int(15)),
            ("0b11", Scalar::Int(3)),
            ("0x1F", Scalar::Int(31)),
            ("1_000", Scalar::Int(1000)),
            ("089", Scalar::Int(89)),
            ("190:20:30", Scalar::Str),
            ("1.0", Scalar::Int(1)),
            ("1.5e3", Scalar::Int(1500)),
            ("1.25", Scalar::Float(1.25)),
            (".5", Scalar::Float(0.5)),
            ("18446744073709551615", Scalar::UInt(u64::MAX)),
            ("yes", Scalar::Bool(true)),
            ("n", Scalar::Bool(false)),
            ("NO", Scalar::Bool(false)),
            ("~", Scalar::Null),
            (".inf", Scalar::NotJson),
            ("2024-01-01", Scalar::Str),
            ("1.2.3", Scalar::Str),
            ("-", Scalar::Str),
            ("+1", Scalar::Int(1)),
        ] {
            assert_eq!(resolve(text, false), expected, "{text}");
        }
    }
}
