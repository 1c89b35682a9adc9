//! From RE2's syntax to the `regex` crate's.
//!
//! One pass with an explicit stack. Everything that is written is an atom of the
//! target's syntax (a character, a class, a group), so a repetition can follow it.
//! Groups never capture: only whole matches are asked for.

use std::fmt::Write;

use super::class;

/// Most instructions a pattern may compile to, as Go counts them.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// Deepest tree.
const MAX_HEIGHT: u64 = 1000;
/// Highest repetition count, nested ones multiplied.
const MAX_REPEAT: u64 = 1000;

/// The pattern for the `regex` crate, or Go's error text.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        whole: pattern,
        out: String::with_capacity(pattern.len() + 16),
        flags: Flags::default(),
        groups: Vec::new(),
        group: Group::default(),
    };
    translator
        .run()
        .map_err(|failure| format!("error parsing regexp: {}: `{}`", failure.why, failure.at))?;
    Ok(translator.out)
}

/// What is wrong and with which part of the pattern.
pub(super) struct Failure<'p> {
    why: &'static str,
    at: &'p str,
}

pub(super) fn fail<'p, T>(why: &'static str, at: &'p str) -> Result<T, Failure<'p>> {
    Err(Failure { why, at })
}

/// The part of `from` that was read when `rest` is left.
pub(super) fn consumed<'p>(from: &'p str, rest: &str) -> &'p str {
    &from[..from.len() - rest.len()]
}

#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the syntax has four flags")]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// What limits are counted on.
#[derive(Clone, Copy, Default)]
struct Measure {
    size: u64,
    height: u64,
    /// Product of nested counted repetitions.
    repeats: u64,
}

const ATOM: Measure = Measure { size: 1, height: 1, repeats: 1 };

#[derive(Clone, Copy)]
struct Item {
    /// Where it starts in the output.
    start: usize,
    measure: Measure,
    repeated: bool,
}

/// The group being read: what stands before the last item, by branch.
#[derive(Default)]
struct Group {
    flags: Flags,
    captures: bool,
    start: usize,
    n_branches: u64,
    branches: Measure,
    n_items: u64,
    items: Measure,
    last: Option<Item>,
}

impl Group {
    fn end_item(&mut self) {
        if let Some(item) = self.last.take() {
            self.n_items += 1;
            self.items.size += item.measure.size;
            self.items.height = self.items.height.max(item.measure.height);
            self.items.repeats = self.items.repeats.max(item.measure.repeats);
        }
    }

    fn end_branch(&mut self) {
        self.end_item();
        let height = self.items.height + u64::from(self.n_items > 1);
        self.n_branches += 1;
        self.branches.size += self.items.size.max(1);
        self.branches.height = self.branches.height.max(height).max(1);
        self.branches.repeats = self.branches.repeats.max(self.items.repeats).max(1);
        (self.n_items, self.items) = (0, Measure::default());
    }

    fn measure(&self) -> Measure {
        Measure {
            size: self.branches.size + self.n_branches - 1 + if self.captures { 2 } else { 0 },
            height: self.branches.height
                + u64::from(self.n_branches > 1)
                + u64::from(self.captures),
            repeats: self.branches.repeats,
        }
    }
}

struct Translator<'p> {
    whole: &'p str,
    out: String,
    flags: Flags,
    groups: Vec<Group>,
    group: Group,
}

