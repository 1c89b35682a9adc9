//! URLs as `net/url` reads and prints them.

use super::go::{quote, quote_bytes, to_valid_utf8};
use super::ip;

/// More query parameters than this and there are none.
const MAX_QUERY_PARAMETERS: usize = 10_000;

/// A parsed URL. Parts are bytes: percent-decoding may give anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Url {
    scheme: String,
    opaque: String,
    user: Option<UserInfo>,
    host: Vec<u8>,
    path: Vec<u8>,
    raw_path: String,
    raw_query: String,
    force_query: bool,
    omit_host: bool,
    fragment: Vec<u8>,
    raw_fragment: String,
}

#[derive(Clone, Debug)]
struct UserInfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    UserInfo,
    Query,
    Fragment,
}

impl Url {
    /// Reads an absolute URL or absolute path, a fragment split off.
    pub(crate) fn parse(text: &str) -> Result<Url, String> {
        const PREFIX: &str = "URL parse error during conversion from string: ";
        parse_request_uri(text).map_err(|error| format!("{PREFIX}{error}"))?;
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Url::read(address, false)
            .map_err(|error| format!("{PREFIX}parse {}: {error}", quote(address)))?;
        url.set_fragment(fragment)
            .map_err(|error| format!("{PREFIX}parse {}: {error}", quote(text)))?;
        Ok(url)
    }

