//! A text that tells values and their types apart, as the oracle writes it.

use std::fmt::Write;

use crate::value::{Opaque, Struct, Val};

impl Val<'_> {
    /// The value as the differential tests compare it.
    #[doc(hidden)]
    pub fn canonical(&self) -> String {
        match self.read() {
            Val::Null => "null".into(),
            Val::Bool(value) => value.to_string(),
            Val::Int(value) => value.to_string(),
            Val::Uint(value) => format!("{value}u"),
            Val::Double(value) if value.is_nan() => "dNaN".into(),
            Val::Double(value) => format!("d{:016x}", value.to_bits()),
            Val::Str(text) => quoted(&text),
            Val::Bytes(bytes) => bytes.iter().fold("b".to_owned(), |mut text, byte| {
                _ = write!(text, "{byte:02x}");
                text
            }),
            Val::Duration(nanos) => format!("duration({nanos})"),
            Val::Time(moment) => format!("timestamp({})", moment.0.format()),
            Val::Optional(None) => "optional.none()".into(),
            Val::Optional(Some(inner)) => format!("optional({})", inner.canonical()),
            Val::Type(name) => format!("type({name})"),
            Val::Unknown => "unknown".into(),
            Val::Variables(_) => "variables".into(),
            Val::Struct(made) => structure(&made),
            Val::Opaque(opaque) => opaque_text(&opaque),
            list_or_map => aggregate(&list_or_map),
        }
    }
}

fn aggregate(value: &Val<'_>) -> String {
    if value.type_name() == "list" {
        let items: Vec<String> = value.elements().iter().map(Val::canonical).collect();
        return format!("[{}]", items.join(", "));
    }
    let mut entries: Vec<String> = value
        .pairs()
        .iter()
        .map(|(key, value)| format!("{}: {}", key.canonical(), value.canonical()))
        .collect();
    entries.sort();
    format!("{{{}}}", entries.join(", "))
}

fn structure(made: &Struct<'_>) -> String {
    if !made.is_patch() {
        let data = crate::policy::plain(made);
        let shown = data.map(|data| Val::from_node(data.root()).canonical());
        return format!("{} {}", made.type_name(), shown.unwrap_or_else(|| "unexpected".into()));
    }
    let text = |name| quoted(made.field(name).and_then(Val::as_str).unwrap_or_default());
    let value = made.field("value").map(Val::canonical).unwrap_or_default();
    let (op, path, from) = (text("op"), text("path"), text("from"));
    format!("JSONPatch{{op: {op}, path: {path}, from: {from}, value: {value}}}")
}

fn opaque_text(opaque: &Opaque) -> String {
    match opaque {
        Opaque::Quantity(quantity) => {
            let integer = quantity.0.as_integer().is_some();
            format!("quantity({},{integer})", quantity.0.canonical())
        }
        Opaque::Ip(ip) => format!("IP({ip})"),
        Opaque::Cidr(cidr) => format!("CIDR({})", cidr.0),
        Opaque::Url(url) => format!("URL({})", quoted(&url.0.text())),
        Opaque::Semver(version) => format!("Semver({})", version.0),
        Opaque::Format(format) => format!("Format({})", format.0.name()),
        Opaque::Authz(authz) => authz.type_name().to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char < ' ' => _ = write!(quoted, "\\x{:02x}", char as u32),
            char => quoted.push(char),
        }
    }
    quoted + "\""
}