impl<'p> Translator<'p> {
    fn run(&mut self) -> Result<(), Failure<'p>> {
        let mut rest = self.whole;
        let mut last_repeat = "";
        while let Some(char) = rest.chars().next() {
            let before = rest;
            let mut repeat = "";
            rest = match char {
                '(' => self.open(rest)?,
                '|' => {
                    self.group.end_branch();
                    self.out.push('|');
                    &rest[1..]
                }
                ')' => self.close(&rest[1..])?,
                '^' => {
                    self.look(if self.flags.multi_line { "(?m:^)" } else { r"(?:\A)" }, &rest[1..])
                }
                '$' => {
                    self.look(if self.flags.multi_line { "(?m:$)" } else { r"(?:\z)" }, &rest[1..])
                }
                '.' => self.look(if self.flags.dot_newline { "(?s:.)" } else { "." }, &rest[1..]),
                '[' => {
                    let (class, rest) = class::parse(rest, self.flags.fold_case)?;
                    self.look(&class, rest)
                }
                '*' | '+' | '?' => {
                    repeat = before;
                    self.repeat(Repeat::Sign(char), before, &rest[1..], last_repeat)?
                }
                '{' => match parse_repeat(rest) {
                    None => self.literal('{', &rest[1..]),
                    Some((min, max, after)) => {
                        if min.is_none_or(|min| min > MAX_REPEAT)
                            || matches!((min, max), (Some(min), Some(max)) if max > MAX_REPEAT || min > max)
                        {
                            return fail("invalid repeat count", consumed(before, after));
                        }
                        repeat = before;
                        let counts = Repeat::Counted(min.unwrap_or_default(), max);
                        self.repeat(counts, before, after, last_repeat)?
                    }
                },
                '\\' => self.escape(rest)?,
                char => self.literal(char, &rest[char.len_utf8()..]),
            };
            self.check_limits()?;
            last_repeat = repeat;
        }
        if !self.groups.is_empty() {
            return fail("missing closing )", self.whole);
        }
        self.group.end_branch();
        self.check_measure(self.group.measure())
    }

    fn check_limits(&self) -> Result<(), Failure<'p>> {
        if self.groups.len() as u64 > MAX_HEIGHT * 10 {
            return fail("expression nests too deeply", self.whole);
        }
        self.group.last.map_or(Ok(()), |item| self.check_measure(item.measure))
    }

    fn check_measure(&self, measure: Measure) -> Result<(), Failure<'p>> {
        if measure.size > MAX_SIZE {
            return fail("expression too large", self.whole);
        }
        if measure.height > MAX_HEIGHT {
            return fail("expression nests too deeply", self.whole);
        }
        Ok(())
    }

    /// Writes a finished atom.
    fn look(&mut self, atom: &str, rest: &'p str) -> &'p str {
        self.group.end_item();
        let start = self.out.len();
        self.out.push_str(atom);
        self.group.last = Some(Item { start, measure: ATOM, repeated: false });
        rest
    }

    fn literal(&mut self, char: char, rest: &'p str) -> &'p str {
        self.look(&class::literal(char as u32, self.flags.fold_case), rest)
    }

    fn open(&mut self, text: &'p str) -> Result<&'p str, Failure<'p>> {
        if !text.starts_with("(?") {
            self.push_group(true, self.flags);
            return Ok(&text[1..]);
        }
        let bytes = text.as_bytes();
        let name_start = match () {
            () if bytes.len() > 4 && &bytes[2..4] == b"P<" => 4,
            () if bytes.len() > 3 && bytes[2] == b'<' => 3,
            () => return self.flags(text),
        };
        let Some(end) = text.find('>') else { return fail("invalid named capture", text) };
        let name = &text[name_start..end];
        if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        {
            return fail("invalid named capture", &text[..=end]);
        }
        self.push_group(true, self.flags);
        Ok(&text[end + 1..])
    }

    /// `(?i)`, `(?s-i:`, …
    fn flags(&mut self, text: &'p str) -> Result<&'p str, Failure<'p>> {
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        let mut chars = text[2..].chars();
        while let Some(char) = chars.next() {
            match char {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.swap_greed = on,
                '-' if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    if char == ':' {
                        self.push_group(false, self.flags);
                    }
                    self.flags = flags;
                    return Ok(chars.as_str());
                }
                _ => {
                    return fail(
                        "invalid or unsupported Perl syntax",
                        consumed(text, chars.as_str()),
                    );
                }
            }
            saw_flag = true;
        }
        fail("invalid or unsupported Perl syntax", text)
    }

    fn push_group(&mut self, captures: bool, flags: Flags) {
        self.group.end_item();
        let group = Group { flags, captures, start: self.out.len(), ..Group::default() };
        self.groups.push(std::mem::replace(&mut self.group, group));
        self.out.push_str("(?:");
    }

    fn close(&mut self, rest: &'p str) -> Result<&'p str, Failure<'p>> {
        let Some(outer) = self.groups.pop() else { return fail("unexpected )", self.whole) };
        let mut group = std::mem::replace(&mut self.group, outer);
        group.end_branch();
        self.out.push(')');
        self.flags = group.flags;
        self.group.last =
            Some(Item { start: group.start, measure: group.measure(), repeated: false });
        Ok(rest)
    }

    fn repeat(
        &mut self,
        repeat: Repeat,
        before: &'p str,
        after: &'p str,
        last_repeat: &'p str,
    ) -> Result<&'p str, Failure<'p>> {
        let lazy = after.starts_with('?');
        let after = &after[usize::from(lazy)..];
        if !last_repeat.is_empty() {
            return fail("invalid nested repetition operator", consumed(last_repeat, after));
        }
        let Some(item) = &mut self.group.last else {
            return fail("missing argument to repetition operator", consumed(before, after));
        };
        if item.repeated {
            // Two repetitions in a row would read as one lazy or possessive one.
            self.out.insert_str(item.start, "(?:");
            self.out.push(')');
        }
        item.repeated = true;
        item.measure = repeat.measure(item.measure);
        if matches!(repeat, Repeat::Counted(min, max) if min >= 2 || max.is_some_and(|max| max >= 2))
            && item.measure.repeats > MAX_REPEAT
        {
            return fail("invalid repeat count", consumed(before, after));
        }
        _ = match repeat {
            Repeat::Sign(sign) => write!(self.out, "{sign}"),
            Repeat::Counted(min, None) => write!(self.out, "{{{min},}}"),
            Repeat::Counted(min, Some(max)) => write!(self.out, "{{{min},{max}}}"),
        };
        if lazy != self.flags.swap_greed {
            self.out.push('?');
        }
        Ok(after)
    }

    fn escape(&mut self, text: &'p str) -> Result<&'p str, Failure<'p>> {
        match text.as_bytes().get(1) {
            Some(b'A') => return Ok(self.look(r"(?:\A)", &text[2..])),
            Some(b'b') => return Ok(self.look(r"(?-u:\b)", &text[2..])),
            Some(b'B') => return Ok(self.look(r"(?-u:\B)", &text[2..])),
            Some(b'z') => return Ok(self.look(r"(?:\z)", &text[2..])),
            Some(b'C') => return fail("invalid escape sequence", &text[..2]),
            Some(b'Q') => {
                let (literal, rest) = text[2..].split_once(r"\E").unwrap_or((&text[2..], ""));
                for char in literal.chars() {
                    self.literal(char, rest);
                    self.check_limits()?;
                }
                return Ok(rest);
            }
            _ => {}
        }
        if let Some((group, rest)) = class::parse_group(text)? {
            return Ok(self.look(&class::lone(&group, self.flags.fold_case), rest));
        }
        let (code, rest) = class::parse_escape(text)?;
        Ok(self.look(&class::literal(code, self.flags.fold_case), rest))
    }
}

