//! What commands remember of their last run: the last check, and what canaries last
//! showed of each cluster. Local state never changes an exit code.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

mod check;
mod proof;

pub use check::{LastCheck, Seen, load, load_if, path, save};
pub use proof::{GuardName, LastProof, Proved, load_proof, proof_path, save_proof};

/// State that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No check was run yet.
    #[error("there is no last check; run `ironhull check` first")]
    Nothing,
    /// The file cannot be read or written.
    #[error("failed to use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not ours, or damaged.
    #[error("{path} is damaged ({source}); run `ironhull {again}` again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
        /// What writes it anew.
        again: &'static str,
    },
}

/// A file of lines: a head, and one line for each item.
struct File<'p> {
    path: &'p Path,
    /// The command that writes it.
    command: &'static str,
}

impl File<'_> {
    fn io(&self, source: std::io::Error) -> StoreError {
        StoreError::Io { path: self.path.to_owned(), source }
    }

    fn damaged(&self, source: serde_json::Error) -> StoreError {
        StoreError::Damaged { path: self.path.to_owned(), source, again: self.command }
    }

    /// The head, and the items if the head is wanted. A small check after a large one
    /// does not pay for the large one's state.
    fn load<H: DeserializeOwned, T: DeserializeOwned>(
        &self,
        is_wanted: impl FnOnce(&H) -> bool,
    ) -> Result<Option<(H, Vec<T>)>, StoreError> {
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => StoreError::Nothing,
            _ => self.io(source),
        };
        let mut file = BufReader::new(std::fs::File::open(self.path).map_err(io)?);
        let mut text = String::new();
        file.read_line(&mut text).map_err(io)?;
        let head: H = serde_json::from_str(&text).map_err(|error| self.damaged(error))?;
        if !is_wanted(&head) {
            return Ok(None);
        }
        text.clear();
        file.read_to_string(&mut text).map_err(io)?;
        let items: Result<Vec<T>, _> = text.lines().map(serde_json::from_str).collect();
        Ok(Some((head, items.map_err(|error| self.damaged(error))?)))
    }

    /// Writes it, readable by the user only, in one step: a reader sees the old state
    /// or the new one.
    fn save(&self, head: &impl Serialize, items: &[impl Serialize]) -> Result<(), StoreError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.io(error))?;
        }
        let mut text = Vec::new();
        line(&mut text, head)
            .and_then(|()| items.iter().try_for_each(|item| line(&mut text, item)))
            .map_err(|error| self.damaged(error))?;
        ironhull_sys::replace(self.path, &text, None).map_err(|error| self.io(error))
    }
}

fn line(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *text, value)?;
    text.push(b'\n');
    Ok(())
}

/// The folder of the state: `$XDG_STATE_HOME/ironhull`, by default below
/// `~/.local/state`; none without a home.
fn folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base =
        set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("ironhull"))
}
