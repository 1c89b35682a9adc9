//! JSON as the API machinery decodes it: a text that starts with `{` is read as a
//! stream of JSON values before it is read as YAML.

use ironhull_model::{Builder, Code};

use crate::Limits;
use crate::scanner::{Failure, Parse};

/// Whether the reader would try JSON first.
pub(crate) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads one value.
pub(crate) struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    pub(crate) at: usize,
    depth: usize,
    limits: &'t Limits,
    pub(crate) builder: Builder,
    /// A number that no float holds; the value is refused, what follows is read.
    pub(crate) bad_number: Option<usize>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, at: usize, limits: &'t Limits) -> Reader<'t> {
        Reader {
            text,
            bytes: text.as_bytes(),
            at,
            depth: 0,
            limits,
            builder: Builder::with_spans(),
            bad_number: None,
        }
    }

    /// Passes white space; whether something follows.
    pub(crate) fn has_more(&mut self) -> bool {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.at < self.bytes.len()
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn fail<T>(&self, message: &str) -> Parse<T> {
        Err(Failure { code: Code::YamlSyntax, message: message.to_owned(), at: self.at })
    }

    pub(crate) fn value(&mut self) -> Parse<()> {
        self.has_more();
        let start = self.at as u32;
        match self.byte() {
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth > self.limits.depth {
                    let message = format!("nested deeper than {} levels", self.limits.depth);
                    return Err(Failure { code: Code::YamlTooDeep, message, at: self.at });
                }
                if self.byte() == b'{' {
                    self.object()?
                } else {
                    self.array()?
                }
                self.depth -= 1;
            }
            b'"' => {
                let text = self.string()?;
                self.builder.str(&text, start, self.at as u32);
            }
            b'-' | b'0'..=b'9' => self.number()?,
            _ => {
                let rest = &self.text[self.at..];
                let Some(word) =
                    ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word))
                else {
                    return self.fail("expected a JSON value");
                };
                self.at += word.len();
                let end = self.at as u32;
                match word {
                    "null" => self.builder.null(start, end),
                    word => self.builder.bool(word == "true", start, end),
                }
            }
        }
        Ok(())
    }

    fn object(&mut self) -> Parse<()> {
        self.builder.begin_map(self.at as u32);
        self.items(b'}', |reader| {
            let key_start = reader.at as u32;
            if reader.byte() != b'"' {
                return reader.fail("expected a key in double quotes");
            }
            let key = reader.string()?;
            reader.has_more();
            if reader.byte() != b':' {
                return reader.fail("expected : behind the key");
            }
            reader.at += 1;
            reader.builder.key(&key, key_start);
            reader.value()
        })
    }

    fn array(&mut self) -> Parse<()> {
        self.builder.begin_list(self.at as u32);
        self.items(b']', Self::value)
    }

    fn items(&mut self, close: u8, item: impl Fn(&mut Self) -> Parse<()>) -> Parse<()> {
        self.at += 1;
        self.has_more();
        if self.byte() != close {
            loop {
                self.has_more();
                item(self)?;
                self.has_more();
                match self.byte() {
                    b',' => self.at += 1,
                    byte if byte == close => break,
                    _ => return self.fail("expected , or the end of the collection"),
                }
            }
        }
        self.at += 1;
        self.builder.end(self.at as u32);
        Ok(())
    }

    fn number(&mut self) -> Parse<()> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        let leading_zero = self.byte() == b'0';
        let n_digits = self.digits()?;
        if leading_zero && n_digits > 1 {
            self.at = start;
            return self.fail("a number that starts with 0");
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        let (from, to) = (start as u32, self.at as u32);
        if let Ok(value) = text.parse::<i64>() {
            self.builder.int(value, from, to);
        } else if let Ok(value) = text.parse::<u64>() {
            self.builder.uint(value, from, to);
        } else {
            let value = text.parse().unwrap_or(f64::INFINITY);
            if value.is_infinite() {
                self.bad_number.get_or_insert(start);
            }
            self.builder.float(value, from, to);
        }
        Ok(())
    }

    fn digits(&mut self) -> Parse<usize> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start {
            return self.fail("expected a digit");
        }
        Ok(self.at - start)
    }

    fn string(&mut self) -> Parse<std::borrow::Cow<'t, str>> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut piece = start;
        loop {
            match self.byte() {
                b'"' => break,
                b'\\' => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(&self.text[piece..self.at]);
                    let c = self.escape()?;
                    unescaped.get_or_insert_default().push(c);
                    piece = self.at;
                }
                0 if self.at >= self.bytes.len() => return self.fail("a string is not closed"),
                ..0x20 => return self.fail("a control character in a string"),
                _ => self.at += 1,
            }
        }
        let rest = &self.text[piece..self.at];
        self.at += 1;
        Ok(match unescaped {
            None => rest.into(),
            Some(text) => (text + rest).into(),
        })
    }

    fn escape(&mut self) -> Parse<char> {
        let c = match self.bytes.get(self.at + 1).copied().unwrap_or(0) {
            byte @ (b'"' | b'\\' | b'/') => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.fail("an unknown escape in a string"),
        };
        self.at += 2;
        Ok(c)
    }

    /// `\uXXXX`, or two of them for a character above U+FFFF. A surrogate that
    /// stands alone becomes U+FFFD.
    fn unicode(&mut self) -> Parse<char> {
        let Some(code) = self.code(self.at) else {
            return self.fail("an escape needs four hexadecimal digits");
        };
        self.at += 6;
        if (0xd800..0xdc00).contains(&code)
            && let Some(low) = self.code(self.at).filter(|low| (0xdc00..0xe000).contains(low))
        {
            self.at += 6;
            let code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        Ok(char::from_u32(code).unwrap_or('\u{fffd}'))
    }

    fn code(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }
}
