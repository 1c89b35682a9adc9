//! Block collections, by indentation.

use super::{Parse, Parser, Properties};

/// What a line's first scalar turned out to be.
enum Start {
    /// A mapping key: its text.
    Key(String),
    /// `<<`.
    Merge,
    /// No key.
    Value,
}

impl Parser<'_> {
    /// The node that starts at the next token, which belongs to a parent at
    /// `indent`. A sequence that is a mapping's value may stand at its indentation.
    pub(super) fn block_node(&mut self, indent: i32, in_mapping: bool) -> Parse<()> {
        self.enter()?;
        let result = self.block_node_inner(indent, in_mapping);
        self.leave();
        result
    }

    fn block_node_inner(&mut self, indent: i32, in_mapping: bool) -> Parse<()> {
        let column = self.column();
        let line = self.line_of(self.at);
        if self.peek() == b'*' && !self.is_alias_key() {
            return self.alias();
        }
        // Properties of a mapping stand on a line of their own; on the line of
        // its first key they belong to the key.
        let resume = self.at;
        let mut properties = Properties::default();
        if matches!(self.peek(), b'&' | b'!') {
            properties = self.properties(true)?;
            let ends_line = matches!(self.peek(), b'\n' | b'\r' | b'#') || self.is_end();
            if ends_line {
                self.skip_to_token()?;
                let next = self.column();
                let in_place = next > indent || (in_mapping && next == indent && self.is_dash());
                if self.is_end() || !in_place {
                    let at = resume;
                    return self.scalar("", true, &properties, at, at);
                }
                return self.collection_or_scalar(
                    indent,
                    in_mapping,
                    self.column(),
                    &properties,
                    true,
                );
            }
            let of_key = self.line_of(self.at) == line && self.is_key(&properties);
            if of_key {
                self.at = resume;
                return self.mapping(column, &Properties::default());
            }
        }
        self.collection_or_scalar(indent, in_mapping, column, &properties, properties.is_empty())
    }

    fn collection_or_scalar(
        &mut self,
        indent: i32,
        in_mapping: bool,
        column: i32,
        properties: &Properties,
        may_be_block: bool,
    ) -> Parse<()> {
        if self.is_dash() {
            if column <= indent && !(in_mapping && column == indent) {
                return self.fail("a sequence entry is not allowed here");
            }
            if !may_be_block {
                return self.fail("a block sequence is not allowed on this line");
            }
            return self.sequence(column, properties);
        }
        if self.peek() == b'?' && self.is_blank_at(1) {
            return self.mapping(column, properties);
        }
        if self.is_key(properties) {
            return self.mapping(column, properties);
        }
        self.block_value(indent, properties)
    }

    /// A scalar or flow collection.
    fn block_value(&mut self, indent: i32, properties: &Properties) -> Parse<()> {
        match self.peek() {
            b'[' | b'{' => {
                self.flow_collection(properties)?;
                self.line_end()
            }
            b'"' | b'\'' => {
                let (text, start, end) = self.quoted(indent)?;
                self.scalar(&text, false, properties, start, end)?;
                self.line_end()
            }
            b'|' | b'>' => {
                let (text, start, end) = self.block_scalar(indent)?;
                self.scalar(&text, false, properties, start, end)
            }
            b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'&' | b'*' | b'!' => {
                self.fail("this character cannot start a value")
            }
            b':' if self.is_blank_at(1) => self.fail("a mapping value without a key"),
            _ => {
                let (text, start, end) = self.plain(indent, false, false)?;
                self.scalar(&text, true, properties, start, end)?;
                if self.peek() == b':' && self.is_blank_at(1) {
                    return self.fail("a mapping value is not allowed here");
                }
                self.line_end()
            }
        }
    }

    /// Behind a value only white space and a comment may stand on its line.
    fn line_end(&mut self) -> Parse<()> {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        match self.peek() {
            b'\n' | b'\r' => Ok(()),
            b'#' if self.is_blank_before() => Ok(()),
            _ if self.is_end() => Ok(()),
            b':' => self.fail("a mapping value is not allowed here"),
            _ => self.fail("something stands behind the value on its line"),
        }
    }

    fn line_of(&self, at: usize) -> usize {
        self.bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }

    fn is_dash(&self) -> bool {
        self.peek() == b'-' && self.is_blank_at(1)
    }

    fn is_alias_key(&self) -> bool {
        let rest = &self.bytes[self.at..];
        let line = rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .map_or(rest, |end| &rest[..end]);
        line.windows(2).any(|pair| pair == b" :")
    }

    /// Whether a key of a block mapping starts here. The position does not move.
    fn is_key(&mut self, properties: &Properties) -> bool {
        let resume = self.at;
        let found = self.key(properties);
        self.at = resume;
        matches!(found, Ok(Start::Key(_) | Start::Merge))
    }

    /// Reads a key and its colon.
    fn key(&mut self, outer: &Properties) -> Parse<Start> {
        let own =
            if matches!(self.peek(), b'&' | b'!') { self.properties(true)? } else { outer.clone() };
        match self.peek() {
            b'"' | b'\'' => {
                let line = self.line_of(self.at);
                let (text, _, _) = self.quoted(-1)?;
                let text = text.into_owned();
                let same_line = self.line_of(self.at) == line;
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
                if same_line && self.peek() == b':' && self.is_blank_at(1) {
                    self.at += 1;
                    return Ok(Start::Key(text));
                }
                Ok(Start::Value)
            }
            b'[' | b'{' | b'|' | b'>' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'*' => {
                Ok(Start::Value)
            }
            b'-' | b'?' if self.is_blank_at(1) => Ok(Start::Value),
            _ => {
                let (text, at, _) = self.plain(-1, false, true)?;
                while matches!(self.peek(), b' ' | b'\t') {
                    self.at += 1;
                }
                if !(self.peek() == b':' && self.is_blank_at(1)) || self.at - at > 1024 {
                    return Ok(Start::Value);
                }
                self.at += 1;
                if &*text == "<<" && own.tag.is_none() {
                    return Ok(Start::Merge);
                }
                Ok(Start::Key(Self::key_text(&text, true, &own, at)?))
            }
        }
    }

    fn sequence(&mut self, column: i32, properties: &Properties) -> Parse<()> {
        self.builder.begin_list(self.at as u32);
        let mut end = self.at;
        while self.is_dash() && self.column() == column {
            self.at += 1;
            let dash = self.at;
            self.skip_to_token()?;
            let next = self.column();
            if self.is_end() || next <= column {
                self.builder.null(dash as u32, dash as u32);
                end = dash;
            } else {
                self.block_node(column, false)?;
                end = self.at;
            }
            self.skip_to_token()?;
        }
        if !self.is_end() && self.column() > column {
            return self.fail("this line is indented deeper than the sequence it would belong to");
        }
        self.close(end);
        self.keep_anchor(properties);
        Ok(())
    }

    /// Ends a collection where its last value ends, without the white space behind
    /// it on its line. The position goes back there, so that the collections
    /// around it do not take the lines between it and the next token for theirs.
    fn close(&mut self, end: usize) {
        self.at = self.text[..end].trim_end_matches([' ', '\t']).len();
        self.builder.end(self.at as u32);
    }

    fn mapping(&mut self, column: i32, properties: &Properties) -> Parse<()> {
        self.builder.begin_map(self.at as u32);
        let mut end = self.at;
        while !self.is_end() && self.column() == column {
            if self.is_dash() {
                break;
            }
            let start = self.at;
            if self.peek() == b'?' && self.is_blank_at(1) {
                return self.fail("a complex key; a key must be a scalar on one line");
            }
            match self.key(&Properties::default())? {
                Start::Value => {
                    self.at = start;
                    return self.fail("expected a key and a colon");
                }
                Start::Merge => {
                    self.skip_to_token()?;
                    self.merge_value()?;
                }
                Start::Key(key) => {
                    self.builder.key(&key, start as u32);
                    let colon = self.at;
                    self.member_value(column, colon)?;
                }
            }
            end = self.at;
            self.skip_to_token()?;
        }
        if !self.is_end() && self.column() > column {
            return self.fail("this line is indented deeper than the mapping it would belong to");
        }
        self.close(end);
        self.keep_anchor(properties);
        Ok(())
    }

    fn member_value(&mut self, column: i32, colon: usize) -> Parse<()> {
        let line = self.line_of(colon);
        self.skip_to_token()?;
        let same_line = !self.is_end() && self.line_of(self.at) == line;
        if same_line {
            if self.is_dash() {
                return self.fail("a block sequence is not allowed on its key's line");
            }
            return self.inline_value(column);
        }
        let next = self.column();
        if self.is_end() || next < column || (next == column && !self.is_dash()) {
            self.at = colon;
            self.builder.null(colon as u32, colon as u32);
            return Ok(());
        }
        self.block_node(column, true)
    }

    /// A value on its key's line: no block mapping or sequence may start here.
    fn inline_value(&mut self, column: i32) -> Parse<()> {
        if self.peek() == b'*' {
            self.alias()?;
            return self.line_end();
        }
        if matches!(self.peek(), b'&' | b'!') {
            let line = self.line_of(self.at);
            let start = self.at;
            let properties = self.properties(true)?;
            self.skip_to_token()?;
            if self.is_end() {
                return self.scalar("", true, &properties, start, start);
            }
            if self.line_of(self.at) == line {
                return self.block_value(column, &properties);
            }
            let next = self.column();
            let in_place = next > column || (next == column && self.is_dash());
            if !in_place {
                return self.scalar("", true, &properties, start, start);
            }
            self.enter()?;
            let result = self.collection_or_scalar(column, true, next, &properties, true);
            self.leave();
            return result;
        }
        self.block_value(column, &Properties::default())
    }

    /// What stands behind `<<:`: an alias of a mapping, or a list of them.
    pub(super) fn merge_value(&mut self) -> Parse<()> {
        if self.peek() == b'[' {
            self.at += 1;
            loop {
                while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r' | b',') {
                    self.at += 1;
                }
                if self.peek() == b']' {
                    self.at += 1;
                    return Ok(());
                }
                self.merge_alias()?;
            }
        }
        self.merge_alias()
    }

    fn merge_alias(&mut self) -> Parse<()> {
        let start = self.at;
        if self.peek() != b'*' {
            return self.fail("a merge key needs an alias of a mapping");
        }
        self.at += 1;
        let name = self.name("alias")?;
        let Some(anchor) = self.anchors.get(&name).copied() else {
            self.at = start;
            return self.fail(format!("unknown anchor {name:?}"));
        };
        self.n_aliased = self.n_aliased.saturating_add(self.builder.size(anchor));
        if self.n_aliased > self.limits.aliased {
            return self.too_many_aliases(start);
        }
        if self.builder.merge(anchor) {
            Ok(())
        } else {
            self.fail("a merge key needs an alias of a mapping")
        }
    }
}
