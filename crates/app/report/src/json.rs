//! `ironhull.dev/v1` JSON. Fields are only ever added within a version; the
//! schema is `docs/schema/check-v1.json`.

use ironhull_controls::control::Mapping;
use ironhull_controls::gate::OfGate;
use ironhull_controls::standing::Difference;
use ironhull_model::{
    Accepted, Diagnostic, Evidence, Finding, Gap, Level, Place, RepairStep, Severity, ThingRef,
};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::Report;

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    at: &'a str,
    targets: &'a [String],
    kubernetes: Json,
    objects: usize,
    exit: u8,
    summary: Json,
    findings: Vec<FindingV1<'a>>,
    controls: Vec<Json>,
    gaps: Vec<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protections: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_ons: Option<Json>,
    diagnostics: Vec<Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    api_version: &'static str,
    kind: &'static str,
    at: &'a str,
    added: Vec<FindingV1<'a>>,
    modified: Vec<FindingV1<'a>>,
    deleted: Vec<FindingV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gaps: Option<Vec<Json>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingV1<'a> {
    /// None where a finding is told alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    id: String,
    fingerprint: String,
    control: &'a str,
    verdict: &'a str,
    severity: Severity,
    subject: SubjectV1<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_in: Option<SubjectV1<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    element: &'a str,
    message: &'a str,
    pointer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Json>,
    evidence: Vec<Json>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing: &'a [String],
    repair: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair_may: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<&'a Accepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    platform: bool,
}

#[derive(Serialize)]
struct SubjectV1<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

impl<'a> From<&'a ThingRef> for SubjectV1<'a> {
    fn from(thing: &'a ThingRef) -> SubjectV1<'a> {
        SubjectV1 {
            group: &thing.group,
            kind: &thing.kind,
            namespace: &thing.namespace,
            name: &thing.name,
        }
    }
}

/// The report as pretty-printed JSON with a final newline.
pub fn render(report: &Report<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&document(report)).unwrap_or_default();
    text.push('\n');
    text
}

/// The same on one line.
pub fn line(report: &Report<'_>) -> String {
    let mut text = serde_json::to_string(&document(report)).unwrap_or_default();
    text.push('\n');
    text
}

fn document<'a>(report: &Report<'a>) -> Document<'a> {
    let snapshot = report.snapshot;
    let (violated, hold, unknown, not_applicable) = report.summary();
    Document {
        api_version: "ironhull.dev/v1",
        kind: "Check",
        at: report.at,
        targets: report.targets,
        kubernetes: json!({ "version": snapshot.minor.to_string(), "assumed": snapshot.minor_assumed }),
        objects: snapshot.objects.iter().filter(|object| object.is_judged()).count(),
        exit: report.exit,
        summary: json!({
            "controls": report.controls.len(),
            "violated": violated,
            "hold": hold,
            "unknown": unknown,
            "notApplicable": not_applicable,
            "findings": report.violations().count(),
            "accepted": report.accepted().count(),
            "failing": report.n_failing,
            "gates": report.gates.iter().map(|gate| of_gate(report, gate)).collect::<Vec<_>>(),
        }),
        findings: report.judgement.findings.iter().enumerate().map(|(index, finding)| finding_v1(report, Some(index), finding)).collect(),
        controls: report.controls.iter().zip(&report.judgement.tallies).map(|(control, tally)| {
            json!({
                "id": control.id,
                "title": control.title,
                "surface": control.surface,
                "holds": tally.holds,
                "violated": tally.violated,
                "unknown": tally.unknown,
                "notApplicable": tally.not_applicable,
                "standards": control.standards.iter().map(|standard| {
                    json!({ "name": standard.name, "items": standard.items.iter().map(mapping).collect::<Vec<_>>() })
                }).collect::<Vec<_>>(),
            })
        }).collect(),
        gaps: snapshot.gaps.iter().map(gap_v1).collect(),
        protections: crate::protections::json(report),
        proof: report.proven.map(crate::protections::Proven::json),
        add_ons: crate::protections::add_ons_json(snapshot),
        diagnostics: snapshot.diagnostics.iter().chain(&report.judgement.errors).map(|diagnostic| diagnostic_v1(report, diagnostic)).collect(),
    }
}

