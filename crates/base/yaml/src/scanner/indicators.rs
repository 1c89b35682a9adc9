//! Tokens of one or a few characters: indicators, anchors, aliases, ends.

use super::{Parse, Scanner, SimpleKey, Token, TokenKind, is_name};

impl<'t> Scanner<'t> {
    pub(super) fn leave_block(&mut self) -> Parse<()> {
        self.unroll(-1);
        self.drop_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    pub(super) fn fetch_end(&mut self) -> Parse<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.leave_block()?;
        self.ended = true;
        self.push(TokenKind::StreamEnd, self.mark.at);
        Ok(())
    }

    pub(super) fn indicator(&mut self, kind: TokenKind<'t>, len: usize) -> Parse<()> {
        let start = self.mark.at;
        (0..len).for_each(|_| self.skip());
        self.push(kind, start);
        Ok(())
    }

    pub(super) fn flow_start(&mut self, kind: TokenKind<'t>) -> Parse<()> {
        self.save_key()?;
        let token = self.n_taken + self.tokens.len();
        self.simple_keys.push(SimpleKey {
            possible: false,
            required: false,
            token,
            mark: self.mark,
        });
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.indicator(kind, 1)
    }

    pub(super) fn flow_end(&mut self, kind: TokenKind<'t>) -> Parse<()> {
        self.drop_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.indicator(kind, 1)
    }

    pub(super) fn block_entry(&mut self) -> Parse<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("a sequence entry is not allowed here");
            }
            self.roll(self.mark, None, TokenKind::BlockSequenceStart);
        }
        self.drop_key()?;
        self.simple_key_allowed = true;
        self.indicator(TokenKind::BlockEntry, 1)
    }

    pub(super) fn explicit_key(&mut self) -> Parse<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("a mapping key is not allowed here");
            }
            self.roll(self.mark, None, TokenKind::BlockMappingStart);
        }
        self.drop_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.indicator(TokenKind::Key, 1)
    }

    pub(super) fn value(&mut self) -> Parse<()> {
        let level = self.simple_keys.len() - 1;
        if self.is_still_key(level)? {
            let key = self.simple_keys[level];
            let token = Token { kind: TokenKind::Key, start: key.mark.at, end: key.mark.at };
            self.tokens.insert(key.token - self.n_taken, token);
            self.roll(key.mark, Some(key.token), TokenKind::BlockMappingStart);
            self.simple_keys[level].possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self
                        .fail("a mapping value is not allowed here; quote text with a colon");
                }
                self.roll(self.mark, None, TokenKind::BlockMappingStart);
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.indicator(TokenKind::Value, 1)
    }

    pub(super) fn anchor(&mut self) -> Parse<()> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark.at;
        let is_alias = self.byte() == b'*';
        self.skip();
        while is_name(self.byte()) {
            self.skip();
        }
        let name = &self.text[start + 1..self.mark.at];
        let ends = self.is_space_at(0)
            || matches!(self.byte(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.fail("an anchor has a name of letters, digits, - and _");
        }
        self.push(if is_alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) }, start);
        Ok(())
    }
}
