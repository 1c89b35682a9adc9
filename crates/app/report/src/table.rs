//! The table: what a person reads first.

use std::collections::BTreeSet;
use std::fmt::Write;

use ironhull_controls::standing::Difference;
use ironhull_model::finding::Rung;
use ironhull_model::{Finding, Severity, ThingRef, Verdict};

use crate::text::plain;
use crate::{Report, repair};

mod below;

use below::{accepted, closing, not_asked, not_seen, unknown, unread};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Characters in a line.
    pub width: usize,
    /// Findings below this severity are only counted.
    pub from: Severity,
}

/// What changed while an estate was watched, a line each: `+` is there now, `-` is not
/// any more or is accepted, `~` is another. Only what the report shows one by one.
pub fn changes(report: &Report<'_>, differences: &[Difference], style: Style) -> String {
    let is_shown = |finding: &&Finding| {
        finding.verdict == Verdict::Violated
            && finding.accepted.is_none()
            && finding.severity >= style.from
            && !report.platform.has(finding)
    };
    let mut out = String::new();
    for difference in differences {
        let (before, after) = match difference {
            Difference::Added(after) => (None, Some(&**after)),
            Difference::Modified { before, after } => (Some(&**before), Some(&**after)),
            Difference::Deleted(before) => (Some(&**before), None),
        };
        let (sign, finding) = match (before.filter(is_shown), after.filter(is_shown)) {
            (None, Some(after)) => ('+', after),
            (Some(before), None) => ('-', before),
            (Some(before), Some(after))
                if (before.severity, &before.message) != (after.severity, &after.message) =>
            {
                ('~', after)
            }
            _ => continue,
        };
        change(report, sign, finding, style, &mut out);
    }
    out
}

fn change(report: &Report<'_>, sign: char, finding: &Finding, style: Style, out: &mut String) {
    let time = report.at.get(11..19).unwrap_or(report.at);
    let word = finding.severity.as_str().to_uppercase();
    let from = out.len() + time.len() + 3;
    let (subject, control) = (&finding.subject, &finding.control);
    let message = if sign == '-' { "" } else { &finding.message };
    let text = format!("{time} {sign} {word:<9} {subject}  {control}  {message}");
    line(text.trim_end(), "", style, out);
    if style.color {
        out.insert_str(from + word.len(), "\x1b[0m");
        out.insert_str(from, color(finding.severity));
    }
}

/// The whole report.
pub fn render(report: &Report<'_>, style: Style) -> String {
    let mut out = String::new();
    header(report, &mut out);
    let shown = style.from;
    for severity in Severity::ALL.into_iter().filter(|severity| *severity >= shown) {
        findings(report, severity, style, None, &mut out);
    }
    counted(report, shown, style, &mut out);
    platform(report, style, &mut out);
    accepted(report, &mut out);
    unknown(report, &mut out);
    unread(report, &mut out);
    not_seen(report, &mut out);
    not_asked(report, &mut out);
    crate::protections::table(report, &mut out);
    closing(report, &mut out);
    out
}

/// Only the findings, with the number that a check gave each of them, and how many.
pub fn findings_only(report: &Report<'_>, style: Style, numbers: &[usize]) -> String {
    let mut out = String::new();
    for severity in Severity::ALL {
        findings(report, severity, style, Some(numbers), &mut out);
    }
    _ = writeln!(out, "{}", count(report.violations().count(), "finding"));
    out
}

fn header(report: &Report<'_>, out: &mut String) {
    let snapshot = report.snapshot;
    let given = snapshot.objects.iter().filter(|object| object.is_judged());
    let assumed = if snapshot.minor_assumed { " (assumed)" } else { "" };
    _ = write!(
        out,
        "{}  {}{} · Kubernetes {}{assumed} · {}",
        plain(&report.targets.join(" ")),
        count(given.count(), "object"),
        match snapshot.sources.len() {
            0 => String::new(),
            n => format!(", {}", count(n, "file")),
        },
        snapshot.minor,
        count(report.controls.len(), "control"),
    );
    if let Some(elapsed) = report.elapsed_ms {
        _ = write!(out, " · {elapsed} ms");
    }
    out.push('\n');
}

