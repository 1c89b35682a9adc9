//! A diff as it is shown: like the patch, with the secrets on its lines left out.

use std::fmt::Write;

use ironhull_secrets::shown::{REDACTED, without};
use similar::{ChangeTag, TextDiff};

use crate::{Diff, headers};

/// The diff of two texts, and how it is shown when secrets stand at `secrets` in
/// the first one.
pub(crate) fn diff(path: &str, before: &str, after: &str, secrets: &[(usize, usize)]) -> Diff {
    let diff = TextDiff::from_lines(before, after);
    let (old, new) = headers(path, before);
    let mut unified = diff.unified_diff();
    let patch = unified.context_radius(3).header(&old, &new).to_string();
    if secrets.is_empty() || patch.is_empty() {
        return Diff { shown: patch.clone(), patch };
    }
    let starts: Vec<usize> = std::iter::once(0)
        .chain(before.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, at)| at))
        .collect();
    let mut shown = format!("--- {old}\n+++ {new}\n");
    for hunk in unified.iter_hunks() {
        _ = writeln!(shown, "{}", hunk.header());
        let old_lines = hunk.iter_changes().filter_map(|change| change.old_index());
        let texts = texts(before, &starts, old_lines, secrets);
        for change in hunk.iter_changes() {
            let line = change.value();
            let line = match change.old_index().and_then(|index| starts.get(index)) {
                Some(&start) => without(line, start, within(secrets, start, start + line.len())),
                // What is new may hold what the lines before it held.
                None => texts
                    .iter()
                    .fold(line.to_owned(), |line, secret| line.replace(secret, REDACTED)),
            };
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            _ = write!(shown, "{sign}{line}");
            if !line.ends_with('\n') {
                shown.push('\n');
            }
            if change.missing_newline() {
                shown.push_str("\\ No newline at end of file\n");
            }
        }
    }
    Diff { patch, shown }
}

/// The secrets on some lines of a text, line by line.
fn texts<'t>(
    text: &'t str,
    starts: &[usize],
    lines: impl Iterator<Item = usize>,
    secrets: &[(usize, usize)],
) -> Vec<&'t str> {
    let mut texts = Vec::new();
    for line in lines {
        let Some(&start) = starts.get(line) else { continue };
        let end = starts.get(line + 1).copied().unwrap_or(text.len());
        for &(from, to) in within(secrets, start, end) {
            let secret = text.get(from.max(start)..to.min(end)).unwrap_or_default().trim();
            texts.extend((secret.len() > 1).then_some(secret));
        }
    }
    texts
}

/// The places that touch a range, of places in order that do not overlap.
fn within(places: &[(usize, usize)], from: usize, to: usize) -> &[(usize, usize)] {
    let first = places.partition_point(|&(_, end)| end <= from);
    let behind = places.partition_point(|&(start, _)| start < to);
    places.get(first..behind).unwrap_or_default()
}
