//! Timestamps: RFC 3339, from year 1 to year 9999, each with the offset it was
//! written with (it shows when printed). Getters are in UTC unless given a zone.

use std::fmt::Write;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::go::quote;

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const ERR_OVERFLOW: &str = "timestamp overflow";
const ERR_INT_OVERFLOW: &str = "integer overflow";

/// A moment and the offset it is printed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// 0 to 999,999,999.
    nanos: u32,
    /// Seconds east of UTC.
    offset: i32,
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Timestamp) -> bool {
        (self.seconds, self.nanos) == (other.seconds, other.nanos)
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Timestamp) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Timestamp) -> std::cmp::Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

/// What opening the file of a zone that is none says.
fn no_zone(zone: &str, path: &str) -> String {
    if zone.contains('\0') {
        return "invalid argument".into();
    }
    let database = TimeZoneDatabase::bundled();
    for known in database.available() {
        let is_inside = |name: &str, of: &str| {
            name.strip_prefix(of).is_some_and(|rest| of.is_empty() || rest.starts_with('/'))
        };
        if is_inside(known.as_str(), path) {
            return "is a directory".into();
        }
        if is_inside(path, known.as_str()) {
            return "not a directory".into();
        }
    }
    format!("unknown time zone {zone}")
}

/// Why a text is no timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ParseError {
    /// Not RFC 3339.
    Syntax,
    /// Outside the range; its text is `timestamp overflow`.
    Overflow,
}

impl Timestamp {
    /// Seconds since 1970 in UTC; an error outside the range.
    pub(crate) fn from_unix(seconds: i64) -> Result<Timestamp, String> {
        if RANGE.contains(&seconds) {
            Ok(Timestamp { seconds, nanos: 0, offset: 0 })
        } else {
            Err(ERR_OVERFLOW.into())
        }
    }

    /// Reads RFC 3339 with the leniency of Go's `time.Parse`: a one-digit hour, a
    /// comma before the fraction, offsets up to 24:60.
    pub(crate) fn parse(text: &str) -> Result<Timestamp, ParseError> {
        let timestamp = parse_rfc3339(text.as_bytes()).ok_or(ParseError::Syntax)?;
        if RANGE.contains(&timestamp.seconds) { Ok(timestamp) } else { Err(ParseError::Overflow) }
    }

    /// Seconds since 1970.
    pub(crate) fn unix(self) -> i64 {
        self.seconds
    }

    /// Whether it is the zero of Go's time: the first second of year 1.
    pub(crate) fn is_zero(self) -> bool {
        self.seconds == *RANGE.start() && self.nanos == 0
    }

    /// Later by a duration in nanoseconds.
    pub(crate) fn add(self, nanos: i64) -> Result<Timestamp, String> {
        let total = i64::from(self.nanos) + nanos % NANOS;
        let seconds = self
            .seconds
            .checked_add(nanos / NANOS)
            .and_then(|seconds| seconds.checked_add(total.div_euclid(NANOS)))
            .ok_or(ERR_INT_OVERFLOW)?;
        if !RANGE.contains(&seconds) {
            return Err(ERR_OVERFLOW.into());
        }
        Ok(Timestamp { seconds, nanos: total.rem_euclid(NANOS) as u32, offset: self.offset })
    }

    /// Earlier by a duration in nanoseconds.
    pub(crate) fn subtract(self, nanos: i64) -> Result<Timestamp, String> {
        self.add(nanos.checked_neg().ok_or(ERR_INT_OVERFLOW)?)
    }

    /// Nanoseconds from `other` to `self`.
    pub(crate) fn since(self, other: Timestamp) -> Result<i64, String> {
        (self.seconds - other.seconds)
            .checked_mul(NANOS)
            .and_then(|nanos| nanos.checked_add(i64::from(self.nanos) - i64::from(other.nanos)))
            .ok_or_else(|| ERR_INT_OVERFLOW.into())
    }

    /// RFC 3339 with as many digits of the fraction as needed, in its own offset.
    pub(crate) fn format(self) -> String {
        let civil = Civil::new(self.seconds + i64::from(self.offset));
        let Civil { year, month, day, second, .. } = civil;
        let (hours, minutes) = (second / 3600, second / 60 % 60);
        let sign = if year < 0 { "-" } else { "" };
        let mut text = format!(
            "{sign}{:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}",
            year.abs(),
            second % 60
        );
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            _ = write!(text, ".{}", fraction.trim_end_matches('0'));
        }
        if self.offset == 0 {
            text.push('Z');
        } else {
            let sign = if self.offset < 0 { '-' } else { '+' };
            let minutes = self.offset.abs() / 60;
            _ = write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
        text
    }

