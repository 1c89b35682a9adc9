//! What was proven, for people.

use std::fmt::Write;

use ironhull_model::Severity;
use ironhull_report::table::count;
use ironhull_report::text::few;

use super::summary::{Proven, Summary};

/// How many places are named.
const MOST_NAMED: usize = 4;

/// Renders what was proven; of what is not stopped, what is below `from` is only counted.
pub(super) fn render(proven: &Proven<'_>, from: Option<Severity>, exit: u8) -> String {
    let mut text = head(proven);
    let [summaries, platform] = proven.parts();
    let open: Vec<&Summary<'_>> = summaries.iter().filter(|summary| summary.is_open()).collect();
    let (shown, counted): (Vec<&Summary<'_>>, Vec<&Summary<'_>>) =
        open.iter().partition(|summary| from.is_none_or(|from| summary.canary.severity >= from));
    if !open.is_empty() {
        text += "NOT STOPPED\n";
    }
    for summary in &shown {
        _ = writeln!(
            text,
            "{:<8}  {:<32}  {}",
            summary.canary.severity.as_str().to_uppercase(),
            summary.canary.control.id,
            holes(summary, proven.n_namespaces)
        );
    }
    if !counted.is_empty() {
        let severities: Vec<String> = [Severity::High, Severity::Medium, Severity::Low]
            .into_iter()
            .filter_map(|severity| {
                let n =
                    counted.iter().filter(|summary| summary.canary.severity == severity).count();
                (n > 0).then(|| format!("{n} {}", severity.as_str()))
            })
            .collect();
        _ = writeln!(text, "{} not shown: --all", severities.join(" · "));
    }
    let stopped: Vec<_> = summaries.iter().filter(|summary| summary.is_stopped()).collect();
    if !stopped.is_empty() {
        text += "STOPPED\n";
    }
    for summary in &stopped {
        _ = writeln!(
            text,
            "          {:<32}  {}",
            summary.canary.control.id,
            guards(summary, proven.n_namespaces)
        );
    }
    inside(proven, &mut text);
    untried(&summaries, &mut text);
    of_platform(&platform, &mut text);
    let n_tried = open.len() + stopped.len();
    _ = writeln!(
        text,
        "{} tried: {} stopped, {} not · nothing was created · exit {exit}",
        count(n_tried, "control"),
        stopped.len(),
        open.len()
    );
    text
}

fn head(proven: &Proven<'_>) -> String {
    let n_impersonated = proven.proofs.iter().filter(|proof| proof.trial.account.is_some()).count();
    let own = match proven.user {
        None => "with your own rights".to_owned(),
        Some(user) => format!("as {user}"),
    };
    let who = match (n_impersonated, proven.proofs.len() - n_impersonated) {
        (0, _) => own,
        (n, 0) => format!("{n} as ServiceAccounts of the namespaces"),
        (n, rest) => format!("{n} as ServiceAccounts of the namespaces, {rest} {own}"),
    };
    let canaries = match proven.canaries.len() {
        1 => "1 canary".to_owned(),
        n => format!("{n} canaries"),
    };
    let namespaces = count(proven.n_namespaces, "namespace");
    let dry_runs = count(proven.proofs.len(), "dry run");
    let mut text = format!("{}  {namespaces} · {canaries}, {dry_runs}: {who}", proven.target);
    if let Some(elapsed) = proven.elapsed {
        _ = write!(text, " · {:.1} s", elapsed.as_secs_f64());
    }
    text.push('\n');
    text
}

/// What is in how components of Kubernetes are started: no admission is set up for that.
fn of_platform(platform: &[Summary<'_>], text: &mut String) {
    if platform.is_empty() {
        return;
    }
    let open = platform.iter().filter(|summary| summary.is_open()).count();
    let stopped = platform.iter().filter(|summary| summary.is_stopped()).count();
    let controls = match platform.len() {
        1 => "1 control is".to_owned(),
        n => format!("{n} controls are"),
    };
    _ = writeln!(
        text,
        "NOT COUNTED  {controls} about how the platform's own components run, which no admission is expected to stop: {stopped} stopped, {open} not → --only CONTROL"
    );
}

/// Where it is not stopped, and who stops it elsewhere.
fn holes(summary: &Summary<'_>, n_namespaces: usize) -> String {
    let places = |at: &[&str]| places(at, n_namespaces);
    let mut parts = Vec::new();
    let is_elsewhere = |place: &&str| summary.elsewhere.values().flatten().any(|at| at == place);
    let own: Vec<&str> = summary.open.iter().copied().filter(|at| !is_elsewhere(at)).collect();
    if !own.is_empty() {
        let container = summary.canary.container;
        let container = container.map(|what| format!("in an {what} ")).unwrap_or_default();
        parts.push(format!("{container}in {}", places(&own)));
    }
    for (container, at) in &summary.elsewhere {
        parts.push(format!("in an {container}, not in others, in {}", places(at)));
    }
    for (by, at) in &summary.warned {
        parts.push(format!("{by} only warns in {}", places(at)));
    }
    if !(summary.stopped.is_empty() && summary.changed.is_empty()) {
        parts.push(guards(summary, n_namespaces));
    }
    parts.join(" · ")
}

/// Who stops it, and where.
fn guards(summary: &Summary<'_>, n_namespaces: usize) -> String {
    let places = |at: &[&str]| places(at, n_namespaces);
    let mut parts: Vec<String> = summary
        .stopped
        .iter()
        .map(|(by, at)| format!("stopped by {by} in {}", places(at)))
        .collect();
    if !summary.changed.is_empty() {
        parts.push(format!("made harmless in {}", places(&summary.changed)));
    }
    parts.join(" · ")
}

/// Which pods fare otherwise inside of what makes pods.
fn inside(proven: &Proven<'_>, text: &mut String) {
    if !proven.workloads {
        return;
    }
    let differences = proven.differences();
    *text += if differences.is_empty() {
        "AS WORKLOADS  no pod fares otherwise inside of a Deployment or CronJob\n"
    } else {
        "AS WORKLOADS\n"
    };
    for difference in &differences {
        let parts = difference.places.iter().map(|((caught, open), at)| {
            let at = places(at, proven.n_namespaces);
            format!("stopped as {}, not as {} in {at}", caught.join(" and "), open.join(" or "))
        });
        let parts: Vec<String> = parts.collect();
        let control = &difference.canary.control.id;
        _ = writeln!(text, "          {control:<32}  {}", parts.join(" · "));
    }
}

/// Places by name, as far as there is room.
fn places(places: &[&str], n_namespaces: usize) -> String {
    if places.len() == n_namespaces && n_namespaces > 1 {
        return format!("all {n_namespaces} namespaces");
    }
    few(places, MOST_NAMED)
}

/// What showed nothing, by cause.
fn untried(summaries: &[Summary<'_>], text: &mut String) {
    let mut causes = std::collections::BTreeMap::new();
    for summary in summaries {
        for (why, (at, message)) in &summary.untried {
            let cause = causes.entry(*why).or_insert((Vec::new(), 0, *message));
            cause.0.push(&*summary.canary.control.id);
            cause.1 += at.len();
        }
    }
    if !causes.is_empty() {
        *text += "NOT TRIED\n";
    }
    for (why, (controls, n_trials, message)) in causes {
        _ = writeln!(text, "{n_trials:>8}  {}: {}", why.as_str(), few(&controls, MOST_NAMED));
        _ = writeln!(text, "          {message}");
    }
}
