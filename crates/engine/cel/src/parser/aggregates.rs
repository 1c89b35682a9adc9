//! Literals of lists, maps and structs.

use super::{Kind, Node, Parser};
use crate::Issue;
use crate::lexer::Token;

impl Parser {
    /// Of how many names the type of a struct literal consists that begins here.
    pub(super) fn struct_ahead(&self) -> Option<usize> {
        let token = |at: usize| self.tokens.get(at).map(|spanned| &spanned.token);
        let mut n_names = 1;
        loop {
            match token(self.at + 2 * n_names - 1)? {
                Token::Op("{") => return Some(n_names),
                Token::Op(".") if matches!(token(self.at + 2 * n_names)?, Token::Ident(_)) => {
                    n_names += 1;
                }
                _ => return None,
            }
        }
    }

    pub(super) fn literal(
        &mut self,
        start: u32,
        root: bool,
        n_names: usize,
    ) -> Result<Node, Issue> {
        let mut name = String::new();
        for at in 0..n_names {
            if root || at > 0 {
                name.push('.');
            }
            if let Token::Ident(part) = self.peek() {
                name += part;
            }
            self.at += 2;
        }
        let (mut fields, mut below) = (Vec::new(), 0);
        while !(self.is("}") || self.is(",")) {
            let optional = self.accept("?");
            let (Token::Ident(field) | Token::Quoted(field)) = self.peek().clone() else {
                return Err(self.issue("expected a field's name"));
            };
            self.at += 1;
            self.expect(":")?;
            let value = self.conditional()?;
            below = below.max(value.depth);
            fields.push((field, value, optional));
            if !self.accept(",") {
                break;
            }
            if self.is(",") {
                return Err(self.issue("expected a field's name"));
            }
        }
        if fields.is_empty() {
            self.accept(",");
        }
        self.expect("}")?;
        Ok(self.leaf(Kind::Struct { name: name.into(), fields }, start, below))
    }

    pub(super) fn list(&mut self, start: u32) -> Result<Node, Issue> {
        let mut optional = self.is("[?");
        self.at += 1;
        let (mut items, mut below) = (Vec::new(), 0);
        while optional || !(self.is("]") || self.is(",")) {
            optional |= self.accept("?");
            let item = self.conditional()?;
            below = below.max(item.depth);
            items.push((item, optional));
            optional = false;
            if !self.is(",") {
                break;
            }
            self.at += 1;
            if self.is(",") {
                return Err(self.issue("expected an expression"));
            }
        }
        if items.is_empty() {
            self.accept(",");
        }
        self.expect("]")?;
        Ok(self.leaf(Kind::List(items), start, below))
    }

    pub(super) fn map(&mut self, start: u32) -> Result<Node, Issue> {
        self.at += 1;
        let (mut entries, mut below) = (Vec::new(), 0);
        while !(self.is("}") || self.is(",")) {
            let optional = self.accept("?");
            let key = self.conditional()?;
            self.expect(":")?;
            let value = self.conditional()?;
            below = below.max(key.depth).max(value.depth);
            entries.push((key, value, optional));
            if !self.accept(",") {
                break;
            }
            if self.is(",") {
                return Err(self.issue("expected an expression"));
            }
        }
        if entries.is_empty() {
            self.accept(",");
        }
        self.expect("}")?;
        Ok(self.leaf(Kind::Map(entries), start, below))
    }
}
