//! Flow collections: `[a, b]`, `{a: b}`, and JSON.

use super::Parser;
use super::scalar::Key;
use crate::scanner::{Parse, TokenKind};

impl Parser<'_> {
    pub(super) fn flow_sequence(&mut self) -> Parse<()> {
        let start = self.skip()?.0;
        self.begin_list(start);
        let mut is_first = true;
        while *self.peek()? != TokenKind::FlowSequenceEnd {
            if !is_first {
                self.comma("]")?;
                if *self.peek()? == TokenKind::FlowSequenceEnd {
                    break;
                }
            }
            is_first = false;
            if *self.peek()? == TokenKind::Key {
                self.pair()?;
            } else {
                self.node(false, false)?;
            }
        }
        let end = self.skip()?.1;
        self.end(end);
        Ok(())
    }

    fn comma(&mut self, close: &str) -> Parse<()> {
        if *self.peek()? != TokenKind::FlowEntry {
            return self.fail(format!("expected , or {close}"));
        }
        self.skip()?;
        Ok(())
    }

    /// `[a: b]`: an item that is a mapping of one member.
    fn pair(&mut self) -> Parse<()> {
        let at = self.skip()?.0;
        self.enter()?;
        self.step()?;
        self.begin_map(at);
        match self.peek()? {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                return self.null_key();
            }
            _ => {
                let key = self.key()?;
                self.member(key, at, false)?;
            }
        }
        self.end(self.text_end);
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn flow_mapping(&mut self) -> Parse<()> {
        let start = self.skip()?.0;
        self.begin_map(start);
        let mut is_first = true;
        while *self.peek()? != TokenKind::FlowMappingEnd {
            if !is_first {
                self.comma("}")?;
                if *self.peek()? == TokenKind::FlowMappingEnd {
                    break;
                }
            }
            is_first = false;
            let at = self.position()?;
            if *self.peek()? == TokenKind::Key {
                self.skip()?;
                match self.peek()? {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        return self.null_key();
                    }
                    _ => {
                        let key = self.key()?;
                        self.member(key, at, false)?;
                    }
                }
            } else {
                // A key without a colon has no value.
                let key = self.key()?;
                self.lone_key(key, at)?;
            }
        }
        let end = self.skip()?.1;
        self.end(end);
        Ok(())
    }

    fn lone_key(&mut self, key: Key<'_>, at: usize) -> Parse<()> {
        let end = self.text_end;
        match key {
            Key::Merge => {
                self.null(end)?;
                self.merge(at)
            }
            Key::Text(key) => {
                self.builder.key(&key, at as u32);
                self.null(end)
            }
        }
    }
}
