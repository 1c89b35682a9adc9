//! `STRING.format([…])`: the clauses `%s %d %f %e %b %o %x %X`.

use std::fmt::Write;

use super::duration;
use super::go::{format_float_g, quote, quote_bytes, special_float};
use super::timestamp::Timestamp;

/// Digits after the point unless a clause says otherwise.
const DEFAULT_PRECISION: usize = 6;
/// No clause may ask for more digits or width.
const MAX_PRECISION: usize = 1_000_000;
/// A float has no more digits after the point than this.
const MAX_FLOAT_DIGITS: usize = 1100;
/// No result is longer, in bytes.
const MAX_RESULT: usize = 32 << 20;

/// What can be formatted: a view of a value.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(&'a str),
    Bytes(&'a [u8]),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Timestamp),
    /// A type, by its name.
    Type(&'a str),
    List(Vec<Arg<'a>>),
    Map(Vec<(Arg<'a>, Arg<'a>)>),
    /// Anything else, by the name of its type.
    Other(&'a str),
}

impl Arg<'_> {
    fn type_name(&self) -> &str {
        match self {
            Arg::Null => "null_type",
            Arg::Bool(_) => "bool",
            Arg::Int(_) => "int",
            Arg::Uint(_) => "uint",
            Arg::Double(_) => "double",
            Arg::String(_) => "string",
            Arg::Bytes(_) => "bytes",
            Arg::Duration(_) => "google.protobuf.Duration",
            Arg::Timestamp(_) => "google.protobuf.Timestamp",
            Arg::Type(_) => "type",
            Arg::List(_) => "list",
            Arg::Map(_) => "map",
            Arg::Other(name) => name,
        }
    }
}

/// What a clause turns its argument into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clause {
    String,
    Decimal,
    Fixed(Option<usize>),
    Scientific(Option<usize>),
    Binary,
    Octal,
    Hex,
    HexUpper,
}

/// A piece of a format string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece<'f> {
    Text(&'f str),
    /// A clause with the number of its argument.
    Clause(Clause, usize),
}

/// Formats `args` by `format`; the error as the reference words it.
pub(crate) fn format(format: &str, args: &[Arg<'_>]) -> Result<String, String> {
    let mut text = String::with_capacity(format.len());
    for piece in Pieces::new(format, args.len()) {
        match piece? {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Clause(clause, index) => text.push_str(
                &apply(clause, &args[index])
                    .map_err(|error| format!("error during formatting: {error}"))?,
            ),
        }
        if text.len() > MAX_RESULT {
            return Err("result of format is too long".into());
        }
    }
    Ok(text)
}

/// Reads a format string piece by piece; ends after the first error.
pub(crate) struct Pieces<'f> {
    rest: &'f str,
    n_args: usize,
    next_arg: usize,
}

impl<'f> Pieces<'f> {
    /// For a format with that many arguments.
    pub(crate) fn new(format: &'f str, n_args: usize) -> Pieces<'f> {
        Pieces { rest: format, n_args, next_arg: 0 }
    }

    fn clause(&mut self) -> Result<Piece<'f>, String> {
        let index = self.next_arg;
        if index >= self.n_args {
            return Err(format!("index {index} out of range"));
        }
        if self.rest.len() == 1 {
            return Err("unexpected end of string".into());
        }
        let (clause, n_read) = parse_clause(&self.rest.as_bytes()[1..])
            .map_err(|error| format!("could not parse formatting clause: {error}"))?;
        self.rest = &self.rest[1 + n_read..];
        self.next_arg += 1;
        Ok(Piece::Clause(clause, index))
    }
}

impl<'f> Iterator for Pieces<'f> {
    type Item = Result<Piece<'f>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some(after) = self.rest.strip_prefix("%%") {
            let percent = &self.rest[..1];
            self.rest = after;
            return Some(Ok(Piece::Text(percent)));
        }
        if self.rest.starts_with('%') {
            let clause = self.clause();
            if clause.is_err() {
                self.rest = "";
            }
            return Some(clause);
        }
        let (text, rest) = self.rest.split_at(self.rest.find('%').unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(Ok(Piece::Text(text)))
    }
}

fn parse_clause(bytes: &[u8]) -> Result<(Clause, usize), String> {
    let (precision, n_read) = parse_precision(bytes)
        .map_err(|error| format!("error while parsing precision: {error}"))?;
    let clause = match bytes.get(n_read).copied().unwrap_or_default() {
        b's' => Clause::String,
        b'd' => Clause::Decimal,
        b'f' => Clause::Fixed(precision),
        b'e' => Clause::Scientific(precision),
        b'b' => Clause::Binary,
        b'o' => Clause::Octal,
        b'x' => Clause::Hex,
        b'X' => Clause::HexUpper,
        // A byte is shown as the character of that number.
        other => {
            return Err(format!("unrecognized formatting clause \"{}\"", char::from(other)));
        }
    };
    Ok((clause, n_read + 1))
}

