//! IP addresses and CIDR blocks as `net/netip` reads them: no zones, no
//! IPv4-mapped IPv6, no leading zeros; a block may have host bits set.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::go::quote;

/// Reads an address; errors as the API server words them.
pub(crate) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let address = parse_address(text).map_err(|why| {
        format!("IP Address {} parse error during conversion from string: {why}", quote(text))
    })?;
    if address.zone {
        return Err(format!("IP address {} with zone value is not allowed", quote(text)));
    }
    if is_mapped(address.ip) {
        return Err(format!("IPv4-mapped IPv6 address {} is not allowed", quote(text)));
    }
    Ok(address.ip)
}

/// Any address `net/netip` reads, with zone or IPv4-mapped; the error as it words it.
pub(crate) fn parse_any(text: &str) -> Result<IpAddr, String> {
    parse_address(text).map(|address| address.ip)
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

/// Whether an address is written as it is printed.
pub(crate) fn is_canonical(text: &str) -> Result<bool, String> {
    Ok(parse_ip(text)?.to_string() == text)
}

/// Neither multicast, loopback, link-local unicast, unspecified nor broadcast.
pub(crate) fn is_global_unicast(ip: IpAddr) -> bool {
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(broadcast
        || ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_multicast()
        || is_link_local_unicast(ip))
}

/// 169.254.0.0/16 or fe80::/10.
pub(crate) fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// 224.0.0.0/24 or ff02::/16 (the flags nibble is not looked at).
pub(crate) fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

/// Length of the address in bytes, as cost accounting wants it.
pub(crate) fn size(ip: IpAddr) -> u64 {
    if ip.is_ipv4() { 4 } else { 16 }
}

/// An address with a prefix length; host bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cidr {
    ip: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads `ADDRESS/BITS`; errors as the API server words them.
    pub(crate) fn parse(text: &str) -> Result<Cidr, String> {
        const PREFIX: &str = "network address parse error during conversion from string: ";
        let cidr = parse_prefix(text)
            .map_err(|why| format!("{PREFIX}{PREFIX}netip.ParsePrefix({}): {why}", quote(text)))?;
        if is_mapped(cidr.ip) {
            return Err(format!("{PREFIX}IPv4-mapped IPv6 address {} is not allowed", quote(text)));
        }
        Ok(cidr)
    }

    /// The address as written.
    pub(crate) fn ip(self) -> IpAddr {
        self.ip
    }

    /// The prefix length.
    pub(crate) fn prefix_length(self) -> u8 {
        self.bits
    }

    /// The same block with its host bits cleared.
    pub(crate) fn masked(self) -> Cidr {
        let ip = match self.ip {
            IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(
                ip.to_bits() & !u32::MAX.checked_shr(self.bits.into()).unwrap_or(0),
            )),
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(
                ip.to_bits() & !u128::MAX.checked_shr(self.bits.into()).unwrap_or(0),
            )),
        };
        Cidr { ip, bits: self.bits }
    }

    /// Whether the address is of the block; addresses of the other family are not.
    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && Cidr { ip, bits: self.bits }.masked() == self.masked()
    }

    /// Whether the other block is wholly inside.
    pub(crate) fn contains_cidr(self, other: Cidr) -> bool {
        self.bits <= other.bits && self.contains(other.ip)
    }

    /// Length of the prefix in bytes, as cost accounting wants it.
    pub(crate) fn size(self) -> u64 {
        u64::from(self.bits).div_ceil(8)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

fn parse_prefix(text: &str) -> Result<Cidr, String> {
    let (address, bits_text) = text.rsplit_once('/').ok_or("no '/'")?;
    let parsed = parse_address(address)?;
    if parsed.zone {
        return Err("IPv6 zones cannot be present in a prefix".into());
    }
    let bad = || format!("bad bits after slash: {}", quote(bits_text));
    let leading = bits_text.as_bytes();
    if leading.len() > 1 && !(b'1'..=b'9').contains(&leading[0]) {
        return Err(bad());
    }
    let bits: i64 = bits_text.parse().map_err(|_| bad())?;
    let most = if parsed.ip.is_ipv4() { 32 } else { 128 };
    match u8::try_from(bits) {
        Ok(bits) if bits <= most => Ok(Cidr { ip: parsed.ip, bits }),
        _ => Err("prefix length out of range".into()),
    }
}

struct Address {
    ip: IpAddr,
    zone: bool,
}

/// The address, or the reference's text of what is wrong with it.
fn parse_address(text: &str) -> Result<Address, String> {
    let fail = |message: &str, at: Option<&str>| {
        let at = at.map(|at| format!(" (at {})", quote(at))).unwrap_or_default();
        Err(format!("ParseAddr({}): {message}{at}", quote(text)))
    };
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => match parse_v4(text) {
            Ok(octets) => Ok(Address { ip: IpAddr::V4(octets.into()), zone: false }),
            Err((message, at)) => fail(message, at),
        },
        Some(b':') => match parse_v6(text) {
            Ok((groups, zone)) => Ok(Address { ip: IpAddr::V6(groups.into()), zone }),
            Err((message, at)) => fail(message, at),
        },
        Some(_) => fail("missing IPv6 address", None),
        None => fail("unable to parse IP", None),
    }
}

type Failure<'a> = (&'static str, Option<&'a str>);

