//! Values of the libraries' types.

use std::net::IpAddr;

use crate::authz::Authz;
use crate::library::format::Format;
use crate::library::ip::Cidr;
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::url::Url;

/// Values of the libraries' types.
#[derive(Debug)]
pub enum Opaque {
    #[doc(hidden)]
    Quantity(QuantityValue),
    #[doc(hidden)]
    Ip(IpAddr),
    #[doc(hidden)]
    Cidr(CidrValue),
    #[doc(hidden)]
    Url(UrlValue),
    #[doc(hidden)]
    Semver(SemverValue),
    #[doc(hidden)]
    Format(FormatValue),
    #[doc(hidden)]
    Authz(Authz),
}

macro_rules! wrap {
    ($($name:ident $inner:ty;)*) => { $(#[doc(hidden)] #[derive(Debug)] pub struct $name(pub(crate) $inner);)* };
}
wrap! {
    QuantityValue Quantity;
    CidrValue Cidr;
    UrlValue Url;
    SemverValue Semver;
    FormatValue Format;
}

impl Opaque {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Opaque::Quantity(_) => "kubernetes.Quantity",
            Opaque::Ip(_) => "net.IP",
            Opaque::Cidr(_) => "net.CIDR",
            Opaque::Url(_) => "kubernetes.URL",
            Opaque::Semver(_) => "kubernetes.Semver",
            Opaque::Format(_) => "kubernetes.NamedFormat",
            Opaque::Authz(authz) => authz.type_name(),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Opaque::Quantity(quantity) => quantity.0.text(),
            Opaque::Ip(ip) => ip.to_string(),
            Opaque::Cidr(cidr) => format!("{}/{}", cidr.0.ip(), cidr.0.prefix_length()),
            Opaque::Url(url) => url.0.text(),
            Opaque::Semver(semver) => format!("{:?}", semver.0),
            Opaque::Format(format) => format.0.name().to_owned(),
            Opaque::Authz(authz) => authz.type_name().to_owned(),
        }
    }
}
