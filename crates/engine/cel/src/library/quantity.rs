//! Kubernetes quantities: `100m`, `1.5Gi`, `2e3`.
//!
//! A quantity is exact at any size. Like the API machinery it has two forms: a
//! 64-bit integer with a decimal scale, and a big decimal once the text does not
//! fit that. The form shows: only the small one can be an integer to CEL.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

mod decimal;

pub(crate) use decimal::Decimal;

const ERR_FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const ERR_NUMERIC: &str = "unable to parse numeric part of quantity";
const ERR_SUFFIX: &str = "unable to parse quantity's suffix";

/// The smallest exponent kept; anything finer is rounded away from zero.
const NANO: i32 = -9;
/// Decimal digits that always fit the small form.
const MAX_SMALL_DIGITS: i64 = 18;

/// A parsed or computed quantity.
#[derive(Debug)]
pub(crate) struct Quantity {
    amount: Amount,
    /// Comparing with a big quantity turns the left side big for good, in the
    /// API machinery and so here: it is not an integer to CEL from then on.
    widened: AtomicBool,
    /// Whether arithmetic made it: `==` refuses such a value on its right side.
    computed: bool,
}

#[derive(Clone, Debug)]
enum Amount {
    /// `value * 10^exponent`.
    Small {
        value: i64,
        exponent: i32,
    },
    Big(Decimal),
}

impl Clone for Quantity {
    fn clone(&self) -> Quantity {
        Quantity {
            amount: self.amount.clone(),
            widened: AtomicBool::new(self.widened.load(Memory::Relaxed)),
            computed: self.computed,
        }
    }
}

impl Quantity {
    fn new(amount: Amount) -> Quantity {
        Quantity { amount, widened: AtomicBool::new(false), computed: false }
    }

    /// Reads a quantity's text; errors as the API machinery words them.
    pub(crate) fn parse(text: &str) -> Result<Quantity, String> {
        if text.is_empty() {
            return Err(ERR_FORMAT.into());
        }
        let parts = Parts::split(text)?;
        let suffix = Suffix::interpret(parts.suffix).ok_or(ERR_SUFFIX)?;
        if let Some(small) = parts.small(suffix)? {
            return Ok(Quantity::new(small));
        }
        parts.big(suffix).map(Quantity::new)
    }

    /// An integer as a quantity.
    pub(crate) fn from_int(value: i64) -> Quantity {
        Quantity::new(Amount::Small { value, exponent: 0 })
    }

    fn is_big(&self) -> bool {
        matches!(self.amount, Amount::Big(_)) || self.widened.load(Memory::Relaxed)
    }

    fn decimal(&self) -> Decimal {
        match &self.amount {
            Amount::Small { value, exponent } => Decimal::new(*value, -i64::from(*exponent)),
            Amount::Big(decimal) => decimal.clone(),
        }
    }

    /// Whether `==` may have it on its right side.
    pub(crate) fn is_computed(&self) -> bool {
        self.computed
    }

