//! Exceptions: findings that are accepted, by whom, why, until when.
//!
//! ```yaml
//! apiVersion: ironhull.dev/v1
//! kind: Exception
//! metadata: { name: log-agent-var-log }
//! spec:
//!   type: by-design            # or waiver
//!   controls: [host-path-volume]
//!   subjects: [{ kind: DaemonSet, namespace: logging, name: log-agent }]
//!   image: registry.example/log-agent      # by-design: pinned to repository (or a
//!   serviceAccount: log-agent              # list of them) and ServiceAccount
//!   elements: [var-log]        # optional: only these elements
//!   reason: ships the node's logs
//!   owner: platform
//!   expires: 2026-12-24        # waiver: at most 90 days ahead
//!   reviewed: 2026-11-01       # by-design: holds for 180 days, then warns
//! ```

use std::sync::Arc;

use ironhull_model::{
    Accepted, Code, Diagnostic, Finding, Kind, Node, Object, Pointer, SourceId, ThingRef, World,
    image,
};
use ironhull_schema::Schema;
use jiff::civil::Date;
use jiff::{Span, Unit};

use crate::control::Control;
use crate::packs::Pack;
use crate::policies::suggestion;
use crate::reader::Reader;
use crate::scope::{Scope, glob};

/// The longest that a waiver may run, in days.
pub const WAIVER_DAYS: i64 = 90;
/// After this many days a by-design exception is to be reviewed again.
pub const REVIEW_DAYS: i64 = 180;

/// What kind of acceptance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Accepted for now.
    Waiver,
    /// The workload must be so.
    ByDesign,
}

/// One exception, as read.
#[derive(Clone, Debug)]
pub struct Exception {
    /// `metadata.name`.
    pub name: String,
    /// Waiver or by-design.
    pub kind: Type,
    controls: Vec<String>,
    subjects: Scope,
    elements: Vec<String>,
    images: Vec<String>,
    /// Whether the pod may run no image but these.
    only_these: bool,
    service_account: Option<String>,
    reason: String,
    owner: String,
    /// The last day (waiver) or the day of review (by-design).
    pub until: Date,
    place: (SourceId, u32, u32),
}

