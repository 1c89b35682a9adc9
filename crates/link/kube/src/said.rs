//! What a server, a connection or a credential plugin said, as it may be shown.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::Error;

/// Characters that are shown of a refusal that is no `Status`.
const MOST_SAID: usize = 200;

/// What is shorter protects nothing, and stands in other words.
const SHORTEST_TOKEN: usize = 8;
const REDACTED: &str = "‹redacted›";

/// The text of `299 - "text"`, where a backslash escapes (RFC 7234 5.5).
pub(crate) fn warning(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some(text),
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    None
}

/// How long to wait before asking again, as `Retry-After` says it: seconds, or a moment on
/// the server's clock (RFC 9110 10.2.3).
pub(crate) fn rest(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let said = text(RETRY_AFTER)?.trim();
    if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is for ever.
        return Some(Duration::from_secs(said.parse().unwrap_or(u64::MAX)));
    }
    let now = text(DATE).and_then(moment).unwrap_or_else(Timestamp::now);
    // A moment that is over has no unsigned duration.
    Some(Duration::try_from(moment(said)?.duration_since(now)).unwrap_or_default())
}

/// A moment in one of the three ways that HTTP has to write it (RFC 9110 5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let parsed = forms.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    parsed.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    reason: String,
    message: String,
}

/// An error from the body of an answer that is no success: a `Status`, or the text
/// of something in between, without the credentials that some of these repeat.
pub(crate) fn refusal(code: u16, body: &[u8]) -> Error {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    let message = match (status.message.is_empty(), http::StatusCode::from_u16(code)) {
        (false, _) => status.message,
        (_, _) if !body.trim().is_empty() => body.chars().take(MOST_SAID).collect(),
        (_, Ok(code)) if code.is_redirection() => {
            "it sends elsewhere, as no API server does".to_owned()
        }
        (_, Ok(code)) => code.canonical_reason().unwrap_or("it says no more").to_owned(),
        (_, Err(_)) => "it says no more".to_owned(),
    };
    Error::Status { code, reason: status.reason, message: without_credentials(&message) }
}

/// What a server said, without the credentials that it repeats: those of any scheme, and
/// our own token wherever it stands.
pub(crate) fn withheld(text: &str, token: Option<&str>) -> String {
    let text = without_credentials(text);
    match token.filter(|token| token.len() >= SHORTEST_TOKEN) {
        Some(token) => text.replace(token, REDACTED),
        None => text,
    }
}

/// A text without the users and passwords in its addresses, such as those of proxies.
pub(crate) fn without_users(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        out += before;
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>')
        };
        let end = address.find(ends).unwrap_or(address.len());
        let word = address.find(char::is_whitespace).unwrap_or(address.len());
        let unescaped = || address[..word].rfind('@').filter(|at| has_password(&address[..*at]));
        let user = address[..end].rfind('@').or_else(unescaped);
        rest = &address[user.map_or(0, |at| at + 1)..];
    }
    out + rest
}

/// Whether what stands before an `@` and holds a slash is a user with a password in which
/// nobody escaped it, and no host with a port.
fn has_password(text: &str) -> bool {
    let password = text.split_once(':').map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    password.is_some_and(|password| !password.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A text without what follows the names of authentication schemes.
fn without_credentials(text: &str) -> String {
    let text = &*without_users(text);
    let lower = text.to_ascii_lowercase();
    let (mut out, mut at) = (String::new(), 0);
    let next = |from: usize| {
        let ends = ["bearer ", "basic "]
            .map(|scheme| lower[from..].find(scheme).map(|found| from + found + scheme.len()));
        ends.into_iter().flatten().min()
    };
    while let Some(start) = next(at) {
        let is_of_credential = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let start = text.len() - text[start..].trim_start().len();
        let end = text[start..].find(|c| !is_of_credential(c)).map_or(text.len(), |n| start + n);
        out += &text[at..start];
        out += if end > start { REDACTED } else { "" };
        at = end;
    }
    out + &text[at..]
}

/// The first line of what a program said, without credentials.
pub(crate) fn shortly(said: &str) -> String {
    let line = said.lines().next().unwrap_or_default();
    without_credentials(line).chars().take(MOST_SAID).collect()
}

/// An error with its causes, each said once and in one line: the lines after it show
/// the text that was read, which may be a credential.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let line = |error: &(dyn std::error::Error + 'static)| {
        without_users(&error.to_string()).lines().next().unwrap_or_default().to_owned()
    };
    let mut text = String::new();
    let mut source = Some(error);
    while let Some(cause) = source {
        let said = line(cause);
        source = cause.source();
        // Who says only where in a program it was, and has a cause, says nothing to its user.
        let is_place = source.is_some() && PLACES.iter().any(|place| said.starts_with(place));
        if is_place || text.contains(&said) {
            continue;
        }
        if !text.is_empty() {
            text += ": ";
        }
        text += &said;
    }
    text
}

