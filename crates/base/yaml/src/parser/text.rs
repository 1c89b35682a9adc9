//! The text of scalars: plain, quoted, block.

use std::borrow::Cow;

use super::{Parse, Parser};

impl<'t> Parser<'t> {
    /// A plain scalar in block context: continues on lines indented deeper than
    /// `indent`. Ends before `: `, ` #` and, in flow, flow indicators.
    pub(super) fn plain(
        &mut self,
        indent: i32,
        in_flow: bool,
        one_line: bool,
    ) -> Parse<(Cow<'t, str>, usize, usize)> {
        let start = self.at;
        let mut text: Cow<'t, str> = Cow::Borrowed("");
        let mut end = self.at;
        loop {
            let line = self.plain_line(in_flow)?;
            if text.is_empty() && end == start {
                text = Cow::Borrowed(line);
            } else {
                text.to_mut().push_str(line);
            }
            end = self.at;
            if one_line || self.is_end() {
                break;
            }
            let resume = self.at;
            let Some(n_breaks) = self.plain_break(indent, in_flow)? else {
                self.at = resume;
                break;
            };
            let folded = text.to_mut();
            if n_breaks == 1 {
                folded.push(' ');
            } else {
                (1..n_breaks).for_each(|_| folded.push('\n'));
            }
        }
        self.at = end;
        Ok((text, start, end))
    }

