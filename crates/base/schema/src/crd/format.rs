//! Formats of text that the API server checks. Not checked here: ISBNs and credit
//! cards; an e-mail address and a URI only roughly.

use std::net::Ipv6Addr;

use super::validation::Matcher;
use crate::strict::is_time;

/// Whether `text` has the format; none when the API server does not know it, or
/// we do not check it.
pub(super) fn fits(format: &str, text: &str, matches: Matcher<'_>) -> Option<bool> {
    let matches = |pattern: &str| matches(pattern, text).unwrap_or(true);
    let normal = format.replace('-', "");
    Some(match normal.as_str() {
        "ipv4" => is_ipv4(text),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => matches(
            "^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){7}|([0-9a-fA-F]{4}\\.){2}[0-9a-fA-F]{4})$",
        ),
        "uuid" => matches("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid3" => {
            matches("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
        }
        "uuid4" => {
            matches("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$")
        }
        "uuid5" => {
            matches("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$")
        }
        "hostname" => {
            text.len() <= 255 && text.split('.').all(|label| label.len() <= 63) && matches(HOSTNAME)
        }
        "byte" => ironhull_model::base64::decode(text).is_some(),
        "password" => true,
        "date" => is_time(&format!("{text}T00:00:00Z"), None),
        "datetime" => is_date_time(text),
        "duration" => matches(GO_DURATION) || matches(NAMED_DURATION),
        "hexcolor" => matches("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "ssn" => matches("^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$"),
        "bsonobjectid" => matches("^[0-9a-fA-F]{24}$"),
        "k8sshortname" => text.len() <= 63 && matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        "k8slongname" => {
            text.len() <= 253
                && matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
        }
        "email" => matches("^[^@\\s<>]+@[^@\\s<>]+$"),
        "uri" => matches("^([a-zA-Z][a-zA-Z0-9+.-]*:[^\\s]+|/[^\\s]*)$"),
        _ => return None,
    })
}

const HOSTNAME: &str = "^([a-zA-Z0-9\\p{S}\\p{L}]((-?[a-zA-Z0-9\\p{S}\\p{L}]{0,62})?)|([a-zA-Z0-9\\p{S}\\p{L}](([a-zA-Z0-9-\\p{S}\\p{L}]{0,61}[a-zA-Z0-9\\p{S}\\p{L}])?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$";
const GO_DURATION: &str = "^[-+]?(0|((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)$";
/// `2 days`: a number and a unit that is known by name, anywhere.
const NAMED_DURATION: &str = "(?i)\\d+\\s*(ns|nano|us|µs|micro|ms|milli|s\\b|sec|m\\b|min|h\\b|hr|hour|d\\b|day|w\\b|wk|week)";

/// Zeros may lead, as the API server has always read addresses.
fn is_ipv4(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.trim_start_matches('0').len() <= 3
            && part.trim_start_matches('0').parse().unwrap_or(0) <= 255
    };
    text.split('.').count() == 4 && text.split('.').all(is_part)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match (is_ipv4(address), address.parse::<Ipv6Addr>()) {
        (true, _) => 32,
        (false, Ok(_)) => 128,
        (false, Err(_)) => return false,
    };
    let is_plain = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    is_plain && length.parse::<u32>().is_ok_and(|length| length <= most)
}

/// `T` and `Z` in either case, any character before the fraction, no check of the
/// zone's numbers.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some((date, clock)) = lower.split_once('t') else { return false };
    let clock = clock.split('t').next().unwrap_or_default();
    let digits = |range: std::ops::Range<usize>, limit: &str| {
        clock
            .get(range)
            .is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && part <= limit)
    };
    let marks = clock.as_bytes().get(2) == Some(&b':') && clock.as_bytes().get(5) == Some(&b':');
    if !is_time(&format!("{date}T00:00:00Z"), None)
        || !marks
        || !digits(0..2, "23")
        || !digits(3..5, "59")
        || !digits(6..8, "59")
    {
        return false;
    }
    let rest = &clock[8..];
    let zone_at = rest.find(['z', '+', '-']);
    let Some(zone_at) = zone_at else { return false };
    let (fraction, zone) = rest.split_at(zone_at);
    let fraction_fits = fraction.is_empty()
        || fraction.chars().count() >= 2 && fraction.chars().skip(1).all(|c| c.is_ascii_digit());
    let bytes = zone.as_bytes();
    let zone_fits = zone == "z"
        || bytes.len() == 6
            && bytes[3] == b':'
            && [1, 2, 4, 5].into_iter().all(|at| bytes[at].is_ascii_digit());
    fraction_fits && zone_fits
}
