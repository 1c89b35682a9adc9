//! Splitting a text into documents at lines of `---`, as the API machinery's
//! reader does, and at `...`.

/// Byte ranges of the documents, without separators, directives and BOM.
pub(crate) fn documents(text: &str) -> Vec<(usize, usize)> {
    let mut documents = Vec::new();
    let mut start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut at = start;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        let line = &text[at..line_end];
        let marks = |mark: &str| {
            line.strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
        };
        if marks("---") {
            documents.push((start, at));
            start = at + 3;
        } else if marks("...") {
            documents.push((start, at));
            start = line_end;
        } else if line.starts_with('%') && text[start..at].trim().is_empty() {
            start = line_end;
        }
        at = line_end;
    }
    documents.push((start, text.len()));
    documents
}
