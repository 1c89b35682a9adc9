//! Address ranges (CIDR) as the API machinery reads them, which is laxer than
//! the RFCs: leading zeros, host bits and IPv4-mapped addresses are accepted by
//! the parser, and refused by a validation that came later.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address range as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Range {
    address: IpAddr,
    prefix: u8,
}

/// Why the strict validation (Kubernetes 1.36 and later) refuses a range that
/// the parser accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Laxity {
    /// Leading zeros in the address or the prefix length.
    LeadingZeros,
    /// An IPv4 address in IPv6 clothes.
    Mapped,
    /// Bits behind the prefix are set.
    HostBits,
}

impl Range {
    /// Reads a range as `ParseCIDRSloppy` does.
    pub fn parse(text: &str) -> Option<Range> {
        let (address, prefix) = text.split_once('/')?;
        let (prefix, used) = decimal(prefix.as_bytes())?;
        if used != text.len() - address.len() - 1 {
            return None;
        }
        let address = match parse_v4(address.as_bytes()) {
            Some(octets) => IpAddr::V4(octets.into()),
            None => IpAddr::V6(parse_v6(address.as_bytes())?),
        };
        let range = Range { address, prefix: u8::try_from(prefix).ok()? };
        (range.prefix <= range.width()).then_some(range)
    }

    /// The range that a text was meant to be: itself, what stands before a `#`
    /// that was to begin a comment, or a bare address.
    pub fn meant(text: &str) -> Option<Range> {
        let head = text.split_once('#').map_or(text, |(head, _)| head).trim();
        Range::parse(head).or_else(|| {
            let address: IpAddr = head.parse().ok()?;
            Some(Range { address, prefix: if address.is_ipv4() { 32 } else { 128 } })
        })
    }

    /// The range that covers a whole family.
    pub fn everything(is_ipv4: bool) -> Range {
        let address = if is_ipv4 {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        };
        Range { address, prefix: 0 }
    }

    fn width(self) -> u8 {
        if self.is_ipv4() { 32 } else { 128 }
    }

    /// Whether it is of IPv4.
    pub fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    /// The prefix length.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its first address: what was written without the bits behind the prefix.
    pub fn network(self) -> IpAddr {
        masked(self.address, self.prefix)
    }

    /// The range in its one canonical form.
    #[must_use]
    pub fn canonical(self) -> Range {
        Range { address: self.network(), ..self }
    }

    /// Whether bits behind the prefix were written.
    pub fn has_host_bits(self) -> bool {
        self.network() != self.address
    }

    /// Whether an address is inside. Families never mix, not even mapped ones.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_ipv4() && masked(address, self.prefix) == self.network()
    }

    /// Whether `inner` is wholly inside and smaller, as Go's `net.IPNet` sees it:
    /// there an IPv4-mapped network is one of IPv4.
    pub fn strictly_contains(self, inner: Range) -> bool {
        self.prefix < inner.prefix && go_contains(self, inner.network())
    }

    /// What the strict validation has against the text this was read from.
    pub fn laxity(self, text: &str) -> Option<Laxity> {
        let (address, prefix) = text.split_once('/')?;
        let strict =
            address.parse::<IpAddr>().is_ok() && (prefix.len() == 1 || !prefix.starts_with('0'));
        match self.address {
            _ if !strict => Some(Laxity::LeadingZeros),
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => Some(Laxity::Mapped),
            _ => self.has_host_bits().then_some(Laxity::HostBits),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// `(*net.IPNet).Contains`.
fn go_contains(outer: Range, inner: IpAddr) -> bool {
    let four = |address: IpAddr| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(address) => address.to_ipv4_mapped(),
    };
    let network = outer.network();
    match (four(network), four(inner)) {
        (Some(network), Some(inner)) => {
            // The mask of a mapped network is 16 bytes long, of which the last 4 count.
            let prefix =
                if outer.is_ipv4() { outer.prefix } else { outer.prefix.saturating_sub(96) };
            masked(inner.into(), prefix) == masked(network.into(), prefix)
        }
        (None, None) => masked(inner, outer.prefix) == network,
        _ => false,
    }
}

/// Decimal digits at the start: their value, and how many. Go's limit of 2²⁴ is
/// beyond anything that a caller accepts.
fn decimal(text: &[u8]) -> Option<(u32, usize)> {
    number(text, 10)
}

fn number(text: &[u8], radix: u32) -> Option<(u32, usize)> {
    let mut value = 0;
    let mut used = 0;
    while let Some(digit) = text.get(used).and_then(|byte| char::from(*byte).to_digit(radix)) {
        value = value * radix + digit;
        if value >= 0xff_ffff {
            return None;
        }
        used += 1;
    }
    (used > 0).then_some((value, used))
}

fn parse_v4(mut text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            text = text.strip_prefix(b".")?;
        }
        let (value, used) = decimal(text)?;
        *octet = u8::try_from(value).ok()?;
        text = &text[used..];
    }
    text.is_empty().then_some(octets)
}

