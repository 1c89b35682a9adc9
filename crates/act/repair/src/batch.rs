//! Many repairs of one file. Each edit needs the text's places, and each result
//! is read again to see that it says what was meant; so repairs of different
//! objects are done together, and only where that fails one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ironhull_model::{Finding, Object, RepairStep, SourceId};
use ironhull_yaml::{Document, splice};

use crate::{Outcome, edit, step_of};

/// A finding and the object in the file that it is about.
pub(crate) type Fix<'f> = (&'f Finding, &'f Object);

/// Steps that were done already: (document, item and step).
pub(crate) type Done = BTreeSet<(u32, String)>;

/// The text with everything done that can be; what cannot is refused.
pub(crate) fn all(text: &str, fixes: &[Fix<'_>], outcome: &mut Outcome) -> String {
    let mut groups: BTreeMap<(u32, Option<u32>), VecDeque<Fix<'_>>> = BTreeMap::new();
    for (finding, object) in fixes {
        if let Some(origin) = object.origin {
            groups
                .entry((origin.document, origin.item))
                .or_default()
                .push_back((*finding, *object));
        }
    }
    let mut done = Done::new();
    let mut text = text.to_owned();
    loop {
        // One finding of each object: they cannot stand in each other's way.
        let round: Vec<Fix<'_>> = groups.values_mut().filter_map(VecDeque::pop_front).collect();
        if round.is_empty() {
            return text;
        }
        text = halves(text, &round, &mut done, outcome);
    }
}

/// Does a round together; where that fails, its halves, down to single findings,
/// which say why.
fn halves(text: String, round: &[Fix<'_>], done: &mut Done, outcome: &mut Outcome) -> String {
    if let [(finding, object)] = round {
        return match crate::fixed(&text, object, finding, done) {
            Ok(after) => after,
            Err(why) => {
                outcome.refused.push((finding.id(), why));
                text
            }
        };
    }
    if let Some(after) = together(&text, round, done) {
        return after;
    }
    let (first, second) = round.split_at(round.len() / 2);
    let text = halves(text, first, done, outcome);
    halves(text, second, done, outcome)
}

/// All steps of several findings of different objects, or nothing.
fn together(text: &str, round: &[Fix<'_>], done: &mut Done) -> Option<String> {
    let most = round.iter().map(|(finding, _)| finding.repair.steps.len()).max()?;
    let mut text = text.to_owned();
    let mut documents = parse(&text);
    let mut added = Vec::new();
    for at in 0..most {
        let mut edits: Vec<(usize, splice::Edit)> = Vec::new();
        for (finding, object) in round {
            let (Some(step), Some(origin)) = (finding.repair.steps.get(at), object.origin) else {
                continue;
            };
            let key = crate::key(origin, step);
            if done.contains(&key) {
                continue;
            }
            let document = origin.document as usize;
            if let Some(edit) = edit(step, &documents, object).ok()? {
                edits.push((document, edit));
            }
            added.push(key);
        }
        if edits.is_empty() {
            continue;
        }
        let after = splice::apply(&text, &documents, &edits).ok()?;
        let read = parse(&after);
        if !reads_as_patched(&documents, &read, &edits) {
            return None;
        }
        (text, documents) = (after, read);
    }
    done.extend(added);
    Some(text)
}

pub(crate) fn parse(text: &str) -> Vec<Document> {
    ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default()).documents
}

/// Whether a new text parses to exactly the old documents with the edits done:
/// `parse(after) = patch(parse(before))`. What does not is never written.
pub(crate) fn reads_as_patched(
    old: &[Document],
    new: &[Document],
    edits: &[(usize, splice::Edit)],
) -> bool {
    let mut steps: BTreeMap<usize, Vec<RepairStep>> = BTreeMap::new();
    for (document, edit) in edits {
        let Some(step) = step_of(edit) else { return false };
        steps.entry(*document).or_default().push(step);
    }
    old.len() == new.len()
        && old.iter().zip(new).enumerate().all(|(index, (old, new))| match steps.get(&index) {
            None => old.value == new.value,
            Some(steps) => {
                ironhull_patch::apply(&old.value, steps).is_ok_and(|patched| patched == new.value)
            }
        })
}
