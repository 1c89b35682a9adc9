//! How the reference shows values inside messages: Go's `%v` and `%T`.

use std::fmt::Write;

use ironhull_model::{Kind, Node};

use super::go::format_float_g;
use crate::authz::Authz;
use crate::value::{Opaque, Val};

impl Val<'_> {
    /// `%v`.
    pub(crate) fn go_display(&self) -> String {
        match self.read() {
            Val::Null => "0".into(),
            Val::Bool(value) => value.to_string(),
            Val::Int(value) => value.to_string(),
            Val::Uint(value) => value.to_string(),
            Val::Double(value) => format_float_g(value),
            Val::Str(text) => text.into_owned(),
            Val::Bytes(bytes) => {
                format!("[{}]", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(" "))
            }
            Val::Duration(nanos) => duration(nanos),
            Val::Time(moment) => moment.0.format_go(),
            Val::Type(name) => name.into(),
            Val::Optional(None) => "optional.none()".into(),
            Val::Optional(Some(inner)) => format!("optional({})", inner.go_display()),
            Val::Opaque(opaque) => match &*opaque {
                Opaque::Semver(version) => version.0.to_string(),
                other => other.text(),
            },
            Val::Unknown => "unknown".into(),
            Val::Struct(made) => made.type_name().into(),
            Val::Variables(_) => crate::value::VARIABLES.into(),
            aggregate => shown_aggregate(&aggregate),
        }
    }

    /// `%T` of what the value holds.
    pub(crate) fn go_native_type(&self) -> &'static str {
        match self {
            Val::Node(node) if matches!(node.kind(), Kind::List | Kind::Map) => self.go_type(true),
            Val::Node(_) => self.read().go_native_type(),
            Val::Null => "structpb.NullValue",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int64",
            Val::Uint(_) => "uint64",
            Val::Double(_) => "float64",
            Val::Str(_) => "string",
            Val::Bytes(_) => "[]uint8",
            Val::Duration(_) => "time.Duration",
            Val::Time(_) => "time.Time",
            Val::List(list) if list.joined => "[]interface {}",
            Val::List(_) => "[]ref.Val",
            Val::Map(_) => "map[ref.Val]ref.Val",
            Val::Optional(None) => "<nil>",
            Val::Optional(Some(inner)) => inner.go_native_type(),
            Val::Type(_) => "string",
            Val::Struct(made) if made.is_patch() => "*mutation.JSONPatchVal",
            Val::Struct(_) => "map[string]interface {}",
            Val::Variables(_) => "*types.Err",
            Val::Unknown => "*types.Unknown",
            Val::Opaque(opaque) => match &**opaque {
                Opaque::Quantity(_) => "*resource.Quantity",
                Opaque::Ip(_) => "netip.Addr",
                Opaque::Cidr(_) => "netip.Prefix",
                Opaque::Url(_) => "*url.URL",
                Opaque::Semver(_) => "semver.Version",
                Opaque::Format(_) => "*cel.Format",
                Opaque::Authz(_) => "*types.Err",
            },
        }
    }

    /// `%T`; `native` of a part of a document that was not looked into.
    pub(crate) fn go_type(&self, native: bool) -> &'static str {
        match self {
            Val::Node(node) if native => match node.kind() {
                Kind::Null => "<nil>",
                Kind::List => "[]interface {}",
                Kind::Map => "map[string]interface {}",
                _ => self.read().go_type(false),
            },
            Val::Node(node) if matches!(node.kind(), Kind::List) => "*types.baseList",
            Val::Node(node) if matches!(node.kind(), Kind::Map) => "*types.baseMap",
            Val::Node(_) => self.read().go_type(false),
            Val::Null => "types.Null",
            Val::Bool(_) => "types.Bool",
            Val::Int(_) => "types.Int",
            Val::Uint(_) => "types.Uint",
            Val::Double(_) => "types.Double",
            Val::Str(_) => "types.String",
            Val::Bytes(_) => "types.Bytes",
            Val::Duration(_) => "types.Duration",
            Val::Time(_) => "types.Timestamp",
            Val::List(list) if list.joined => "*types.concatList",
            Val::List(_) => "*types.baseList",
            Val::Map(_) => "*types.baseMap",
            Val::Optional(_) => "*types.Optional",
            Val::Type(_) => "*types.Type",
            Val::Unknown => "*types.Unknown",
            Val::Struct(made) if made.is_patch() => "*mutation.JSONPatchVal",
            Val::Struct(_) => "*dynamic.ObjectVal",
            Val::Variables(_) => "*lazy.MapValue",
            Val::Opaque(opaque) => match &**opaque {
                Opaque::Quantity(quantity) if quantity.0.is_computed() => "*cel.Quantity",
                Opaque::Quantity(_) => "cel.Quantity",
                Opaque::Ip(_) => "cel.IP",
                Opaque::Cidr(_) => "cel.CIDR",
                Opaque::Url(_) => "cel.URL",
                Opaque::Semver(_) => "cel.Semver",
                Opaque::Format(_) => "cel.Format",
                Opaque::Authz(authz) => match authz {
                    Authz::Authorizer(_) => "library.authorizerVal",
                    Authz::Path(..) => "library.pathCheckVal",
                    Authz::Group(..) => "library.groupCheckVal",
                    Authz::Resource(..) => "library.resourceCheckVal",
                    Authz::Check(_) | Authz::Decision(_) => "library.decisionVal",
                },
            },
        }
    }
}