fn parse_v4(text: &str) -> Result<[u8; 4], Failure<'_>> {
    let bytes = text.as_bytes();
    let mut octets = [0; 4];
    let (mut value, mut position, mut n_digits) = (0_u32, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_digit() {
            if n_digits == 1 && value == 0 {
                return Err(("IPv4 field has octet with leading zero", None));
            }
            value = value * 10 + u32::from(byte - b'0');
            n_digits += 1;
            if value > 255 {
                return Err(("IPv4 field has value >255", None));
            }
        } else if *byte == b'.' {
            if at == 0 || at == bytes.len() - 1 || bytes[at - 1] == b'.' {
                return Err(("IPv4 field must have at least one digit", Some(&text[at..])));
            }
            if position == 3 {
                return Err(("IPv4 address too long", None));
            }
            octets[position] = value as u8;
            position += 1;
            (value, n_digits) = (0, 0);
        } else {
            return Err(("unexpected character", text.get(at..)));
        }
    }
    if position < 3 {
        return Err(("IPv4 address too short", None));
    }
    octets[3] = value as u8;
    Ok(octets)
}

fn parse_v6(whole: &str) -> Result<([u8; 16], bool), Failure<'_>> {
    let (mut text, zone) = match whole.split_once('%') {
        Some((_, "")) => return Err(("zone must be a non-empty string", None)),
        Some((address, _)) => (address, true),
        None => (whole, false),
    };
    let mut bytes = [0_u8; 16];
    let mut ellipsis = None;
    if let Some(rest) = text.strip_prefix("::") {
        ellipsis = Some(0);
        text = rest;
        if text.is_empty() {
            return Ok((bytes, zone));
        }
    }
    let mut at = 0;
    while at < 16 {
        let n_hex = text.bytes().take_while(u8::is_ascii_hexdigit).count();
        if n_hex > 4 {
            return Err(("each group must have 4 or less digits", Some(text)));
        }
        if n_hex == 0 {
            return Err(("each colon-separated field must have at least one digit", Some(text)));
        }
        if text.as_bytes().get(n_hex) == Some(&b'.') {
            if ellipsis.is_none() && at != 12 {
                return Err((
                    "embedded IPv4 address must replace the final 2 fields of the address",
                    Some(text),
                ));
            }
            if at + 4 > 16 {
                return Err((
                    "too many hex fields to fit an embedded IPv4 at the end of the address",
                    Some(text),
                ));
            }
            bytes[at..at + 4].copy_from_slice(&parse_v4(text)?);
            text = "";
            at += 4;
            break;
        }
        let group = u16::from_str_radix(&text[..n_hex], 16).unwrap_or_default();
        bytes[at..at + 2].copy_from_slice(&group.to_be_bytes());
        at += 2;
        text = &text[n_hex..];
        if text.is_empty() {
            break;
        }
        if !text.starts_with(':') {
            return Err(("unexpected character, want colon", Some(text)));
        }
        if text.len() == 1 {
            return Err(("colon must be followed by more characters", Some(text)));
        }
        text = &text[1..];
        if let Some(rest) = text.strip_prefix(':') {
            if ellipsis.is_some() {
                return Err(("multiple :: in address", Some(text)));
            }
            ellipsis = Some(at);
            text = rest;
            if text.is_empty() {
                break;
            }
        }
    }
    if !text.is_empty() {
        return Err(("trailing garbage after address", Some(text)));
    }
    match (at < 16, ellipsis) {
        (true, None) => return Err(("address string too short", None)),
        (true, Some(from)) => {
            bytes.copy_within(from..at, 16 - (at - from));
            bytes[from..16 - (at - from)].fill(0);
        }
        (false, Some(_)) => {
            return Err(("the :: must expand to at least one field of zeros", None));
        }
        (false, None) => {}
    }
    Ok((bytes, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in
            ["1.2.3.4", "::", "::1", "2001:db8::8:800:200c:417a", "fe80::1", "64:ff9b::1.2.3.4"]
        {
            assert!(parse_ip(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "1.2.3",
            "01.2.3.4",
            "256.1.1.1",
            "fe80::1%eth0",
            "::ffff:1.2.3.4",
            "1::2::3",
            "12345::",
            ":1",
            "1.2.3.4.5",
            "g::",
        ] {
            assert!(parse_ip(text).is_err(), "{text}");
        }
        assert_eq!(is_canonical("2001:DB8::1"), Ok(false));
        assert_eq!(is_canonical("2001:db8::1"), Ok(true));
        assert!(is_link_local_multicast("ff12::1".parse().unwrap()));
        assert!(!is_global_unicast(Ipv4Addr::BROADCAST.into()));
    }

    #[test]
    fn blocks() {
        let block = Cidr::parse("192.168.0.1/16").unwrap();
        assert_eq!(block.to_string(), "192.168.0.1/16");
        assert_eq!(block.masked().to_string(), "192.168.0.0/16");
        assert!(block.contains("192.168.255.1".parse().unwrap()));
        assert!(!block.contains("::1".parse().unwrap()));
        assert!(block.contains_cidr(Cidr::parse("192.168.1.0/24").unwrap()));
        assert!(!block.contains_cidr(Cidr::parse("192.0.0.0/8").unwrap()));
        assert!(Cidr::parse("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
        for text in [
            "1.2.3.4",
            "1.2.3.4/33",
            "1.2.3.4/08",
            "1.2.3.4/+8",
            "::ffff:1.2.3.4/100",
            "fe80::1%a/10",
            "/8",
        ] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }
}
