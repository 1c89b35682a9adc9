//! Source texts and places in them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;

/// Which of a snapshot's sources.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct SourceId(pub u32);

/// One input text (a file, standard input, the output of `helm template`).
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as the user would write it, or `-`; of what a program rendered the
    /// template's, or the folder's where that is not known.
    pub path: String,
    /// For what a program rendered: which, and where its lines come from.
    pub rendered: Option<Rendered>,
    /// Of a saved text, in which secrets and what is outside of objects are blanks: lines as
    /// they are to be shown where that is more than what is left of them.
    pub shown: BTreeMap<u32, String>,
    text: String,
    /// Made when a place is first asked for, which is for few sources.
    lines: OnceLock<Lines>,
}

#[derive(Clone, Debug)]
struct Lines {
    starts: Vec<u32>,
    /// Then columns need no counting, however long a line is.
    is_ascii: bool,
}

/// What is known of a text that a program made.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The command that prints it: `helm template charts/redis`.
    pub command: String,
    /// For each line of the text the template's that wrote it, where it is known.
    pub lines: Vec<Option<TemplateLine>>,
}

/// A line of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateLine {
    /// 1-based.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// The value that it takes and where that stands: `image.tag (values.yaml:3)`.
    pub value: Option<String>,
}

/// A place as editors count: 1-based line, 1-based column in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Position {
    /// 1-based.
    pub line: u32,
    /// 1-based, in Unicode scalar values.
    pub column: u32,
}

impl Source {
    /// A source from its text.
    pub fn new(path: impl Into<String>, text: String) -> Source {
        Source {
            path: path.into(),
            rendered: None,
            shown: BTreeMap::new(),
            text,
            lines: OnceLock::new(),
        }
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| {
            let bytes = self.text.bytes().zip(1..);
            let behind = bytes.filter(|(byte, _)| *byte == b'\n').map(|(_, at)| at);
            let starts = std::iter::once(0).chain(behind).collect();
            Lines { starts, is_ascii: self.text.is_ascii() }
        })
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.text.len() as u32);
        let lines = self.lines();
        let line = lines.starts.partition_point(|&start| start <= offset);
        let start = lines.starts[line - 1] as usize;
        let column = match self.text.get(start..offset as usize) {
            Some(text) if lines.is_ascii => text.len(),
            Some(text) => text.chars().count(),
            None => 0,
        };
        Position { line: line as u32, column: column as u32 + 1 }
    }

    /// The template's line behind a byte offset of a rendered text.
    pub fn template_line(&self, offset: u32) -> Option<&TemplateLine> {
        let line = self.position(offset).line as usize;
        self.rendered.as_ref()?.lines.get(line - 1)?.as_ref()
    }

    /// The place of a byte offset in the file that a person can open: none where
    /// a program rendered it and the template's line is not known.
    pub fn shown_position(&self, offset: u32) -> Option<Position> {
        if self.rendered.is_none() {
            return Some(self.position(offset));
        }
        let line = self.template_line(offset)?;
        let indent = line.text.chars().take_while(|c| *c == ' ').count();
        Some(Position { line: line.line, column: indent as u32 + 1 })
    }

    /// The text of a 1-based line without its line break.
    pub fn line(&self, line: u32) -> &str {
        let index = (line.max(1) - 1) as usize;
        let starts = &self.lines().starts;
        let Some(&start) = starts.get(index) else { return "" };
        let end = starts.get(index + 1).map_or(self.text.len(), |&end| end as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Source};

    #[test]
    fn columns_count_characters() {
        let source = Source::new("a.yaml", "é: 1\r\nb: 2\n".into());
        assert_eq!(source.position(4), Position { line: 1, column: 4 });
        assert_eq!(source.position(7), Position { line: 2, column: 1 });
        assert_eq!(source.line(1), "é: 1");
        assert_eq!(source.line(2), "b: 2");
        assert_eq!(source.line(9), "");
    }
}