fn parse_v6(mut text: &[u8]) -> Option<Ipv6Addr> {
    let mut bytes = Vec::with_capacity(16);
    let mut ellipsis = None;
    if let Some(rest) = text.strip_prefix(b"::") {
        (ellipsis, text) = (Some(0), rest);
        if text.is_empty() {
            return Some(Ipv6Addr::UNSPECIFIED);
        }
    }
    while bytes.len() < 16 {
        let (value, used) = number(text, 16)?;
        let group = u16::try_from(value).ok()?;
        if text.get(used) == Some(&b'.') {
            if ellipsis.is_none() && bytes.len() != 12 || bytes.len() > 12 {
                return None;
            }
            bytes.extend(parse_v4(text)?);
            text = &[];
            break;
        }
        bytes.extend(group.to_be_bytes());
        text = &text[used..];
        if text.is_empty() {
            break;
        }
        text = text.strip_prefix(b":").filter(|rest| !rest.is_empty())?;
        if let Some(rest) = text.strip_prefix(b":") {
            if ellipsis.replace(bytes.len()).is_some() {
                return None;
            }
            text = rest;
            if text.is_empty() {
                break;
            }
        }
    }
    let missing = 16 - bytes.len();
    match ellipsis {
        _ if !text.is_empty() => return None,
        Some(at) if missing > 0 => _ = bytes.splice(at..at, vec![0; missing]),
        None if missing == 0 => {}
        _ => return None,
    }
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::{Laxity, Range};

    #[test]
    fn what_the_parser_accepts_the_validation_may_refuse() {
        let lax = |text: &str| Range::parse(text).and_then(|range| range.laxity(text));
        assert_eq!(lax("10.0.0.0/8"), None);
        assert_eq!(lax("010.0.0.0/8"), Some(Laxity::LeadingZeros));
        assert_eq!(lax("10.0.0.0/08"), Some(Laxity::LeadingZeros));
        assert_eq!(lax("10.10.0.0/0"), Some(Laxity::HostBits));
        assert_eq!(lax("::ffff:10.0.0.0/104"), Some(Laxity::Mapped));
        assert_eq!(lax("fd00::1/64"), Some(Laxity::HostBits));
        for text in [
            "10.10.0.0/0#example",
            "10.0.0.0",
            "10.0.0/8",
            "10.0.0.0/33",
            "::/129",
            "1::2::/64",
            "::1:/64",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/+8",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
        assert_eq!(Range::parse("10.10.0.0/0").unwrap().canonical().to_string(), "0.0.0.0/0");
    }

    #[test]
    fn exceptions_are_strictly_inside() {
        let inside = |outer: &str, inner: &str| {
            Range::parse(outer).unwrap().strictly_contains(Range::parse(inner).unwrap())
        };
        assert!(inside("0.0.0.0/0", "169.254.169.254/32"));
        assert!(!inside("10.0.0.0/8", "10.0.0.0/8"), "equal is not strictly inside");
        assert!(!inside("10.0.0.0/8", "192.168.0.0/16"));
        assert!(!inside("::/0", "169.254.169.254/32"), "families do not mix");
    }
}