fn parse_precision(bytes: &[u8]) -> Result<(Option<usize>, usize), String> {
    if bytes.first() != Some(&b'.') {
        return Ok((None, 0));
    }
    let n_digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if n_digits + 1 == bytes.len() {
        return Err("could not find end of precision specifier".into());
    }
    let digits = String::from_utf8_lossy(&bytes[1..=n_digits]);
    if let Ok(precision) = digits.parse::<i64>() {
        return Ok((Some(precision as usize), n_digits + 1));
    }
    let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
    Err(format!(
        "error while converting precision to integer: strconv.Atoi: parsing {}: {why}",
        quote(&digits)
    ))
}

fn apply(clause: Clause, arg: &Arg<'_>) -> Result<String, String> {
    match (clause, arg) {
        (Clause::String, arg) => string(arg),
        (Clause::Decimal, arg) => decimal(arg),
        (Clause::Fixed(precision), arg) => {
            fixed(float(arg, "fixed-point")?, precision.unwrap_or(DEFAULT_PRECISION))
        }
        (Clause::Scientific(width), arg) => {
            scientific(float(arg, "scientific")?, width.unwrap_or(DEFAULT_PRECISION))
        }
        (Clause::Binary, Arg::Bool(value)) => Ok(u8::from(*value).to_string()),
        (Clause::Binary, Arg::Int(value)) => {
            Ok(signed(*value, format!("{:b}", value.unsigned_abs())))
        }
        (Clause::Binary, Arg::Uint(value)) => Ok(format!("{value:b}")),
        (Clause::Octal, Arg::Int(value)) => {
            Ok(signed(*value, format!("{:o}", value.unsigned_abs())))
        }
        (Clause::Octal, Arg::Uint(value)) => Ok(format!("{value:o}")),
        (Clause::Hex, arg) => hex(arg),
        (Clause::HexUpper, arg) => hex(arg).map(|text| text.to_ascii_uppercase()),
        (Clause::Binary, arg) => Err(format!(
            "only integers and bools can be formatted as binary, was given {}",
            arg.type_name()
        )),
        (Clause::Octal, arg) => {
            Err(format!("octal clause can only be used on integers, was given {}", arg.type_name()))
        }
    }
}

fn signed(value: i64, digits: String) -> String {
    if value < 0 { format!("-{digits}") } else { digits }
}

fn hex(arg: &Arg<'_>) -> Result<String, String> {
    let bytes = |bytes: &[u8]| {
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
    };
    match arg {
        Arg::Int(value) => Ok(signed(*value, format!("{:x}", value.unsigned_abs()))),
        Arg::Uint(value) => Ok(format!("{value:x}")),
        Arg::String(text) => Ok(bytes(text.as_bytes())),
        Arg::Bytes(value) => Ok(bytes(value)),
        arg => Err(format!(
            "only integers, byte buffers, and strings can be formatted as hex, was given {}",
            arg.type_name()
        )),
    }
}

fn decimal(arg: &Arg<'_>) -> Result<String, String> {
    match arg {
        Arg::Int(value) => Ok(value.to_string()),
        Arg::Uint(value) => Ok(value.to_string()),
        arg => Err(format!(
            "decimal clause can only be used on integers, was given {}",
            arg.type_name()
        )),
    }
}

fn string(arg: &Arg<'_>) -> Result<String, String> {
    Ok(match arg {
        Arg::Null => "null".into(),
        Arg::Bool(value) => value.to_string(),
        Arg::Int(value) => value.to_string(),
        Arg::Uint(value) => value.to_string(),
        Arg::Double(value) => format_float_g(*value),
        Arg::String(text) => (*text).into(),
        Arg::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => {
                return Err("could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string".into());
            }
        },
        Arg::Duration(nanos) => duration::format(*nanos),
        Arg::Timestamp(timestamp) => timestamp.format(),
        Arg::Type(name) => (*name).into(),
        Arg::List(_) | Arg::Map(_) => return nested(arg),
        Arg::Other(name) => {
            return Err(format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {name}"
            ));
        }
    })
}

