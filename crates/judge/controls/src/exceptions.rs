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
//!   image: registry.example/log-agent      # by-design: pinned to repository and
//!   serviceAccount: log-agent              # ServiceAccount
//!   elements: [var-log]        # optional: only these elements
//!   reason: ships the node's logs
//!   owner: platform
//!   expires: 2026-12-24        # waiver: at most 90 days ahead
//!   reviewed: 2026-11-01       # by-design: holds for 180 days, then warns
//! ```

use ironhull_model::{Accepted, Code, Diagnostic, Finding, Node, SourceId, World, image};
use ironhull_schema::Schema;
use jiff::civil::Date;
use jiff::{Span, Unit};

use crate::control::Control;
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
    image: Option<String>,
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
    let kind = match reader.required_str("type")? {
        "waiver" => Type::Waiver,
        "by-design" => Type::ByDesign,
        other => {
            reader.wrong(reader.node(), format!("type {other:?} is neither waiver nor by-design"));
            return None;
        }
    };
    let controls: Vec<String> = reader.strs("controls").into_iter().map(str::to_owned).collect();
    if controls.is_empty() {
        reader.wrong(reader.node(), "controls names no control");
    }
    let subjects = Scope::read(reader, "subjects");
    let elements = reader.strs("elements").into_iter().map(str::to_owned).collect();
    let image = reader.str("image").map(str::to_owned);
    let service_account = reader.str("serviceAccount").map(str::to_owned);
    let reason = reader.required_str("reason")?.to_owned();
    let owner = reader.required_str("owner")?.to_owned();
    let (expires, reviewed) = (date(reader, "expires"), date(reader, "reviewed"));
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
    if kind == Type::ByDesign && (image.is_none() || service_account.is_none()) {
        reader.wrong(reader.node(), "a by-design exception is pinned to image and serviceAccount");
    }
    let span = reader.node().span().unwrap_or_default();
    Some(Exception {
        name: name.to_owned(),
        kind,
        controls,
        subjects,
        elements,
        image,
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

    fn covers(&self, finding: &Finding, world: World<'_>) -> bool {
        let subject = &finding.subject;
        let named = self.controls.iter().any(|control| glob(control, &finding.control));
        let object = || world.get(subject).map(|object| &**object);
        let subject_matches = self.subjects.is_empty() || self.subjects.has(subject, object());
        let element_matches = self.elements.is_empty()
            || self.elements.iter().any(|element| glob(element, &finding.element));
        named && subject_matches && element_matches && self.pins(finding, world)
    }

    /// Whether the subject runs the image and ServiceAccount the exception is for.
    fn pins(&self, finding: &Finding, world: World<'_>) -> bool {
        if self.image.is_none() && self.service_account.is_none() {
            return true;
        }
        let Some(object) = world.get(&finding.subject) else { return false };
        let schema = Schema::of(world.base.minor);
        let thing = &object.thing;
        let Some(pod) = schema.pod_spec(&thing.group, &thing.kind, object.root()) else {
            return false;
        };
        let account = pod.get("serviceAccountName").and_then(Node::as_str).unwrap_or("default");
        let images = ["initContainers", "containers"]
            .into_iter()
            .filter_map(|list| pod.get(list))
            .flat_map(Node::items)
            .filter_map(|container| container.get("image")?.as_str());
        self.service_account.as_deref().is_none_or(|wanted| glob(wanted, account))
            && self.image.as_deref().is_none_or(|wanted| {
                images.clone().any(|image| glob(wanted, image::repository(image)))
            })
    }
}

/// Marks the findings that exceptions cover on a day.
pub fn apply(findings: &mut [Finding], exceptions: &[Exception], world: World<'_>, today: Date) {
    for finding in findings {
        let exception = exceptions
            .iter()
            .find(|exception| exception.counts(today) && exception.covers(finding, world));
        finding.accepted = exception.map(|exception| Accepted {
            name: exception.name.clone(),
            kind: match exception.kind {
                Type::Waiver => "waiver",
                Type::ByDesign => "by-design",
            }
            .to_owned(),
            reason: exception.reason.clone(),
            owner: exception.owner.clone(),
            until: exception.until.to_string(),
        });
    }
}