    /// As Go shows a time inside a message.
    pub(crate) fn format_go(self) -> String {
        let text = self.format();
        let (date, time) = text.split_once('T').unwrap_or((&text, ""));
        let time = time.get(..time.find(['Z', '+', '-']).unwrap_or(time.len())).unwrap_or(time);
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        let zone = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
        let name = if self.offset == 0 { "UTC" } else { &zone };
        format!("{date} {time} {zone} {name}")
    }

    /// One part of the date or time in UTC.
    pub(crate) fn get(self, part: Part) -> i64 {
        self.part(part, 0)
    }

    /// One part of the date or time in a zone: an IANA name or `[+-]hh:mm`.
    pub(crate) fn get_in(self, part: Part, zone: &str) -> Result<i64, String> {
        let offset = match zone.split_once(':') {
            Some((hours, minutes)) => fixed_offset(zone, hours, minutes)?,
            None => self.zone_offset(zone)?,
        };
        Ok(self.part(part, offset))
    }

    fn zone_offset(self, zone: &str) -> Result<i64, String> {
        if matches!(zone, "" | "UTC" | "Local") {
            return Ok(0);
        }
        if zone.contains("..") || zone.starts_with(['/', '\\']) {
            return Err("time: invalid location name".into());
        }
        // The reference opens a file of that name.
        let parts = zone.split('/').filter(|part| !matches!(*part, "" | "."));
        let path = parts.collect::<Vec<_>>().join("/");
        // The bundled database ignores case, the reference does not.
        let found = TimeZoneDatabase::bundled().get(&path).ok();
        let found: TimeZone = match found.filter(|found| found.iana_name() == Some(&path)) {
            Some(found) if !zone.ends_with('/') => found,
            Some(_) => return Err("not a directory".into()),
            None => return Err(no_zone(zone, &path)),
        };
        // The last day of year 9999 is outside the database's range, its offset is not.
        let at = jiff::Timestamp::from_second(self.seconds).unwrap_or(jiff::Timestamp::MAX);
        Ok(found.to_offset(at).seconds().into())
    }

    fn part(self, part: Part, offset: i64) -> i64 {
        let civil = Civil::new(self.seconds.saturating_add(offset));
        match part {
            Part::FullYear => civil.year,
            Part::Month => civil.month - 1,
            Part::Date => civil.day,
            Part::DayOfMonth => civil.day - 1,
            Part::DayOfWeek => civil.day_of_week(),
            Part::DayOfYear => civil.days - days_from_civil(civil.year, 1, 1),
            Part::Hours => civil.second / 3600,
            Part::Minutes => civil.second / 60 % 60,
            Part::Seconds => civil.second % 60,
            Part::Milliseconds => i64::from(self.nanos) / 1_000_000,
        }
    }
}

/// What a getter returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// The year.
    FullYear,
    /// From 0.
    Month,
    /// Day of the month from 1.
    Date,
    /// Day of the month from 0.
    DayOfMonth,
    /// From 0, Sunday.
    DayOfWeek,
    /// From 0.
    DayOfYear,
    /// 0 to 23.
    Hours,
    /// 0 to 59.
    Minutes,
    /// 0 to 59.
    Seconds,
    /// 0 to 999.
    Milliseconds,
}

fn fixed_offset(zone: &str, hours: &str, minutes: &str) -> Result<i64, String> {
    let (hours, minutes) = (atoi(hours)?, atoi(minutes)?);
    let hours = hours.wrapping_mul(60);
    let total = if zone.starts_with('-') {
        hours.wrapping_sub(minutes)
    } else {
        hours.wrapping_add(minutes)
    };
    // The reference takes any number of minutes; absurd offsets wrap around.
    Ok(total.wrapping_mul(60 * NANOS) / NANOS)
}

fn atoi(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.Atoi: parsing {}: {why}", quote(text))
    })
}

/// A date in the proleptic Gregorian calendar and the second of its day.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    /// Since 1970-01-01.
    days: i64,
    second: i64,
}

impl Civil {
    fn new(seconds: i64) -> Civil {
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // Years begin in March here, so that the leap day is the last of its year
        // (Hinnant, "chrono-compatible low-level date algorithms").
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil { year, month, day, days, second }
    }

