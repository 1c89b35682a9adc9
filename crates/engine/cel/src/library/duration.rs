//! Durations: signed nanoseconds in 64 bits, in Go's syntax.

use super::go::format_float_f;

const SECOND: i64 = 1_000_000_000;
/// One past the largest duration.
const LIMIT: u64 = 1 << 63;

/// Reads `1h30m`, `-1.5s`, `100us`; nanoseconds, or none if it is no duration.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, n_whole) = leading_int(rest)?;
        rest = &rest[n_whole..];
        let (mut fraction, mut scale, mut n_fraction) = (0, 1.0, 0);
        if let Some(after) = rest.strip_prefix('.') {
            (fraction, scale, n_fraction) = leading_fraction(after);
            rest = &after[n_fraction..];
        }
        if n_whole == 0 && n_fraction == 0 {
            return None;
        }
        let end = rest.find(|char: char| char == '.' || char.is_ascii_digit());
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let unit = unit(name)?;
        if whole > LIMIT / unit {
            return None;
        }
        let mut value = whole * unit;
        if fraction > 0 {
            value = value.wrapping_add((fraction as f64 * (unit as f64 / scale)) as u64);
            if value > LIMIT {
                return None;
            }
        }
        total = total.wrapping_add(value);
        if total > LIMIT {
            return None;
        }
    }
    if negative {
        return Some((total as i64).wrapping_neg());
    }
    i64::try_from(total).ok()
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn leading_int(text: &str) -> Option<(u64, usize)> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut value = 0_u64;
    for digit in text[..n_digits].bytes() {
        if value > LIMIT / 10 {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
        if value > LIMIT {
            return None;
        }
    }
    Some((value, n_digits))
}

/// Digits after the point, as many as fit, and the power of ten they stand over.
fn leading_fraction(text: &str) -> (u64, f64, usize) {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in text[..n_digits].bytes() {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value, scale, n_digits)
}

/// As CEL prints it: seconds, `5400s`, `0.5s`.
pub(crate) fn format(nanos: i64) -> String {
    format!("{}s", format_float_f(seconds(nanos)))
}

/// Seconds as a float, computed as Go does.
pub(crate) fn seconds(nanos: i64) -> f64 {
    (nanos / SECOND) as f64 + (nanos % SECOND) as f64 / 1e9
}

/// Whole hours, toward zero.
pub(crate) fn hours(nanos: i64) -> i64 {
    nanos / (3600 * SECOND)
}

/// Whole minutes, toward zero.
pub(crate) fn minutes(nanos: i64) -> i64 {
    nanos / (60 * SECOND)
}

/// Whole seconds, toward zero.
pub(crate) fn whole_seconds(nanos: i64) -> i64 {
    // Through a float, as the reference does; it may round the last second up.
    seconds(nanos) as i64
}

/// Whole milliseconds, toward zero.
pub(crate) fn milliseconds(nanos: i64) -> i64 {
    nanos / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_syntax() {
        for (text, nanos) in [
            ("0", Some(0)),
            ("1h30m", Some(5400 * SECOND)),
            ("-1.5s", Some(-1_500_000_000)),
            (".5ms", Some(500_000)),
            ("1µs", Some(1_000)),
            ("+5s", Some(5 * SECOND)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("1d", None),
            ("1", None),
            ("", None),
            (".s", None),
            ("1h -3m", None),
            ("2562048h", None),
        ] {
            assert_eq!(parse(text), nanos, "{text}");
        }
    }

    #[test]
    fn printed_in_seconds() {
        assert_eq!(format(90 * SECOND), "90s");
        assert_eq!(format(-1_500_000_000), "-1.5s");
        assert_eq!(format(1), "0.000000001s");
    }
}
