//! Tokens of CEL (the language definition's grammar).

use crate::Issue;
use crate::ast::Const;

/// A token.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Token {
    Const(Const),
    Ident(Box<str>),
    /// A backquoted name, allowed as a member only.
    Quoted(Box<str>),
    /// An operator or bracket.
    Op(&'static str),
    End,
}

/// A token with its place.
#[derive(Clone, Debug)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Longest first.
const OPERATORS: [&str; 31] = [
    "&&", "||", "==", "!=", "<=", ">=", "[?", ".?", "+", "-", "*", "/", "%", "<", ">", "!", "(",
    ")", "[", "]", "{", "}", ",", ".", "?", ":", "=", "&", "|", "`", ";",
];

/// Splits a text into tokens.
pub(crate) fn tokens(text: &str) -> Result<Vec<Spanned>, Issue> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip();
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push(Spanned { token, start: start as u32, end: lexer.at as u32 });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn peek_at(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    fn issue(&self, message: &str) -> Issue {
        Issue::new(message, self.at as u32, self.at as u32 + 1)
    }

    fn skip(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => self.at += 1,
                b'/' if self.peek_at(1) == b'/' => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    fn token(&mut self) -> Result<Token, Issue> {
        let c = self.peek();
        if self.at >= self.text.len() {
            return Ok(Token::End);
        }
        if let Some((prefix, raw, bytes)) = self.string_prefix() {
            self.at += prefix;
            return self.string(raw, bytes);
        }
        if c.is_ascii_digit() || (c == b'.' && self.peek_at(1).is_ascii_digit()) {
            return self.number();
        }
        if c.is_ascii_alphabetic() || c == b'_' {
            let len = self
                .rest()
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(self.rest().len());
            let word = &self.rest()[..len];
            self.at += len;
            return Ok(match word {
                "true" => Token::Const(Const::Bool(true)),
                "false" => Token::Const(Const::Bool(false)),
                "null" => Token::Const(Const::Null),
                "in" => Token::Op("in"),
                _ => Token::Ident(word.into()),
            });
        }
        if c == b'`' {
            let Some(len) = self.rest()[1..].find('`') else {
                return Err(self.issue("a backquote is not closed"));
            };
            let name = &self.rest()[1..=len];
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-/ ".contains(c);
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(self.issue("this is no name of a member"));
            }
            self.at += len + 2;
            return Ok(Token::Quoted(name.into()));
        }
        let found = OPERATORS.iter().find(|operator| self.rest().starts_with(**operator));
        match found {
            Some(operator) => {
                self.at += operator.len();
                Ok(Token::Op(operator))
            }
            None => Err(self.issue("this character is not part of the language")),
        }
    }

    /// How long the prefix is, and whether the string is raw and bytes.
    fn string_prefix(&self) -> Option<(usize, bool, bool)> {
        let quote = |offset| matches!(self.peek_at(offset), b'"' | b'\'');
        let lower = |offset| self.peek_at(offset).to_ascii_lowercase();
        match (lower(0), lower(1)) {
            _ if quote(0) => Some((0, false, false)),
            (b'r', _) if quote(1) => Some((1, true, false)),
            (b'b', _) if quote(1) => Some((1, false, true)),
            (b'b', b'r') if quote(2) => Some((2, true, true)),
            _ => None,
        }
    }

    fn string(&mut self, raw: bool, bytes: bool) -> Result<Token, Issue> {
        let quote = &self.rest()[..1];
        let triple = self.rest().starts_with(&quote.repeat(3));
        let close = if triple { quote.repeat(3) } else { quote.to_owned() };
        self.at += close.len();
        let mut out: Vec<u8> = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(&close) {
                self.at += close.len();
                break;
            }
            let Some(c) = rest.chars().next() else {
                return Err(self.issue("a string is not closed"));
            };
            if matches!(c, '\n' | '\r') && !triple {
                return Err(self.issue("a string is not closed on its line"));
            }
            if c == '\\' && !raw {
                self.at += 1;
                self.escape(bytes, &mut out)?;
                continue;
            }
            self.at += c.len_utf8();
            if c == '\\' {
                // In a raw string a backslash keeps what follows, a quote too.
                out.push(b'\\');
                continue;
            }
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if bytes {
            return Ok(Token::Const(Const::Bytes(out.into())));
        }
        match String::from_utf8(out) {
            Ok(text) => Ok(Token::Const(Const::Str(text.into()))),
            Err(_) => Err(self.issue("a string that is not UTF-8")),
        }
    }

    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Result<(), Issue> {
        let c = self.peek();
        self.at += 1;
        let byte = match c {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'`' | b'?' => c,
            b'x' | b'X' => return self.code(2, 16, bytes, out),
            b'u' if !bytes => return self.code(4, 16, false, out),
            b'U' if !bytes => return self.code(8, 16, false, out),
            b'0'..=b'3' => {
                self.at -= 1;
                return self.code(3, 8, bytes, out);
            }
            _ => {
                self.at -= 1;
                return Err(self.issue("an unknown escape"));
            }
        };
        out.push(byte);
        Ok(())
    }

    fn code(
        &mut self,
        digits: usize,
        radix: u32,
        bytes: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Issue> {
        let text = self.rest().get(..digits).unwrap_or_default();
        let is_number = text.len() == digits && text.chars().all(|c| c.is_digit(radix));
        let code = is_number.then(|| u32::from_str_radix(text, radix).ok()).flatten();
        let Some(code) = code else { return Err(self.issue("an escape that is no number")) };
        self.at += digits;
        if bytes {
            out.push(code as u8);
            return Ok(());
        }
        match char::from_u32(code) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return Err(self.issue("an escape that is no character")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token, Issue> {
        let rest = self.rest();
        let hex = rest.starts_with("0x") && rest[2..].starts_with(|c: char| c.is_ascii_hexdigit());
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if hex {
            let len = rest[2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - 2);
            let body = &rest[2..2 + len];
            self.at += 2 + len;
            return self.integer(u64::from_str_radix(body, 16).ok());
        }
        let mut len = digits(rest);
        let mut is_double = false;
        if rest[len..].starts_with('.') && rest[len + 1..].starts_with(|c: char| c.is_ascii_digit())
        {
            is_double = true;
            len += 1 + digits(&rest[len + 1..]);
        }
        if rest[len..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
            let exponent = digits(&rest[len + 1 + sign..]);
            if exponent > 0 {
                is_double = true;
                len += 1 + sign + exponent;
            }
        }
        let text = &rest[..len];
        self.at += len;
        if is_double {
            return match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Token::Const(Const::Double(value))),
                _ => Err(self.issue("a number out of range")),
            };
        }
        self.integer(text.parse().ok())
    }

    /// An integer literal; `i64::MIN` needs its sign, which the parser joins.
    fn integer(&mut self, value: Option<u64>) -> Result<Token, Issue> {
        let Some(value) = value else { return Err(self.issue("an integer out of range")) };
        if matches!(self.peek(), b'u' | b'U') {
            self.at += 1;
            return Ok(Token::Const(Const::Uint(value)));
        }
        match i64::try_from(value) {
            Ok(value) => Ok(Token::Const(Const::Int(value))),
            Err(_) if value == 1 << 63 => Ok(Token::Const(Const::Int(i64::MIN))),
            Err(_) => Err(self.issue("an integer out of range")),
        }
    }
}
