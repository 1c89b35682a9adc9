//! Quantities, addresses, URLs, versions, named formats.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use crate::functions::{Function, Result, error, no_overload, opaque, owned, string};
use crate::library::format::Format;
use crate::library::ip::{self, Cidr};
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::url::Url;
use crate::value::{CidrValue, FormatValue, Opaque, QuantityValue, SemverValue, UrlValue, Val};

pub(super) const FUNCTIONS: &[(&str, bool, Function)] = &[
    ("quantity", false, |args| Quantity::parse(string(&args[0])?).map(quantity_val).map_err(error)),
    ("isQuantity", false, |args| Ok(Val::Bool(Quantity::parse(string(&args[0])?).is_ok()))),
    ("isInteger", true, |args| Ok(Val::Bool(quantity(&args[0])?.as_integer().is_some()))),
    ("asInteger", true, |args| {
        quantity(&args[0])?
            .as_integer()
            .map(Val::Int)
            .ok_or_else(|| error("cannot convert value to integer"))
    }),
    ("asApproximateFloat", true, |args| {
        Ok(Val::Double(quantity(&args[0])?.as_approximate_float()))
    }),
    ("sign", true, |args| Ok(Val::Int(quantity(&args[0])?.sign()))),
    ("add", true, |args| {
        quantity(&args[0])?.add(&*operand(&args[1])?).map(quantity_val).map_err(error)
    }),
    ("sub", true, |args| {
        quantity(&args[0])?.sub(&*operand(&args[1])?).map(quantity_val).map_err(error)
    }),
    ("isGreaterThan", true, |args| ordered(args, Ordering::Greater)),
    ("isLessThan", true, |args| ordered(args, Ordering::Less)),
    ("compareTo", true, |args| Ok(Val::Int(comparison(args)? as i64))),
    ("ip", false, |args| {
        ip::parse_ip(string(&args[0])?).map(|ip| Val::opaque(Opaque::Ip(ip))).map_err(error)
    }),
    ("isIP", false, |args| Ok(Val::Bool(ip::parse_ip(string(&args[0])?).is_ok()))),
    ("ip.isCanonical", false, |args| {
        ip::is_canonical(string(&args[0])?).map(Val::Bool).map_err(error)
    }),
    ("cidr", false, |args| Cidr::parse(string(&args[0])?).map(cidr_val).map_err(error)),
    ("isCIDR", false, |args| Ok(Val::Bool(Cidr::parse(string(&args[0])?).is_ok()))),
    ("family", true, |args| Ok(Val::Int(if address(&args[0])?.is_ipv4() { 4 } else { 6 }))),
    ("isUnspecified", true, |args| Ok(Val::Bool(address(&args[0])?.is_unspecified()))),
    ("isLoopback", true, |args| Ok(Val::Bool(address(&args[0])?.is_loopback()))),
    ("isLinkLocalMulticast", true, |args| {
        Ok(Val::Bool(ip::is_link_local_multicast(address(&args[0])?)))
    }),
    ("isLinkLocalUnicast", true, |args| {
        Ok(Val::Bool(ip::is_link_local_unicast(address(&args[0])?)))
    }),
    ("isGlobalUnicast", true, |args| Ok(Val::Bool(ip::is_global_unicast(address(&args[0])?)))),
    ("containsIP", true, |args| {
        let inner = match args[1].as_str() {
            Some(text) => ip::parse_ip(text).map_err(error)?,
            None => address(&args[1])?,
        };
        Ok(Val::Bool(cidr(&args[0])?.contains(inner)))
    }),
    ("containsCIDR", true, |args| {
        let inner = match args[1].as_str() {
            Some(text) => Cidr::parse(text).map_err(error)?,
            None => cidr(&args[1])?,
        };
        Ok(Val::Bool(cidr(&args[0])?.contains_cidr(inner)))
    }),
    ("ip", true, |args| Ok(Val::opaque(Opaque::Ip(cidr(&args[0])?.ip())))),
    ("masked", true, |args| Ok(cidr_val(cidr(&args[0])?.masked()))),
    ("prefixLength", true, |args| Ok(Val::Int(i64::from(cidr(&args[0])?.prefix_length())))),
    ("url", false, |args| {
        Url::parse(string(&args[0])?)
            .map(|url| Val::opaque(Opaque::Url(UrlValue(url))))
            .map_err(error)
    }),
    ("isURL", false, |args| Ok(Val::Bool(Url::parse(string(&args[0])?).is_ok()))),
    ("getScheme", true, |args| Ok(owned(url(&args[0])?.scheme().to_owned()))),
    ("getHost", true, |args| Ok(owned(url(&args[0])?.host()))),
    ("getHostname", true, |args| Ok(owned(url(&args[0])?.hostname()))),
    ("getPort", true, |args| Ok(owned(url(&args[0])?.port()))),
    ("getEscapedPath", true, |args| Ok(owned(url(&args[0])?.escaped_path()))),
    ("getQuery", true, |args| {
        let entries = url(&args[0])?.query().into_iter();
        let entries = entries
            .map(|(key, values)| (owned(key), Val::list(values.into_iter().map(owned).collect())));
        Ok(Val::Map(Rc::new(entries.collect())))
    }),
    ("semver", false, semver),
    ("isSemver", false, |args| Ok(Val::Bool(semver(args).is_ok()))),
    ("format.named", false, |args| {
        let named = Format::named(string(&args[0])?);
        Ok(Val::Optional(
            named.map(|format| Rc::new(Val::opaque(Opaque::Format(FormatValue(format))))),
        ))
    }),
    ("format.dns1123Label", false, |_| format("dns1123Label")),
    ("format.dns1123Subdomain", false, |_| format("dns1123Subdomain")),
    ("format.dns1035Label", false, |_| format("dns1035Label")),
    ("format.qualifiedName", false, |_| format("qualifiedName")),
    ("format.dns1123LabelPrefix", false, |_| format("dns1123LabelPrefix")),
    ("format.dns1123SubdomainPrefix", false, |_| format("dns1123SubdomainPrefix")),
    ("format.dns1035LabelPrefix", false, |_| format("dns1035LabelPrefix")),
    ("format.labelValue", false, |_| format("labelValue")),
    ("format.uri", false, |_| format("uri")),
    ("format.uuid", false, |_| format("uuid")),
    ("format.byte", false, |_| format("byte")),
    ("format.date", false, |_| format("date")),
    ("format.datetime", false, |_| format("datetime")),
    ("validate", true, |args| match opaque(&args[0])? {
        Opaque::Format(format) => {
            let problems = format.0.validate(string(&args[1])?);
            let list = (!problems.is_empty())
                .then(|| Rc::new(Val::list(problems.into_iter().map(owned).collect())));
            Ok(Val::Optional(list))
        }
        _ => Err(no_overload()),
    }),
    ("major", true, |args| Ok(Val::Int(version(&args[0])?.major as i64))),
    ("minor", true, |args| Ok(Val::Int(version(&args[0])?.minor as i64))),
    ("patch", true, |args| Ok(Val::Int(version(&args[0])?.patch as i64))),
];

