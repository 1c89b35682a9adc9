//! Regular expressions with RE2's syntax and meaning on the `regex` crate.
//!
//! Patterns are read by our own parser ([`translate`]), which accepts and refuses
//! what Go's `regexp` does, with its messages, and writes an equal pattern for
//! the `regex` crate: `\d \w \s \b` are ASCII, repetition counts end at 1000.

use std::rc::Rc;

use regex::bytes::{Regex, RegexBuilder};
use rustc_hash::FxHashMap;

mod class;
mod translate;

/// Largest compiled program in bytes.
const MAX_PROGRAM: usize = 64 << 20;
/// Groups may nest this deep in what we hand on; the parser's own limit is lower.
const NEST_LIMIT: u32 = 4000;
/// Patterns that are not literals are kept compiled, this many.
const CACHE_SIZE: usize = 64;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    // Over bytes, because RE2's `\B` may stand between any two bytes; positions
    // inside a character are skipped here.
    regex: Regex,
}

impl Pattern {
    /// Compiles; the error is Go's, `error parsing regexp: WHY: …`.
    pub(crate) fn new(pattern: &str) -> Result<Pattern, String> {
        let translated = translate::translate(pattern)?;
        RegexBuilder::new(&translated)
            .size_limit(MAX_PROGRAM)
            .nest_limit(NEST_LIMIT)
            .build()
            .map(|regex| Pattern { regex })
            .map_err(|_| format!("error parsing regexp: expression too large: `{pattern}`"))
    }

    /// Whether it matches anywhere.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.find_at(text, 0).is_some()
    }

    /// The leftmost match; empty without one.
    pub(crate) fn find<'t>(&self, text: &'t str) -> &'t str {
        self.find_at(text, 0).map_or("", |(start, end)| &text[start..end])
    }

    /// The matches that do not overlap, at most `limit` if it is not negative. An
    /// empty match directly after a match is left out.
    pub(crate) fn find_all<'t>(&self, text: &'t str, limit: i64) -> Vec<&'t str> {
        let mut matches = Vec::new();
        let (mut at, mut previous_end) = (0, None);
        while at <= text.len() && (limit < 0 || (matches.len() as i64) < limit) {
            let Some((start, end)) = self.find_at(text, at) else { break };
            let adjacent = end == at && previous_end == Some(start);
            at = if end == at { next_boundary(text, at) } else { end };
            previous_end = Some(end);
            if !adjacent {
                matches.push(&text[start..end]);
            }
        }
        matches
    }

    fn find_at(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let mut from = from;
        while from <= text.len() {
            let found = self.regex.find_at(text.as_bytes(), from)?;
            if text.is_char_boundary(found.start()) && text.is_char_boundary(found.end()) {
                return Some((found.start(), found.end()));
            }
            from = found.start() + 1;
        }
        None
    }
}

fn next_boundary(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

/// Compiled patterns by text, for those that are not literals of an expression.
#[derive(Debug, Default)]
pub(crate) struct PatternCache {
    patterns: FxHashMap<Box<str>, Rc<Pattern>>,
}

impl PatternCache {
    /// The compiled pattern, from the cache if it is there.
    pub(crate) fn get(&mut self, pattern: &str) -> Result<Rc<Pattern>, String> {
        if let Some(found) = self.patterns.get(pattern) {
            return Ok(Rc::clone(found));
        }
        let compiled = Rc::new(Pattern::new(pattern)?);
        if self.patterns.len() >= CACHE_SIZE {
            self.patterns.clear();
        }
        self.patterns.insert(pattern.into(), Rc::clone(&compiled));
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn classes_are_ascii() {
        assert!(!pattern(r"^\d$").is_match("٣"));
        assert!(!pattern(r"^\w+$").is_match("aé"));
        assert!(pattern(r"a\b").is_match("aé"));
        assert!(pattern(r"^[^\d]$").is_match("٣"));
        assert!(!pattern(r"^\s$").is_match("\x0b"));
        assert!(pattern(r"(?i)^\w$").is_match("K"));
        assert!(pattern(r"^\pL$").is_match("é"));
        assert!(pattern(r"^\p{Greek}+$").is_match("αβ"));
    }

    #[test]
    fn finds_as_go_does() {
        assert_eq!(pattern("[0-9]*").find("abc 123"), "");
        assert_eq!(pattern("[0-9]+").find("abc 123"), "123");
        assert_eq!(pattern("a*").find_all("baab", -1), ["", "aa", ""]);
        assert_eq!(pattern("").find_all("é", -1), ["", ""]);
        assert_eq!(pattern(r"\B").find_all("éa", -1), [""]);
        assert_eq!(pattern("a").find_all("aaa", 2).len(), 2);
        assert_eq!(pattern("a").find_all("aaa", 0).len(), 0);
    }

    #[test]
    fn refuses_what_re2_refuses() {
        for (text, error) in [
            ("[a", "missing closing ]: `[a`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){11}", "invalid repeat count: `{11}`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            (r"\C", r"invalid escape sequence: `\C`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
            ("(?P<a b>x)", "invalid named capture: `(?P<a b>`"),
        ] {
            let expected = format!("error parsing regexp: {error}");
            assert_eq!(Pattern::new(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn accepts_what_re2_accepts() {
        for (text, matching) in [
            ("a{,2}", "a{,2}"),
            ("{", "{"),
            (r"\Qa.b\E*", "a.bb"),
            (r"[\]]", "]"),
            ("[]a]", "]"),
            (r"\x{61}\141\x61", "aaa"),
            ("(?U)a+?", "aa"),
            (r"[[:alpha:]&&b]", "&"),
            ("[a~~b]", "~"),
            ("(?i:A)b", "ab"),
            ("x(?i)A|B", "b"),
            (r"a\Q\E+\Q\E?", ""),
            ("(?<n>a)(?P<n>b)", "ab"),
            (r"\x{D800}|a", "a"),
            (r"[^\x{D800}]", "a"),
            ("# x", "# x"),
        ] {
            assert!(pattern(text).is_match(matching), "{text}");
        }
        assert_eq!(pattern("(?m)^b$").find("a\nb"), "b");
        assert_eq!(pattern("b$").find("b\n"), "");
    }

    #[test]
    fn deep_and_wide_patterns_end() {
        let deep = "(a|".repeat(5000);
        assert!(Pattern::new(&deep).is_err());
        let nested = format!("{}a{}", "(?:b|".repeat(400), ")".repeat(400));
        assert!(pattern(&nested).is_match("a"));
        assert!(Pattern::new(&r"(\pL{10}){100}".repeat(40)).is_err());
    }
}
