//! A watch as a stream of what it tells (API concepts, "Efficient detection of changes").

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use ironhull_kube::{Error, Lines, Watcher};
use ironhull_model::{Node, Object, Standing, Value};
use serde::Deserialize;

use crate::discovery::Resource;
use crate::list::{self, Extent, Table};
use crate::trim;

#[cfg(test)]
mod tests;

/// A bookmark comes every minute; when not even that comes, the connection is dead
/// although nobody says so.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long the next object of a list may take.
const PATIENCE_LISTING: Duration = Duration::from_secs(15);
/// How long a watch lasts at least; up to twice as long, so that not all end at once.
const LASTS: u64 = 240;
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// What a watch tells.
pub(super) enum Told {
    /// An object is as given.
    Put {
        /// Of which version.
        metadata: Metadata,
        /// As it came.
        object: Came,
    },
    /// An object is gone.
    Removed {
        /// Which.
        metadata: Metadata,
    },
    /// Everything until a version was told.
    Until {
        /// Which.
        version: String,
        /// Whether that is the end of the list that the watch began with.
        ends_list: bool,
    },
}

/// An object as it came.
pub(super) enum Came {
    /// Itself, or of its metadata.
    Object(Value),
    /// A Secret's metadata, and its type.
    Secret(Value, String),
}

impl Came {
    /// The object without what is not kept.
    pub(super) fn into_object(self, resource: &Resource, extent: Extent) -> Option<Object> {
        match self {
            Came::Secret(metadata, ty) => trim::secret(metadata.root(), &ty),
            Came::Object(value) => {
                let standing = match extent {
                    Extent::Whole => Standing::Live,
                    _ => Standing::Partial,
                };
                trim::object(&value, &resource.api_version(), &resource.kind, standing)
            }
        }
    }
}

/// What is needed of an object's metadata.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) version: String,
    ends_list: bool,
}

impl Metadata {
    fn of(metadata: Option<Node<'_>>) -> Metadata {
        let text = |name: &str| {
            let text = metadata.and_then(|node| node.get(name)?.as_str());
            text.unwrap_or_default().to_owned()
        };
        let ends = metadata
            .and_then(|node| node.path(&["annotations", "k8s.io/initial-events-end"])?.as_str());
        Metadata {
            name: text("name"),
            namespace: text("namespace"),
            version: text("resourceVersion"),
            ends_list: ends == Some("true"),
        }
    }
}

#[derive(Deserialize)]
struct Event<T> {
    object: T,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    ty: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: u16,
    reason: String,
    message: String,
}

/// An open watch.
pub(super) struct Stream {
    lines: Lines,
    path: String,
    extent: Extent,
    /// Which cell of a row is the type, as the first event says.
    type_at: Option<usize>,
    /// Whether the objects that are there come first, and have not come yet.
    is_listing: bool,
    /// Bytes of these that may still come.
    left: usize,
    is_silent: bool,
}

impl Stream {
    /// Watches from a version on, or what is there and then what changes.
    pub(super) async fn open(
        watcher: &Watcher,
        path: &str,
        extent: Extent,
        version: Option<&str>,
    ) -> Result<Stream, Error> {
        let lasts = LASTS + RandomState::new().build_hasher().finish() % LASTS;
        let mut query = format!("{path}?watch=1&allowWatchBookmarks=true&timeoutSeconds={lasts}");
        match version {
            Some(version) => query += &format!("&resourceVersion={version}"),
            None => query += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
        }
        let accept = extent.ask(&mut query, METADATA);
        let lines = watcher.open(&query, accept).await?;
        let is_listing = version.is_none();
        let path = path.to_owned();
        let left = list::LONGEST_LIST;
        Ok(Stream { lines, path, extent, type_at: None, is_listing, left, is_silent: false })
    }

    /// Whether the last failure was that nothing came.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// What it tells next; none when the server ended it.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long, or the server ends the
    /// watch with an error: 410 when it forgot the version.
    pub(super) async fn next(&mut self) -> Result<Option<Told>, Error> {
        let patience = if self.is_listing { PATIENCE_LISTING } else { PATIENCE };
        let line = match self.lines.next(patience).await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.is_silent = true;
                return Err(error);
            }
        };
        let broken = |reason: String| Error::Answer { path: self.path.clone(), reason };
        if self.is_listing {
            let left = self.left.checked_sub(line.len());
            self.left = left.ok_or_else(|| broken(list::too_long()))?;
        }
        let said = |error: serde_json::Error| broken(error.to_string());
        let Typed { ty } = serde_json::from_slice(&line).map_err(said)?;
        if ty == "ERROR" {
            let event: Event<Status> = serde_json::from_slice(&line).map_err(said)?;
            let Status { code, reason, message } = event.object;
            return Err(Error::Status { code, reason, message });
        }
        let (metadata, came) = match self.extent {
            Extent::Secrets => {
                let event: Event<Table> = serde_json::from_slice(&line).map_err(said)?;
                self.type_at = event.object.type_at().or(self.type_at);
                let first = event.object.secrets(self.type_at).next();
                let (metadata, ty) = first
                    .ok_or_else(|| "an event without a row".to_owned())
                    .flatten()
                    .map_err(broken)?;
                (Metadata::of(Some(metadata)), Came::Secret(metadata.to_value(), ty.to_owned()))
            }
            _ => {
                let event: Event<Value> = serde_json::from_slice(&line).map_err(said)?;
                let metadata = Metadata::of(event.object.root().get("metadata"));
                (metadata, Came::Object(event.object))
            }
        };
        match ty.as_str() {
            "ADDED" | "MODIFIED" => Ok(Some(Told::Put { metadata, object: came })),
            "DELETED" => Ok(Some(Told::Removed { metadata })),
            "BOOKMARK" => {
                self.is_listing &= !metadata.ends_list;
                let Metadata { version, ends_list, .. } = metadata;
                Ok(Some(Told::Until { version, ends_list }))
            }
            other => Err(broken(format!("an event of type {other:?}"))),
        }
    }
}