/// A part of a document as Go shows it where it was not looked into.
fn native(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "<nil>".into(),
        Kind::List => {
            format!("[{}]", node.items().map(native).collect::<Vec<_>>().join(" "))
        }
        Kind::Map => {
            let mut entries: Vec<_> = node.entries().collect();
            entries.sort_by_key(|(key, _)| *key);
            let shown = entries.into_iter().map(|(key, item)| format!("{key}:{}", native(item)));
            format!("map[{}]", shown.collect::<Vec<_>>().join(" "))
        }
        _ => Val::from_node(node).go_display(),
    }
}

fn shown_aggregate(value: &Val<'_>) -> String {
    if let Val::Node(node) = value
        && node.kind() == Kind::List
    {
        return format!("[{}]", node.items().map(native).collect::<Vec<_>>().join(", "));
    }
    if value.is_type("list") {
        let items: Vec<String> = value.elements().iter().map(Val::go_display).collect();
        return format!("[{}]", items.join(", "));
    }
    let entries: Vec<String> = value
        .pairs()
        .iter()
        .map(|(key, value)| format!("{}: {}", key.go_display(), value.go_display()))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// `time.Duration.String`.
fn duration(nanos: i64) -> String {
    let total = nanos.unsigned_abs();
    if total == 0 {
        return "0s".into();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let fraction = |value: u64, unit: u64| {
        let digits = unit.ilog10() as usize;
        let mut text = (value / unit).to_string();
        if !value.is_multiple_of(unit) {
            let rest = format!("{:0digits$}", value % unit);
            _ = write!(text, ".{}", rest.trim_end_matches('0'));
        }
        text
    };
    let text = if total < 1_000 {
        format!("{total}ns")
    } else if total < 1_000_000 {
        format!("{}µs", fraction(total, 1_000))
    } else if total < 1_000_000_000 {
        format!("{}ms", fraction(total, 1_000_000))
    } else {
        let (hours, rest) = (total / 3_600_000_000_000, total % 3_600_000_000_000);
        let (minutes, rest) = (rest / 60_000_000_000, rest % 60_000_000_000);
        let seconds = fraction(rest, 1_000_000_000);
        match (hours, minutes) {
            (0, 0) => format!("{seconds}s"),
            (0, _) => format!("{minutes}m{seconds}s"),
            _ => format!("{hours}h{minutes}m{seconds}s"),
        }
    };
    format!("{sign}{text}")
}