/// Reads an `Exception` document; `known` are the controls that it may name.
pub fn read(
    document: Node<'_>,
    source: SourceId,
    known: &[&Control],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Exception> {
    let before = diagnostics.len();
    let mut reader = Reader::new(document, source, Code::ExceptionInvalid, diagnostics);
    reader.get("apiVersion");
    reader.get("kind");
    let metadata = reader.required("metadata");
    let name = metadata.and_then(|metadata| metadata.get("name")).and_then(Node::as_str);
    let spec = reader.required("spec");
    reader.finish();
    let mut reader = Reader::new(spec?, source, Code::ExceptionInvalid, diagnostics);
    let exception = read_spec(&mut reader, name.unwrap_or_default(), source);
    for name in exception.iter().flat_map(|exception| &exception.controls) {
        if !known.iter().any(|control| glob(name, &control.id)) {
            let at = reader.node().get("controls").unwrap_or(reader.node());
            reader.wrong(at, format!("{name:?} is no control{}", suggestion(name, known)));
        }
    }
    reader.finish();
    exception.filter(|_| diagnostics.len() == before)
}

fn read_spec(reader: &mut Reader<'_, '_>, name: &str, source: SourceId) -> Option<Exception> {
    let kind = match reader.required_str("type") {
        Some("waiver") => Some(Type::Waiver),
        Some("by-design") => Some(Type::ByDesign),
        Some(other) => {
            let at = reader.node().get("type").unwrap_or(reader.node());
            reader.wrong(at, format!("type {other:?} is neither waiver nor by-design"));
            None
        }
        None => None,
    };
    let controls: Vec<String> = reader.strs("controls").into_iter().map(str::to_owned).collect();
    if controls.is_empty() {
        reader.wrong(reader.node(), "controls names no control");
    }
    let subjects = Scope::read(reader, "subjects");
    let elements = reader.strs("elements").into_iter().map(str::to_owned).collect();
    let images = match reader.get("image") {
        Some(node) if node.kind() == Kind::List => {
            reader.strs("image").into_iter().map(repository).collect()
        }
        _ => reader.str("image").map(repository).into_iter().collect::<Vec<String>>(),
    };
    let service_account = reader.str("serviceAccount").map(str::to_owned);
    // Every field is asked for, so that one mistake is told as one.
    let (reason, owner) = (reader.required_str("reason"), reader.required_str("owner"));
    let (expires, reviewed) = (date(reader, "expires"), date(reader, "reviewed"));
    let (kind, reason, owner) = (kind?, reason?.to_owned(), owner?.to_owned());
    let until = match (kind, expires, reviewed) {
        (Type::Waiver, Some(day), None) => day,
        (Type::ByDesign, None, Some(day)) => plus_days(day, REVIEW_DAYS),
        (Type::Waiver, ..) => {
            reader
                .wrong(reader.node(), "a waiver says the day it expires, and nothing of a review");
            return None;
        }
        (Type::ByDesign, ..) => {
            reader.wrong(
                reader.node(),
                "a by-design exception says when it was reviewed, and does not expire",
            );
            return None;
        }
    };
    if kind == Type::ByDesign && (images.is_empty() || service_account.is_none()) {
        reader.wrong(reader.node(), "a by-design exception is pinned to image and serviceAccount");
    }
    let span = reader.node().span().unwrap_or_default();
    Some(Exception {
        name: name.to_owned(),
        kind,
        controls,
        subjects,
        elements,
        images,
        only_these: false,
        service_account,
        reason,
        owner,
        until,
        place: (source, span.start, span.end),
    })
}

fn date(reader: &mut Reader<'_, '_>, field: &'static str) -> Option<Date> {
    let node = reader.get(field)?;
    // YAML 1.1 reads a bare date as a timestamp; the API machinery keeps its text.
    let text = node.display();
    let day = text.get(..10).and_then(|day| day.parse().ok());
    if day.is_none() {
        reader.wrong(node, format!("{field}: {text:?} is not a day such as 2026-12-24"));
    }
    day
}

fn plus_days(day: Date, days: i64) -> Date {
    day.checked_add(Span::new().days(days)).unwrap_or(Date::MAX)
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until((Unit::Day, to)).map_or(0, |span| i64::from(span.get_days()))
}

impl Exception {
    /// What is wrong with it on a day: an expired or too long waiver does not
    /// count any more; a late review only warns.
    pub fn check(&self, today: Date) -> Option<Diagnostic> {
        let (source, start, end) = self.place;
        let name = &self.name;
        let diagnostic = match self.kind {
            Type::Waiver if self.until < today => Diagnostic::warning(
                Code::WaiverExpired,
                format!("waiver {name} expired on {}", self.until),
            )
            .help("fix the finding, or renew the waiver with its owner's reason"),
            Type::Waiver if days_between(today, self.until) > WAIVER_DAYS => Diagnostic::error(
                Code::ExceptionInvalid,
                format!("waiver {name} runs more than {WAIVER_DAYS} days, to {}", self.until),
            )
            .help("a waiver is for now; what must stay is a by-design exception"),
            Type::ByDesign if self.until < today => Diagnostic::warning(
                Code::ReviewDue,
                format!("exception {name} was to be reviewed by {}", self.until),
            )
            .help("check that it still holds and write today into `reviewed`"),
            _ => return None,
        };
        Some(diagnostic.at(source, start, end))
    }

    fn counts(&self, today: Date) -> bool {
        self.kind == Type::ByDesign
            || (self.until >= today && days_between(today, self.until) <= WAIVER_DAYS)
    }

    /// Whether it covers a finding of a subject that it may cover.
    fn covers(&self, finding: &Finding, runs: Option<&Runs>) -> bool {
        let named = self.controls.iter().any(|control| glob(control, &finding.control));
        let element_matches = self.elements.is_empty()
            || self.elements.iter().any(|element| glob(element, &finding.element));
        named && element_matches && self.pins(finding, runs)
    }

    /// Whether it is about a subject, and pinned to nothing or to what that runs.
    fn may_cover(&self, subject: &ThingRef, object: Option<&Object>, runs: Option<&Runs>) -> bool {
        let is_pinned = !self.images.is_empty() || self.service_account.is_some();
        let runs_as_pinned = !is_pinned
            || runs.is_some_and(|runs| {
                self.service_account.as_deref().is_none_or(|wanted| glob(wanted, &runs.account))
                    && (!self.only_these || runs.containers.iter().all(|own| self.is_pinned(own)))
            });
        runs_as_pinned && (self.subjects.is_empty() || self.subjects.has(subject, object))
    }

    fn is_pinned(&self, (_, image): &(Pointer, String)) -> bool {
        self.images.iter().any(|wanted| is_repository(wanted, image))
    }

    /// Whether the subject runs the images that the exception is for. What is found
    /// at a container counts only for that container's image.
    fn pins(&self, finding: &Finding, runs: Option<&Runs>) -> bool {
        if self.images.is_empty() {
            return true;
        }
        let Some(runs) = runs else { return false };
        // All of them were looked at with the subject.
        if self.only_these {
            return true;
        }
        let pinned = |container: &(Pointer, String)| self.is_pinned(container);
        let of = runs.containers.iter().find(|(own, _)| is_within(&finding.at, own));
        match of {
            Some(container) => pinned(container),
            None => runs.containers.iter().any(pinned),
        }
    }

    /// Whether an object is one that it may be about.
    pub fn is_about(&self, object: &Object) -> bool {
        self.subjects.is_empty() || self.subjects.has(&object.thing, Some(object))
    }

    /// Whether it names a control.
    pub fn names(&self, control: &Control) -> bool {
        self.controls.iter().any(|name| glob(name, &control.id))
    }

    /// The text that it was read from.
    pub fn source(&self) -> SourceId {
        self.place.0
    }

    /// Says that it covers nothing.
    pub fn unused(&self) -> Diagnostic {
        let (source, start, end) = self.place;
        let message =
            format!("exception {} covers no finding of {}", self.name, self.controls.join(", "));
        Diagnostic::warning(Code::ExceptionUnused, message)
            .at(source, start, end)
            .help("correct what it names, or delete it: what it was for may be fixed")
    }

    fn accepted(&self) -> Accepted {
        Accepted {
            name: self.name.clone(),
            kind: match self.kind {
                Type::Waiver => "waiver",
                Type::ByDesign => "by-design",
            }
            .to_owned(),
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            until: self.until.to_string(),
        }
    }

    /// What the packs accept, as exceptions.
    pub fn of_packs<'p>(packs: impl Iterator<Item = &'p Pack>) -> Vec<Exception> {
        let exceptions = packs.flat_map(|pack| {
            pack.accepts.iter().map(move |accept| Exception {
                name: format!("pack {}", pack.name),
                kind: Type::ByDesign,
                controls: accept.controls.iter().map(ToString::to_string).collect(),
                subjects: Scope::of_kind(&accept.kind),
                elements: Vec::new(),
                images: accept.images.iter().map(|image| repository(image)).collect(),
                only_these: true,
                service_account: Some(accept.service_account.to_string()),
                reason: accept.reason.to_string(),
                owner: "ironhull".to_owned(),
                until: pack.review_day().map_or(Date::MAX, |day| plus_days(day, REVIEW_DAYS)),
                place: (SourceId(0), 0, 0),
            })
        });
        exceptions.collect()
    }
}

