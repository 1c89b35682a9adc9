//! A decimal of any size: digits and a scale. Every operation is linear in the
//! number of digits, and none needs more than [`MAX_DIGITS`].

use std::cmp::Ordering;

/// A sum that needs more digits than this is an error.
const MAX_DIGITS: i64 = 100_000;

/// `digits * 10^-scale`, negated if so marked.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    negative: bool,
    /// Least significant first, no leading zeros (an empty vector is zero).
    digits: Vec<u8>,
    scale: i64,
}

impl Decimal {
    /// `unscaled * 10^-scale`.
    pub(crate) fn new(unscaled: i64, scale: i64) -> Decimal {
        let digits = unscaled.unsigned_abs().to_string();
        Decimal::from_parts(unscaled < 0, digits.bytes().rev(), scale)
    }

    fn from_parts(negative: bool, digits: impl Iterator<Item = u8>, scale: i64) -> Decimal {
        let mut decimal =
            Decimal { negative, digits: digits.map(|byte| byte - b'0').collect(), scale };
        decimal.trim();
        decimal
    }

    /// Reads `[+-]DIGITS[.DIGITS]`; none without a digit.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = fraction.bytes().rev().chain(whole.bytes().rev());
        if whole.len() + fraction.len() == 0 || !digits.clone().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Decimal::from_parts(negative, digits, fraction.len() as i64))
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    /// How many digits stand after the point.
    pub(crate) fn scale(&self) -> i64 {
        self.scale
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(&self) -> i64 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (_, true) => -1,
            _ => 1,
        }
    }

    /// Multiplies by `10^exponent`.
    pub(crate) fn shift(&mut self, exponent: i64) {
        self.scale -= exponent;
    }

    /// Multiplies by `factor`.
    pub(crate) fn multiply(&mut self, factor: u64) {
        let mut carry = 0_u128;
        for digit in &mut self.digits {
            carry += u128::from(*digit) * u128::from(factor);
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            self.digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }

    /// Rounds away from zero to `scale` digits after the point, or adds zeros up to them.
    pub(crate) fn round_up_to_scale(&mut self, scale: i64) {
        if self.digits.is_empty() {
            return;
        }
        if self.scale <= scale {
            let n_zeros = scale - self.scale;
            if n_zeros <= MAX_DIGITS {
                self.digits.splice(..0, std::iter::repeat_n(0, n_zeros as usize));
                self.scale = scale;
            }
            return;
        }
        let n_dropped = usize::try_from(self.scale - scale).unwrap_or(usize::MAX);
        let n_dropped_here = n_dropped.min(self.digits.len());
        let inexact = self.digits.drain(..n_dropped_here).any(|digit| digit != 0);
        self.scale = scale;
        if inexact {
            self.increment();
        }
    }

    fn increment(&mut self) {
        for digit in &mut self.digits {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.push(1);
    }

    /// No further from zero than `limit`.
    pub(crate) fn cap_magnitude(&mut self, limit: i64) {
        let cap = Decimal::new(limit, 0);
        if self.compare_magnitude(&cap) == Ordering::Greater {
            *self = Decimal { negative: self.negative, ..cap };
        }
    }

    /// Exact comparison.
    pub(crate) fn compare(&self, other: &Decimal) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let order = self.compare_magnitude(other);
            if self.negative { order.reverse() } else { order }
        })
    }

    fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        // The place of the first digit decides unless it is the same.
        let place = |decimal: &Decimal| decimal.digits.len() as i64 - decimal.scale;
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        place(self).cmp(&place(other)).then_with(|| {
            let longest = self.digits.len().max(other.digits.len());
            let left = self.digits.iter().rev().copied().chain(std::iter::repeat(0));
            let right = other.digits.iter().rev().copied().chain(std::iter::repeat(0));
            left.take(longest).cmp(right.take(longest))
        })
    }

    /// `self + other`, or `self - other`.
    pub(crate) fn add(&self, other: &Decimal, negate: bool) -> Result<Decimal, String> {
        let scale = self.scale.max(other.scale);
        let (left, right) = (self.at_scale(scale)?, other.at_scale(scale)?);
        let right_negative = other.negative != negate;
        let (negative, digits) = if self.negative == right_negative {
            (self.negative, add_digits(&left, &right))
        } else if compare_digits(&left, &right) == Ordering::Less {
            (right_negative, sub_digits(&right, &left))
        } else {
            (self.negative, sub_digits(&left, &right))
        };
        let mut sum = Decimal { negative, digits, scale };
        sum.trim();
        Ok(sum)
    }

    fn at_scale(&self, scale: i64) -> Result<Vec<u8>, String> {
        let n_zeros = scale - self.scale;
        if self.digits.is_empty() {
            return Ok(Vec::new());
        }
        if n_zeros + self.digits.len() as i64 > MAX_DIGITS {
            return Err("quantity has too many digits".into());
        }
        let mut digits = vec![0; n_zeros as usize];
        digits.extend_from_slice(&self.digits);
        Ok(digits)
    }

    /// The digits without the scale as the nearest float.
    pub(crate) fn unscaled_as_f64(&self) -> f64 {
        self.digits_text().parse().unwrap_or(f64::INFINITY)
    }

    fn digits_text(&self) -> String {
        if self.digits.is_empty() {
            return "0".into();
        }
        let sign = if self.negative { "-" } else { "" };
        let digits: String =
            self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        format!("{sign}{digits}")
    }

    /// Digits without trailing zeros and the exponent: `15e-1`.
    pub(crate) fn canonical(&self) -> String {
        let n_zeros = self.digits.iter().take_while(|&&digit| digit == 0).count();
        if n_zeros == self.digits.len() {
            return "0e0".into();
        }
        let digits =
            Decimal { negative: self.negative, digits: self.digits[n_zeros..].to_vec(), scale: 0 };
        format!("{}e{}", digits.digits_text(), n_zeros as i64 - self.scale)
    }
}

fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn add_digits(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum = Vec::with_capacity(a.len().max(b.len()) + 1);
    for at in 0..a.len().max(b.len()) {
        carry += a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0);
        sum.push(carry % 10);
        carry /= 10;
    }
    sum.push(carry);
    sum
}

/// `a - b` where `a` is not smaller.
fn sub_digits(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference = Vec::with_capacity(a.len());
    for (at, digit) in a.iter().enumerate() {
        let taken = b.get(at).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < taken);
        difference.push(digit + 10 * borrow - taken);
    }
    difference
}