/// How errors of the client's layers begin that only pass on another.
const PLACES: [&str; 2] = ["ServiceError: ", "client error ("];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::{chain, refusal, rest, warning, withheld, without_users};
    use crate::Error;

    #[test]
    fn of_causes_those_are_said_that_say_something() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Layer(&'static str, #[source] Option<Box<Layer>>);
        let refused = Layer("tcp connect error", Some(Box::new(Layer("refused", None))));
        let client = Layer("client error (Connect)", Some(Box::new(refused)));
        let outer = Layer("ServiceError: client error (Connect)", Some(Box::new(client)));
        assert_eq!(chain(&outer), "tcp connect error: refused");
        assert_eq!(chain(&Layer("client error (Connect)", None)), "client error (Connect)");
    }

    #[test]
    fn a_server_says_how_long_in_seconds_or_until_when() {
        let said = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            rest(&headers)
        };
        let after = |value: &str| said(&[("retry-after", value)]);
        let s = Duration::from_secs;
        assert_eq!(said(&[]), None);
        assert_eq!(after("30"), Some(s(30)));
        assert_eq!(after(" 0 "), Some(s(0)));
        assert_eq!(after("99999999999999999999"), Some(s(u64::MAX)));
        for nothing in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37"] {
            assert_eq!(after(nothing), None, "{nothing}");
        }
        // The server's clock is asked, whatever ours says.
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            let pairs = [("date", "Sun, 06 Nov 1994 08:49:00 GMT"), ("retry-after", date)];
            assert_eq!(said(&pairs), Some(s(37)), "{date}");
            assert_eq!(after(date), Some(s(0)), "{date}: that is over");
        }
        let far = after("Mon, 01 Jan 2998 23:59:59 GMT").unwrap();
        assert!(far > s(60 * 60 * 24 * 365));
    }

    #[test]
    fn a_warning_is_its_text() {
        let header = r#"299 - "would violate PodSecurity \"restricted:latest\"""#;
        assert_eq!(warning(header).unwrap(), r#"would violate PodSecurity "restricted:latest""#);
        assert!(warning("299 - cut").is_none() && warning("299 - \"cut").is_none());
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let body = br#"{"kind":"Status","reason":"Forbidden","message":"pods is forbidden"}"#;
        let error = refusal(403, body);
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (Some(403), "pods is forbidden (HTTP 403)")
        );
        let Error::Status { reason, .. } = error else { panic!("no status") };
        assert_eq!(reason, "Forbidden");
        assert_eq!(refusal(502, b"<html>").to_string(), "<html> (HTTP 502)");
        let elsewhere = "it sends elsewhere, as no API server does (HTTP 302)";
        assert_eq!(refusal(302, b"").to_string(), elsewhere);
        assert_eq!(refusal(403, b" ").to_string(), "Forbidden (HTTP 403)");
        assert_eq!(refusal(999, b"").to_string(), "it says no more (HTTP 999)");
    }

    #[test]
    fn addresses_are_said_without_users() {
        for (text, said) in [
            ("no socks5://bob:PASSWORD@proxy:1080: x", "no socks5://proxy:1080: x"),
            ("\"http://bob@a/b@c\" and https://u:p@q@b", "\"http://a/b@c\" and https://b"),
            ("http://bob:PASS/WORD@proxy/", "http://proxy/"),
            ("https://a/b@c https://a:1/b@c", "https://a/b@c https://a:1/b@c"),
            ("://", "://"),
            ("a://b://c:d@e", "a://b://e"),
        ] {
            assert_eq!(without_users(text), said, "{text}");
        }
    }

    #[test]
    fn a_refusal_repeats_no_credentials() {
        for body in [
            "<p>Authorization: Bearer abc.def-1_2/3+4=</p>",
            r#"{"message":"no: authorization: bEARER abc.def-1_2/3+4="}"#,
            "Basic abc, BASIC abc; İ Bearer abc",
            "Bearer  abc, bearer \tabc",
        ] {
            let said = refusal(401, body.as_bytes()).to_string();
            assert!(!said.contains("abc") && said.contains("‹redacted›"), "{said}");
        }
        let own = withheld("it is hunter2!, not a", Some("hunter2!"));
        assert_eq!(own, "it is ‹redacted›, not a");
        assert_eq!(withheld("message", Some("m")), "message");
        assert_eq!(withheld("it is abc", None), "it is abc");
        let basic = "Basic auth is off";
        assert!(refusal(401, basic.as_bytes()).to_string().ends_with(" is off (HTTP 401)"));
    }
}
