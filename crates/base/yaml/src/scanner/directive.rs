//! Directives and tags.

use super::{Parse, Scanner, TokenKind, is_name};

impl Scanner<'_> {
    /// `%YAML 1.1` or `%TAG handle prefix`, with the end of its line.
    pub(super) fn directive(&mut self) -> Parse<()> {
        let start = self.mark.at;
        self.skip();
        let name_start = self.mark.at;
        while is_name(self.byte()) {
            self.skip();
        }
        let name = &self.text[name_start..self.mark.at];
        if name.is_empty() || !self.is_space_at(0) {
            return self.fail("a directive has a name of letters");
        }
        let kind = match name {
            "YAML" => {
                self.skip_blanks();
                let major = self.version_number()?;
                if self.byte() != b'.' {
                    return self.fail("expected a version such as 1.1");
                }
                self.skip();
                TokenKind::Version(major, self.version_number()?)
            }
            "TAG" => {
                self.skip_blanks();
                let handle = self.tag_handle(true)?;
                if !self.is_blank() {
                    return self.fail("expected white space behind the tag's handle");
                }
                self.skip_blanks();
                let prefix = self.tag_uri("")?;
                if !self.is_space_at(0) {
                    return self.fail("expected the end of the line behind the tag's prefix");
                }
                TokenKind::TagDirective { handle, prefix }
            }
            _ => return Self::fail_at(start, format!("unknown directive %{name}")),
        };
        self.push(kind, start);
        self.skip_blanks();
        if self.byte() == b'#' {
            self.skip_comment();
        }
        if !self.is_break_or_end() {
            return self.fail("something stands behind the directive on its line");
        }
        if self.is_break() {
            self.line_break();
        }
        Ok(())
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.skip();
        }
    }

    /// One or two digits.
    fn version_number(&mut self) -> Parse<u8> {
        let start = self.mark.at;
        while self.byte().is_ascii_digit() {
            self.skip();
        }
        match self.text[start..self.mark.at].parse() {
            Ok(number) if self.mark.at - start <= 2 => Ok(number),
            _ => Self::fail_at(start, "expected a version such as 1.1"),
        }
    }

    /// `!suffix`, `!!suffix`, `!handle!suffix` or `!<uri>`.
    pub(super) fn tag(&mut self) -> Parse<()> {
        let start = self.mark.at;
        let (handle, suffix) = if self.byte_at(1) == b'<' {
            self.skip();
            self.skip();
            let uri = self.tag_uri("")?;
            if self.byte() != b'>' {
                return self.fail("expected > behind the tag");
            }
            self.skip();
            (String::new(), uri)
        } else {
            let handle = self.tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_uri("")?;
                (handle, suffix)
            } else {
                match self.tag_uri(&handle)? {
                    suffix if suffix.is_empty() => (String::new(), "!".to_owned()),
                    suffix => ("!".to_owned(), suffix),
                }
            }
        };
        if !self.is_space_at(0) {
            return self.fail("expected white space behind the tag");
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    fn tag_handle(&mut self, in_directive: bool) -> Parse<String> {
        let start = self.mark.at;
        if self.byte() != b'!' {
            return self.fail("a tag's handle starts with !");
        }
        self.skip();
        while is_name(self.byte()) {
            self.skip();
        }
        if self.byte() == b'!' {
            self.skip();
        } else if in_directive && self.mark.at - start > 1 {
            return self.fail("a tag's handle ends with !");
        }
        Ok(self.text[start..self.mark.at].to_owned())
    }

    /// The rest of a tag. Of `head` everything behind its `!` belongs to it.
    fn tag_uri(&mut self, head: &str) -> Parse<String> {
        let mut uri = head.get(1..).unwrap_or_default().as_bytes().to_vec();
        let start = self.mark.at;
        loop {
            match self.byte() {
                b'%' => self.escaped_octets(&mut uri)?,
                byte if is_name(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    uri.push(byte);
                    self.skip();
                }
                _ => break,
            }
        }
        if head.is_empty() && start == self.mark.at {
            return self.fail("expected a tag");
        }
        // Only whole characters were taken.
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// `%C3%A9`: the octets of one character.
    fn escaped_octets(&mut self, uri: &mut Vec<u8>) -> Parse<()> {
        let mut n_left = None;
        while n_left != Some(0) {
            let digits = (self.byte() == b'%')
                .then(|| self.text.get(self.mark.at + 1..self.mark.at + 3))
                .flatten();
            let octet = digits
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let Some(octet) = octet else {
                return self.fail("expected % and two hexadecimal digits");
            };
            n_left = Some(match (n_left, octet) {
                (None, ..0x80) => 0,
                (None, 0xc0..0xe0) => 1,
                (None, 0xe0..0xf0) => 2,
                (None, 0xf0..0xf8) => 3,
                (Some(n), 0x80..0xc0) => n - 1,
                _ => return self.fail("these octets are no UTF-8"),
            });
            uri.push(octet);
            (0..3).for_each(|_| self.skip());
        }
        Ok(())
    }
}
