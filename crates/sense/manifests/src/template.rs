//! Where the lines of a rendered chart come from: the template's line, and the
//! value that it takes. A template is text with holes, so this is found by keys:
//! a rendered `key:` under its parents, and the one line of the template that
//! writes that key. What is not found for sure is not told.

use ironhull_model::SourceId;
use ironhull_model::source::TemplateLine;

/// A chart's `values.yaml`.
pub struct Values<'v> {
    /// Its path, as the user would write it.
    pub path: &'v str,
    /// Its text.
    pub text: &'v str,
}

/// For each line of `rendered` the line of `template` that wrote it, if it is
/// known for sure.
pub fn lines(rendered: &str, template: &str, values: &Values<'_>) -> Vec<Option<TemplateLine>> {
    let written = keys(template);
    let known = ironhull_yaml::parse(SourceId(0), values.text, &ironhull_yaml::Limits::default());
    let root = known.documents.first().map(|document| document.value.root());
    let source = ironhull_model::Source::new(values.path, values.text.to_owned());
    let place = |path: &[&str]| -> Option<String> {
        let node = root?.path(path)?;
        let at = source.position(node.span()?.start);
        Some(format!("{} ({}:{})", path.join("."), values.path, at.line))
    };
    let produced = keys(rendered);
    (0..rendered.lines().count())
        .map(|line| {
            // A line without a key of its own belongs to the last one before it.
            let at = produced.iter().rposition(|key| key.line <= line)?;
            let key = &produced[at];
            if let Some(found) = find(key, &written) {
                let value = reference(found.text).and_then(|path| place(&path));
                return Some(template_line(found, value));
            }
            // `toYaml .Values.x` wrote it, somewhere below a key that is known.
            let depth = key.parents.len();
            (0..depth).rev().find_map(|up| {
                let parent =
                    Key { name: key.parents[up], parents: key.parents[..up].to_vec(), ..*key };
                let found = find(&parent, &written)?;
                // What another key introduces is not this one's.
                let below = template.lines().skip(found.line + 1).take(3);
                let below = below.take_while(|text| text.trim_start().starts_with("{{"));
                let inserted = std::iter::once(found.text).chain(below);
                let inserted = inserted.filter(|text| text.contains("toYaml")).find_map(reference);
                let rest = key.parents[up + 1..].iter().copied().chain([key.name]);
                let path: Vec<&str> = inserted?.into_iter().chain(rest).collect();
                Some(template_line(found, place(&path)))
            })
        })
        .collect()
}

fn template_line(key: &Key<'_>, value: Option<String>) -> TemplateLine {
    TemplateLine { line: key.line as u32 + 1, text: key.text.to_owned(), value }
}

/// A line that writes a key, with the keys above it by indentation.
#[derive(Clone)]
struct Key<'t> {
    line: usize,
    text: &'t str,
    name: &'t str,
    parents: Vec<&'t str>,
}

fn keys(text: &str) -> Vec<Key<'_>> {
    let mut keys = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        // Sequence dashes are indentation too.
        let body = text.trim_start_matches([' ', '-']);
        let indent = text.len() - body.len();
        let Some((name, rest)) = body.split_once(':') else { continue };
        let name = name.trim_matches(['"', '\'']);
        let is_key = !name.is_empty()
            && !name.contains(['{', '}', '#', ' '])
            && (rest.is_empty() || rest.starts_with([' ', '\r']));
        if !is_key {
            continue;
        }
        open.retain(|(column, _)| *column < indent);
        let parents = open.iter().map(|(_, name)| *name).collect();
        open.push((indent, name));
        keys.push(Key { line, text, name, parents });
    }
    keys
}

/// The one line that writes this key: under the same parents where several do.
fn find<'k, 't>(key: &Key<'_>, written: &'k [Key<'t>]) -> Option<&'k Key<'t>> {
    let same_suffix = |other: &Key<'_>| {
        let pairs = key.parents.iter().rev().zip(other.parents.iter().rev());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let mut best: Option<(usize, &Key<'_>)> = None;
    let mut is_unique = false;
    for other in written.iter().filter(|other| other.name == key.name) {
        let n_same = same_suffix(other);
        match best {
            Some((most, _)) if n_same < most => {}
            Some((most, _)) if n_same == most => is_unique = false,
            _ => (best, is_unique) = (Some((n_same, other)), true),
        }
    }
    let (n_same, found) = best?;
    // A key under other parents is another key.
    let fits = n_same == key.parents.len().min(found.parents.len());
    (is_unique && fits).then_some(found)
}

/// The path of the only value that a line takes: `.Values.image.tag`.
fn reference(text: &str) -> Option<Vec<&str>> {
    let mut parts = text.split(".Values.").skip(1);
    let (first, None) = (parts.next()?, parts.next()) else { return None };
    let end = first
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(first.len());
    Some(first[..end].split('.').collect())
}

#[cfg(test)]
mod tests;
