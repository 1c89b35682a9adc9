//! Strict decoding: fields that the API server does not know, and values of the
//! wrong type. Repeated keys are told by the YAML parser.

use ironhull_model::{Kind, Node, Pointer};

use crate::tables::{FieldType, TypeId};
use crate::{Schema, tables};

/// One thing that strict decoding refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StrictError {
    /// Where.
    pub pointer: Pointer,
    /// What, in the API server's words where those are stable.
    pub message: String,
}

/// What a message about a field that is not in the schema begins with.
const UNKNOWN: &str = "unknown field ";

impl StrictError {
    /// Whether a value has another type than its field, so that the API server refuses
    /// the object even where it drops what it does not know.
    pub fn is_of_type(&self) -> bool {
        !self.message.starts_with(UNKNOWN)
    }
}

/// Everything that strict decoding refuses in an object of a known kind; none for
/// kinds without schema.
pub fn check(schema: Schema, root: Node<'_>) -> Option<Vec<StrictError>> {
    let api_version = root.get("apiVersion")?.as_str()?;
    let (group, version) = ironhull_model::object::split_api_version(api_version);
    let info = schema.kind(group, version, root.get("kind")?.as_str()?)?;
    let mut errors = Vec::new();
    object(schema, info.ty, root, &mut errors);
    Some(errors)
}

/// A node's path as the API server writes it: `spec.containers[0].name`.
fn path(node: Node<'_>) -> String {
    let Some(parent) = node.parent() else { return String::new() };
    let before = path(parent);
    match (node.key(), node.index()) {
        (Some(key), _) if before.is_empty() => key.to_owned(),
        (Some(key), _) => format!("{before}.{key}"),
        (None, index) => format!("{before}[{}]", index.unwrap_or_default()),
    }
}

fn object(schema: Schema, ty: TypeId, node: Node<'_>, errors: &mut Vec<StrictError>) {
    for (name, child) in node.entries() {
        match schema.field(ty, name) {
            Some(field) => value(schema, &field.ty, child, errors),
            None => {
                let mut message = format!("{UNKNOWN}\"{}\"", path(child));
                let known = tables::fields(ty).iter().map(|field| field.name);
                let mut known = known;
                let nearest = known.find(|known| known.eq_ignore_ascii_case(name));
                if let Some(nearest) = nearest {
                    message += &format!("; field names are case-sensitive: {nearest}");
                }
                errors.push(StrictError { pointer: child.pointer(), message });
            }
        }
    }
}

/// What stands for values of a Secret that are no texts where `base/secrets` masked them.
const MASKED: [(&str, Kind); 3] = [
    ("‹redacted:secret-bool›", Kind::Bool),
    ("‹redacted:secret-float›", Kind::Float),
    ("‹redacted:secret-integer›", Kind::Int),
];

/// The kind of what was written.
fn kind_of(node: Node<'_>) -> Kind {
    let text = node.as_str().unwrap_or_default();
    let masked = MASKED.iter().find(|(mask, _)| *mask == text);
    masked.map_or(node.kind(), |(_, kind)| *kind)
}

fn value(schema: Schema, ty: &FieldType, node: Node<'_>, errors: &mut Vec<StrictError>) {
    let kind = kind_of(node);
    if kind == Kind::Null || node.is_defaulted() {
        return;
    }
    let integral = || {
        matches!(kind, Kind::Int | Kind::UInt)
            || node.as_f64().is_some_and(|number| number.fract() == 0.0)
    };
    let fits = match ty {
        FieldType::Any => return,
        FieldType::String => kind == Kind::String,
        // A list of numbers is read as bytes, too.
        FieldType::Bytes => {
            let is_byte = |item: Node<'_>| match item.as_u64() {
                Some(number) => number < 256,
                None => kind_of(item) == Kind::Int && item.kind() == Kind::String,
            };
            kind == Kind::String || kind == Kind::List && node.items().all(is_byte)
        }
        FieldType::Time => node.as_str().is_some_and(|text| is_time(text, None)),
        FieldType::MicroTime => node.as_str().is_some_and(|text| is_time(text, Some(6))),
        FieldType::Integer => integral(),
        FieldType::Number => matches!(kind, Kind::Int | Kind::UInt | Kind::Float),
        FieldType::Boolean => kind == Kind::Bool,
        FieldType::IntOrString => kind == Kind::String || integral(),
        FieldType::Quantity => matches!(kind, Kind::String | Kind::Int | Kind::UInt | Kind::Float),
        FieldType::List(item) => {
            if kind == Kind::List {
                node.items().for_each(|child| value(schema, item, child, errors));
                return;
            }
            false
        }
        FieldType::Map(item) => {
            if kind == Kind::Map {
                node.items().for_each(|child| value(schema, item, child, errors));
                return;
            }
            false
        }
        FieldType::Type(ty) => {
            if kind == Kind::Map {
                object(schema, *ty, node, errors);
                return;
            }
            false
        }
    };
    if !fits {
        let found = match node.as_str() {
            Some(text) if wanted(ty).contains("time") => format!("{text:?}"),
            _ => article(kind),
        };
        let message = format!("{} must be {}, not {found}", path(node), wanted(ty));
        errors.push(StrictError { pointer: node.pointer(), message });
    }
}

fn wanted(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::String | FieldType::Bytes => "a string",
        FieldType::Time => "a time such as \"2006-01-02T15:04:05Z\"",
        FieldType::MicroTime => "a time such as \"2006-01-02T15:04:05.000000Z\"",
        FieldType::Integer => "an integer",
        FieldType::Number => "a number",
        FieldType::Boolean => "a boolean",
        FieldType::IntOrString => "an integer or a string",
        FieldType::Quantity => "a quantity",
        FieldType::List(_) => "a list",
        FieldType::Map(_) | FieldType::Type(_) => "a map",
        FieldType::Any => "anything",
    }
}

fn article(kind: Kind) -> String {
    match kind {
        Kind::Int | Kind::UInt => "an integer".to_owned(),
        Kind::Bool => "a boolean".to_owned(),
        kind => format!("a {kind}"),
    }
}

/// RFC 3339 as Go's `time.Parse` reads it; the number of digits of the second's
/// fraction, if that is given.
pub(crate) fn is_time(text: &str, fraction: Option<usize>) -> bool {
    let number = |range: std::ops::Range<usize>, limit: u32| {
        text.get(range)
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u32>().ok())
            .filter(|number| *number <= limit)
    };
    let bytes = text.as_bytes();
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let marks = is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':');
    let (Some(year), Some(month), Some(day)) =
        (number(0..4, 9999), number(5..7, 12), number(8..10, 31))
    else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let n_days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let clock = [(11..13, 23), (14..16, 59), (17..19, 59)];
    if !marks
        || month == 0
        || !(1..=n_days).contains(&day)
        || clock.into_iter().any(|(range, limit)| number(range, limit).is_none())
    {
        return false;
    }
    let rest = &text[19..];
    let n_digits = rest
        .strip_prefix('.')
        .map_or(0, |digits| digits.bytes().take_while(|byte| byte.is_ascii_digit()).count());
    let zone = if n_digits == 0 { rest } else { &rest[n_digits + 1..] };
    let at = text.len() - zone.len();
    let zone_fits = zone == "Z"
        || zone.len() == 6
            && (zone.starts_with('+') || zone.starts_with('-'))
            && zone.as_bytes()[3] == b':'
            && number(at + 1..at + 3, 24).is_some()
            && number(at + 4..at + 6, 60).is_some();
    zone_fits && fraction.is_none_or(|wanted| wanted == n_digits)
}