    /// 1970-01-01 was a Thursday.
    fn day_of_week(&self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_in(month: i64, year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether the text is a full date of RFC 3339.
pub(crate) fn is_date(text: &str) -> bool {
    let mut scanner = Scanner { rest: text.as_bytes() };
    scanner.date().is_some() && scanner.rest.is_empty()
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let mut scanner = Scanner { rest: text };
    let (year, month, day) = scanner.date()?;
    scanner.byte(b"T")?;
    let hours = scanner.hours()?;
    scanner.byte(b":")?;
    let minutes = scanner.number(2, 59)?;
    scanner.byte(b":")?;
    let seconds = scanner.number(2, 59)?;
    let nanos = scanner.fraction();
    let offset = scanner.offset()?;
    if !scanner.rest.is_empty() {
        return None;
    }
    let local = days_from_civil(year, month, day) * DAY + hours * 3600 + minutes * 60 + seconds;
    Some(Timestamp { seconds: local - offset, nanos, offset: offset as i32 })
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    fn byte(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        wanted.contains(&first).then_some(first)
    }

    fn number(&mut self, n_digits: usize, most: i64) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(n_digits)?;
        self.rest = rest;
        let value = digits.iter().try_fold(0, |value, byte| {
            byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
        })?;
        (value <= most).then_some(value)
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4, 9999)?;
        self.byte(b"-")?;
        let month = self.number(2, 12)?;
        self.byte(b"-")?;
        let day = self.number(2, 31)?;
        (month > 0 && day > 0 && day <= days_in(month, year)).then_some((year, month, day))
    }

    fn hours(&mut self) -> Option<i64> {
        let n_digits = self.rest.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        self.number(n_digits.max(1), 23)
    }

    /// Nanoseconds; digits beyond the ninth are dropped.
    fn fraction(&mut self) -> u32 {
        let Some((b'.' | b',', digits)) = self.rest.split_first() else { return 0 };
        let n_digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if n_digits == 0 {
            return 0;
        }
        self.rest = &digits[n_digits..];
        let digits = digits[..n_digits].iter().copied().chain(std::iter::repeat(b'0'));
        digits.take(9).fold(0, |value, byte| value * 10 + u32::from(byte - b'0'))
    }

    fn offset(&mut self) -> Option<i64> {
        let sign = self.byte(b"Z+-")?;
        if sign == b'Z' {
            return Some(0);
        }
        let hours = self.number(2, 24)?;
        self.byte(b":")?;
        let seconds = hours * 3600 + self.number(2, 60)? * 60;
        Some(if sign == b'-' { -seconds } else { seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn reads_and_prints() {
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-02-29T23:59:59.123456789Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            "2024-01-01T00:00:00+01:00",
            "1969-12-31T23:59:59.5-08:30",
        ] {
            assert_eq!(at(text).format(), text);
        }
        assert_eq!(at("2024-01-01T1:02:03,50+00:00").format(), "2024-01-01T01:02:03.5Z");
        for text in [
            "",
            "2024-01-01",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01t00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:60Z",
            "2024-1-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), Err(ParseError::Syntax), "{text}");
        }
        for text in
            ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
        {
            assert_eq!(Timestamp::parse(text), Err(ParseError::Overflow), "{text}");
        }
    }

    #[test]
    fn getters() {
        let moment = at("2024-01-01T00:30:00+01:00");
        assert_eq!(moment.get(Part::FullYear), 2023);
        assert_eq!(moment.get(Part::DayOfYear), 364);
        assert_eq!(moment.get(Part::DayOfWeek), 0);
        assert_eq!(moment.get_in(Part::Hours, "America/New_York"), Ok(18));
        assert_eq!(moment.get_in(Part::Hours, "+05:30"), Ok(5));
        assert_eq!(moment.get_in(Part::Minutes, "-00:30"), Ok(0));
        assert!(moment.get_in(Part::Hours, "america/new_york").is_err());
        assert!(moment.get_in(Part::Hours, "Foo/Bar").is_err());
        assert_eq!(moment.get_in(Part::Minutes, "1:60"), Ok(30));
        assert!(moment.get_in(Part::Hours, "1:x").is_err());
        assert_eq!(at("9999-12-31T23:59:59Z").get_in(Part::FullYear, "Europe/Berlin"), Ok(10_000));
    }

    #[test]
    fn every_day_of_four_centuries() {
        let mut days = days_from_civil(1800, 1, 1);
        for year in 1800..2200 {
            for month in 1..=12 {
                for day in 1..=days_in(month, year) {
                    let civil = Civil::new(days * DAY);
                    assert_eq!((civil.year, civil.month, civil.day), (year, month, day));
                    assert_eq!(days_from_civil(year, month, day), days);
                    days += 1;
                }
            }
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        assert!(at("9999-12-31T23:59:59Z").add(NANOS).is_err());
        assert!(at("9999-12-31T23:59:59Z").since(at("0001-01-01T00:00:00Z")).is_err());
        assert_eq!(
            at("2024-01-01T00:00:00.5Z").add(-600_000_000).map(Timestamp::format),
            Ok("2023-12-31T23:59:59.9Z".into())
        );
    }
}
