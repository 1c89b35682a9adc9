//! Where objects come from and who owns them: annotation over label over
//! CODEOWNERS over configuration, each with its source.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ironhull_model::{Builder, Fact, Object, Snapshot, Value};

mod codeowners;

pub use codeowners::CodeOwners;

/// Adds `owner` facts, and `git` facts where the sources are in a checkout.
pub fn attribute(snapshot: &mut Snapshot, default_owner: Option<&str>) {
    let mut places = Places::default();
    let origins: Vec<Origin> =
        snapshot.sources.iter().map(|source| places.of(&source.path)).collect();
    let mut facts = Vec::new();
    for object in &snapshot.objects {
        let origin = object.origin.and_then(|origin| origins.get(origin.source.0 as usize));
        let by_place = origin.and_then(|origin| origin.owner.clone());
        facts.extend(owner(object, by_place, default_owner));
        if let Some((commit, path)) = origin.and_then(|origin| origin.commit.as_ref()) {
            let mut builder = Builder::new();
            builder.begin_map(0);
            for (key, value) in [("commit", commit.as_str()), ("path", path.as_str())] {
                builder.key(key, 0);
                builder.str(value, 0, 0);
            }
            builder.end(0);
            facts.push(Fact {
                thing: object.thing.clone(),
                name: "git",
                value: builder.finish(),
                source: "git".to_owned(),
            });
        }
    }
    snapshot.facts.extend(facts);
}

/// The `owner` fact of an object that stands in no file.
pub fn owner_of(object: &Object, default_owner: Option<&str>) -> Option<Fact> {
    owner(object, None, default_owner)
}

fn owner(
    object: &Object,
    by_place: Option<(String, String)>,
    default_owner: Option<&str>,
) -> Option<Fact> {
    let said = |owner: &str, source: &str| (owner.to_owned(), source.to_owned());
    let annotation = object.annotation("ironhull.dev/owner");
    let label = |name| object.label(name).map(|owner| said(owner, &format!("label {name}")));
    let (owner, source) = annotation
        .map(|owner| said(owner, "annotation ironhull.dev/owner"))
        .or_else(|| label("owner"))
        .or_else(|| label("team"))
        .or(by_place)
        .or_else(|| default_owner.map(|owner| said(owner, "ironhull.yaml")))?;
    Some(Fact { thing: object.thing.clone(), name: "owner", value: text(&owner), source })
}

fn text(value: &str) -> Value {
    let mut builder = Builder::new();
    builder.str(value, 0, 0);
    builder.finish()
}

/// What a file's place says.
#[derive(Default)]
struct Origin {
    owner: Option<(String, String)>,
    commit: Option<(String, String)>,
}

/// What a folder says of every file in it. Looked up once: estates have few
/// folders and many files.
struct Folder {
    full: PathBuf,
    /// The folder of the nearest CODEOWNERS file, and its rules.
    owners: Option<(PathBuf, Rc<CodeOwners>)>,
    /// The checkout and its commit.
    commit: Option<(PathBuf, String)>,
}

#[derive(Default)]
struct Places {
    folders: HashMap<PathBuf, Option<Folder>>,
}

impl Places {
    fn of(&mut self, path: &str) -> Origin {
        let path = Path::new(path);
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = self.folders.entry(parent.to_owned()).or_insert_with(|| Folder::of(parent));
        let (Some(folder), Some(name)) = (folder, path.file_name()) else {
            return Origin::default();
        };
        let full = folder.full.join(name);
        let owner = folder.owners.as_ref().and_then(|(root, owners)| {
            let (owner, line) = owners.owner(&full.strip_prefix(root).ok()?.to_string_lossy())?;
            Some((owner, format!("CODEOWNERS:{line}")))
        });
        let commit = folder.commit.as_ref().and_then(|(root, commit)| {
            Some((commit.clone(), full.strip_prefix(root).ok()?.to_string_lossy().into_owned()))
        });
        Origin { owner, commit }
    }
}

impl Folder {
    fn of(path: &Path) -> Option<Folder> {
        let full = path.canonicalize().ok()?;
        let owners = full.ancestors().find_map(|folder| {
            let names = ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"];
            let file = names.iter().map(|name| folder.join(name)).find(|file| file.is_file())?;
            let owners = CodeOwners::parse(&std::fs::read_to_string(&file).ok()?);
            Some((folder.to_owned(), Rc::new(owners)))
        });
        let commit = commit(&full);
        Some(Folder { full, owners, commit })
    }
}

/// The checkout that a folder is in and its commit, read from git's own files:
/// no program is started for it.
fn commit(folder: &Path) -> Option<(PathBuf, String)> {
    let root = folder.ancestors().find(|folder| folder.join(".git").is_dir())?;
    let git = root.join(".git");
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let commit = match head.trim().strip_prefix("ref: ") {
        None => head.trim().to_owned(),
        Some(reference) => match std::fs::read_to_string(git.join(reference)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => {
                let packed = std::fs::read_to_string(git.join("packed-refs")).ok()?;
                let line = packed.lines().find(|line| line.ends_with(reference))?;
                line.split(' ').next()?.to_owned()
            }
        },
    };
    (commit.len() >= 40).then(|| (root.to_owned(), commit))
}
