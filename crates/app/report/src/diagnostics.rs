//! Diagnostics as compilers print them: code, place, the line, help.

use std::fmt::Write;

use ironhull_model::{Diagnostic, Level, Place, Snapshot};

use crate::text;

/// One diagnostic as text, with the line it is about.
pub fn render(diagnostic: &Diagnostic, snapshot: &Snapshot) -> String {
    let level = match diagnostic.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut out = format!("{level}[{}]: {}\n", diagnostic.code, diagnostic.message);
    if let Some((place, source)) =
        diagnostic.place.and_then(|place| Some((place, snapshot.source(place.source)?)))
    {
        let at = source.position(place.start);
        _ = writeln!(out, "  --> {}:{}:{}", source.path, at.line, at.column);
        let line = shown_line(snapshot, place).unwrap_or_default();
        let (line, column) = text::window(&line, at.column as usize);
        if !line.trim().is_empty() {
            let number = at.line.to_string();
            _ = writeln!(out, "{number} | {line}");
            let marks = caret(&line, column, (place.end - place.start) as usize);
            _ = writeln!(out, "{:width$} | {marks}", "", width = number.len());
        }
    }
    if let Some(help) = &diagnostic.help {
        _ = writeln!(out, "  help: {help}");
    }
    out
}

/// The line of a place without what may be secret.
pub fn shown_line(snapshot: &Snapshot, place: Place) -> Option<String> {
    let source = snapshot.source(place.source)?;
    let at = source.position(place.start);
    if let Some(line) = source.shown.get(&at.line) {
        return Some(line.clone());
    }
    let line = text::masked_line(snapshot, place.source, at.line);
    Some(text::guarded(line, before(source.text(), place.start as usize)))
}

/// The text around a place, as far as it may tell that a secret stands there.
fn before(text: &str, at: usize) -> &str {
    const FAR: usize = 16 << 10;
    let near = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let from = near(at.min(text.len()).saturating_sub(FAR));
    let rest = text.get(near(at.min(text.len()))..).unwrap_or_default();
    let to = rest.find('\n').map_or(text.len(), |end| text.len() - rest.len() + end);
    text.get(from..to).unwrap_or_default()
}

fn caret(line: &str, column: usize, length: usize) -> String {
    let column = column.min(line.chars().count() + 1);
    let rest = line.chars().count().saturating_sub(column - 1).max(1);
    format!("{}{}", " ".repeat(column - 1), "^".repeat(length.clamp(1, rest)))
}