/// The findings of one severity, by object.
fn findings(
    report: &Report<'_>,
    severity: Severity,
    style: Style,
    numbers: Option<&[usize]>,
    out: &mut String,
) {
    let mut before: Option<(&ThingRef, Option<&str>)> = None;
    // Where all of a check is shown, what is the platform's is only counted.
    let is_shown = |finding: &Finding| {
        finding.severity == severity && (numbers.is_some() || !report.platform.has(finding))
    };
    let shown = report.violations().filter(|(_, finding)| is_shown(finding));
    let width =
        shown.clone().map(|(_, finding)| finding.control.len()).max().unwrap_or_default().max(22);
    for (number, finding) in shown {
        let number = numbers.and_then(|numbers| numbers.get(number - 1).copied()).unwrap_or(number);
        let position = finding.place.and_then(|place| report.position(place));
        let group = (&*finding.subject, position.map(|(path, _)| path));
        if before != Some(group) {
            heading(severity, finding, group.1, style, out);
            before = Some(group);
        }
        let place = position
            .and_then(|(_, at)| at)
            .map_or_else(String::new, |at| format!("{}:{}", at.line, at.column));
        line(
            &format!(
                "{number:>3}  {:<width$} {}{}",
                finding.control,
                rung(finding),
                finding.message
            ),
            &place,
            style,
            out,
        );
        if let Some(words) = repair::in_words(&finding.repair) {
            let editable = ironhull_repair::uneditable(finding, report.snapshot).is_none();
            let command = if editable && repair::is_automatic(&finding.repair) {
                format!("ironhull fix {number}")
            } else {
                format!("ironhull explain {number}")
            };
            let room = style.width.saturating_sub(command.chars().count() + 2);
            line(&cut(format!("     fix  {words}"), room), &command, style, out);
        }
    }
}

/// Says that a finding does not count, or only when it is new.
fn rung(finding: &Finding) -> String {
    match finding.rung {
        Rung::Stop => String::new(),
        rung => format!("[{}] ", rung.as_str()),
    }
}

fn heading(
    severity: Severity,
    finding: &Finding,
    path: Option<&str>,
    style: Style,
    out: &mut String,
) {
    let subject = &finding.subject;
    let namespace = if subject.namespace.is_empty() {
        String::new()
    } else {
        format!("{}/", subject.namespace)
    };
    let word = severity.as_str().to_uppercase();
    let title = format!("{word:<9} {} {namespace}{}", subject.kind, subject.name);
    let from = out.len();
    line(&title, path.unwrap_or_default(), style, out);
    if style.color {
        out.insert_str(from + word.len(), "\x1b[0m");
        out.insert_str(from, color(severity));
    }
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "\x1b[1;35m",
        Severity::High => "\x1b[1;31m",
        Severity::Medium => "\x1b[1;33m",
        Severity::Low => "\x1b[1;34m",
    }
}

/// Text on the left, a place on the right, on one line when both fit.
fn line(left: &str, right: &str, style: Style, out: &mut String) {
    let (left, right) = (&*plain(left), &*plain(right));
    let (n_left, n_right) = (left.chars().count(), right.chars().count());
    out.push_str(left);
    if n_right > 0 {
        let gap = style.width.saturating_sub(n_left + n_right).max(2);
        out.push_str(&" ".repeat(gap));
        out.push_str(right);
    }
    out.push('\n');
}

/// Text that fits into a number of characters.
fn cut(text: String, room: usize) -> String {
    if text.chars().count() <= room {
        text
    } else {
        text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
    }
}

/// What is below the shown severity, in one line.
fn counted(report: &Report<'_>, shown: Severity, style: Style, out: &mut String) {
    let mut parts = Vec::new();
    let mut words = Vec::new();
    for severity in Severity::ALL.into_iter().filter(|severity| *severity < shown) {
        // Most findings of a large estate are only counted, so each is looked at once.
        let of_it = report.violations().filter(|(_, finding)| finding.severity == severity);
        let own = of_it.filter(|(_, finding)| !report.platform.has(finding));
        let mut subjects: Vec<&ThingRef> = own.map(|(_, finding)| &*finding.subject).collect();
        let n = subjects.len();
        subjects.sort_unstable();
        subjects.dedup();
        if n > 0 {
            parts.push(format!(
                "{} {n} in {}",
                severity.as_str().to_uppercase(),
                count(subjects.len(), "object")
            ));
            words.push(severity.as_str());
        }
    }
    if !parts.is_empty() {
        line(&parts.join(" · "), &format!("ironhull show {}", words.join(" ")), style, out);
    }
}

/// What is in namespaces of the platform, in one line.
fn platform(report: &Report<'_>, style: Style, out: &mut String) {
    let all: Vec<&Finding> = { report.violations() }
        .filter(|(_, finding)| report.platform.has(finding))
        .map(|(_, finding)| finding)
        .collect();
    let subjects: BTreeSet<&ThingRef> = all.iter().map(|finding| &*finding.subject).collect();
    if !all.is_empty() {
        let text = format!(
            "{:<12}{} in {}",
            "PLATFORM",
            count(all.len(), "finding"),
            count(subjects.len(), "object")
        );
        line(&text, "ironhull show platform", style, out);
    }
}

/// `1 object`, `2 objects`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