    fn read(text: &str, via_request: bool) -> Result<Url, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        if text.is_empty() && via_request {
            return Err("empty url".into());
        }
        let mut url = Url::default();
        if text == "*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with('?') && rest.matches('?').count() == 1 {
            url.force_query = true;
            rest = &rest[..rest.len() - 1];
        } else if let Some((before, query)) = rest.split_once('?') {
            rest = before;
            url.raw_query = query.into();
        }
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.into();
                return Ok(url);
            }
            if via_request {
                return Err("invalid URI for request".into());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".into());
            }
        }
        let may_have_authority = !url.scheme.is_empty() || !via_request && !rest.starts_with("///");
        if may_have_authority && let Some(authority) = rest.strip_prefix("//") {
            let end = authority.find('/').unwrap_or(authority.len());
            (url.user, url.host) = parse_authority(&url.scheme, &authority[..end])?;
            rest = &authority[end..];
        } else if !url.scheme.is_empty() && rest.starts_with('/') {
            url.omit_host = true;
        }
        url.path = unescape(rest.as_bytes(), Part::Path)?;
        if escape(&url.path, Part::Path) != rest {
            url.raw_path = rest.into();
        }
        Ok(url)
    }

    fn set_fragment(&mut self, fragment: &str) -> Result<(), String> {
        self.fragment = unescape(fragment.as_bytes(), Part::Fragment)?;
        if escape(&self.fragment, Part::Fragment) != fragment {
            self.raw_fragment = fragment.into();
        }
        Ok(())
    }

    /// In lower case.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// With brackets and port.
    pub(crate) fn host(&self) -> String {
        to_valid_utf8(self.host.clone())
    }

    /// Without brackets and port.
    pub(crate) fn hostname(&self) -> String {
        to_valid_utf8(self.split_host().0.to_vec())
    }

    /// Digits, or nothing.
    pub(crate) fn port(&self) -> String {
        to_valid_utf8(self.split_host().1.to_vec())
    }

    fn split_host(&self) -> (&[u8], &[u8]) {
        let (mut host, mut port): (&[u8], &[u8]) = (&self.host, b"");
        if let Some(colon) = host.iter().rposition(|&byte| byte == b':')
            && host[colon + 1..].iter().all(u8::is_ascii_digit)
        {
            (host, port) = (&host[..colon], &host[colon + 1..]);
        }
        if let Some(inner) = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")) {
            host = inner;
        }
        (host, port)
    }

    /// The path as written where that is a valid encoding, else encoded anew.
    pub(crate) fn escaped_path(&self) -> String {
        let raw = &self.raw_path;
        if !raw.is_empty()
            && is_valid_encoding(raw, Part::Path)
            && unescape(raw.as_bytes(), Part::Path).is_ok_and(|path| path == self.path)
        {
            return raw.clone();
        }
        if self.path == b"*" { "*".into() } else { escape(&self.path, Part::Path) }
    }

    fn escaped_fragment(&self) -> String {
        let raw = &self.raw_fragment;
        if !raw.is_empty()
            && is_valid_encoding(raw, Part::Fragment)
            && unescape(raw.as_bytes(), Part::Fragment).is_ok_and(|text| text == self.fragment)
        {
            return raw.clone();
        }
        escape(&self.fragment, Part::Fragment)
    }

    /// Decoded query parameters, each key once, in the order of first appearance;
    /// what cannot be decoded is left out.
    pub(crate) fn query(&self) -> Vec<(String, Vec<String>)> {
        let mut query: Vec<(String, Vec<String>)> = Vec::new();
        let mut places = rustc_hash::FxHashMap::default();
        if self.raw_query.matches('&').count() + 1 > MAX_QUERY_PARAMETERS {
            return query;
        }
        for pair in self.raw_query.split('&') {
            if pair.is_empty() || pair.contains(';') {
                continue;
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| unescape(text.as_bytes(), Part::Query).map(to_valid_utf8);
            let (Ok(key), Ok(value)) = (decode(key), decode(value)) else { continue };
            let place = *places.entry(key.clone()).or_insert_with(|| {
                query.push((key, Vec::new()));
                query.len() - 1
            });
            query[place].1.push(value);
        }
        query
    }

    /// The whole URL, by which URLs are equal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text = format!("{}:", self.scheme);
        }
        if self.opaque.is_empty() {
            self.write_authority(&mut text);
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                text.push('/');
            }
            if text.is_empty()
                && path.split('/').next().is_some_and(|segment| segment.contains(':'))
            {
                text.push_str("./");
            }
            text.push_str(&path);
        } else {
            text.push_str(&self.opaque);
        }
        if self.force_query || !self.raw_query.is_empty() {
            text.push('?');
            text.push_str(&self.raw_query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            text.push_str(&self.escaped_fragment());
        }
        text
    }

    fn write_authority(&self, text: &mut String) {
        let no_host = self.host.is_empty() && self.user.is_none();
        if no_host && (self.scheme.is_empty() || self.omit_host) {
            return;
        }
        if !no_host || !self.path.is_empty() {
            text.push_str("//");
        }
        if let Some(user) = &self.user {
            text.push_str(&escape(&user.name, Part::UserInfo));
            if let Some(password) = &user.password {
                text.push(':');
                text.push_str(&escape(password, Part::UserInfo));
            }
            text.push('@');
        }
        text.push_str(&escape(&self.host, Part::Host));
    }
}

/// Whether the text is an absolute URL or absolute path; the error as `net/url` words it.
pub(crate) fn parse_request_uri(text: &str) -> Result<(), String> {
    Url::read(text, true).map(drop).map_err(|error| format!("parse {}: {error}", quote(text)))
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse_authority(scheme: &str, authority: &str) -> Result<(Option<UserInfo>, Vec<u8>), String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    let host = parse_host(scheme, host)?;
    let valid = |char: char| char.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(char);
    if !user.chars().all(valid) {
        return Err("net/url: invalid userinfo".into());
    }
    let decode = |text: &str| unescape(text.as_bytes(), Part::UserInfo);
    let user = match user.split_once(':') {
        Some((name, password)) => {
            UserInfo { name: decode(name)?, password: Some(decode(password)?) }
        }
        None => UserInfo { name: decode(user)?, password: None },
    };
    Ok((Some(user), host))
}

fn parse_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    match host.rfind('[') {
        Some(0) => return parse_ip_literal(host),
        Some(_) => return Err("invalid IP-literal".into()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Only web addresses are held to a single colon.
        let colon = if matches!(scheme, "http" | "https") { first } else { last };
        check_port(&host[colon..])?;
    }
    unescape(host.as_bytes(), Part::Host)
}

