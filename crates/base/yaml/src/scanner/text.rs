//! Plain and block scalars.

use std::borrow::Cow;

use super::{Parse, Scanner, Style, TokenKind};

impl<'t> Scanner<'t> {
    /// A plain scalar: until `: `, ` #`, an indicator of the flow collection
    /// around it, or a line that is not indented deeper.
    pub(super) fn plain(&mut self) -> Parse<()> {
        let start = self.mark.at;
        let indent = self.indent + 1;
        let mut text = Folding { scanned: start, end: start, folded: None };
        let mut at_line_start = false;
        let (mut first_break, mut more_breaks) = ("", String::new());
        loop {
            if self.is_document_mark() || self.byte() == b'#' {
                break;
            }
            while !self.is_space_at(0) && !self.ends_plain() {
                if at_line_start {
                    text.fold(self.text, first_break, &more_breaks, self.mark.at);
                    (at_line_start, first_break) = (false, "");
                    more_breaks.clear();
                }
                self.skip();
                self.skip_while(is_ordinary);
                text.end = self.mark.at;
            }
            if !(self.is_blank() || self.is_break()) {
                break;
            }
            loop {
                if self.is_blank() {
                    let violates = at_line_start && self.mark.column < indent;
                    if violates && self.byte() == b'\t' {
                        return self.fail("a tab indents this line; YAML is indented with spaces");
                    }
                    self.skip();
                } else if self.is_break() {
                    let line_break = self.line_break();
                    if at_line_start {
                        more_breaks.push_str(line_break);
                    } else {
                        (first_break, at_line_start) = (line_break, true);
                    }
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && self.mark.column < indent {
                break;
            }
        }
        if at_line_start {
            self.simple_key_allowed = true;
        }
        let end = text.end;
        let kind = TokenKind::Scalar(text.finish(self.text), Style::Plain);
        self.push(kind, start);
        if let Some(token) = self.tokens.back_mut() {
            token.end = end;
        }
        Ok(())
    }

    fn ends_plain(&self) -> bool {
        match self.byte() {
            b':' => self.is_space_at(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// A literal (`|`) or folded (`>`) block scalar.
    pub(super) fn block_scalar(&mut self) -> Parse<()> {
        let start = self.mark.at;
        let literal = self.byte() == b'|';
        self.skip();
        let (chomp, given) = self.block_header()?;
        let mut indent = given.map_or(0, |given| self.indent.max(0) + given);
        let (mut text, mut breaks) = (String::new(), String::new());
        let mut last_break = "";
        let mut end = self.block_breaks(&mut indent, &mut breaks)?;
        let mut was_blank = false;
        while self.mark.column == indent && !self.is_end() {
            let is_blank = self.is_blank();
            if !literal && last_break == "\n" && !was_blank && !is_blank {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(last_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            let from = self.mark.at;
            self.skip_comment();
            text.push_str(&self.text[from..self.mark.at]);
            last_break = if self.is_break() { self.line_break() } else { "" };
            // Blank lines belong to the scalar only when they are kept.
            let behind = self.mark.at;
            let with_breaks = self.block_breaks(&mut indent, &mut breaks)?;
            end = if chomp == Some(b'+') { with_breaks } else { behind };
        }
        if chomp != Some(b'-') {
            text.push_str(last_break);
        }
        if chomp == Some(b'+') {
            text.push_str(&breaks);
        }
        self.push(TokenKind::Scalar(Cow::Owned(text), Style::Block), start);
        if let Some(token) = self.tokens.back_mut() {
            token.end = end;
        }
        Ok(())
    }

    /// Chomping and indentation indicators, and the end of their line.
    fn block_header(&mut self) -> Parse<(Option<u8>, Option<i32>)> {
        let (mut chomp, mut given) = (None, None);
        loop {
            match self.byte() {
                byte @ (b'+' | b'-') if chomp.is_none() => chomp = Some(byte),
                b'0' if given.is_none() => return self.fail("an indentation of 0"),
                byte @ b'1'..=b'9' if given.is_none() => given = Some(i32::from(byte - b'0')),
                _ => break,
            }
            self.skip();
        }
        self.skip_blanks();
        if self.byte() == b'#' {
            self.skip_comment();
        }
        if !self.is_break_or_end() {
            return self.fail("something stands behind a block scalar's header");
        }
        if self.is_break() {
            self.line_break();
        }
        Ok((chomp, given))
    }

    /// Passes indentation and blank lines; finds out the indentation when it is
    /// not known yet. Gives the end of the last blank line.
    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut String) -> Parse<usize> {
        let mut end = self.mark.at;
        let mut widest = 0;
        loop {
            let is_inside = |column: i32| *indent == 0 || column < *indent;
            while is_inside(self.mark.column) && self.byte() == b' ' {
                self.skip();
            }
            widest = widest.max(self.mark.column);
            if is_inside(self.mark.column) && self.byte() == b'\t' {
                return self.fail("a tab where indentation is expected");
            }
            if !self.is_break() {
                break;
            }
            breaks.push_str(self.line_break());
            end = self.mark.at;
        }
        if *indent == 0 {
            *indent = widest.max(self.indent + 1).max(1);
        }
        Ok(end)
    }
}

/// Whether a character inside a plain scalar cannot end it.
fn is_ordinary(byte: u8) -> bool {
    !matches!(
        byte,
        0 | b'\t' | b'\n' | b'\r' | b' ' | b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}'
    )
}

/// A plain scalar's text: a piece of the document until it is folded.
struct Folding {
    /// From where on the text is not in `folded` yet.
    scanned: usize,
    /// Behind its last character.
    end: usize,
    folded: Option<String>,
}

impl Folding {
    /// Goes on at `next` behind line breaks: one is a space, more are one less.
    fn fold(&mut self, text: &str, first_break: &str, more_breaks: &str, next: usize) {
        let folded = self.folded.get_or_insert_default();
        folded.push_str(&text[self.scanned..self.end]);
        if first_break != "\n" {
            folded.push_str(first_break);
            folded.push_str(more_breaks);
        } else if more_breaks.is_empty() {
            folded.push(' ');
        } else {
            folded.push_str(more_breaks);
        }
        self.scanned = next;
    }

    fn finish(self, text: &str) -> Cow<'_, str> {
        let rest = &text[self.scanned..self.end];
        match self.folded {
            None => Cow::Borrowed(rest),
            Some(folded) => Cow::Owned(folded + rest),
        }
    }
}