    /// The integer, when the small form holds one exactly.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self.amount {
            _ if self.is_big() => None,
            Amount::Small { value, exponent: 0 } => Some(value),
            Amount::Small { exponent, .. } if exponent < 0 => None,
            Amount::Small { value, exponent } => scale_up(value, exponent),
            Amount::Big(_) => None,
        }
    }

    /// The nearest float, by the API machinery's way of computing it.
    pub(crate) fn as_approximate_float(&self) -> f64 {
        let (base, exponent) = match &self.amount {
            Amount::Small { value, exponent } => (*value as f64, i64::from(*exponent)),
            Amount::Big(decimal) => (decimal.unscaled_as_f64(), -decimal.scale()),
        };
        if exponent == 0 { base } else { base * pow10(exponent) }
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(&self) -> i64 {
        match &self.amount {
            Amount::Small { value, .. } => value.signum(),
            Amount::Big(decimal) => decimal.sign(),
        }
    }

    /// Exact comparison; the left side may lose its integer form (see `widened`).
    pub(crate) fn compare(&self, other: &Quantity) -> Ordering {
        if self.is_big() || other.is_big() {
            self.widened.store(true, Memory::Relaxed);
        }
        self.order(other)
    }

    /// Exact comparison.
    pub(crate) fn order(&self, other: &Quantity) -> Ordering {
        if let (Amount::Small { value: a, exponent: e }, Amount::Small { value: b, exponent: f }) =
            (&self.amount, &other.amount)
            && e == f
        {
            return a.cmp(b);
        }
        self.decimal().compare(&other.decimal())
    }

    /// The sum; an error when it would need unreasonably many digits.
    pub(crate) fn add(&self, other: &Quantity) -> Result<Quantity, String> {
        self.combine(other, false)
    }

    /// The difference.
    pub(crate) fn sub(&self, other: &Quantity) -> Result<Quantity, String> {
        self.combine(other, true)
    }

    fn combine(&self, other: &Quantity, negate: bool) -> Result<Quantity, String> {
        let small = match (&self.amount, &other.amount) {
            _ if self.is_big() || other.is_big() => None,
            (Amount::Small { value: a, exponent: e }, Amount::Small { value: b, exponent: f }) => {
                let b = if negate { b.wrapping_neg() } else { *b };
                add_small((*a, *e), (b, *f))
            }
            _ => None,
        };
        let amount = match small {
            Some((value, exponent)) => Amount::Small { value, exponent },
            None => Amount::Big(self.decimal().add(&other.decimal(), negate)?),
        };
        Ok(Quantity { computed: true, ..Quantity::new(amount) })
    }

    /// As people write it, with a decimal suffix: `2`, `1500m`, `10G`.
    pub(crate) fn text(&self) -> String {
        let canonical = self.canonical();
        let (digits, exponent) = canonical.split_once('e').unwrap_or((&canonical, "0"));
        let exponent: i64 = exponent.parse().unwrap_or_default();
        let group = exponent.div_euclid(3).clamp(-3, 6);
        let n_zeros = usize::try_from(exponent - group * 3).unwrap_or_default();
        let suffix = usize::try_from(group + 3).ok().and_then(|at| DECIMAL.get(at));
        format!("{digits}{}{}", "0".repeat(n_zeros), suffix.unwrap_or(&""))
    }

    /// A quantity as the API machinery writes it, whatever way it was written in
    /// (`k8s.io/apimachinery/pkg/api/resource` `CanonicalizeBytes`): `1000m` is `1`, `0.5`
    /// is `500m`, `1.5Gi` is `1536Mi`; rounded up to `places` after the point where they
    /// are said. None for what is no quantity, or is so large that it has no suffix.
    pub(crate) fn written(text: &str, places: Option<i64>) -> Option<String> {
        let quantity = Quantity::parse(text).ok()?;
        if quantity.sign() == 0 {
            return Some("0".to_owned());
        }
        let mut decimal = quantity.decimal();
        if let Some(places) = places.filter(|places| *places < decimal.scale()) {
            decimal.round_up_to_scale(places);
        }
        let canonical = decimal.canonical();
        let (digits, exponent) = canonical.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let whole = u32::try_from(exponent).ok().and_then(|exponent| {
            digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(exponent)?)
        });
        if let Some(mut whole) = whole.filter(|whole| text.ends_with('i') && whole.abs() >= 1024) {
            let mut power = 0;
            while whole % 1024 == 0 && power + 1 < BINARY.len() {
                whole /= 1024;
                power += 1;
            }
            return Some(format!("{whole}{}", BINARY[power]));
        }
        let group = exponent.div_euclid(3) * 3;
        let n_zeros = usize::try_from(exponent - group).ok()?;
        let number = format!("{digits}{}", "0".repeat(n_zeros));
        let has_exponent = text.find(['e', 'E']).is_some_and(|at| {
            text[at + 1..].starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
        });
        match (has_exponent, group) {
            (_, 0) => Some(number),
            (true, group) => Some(format!("{number}e{group}")),
            (false, group) => {
                let at = usize::try_from(group / 3 + 3).ok()?;
                Some(format!("{number}{}", DECIMAL.get(at)?))
            }
        }
    }

    /// The exact number without trailing zeros, as `DIGITSeEXPONENT`, for comparison.
    pub(crate) fn canonical(&self) -> String {
        self.decimal().canonical()
    }
}

/// By the power of a thousand, from -3 on.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/// By the power of 1024.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

fn add_small(a: (i64, i32), b: (i64, i32)) -> Option<(i64, i32)> {
    if b.0 == 0 {
        return Some(a);
    }
    if a.0 == 0 {
        return Some(b);
    }
    let exponent = a.1.min(b.1);
    let left = scale_up(a.0, a.1.checked_sub(exponent)?)?;
    let right = scale_up(b.0, b.1.checked_sub(exponent)?)?;
    Some((left.checked_add(right)?, exponent))
}

