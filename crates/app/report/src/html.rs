//! One self-contained HTML page: no script, nothing fetched, readable without
//! colour, by screen readers and on paper.

use std::fmt::Write;

use ironhull_model::{Finding, Severity};

use crate::junit::escaped;
use crate::table::count;
use crate::{Report, repair};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--critical:#8a1c7c;--high:#b3261e;--medium:#8a5a00;--low:#1f5fa8}
@media(prefers-color-scheme:dark){:root{--critical:#f0a6e4;--high:#ffb4ab;--medium:#ffca7a;--low:#a8c8ff}}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.2rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}td{overflow-wrap:anywhere}
code{font:0.9em ui-monospace,monospace}.summary{width:auto}
.severity{font-weight:700;text-transform:uppercase;font-size:.8rem;white-space:nowrap}
.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}
.proof{margin:.2rem 0 0;padding-left:1.1rem;font-size:.9rem}
@media print{body{max-width:none;margin:0;font-size:11px}a{color:inherit}tr{break-inside:avoid}}";

/// The report as a page.
pub fn render(report: &Report<'_>) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    );
    let targets = escaped(&report.targets.join(" "));
    _ = writeln!(
        out,
        "<title>Ironhull: {targets}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>"
    );
    summary(report, &targets, &mut out);
    findings(report, &mut out);
    accepted(report, &mut out);
    unread(report, &mut out);
    controls(report, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn summary(report: &Report<'_>, targets: &str, out: &mut String) {
    let (violated, hold, unknown, not_applicable) = report.summary();
    _ = writeln!(out, "<h1>Ironhull: {targets}</h1>");
    _ = writeln!(
        out,
        "<p>{}. Kubernetes {}. {}: {violated} violated, {hold} hold, {unknown} unknown, {not_applicable} not applicable. {}.</p>",
        escaped(report.at),
        report.snapshot.minor,
        count(report.controls.len(), "control"),
        count(report.violations().count(), "finding"),
    );
    out.push_str("<table class=\"summary\"><caption>Findings by severity</caption><thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Findings</th></tr></thead><tbody>\n");
    for severity in Severity::ALL {
        let n = report.violations().filter(|(_, finding)| finding.severity == severity).count();
        _ = writeln!(
            out,
            "<tr><th scope=\"row\" class=\"severity {severity}\">{severity}</th><td>{n}</td></tr>"
        );
    }
    out.push_str("</tbody></table>\n");
}

fn findings(report: &Report<'_>, out: &mut String) {
    out.push_str("<h2 id=\"findings\">Findings</h2>\n<table><caption>What is wrong, the proof, the fix</caption>\n<thead><tr><th scope=\"col\">#</th><th scope=\"col\">Severity</th><th scope=\"col\">Object</th><th scope=\"col\">Finding</th><th scope=\"col\">Fix</th></tr></thead>\n<tbody>\n");
    for (number, finding) in report.violations() {
        row(report, number, finding, out);
    }
    out.push_str("</tbody></table>\n");
}

fn row(report: &Report<'_>, number: usize, finding: &Finding, out: &mut String) {
    let place = report.shown(finding.place);
    let place =
        place.map_or_else(String::new, |place| format!("<br><code>{}</code>", escaped(&place)));
    let mut proof = String::new();
    for evidence in &finding.evidence {
        let fact = evidence.fact.map_or_else(String::new, |fact| format!("{fact}: "));
        let at = escaped(&format!("{fact}{}", evidence.pointer));
        match (&evidence.absent, &evidence.value) {
            (Some(absent), _) => {
                _ = write!(
                    proof,
                    "<li><code>{at}</code> has no <code>{}</code></li>",
                    escaped(absent)
                )
            }
            (None, Some(value)) => {
                _ = write!(proof, "<li><code>{at}</code> is <code>{}</code></li>", escaped(value))
            }
            (None, None) => {}
        }
    }
    let proof =
        if proof.is_empty() { String::new() } else { format!("<ul class=\"proof\">{proof}</ul>") };
    _ = writeln!(
        out,
        "<tr id=\"f{number}\"><td>{number}</td><td class=\"severity {0}\">{0}</td><td>{1}{place}</td><td><b>{2}</b><br>{3}{proof}</td><td>{4}</td></tr>",
        finding.severity,
        escaped(&finding.subject.to_string()),
        escaped(&finding.control),
        escaped(&finding.message),
        escaped(&repair::in_words(&finding.repair).unwrap_or_default()),
    );
}

fn accepted(report: &Report<'_>, out: &mut String) {
    let mut rows = String::new();
    for (_, finding) in report.accepted() {
        let Some(by) = &finding.accepted else { continue };
        let cells = [
            &finding.subject.to_string(),
            &finding.message,
            &by.kind,
            &by.reason,
            &by.owner,
            &by.until,
        ];
        let cells: String =
            cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        _ = writeln!(rows, "<tr>{cells}</tr>");
    }
    if !rows.is_empty() {
        _ = writeln!(
            out,
            "<h2>Accepted</h2>\n<table><caption>Findings that exceptions cover</caption><thead><tr><th scope=\"col\">Object</th><th scope=\"col\">Finding</th><th scope=\"col\">Type</th><th scope=\"col\">Reason</th><th scope=\"col\">Owner</th><th scope=\"col\">Until</th></tr></thead><tbody>\n{rows}</tbody></table>"
        );
    }
}

fn unread(report: &Report<'_>, out: &mut String) {
    let unknown: String = report
        .unknown_by_cause()
        .iter()
        .map(|(cause, n)| format!("<li>{} need {}</li>\n", count(*n, "question"), escaped(cause)))
        .collect();
    if !unknown.is_empty() {
        _ = writeln!(out, "<h2>Unknown</h2>\n<ul>\n{unknown}</ul>");
    }
    let items: String = report
        .unread()
        .map(|diagnostic| {
            format!("<li><code>{}</code> {}</li>\n", diagnostic.code, escaped(&diagnostic.message))
        })
        .collect();
    if !items.is_empty() {
        _ = writeln!(out, "<h2>Not judged</h2>\n<ul>\n{items}</ul>");
    }
}

fn controls(report: &Report<'_>, out: &mut String) {
    out.push_str("<h2>Controls</h2>\n<table><caption>Every control and how it came out</caption><thead><tr><th scope=\"col\">Control</th><th scope=\"col\">Sentence</th><th scope=\"col\">Holds</th><th scope=\"col\">Violated</th><th scope=\"col\">Unknown</th></tr></thead><tbody>\n");
    for (control, tally) in report.controls.iter().zip(&report.judgement.tallies) {
        _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&control.id),
            escaped(&control.title),
            tally.holds,
            tally.violated,
            tally.unknown
        );
    }
    out.push_str("</tbody></table>\n");
}
