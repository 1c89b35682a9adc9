//! Snapshots as files: `check --save FILE`, and `snapshot:FILE` as a target.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use ironhull_model::codec::{self, DecodeError, Limits, Saved};
use ironhull_model::{Code, Diagnostic, Minor, Object, Snapshot, Source, SourceId};
use ironhull_report::diagnostics;
use ironhull_secrets::shown::sealed;
use ironhull_sys::replace;

use super::{Estate, documents};

/// What a target that is a snapshot starts with.
pub(crate) const SCHEME: &str = "snapshot:";
/// Longer files are not read.
const LONGEST: u64 = 1 << 30;

/// Writes what was read, without what the command line adds to it.
pub(crate) fn save(path: &Path, estate: &mut Estate) -> anyhow::Result<()> {
    let end = estate.first_policy_file;
    let is_of = |source: SourceId| source < end;
    let snapshot = &mut estate.snapshot;
    let own: Vec<&Object> =
        { estate.own.iter() }.filter(|own| is_of(own.source)).map(|own| &own.object).collect();
    let sources = without_secrets(snapshot, &own, end);
    let sources = std::mem::replace(&mut snapshot.sources, sources);
    let is_kept = |object: &Object| object.origin.is_none_or(|origin| is_of(origin.source));
    let (objects, others) =
        { std::mem::take(&mut snapshot.objects) }.into_iter().partition(|object| is_kept(object));
    snapshot.objects = objects;
    let (told, rest) = { std::mem::take(&mut snapshot.diagnostics) }
        .into_iter()
        .partition(|told: &Diagnostic| told.place.is_none_or(|place| is_of(place.source)));
    snapshot.diagnostics = told;
    let bytes = codec::encode(snapshot, &own, &estate.targets);
    snapshot.sources = sources;
    snapshot.objects.extend(others);
    snapshot.diagnostics.extend(rest);
    snapshot.seal();
    write(path, &bytes).with_context(|| format!("failed to write {}", path.display()))
}

/// As a whole or not at all, and for nobody else to read: it says how to attack. Of a
/// link the file that it leads to is replaced; what is no file (a device, a pipe) is
/// written to, never replaced.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = std::path::absolute(path)?;
    // What stands there leads to what is open already, a redirected output for one.
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return OpenOptions::new().append(true).open(path)?.write_all(bytes);
    }
    match path.metadata() {
        Ok(about) if about.is_file() => replace(&path.canonicalize()?, bytes, None),
        Ok(about) if about.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        Ok(_) => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Err(error) if path.is_symlink() => Err(error),
        Err(_) => replace(&path, bytes, None),
    }
}

/// The sources before `end` as they may be kept, with the lines that diagnostics show.
fn without_secrets(snapshot: &Snapshot, own: &[&Object], end: SourceId) -> Vec<Source> {
    let mut by_source: HashMap<SourceId, (Vec<&Object>, Vec<&Object>)> = HashMap::new();
    let of = |object: &Object| object.origin.map(|origin| origin.source);
    for object in &snapshot.objects {
        if let Some(source) = of(object) {
            by_source.entry(source).or_default().0.push(object);
        }
    }
    for object in own {
        if let Some(source) = of(object) {
            by_source.entry(source).or_default().1.push(object);
        }
    }
    let mut shown: HashMap<SourceId, BTreeMap<u32, String>> = HashMap::new();
    for place in snapshot.diagnostics.iter().filter_map(|told| told.place) {
        if let (Some(line), Some(source)) =
            (diagnostics::shown_line(snapshot, place), snapshot.source(place.source))
        {
            let number = source.position(place.start).line;
            shown.entry(place.source).or_default().insert(number, line);
        }
    }
    let sources = snapshot.sources.iter().zip(0..end.0).map(|(source, id)| {
        let (objects, others) = by_source.remove(&SourceId(id)).unwrap_or_default();
        let mut kept = Source::new(source.path.clone(), sealed(source.text(), &objects, &others));
        kept.shown = shown.remove(&SourceId(id)).unwrap_or_default();
        kept.shown.extend(source.shown.clone());
        let lines = source.text().lines().zip(kept.text().lines());
        let lost: Vec<bool> = lines.map(|(before, after)| before != after).collect();
        kept.rendered.clone_from(&source.rendered);
        // Where the text lost something, the template's line may say it again.
        let lines = kept.rendered.iter_mut().flat_map(|rendered| &mut rendered.lines);
        for (line, _) in lines.zip(lost).filter(|(_, lost)| *lost) {
            line.iter_mut().for_each(|line| line.text.clear());
        }
        kept
    });
    sources.collect()
}

/// The estate of a snapshot, or an empty one with what is wrong with the file.
/// `minor` is the one that the command line asks for.
pub(super) fn read(path: &str, minor: Option<Minor>) -> Estate {
    let (saved, wrong) = match load(Path::new(path)) {
        Ok(saved) => (saved, None),
        Err((code, reason)) => {
            let message = format!("{SCHEME}{path}: {reason}");
            let help = "ironhull check TARGET --save FILE writes one";
            let empty = Saved {
                snapshot: Snapshot::new(minor.unwrap_or(Minor::NEWEST)),
                own: Vec::new(),
                targets: vec![format!("{SCHEME}{path}")],
            };
            (empty, Some(Diagnostic::error(code, message).help(help)))
        }
    };
    let Saved { mut snapshot, own, targets } = saved;
    snapshot.diagnostics.extend(wrong);
    if let Some(minor) = minor {
        (snapshot.minor, snapshot.minor_assumed) = (minor, false);
    }
    let source = |object: &Object| object.origin.map_or(SourceId(0), |origin| origin.source);
    let own = own.into_iter().map(|object| documents::Own { source: source(&object), object });
    let own = own.collect();
    let first_policy_file = SourceId(snapshot.sources.len() as u32);
    Estate { snapshot, own, first_policy_file, targets, cluster: None }
}

fn load(path: &Path) -> Result<Saved, (Code, String)> {
    let unread = |reason: String| (Code::SnapshotUnread, reason);
    let file = File::open(path).map_err(|error| unread(error.to_string()))?;
    let mut bytes = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unread(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unread(DecodeError::TooLarge(LONGEST >> 20).to_string()));
    }
    codec::decode(&bytes, Limits::default()).map_err(|error| match error {
        DecodeError::Version(_) => (Code::SnapshotVersion, error.to_string()),
        error => unread(error.to_string()),
    })
}
