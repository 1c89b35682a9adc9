//! Block collections, and the members of any mapping.

use super::Parser;
use super::scalar::Key;
use crate::scanner::{Parse, TokenKind};

impl Parser<'_> {
    pub(super) fn block_sequence(&mut self) -> Parse<()> {
        let start = self.skip()?.0;
        self.begin_list(start);
        loop {
            match self.peek()? {
                TokenKind::BlockEntry => {
                    let behind = self.skip()?.1;
                    match self.peek()? {
                        TokenKind::BlockEntry | TokenKind::BlockEnd => self.null(behind)?,
                        _ => self.node(true, false)?,
                    }
                }
                TokenKind::BlockEnd => break,
                _ => return self.fail("expected - and an item, or the end of the sequence"),
            }
        }
        self.skip()?;
        self.end(self.text_end);
        Ok(())
    }

    /// The entries of a sequence at the indentation of its mapping.
    pub(super) fn indentless_sequence(&mut self) -> Parse<()> {
        let start = self.position()?;
        self.begin_list(start);
        while *self.peek()? == TokenKind::BlockEntry {
            let behind = self.skip()?.1;
            match self.peek()? {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    self.null(behind)?
                }
                _ => self.node(true, false)?,
            }
        }
        self.end(self.text_end);
        Ok(())
    }

    pub(super) fn block_mapping(&mut self) -> Parse<()> {
        let start = self.skip()?.0;
        self.begin_map(start);
        loop {
            let at = self.position()?;
            match self.peek()? {
                TokenKind::Key => {
                    self.skip()?;
                    let key = match self.peek()? {
                        TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                            return self.null_key();
                        }
                        _ => self.key()?,
                    };
                    self.member(key, at, true)?;
                }
                TokenKind::Value => return self.null_key(),
                TokenKind::BlockEnd => break,
                _ => return self.fail("expected a key and a colon, or the end of the mapping"),
            }
        }
        self.skip()?;
        self.end(self.text_end);
        Ok(())
    }

    pub(super) fn null_key(&mut self) -> Parse<()> {
        self.fail("a key is missing before the colon")
    }

    /// What stands behind a key: its colon and value.
    pub(super) fn member(&mut self, key: Key<'_>, key_start: usize, block: bool) -> Parse<()> {
        let key = match key {
            Key::Merge => return self.merge_value(block),
            Key::Text(key) => key,
        };
        self.builder.key(&key, key_start as u32);
        if *self.peek()? != TokenKind::Value {
            let at = self.text_end;
            return self.null(at);
        }
        self.skip()?;
        self.value_node(block)
    }

    /// The node behind a colon, if there is one.
    pub(super) fn value_node(&mut self, block: bool) -> Parse<()> {
        let is_missing = match self.peek()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => block,
            TokenKind::FlowEntry | TokenKind::FlowMappingEnd | TokenKind::FlowSequenceEnd => !block,
            _ => false,
        };
        if is_missing {
            let at = self.text_end;
            return self.null(at);
        }
        self.node(block, block)
    }
}