fn parse_ip_literal(host: &str) -> Result<Vec<u8>, String> {
    let close = host.rfind(']').ok_or("missing ']' in host")?;
    let port = &host[close + 1..];
    check_port(port)?;
    let name = &host.as_bytes()[1..close];
    let mut address = match host[1..close].find("%25") {
        Some(zone) => {
            let mut address = unescape(&name[..zone], Part::Host)?;
            address.extend(unescape(&name[zone..], Part::Zone)?);
            address
        }
        None => unescape(name, Part::Host)?,
    };
    let parsed = ip::parse_any(&to_valid_utf8(address.clone()));
    if parsed.map_err(|error| format!("invalid host: {error}"))?.is_ipv4() {
        return Err("invalid IP-literal".into());
    }
    address.insert(0, b'[');
    address.push(b']');
    address.extend(port.bytes());
    Ok(address)
}

fn check_port(port: &str) -> Result<(), String> {
    let valid = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if valid { Ok(()) } else { Err(format!("invalid port {} after host", quote(port))) }
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|digit| digit as u8)
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte == b'%' {
            let invalid = |end: usize| {
                format!("invalid URL escape {}", quote_bytes(&text[at..end.min(text.len())]))
            };
            let (Some(high), Some(low)) = (hex(text.get(at + 1)), hex(text.get(at + 2))) else {
                return Err(invalid(at + 3));
            };
            let code = high << 4 | low;
            let refused = match part {
                Part::Host => high < 8 && code != b'%',
                Part::Zone => code != b'%' && code != b' ' && must_escape(code, Part::Host),
                _ => false,
            };
            if refused {
                return Err(invalid(at + 3));
            }
            decoded.push(code);
            at += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
            return Err(format!("invalid character {} in host name", quote_bytes(&[byte])));
        }
        decoded.push(if byte == b'+' && part == Part::Query { b' ' } else { byte });
        at += 1;
    }
    Ok(decoded)
}

fn escape(text: &[u8], part: Part) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len());
    for &byte in text {
        if must_escape(byte, part) {
            escaped.push('%');
            escaped.push(HEX[usize::from(byte >> 4)].into());
            escaped.push(HEX[usize::from(byte & 15)].into());
        } else {
            escaped.push(byte.into());
        }
    }
    escaped
}

/// RFC 3986 as the reference reads it, per part.
fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone) && b"!$&'()*+,;=:[]<>\"".contains(&byte) {
        return false;
    }
    if b"$&+,/:;=?@".contains(&byte) {
        match part {
            Part::Path => return byte == b'?',
            Part::UserInfo => return b"@/?:".contains(&byte),
            Part::Fragment => return false,
            Part::Query | Part::Host | Part::Zone => return true,
        }
    }
    !(part == Part::Fragment && b"!()*".contains(&byte))
}

fn is_valid_encoding(text: &str, part: Part) -> bool {
    text.bytes().all(|byte| b"!$&'()*+,;=:@[]%".contains(&byte) || !must_escape(byte, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = Url::parse("https://user:p%40ss@[::1]:8443/a%20b/c?x=1&x=2&y=%20+#frag").unwrap();
        assert_eq!(url.scheme(), "https");
        assert_eq!(url.host(), "[::1]:8443");
        assert_eq!(url.hostname(), "::1");
        assert_eq!(url.port(), "8443");
        assert_eq!(url.escaped_path(), "/a%20b/c");
        assert_eq!(
            url.query(),
            [("x".into(), vec!["1".into(), "2".into()]), ("y".into(), vec!["  ".into()])]
        );
        assert_eq!(url.text(), "https://user:p%40ss@[::1]:8443/a%20b/c?x=1&x=2&y=%20+#frag");
        assert_eq!(Url::parse("mailto:a@b").unwrap().text(), "mailto:a@b");
        assert_eq!(Url::parse("/path#f").unwrap().escaped_path(), "/path");
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "a/b",
            "http://[::1",
            "http://a:b/",
            "://x",
            "http://a b/",
            "/%zz",
            "http://[1.2.3.4]/",
            "http://a:1:2/",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
