//! The grammar, by recursive descent with the reference's bounds on depth. The tree
//! is close to the text; macros are expanded afterwards.

use crate::Issue;
use crate::ast::Const;
use crate::lexer::{Spanned, Token, tokens};

mod aggregates;
mod node;

pub use node::{Kind, Node};

/// No rule of the grammar may be inside itself more often, and no member, index,
/// operator or condition inside others.
const MOST_DEPTH: usize = 250;
/// No text has more characters.
const MOST_CHARACTERS: usize = 100_000;

/// How often rules are inside themselves.
#[derive(Clone, Copy, Default)]
struct Depths {
    expr: usize,
    relation: usize,
    calc: usize,
}

struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    depths: Depths,
}

/// Parses a whole text.
pub fn parse(text: &str) -> Result<Node, Issue> {
    if text.len() > MOST_CHARACTERS && text.chars().count() > MOST_CHARACTERS {
        return Err(Issue::new("the expression is longer than 100,000 characters", 0, 1));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depths: Depths::default() };
    let node = parser.conditional()?;
    if *parser.peek() != Token::End {
        return Err(parser.issue("expected the end of the expression"));
    }
    Ok(node)
}

const RELATIONS: [(&str, &str); 7] = [
    ("==", "_==_"),
    ("!=", "_!=_"),
    ("<", "_<_"),
    ("<=", "_<=_"),
    (">", "_>_"),
    (">=", "_>=_"),
    ("in", "@in"),
];

