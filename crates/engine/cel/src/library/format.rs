//! The named formats of `format.NAME().validate(…)`, with the API machinery's messages.

use super::timestamp;
use super::url;

/// A named format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Dns1123Label,
    Dns1123LabelPrefix,
    Dns1123Subdomain,
    Dns1123SubdomainPrefix,
    Dns1035Label,
    Dns1035LabelPrefix,
    QualifiedName,
    LabelValue,
    Uri,
    Uuid,
    Byte,
    Date,
    DateTime,
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const LABEL_KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

impl Format {
    /// Every format with the name under which expressions know it.
    pub(crate) const ALL: [(&str, Format); 13] = [
        ("dns1123Label", Format::Dns1123Label),
        ("dns1123LabelPrefix", Format::Dns1123LabelPrefix),
        ("dns1123Subdomain", Format::Dns1123Subdomain),
        ("dns1123SubdomainPrefix", Format::Dns1123SubdomainPrefix),
        ("dns1035Label", Format::Dns1035Label),
        ("dns1035LabelPrefix", Format::Dns1035LabelPrefix),
        ("qualifiedName", Format::QualifiedName),
        ("labelValue", Format::LabelValue),
        ("uri", Format::Uri),
        ("uuid", Format::Uuid),
        ("byte", Format::Byte),
        ("date", Format::Date),
        ("datetime", Format::DateTime),
    ];

    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Format> {
        Format::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// Its own name, which is not always the one in expressions.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Dns1123Label => "DNS1123Label",
            Format::Dns1123LabelPrefix => "DNS1123LabelPrefix",
            Format::Dns1123Subdomain => "DNS1123Subdomain",
            Format::Dns1123SubdomainPrefix => "DNS1123SubdomainPrefix",
            Format::Dns1035Label => "DNS1035Label",
            Format::Dns1035LabelPrefix => "DNS1035LabelPrefix",
            Format::QualifiedName => "QualifiedName",
            Format::LabelValue => "LabelValue",
            Format::Uri => "URI",
            Format::Uuid => "uuid",
            Format::Byte => "byte",
            Format::Date => "date",
            Format::DateTime => "datetime",
        }
    }

    /// Length of the regular expression a check is charged for.
    pub(crate) fn regex_size(self) -> u64 {
        match self {
            Format::Dns1123Label
            | Format::Dns1123LabelPrefix
            | Format::Dns1035Label
            | Format::Dns1035LabelPrefix => 30,
            Format::Dns1123Subdomain | Format::Dns1123SubdomainPrefix | Format::QualifiedName => 60,
            Format::LabelValue => 40,
            Format::Uri => 1103,
            Format::Uuid => 70,
            Format::Byte => 84,
            Format::Date | Format::DateTime => 71,
        }
    }

    /// What is wrong with the text; nothing when it is valid.
    pub(crate) fn validate(self, text: &str) -> Vec<String> {
        match self {
            Format::Dns1123Label => dns1123_label(text),
            Format::Dns1123LabelPrefix => dns1123_label(&mask_trailing_dash(text)),
            Format::Dns1123Subdomain => dns1123_subdomain(text, "characters"),
            Format::Dns1123SubdomainPrefix => {
                dns1123_subdomain(&mask_trailing_dash(text), "characters")
            }
            Format::Dns1035Label => dns1035_label(text),
            Format::Dns1035LabelPrefix => dns1035_label(&mask_trailing_dash(text)),
            Format::QualifiedName => qualified_name(text),
            Format::LabelValue => label_value(text),
            Format::Uri => url::parse_request_uri(text).err().into_iter().collect(),
            Format::Uuid => unless(is_uuid(text), "does not match the UUID format"),
            Format::Byte => unless(is_base64(text), "invalid base64"),
            Format::Date => unless(timestamp::is_date(text), "invalid date"),
            Format::DateTime => unless(is_date_time(text), "invalid datetime"),
        }
    }
}

fn unless(valid: bool, message: &str) -> Vec<String> {
    if valid { Vec::new() } else { vec![message.into()] }
}

fn too_long(most: usize, unit: &str) -> String {
    format!("must be no more than {most} {unit}")
}

fn not_matching(rule: &str, regex: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

/// A generated name gets a suffix: what ends in a dash is judged as if it did not.
fn mask_trailing_dash(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            // The character before the dash goes too; half of a longer one stays, and is refused.
            let mut masked: String = rest.chars().take(rest.chars().count() - 1).collect();
            if !rest.ends_with(|char: char| char.is_ascii()) {
                masked.push('\u{fffd}');
            }
            masked.push('a');
            masked
        }
        _ => text.into(),
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.iter().all(|&byte| inner(byte) || byte == b'-')
        && bytes.first().is_some_and(|&byte| inner(byte))
        && bytes.last().is_some_and(|&byte| inner(byte))
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

fn dns1123_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > MAX_LABEL {
        errors.push(too_long(MAX_LABEL, "characters"));
    }
    if !is_label(text) {
        errors.push(if is_subdomain(text) {
            "must not contain dots".into()
        } else {
            not_matching(LABEL_RULE, LABEL, &["my-name", "123-abc"])
        });
    }
    errors
}

