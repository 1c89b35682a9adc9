//! Aliases and merge keys, and how far they may expand a document.

use ironhull_model::{Code, Kind};

use super::{Anchored, Parser, Subtree};
use crate::scanner::{Failure, Parse, TokenKind};

/// Below this number of steps nearly all of them may come from aliases, above
/// the second hardly any; in between the share falls evenly. The API machinery's
/// decoder has these bounds.
const FEW: f64 = 400_000.0;
const MANY: f64 = 4_000_000.0;

/// Counts decoded nodes, as the API machinery's decoder does.
#[derive(Default)]
pub(super) struct Aliasing {
    n_steps: usize,
    n_aliased: usize,
}

impl Aliasing {
    pub(super) fn n_steps(&self) -> usize {
        self.n_steps
    }

    /// More nodes, of which some came from aliases.
    fn steps(&mut self, n_steps: usize, n_aliased: usize) -> Parse<()> {
        self.n_steps = self.n_steps.saturating_add(n_steps);
        self.n_aliased = self.n_aliased.saturating_add(n_aliased);
        if self.n_aliased <= 100 || self.n_steps <= 1000 {
            return Ok(());
        }
        let steps = self.n_steps as f64;
        let allowed = 0.99 - 0.89 * ((steps.clamp(FEW, MANY) - FEW) / (MANY - FEW));
        if self.n_aliased as f64 / steps <= allowed {
            return Ok(());
        }
        let message = "aliases make up nearly all of this document".to_owned();
        Err(Failure { code: Code::YamlAliases, message, at: 0 })
    }
}

impl<'t> Parser<'t> {
    /// Counts one more node.
    pub(super) fn step(&mut self) -> Parse<()> {
        match self.aliasing.steps(1, 0) {
            Ok(()) => Ok(()),
            Err(failure) => Err(Failure { at: self.position()?, ..failure }),
        }
    }

    /// Counts what an alias repeats, before it is repeated.
    fn repeated(&mut self, name: &'t str) -> Parse<Subtree> {
        let at = self.position()?;
        let fail = |code, message| Err(Failure { code, message, at });
        let subtree = match self.anchors.get(name) {
            Some(Anchored::Node(subtree)) => subtree.clone(),
            Some(Anchored::Open(_)) => {
                return fail(Code::YamlSyntax, format!("the anchor {name:?} contains itself"));
            }
            None => return fail(Code::YamlSyntax, format!("unknown anchor {name:?}")),
        };
        if self.depth + subtree.height > self.limits.depth {
            return self.too_deep();
        }
        self.deepest = self.deepest.max(self.depth + subtree.height);
        self.aliasing
            .steps(subtree.n_steps + 1, subtree.n_steps)
            .map_err(|failure| Failure { at, ..failure })?;
        Ok(subtree)
    }

    pub(super) fn alias(&mut self, name: &'t str) -> Parse<()> {
        let subtree = self.repeated(name)?;
        self.skip()?;
        self.builder.repeat(subtree.anchor);
        Ok(())
    }

    /// An alias as a key.
    pub(super) fn alias_key(&mut self, name: &'t str) -> Parse<String> {
        let subtree = self.repeated(name)?;
        match subtree.key {
            Some(key) => {
                self.skip()?;
                Ok(key)
            }
            None => self.fail("this alias is no text, so it cannot be a key"),
        }
    }

    /// Takes over the members of what was read last: the value of a merge key, a
    /// mapping or a sequence of them, of which the first has precedence.
    pub(super) fn merge(&mut self, at: usize) -> Parse<()> {
        let wrong = || {
            let message = "a merge key needs a mapping or a list of mappings".to_owned();
            Err(Failure { code: Code::YamlSyntax, message, at })
        };
        let Some(value) = self.builder.take() else { return wrong() };
        let mergeable = match value.kind() {
            Kind::Map => true,
            // An alias may not stand for the list.
            Kind::List => {
                !value.is_aliased()
                    && self.builder.items(value).all(|item| item.kind() == Kind::Map)
            }
            _ => false,
        };
        if !mergeable {
            return wrong();
        }
        if value.kind() == Kind::Map {
            self.builder.merge(value);
        } else {
            let items: Vec<_> = self.builder.items(value).collect();
            items.into_iter().rev().for_each(|item| self.builder.merge(item));
        }
        Ok(())
    }

    /// The value of a merge key, which was read.
    pub(super) fn merge_value(&mut self, block: bool) -> Parse<()> {
        let at = self.position()?;
        // A member's value may be missing; so may a merge key's, which is a mistake.
        match self.peek()? {
            TokenKind::Value => {
                self.skip()?;
                self.value_node(block)?;
            }
            _ => self.null(at)?,
        }
        self.merge(at)
    }
}