fn quantity_val<'a>(quantity: Quantity) -> Val<'a> {
    Val::opaque(Opaque::Quantity(QuantityValue(quantity)))
}

fn cidr_val<'a>(cidr: Cidr) -> Val<'a> {
    Val::opaque(Opaque::Cidr(CidrValue(cidr)))
}

fn format<'a>(name: &str) -> Result<Val<'a>> {
    let format = Format::named(name).ok_or_else(no_overload)?;
    Ok(Val::opaque(Opaque::Format(FormatValue(format))))
}

fn quantity<'v>(value: &'v Val<'_>) -> Result<&'v Quantity> {
    match opaque(value)? {
        Opaque::Quantity(quantity) => Ok(&quantity.0),
        _ => Err(no_overload()),
    }
}

/// A quantity or an integer.
fn operand<'v>(value: &'v Val<'_>) -> Result<std::borrow::Cow<'v, Quantity>> {
    match value.read() {
        Val::Int(value) => Ok(std::borrow::Cow::Owned(Quantity::from_int(value))),
        _ => quantity(value).map(std::borrow::Cow::Borrowed),
    }
}

fn version<'v>(value: &'v Val<'_>) -> Result<&'v Semver> {
    match opaque(value)? {
        Opaque::Semver(semver) => Ok(&semver.0),
        _ => Err(no_overload()),
    }
}

fn comparison(args: &[Val<'_>]) -> Result<Ordering> {
    match (opaque(&args[0])?, opaque(&args[1])?) {
        (Opaque::Quantity(a), Opaque::Quantity(b)) => Ok(a.0.order(&b.0)),
        (Opaque::Semver(a), Opaque::Semver(b)) => Ok(a.0.compare(&b.0)),
        _ => Err(no_overload()),
    }
}

fn ordered<'a>(args: &[Val<'a>], wanted: Ordering) -> Result<Val<'a>> {
    Ok(Val::Bool(comparison(args)? == wanted))
}

fn address(value: &Val<'_>) -> Result<IpAddr> {
    match opaque(value)? {
        Opaque::Ip(ip) => Ok(*ip),
        _ => Err(no_overload()),
    }
}

fn cidr(value: &Val<'_>) -> Result<Cidr> {
    match opaque(value)? {
        Opaque::Cidr(cidr) => Ok(cidr.0),
        _ => Err(no_overload()),
    }
}

fn url<'v>(value: &'v Val<'_>) -> Result<&'v Url> {
    match opaque(value)? {
        Opaque::Url(url) => Ok(&url.0),
        _ => Err(no_overload()),
    }
}

fn semver<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let text = string(&args[0])?;
    let normalize = match args.get(1).map(Val::read) {
        Some(Val::Bool(normalize)) => normalize,
        None => false,
        _ => return Err(no_overload()),
    };
    let parsed = if normalize { Semver::parse_normalized(text) } else { Semver::parse(text) };
    parsed.map(|semver| Val::opaque(Opaque::Semver(SemverValue(semver)))).map_err(error)
}