#[derive(Clone, Copy)]
enum Repeat {
    Sign(char),
    /// At least and, unless open, at most.
    Counted(u64, Option<u64>),
}

impl Repeat {
    fn measure(self, sub: Measure) -> Measure {
        let (size, factor) = match self {
            Repeat::Sign('*') | Repeat::Counted(0, None) => (2 + sub.size, 1),
            Repeat::Sign(_) => (1 + sub.size, 1),
            Repeat::Counted(min, None) => (1 + min * sub.size, min),
            Repeat::Counted(min, Some(max)) => (max * sub.size + (max - min), max),
        };
        // What is repeated zero times is not looked into.
        let repeats =
            if matches!(self, Repeat::Counted(_, Some(0))) { 1 } else { factor * sub.repeats };
        Measure { size: size.max(1), height: sub.height + 1, repeats }
    }
}

/// `{MIN}`, `{MIN,}` or `{MIN,MAX}`; a count that is absurd is none for `min`.
fn parse_repeat(text: &str) -> Option<(Option<u64>, Option<u64>, &str)> {
    let (min, rest) = parse_int(&text[1..])?;
    let Some(rest) = rest.strip_prefix(',') else {
        return Some((min, min, rest.strip_prefix('}')?));
    };
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = parse_int(rest)?;
    Some((min.and(max).and(min), max, rest.strip_prefix('}')?))
}

fn parse_int(text: &str) -> Option<(Option<u64>, &str)> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(n_digits);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().ok().filter(|&count: &u64| count < 1_000_000_000), rest))
}
