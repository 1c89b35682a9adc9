//! The grammar, by precedence climbing with a bounded depth. The tree is close
//! to the text; macros are expanded when it is checked.

use crate::Issue;
use crate::ast::Const;
use crate::lexer::{Spanned, Token, tokens};

/// Deeper expressions are refused, as the API server refuses them.
const MOST_DEPTH: usize = 100;

/// A parsed expression with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What it is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Const(Const),
    Ident(Box<str>),
    Select {
        operand: Box<Node>,
        field: Box<str>,
        optional: bool,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    /// A call; `_+_` and the like for operators.
    Call {
        receiver: Option<Box<Node>>,
        name: Box<str>,
        args: Vec<Node>,
    },
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
}

struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    depth: usize,
}

/// Parses a whole text.
pub(crate) fn parse(text: &str) -> Result<Node, Issue> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let node = parser.conditional()?;
    if *parser.peek() != Token::End {
        return Err(parser.issue("expected the end of the expression"));
    }
    Ok(node)
}

/// Binary operators with their precedence and function.
const BINARY: [(&str, u8, &str); 13] = [
    ("||", 1, "_||_"),
    ("&&", 2, "_&&_"),
    ("==", 3, "_==_"),
    ("!=", 3, "_!=_"),
    ("<", 3, "_<_"),
    ("<=", 3, "_<=_"),
    (">", 3, "_>_"),
    (">=", 3, "_>=_"),
    ("in", 3, "@in"),
    ("+", 4, "_+_"),
    ("-", 4, "_-_"),
    ("*", 5, "_*_"),
    ("/", 5, "_/_"),
];

