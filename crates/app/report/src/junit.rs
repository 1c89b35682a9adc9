//! JUnit XML: a suite per control that applies, a case per subject it has a
//! finding on, one case for all the subjects it holds on.

use std::fmt::Write;

use ironhull_model::finding::Rung;
use ironhull_model::{Finding, Verdict};

use crate::Report;

/// The report as JUnit XML.
pub fn render(report: &Report<'_>) -> String {
    let mut suites = String::new();
    let mut totals = [0_usize; 4];
    for (control, tally) in report.controls.iter().zip(&report.judgement.tallies) {
        if tally.verdict() == Verdict::NotApplicable {
            continue;
        }
        let findings: Vec<&Finding> = report
            .judgement
            .findings
            .iter()
            .filter(|finding| *finding.control == *control.id)
            .collect();
        let holds = usize::from(tally.holds > 0);
        let failures =
            findings.iter().filter(|finding| outcome(finding) == Outcome::Failure).count();
        let skipped =
            findings.iter().filter(|finding| outcome(finding) == Outcome::Skipped).count();
        let errors = findings.len() - failures - skipped;
        for (total, n) in totals.iter_mut().zip([findings.len() + holds, failures, errors, skipped])
        {
            *total += n;
        }
        _ = writeln!(
            suites,
            r#"  <testsuite name="{}" tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}">"#,
            escaped(&control.id),
            findings.len() + holds
        );
        if holds > 0 {
            _ = writeln!(
                suites,
                r#"    <testcase classname="{}" name="holds on {}"/>"#,
                escaped(&control.id),
                crate::table::count(tally.holds as usize, "subject")
            );
        }
        findings.iter().for_each(|finding| case(report, finding, &mut suites));
        suites.push_str("  </testsuite>\n");
    }
    let [tests, failures, errors, skipped] = totals;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ironhull\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n{suites}</testsuites>\n"
    )
}

#[derive(PartialEq, Eq)]
enum Outcome {
    Failure,
    Error,
    Skipped,
}

/// What is accepted, or only observed or warned of by its policy, fails no build.
fn outcome(finding: &Finding) -> Outcome {
    if finding.accepted.is_some() || finding.rung <= Rung::Warn {
        Outcome::Skipped
    } else if finding.verdict == Verdict::Unknown {
        Outcome::Error
    } else {
        Outcome::Failure
    }
}

fn case(report: &Report<'_>, finding: &Finding, out: &mut String) {
    let element =
        if finding.element.is_empty() { String::new() } else { format!("/{}", finding.element) };
    _ = write!(
        out,
        r#"    <testcase classname="{}" name="{}{}""#,
        escaped(&finding.control),
        escaped(&finding.subject.to_string()),
        escaped(&element)
    );
    let place = finding.place.and_then(|place| report.position(place));
    if let Some((path, at)) = place {
        _ = write!(out, r#" file="{}""#, escaped(path));
        if let Some(at) = at {
            _ = write!(out, r#" line="{}""#, at.line);
        }
    }
    out.push_str(">\n");
    let message = escaped(&finding.message);
    match outcome(finding) {
        Outcome::Skipped => {
            let why = match &finding.accepted {
                Some(by) => format!("{} until {}: {}", by.kind, by.until, by.reason),
                None => {
                    format!("policy {} is at rung {}", finding.assignment, finding.rung.as_str())
                }
            };
            _ = writeln!(out, r#"      <skipped message="{}"/>"#, escaped(&why));
        }
        Outcome::Error => {
            _ = writeln!(
                out,
                r#"      <error message="unknown: {}"/>"#,
                escaped(&finding.missing.join(", "))
            );
        }
        Outcome::Failure => {
            let text = escaped(&crate::explain::verify(finding, report.snapshot));
            _ = writeln!(
                out,
                r#"      <failure type="{}" message="{message}">{text}</failure>"#,
                finding.severity
            );
        }
    }
    out.push_str("    </testcase>\n");
}

/// Text for XML 1.0: five characters are escaped, characters that XML cannot
/// hold become U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
