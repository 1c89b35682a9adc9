//! Diagnostics as compilers print them: code, place, the line, help.

use std::fmt::Write;

use ironhull_model::{Diagnostic, Level, Snapshot};

/// One diagnostic as text, with the line it is about.
pub fn render(diagnostic: &Diagnostic, snapshot: &Snapshot) -> String {
    let level = match diagnostic.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut text = format!("{level}[{}]: {}\n", diagnostic.code, diagnostic.message);
    if let Some((place, source)) =
        diagnostic.place.and_then(|place| Some((place, snapshot.source(place.source)?)))
    {
        let at = source.position(place.start);
        _ = writeln!(text, "  --> {}:{}:{}", source.path, at.line, at.column);
        let line: String = source.line(at.line).chars().take(160).collect();
        if !line.trim().is_empty() {
            let number = at.line.to_string();
            _ = writeln!(text, "{number} | {line}");
            let marks = caret(&line, at.column as usize, (place.end - place.start) as usize);
            _ = writeln!(text, "{:width$} | {marks}", "", width = number.len());
        }
    }
    if let Some(help) = &diagnostic.help {
        _ = writeln!(text, "  help: {help}");
    }
    text
}

fn caret(line: &str, column: usize, length: usize) -> String {
    let rest = line.chars().count().saturating_sub(column - 1).max(1);
    format!("{}{}", " ".repeat(column - 1), "^".repeat(length.clamp(1, rest)))
}
