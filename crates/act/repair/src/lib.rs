//! Repairs on the user's files: the steps of findings become splices at the
//! spans of the document, so that every other byte of the file stays.
//!
//! Nothing is written here: [`plan`] gives the new texts and their diffs.

use std::collections::{BTreeMap, HashMap};

use ironhull_model::source::TemplateLine;
use ironhull_model::{
    Finding, Node, Object, Origin, Pointer, RepairStep, Snapshot, SourceId, Standing, ThingRef,
    World,
};
use ironhull_secrets::shown::places;
use ironhull_yaml::{Document, splice};

use batch::{Done, Fix};

mod batch;
mod shown;

/// A file as it would be.
#[derive(Debug)]
pub struct Edit {
    /// Which file.
    pub path: String,
    /// It is not there yet.
    pub is_new: bool,
    /// Its new text.
    pub after: String,
    /// What changes.
    pub diff: Diff,
}

/// A unified diff.
#[derive(Debug)]
pub struct Diff {
    /// As `patch` and `git apply` take it: the user's own lines, secrets included.
    pub patch: String,
    /// For eyes and logs: secret values on its lines are left out.
    pub shown: String,
}

/// What can be done about some findings.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Files to edit or create.
    pub edits: Vec<Edit>,
    /// Findings that cannot be fixed in their file: (id, why).
    pub refused: Vec<(String, String)>,
    /// Findings whose repair needs a person: (id, question).
    pub questions: Vec<(String, String)>,
}

/// Plans the repairs of findings, several per file if need be.
pub fn plan(findings: &[&Finding], snapshot: &Snapshot) -> Outcome {
    let mut outcome = Outcome::default();
    let mut by_source: BTreeMap<SourceId, Vec<Fix<'_>>> = BTreeMap::new();
    let mut objects: HashMap<&ThingRef, Vec<&Object>> = HashMap::new();
    for object in &snapshot.objects {
        objects.entry(&object.thing).or_default().push(object);
    }
    for finding in findings {
        if finding.repair.steps.is_empty() {
            outcome
                .refused
                .push((finding.id(), "no repair is known; see ironhull explain".to_owned()));
            continue;
        }
        for step in &finding.repair.steps {
            if let RepairStep::Ask { question } = step {
                outcome.questions.push((finding.id(), question.clone()));
            }
        }
        if let Some(why) = uneditable(finding, snapshot) {
            outcome.refused.push((finding.id(), why));
            continue;
        }
        let object = object(finding, &objects);
        match object.and_then(|object| Some((object, object.origin?))) {
            Some((object, origin)) => {
                by_source.entry(origin.source).or_default().push((finding, object));
            }
            None => outcome
                .refused
                .push((finding.id(), "its object was not read from a file".to_owned())),
        }
    }
    let mut by_origin: HashMap<SourceId, Vec<&Object>> = HashMap::new();
    for object in snapshot.objects.iter().filter(|_| !by_source.is_empty()) {
        if let Some(origin) = object.origin.filter(|at| by_source.contains_key(&at.source)) {
            by_origin.entry(origin.source).or_default().push(object);
        }
    }
    for (source, findings) in by_source {
        let objects = by_origin.remove(&source).unwrap_or_default();
        file(source, &findings, &objects, snapshot, &mut outcome);
    }
    outcome
}

/// Why what a finding stands in cannot be edited, and what to change instead; none
/// for a file.
pub fn uneditable(finding: &Finding, snapshot: &Snapshot) -> Option<String> {
    let Some(place) = finding.place else {
        let object = World::new(snapshot).get(&finding.subject)?;
        let is_live = object.standing == Standing::Live;
        return is_live.then(|| "it runs in a cluster; change the file it comes from".to_owned());
    };
    let source = snapshot.source(place.source)?;
    if source.path == "-" {
        return Some("standard input cannot be edited".to_owned());
    }
    source.rendered.as_ref()?;
    let change = match source.template_line(place.start) {
        Some(TemplateLine { value: Some(value), .. }) => format!("change the value {value}"),
        Some(TemplateLine { line, .. }) => format!("change {}:{line}", source.path),
        None => format!("change what {} is made of", source.path),
    };
    Some(format!("it is rendered from a template; {change}"))
}

/// The object a finding points into: the one in the file of its place.
fn object<'s>(
    finding: &Finding,
    objects: &HashMap<&ThingRef, Vec<&'s Object>>,
) -> Option<&'s Object> {
    let candidates = objects.get(&*finding.subject)?;
    let source = finding.place.map(|place| place.source);
    let in_file = candidates
        .iter()
        .find(|object| source.is_some() && object.origin.map(|origin| origin.source) == source);
    in_file.or(candidates.first()).copied()
}

