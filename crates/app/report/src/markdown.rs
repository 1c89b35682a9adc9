//! Markdown, for pull requests and job summaries.

use std::fmt::Write;

use ironhull_model::Severity;

use crate::table::count;
use crate::{Report, repair};

/// The report as GitHub-flavoured Markdown.
pub fn render(report: &Report<'_>) -> String {
    let (violated, hold, unknown, not_applicable) = report.summary();
    let n = report.violations().count();
    let mut out = format!(
        "### Ironhull: {} in `{}`\n\n",
        count(n, "finding"),
        crate::text::plain(&report.targets.join(" ")).replace('`', "'")
    );
    _ = writeln!(
        out,
        "Kubernetes {} · {}: {violated} violated, {hold} hold, {unknown} unknown, {not_applicable} not applicable · exit {}\n",
        report.snapshot.minor,
        count(report.controls.len(), "control"),
        report.exit
    );
    for severity in Severity::ALL {
        let findings: Vec<_> =
            report.violations().filter(|(_, finding)| finding.severity == severity).collect();
        if findings.is_empty() {
            continue;
        }
        let open = if severity >= Severity::High { " open" } else { "" };
        _ = writeln!(
            out,
            "<details{open}><summary><b>{severity}</b> {}</summary>\n",
            findings.len()
        );
        out.push_str("| # | object | finding | fix | place |\n|--:|---|---|---|---|\n");
        for (number, finding) in findings {
            let place = report.shown(finding.place).unwrap_or_default();
            _ = writeln!(
                out,
                "| {number} | {} | **{}** {} | {} | {} |",
                cell(&finding.subject.to_string()),
                finding.control,
                cell(&finding.message),
                cell(&repair::in_words(&finding.repair).unwrap_or_default()),
                cell(&place)
            );
        }
        out.push_str("\n</details>\n\n");
    }
    let accepted = report.accepted().count();
    if accepted > 0 {
        _ = writeln!(out, "{} by exceptions.", count(accepted, "finding") + " accepted");
    }
    for (cause, n) in report.unknown_by_cause() {
        _ = writeln!(out, "- unknown: {} need {}", count(n, "question"), cell(&cause));
    }
    for diagnostic in report.unread() {
        _ = writeln!(out, "- not judged: {} `{}`", cell(&diagnostic.message), diagnostic.code);
    }
    out
}

/// Text for a table cell; what Markdown or HTML would read is escaped.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::text::plain_lines(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