/// What changed while an estate was watched, on one line: `docs/schema/change-v1.json`.
/// The report is of the moment after; its judgement is not looked at.
pub fn change(report: &Report<'_>, differences: &[Difference], gaps: bool) -> String {
    let (mut added, mut modified, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for difference in differences {
        let list = match difference {
            Difference::Added(_) => &mut added,
            Difference::Modified { .. } => &mut modified,
            Difference::Deleted(_) => &mut deleted,
        };
        list.push(finding_v1(report, None, difference.finding()));
    }
    let document = Change {
        api_version: "ironhull.dev/v1",
        kind: "Change",
        at: report.at,
        added,
        modified,
        deleted,
        gaps: gaps.then(|| report.snapshot.gaps.iter().map(gap_v1).collect()),
    };
    let mut text = serde_json::to_string(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn of_gate(report: &Report<'_>, gate: &OfGate) -> Json {
    let mut json = json!({
        "failOn": gate.fail_on, "covered": gate.n_covered, "counted": gate.n_counted, "fails": gate.fails,
    });
    if let Some(name) = &gate.name {
        json["name"] = (**name).into();
    }
    if let Some(place) = gate.place.and_then(|place| place_v1(report, place)) {
        json["place"] = place;
    }
    json
}

/// What could not be had: `gap` of `docs/schema/check-v1.json`.
pub fn gap_v1(gap: &Gap) -> Json {
    let cause = format!("{:?}", gap.cause).to_lowercase();
    json!({ "what": gap.what, "cause": cause, "reason": gap.reason, "supply": gap.supply })
}

fn mapping(mapping: &Mapping) -> Json {
    match &mapping.part {
        None => json!(mapping.item),
        Some(part) => json!({ "item": mapping.item, "part": part }),
    }
}

fn finding_v1<'a>(
    report: &Report<'_>,
    index: Option<usize>,
    finding: &'a Finding,
) -> FindingV1<'a> {
    FindingV1 {
        number: index.map(|index| index + 1),
        id: finding.id(),
        fingerprint: finding.fingerprint().to_string(),
        control: &finding.control,
        verdict: match finding.verdict {
            ironhull_model::Verdict::Unknown => "unknown",
            _ => "violated",
        },
        severity: finding.severity,
        subject: (&*finding.subject).into(),
        seen_in: finding.seen_in.as_deref().map(Into::into),
        element: &finding.element,
        message: &finding.message,
        pointer: finding.at.as_str(),
        place: finding.place.and_then(|place| place_v1(report, place)),
        evidence: finding.evidence.iter().map(|evidence| evidence_v1(report, evidence)).collect(),
        missing: &finding.missing,
        repair: finding.repair.steps.iter().map(step_v1).collect(),
        repair_may: finding.repair.may.as_deref(),
        owner: finding
            .owner
            .as_deref()
            .map(|(owner, source)| json!({ "name": owner, "source": source })),
        accepted: finding.accepted.as_deref(),
        policy: (!finding.assignment.is_empty())
            .then(|| json!({ "name": &*finding.assignment, "rung": finding.rung })),
        new: index.and_then(|index| report.new?.get(index).copied()),
        platform: report.platform.has(finding),
    }
}

fn place_v1(report: &Report<'_>, place: Place) -> Option<Json> {
    let (path, start) = report.position(place)?;
    Some(match start {
        Some(start) => json!({ "path": path, "line": start.line, "column": start.column }),
        None => json!({ "path": path }),
    })
}

fn evidence_v1(report: &Report<'_>, evidence: &Evidence) -> Json {
    let mut json = json!({ "subject": evidence.thing.to_string(), "pointer": evidence.pointer });
    if let Some(members) = json.as_object_mut() {
        if let Some(fact) = evidence.fact {
            members.insert("fact".into(), json!(fact));
        }
        if let Some(value) = &evidence.value {
            members.insert("value".into(), json!(value));
        }
        if let Some(absent) = &evidence.absent {
            members.insert("absent".into(), json!(absent));
        }
        if evidence.defaulted {
            members.insert("defaulted".into(), json!(true));
        }
        if let Some(place) = evidence.place.and_then(|place| place_v1(report, place)) {
            members.insert("place".into(), place);
        }
    }
    json
}

/// A repair step: `{"op": "set" | "append" | "remove" | "create" | "ask", …}`.
pub fn step_v1(step: &RepairStep) -> Json {
    match step {
        RepairStep::Set { pointer, value } => {
            json!({ "op": "set", "pointer": pointer, "value": value })
        }
        RepairStep::Append { pointer, value } => {
            json!({ "op": "append", "pointer": pointer, "value": value })
        }
        RepairStep::Remove { pointer } => json!({ "op": "remove", "pointer": pointer }),
        RepairStep::Create { object } => json!({ "op": "create", "object": object }),
        RepairStep::Ask { question } => json!({ "op": "ask", "question": question }),
    }
}

fn diagnostic_v1(report: &Report<'_>, diagnostic: &Diagnostic) -> Json {
    let level = match diagnostic.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut json =
        json!({ "code": diagnostic.code, "level": level, "message": diagnostic.message });
    if let Some(members) = json.as_object_mut() {
        if let Some(place) = diagnostic.place.and_then(|place| place_v1(report, place)) {
            members.insert("place".into(), place);
        }
        if let Some(help) = &diagnostic.help {
            members.insert("help".into(), json!(help));
        }
    }
    json
}
