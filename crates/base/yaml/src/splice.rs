//! Edits of YAML and JSON text by splices at spans: every byte that is not part
//! of the change stays.

use std::borrow::Cow;

use ironhull_model::{Kind, Node, Pointer, Value};

use crate::Document;

mod render;

pub use render::to_yaml;
use render::{flow, key_text, lines};

/// One change.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Write a value, creating missing maps on the way.
    Set {
        /// Where.
        pointer: Pointer,
        /// What.
        value: Value,
    },
    /// Append to the list that the pointer names with a last segment of `-`.
    Add {
        /// `/path/to/list/-`.
        pointer: Pointer,
        /// What.
        value: Value,
    },
    /// Take away a member or an item.
    Remove {
        /// Where.
        pointer: Pointer,
    },
}

/// An edit that cannot be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why.
    pub reason: &'static str,
}

fn refuse<T>(reason: &'static str) -> Result<T, Refused> {
    Err(Refused { reason })
}

/// Bytes to replace.
struct Splice {
    from: usize,
    to: usize,
    text: String,
}

/// The text after edits that are done at once: each on the text as it is, of the
/// document with this index among what the text was parsed to. They must not touch.
pub fn apply(
    text: &str,
    documents: &[Document],
    edits: &[(usize, Edit)],
) -> Result<String, Refused> {
    let mut splices = Vec::new();
    for (document, edit) in edits {
        let Some(document) = documents.get(*document) else {
            return refuse("the document is not there");
        };
        splices.extend(Editor { text, root: document.value.root() }.splices(edit)?);
    }
    splices.sort_by_key(|splice| (splice.from, splice.to));
    let mut out = String::with_capacity(text.len() + 64 * splices.len());
    let mut at = 0;
    for splice in splices {
        let Some(kept) = text.get(at..splice.from) else {
            return refuse("two edits touch the same place");
        };
        out.push_str(kept);
        out.push_str(&splice.text);
        at = splice.to;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

struct Editor<'t> {
    text: &'t str,
    root: Node<'t>,
}

impl<'t> Editor<'t> {
    fn splices(&self, edit: &Edit) -> Result<Vec<Splice>, Refused> {
        match edit {
            Edit::Set { pointer, value } => self.set(pointer, value.root()),
            Edit::Add { pointer, value } => {
                let Some((list, _)) = pointer.split_last() else {
                    return refuse("the whole document is no list");
                };
                match self.root.value().at(&list) {
                    Some(node) if node.kind() == Kind::List => self.append(node, value.root()),
                    _ => refuse("there is no list to append to"),
                }
            }
            Edit::Remove { pointer } => match self.root.value().at(pointer) {
                Some(node) => self.remove(node),
                None => refuse("there is nothing to remove"),
            },
        }
    }

    /// First and one past last byte of a node's text.
    fn span(node: Node<'_>) -> (usize, usize) {
        let span = node.span().unwrap_or_default();
        (span.start as usize, span.end as usize)
    }

    fn key_start(node: Node<'_>) -> usize {
        node.span().unwrap_or_default().key as usize
    }

    fn is_flow(&self, node: Node<'_>) -> bool {
        let (start, end) = Self::span(node);
        start < end && matches!(self.text.as_bytes().get(start), Some(b'{' | b'['))
    }

    /// Whether members are written with quoted keys.
    fn is_json(&self, node: Node<'_>) -> bool {
        match node.items().next() {
            Some(child) if child.key().is_some() => {
                self.text.as_bytes().get(Self::key_start(child)) == Some(&b'"')
            }
            _ => self.is_flow(self.root),
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |at| at + 1)
    }

    /// One past the line's last byte, without its break.
    fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
        if end > at && self.text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end }
    }

    fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Refuses what stands elsewhere in the file.
    fn own(node: Node<'_>) -> Result<(), Refused> {
        let aliased = std::iter::successors(Some(node), |node| node.parent()).any(Node::is_aliased);
        if aliased {
            refuse("it is behind a YAML alias or merge key; edit the anchor by hand")
        } else {
            Ok(())
        }
    }

    fn set(&self, pointer: &Pointer, value: Node<'_>) -> Result<Vec<Splice>, Refused> {
        let segments: Vec<String> = pointer.segments().map(Cow::into_owned).collect();
        let mut node = self.root;
        let mut depth = 0;
        while depth < segments.len() {
            let next = match node.kind() {
                Kind::Map => node.get(&segments[depth]),
                Kind::List => segments[depth].parse().ok().and_then(|index| node.item(index)),
                _ => None,
            };
            let Some(next) = next else { break };
            node = next;
            depth += 1;
        }
        Self::own(node)?;
        let missing = &segments[depth..];
        if missing.is_empty() {
            return self.replace(node, &flow(value, self.is_json(node)));
        }
        let inner = nested(&missing[1..], value);
        match node.kind() {
            Kind::Map if !node.is_empty() && !self.is_flow(node) => {
                Ok(vec![self.block_member(node, &missing[0], inner.root())])
            }
            Kind::Map if self.is_flow(node) => {
                Ok(vec![self.flow_member(node, &missing[0], inner.root())])
            }
            Kind::Null => {
                let whole = nested(missing, value);
                let json = self.is_flow(self.root);
                self.replace(node, &flow(whole.root(), json))
            }
            Kind::List => refuse("the list has no such item"),
            _ => refuse("the way there is neither a map nor a list"),
        }
    }

    /// Puts text in the place of a value.
    fn replace(&self, node: Node<'_>, with: &str) -> Result<Vec<Splice>, Refused> {
        Self::own(node)?;
        let (start, mut end) = Self::span(node);
        let block = matches!(node.kind(), Kind::Map | Kind::List) && !self.is_flow(node);
        if block {
            end = self.before_last_break(end).unwrap_or(end);
        }
        if start == end {
            // A value that is not written: it goes behind the colon or dash.
            return Ok(vec![Splice { from: start, to: start, text: format!(" {with}") }]);
        }
        let scalar_block = matches!(self.text.as_bytes().get(start), Some(b'|' | b'>'))
            && node.kind() == Kind::String;
        if scalar_block {
            let newline = if self.text[..end].ends_with('\n') { self.line_break() } else { "" };
            return Ok(vec![Splice { from: start, to: end, text: format!("{with}{newline}") }]);
        }
        if !block {
            return Ok(vec![Splice { from: start, to: end, text: with.to_owned() }]);
        }
        let key = Self::key_start(node);
        if node.key().is_none() {
            // An item of a block sequence: the text stands behind its dash.
            return Ok(vec![Splice { from: start, to: end, text: with.to_owned() }]);
        }
        let Some(colon) = self.colon(key, start) else {
            return refuse("its key has an unusual form");
        };
        let lines_from = self.line_end(colon);
        // An anchor or tag may stand behind the colon, and a comment behind that.
        let properties = &self.text[colon..lines_from];
        let properties = properties.find(" #").map_or(properties, |comment| &properties[..comment]);
        let at = colon + properties.trim_end().len();
        let mut splices = vec![Splice { from: at, to: at, text: format!(" {with}") }];
        if lines_from < start {
            splices.push(Splice { from: lines_from, to: end, text: String::new() });
        } else {
            return refuse("its value stands on its key's line");
        }
        Ok(splices)
    }

    /// One past the colon behind a key.
    fn colon(&self, key: usize, value: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = key;
        if let quote @ (b'"' | b'\'') = bytes[key] {
            at += 1;
            while at < value && bytes[at] != quote {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
        }
        (at..value)
            .find(|at| {
                bytes[*at] == b':'
                    && bytes.get(at + 1).is_none_or(|next| next.is_ascii_whitespace())
            })
            .map(|at| at + 1)
    }

    /// A new last member of a block mapping, on lines of its own.
    fn block_member(&self, map: Node<'_>, key: &str, value: Node<'_>) -> Splice {
        let first = map.items().next().map_or(0, Self::key_start);
        let indent = self.text[self.line_start(first)..first].chars().count();
        let last = map.items().next_back();
        let (_, end) = last.map_or_else(|| Self::span(map), Self::span);
        let mut text = String::new();
        for line in lines(Some(key), value) {
            text.push_str(self.line_break());
            text.push_str(&" ".repeat(indent));
            text.push_str(&line);
        }
        self.behind_line(end, text)
    }

    /// Where the line break starts that is a value's last byte, as behind a
    /// literal scalar.
    fn before_last_break(&self, end: usize) -> Option<usize> {
        let before = self.text[..end].strip_suffix('\n')?;
        Some(before.strip_suffix('\r').unwrap_or(before).len())
    }

    /// Text behind the line on which a value ends. `text` starts with a line break.
    fn behind_line(&self, end: usize, text: String) -> Splice {
        let at = self.before_last_break(end).unwrap_or_else(|| self.line_end(end));
        Splice { from: at, to: at, text }
    }

    fn flow_member(&self, map: Node<'_>, key: &str, value: Node<'_>) -> Splice {
        let json = self.is_json(map) || self.is_flow(self.root);
        let member = format!("{}: {}", key_text(key, json), flow(value, json));
        self.flow_insertion(map, &member)
    }

    /// A new last element of a flow collection.
    fn flow_insertion(&self, node: Node<'_>, element: &str) -> Splice {
        let (start, end) = Self::span(node);
        match node.items().next_back() {
            None => {
                let (open, close) = (&self.text[start..=start], &self.text[end - 1..end]);
                Splice { from: start, to: end, text: format!("{open}{element}{close}") }
            }
            Some(last) => {
                let first = node.items().next().map_or(start, Self::key_start);
                let (_, last_end) = Self::span(last);
                // Elements on lines of their own stay so.
                let line = self.line_start(first);
                let own_line = self.text[start..first].contains('\n');
                let separator = if own_line {
                    format!(",{}{}", self.line_break(), &self.text[line..first])
                } else {
                    ", ".to_owned()
                };
                Splice { from: last_end, to: last_end, text: format!("{separator}{element}") }
            }
        }
    }

    fn append(&self, list: Node<'_>, value: Node<'_>) -> Result<Vec<Splice>, Refused> {
        Self::own(list)?;
        if self.is_flow(list) {
            let element = flow(value, self.is_flow(self.root));
            return Ok(vec![self.flow_insertion(list, &element)]);
        }
        let Some(last) = list.items().next_back() else {
            return refuse("the list is written in an unusual form");
        };
        let dash = self.dash(last)?;
        let indent = self.text[self.line_start(dash)..dash].chars().count();
        let (_, end) = Self::span(last);
        let mut text = String::new();
        for (at, line) in lines(None, value).into_iter().enumerate() {
            text.push_str(self.line_break());
            text.push_str(&" ".repeat(indent));
            text.push_str(if at == 0 { "- " } else { "  " });
            text.push_str(&line);
        }
        Ok(vec![self.behind_line(end, text)])
    }

    /// The dash of a block sequence's item, which must start its line.
    fn dash(&self, item: Node<'_>) -> Result<usize, Refused> {
        let (start, _) = Self::span(item);
        let before = &self.text[..start];
        let Some(dash) = before.rfind('-') else {
            return refuse("the list is written in an unusual form");
        };
        let line = self.line_start(dash);
        if self.text[line..dash].trim().is_empty() {
            Ok(dash)
        } else {
            refuse("the item's dash shares its line with another")
        }
    }

    fn remove(&self, node: Node<'_>) -> Result<Vec<Splice>, Refused> {
        Self::own(node)?;
        let Some(parent) = node.parent() else {
            return refuse("the whole document cannot be removed");
        };
        if self.is_flow(parent) {
            return Ok(vec![self.remove_flow(node, parent)]);
        }
        if parent.len() == 1 {
            let empty = if parent.kind() == Kind::Map { "{}" } else { "[]" };
            if parent.parent().is_none() {
                return refuse("the document would be empty");
            }
            return self.replace(parent, empty);
        }
        let (_, end) = Self::span(node);
        let start =
            if parent.kind() == Kind::List { self.dash(node)? } else { Self::key_start(node) };
        let line = self.line_start(start);
        if self.text[line..start].trim().is_empty() {
            let to = if self.text[..end].ends_with('\n') { end } else { self.past_line(end) };
            // The last line of a text without a final break.
            let from = if to == self.text.len() && !self.text.ends_with('\n') {
                self.before_break(line)
            } else {
                line
            };
            return Ok(vec![Splice { from, to, text: String::new() }]);
        }
        // The first member of a sequence's item shares the line with its dash.
        let mut members = parent.items();
        match (members.next(), members.next()) {
            (Some(first), Some(second)) if first.id() == node.id() => {
                let next = Self::key_start(second);
                let line_end = self.before_last_break(end).unwrap_or_else(|| self.line_end(end));
                if self.text[line_end..next].trim().is_empty() {
                    return Ok(vec![Splice { from: start, to: next, text: String::new() }]);
                }
                // Comments of the next member stand between: it begins below the dash.
                let from = self.text[..start].trim_end_matches(' ').len();
                Ok(vec![Splice { from, to: line_end, text: String::new() }])
            }
            _ => refuse("it shares its line with something else"),
        }
    }

    fn past_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |end| at + end + 1)
    }

    fn before_break(&self, line: usize) -> usize {
        let cut = line.saturating_sub(1);
        if self.text[..cut].ends_with('\r') { cut - 1 } else { cut }
    }

    fn remove_flow(&self, node: Node<'_>, parent: Node<'_>) -> Splice {
        let (_, end) = Self::span(node);
        let start = Self::key_start(node);
        let (_, parent_end) = Self::span(parent);
        let behind = &self.text[end..parent_end];
        let comma =
            behind.find(|c: char| !c.is_whitespace()).filter(|at| behind[*at..].starts_with(','));
        if let Some(comma) = comma {
            let after = end + comma + 1;
            let spaces = self.text[after..].len() - self.text[after..].trim_start().len();
            return Splice { from: start, to: after + spaces, text: String::new() };
        }
        let before = self.text[..start].trim_end();
        let from = if before.ends_with(',') { before.len() - 1 } else { start };
        Splice { from, to: end, text: String::new() }
    }
}

/// `value` inside maps of the missing names.
fn nested(names: &[String], value: Node<'_>) -> Value {
    let mut builder = ironhull_model::Builder::new();
    for name in names {
        builder.begin_map(0);
        builder.key(name, 0);
    }
    builder.copy(value);
    names.iter().for_each(|_| builder.end(0));
    builder.finish()
}

#[cfg(test)]
mod tests;
