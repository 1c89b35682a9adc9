//! Flow collections: `[a, b]`, `{a: b}`, and JSON.

use super::{Parse, Parser, Properties};

impl Parser<'_> {
    /// A flow sequence or mapping, from its opening bracket past its closing one.
    pub(super) fn flow_collection(&mut self, properties: &Properties) -> Parse<()> {
        self.enter()?;
        let is_map = self.peek() == b'{';
        let close = if is_map { b'}' } else { b']' };
        let start = self.at as u32;
        self.at += 1;
        if is_map {
            self.builder.begin_map(start)
        } else {
            self.builder.begin_list(start)
        }
        loop {
            self.skip_flow()?;
            if self.is_end() {
                self.at = start as usize;
                return self.fail("a flow collection is not closed");
            }
            if self.peek() == close {
                break;
            }
            if is_map {
                self.flow_member()?
            } else {
                self.flow_item()?
            }
            self.skip_flow()?;
            match self.peek() {
                b',' => self.at += 1,
                byte if byte == close => break,
                _ if self.is_end() => {}
                _ => return self.fail(format!("expected , or {}", close as char)),
            }
        }
        self.at += 1;
        self.builder.end(self.at as u32);
        self.keep_anchor(properties);
        self.leave();
        Ok(())
    }

    fn skip_flow(&mut self) -> Parse<()> {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' if self.is_blank_before() => {
                    while !self.is_end() && !matches!(self.peek(), b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// `key: value`, `key` (null), or an item that is a pair of its own.
    fn flow_member(&mut self) -> Parse<()> {
        let explicit = self.peek() == b'?' && self.is_blank_at(1);
        if explicit {
            self.at += 1;
            self.skip_flow()?;
        }
        let start = self.at;
        if self.peek() == b'*' {
            return self.fail("an alias as a key");
        }
        let properties = self.properties(true)?;
        let key = match self.peek() {
            b'"' | b'\'' => {
                let (text, _, _) = self.quoted(-1)?;
                text.into_owned()
            }
            b'{' | b'[' => return self.fail("a key must be a scalar"),
            b',' | b'}' | b']' => return self.fail("expected a key"),
            _ => {
                let (text, at, _) = self.plain(-1, true, false)?;
                if &*text == "<<" {
                    return self.flow_merge();
                }
                Self::key_text(&text, true, &properties, at)?
            }
        };
        self.skip_flow()?;
        if self.peek() == b':' {
            self.at += 1;
            self.skip_flow()?;
            self.builder.key(&key, start as u32);
            self.flow_value()
        } else {
            self.builder.key(&key, start as u32);
            self.builder.null(self.at as u32, self.at as u32);
            Ok(())
        }
    }

    fn flow_merge(&mut self) -> Parse<()> {
        self.skip_flow()?;
        if self.peek() != b':' {
            return self.fail("expected : behind <<");
        }
        self.at += 1;
        self.skip_flow()?;
        self.merge_value()
    }

    fn flow_value(&mut self) -> Parse<()> {
        match self.peek() {
            b',' | b'}' | b']' => {
                self.builder.null(self.at as u32, self.at as u32);
                Ok(())
            }
            _ => self.flow_node(),
        }
    }

    fn flow_item(&mut self) -> Parse<()> {
        if self.peek() == b',' {
            return self.fail("expected an item");
        }
        let pair_start = self.at;
        if self.is_flow_pair() {
            self.builder.begin_map(pair_start as u32);
            self.flow_member()?;
            self.builder.end(self.at as u32);
            return Ok(());
        }
        self.flow_node()
    }

    /// Whether a list item is a single pair, `[a: b]`.
    fn is_flow_pair(&mut self) -> bool {
        let resume = self.at;
        let is_pair = match self.peek() {
            b'?' => self.is_blank_at(1),
            b'"' | b'\'' => {
                let quoted = self.quoted(-1).is_ok();
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
                quoted && self.peek() == b':'
            }
            b'[' | b'{' | b'&' | b'*' | b'!' => false,
            _ => self.plain(-1, true, true).is_ok() && self.peek() == b':',
        };
        self.at = resume;
        is_pair
    }

    fn flow_node(&mut self) -> Parse<()> {
        if self.peek() == b'*' {
            return self.alias();
        }
        let properties = self.properties(true)?;
        self.skip_flow()?;
        match self.peek() {
            b'[' | b'{' => self.flow_collection(&properties),
            b'"' | b'\'' => {
                let (text, start, end) = self.quoted(-1)?;
                self.scalar(&text, false, &properties, start, end)
            }
            b',' | b'}' | b']' => {
                let at = self.at;
                self.scalar("", true, &properties, at, at)
            }
            b'-' if self.is_blank_at(1) => self.fail("a block sequence inside a flow collection"),
            b'%' | b'@' | b'`' | b'|' | b'>' => self.fail("this character cannot start a value"),
            _ => {
                let (text, start, end) = self.plain(-1, true, false)?;
                if start == end {
                    return self.fail("expected a value");
                }
                self.scalar(&text, true, &properties, start, end)
            }
        }
    }
}