/// A value inside a list or map, written as a CEL literal.
fn nested(arg: &Arg<'_>) -> Result<String, String> {
    Ok(match arg {
        Arg::String(text) => quote(text),
        Arg::Bytes(bytes) => {
            string(arg)?;
            format!("b{}", quote_bytes(bytes))
        }
        Arg::Double(value) => match special_float(*value) {
            Some(special) => format!("\"{special}\""),
            None => format!("{value:.6}"),
        },
        Arg::Duration(nanos) => format!("duration({})", quote(&duration::format(*nanos))),
        Arg::Timestamp(timestamp) => format!("timestamp({})", quote(&timestamp.format())),
        Arg::List(items) => {
            let items: Vec<String> = items.iter().map(nested).collect::<Result<_, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Arg::Map(entries) => {
            let mut pairs = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                if !matches!(key, Arg::String(_) | Arg::Bool(_) | Arg::Int(_) | Arg::Uint(_)) {
                    return Err(format!(
                        "no formatting function for map key of type {}",
                        key.type_name()
                    ));
                }
                pairs.push((nested(key)?, nested(value)?));
            }
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs: Vec<String> =
                pairs.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Arg::Other(name) => return Err(format!("no formatting function for {name}")),
        arg => string(arg)?,
    })
}

fn float(arg: &Arg<'_>, clause: &str) -> Result<f64, String> {
    match arg {
        Arg::Double(value) => Ok(*value),
        Arg::String("NaN") => Ok(f64::NAN),
        Arg::String("Infinity") => Ok(f64::INFINITY),
        Arg::String("-Infinity") => Ok(f64::NEG_INFINITY),
        arg => Err(format!(
            "{clause} clause can only be used on doubles, was given {}",
            arg.type_name()
        )),
    }
}

/// NaN and the infinities as American English writes them.
fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        return Some("NaN");
    }
    match value {
        f64::INFINITY => Some("∞"),
        f64::NEG_INFINITY => Some("-∞"),
        _ => None,
    }
}

fn fixed(value: f64, precision: usize) -> Result<String, String> {
    if precision > MAX_PRECISION {
        return Err("precision is too large".into());
    }
    if let Some(special) = special(value) {
        return Ok(special.into());
    }
    let n_digits = precision.min(MAX_FLOAT_DIGITS);
    // A negative zero loses its sign; what is rounded to zero keeps it.
    let text = format!("{:.n_digits$}", if value == 0.0 { 0.0 } else { value });
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if precision > 0 {
        grouped.push('.');
        grouped.push_str(fraction);
        grouped.extend(std::iter::repeat_n('0', precision - n_digits));
    }
    Ok(grouped)
}

/// The number in the clause is, in the reference, not a precision but a width.
fn scientific(value: f64, width: usize) -> Result<String, String> {
    if width > MAX_PRECISION {
        return Err("precision is too large".into());
    }
    let text = if let Some(special) = special(value) {
        special.to_owned()
    } else {
        let text = format!("{:.DEFAULT_PRECISION$e}", if value == 0.0 { 0.0 } else { value });
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{mantissa}×10{}", superscript(exponent))
    };
    let n_missing = width.saturating_sub(text.chars().count());
    Ok(format!("{}{text}", " ".repeat(n_missing)))
}

/// An exponent of at least two digits.
fn superscript(exponent: &str) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ("⁻", digits),
        None => ("", exponent),
    };
    let digits = format!("{digits:0>2}");
    let raised = digits.bytes().map(|byte| DIGITS[usize::from(byte - b'0')]);
    sign.chars().chain(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses() {
        for (text, arg, expected) in [
            ("%f", Arg::Double(1_234_567.891), "1,234,567.891000"),
            ("%.0f", Arg::Double(2.5), "2"),
            ("%.3f", Arg::Double(-0.0), "0.000"),
            ("%.3f", Arg::Double(-0.0001), "-0.000"),
            ("%f", Arg::String("-Infinity"), "-∞"),
            ("%e", Arg::Double(1500.0), "1.500000×10⁰³"),
            ("%.30e", Arg::Double(0.1), "                1.000000×10⁻⁰¹"),
            ("%e", Arg::Double(f64::NAN), "   NaN"),
            ("%b|", Arg::Int(-5), "-101|"),
            ("%X", Arg::Int(-255), "-FF"),
            ("%x", Arg::String("hello"), "68656c6c6f"),
            ("%o%%", Arg::Uint(8), "10%"),
            ("%s", Arg::Double(1e21), "1e+21"),
            (
                "%s",
                Arg::List(vec![Arg::Double(1.5), Arg::String("q\""), Arg::Null]),
                r#"[1.500000, "q\"", null]"#,
            ),
            (
                "%s",
                Arg::Map(vec![
                    (Arg::String("b"), Arg::Int(1)),
                    (Arg::Bool(true), Arg::Duration(90_000_000_000)),
                ]),
                r#"{"b":1, true:duration("90s")}"#,
            ),
        ] {
            assert_eq!(format(text, &[arg]).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors() {
        for (text, error) in [
            (
                "%d",
                "error during formatting: decimal clause can only be used on integers, was given double",
            ),
            ("%s%s", "index 1 out of range"),
            ("%", "unexpected end of string"),
            ("%q", "could not parse formatting clause: unrecognized formatting clause \"q\""),
            (
                "%.2",
                "could not parse formatting clause: error while parsing precision: could not find end of precision specifier",
            ),
        ] {
            assert_eq!(format(text, &[Arg::Double(1.0)]).unwrap_err(), error);
        }
    }
}
