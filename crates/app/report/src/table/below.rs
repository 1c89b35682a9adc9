//! What stands below the findings of a table: what is accepted, not known, not read, not
//! seen, and how it ends.

use std::collections::HashMap;
use std::fmt::Write;

use ironhull_model::{Finding, Level, ThingRef};

use super::count;
use crate::Report;
use crate::text::plain;

/// Accepted findings, by what accepts them and whom they are about.
pub(super) fn accepted(report: &Report<'_>, out: &mut String) {
    const LINES: usize = 5;
    let all: Vec<_> = report.accepted().collect();
    let mut groups: Vec<(&Finding, usize)> = Vec::new();
    let mut places: HashMap<(&ThingRef, &str), usize> = HashMap::new();
    for (_, finding) in &all {
        let name = finding.accepted.as_ref().map_or("", |by| &by.name);
        let at = *places.entry((&finding.subject, name)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.1 += 1,
            None => groups.push((finding, 1)),
        }
    }
    for (at, (finding, n)) in groups.iter().enumerate().take(LINES) {
        let Some(by) = &finding.accepted else { continue };
        let word = if at == 0 { format!("ACCEPTED {} ", all.len()) } else { String::new() };
        let what = if *n == 1 { finding.message.clone() } else { count(*n, "finding") };
        let text = format!(
            "{word:<12}{} {}, {what}, {} {}, {} {}, {}",
            finding.subject.kind,
            finding.subject.name,
            by.kind,
            by.name,
            word_of(by),
            by.until,
            by.owner
        );
        _ = writeln!(out, "{}", plain(&text));
    }
    if groups.len() > LINES {
        _ = writeln!(out, "{:12}and {} more", "", count(groups.len() - LINES, "object"));
    }
}

fn word_of(by: &ironhull_model::Accepted) -> &'static str {
    if by.kind == "waiver" { "until" } else { "review" }
}

/// Unknowns by what is missing, at most five lines.
pub(super) fn unknown(report: &Report<'_>, out: &mut String) {
    let by_cause = report.unknown_by_cause();
    for (at, (cause, n)) in by_cause.iter().enumerate().take(5) {
        let word = if at == 0 { "UNKNOWN" } else { "" };
        _ = writeln!(out, "{word:<12}{n} need {}", plain(cause));
    }
    if by_cause.len() > 5 {
        let more = count(by_cause.len() - 5, "other cause");
        _ = writeln!(out, "{:12}and {more} → -o json", "");
    }
}

pub(super) fn unread(report: &Report<'_>, out: &mut String) {
    let all: Vec<_> = report.unread().collect();
    for (at, diagnostic) in all.iter().enumerate().take(5) {
        let word = if at == 0 { format!("UNREAD {} ", all.len()) } else { String::new() };
        let place = report.shown(diagnostic.place);
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!(" → {help}"));
        let text = format!("{place}{}{help} [{}]", diagnostic.message, diagnostic.code);
        _ = writeln!(out, "{word:<12}{}", plain(&text));
    }
    if all.len() > 5 {
        _ = writeln!(out, "{:12}and {} more", "", all.len() - 5);
    }
    let n = report
        .snapshot
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Warning)
        .count();
    if n > 0 {
        _ = writeln!(out, "WARNINGS {n:<3}on standard error");
    }
}

/// What we may not see of a cluster, in one line: rights are kept small on purpose.
pub(super) fn not_seen(report: &Report<'_>, out: &mut String) {
    const NAMED: usize = 3;
    let denied: Vec<&str> = report.snapshot.denied().map(|gap| gap.what.as_str()).collect();
    if denied.is_empty() {
        return;
    }
    let mut named = denied[..denied.len().min(NAMED)].join(", ");
    if denied.len() > NAMED {
        named += &format!(" and {} more", denied.len() - NAMED);
    }
    let text = format!("{:<12}{named}: may not be listed → kubectl auth can-i --list", "NOT SEEN");
    _ = writeln!(out, "{}", plain(&text));
}

pub(super) fn not_asked(report: &Report<'_>, out: &mut String) {
    let total: usize = report.not_asked.iter().map(|(_, n, _)| n).sum();
    if total == 0 {
        return;
    }
    let parts: Vec<String> =
        report.not_asked.iter().map(|(what, n, _)| format!("{what} ({n})")).collect();
    let actions: Vec<&str> =
        report.not_asked.iter().map(|(_, _, action)| action.as_str()).collect();
    _ = writeln!(
        out,
        "{:<12}{} need {} → {}",
        "NOT ASKED",
        count(total, "control"),
        parts.join(" or "),
        actions.join(", ")
    );
}

pub(super) fn closing(report: &Report<'_>, out: &mut String) {
    let (violated, hold, unknown, not_applicable) = report.summary();
    let n = report.violations().count();
    _ = write!(
        out,
        "{}: {violated} violated, {hold} hold",
        count(report.controls.len(), "control")
    );
    if unknown > 0 {
        _ = write!(out, ", {unknown} unknown");
    }
    _ = write!(out, ", {not_applicable} not applicable · {}", count(n, "finding"));
    out.push_str(&decided(report));
    _ = write!(out, " · exit {}", report.exit);
    let failing: Vec<&str> = { report.gates.iter() }
        .filter(|gate| gate.fails && report.exit == 1)
        .filter_map(|gate| gate.name.as_deref())
        .collect();
    if !failing.is_empty() {
        _ = write!(out, " by Gate {}", plain(&failing.join(", ")));
    }
    if n > 0 {
        out.push_str("  next: ironhull explain 1");
    }
    out.push('\n');
}

/// What counts against which gate. A `Gate` that covers nothing decides nothing.
fn decided(report: &Report<'_>) -> String {
    let mut text = String::new();
    let scoped = report.gates.iter().filter(|gate| gate.n_covered > 0);
    for gate in scoped.filter_map(|gate| Some((gate.name.as_deref()?, gate))) {
        let (name, gate) = gate;
        let at = gate.place.and_then(|place| {
            let source = report.snapshot.source(place.source)?;
            Some(format!(" {}:{}", source.path, source.position(place.start).line))
        });
        _ = write!(
            text,
            ", {} of {} count for Gate {name} ({}{})",
            gate.n_counted,
            gate.n_covered,
            gate.fail_on,
            at.unwrap_or_default()
        );
    }
    let rest = report.gates.iter().find(|gate| gate.name.is_none());
    let (n, elsewhere) = match (text.is_empty(), rest) {
        (false, Some(rest)) => (rest.n_counted, " elsewhere"),
        _ => (report.n_failing, ""),
    };
    if let Some(threshold) = report.threshold {
        _ = write!(text, ", {n} at or above {threshold}{elsewhere}");
    }
    plain(&text).into_owned()
}