    /// One line of a plain scalar without the white space behind it.
    fn plain_line(&mut self, in_flow: bool) -> Parse<&'t str> {
        let start = self.at;
        let mut end = start;
        while !self.is_end() {
            match self.peek() {
                b'\n' | b'\r' => break,
                b':' if self.is_blank_at(1) => break,
                b':' if in_flow
                    && matches!(self.peek_at(1), b',' | b'?' | b'[' | b']' | b'{' | b'}') =>
                {
                    break;
                }
                b'#' if end < self.at => break,
                b',' | b'[' | b']' | b'{' | b'}' if in_flow => break,
                b'?' if in_flow && self.is_blank_at(1) && start == self.at => break,
                b' ' | b'\t' => self.at += 1,
                byte if is_control(byte) => return self.fail("a control character"),
                _ => {
                    self.at += 1;
                    end = self.at;
                }
            }
        }
        self.at = end;
        Ok(&self.text[start..end])
    }

    /// Passes line breaks inside a plain scalar: how many there are, or none when
    /// the scalar ends here.
    fn plain_break(&mut self, indent: i32, in_flow: bool) -> Parse<Option<usize>> {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        if !matches!(self.peek(), b'\n' | b'\r') {
            return Ok(None);
        }
        let mut n_breaks = 0;
        while matches!(self.peek(), b'\n' | b'\r') {
            self.line_break();
            n_breaks += 1;
            let line = self.at;
            while self.peek() == b' ' {
                self.at += 1;
            }
            let spaces = (self.at - line) as i32;
            if self.peek() == b'\t' {
                if spaces <= indent && !in_flow {
                    let rest =
                        self.bytes[self.at..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
                    if !matches!(rest, None | Some(b'\n' | b'\r')) {
                        return self.fail("a tab indents this line; YAML is indented with spaces");
                    }
                }
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
            }
            if !matches!(self.peek(), b'\n' | b'\r')
                && !self.is_end()
                && !in_flow
                && spaces <= indent
            {
                return Ok(None);
            }
        }
        let ends = self.is_end()
            || self.peek() == b'#'
            || (self.peek() == b':' && self.is_blank_at(1))
            || (in_flow && matches!(self.peek(), b',' | b'[' | b']' | b'{' | b'}'));
        Ok((!ends).then_some(n_breaks))
    }

    fn line_break(&mut self) {
        if self.peek() == b'\r' && self.peek_at(1) == b'\n' {
            self.at += 1;
        }
        self.at += 1;
    }

    /// A quoted scalar, from its opening quote past its closing one.
    pub(super) fn quoted(&mut self, indent: i32) -> Parse<(Cow<'t, str>, usize, usize)> {
        let start = self.at;
        let quote = self.peek();
        self.at += 1;
        let body = self.at;
        // Most quoted scalars are one piece of text.
        while !self.is_end()
            && self.peek() != quote
            && !matches!(self.peek(), b'\\' | b'\n' | b'\r')
        {
            if is_control(self.peek()) {
                return self.fail("a control character");
            }
            self.at += 1;
        }
        if self.peek() == quote && !(quote == b'\'' && self.peek_at(1) == b'\'') {
            let text = &self.text[body..self.at];
            self.at += 1;
            return Ok((Cow::Borrowed(text), start, self.at));
        }
        let mut text = self.text[body..self.at].to_owned();
        loop {
            if self.is_end() {
                self.at = start;
                return self.fail("a quoted text is not closed");
            }
            match self.peek() {
                b'\'' if quote == b'\'' && self.peek_at(1) == b'\'' => {
                    text.push('\'');
                    self.at += 2;
                }
                byte if byte == quote => {
                    self.at += 1;
                    return Ok((Cow::Owned(text), start, self.at));
                }
                b'\\' if quote == b'"' => self.escape(&mut text)?,
                b'\n' | b'\r' => self.fold(&mut text, indent)?,
                byte if is_control(byte) => return self.fail("a control character"),
                _ => {
                    let rest = &self.text[self.at..];
                    let len = rest.chars().next().map_or(1, char::len_utf8);
                    text.push_str(&rest[..len]);
                    self.at += len;
                }
            }
        }
    }

    /// A line break inside quotes: one becomes a space, more become one less.
    fn fold(&mut self, text: &mut String, indent: i32) -> Parse<()> {
        let kept = text.trim_end_matches([' ', '\t']).len();
        text.truncate(kept);
        let mut n_breaks = 0;
        while matches!(self.peek(), b'\n' | b'\r') {
            self.line_break();
            n_breaks += 1;
            let rest = &self.text[self.at..];
            if (rest.starts_with("---") || rest.starts_with("...")) && self.is_blank_at(3) {
                return self.fail("a document ends inside a quoted text");
            }
            while matches!(self.peek(), b' ' | b'\t') {
                self.at += 1;
            }
        }
        _ = indent;
        if n_breaks == 1 {
            text.push(' ');
        } else {
            (1..n_breaks).for_each(|_| text.push('\n'));
        }
        Ok(())
    }

    fn escape(&mut self, text: &mut String) -> Parse<()> {
        self.at += 1;
        let c = self.peek();
        self.at += 1;
        let n_digits = match c {
            b'0' => return push(text, '\0'),
            b'a' => return push(text, '\u{7}'),
            b'b' => return push(text, '\u{8}'),
            b't' | b'\t' => return push(text, '\t'),
            b'n' => return push(text, '\n'),
            b'v' => return push(text, '\u{b}'),
            b'f' => return push(text, '\u{c}'),
            b'r' => return push(text, '\r'),
            b'e' => return push(text, '\u{1b}'),
            b' ' | b'"' | b'\'' | b'\\' | b'/' => return push(text, c as char),
            b'N' => return push(text, '\u{85}'),
            b'_' => return push(text, '\u{a0}'),
            b'L' => return push(text, '\u{2028}'),
            b'P' => return push(text, '\u{2029}'),
            b'\n' | b'\r' => {
                self.at -= 1;
                self.line_break();
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
                return Ok(());
            }
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => {
                self.at -= 1;
                return self.fail("an unknown escape in a quoted text");
            }
        };
        let code = self.hex(n_digits)?;
        // JSON writes characters above U+FFFF as a pair of surrogates.
        let code = if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            let resume = self.at;
            self.at += 2;
            let low = self.hex(4)?;
            if (0xdc00..0xe000).contains(&low) {
                0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            } else {
                self.at = resume;
                code
            }
        } else {
            code
        };
        match char::from_u32(code) {
            Some(c) => push(text, c),
            None => self.fail("an escape that is no character"),
        }
    }

    fn hex(&mut self, n_digits: usize) -> Parse<u32> {
        let digits = self.text.get(self.at..self.at + n_digits);
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += n_digits;
                Ok(code)
            }
            None => self.fail("an escape that is no hexadecimal number"),
        }
    }

    /// A literal (`|`) or folded (`>`) block scalar.
    pub(super) fn block_scalar(&mut self, indent: i32) -> Parse<(String, usize, usize)> {
        let start = self.at;
        let folded = self.peek() == b'>';
        self.at += 1;
        let (mut chomp, mut given) = (None, None);
        loop {
            match self.peek() {
                b'+' | b'-' if chomp.is_none() => chomp = Some(self.peek()),
                b'1'..=b'9' if given.is_none() => given = Some(i32::from(self.peek() - b'0')),
                b'0' => return self.fail("an indentation of 0"),
                _ => break,
            }
            self.at += 1;
        }
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        if self.peek() == b'#' && self.is_blank_before() {
            while !self.is_end() && !matches!(self.peek(), b'\n' | b'\r') {
                self.at += 1;
            }
        }
        if !self.is_end() && !matches!(self.peek(), b'\n' | b'\r') {
            return self.fail("something stands behind a block scalar's header");
        }
        if !self.is_end() {
            self.line_break();
        }
        let base = given.map(|given| indent.max(0) + given);
        let (text, end) = self.block_lines(indent, base, folded, chomp)?;
        Ok((text, start, end))
    }

    fn block_lines(
        &mut self,
        indent: i32,
        base: Option<i32>,
        folded: bool,
        chomp: Option<u8>,
    ) -> Parse<(String, usize)> {
        let mut base = base;
        let mut text = String::new();
        let mut end = self.at;
        let mut breaks = 0_usize;
        let mut leading_blank = false;
        let mut first = true;
        let mut widest_blank = 0;
        loop {
            let line = self.at;
            let limit = base.unwrap_or(i32::MAX);
            while self.peek() == b' ' && ((self.at - line) as i32) < limit {
                self.at += 1;
            }
            let spaces = (self.at - line) as i32;
            if self.is_end() {
                break;
            }
            if matches!(self.peek(), b'\n' | b'\r') {
                if base.is_none() {
                    widest_blank = widest_blank.max(spaces);
                }
                self.line_break();
                breaks += 1;
                continue;
            }
            if base.is_none() {
                if self.peek() == b'\t' && spaces <= indent {
                    return self.fail("a tab where indentation is expected");
                }
                let found = spaces.max(indent + 1).max(1).max(widest_blank);
                if spaces < found {
                    self.at = line;
                    break;
                }
                base = Some(found);
            } else if spaces < limit {
                self.at = line;
                break;
            }
            let content = self.at;
            while !self.is_end() && !matches!(self.peek(), b'\n' | b'\r') {
                self.at += 1;
            }
            let line_text = &self.text[content..self.at];
            let blank = line_text.starts_with([' ', '\t']);
            if !first {
                // `breaks` counts the break behind the previous line too.
                if folded && !leading_blank && !blank {
                    if breaks == 1 {
                        text.push(' ')
                    } else {
                        (1..breaks).for_each(|_| text.push('\n'))
                    }
                } else {
                    (0..breaks).for_each(|_| text.push('\n'));
                }
            } else {
                (0..breaks).for_each(|_| text.push('\n'));
            }
            text.push_str(line_text);
            (first, leading_blank, breaks) = (false, blank, 0);
            end = self.at;
            if self.is_end() {
                break;
            }
            self.line_break();
            breaks = 1;
            end = self.at;
        }
        match chomp {
            Some(b'-') => {}
            Some(_) => (0..breaks).for_each(|_| text.push('\n')),
            None => {
                if breaks > 0 && !first {
                    text.push('\n');
                }
            }
        }
        Ok((text, end))
    }
}

fn push(text: &mut String, c: char) -> Parse<()> {
    text.push(c);
    Ok(())
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' || byte == 0x7f
}