/// `value * 10^exponent`, if it fits. The most negative integer never does.
fn scale_up(value: i64, exponent: i32) -> Option<i64> {
    if value == 0 || exponent == 0 {
        return Some(value);
    }
    if value == i64::MIN {
        return None;
    }
    value.checked_mul(10_i64.checked_pow(u32::try_from(exponent).ok()?)?)
}

/// Powers of ten as the reference puts them together, from a power of 10^32 and
/// a small one: 0 and infinity beyond the range.
fn pow10(exponent: i64) -> f64 {
    let exact = |exponent: i64| format!("1e{exponent}").parse::<f64>().unwrap_or_default();
    match exponent {
        i64::MIN..-323 => 0.0,
        -323..0 => exact(-(-exponent / 32 * 32)) / exact(-exponent % 32),
        0..=308 => exact(exponent / 32 * 32) * exact(exponent % 32),
        _ => f64::INFINITY,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Suffix {
    Decimal(i32),
    Binary(u32),
}

impl Suffix {
    fn interpret(text: &str) -> Option<Suffix> {
        Some(match text {
            "" => Suffix::Decimal(0),
            "n" => Suffix::Decimal(-9),
            "u" => Suffix::Decimal(-6),
            "m" => Suffix::Decimal(-3),
            "k" => Suffix::Decimal(3),
            "M" => Suffix::Decimal(6),
            "G" => Suffix::Decimal(9),
            "T" => Suffix::Decimal(12),
            "P" => Suffix::Decimal(15),
            "E" => Suffix::Decimal(18),
            "Ki" => Suffix::Binary(10),
            "Mi" => Suffix::Binary(20),
            "Gi" => Suffix::Binary(30),
            "Ti" => Suffix::Binary(40),
            "Pi" => Suffix::Binary(50),
            "Ei" => Suffix::Binary(60),
            _ => {
                let digits = text.strip_prefix(['e', 'E'])?;
                // The exponent is cut to 32 bits, as the reference cuts it.
                Suffix::Decimal(digits.parse::<i64>().ok()? as i32)
            }
        })
    }
}

struct Parts<'a> {
    positive: bool,
    /// Sign, digits and point.
    value: &'a str,
    /// Digits before the point without leading zeros, at least "0".
    num: &'a str,
    denom: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Parts<'a>, String> {
        let bytes = text.as_bytes();
        let digits_to = |from: usize| {
            from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let positive = bytes[0] != b'-';
        let start = usize::from(matches!(bytes[0], b'-' | b'+'));
        let first = start + bytes[start..].iter().take_while(|&&byte| byte == b'0').count();
        let num_end = digits_to(first);
        let num = if num_end == first { "0" } else { &text[first..num_end] };
        let (mut end, mut denom) = (num_end, "");
        if bytes.get(end) == Some(&b'.') {
            end = digits_to(num_end + 1);
            denom = &text[num_end + 1..end];
        }
        if end == bytes.len() {
            // A text of zeros alone is "0" without its sign.
            let value = if first == bytes.len() { "0" } else { text };
            return Ok(Parts { positive, value, num, denom, suffix: "" });
        }
        let mut at =
            end + bytes[end..].iter().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
        if at < bytes.len() && matches!(bytes[at], b'-' | b'+') {
            at += 1;
        }
        if digits_to(at) != bytes.len() {
            return Err(ERR_FORMAT.into());
        }
        Ok(Parts { positive, value: &text[..end], num, denom, suffix: &text[end..] })
    }

    fn small(&self, suffix: Suffix) -> Result<Option<Amount>, String> {
        let n_digits = (self.num.len() + self.denom.len()) as i64;
        let (precision, mantissa, exponent) = match suffix {
            Suffix::Decimal(exponent) => (MAX_SMALL_DIGITS - n_digits, 1, exponent),
            Suffix::Binary(bits) if self.denom.is_empty() => {
                let precision = 14 - self.num.len() as i64 - i64::from(bits * 3 / 10);
                (precision, 1_i64 << bits, 0)
            }
            Suffix::Binary(_) => return Ok(None),
        };
        if precision < 0 {
            return Ok(None);
        }
        let exponent = exponent.wrapping_sub(self.denom.len() as i32);
        if exponent < NANO {
            return Ok(None);
        }
        let digits: i64 =
            format!("{}{}", self.num, self.denom).parse().map_err(|_| ERR_NUMERIC.to_owned())?;
        Ok(digits.checked_mul(mantissa).map(|value| Amount::Small {
            value: if self.positive { value } else { -value },
            exponent,
        }))
    }

    fn big(&self, suffix: Suffix) -> Result<Amount, String> {
        let mut decimal = Decimal::parse(self.value).ok_or(ERR_NUMERIC)?;
        match suffix {
            Suffix::Decimal(exponent) => decimal.shift(i64::from(exponent)),
            Suffix::Binary(bits) => decimal.multiply(1_u64 << bits),
        }
        decimal.round_up_to_scale(i64::from(-NANO));
        if matches!(suffix, Suffix::Binary(_)) {
            decimal.cap_magnitude(i64::MAX);
        }
        Ok(Amount::Big(decimal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn suffixes_and_forms() {
        for (text, canonical, integer) in [
            ("0", "0e0", Some(0)),
            ("100m", "1e-1", None),
            ("1.5G", "15e8", Some(1_500_000_000)),
            ("1536Mi", "1610612736e0", Some(1_610_612_736)),
            ("1.5Gi", "1610612736e0", None),
            ("1e3", "1e3", Some(1000)),
            ("1k", "1e3", Some(1000)),
            ("-2.50", "-25e-1", None),
            ("1E", "1e18", Some(1_000_000_000_000_000_000)),
            ("10E", "1e19", None),
            ("9223372036854775807", "9223372036854775807e0", None),
            ("1Ei", "1152921504606846976e0", None),
            ("100Ei", "9223372036854775807e0", None),
            (".", "0e0", Some(0)),
            ("+", "0e0", Some(0)),
            ("0.0000000001", "1e-9", None),
            ("-0.00000000011", "-1e-9", None),
            (
                "9999999999999999999999999999999999999G",
                "9999999999999999999999999999999999999e9",
                None,
            ),
        ] {
            assert_eq!(q(text).canonical(), canonical, "{text}");
            assert_eq!(q(text).as_integer(), integer, "{text}");
        }
        for (text, error) in [
            ("", ERR_FORMAT),
            ("1e", ERR_SUFFIX),
            ("1.2.3", ERR_FORMAT),
            ("1 ", ERR_FORMAT),
            ("abc", ERR_FORMAT),
            ("1ki", ERR_SUFFIX),
            (".Ei", ERR_NUMERIC),
        ] {
            assert_eq!(Quantity::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_the_api_machinery_writes_them() {
        for (text, written) in [
            ("0", "0"),
            ("0Gi", "0"),
            ("1", "1"),
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1500m", "1500m"),
            ("2000", "2k"),
            ("1e3", "1e3"),
            ("10e3", "10e3"),
            ("1E", "1E"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("100Mi", "100Mi"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("1000Ki", "1000Ki"),
            ("1025e0", "1025"),
            ("-2.50", "-2500m"),
            ("0.0000000001", "1n"),
        ] {
            assert_eq!(Quantity::written(text, None).as_deref(), Some(written), "{text}");
        }
        for text in ["", "a", "1ki"] {
            assert_eq!(Quantity::written(text, None), None, "{text}");
        }
        for (text, written) in [
            ("1500u", "2m"),
            ("-1500u", "-2m"),
            ("1n", "1m"),
            ("1.1Gi", "1181116006400m"),
            ("0.0015e0", "2e-3"),
            ("1500m", "1500m"),
            ("12e6", "12e6"),
        ] {
            assert_eq!(Quantity::written(text, Some(3)).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn comparison_is_exact() {
        let ordered = [
            "-1E",
            "-1",
            "-1n",
            "0",
            "1n",
            "0.1",
            "100m1".split_at(4).0,
            "1Ki",
            "1025",
            "1e400",
            "1e401",
        ];
        for pair in ordered.windows(2) {
            assert_ne!(q(pair[0]).order(&q(pair[1])), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(q("0.1").add(&q("0.2")).unwrap().order(&q("0.3")), Ordering::Equal);
        assert_eq!(q("1e1000000000").order(&q("1e999999999")), Ordering::Greater);
        assert!(q("1e1000000000").add(&q("12345678901234567890")).is_err());
    }

    #[test]
    fn comparing_with_a_big_one_widens_the_left() {
        let left = q("1");
        left.compare(&q("12345678901234567890"));
        assert_eq!(left.as_integer(), None);
        let left = q("1");
        left.order(&q("12345678901234567890"));
        assert_eq!(left.as_integer(), Some(1));
    }
}