fn binary(operator: &str) -> Option<(u8, &'static str)> {
    if operator == "%" {
        return Some((5, "_%_"));
    }
    BINARY
        .iter()
        .find(|(name, ..)| *name == operator)
        .map(|(_, precedence, function)| (*precedence, *function))
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].token
    }

    fn start(&self) -> u32 {
        self.tokens[self.at.min(self.tokens.len() - 1)].start
    }

    fn end(&self) -> u32 {
        self.tokens[self.at.saturating_sub(1)].end
    }

    fn issue(&self, message: &str) -> Issue {
        let token = &self.tokens[self.at.min(self.tokens.len() - 1)];
        Issue::new(message, token.start, token.end.max(token.start + 1))
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self.peek(), Token::Op(found) if *found == operator)
    }

    fn accept(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, operator: &str) -> Result<(), Issue> {
        if self.accept(operator) {
            Ok(())
        } else {
            Err(self.issue(&format!("expected {operator}")))
        }
    }

    fn node(&self, kind: Kind, start: u32) -> Node {
        Node { kind, start, end: self.end() }
    }

    fn call(&self, name: &str, args: Vec<Node>, start: u32) -> Node {
        self.node(Kind::Call { receiver: None, name: name.into(), args }, start)
    }

    fn deeper(&mut self) -> Result<(), Issue> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.issue("nested too deeply"));
        }
        Ok(())
    }

    fn conditional(&mut self) -> Result<Node, Issue> {
        self.deeper()?;
        let start = self.start();
        let condition = self.binary(1)?;
        let node = if self.accept("?") {
            let yes = self.binary(1)?;
            self.expect(":")?;
            let no = self.conditional()?;
            self.call("_?_:_", vec![condition, yes, no], start)
        } else {
            condition
        };
        self.depth -= 1;
        Ok(node)
    }

    fn binary(&mut self, least: u8) -> Result<Node, Issue> {
        let start = self.start();
        let mut left = self.unary()?;
        loop {
            let Token::Op(operator) = *self.peek() else { return Ok(left) };
            let Some((precedence, function)) =
                binary(operator).filter(|(precedence, _)| *precedence >= least)
            else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.binary(precedence + 1)?;
            left = self.call(function, vec![left, right], start);
        }
    }

    fn unary(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        for (operator, function) in [("!", "!_"), ("-", "-_")] {
            if !self.is(operator) {
                continue;
            }
            self.deeper()?;
            let mut n = 0;
            while self.accept(operator) {
                n += 1;
            }
            if operator == "-"
                && let Token::Const(Const::Int(value)) = *self.peek()
            {
                self.at += 1;
                n -= 1;
                let literal = self.node(Kind::Const(Const::Int(value.wrapping_neg())), start);
                let inner = self.member(literal)?;
                self.depth -= 1;
                return Ok(if n % 2 == 1 {
                    self.call(function, vec![inner], start)
                } else {
                    inner
                });
            }
            if operator == "-"
                && let Token::Const(Const::Double(value)) = *self.peek()
            {
                self.at += 1;
                n -= 1;
                let literal = self.node(Kind::Const(Const::Double(-value)), start);
                let inner = self.member(literal)?;
                self.depth -= 1;
                return Ok(if n % 2 == 1 {
                    self.call(function, vec![inner], start)
                } else {
                    inner
                });
            }
            let inner = self.primary_member()?;
            self.depth -= 1;
            // Pairs of the same sign cancel out.
            return Ok(if n % 2 == 1 { self.call(function, vec![inner], start) } else { inner });
        }
        self.primary_member()
    }

    fn primary_member(&mut self) -> Result<Node, Issue> {
        let primary = self.primary()?;
        if matches!(primary.kind, Kind::Const(Const::Int(i64::MIN))) {
            return Err(self.issue("an integer out of range"));
        }
        self.member(primary)
    }

    fn member(&mut self, mut node: Node) -> Result<Node, Issue> {
        let mut n_members = 0;
        loop {
            let start = node.start;
            n_members += 1;
            if n_members > 400 {
                return Err(self.issue("nested too deeply"));
            }
            let optional = self.is(".?") || self.is("[?");
            if self.accept(".") || self.accept(".?") {
                let field: Box<str> = match self.peek().clone() {
                    Token::Ident(name) | Token::Quoted(name) => name,
                    _ => return Err(self.issue("expected a member's name")),
                };
                self.at += 1;
                node = if !optional && self.accept("(") {
                    let args = self.arguments(")")?;
                    self.node(
                        Kind::Call { receiver: Some(Box::new(node)), name: field, args },
                        start,
                    )
                } else {
                    self.node(Kind::Select { operand: Box::new(node), field, optional }, start)
                };
            } else if self.accept("[") || self.accept("[?") {
                let index = self.conditional()?;
                self.expect("]")?;
                node = self.node(
                    Kind::Index { operand: Box::new(node), index: Box::new(index), optional },
                    start,
                );
            } else if self.is("{") {
                let Some(name) = struct_name(&node) else { return Ok(node) };
                return Err(Issue::new(
                    format!("{name} is no type that can be constructed here"),
                    start,
                    self.end(),
                ));
            } else {
                return Ok(node);
            }
        }
    }

    fn arguments(&mut self, close: &str) -> Result<Vec<Node>, Issue> {
        let mut args = Vec::new();
        if self.accept(close) {
            return Ok(args);
        }
        loop {
            args.push(self.conditional()?);
            if self.accept(close) {
                return Ok(args);
            }
            self.expect(",")?;
        }
    }

    fn primary(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        match self.peek().clone() {
            Token::Const(constant) => {
                self.at += 1;
                Ok(self.node(Kind::Const(constant), start))
            }
            Token::Ident(name) => {
                self.at += 1;
                if self.accept("(") {
                    let args = self.arguments(")")?;
                    return Ok(self.node(Kind::Call { receiver: None, name, args }, start));
                }
                if is_reserved(&name) {
                    self.at -= 1;
                    return Err(self.issue("a reserved word"));
                }
                Ok(self.node(Kind::Ident(name), start))
            }
            Token::Op("(") => {
                self.at += 1;
                let inner = self.conditional()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Op("[" | "[?") => self.list(start),
            Token::Op("{") => self.map(start),
            Token::Op(".") => {
                self.at += 1;
                self.primary()
            }
            _ => Err(self.issue("expected an expression")),
        }
    }

    fn list(&mut self, start: u32) -> Result<Node, Issue> {
        let mut optional = self.is("[?");
        self.at += 1;
        let mut items = Vec::new();
        while optional || !self.is("]") {
            optional |= self.accept("?");
            items.push((self.conditional()?, optional));
            optional = false;
            if !self.accept(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(self.node(Kind::List(items), start))
    }

    fn map(&mut self, start: u32) -> Result<Node, Issue> {
        self.at += 1;
        let mut entries = Vec::new();
        while !self.is("}") {
            let optional = self.accept("?");
            let key = self.conditional()?;
            self.expect(":")?;
            entries.push((key, self.conditional()?, optional));
            if !self.accept(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(self.node(Kind::Map(entries), start))
    }
}

/// `a.b.C`, as a type's name.
fn struct_name(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Ident(name) => Some(name.to_string()),
        Kind::Select { operand, field, optional: false } => {
            Some(format!("{}.{field}", struct_name(operand)?))
        }
        _ => None,
    }
}

/// Words that no identifier may be.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "as" | "break"
            | "const"
            | "continue"
            | "else"
            | "for"
            | "function"
            | "if"
            | "import"
            | "let"
            | "loop"
            | "package"
            | "namespace"
            | "return"
            | "var"
            | "void"
            | "while"
    )
}
