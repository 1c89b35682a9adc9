//! `ironhull show`: what the last check found.

use std::collections::HashSet;

use anyhow::bail;
use ironhull_controls::Control;
use ironhull_model::{Finding, Severity};
use ironhull_report::platform::Platform;
use ironhull_report::{Report, json, standards, table};
use ironhull_store::{LastCheck, Seen};

use super::check::{self, Judged};
use super::last;
use crate::args::{Format, Global, Show};
use crate::exit::Exit;
use crate::printer;

/// Runs the command.
pub(crate) fn run(show: &Show, global: &Global) -> anyhow::Result<Exit> {
    if !matches!(show.output, Format::Table | Format::Json) {
        bail!("show prints a table or JSON; ironhull check prints every format");
    }
    if show.what.first().is_some_and(|what| what == "controls") {
        printer::text(&list(ironhull_catalogue::controls()));
        return Ok(Exit::Clean);
    }
    let mut last = last::load(global)?;
    if let Some(name) = &show.standard {
        let Some(standard) =
            ironhull_catalogue::standards().iter().find(|standard| *standard.name == **name)
        else {
            let names: Vec<&str> =
                ironhull_catalogue::standards().iter().map(|standard| &*standard.name).collect();
            printer::error(&format!("error: no standard {name:?}; there are {}", names.join(", ")));
            return Ok(Exit::Usage);
        };
        let judged = &last.judged;
        printer::text(&standards::render(standard, &judged.controls(), &judged.judgement.tallies));
        return Ok(Exit::Clean);
    }
    let mut filters = Vec::new();
    for what in &show.what {
        let filter = match what.as_str() {
            "platform" => platform(&last.judged),
            _ => filter(what, &last.state),
        };
        let known = last.judged.judgement.findings.iter().any(&filter)
            || what == "new"
            || what == "platform"
            || what.parse::<Severity>().is_ok();
        if !known {
            printer::error(&format!(
                "error: the last check found nothing called {what:?}; name a severity, ns/NAME, a control or a kind"
            ));
            return Ok(Exit::Usage);
        }
        filters.push((what.parse::<Severity>().is_ok(), filter));
    }
    // Severities add up; everything else narrows.
    let wanted = |finding: &Finding| {
        let (severities, others): (Vec<_>, Vec<_>) =
            filters.iter().partition(|(is_severity, _)| *is_severity);
        (severities.is_empty() || severities.iter().any(|(_, filter)| filter(finding)))
            && others.iter().all(|(_, filter)| filter(finding))
    };
    let mut numbers = last.numbers();
    let kept: Vec<bool> = last.judged.judgement.findings.iter().map(wanted).collect();
    let mut keep = kept.iter();
    numbers.retain(|_| keep.next().copied().unwrap_or_default());
    let mut keep = kept.iter();
    last.judged.judgement.findings.retain(|_| keep.next().copied().unwrap_or_default());
    last.print_unread();
    let judged = &last.judged;
    let report = Report {
        targets: &last.state.targets,
        snapshot: &judged.snapshot,
        controls: &judged.controls(),
        judgement: &judged.judgement,
        new: None,
        n_failing: 0,
        gates: &[],
        threshold: None,
        exit: 0,
        at: &judged.at,
        elapsed_ms: None,
        not_asked: &[],
        platform: &Platform::of(&judged.snapshot),
        proven: judged.proven.as_ref(),
    };
    let color = !global.no_color && printer::color();
    printer::data(&match show.output {
        Format::Json => json::render(&report),
        _ => table::findings_only(
            &report,
            table::Style { color, width: printer::width(), from: Severity::Low },
            &numbers,
        ),
    });
    Ok(check::unread(&judged.snapshot))
}

type Filter = Box<dyn Fn(&Finding) -> bool>;

/// What is in namespaces of the platform.
fn platform(judged: &Judged) -> Filter {
    let platform = Platform::of(&judged.snapshot);
    let findings = judged.judgement.findings.iter();
    let of_it = findings.filter(|finding| platform.has(finding)).map(Finding::id);
    let ids: HashSet<String> = of_it.collect();
    Box::new(move |finding| ids.contains(&finding.id()))
}

fn filter(what: &str, state: &LastCheck) -> Filter {
    let what = what.to_owned();
    if what == "new" {
        let known: HashSet<String> = state
            .findings
            .iter()
            .filter(|Seen(_, time)| state.times.get(*time) != Some(&state.at))
            .map(|Seen(id, _)| id.clone())
            .collect();
        return Box::new(move |finding| !known.contains(&finding.id()));
    }
    if let Ok(severity) = what.parse::<Severity>() {
        return Box::new(move |finding| finding.severity == severity);
    }
    if let Some(namespace) = what.strip_prefix("ns/") {
        let namespace = namespace.to_owned();
        return Box::new(move |finding| *finding.subject.namespace == *namespace);
    }
    Box::new(move |finding| {
        *finding.control == *what
            || finding.subject.kind.eq_ignore_ascii_case(&what)
            || format!("{}/{}", finding.subject.kind, finding.subject.name)
                .eq_ignore_ascii_case(&what)
            || finding.subject.to_string().eq_ignore_ascii_case(&what)
    })
}

fn list(controls: &[Control]) -> String {
    controls
        .iter()
        .map(|control| format!("{:<32} {:<8} {}\n", control.id, control.worst(), control.title))
        .collect()
}
