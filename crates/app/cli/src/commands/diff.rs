//! `ironhull diff`: what differs between two targets, by fingerprint.

use std::collections::BTreeMap;
use std::path::Path;

use ironhull_model::{Severity, Verdict};
use ironhull_report::text::plain;

use super::check::{self, judge};
use crate::args::{Diff, Global, Judging};
use crate::exit::Exit;
use crate::printer;

/// (Fingerprint, whether it is unknown) → what to print of it.
type Findings = BTreeMap<(String, bool), (String, String)>;

/// Runs the command: 0 the same findings, 1 they differ, 3 the same as far as could be read.
pub(crate) fn run(diff: &Diff, global: &Global) -> anyhow::Result<Exit> {
    let (before, mut exit) = findings(&diff.before, &diff.judging, global)?;
    let (after, unread) = findings(&diff.after, &diff.judging, global)?;
    exit = exit.or(unread);
    let mut text = String::new();
    for (sign, from, other) in [("-", &before, &after), ("+", &after, &before)] {
        let mut lines: Vec<String> = from
            .iter()
            .filter(|(key, _)| !other.contains_key(*key))
            .map(|((_, unknown), (id, message))| {
                let unknown = if *unknown { " (unknown)" } else { "" };
                format!("{sign} {}  {}{unknown}\n", plain(id), plain(message))
            })
            .collect();
        lines.sort_unstable();
        text.extend(lines);
    }
    let same = before.keys().filter(|key| after.contains_key(*key)).count();
    let (gone, new) = (before.len() - same, after.len() - same);
    text += &format!("{gone} gone, {new} new, {same} unchanged\n");
    printer::text(&text);
    Ok(if gone + new == 0 { exit } else { exit.or(Exit::Findings) })
}

fn findings(target: &str, judging: &Judging, global: &Global) -> anyhow::Result<(Findings, Exit)> {
    if Path::new(target).extension().is_some_and(|ending| ending == "json")
        && let Some(report) = saved(target)
    {
        return Ok((report, Exit::Clean));
    }
    let judged = judge(&[target.to_owned()], judging, global, None, |_| Ok(Severity::Low))?;
    check::print_diagnostics(&judged.snapshot);
    let open = judged.judgement.findings.iter().filter(|finding| finding.accepted.is_none());
    let findings = open
        .map(|finding| {
            let key = (finding.fingerprint().to_string(), finding.verdict == Verdict::Unknown);
            (key, (finding.id(), finding.message.clone()))
        })
        .collect();
    Ok((findings, check::unread(&judged.snapshot)))
}

/// A JSON report of an earlier check; none when the file is something else.
fn saved(path: &str) -> Option<Findings> {
    // What is no text file is for the sensors to tell.
    let Ok(text) = std::fs::read_to_string(path) else { return None };
    let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { return None };
    if json["apiVersion"] != "ironhull.dev/v1" || json["kind"] != "Check" {
        return None;
    }
    let text = |finding: &serde_json::Value, field: &str| {
        finding[field].as_str().unwrap_or_default().to_owned()
    };
    let open = json["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["accepted"].is_null());
    Some(
        open.map(|finding| {
            let key = (text(finding, "fingerprint"), finding["verdict"] == "unknown");
            (key, (text(finding, "id"), text(finding, "message")))
        })
        .collect(),
    )
}
