//! Semantic versions (semver.org 2.0), strictly or after normalising.

use std::cmp::Ordering;
use std::fmt;

use super::go::quote;

/// A semantic version; comparison ignores build metadata.
#[derive(Clone, Debug)]
pub(crate) struct Semver {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pre: Vec<Identifier>,
    build: Vec<Box<str>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Identifier {
    /// Numbers sort before words.
    Number(u64),
    Word(Box<str>),
}

impl Semver {
    /// Reads `MAJOR.MINOR.PATCH[-PRE][+BUILD]`; errors as the reference words them.
    pub(crate) fn parse(text: &str) -> Result<Semver, String> {
        if text.is_empty() {
            return Err("Version string empty".into());
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("No Major.Minor.Patch elements found".into());
        };
        let major = number(major, "Major", "major number")?;
        let minor = number(minor, "Minor", "minor number")?;
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (rest, None),
        };
        let (patch, pre) = match rest.split_once('-') {
            Some((patch, pre)) => (patch, Some(pre)),
            None => (rest, None),
        };
        let patch = number(patch, "Patch", "patch number")?;
        let pre = pre.into_iter().flat_map(|pre| pre.split('.')).map(identifier);
        let pre = pre.collect::<Result<_, _>>()?;
        let build = build.into_iter().flat_map(|build| build.split('.')).map(|part| match part {
            "" => Err("Build meta data is empty".to_owned()),
            part if part.chars().all(is_word) => Ok(part.into()),
            part => Err(format!("Invalid character(s) found in build meta data {}", quote(part))),
        });
        Ok(Semver { major, minor, patch, pre, build: build.collect::<Result<_, _>>()? })
    }

    /// Reads a looser form: one leading `v`, missing minor and patch, leading zeros.
    pub(crate) fn parse_normalized(text: &str) -> Result<Semver, String> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text.splitn(3, '.').map(without_leading_zeros).collect();
        if parts.len() < 3 {
            if parts.last().is_some_and(|part| part.contains(['+', '-'])) {
                return Err("short version cannot contain PreRelease/Build meta data".into());
            }
            parts.resize(3, "0".into());
        }
        Semver::parse(&parts.join("."))
    }

    /// By precedence; build metadata does not count.
    pub(crate) fn compare(&self, other: &Semver) -> Ordering {
        let numbers = |version: &Semver| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            // A release comes after its pre-releases.
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre.cmp(&other.pre),
            }
        })
    }
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (at, identifier) in self.pre.iter().enumerate() {
            f.write_str(if at == 0 { "-" } else { "." })?;
            match identifier {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Word(word) => f.write_str(word)?,
            }
        }
        for (at, part) in self.build.iter().enumerate() {
            write!(f, "{}{part}", if at == 0 { "+" } else { "." })?;
        }
        Ok(())
    }
}

fn without_leading_zeros(part: &str) -> String {
    if part.len() < 2 {
        return part.into();
    }
    let trimmed = part.trim_start_matches('0');
    if trimmed.starts_with(|char: char| char.is_ascii_digit()) {
        trimmed.into()
    } else {
        format!("0{trimmed}")
    }
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '-'
}

fn number(text: &str, title: &str, name: &str) -> Result<u64, String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {name} {}", quote(text)));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{title} number must not contain leading zeroes {}", quote(text)));
    }
    parse_uint(text)
}

fn parse_uint(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        let why = if text.is_empty() { "invalid syntax" } else { "value out of range" };
        format!("strconv.ParseUint: parsing {}: {why}", quote(text))
    })
}

fn identifier(text: &str) -> Result<Identifier, String> {
    if text.is_empty() {
        return Err("Prerelease is empty".into());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        if text.len() > 1 && text.starts_with('0') {
            return Err(format!(
                "Numeric PreRelease version must not contain leading zeroes {}",
                quote(text)
            ));
        }
        return parse_uint(text).map(Identifier::Number);
    }
    if text.chars().all(is_word) {
        return Ok(Identifier::Word(text.into()));
    }
    Err(format!("Invalid character(s) found in prerelease {}", quote(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        let ordered =
            ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.0.1", "1.10.0"];
        for pair in ordered.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| Semver::parse(text).unwrap());
            assert_eq!(a.compare(&b), Ordering::Less, "{pair:?}");
        }
        let [a, b] = ["1.0.0+a", "1.0.0+b"].map(|text| Semver::parse(text).unwrap());
        assert_eq!(a.compare(&b), Ordering::Equal);
    }

    #[test]
    fn strict_and_normalized() {
        for text in [
            "",
            "1",
            "1.2",
            "v1.2.3",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3+",
            "1.2.3+a_b",
            "1.2.x",
        ] {
            assert!(Semver::parse(text).is_err(), "{text}");
        }
        for (text, normal) in [
            ("v1", "1.0.0"),
            ("01.02", "1.2.0"),
            ("v1.2.3-a.1+b", "1.2.3-a.1+b"),
            ("1.000.03", "1.0.3"),
        ] {
            assert_eq!(Semver::parse_normalized(text).unwrap().to_string(), normal);
        }
        for text in ["1.2-a", "vv1.2.3", ""] {
            assert!(Semver::parse_normalized(text).is_err(), "{text}");
        }
    }
}