fn file(
    id: SourceId,
    fixes: &[Fix<'_>],
    objects: &[&Object],
    snapshot: &Snapshot,
    outcome: &mut Outcome,
) {
    let Some(source) = snapshot.source(id) else { return };
    let text = batch::all(source.text(), fixes, outcome);
    created(source.path.as_str(), fixes, outcome);
    if text != source.text() {
        let secrets = places(source.text(), objects.iter().copied(), 0, source.text().len());
        let diff = shown::diff(&source.path, source.text(), &text, &secrets);
        let path = source.path.clone();
        outcome.edits.push(Edit { path, is_new: false, after: text, diff });
    }
}

/// The text with one finding's steps done. A step that another finding of the
/// same document asked for already is not done twice.
fn fixed(
    text: &str,
    object: &Object,
    finding: &Finding,
    done: &mut Done,
) -> Result<String, String> {
    let origin = object.origin.ok_or("its object was not read from a file")?;
    let mut text = text.to_owned();
    let mut documents = batch::parse(&text);
    for step in &finding.repair.steps {
        if !done.insert(key(origin, step)) {
            continue;
        }
        let Some(edit) = edit(step, &documents, object)? else { continue };
        let edits = [(origin.document as usize, edit)];
        let after = splice::apply(&text, &documents, &edits)
            .map_err(|refused| refused.reason.to_string())?;
        let read = batch::parse(&after);
        if !batch::reads_as_patched(&documents, &read, &edits) {
            return Err(
                "the edited text would not read back as the repaired object; edit it by hand"
                    .to_owned(),
            );
        }
        (text, documents) = (after, read);
    }
    Ok(text)
}

/// What tells a step from the others of its file.
fn key(origin: Origin, step: &RepairStep) -> (u32, String) {
    (origin.document, format!("{:?} {step:?}", origin.item))
}

/// The step that an edit does.
fn step_of(edit: &splice::Edit) -> Option<RepairStep> {
    Some(match edit.clone() {
        splice::Edit::Set { pointer, value } => RepairStep::Set { pointer, value },
        splice::Edit::Remove { pointer } => RepairStep::Remove { pointer },
        splice::Edit::Add { pointer, value } => {
            RepairStep::Append { pointer: pointer.split_last()?.0, value }
        }
    })
}

/// The splice for a step on the document as it is in the text now, which has
/// neither defaults nor the object's place in a `List`.
fn edit(
    step: &RepairStep,
    documents: &[Document],
    object: &Object,
) -> Result<Option<splice::Edit>, String> {
    let origin = object.origin.ok_or("its object was not read from a file")?;
    let document = documents.get(origin.document as usize).ok_or("the document is gone")?;
    let place = match origin.item {
        None => Pointer::root(),
        Some(item) => ironhull_manifests::place_in_list(document.value.root(), item)
            .ok_or("the item of its list is gone")?,
    };
    let prefixed = |pointer: &Pointer| {
        let mut full = place.clone();
        pointer.segments().for_each(|segment| full.push(&segment));
        full
    };
    Ok(match step {
        RepairStep::Set { pointer, value } => {
            Some(splice::Edit::Set { pointer: prefixed(pointer), value: value.clone() })
        }
        RepairStep::Append { pointer, value } => {
            let pointer = prefixed(pointer);
            let already = document
                .value
                .at(&pointer)
                .is_some_and(|list| list.items().any(|item| item == value.root()));
            let exists = document.value.at(&pointer).is_some_and(|list| !list.is_null());
            match (already, exists) {
                (true, _) => None,
                (false, true) => {
                    Some(splice::Edit::Add { pointer: pointer.join("-"), value: value.clone() })
                }
                (false, false) => Some(splice::Edit::Set { pointer, value: list_of(value.root()) }),
            }
        }
        RepairStep::Remove { pointer } => {
            let pointer = prefixed(pointer);
            // What only defaulting put there does not stand in the file.
            document.value.at(&pointer).map(|_| splice::Edit::Remove { pointer })
        }
        RepairStep::Create { .. } | RepairStep::Ask { .. } => None,
    })
}

fn list_of(item: Node<'_>) -> ironhull_model::Value {
    let mut builder = ironhull_model::Builder::new();
    builder.begin_list(0);
    builder.copy(item);
    builder.end(0);
    builder.finish()
}

/// Objects that repairs create become files beside the one they are about.
fn created(path: &str, fixes: &[Fix<'_>], outcome: &mut Outcome) {
    for (finding, _) in fixes {
        for step in &finding.repair.steps {
            let RepairStep::Create { object } = step else { continue };
            let text = ironhull_yaml::splice::to_yaml(object.root());
            let name = |path: &[&str]| {
                file_name(object.root().path(path).and_then(Node::as_str).unwrap_or("object"))
            };
            let folder =
                path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let namespace = object.root().path(&["metadata", "namespace"]).and_then(Node::as_str);
            let namespace = namespace
                .map_or_else(String::new, |namespace| format!("{}-", file_name(namespace)));
            let new = format!(
                "{folder}{namespace}{}-{}.yaml",
                name(&["kind"]),
                name(&["metadata", "name"])
            );
            if outcome.edits.iter().any(|edit| edit.path == new) {
                continue;
            }
            let diff = shown::diff(&new, "", &text, &[]);
            outcome.edits.push(Edit { path: new, is_new: true, after: text, diff });
        }
    }
}

/// A name as part of a file's or an object's: lower case, and nothing in it leads to
/// another folder.
pub fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let name: String = name.to_lowercase().chars().map(safe).collect();
    match name.trim_matches('-') {
        "" => "object".to_owned(),
        name => name.to_owned(),
    }
}

/// The names of a diff's two texts, as `git apply` takes them: it refuses `a/./b`.
fn headers(path: &str, before: &str) -> (String, String) {
    let path = path.trim_start_matches("./");
    let old = if before.is_empty() { "/dev/null".to_owned() } else { format!("a/{path}") };
    (old, format!("b/{path}"))
}
