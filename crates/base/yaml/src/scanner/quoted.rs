//! Quoted scalars.

use std::borrow::Cow;

use super::{Parse, Scanner, Style, TokenKind};

impl<'t> Scanner<'t> {
    /// From the opening quote past the closing one.
    pub(super) fn quoted(&mut self) -> Parse<()> {
        let start = self.mark.at;
        let quote = self.byte();
        self.skip();
        let text = match self.one_piece(quote) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.quoted_text(start, quote)?),
        };
        self.skip();
        self.push(TokenKind::Scalar(text, Style::Quoted), start);
        Ok(())
    }

    /// Most quoted scalars are one piece of one line, without escapes.
    fn one_piece(&mut self, quote: u8) -> Option<&'t str> {
        let mark = self.mark;
        loop {
            self.skip_while(|byte| byte != quote && !matches!(byte, 0 | b'\\' | b'\r' | b'\n'));
            match self.byte() {
                byte if byte == quote => break,
                b'\\' if quote == b'"' => break,
                _ if self.is_break_or_end() => break,
                _ => self.skip(),
            }
        }
        let ends = self.byte() == quote && !(quote == b'\'' && self.byte_at(1) == quote);
        let text = &self.text[mark.at..self.mark.at];
        if !ends || mark.column == 0 && self.mark.line == 0 && mark.at == 0 {
            self.mark = mark;
            return None;
        }
        Some(text)
    }

    fn quoted_text(&mut self, start: usize, quote: u8) -> Parse<String> {
        let mut text = String::new();
        loop {
            if self.is_document_mark() {
                return self.fail("a document ends inside a quoted text");
            }
            if self.is_end() {
                return Self::fail_at(start, "a quoted text is not closed");
            }
            let broken = self.quoted_line(quote, &mut text)?;
            if self.byte() == quote {
                return Ok(text);
            }
            self.quoted_space(broken, &mut text);
        }
    }

    /// What stands on the line before white space or the end. True when an
    /// escaped line break ended it.
    fn quoted_line(&mut self, quote: u8, text: &mut String) -> Parse<bool> {
        while !self.is_space_at(0) {
            match self.byte() {
                b'\'' if quote == b'\'' => {
                    if self.byte_at(1) != b'\'' {
                        break;
                    }
                    text.push('\'');
                    self.skip();
                    self.skip();
                }
                byte if byte == quote => break,
                b'\\' if quote == b'"' => {
                    if self.break_at(1) > 0 {
                        self.skip();
                        self.line_break();
                        return Ok(true);
                    }
                    self.escape(text)?;
                }
                _ => {
                    let from = self.mark.at;
                    self.skip();
                    text.push_str(&self.text[from..self.mark.at]);
                }
            }
        }
        Ok(false)
    }

    /// White space and line breaks: a break is a space, more breaks are one less.
    fn quoted_space(&mut self, broken: bool, text: &mut String) {
        let mut folds = broken;
        let blanks = self.mark.at;
        let mut blanks_end = blanks;
        let (mut first_break, mut more_breaks) = (None, String::new());
        loop {
            if self.is_blank() {
                self.skip();
                if !folds {
                    blanks_end = self.mark.at;
                }
            } else if self.is_break() {
                let line_break = self.line_break();
                if folds {
                    more_breaks.push_str(line_break);
                } else {
                    first_break = Some(line_break);
                    folds = true;
                }
            } else {
                break;
            }
        }
        if !folds {
            text.push_str(&self.text[blanks..blanks_end]);
            return;
        }
        match first_break {
            Some("\n") if more_breaks.is_empty() => text.push(' '),
            Some("\n") | None => text.push_str(&more_breaks),
            Some(first) => {
                text.push_str(first);
                text.push_str(&more_breaks);
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Parse<()> {
        let start = self.mark.at;
        let n_digits = match self.byte_at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            byte => {
                let Some(c) = short_escape(byte) else {
                    return Self::fail_at(start, "an unknown escape in a quoted text");
                };
                text.push(c);
                self.skip();
                self.skip();
                return Ok(());
            }
        };
        let digits = self.text.get(start + 2..start + 2 + n_digits);
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Self::fail_at(
                start,
                format!("this escape needs {n_digits} hexadecimal digits"),
            );
        };
        let Some(c) = char::from_u32(code) else {
            return Self::fail_at(start, "an escape that is no character");
        };
        text.push(c);
        (0..n_digits + 2).for_each(|_| self.skip());
        Ok(())
    }
}

fn short_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\u{b}',
        b'f' => '\u{c}',
        b'r' => '\r',
        b'e' => '\u{1b}',
        b' ' | b'"' | b'\'' | b'\\' => byte as char,
        b'N' => '\u{85}',
        b'_' => '\u{a0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
