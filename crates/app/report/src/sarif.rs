//! SARIF 2.1.0, as code scanning reads it: every rule that is used, a place for
//! every result, stable fingerprints.

use ironhull_controls::Control;
use ironhull_model::{Finding, Severity, Verdict};
use serde_json::{Value as Json, json};

use crate::{Report, repair};

/// What code scanning takes of one run; the rest is cut, worst kept.
const MOST_RESULTS: usize = 25_000;

/// The report as SARIF with a final newline.
pub fn render(report: &Report<'_>) -> String {
    let findings: Vec<(usize, &Finding)> = report
        .judgement
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.verdict == Verdict::Violated)
        .collect();
    let mut used: Vec<&str> = findings.iter().map(|(_, finding)| &*finding.control).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Json> = used.iter().filter_map(|id| report.control(id)).map(rule).collect();
    let results: Vec<Json> = findings
        .iter()
        .take(MOST_RESULTS)
        .map(|(_, finding)| result(report, finding, &used))
        .collect();
    let mut notifications: Vec<Json> = report.unread().map(|diagnostic| {
        json!({ "level": "error", "descriptor": { "id": diagnostic.code }, "message": { "text": diagnostic.message } })
    }).collect();
    if findings.len() > MOST_RESULTS {
        let cut = findings.len() - MOST_RESULTS;
        notifications.push(json!({ "level": "warning", "message": { "text": format!("{cut} results of least severity were left out") } }));
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ironhull",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "invocations": [{
                "executionSuccessful": report.exit != 4,
                "exitCode": report.exit,
                "endTimeUtc": report.at,
                "toolExecutionNotifications": notifications,
            }],
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(control: &Control) -> Json {
    let mut tags = vec!["security".to_owned()];
    for standard in &control.standards {
        tags.extend(standard.items.iter().map(|item| format!("{}/{}", standard.name, item.item)));
    }
    json!({
        "id": control.id,
        "name": control.id,
        "shortDescription": { "text": control.title },
        "fullDescription": { "text": control.why },
        "help": { "text": format!("{}\n\nironhull explain {}", control.why, control.id) },
        "defaultConfiguration": { "level": level(control.worst()) },
        "properties": { "security-severity": score(control.worst()), "tags": tags, "precision": "high" },
    })
}

fn result(report: &Report<'_>, finding: &Finding, used: &[&str]) -> Json {
    let place = finding.place.and_then(|place| {
        let (path, start) = report.position(place)?;
        let source = report.snapshot.source(place.source)?;
        let end = source.shown_position(place.end.max(place.start + 1));
        Some((path, start.zip(end)))
    });
    let (uri, region) = match place {
        // Code scanning wants a line where only the template is known.
        Some((path, None)) => (path.to_owned(), json!({ "startLine": 1 })),
        Some((path, Some((start, end)))) => {
            // A block's end may stand at the start of the next line.
            let end = if (end.line, end.column) > (start.line, start.column) {
                end
            } else {
                ironhull_model::Position { column: start.column + 1, ..start }
            };
            (
                path.to_owned(),
                json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column }),
            )
        }
        None => {
            let subject = &finding.subject;
            let namespace =
                if subject.namespace.is_empty() { "cluster" } else { &subject.namespace };
            (
                format!("k8s/{namespace}/{}/{}.yaml", subject.kind, subject.name),
                json!({ "startLine": 1 }),
            )
        }
    };
    let mut message = finding.message.clone();
    if let Some(words) = repair::in_words(&finding.repair) {
        message = format!("{message}. Fix: {words}");
    }
    let mut result = json!({
        "ruleId": &*finding.control,
        "ruleIndex": used.binary_search(&&*finding.control).unwrap_or_default(),
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": encoded(&uri) }, "region": region },
            "logicalLocations": [{ "fullyQualifiedName": finding.subject.to_string(), "kind": "resource" }],
        }],
        "partialFingerprints": { "ironhull/v1": finding.fingerprint() },
        "properties": { "id": finding.id(), "pointer": finding.at, "severity": finding.severity },
    });
    if let (Some(accepted), Some(members)) = (&finding.accepted, result.as_object_mut()) {
        let justification =
            format!("{} ({}, until {})", accepted.reason, accepted.owner, accepted.until);
        members.insert(
            "suppressions".into(),
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]),
        );
    }
    result
}

/// A path as a relative URI reference (RFC 3986).
fn encoded(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte as char);
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// Code scanning's bands: over 9 critical, over 7 high, over 4 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
