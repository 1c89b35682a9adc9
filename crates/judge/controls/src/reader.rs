//! Reading a document of ours (control, policy, exception, configuration) field
//! by field, so that every mistake is told at its place and an unknown field
//! names the nearest known one.

use ironhull_model::{Code, Diagnostic, Kind, Node, SourceId};

/// Reads the fields of one map. Call [`Reader::finish`] when all were asked for.
pub struct Reader<'a, 'd> {
    node: Node<'a>,
    source: SourceId,
    code: Code,
    known: Vec<&'static str>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a, 'd> Reader<'a, 'd> {
    /// Reads `node` of `source`; mistakes are told as `code`.
    pub fn new(
        node: Node<'a>,
        source: SourceId,
        code: Code,
        diagnostics: &'d mut Vec<Diagnostic>,
    ) -> Reader<'a, 'd> {
        let mut reader = Reader { node, source, code, known: Vec::new(), diagnostics };
        if node.kind() != Kind::Map {
            reader.wrong(node, format!("expected a map, found a {}", node.kind()));
        }
        reader
    }

    /// The map itself.
    pub fn node(&self) -> Node<'a> {
        self.node
    }

    /// Tells a mistake at `node`.
    pub fn wrong(&mut self, node: Node<'_>, message: impl Into<String>) {
        let diagnostic = diagnostic(self.code, self.source, node, message);
        self.diagnostics.push(diagnostic);
    }

    /// A reader for a nested map, telling its mistakes the same way.
    pub fn nested(&mut self, node: Node<'a>) -> Reader<'a, '_> {
        Reader::new(node, self.source, self.code, self.diagnostics)
    }

    /// A field's value, if it is there and not null.
    pub fn get(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.known.push(name);
        self.node.get(name).filter(|node| !node.is_null())
    }

    /// A field's value; its absence is a mistake.
    pub fn required(&mut self, name: &'static str) -> Option<Node<'a>> {
        let found = self.get(name);
        if found.is_none() && self.node.kind() == Kind::Map {
            self.wrong(self.node, format!("the field {name} is missing"));
        }
        found
    }

    /// A string field.
    pub fn str(&mut self, name: &'static str) -> Option<&'a str> {
        let node = self.get(name)?;
        self.expect_str(name, node)
    }

    /// A string field; its absence is a mistake.
    pub fn required_str(&mut self, name: &'static str) -> Option<&'a str> {
        let node = self.required(name)?;
        let text = self.expect_str(name, node)?;
        // What must be said is not said by nothing.
        if text.trim().is_empty() {
            self.wrong(node, format!("{name} is empty"));
            return None;
        }
        Some(text)
    }

    fn expect_str(&mut self, name: &str, node: Node<'a>) -> Option<&'a str> {
        let text = node.as_str();
        if text.is_none() {
            self.wrong(node, format!("{name} must be a string, not a {}", node.kind()));
        }
        text
    }

    /// A list of strings; a single string counts as a list of one.
    pub fn strs(&mut self, name: &'static str) -> Vec<&'a str> {
        let Some(node) = self.get(name) else { return Vec::new() };
        if let Some(text) = node.as_str() {
            return vec![text];
        }
        if node.kind() != Kind::List {
            self.wrong(node, format!("{name} must be a list of strings, not a {}", node.kind()));
        }
        node.items().filter_map(|item| self.expect_str(name, item)).collect()
    }

    /// Names fields that were not asked for but may be there.
    pub fn also_known(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// Tells every field that was not asked for.
    pub fn finish(mut self) {
        for (key, node) in self.node.entries() {
            if self.known.contains(&key) {
                continue;
            }
            let mut message = format!("unknown field {key:?}");
            if let Some(nearest) = nearest(key, &self.known) {
                message += &format!("; did you mean {nearest:?}?");
            }
            self.wrong(node, message);
        }
    }
}

/// A diagnostic at a node of a document of ours.
pub fn diagnostic(
    code: Code,
    source: SourceId,
    node: Node<'_>,
    message: impl Into<String>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(code, message);
    match node.span() {
        Some(span) => diagnostic.at(source, span.key, span.end.max(span.key)),
        None => diagnostic,
    }
}

/// The known word nearest to a misspelt one, if one is near.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = if word.len() > 3 { (word.len() / 3).max(2) } else { 1 };
    known
        .iter()
        .map(|known| (edit_distance(word, known), *known))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_field_names_its_neighbour() {
        assert_eq!(nearest("tilte", &["id", "title", "why"]), Some("title"));
        assert_eq!(nearest("sevrity", &["severity", "surface"]), Some("severity"));
        assert_eq!(nearest("x", &["severity"]), None);
    }
}