/// What a subject runs, as far as exceptions ask.
struct Runs {
    account: String,
    /// Containers of all kinds: where they stand, and their repository.
    containers: Vec<(Pointer, String)>,
}

impl Runs {
    fn of(object: &Object, schema: Schema) -> Option<Runs> {
        let thing = &object.thing;
        let pod = schema.pod_spec(&thing.group, &thing.kind, object.root())?;
        let account = pod.get("serviceAccountName").or_else(|| pod.get("serviceAccount"));
        let account = account.and_then(Node::as_str).filter(|account| !account.is_empty());
        let containers = ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .filter_map(|list| pod.get(list))
            .flat_map(Node::items)
            .map(|container| {
                let image = container.get("image").and_then(Node::as_str).unwrap_or_default();
                (container.pointer(), repository(image))
            });
        Some(Runs {
            account: account.unwrap_or("default").to_owned(),
            containers: containers.collect(),
        })
    }
}

fn is_within(at: &Pointer, container: &Pointer) -> bool {
    at.as_str()
        .strip_prefix(container.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An image's repository in full: `docker.io/` and `library/` may be left out.
fn repository(image: &str) -> String {
    let image::ImageRef { registry, path, .. } = image::parse(image);
    let path = path.strip_prefix("library/").filter(|_| registry == "docker.io").unwrap_or(path);
    format!("{registry}/{path}")
}

/// Whether a full repository is the wanted one; a `*` stands for text without a slash.
fn is_repository(wanted: &str, full: &str) -> bool {
    wanted.matches('/').count() == full.matches('/').count()
        && wanted.split('/').zip(full.split('/')).all(|(wanted, part)| glob(wanted, part))
}

/// Marks the findings that exceptions cover on a day.
pub fn apply(findings: &mut [Finding], exceptions: &[Exception], world: World<'_>, today: Date) {
    let exceptions: Vec<&Exception> =
        exceptions.iter().filter(|exception| exception.counts(today)).collect();
    // Findings of one subject mostly stand together.
    for group in findings.chunk_by_mut(|a, b| a.subject == b.subject) {
        let Some(first) = group.first() else { continue };
        let object = world.get(&first.subject).map(|object| &**object);
        let runs = object.and_then(|object| Runs::of(object, Schema::of(world.base.minor)));
        let candidates: Vec<&Exception> = exceptions
            .iter()
            .copied()
            .filter(|exception| exception.may_cover(&first.subject, object, runs.as_ref()))
            .collect();
        for finding in group {
            let covers = |exception: &&&Exception| exception.covers(finding, runs.as_ref());
            let found = candidates.iter().find(covers);
            finding.accepted = found.map(|exception| Arc::new(exception.accepted()));
        }
    }
}

/// Those that count on a day and cover none of the findings, not even beside another.
pub fn unused<'e>(
    findings: &[Finding],
    exceptions: &'e [Exception],
    world: World<'_>,
    today: Date,
) -> Vec<&'e Exception> {
    let mut idle: Vec<&Exception> =
        exceptions.iter().filter(|exception| exception.counts(today)).collect();
    for group in findings.chunk_by(|a, b| a.subject == b.subject) {
        let Some(first) = group.first().filter(|_| !idle.is_empty()) else { continue };
        let object = world.get(&first.subject).map(|object| &**object);
        let runs = object.and_then(|object| Runs::of(object, Schema::of(world.base.minor)));
        idle.retain(|exception| {
            !exception.may_cover(&first.subject, object, runs.as_ref())
                || !group.iter().any(|finding| exception.covers(finding, runs.as_ref()))
        });
    }
    idle
}

#[cfg(test)]
mod tests {
    use super::repository;

    fn is_repository(wanted: &str, image: &str) -> bool {
        super::is_repository(&repository(wanted), &repository(image))
    }

    #[test]
    fn a_repository_is_meant_whole() {
        assert!(is_repository("docker.io/calico/node", "calico/node:v3@sha256:00"));
        assert!(is_repository("busybox", "docker.io/library/busybox:1"));
        assert!(!is_repository("docker.io/calico/node", "quay.io/calico/node"));
        assert!(!is_repository("calico/node", "evil/calico/node"));
        let regional = "602401143452.dkr.ecr.*.amazonaws.com/amazon-k8s-cni";
        assert!(is_repository(
            regional,
            "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1"
        ));
        assert!(!is_repository(
            regional,
            "602401143452.dkr.ecr.evil.example/x.amazonaws.com/amazon-k8s-cni"
        ));
    }
}