/// Arithmetic operators with their precedence and function.
const CALCULATIONS: [(&str, u8, &str); 5] =
    [("+", 1, "_+_"), ("-", 1, "_-_"), ("*", 2, "_*_"), ("/", 2, "_/_"), ("%", 2, "_%_")];

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

    fn bounded(&self, depth: usize) -> Result<(), Issue> {
        if depth > MOST_DEPTH { Err(self.issue("nested too deeply")) } else { Ok(()) }
    }

    fn leaf(&self, kind: Kind, start: u32, depth: u32) -> Node {
        Node { kind, start, end: self.end(), depth }
    }

    /// A node that counts as one level.
    fn level(&self, kind: Kind, start: u32, below: u32) -> Result<Node, Issue> {
        self.bounded(below as usize + 1)?;
        Ok(self.leaf(kind, start, below + 1))
    }

    fn conditional(&mut self) -> Result<Node, Issue> {
        let before = self.depths;
        self.depths.expr += 1;
        self.bounded(self.depths.expr)?;
        let start = self.start();
        let condition = self.any_of()?;
        let node = if self.accept("?") {
            let yes = self.any_of()?;
            self.expect(":")?;
            let no = self.conditional()?;
            let below = condition.depth.max(yes.depth).max(no.depth);
            self.level(call("_?_:_", vec![condition, yes, no]), start, below)?
        } else {
            condition
        };
        self.depths = before;
        Ok(node)
    }

    fn any_of(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        let first = self.all_of()?;
        if !self.is("||") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.accept("||") {
            terms.push(self.all_of()?);
        }
        let below = deepest(&terms);
        Ok(self.leaf(call("_||_", terms), start, below))
    }

    fn all_of(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        let first = self.relation()?;
        if !self.is("&&") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.accept("&&") {
            terms.push(self.relation()?);
        }
        let below = deepest(&terms);
        Ok(self.leaf(call("_&&_", terms), start, below))
    }

    fn relation(&mut self) -> Result<Node, Issue> {
        let before = self.depths.relation;
        self.depths.relation += 1;
        self.bounded(self.depths.relation)?;
        let start = self.start();
        let mut left = self.calculation(1)?;
        while let Token::Op(operator) = *self.peek() {
            let Some((_, function)) = RELATIONS.iter().find(|(name, _)| *name == operator) else {
                break;
            };
            self.at += 1;
            self.depths.relation += 1;
            self.bounded(self.depths.relation)?;
            let right = self.calculation(1)?;
            self.depths.relation -= 1;
            let below = left.depth.max(right.depth);
            left = self.level(call(function, vec![left, right]), start, below)?;
        }
        self.depths.relation = before;
        Ok(left)
    }

    fn calculation(&mut self, least: u8) -> Result<Node, Issue> {
        let before = self.depths.calc;
        self.depths.calc += 1;
        self.bounded(self.depths.calc)?;
        let start = self.start();
        let mut left = self.unary()?;
        while let Token::Op(operator) = *self.peek() {
            let found = CALCULATIONS.iter().find(|(name, ..)| *name == operator);
            let Some((_, precedence, function)) = found.filter(|found| found.1 >= least) else {
                break;
            };
            self.at += 1;
            let right = self.calculation(precedence + 1)?;
            let below = left.depth.max(right.depth);
            left = self.level(call(function, vec![left, right]), start, below)?;
        }
        self.depths.calc = before;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        for (operator, function) in [("!", "!_"), ("-", "-_")] {
            let mut n = 0;
            while self.accept(operator) {
                n += 1;
            }
            if n == 0 {
                continue;
            }
            let negative = match self.peek() {
                // Of several signs none belongs to the literal.
                _ if n > 1 => None,
                Token::Const(Const::Int(value)) => Some(Const::Int(value.wrapping_neg())),
                Token::Const(Const::Double(value)) => Some(Const::Double(-value)),
                _ => None,
            };
            let inner = match negative.filter(|_| operator == "-") {
                Some(literal) => {
                    self.at += 1;
                    n -= 1;
                    let literal = self.leaf(Kind::Const(literal), start, 0);
                    self.member(literal)?
                }
                None => self.primary_member()?,
            };
            // Pairs of the same sign cancel out.
            if n % 2 == 0 {
                return Ok(inner);
            }
            let below = inner.depth;
            return Ok(self.leaf(call(function, vec![inner]), start, below));
        }
        self.primary_member()
    }

    fn primary_member(&mut self) -> Result<Node, Issue> {
        let primary = self.primary()?;
        self.member(primary)
    }

    /// Members, calls and indices after a primary expression.
    fn member(&mut self, mut node: Node) -> Result<Node, Issue> {
        loop {
            let start = node.start;
            let optional = self.is(".?") || self.is("[?");
            if self.accept(".") || self.accept(".?") {
                node = self.selected(node, optional)?;
            } else if self.accept("[") || self.accept("[?") {
                let index = self.conditional()?;
                self.expect("]")?;
                let below = node.depth.max(index.depth);
                let (operand, index) = (Box::new(node), Box::new(index));
                node = self.level(Kind::Index { operand, index, optional }, start, below)?;
            } else {
                break;
            }
        }
        Ok(node)
    }

    fn selected(&mut self, node: Node, optional: bool) -> Result<Node, Issue> {
        let start = node.start;
        let (field, quoted) = match self.peek().clone() {
            Token::Ident(name) => (name, false),
            Token::Quoted(name) => (name, true),
            _ => return Err(self.issue("expected a member's name")),
        };
        self.at += 1;
        let below = node.depth;
        if !optional && !quoted && self.accept("(") {
            let args = self.arguments()?;
            let below = below.max(deepest(&args));
            let receiver = Some(Box::new(node));
            return self.level(Kind::Call { receiver, name: field, args }, start, below);
        }
        self.level(Kind::Select { operand: Box::new(node), field, optional }, start, below)
    }

    fn arguments(&mut self) -> Result<Vec<Node>, Issue> {
        let mut args = Vec::new();
        if self.accept(")") {
            return Ok(args);
        }
        loop {
            args.push(self.conditional()?);
            if self.accept(")") {
                return Ok(args);
            }
            self.expect(",")?;
        }
    }

    fn primary(&mut self) -> Result<Node, Issue> {
        let start = self.start();
        let root = self.accept(".");
        match self.peek().clone() {
            Token::Ident(name) => {
                if let Some(n_names) = self.struct_ahead() {
                    return self.literal(start, root, n_names);
                }
                if is_reserved(&name) {
                    return Err(self.issue("a reserved word"));
                }
                self.at += 1;
                if !self.accept("(") {
                    return Ok(self.leaf(Kind::Ident { name, root }, start, 0));
                }
                let args = self.arguments()?;
                let below = deepest(&args);
                let name = if root { format!(".{name}").into() } else { name };
                Ok(self.leaf(Kind::Call { receiver: None, name, args }, start, below))
            }
            _ if root => Err(self.issue("expected a name")),
            // Only with its sign.
            Token::Const(Const::Int(i64::MIN)) => Err(self.issue("an integer out of range")),
            Token::Const(constant) => {
                self.at += 1;
                Ok(self.leaf(Kind::Const(constant), start, 0))
            }
            Token::Op("(") => {
                self.at += 1;
                let inner = self.conditional()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Op("[" | "[?") => self.list(start),
            Token::Op("{") => self.map(start),
            _ => Err(self.issue("expected an expression")),
        }
    }
}

fn call(name: &str, args: Vec<Node>) -> Kind {
    Kind::Call { receiver: None, name: name.into(), args }
}

fn deepest(nodes: &[Node]) -> u32 {
    nodes.iter().map(|node| node.depth).max().unwrap_or(0)
}

/// Whether a word is one of the language's, so that nothing may be called so.
pub fn is_word(name: &str) -> bool {
    is_reserved(name) || matches!(name, "true" | "false" | "null" | "in")
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