fn dns1123_subdomain(text: &str, unit: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > MAX_SUBDOMAIN {
        errors.push(too_long(MAX_SUBDOMAIN, unit));
    }
    if !is_subdomain(text) {
        errors.push(not_matching(SUBDOMAIN_RULE, SUBDOMAIN, &["example.com"]));
    }
    errors
}

fn dns1035_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > MAX_LABEL {
        errors.push(too_long(MAX_LABEL, "characters"));
    }
    if !is_label(text) || !text.starts_with(|char: char| char.is_ascii_lowercase()) {
        errors.push(not_matching(LABEL_1035_RULE, LABEL_1035, &["my-name", "abc-123"]));
    }
    errors
}

fn qualified_name(text: &str) -> Vec<String> {
    const EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
    let mut errors = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".into());
            } else {
                let messages = dns1123_subdomain(prefix, "bytes");
                errors.extend(messages.iter().map(|message| format!("prefix part {message}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                not_matching(LABEL_KEY_RULE, LABEL_KEY, &EXAMPLES)
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".into());
    } else if name.len() > MAX_LABEL {
        errors.push(format!("name part {}", too_long(MAX_LABEL, "bytes")));
    }
    if !is_label_key(name) {
        errors.push(format!("name part {}", not_matching(LABEL_KEY_RULE, LABEL_KEY, &EXAMPLES)));
    }
    errors
}

fn label_value(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > MAX_LABEL {
        errors.push(too_long(MAX_LABEL, "bytes"));
    }
    if !text.is_empty() && !is_label_key(text) {
        errors.push(not_matching(LABEL_VALUE_RULE, LABEL_VALUE, &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// Hexadecimal digits 8-4-4-4-12, each dash optional.
fn is_uuid(text: &str) -> bool {
    let mut rest = text.as_bytes();
    for (at, n_digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        match rest.split_at_checked(n_digits) {
            Some((digits, after)) if digits.iter().all(u8::is_ascii_hexdigit) => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// Standard alphabet, padded, not empty.
fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

/// A date, `T` and a time with an offset in any case; what follows a second `T` is not read.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    timestamp::is_date(date) && is_time(time)
}

fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    if !digits_at(clock, "00:00:00")
        || &clock[..2] > "23"
        || &clock[3..5] > "59"
        || &clock[6..] > "59"
    {
        return false;
    }
    // The fraction may follow any one character.
    let mut chars = rest.chars();
    let after_fraction = chars
        .next()
        .filter(|char| *char != '\n')
        .map(|_| chars.as_str().trim_start_matches(|char: char| char.is_ascii_digit()))
        .filter(|after| after.len() < chars.as_str().len());
    let is_offset =
        |text: &str| text == "z" || text.starts_with(['+', '-']) && digits_at(&text[1..], "00:00");
    is_offset(rest) || after_fraction.is_some_and(is_offset)
}

/// Whether the text is like the picture: digits where it has zeros.
fn digits_at(text: &str, picture: &str) -> bool {
    text.len() == picture.len()
        && text.bytes().zip(picture.bytes()).all(|(byte, wanted)| {
            if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid() {
        for (format, texts) in [
            (Format::Dns1123Label, &["a", "1-a"][..]),
            (Format::Dns1123LabelPrefix, &["a-", "a"]),
            (Format::Dns1123Subdomain, &["a.b-c.1"]),
            (Format::Dns1035Label, &["a1"]),
            (Format::QualifiedName, &["a", "example.com/A_b.c"]),
            (Format::LabelValue, &["", "A_1"]),
            (Format::Uri, &["http://a", "/a"]),
            (
                Format::Uuid,
                &["123e4567-e89b-12d3-a456-426614174000", "123E4567e89b12d3a456426614174000"],
            ),
            (Format::Byte, &["YQ==", "YWI=", "YWJj"]),
            (Format::Date, &["2024-02-29"]),
            (
                Format::DateTime,
                &["2024-02-29T01:02:03Z", "2024-02-29t01:02:03.5+24:99", "2024-02-29T01:02:03z"],
            ),
        ] {
            for text in texts {
                assert_eq!(format.validate(text), Vec::<String>::new(), "{format:?} {text}");
            }
        }
    }

    #[test]
    fn invalid() {
        assert_eq!(Format::Dns1123Label.validate("a.b"), ["must not contain dots"]);
        assert_eq!(Format::QualifiedName.validate("/")[0], "prefix part must be non-empty");
        assert_eq!(Format::QualifiedName.validate("a/b/c").len(), 1);
        assert_eq!(Format::LabelValue.validate(&"-".repeat(64)).len(), 2);
        for (format, text) in [
            (Format::Dns1123LabelPrefix, "-"),
            (Format::Dns1035Label, "1a"),
            (Format::Uri, "a b"),
            (Format::Uuid, "123"),
            (Format::Byte, ""),
            (Format::Byte, "YQ="),
            (Format::Date, "2023-02-29"),
            (Format::DateTime, "2024-02-29T24:00:00Z"),
            (Format::DateTime, "2024-02-29"),
        ] {
            assert_eq!(format.validate(text).len(), 1, "{format:?} {text}");
        }
    }
}
