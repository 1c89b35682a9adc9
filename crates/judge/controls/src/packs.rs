//! Packs: by-design exceptions for software that cannot do its work otherwise
//! (network plugins, storage drivers, sensors). They ship with the product, are
//! pinned to image repositories and ServiceAccounts, and can be switched off.
//!
//! ```yaml
//! pack: flannel
//! title: Flannel, a network plugin
//! source: github.com/flannel-io/flannel, Documentation/kube-flannel.yml
//! reviewed: 2026-11-25
//! compared: manifest       # with the source's; excerpts of it; or nothing yet
//! accepts:
//! - kind: DaemonSet
//!   serviceAccount: flannel
//!   images: [ghcr.io/flannel-io/flannel, ghcr.io/flannel-io/flannel-cni-plugin]
//!   controls: [host-namespaces, host-path-volume]
//!   reason: sets up the node's interfaces and routes
//! ```

use ironhull_model::{Code, Diagnostic, Node, SourceId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::reader::Reader;

/// A pack, as read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pack {
    /// Its name in `ironhull.yaml` and in reports.
    pub name: Box<str>,
    /// What it is for.
    pub title: Box<str>,
    /// Whose public manifests its facts are from.
    pub source: Box<str>,
    /// The day its facts were last compared with them.
    pub reviewed: Box<str>,
    /// What its facts were compared with: the source's `manifest`, `excerpts` of it, or
    /// `nothing` yet. A wrong fact accepts nothing, for it names no image that runs.
    pub compared: Box<str>,
    /// Whom it accepts.
    pub accepts: Vec<Accept>,
}

/// One workload that must be so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accept {
    /// The kind of object that runs it.
    pub kind: Box<str>,
    /// The ServiceAccount it runs as.
    pub service_account: Box<str>,
    /// The image repositories it runs, and no other.
    pub images: Vec<Box<str>>,
    /// The controls that it must violate.
    pub controls: Vec<Box<str>>,
    /// Why.
    pub reason: Box<str>,
}

impl Pack {
    /// The day of review.
    pub fn review_day(&self) -> Option<Date> {
        self.reviewed.parse().ok()
    }
}

/// Reads a pack's document.
pub fn read(
    document: Node<'_>,
    source: SourceId,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Pack> {
    let before = diagnostics.len();
    let mut reader = Reader::new(document, source, Code::ExceptionInvalid, diagnostics);
    let pack = read_pack(&mut reader);
    reader.also_known(&["pack", "title", "source", "reviewed", "compared", "accepts"]);
    reader.finish();
    pack.filter(|_| diagnostics.len() == before)
}

fn read_pack(reader: &mut Reader<'_, '_>) -> Option<Pack> {
    let name = reader.required_str("pack")?.into();
    let title = reader.required_str("title")?.into();
    let source = reader.required_str("source")?.into();
    let reviewed = reader.required("reviewed")?;
    let day = reviewed.display();
    let day = day.get(..10).unwrap_or_default();
    if day.parse::<Date>().is_err() {
        reader.wrong(reviewed, format!("reviewed: {day:?} is not a day such as 2026-12-24"));
    }
    let mut accepts = Vec::new();
    for item in reader.required("accepts")?.items() {
        let mut inner = reader.nested(item);
        accepts.extend(accept(&mut inner));
        inner.finish();
    }
    let compared = reader.required_str("compared")?;
    if !["manifest", "excerpts", "nothing"].contains(&compared) {
        reader.wrong(reader.node(), "compared is none of manifest, excerpts, nothing");
    }
    let compared = compared.into();
    Some(Pack { name, title, source, reviewed: day.into(), compared, accepts })
}

fn accept(reader: &mut Reader<'_, '_>) -> Option<Accept> {
    let kind = reader.required_str("kind")?.into();
    let service_account = reader.required_str("serviceAccount")?.into();
    let images: Vec<Box<str>> = reader.strs("images").into_iter().map(Into::into).collect();
    let controls: Vec<Box<str>> = reader.strs("controls").into_iter().map(Into::into).collect();
    let reason = reader.required_str("reason")?.into();
    if images.is_empty() || controls.is_empty() {
        reader.wrong(reader.node(), "an accepted workload is pinned to images, and names controls");
    }
    Some(Accept { kind, service_account, images, controls, reason })
}
