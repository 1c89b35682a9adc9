//! Where objects come from and who owns them: annotation over label over
//! CODEOWNERS over configuration, each with its source.

use std::path::{Path, PathBuf};

use ironhull_model::{Builder, Fact, Snapshot, Value};

mod codeowners;

pub use codeowners::CodeOwners;

/// Adds `owner` facts, and `git` facts where the sources are in a checkout.
pub fn attribute(snapshot: &mut Snapshot, default_owner: Option<&str>) {
    let origins: Vec<Origin> =
        snapshot.sources.iter().map(|source| Origin::of(&source.path)).collect();
    let mut facts = Vec::new();
    for object in &snapshot.objects {
        let origin = object.origin.and_then(|origin| origins.get(origin.source.0 as usize));
        let written = object
            .annotation("ironhull.dev/owner")
            .map(|owner| (owner.to_owned(), "annotation ironhull.dev/owner".to_owned()))
            .or_else(|| {
                object.label("owner").map(|owner| (owner.to_owned(), "label owner".to_owned()))
            })
            .or_else(|| {
                object.label("team").map(|owner| (owner.to_owned(), "label team".to_owned()))
            })
            .or_else(|| origin.and_then(|origin| origin.owner.clone()))
            .or_else(|| default_owner.map(|owner| (owner.to_owned(), "ironhull.yaml".to_owned())));
        if let Some((owner, source)) = written {
            facts.push(Fact {
                thing: object.thing.clone(),
                name: "owner",
                value: text(&owner),
                source,
            });
        }
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

impl Origin {
    fn of(path: &str) -> Origin {
        let Ok(full) = Path::new(path).canonicalize() else { return Origin::default() };
        let owner = full.ancestors().skip(1).find_map(|folder| {
            let file = ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"]
                .iter()
                .map(|name| folder.join(name))
                .find(|file| file.is_file())?;
            let owners = CodeOwners::parse(&std::fs::read_to_string(&file).ok()?);
            let relative = full.strip_prefix(folder).ok()?;
            let (owner, line) = owners.owner(&relative.to_string_lossy())?;
            Some((owner.to_owned(), format!("CODEOWNERS:{line}")))
        });
        Origin { owner, commit: commit(&full) }
    }
}

/// The commit that is checked out where a file is, and the file's path in it.
/// Read from git's own files: no program is started for it.
fn commit(path: &Path) -> Option<(String, String)> {
    let root = path.ancestors().skip(1).find(|folder| folder.join(".git").is_dir())?;
    let git: PathBuf = root.join(".git");
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
    let relative = path.strip_prefix(root).ok()?.to_string_lossy().into_owned();
    (commit.len() >= 40).then_some((commit, relative))
}
