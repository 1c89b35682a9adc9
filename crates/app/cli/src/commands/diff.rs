//! `ironhull diff`: what differs between two targets, by fingerprint.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use ironhull_model::Severity;

use super::check::judge;
use crate::args::{Diff, Global, Judging};
use crate::exit::Exit;
use crate::printer;

/// Fingerprint → what to print of it.
type Findings = BTreeMap<String, (String, String)>;

/// Runs the command: 0 the same findings, 1 they differ.
pub(crate) fn run(diff: &Diff, global: &Global) -> anyhow::Result<Exit> {
    let before = findings(&diff.before, &diff.judging, global)?;
    let after = findings(&diff.after, &diff.judging, global)?;
    let mut text = String::new();
    for (sign, from, other) in [("-", &before, &after), ("+", &after, &before)] {
        for (_, (id, message)) in
            from.iter().filter(|(fingerprint, _)| !other.contains_key(*fingerprint))
        {
            text += &format!("{sign} {id}  {message}\n");
        }
    }
    let same = before.keys().filter(|fingerprint| after.contains_key(*fingerprint)).count();
    let (gone, new) = (before.len() - same, after.len() - same);
    text += &format!("{gone} gone, {new} new, {same} unchanged\n");
    printer::data(&text);
    Ok(if gone + new == 0 { Exit::Clean } else { Exit::Findings })
}

fn findings(target: &str, judging: &Judging, global: &Global) -> anyhow::Result<Findings> {
    if Path::new(target).extension().is_some_and(|ending| ending == "json")
        && let Some(report) = saved(target)?
    {
        return Ok(report);
    }
    let judged = judge(&[target.to_owned()], judging, global, |_| Ok(Severity::Critical))?;
    let open = judged.judgement.findings.iter().filter(|finding| finding.accepted.is_none());
    Ok(open
        .map(|finding| (finding.fingerprint().to_string(), (finding.id(), finding.message.clone())))
        .collect())
}

/// A JSON report of an earlier check; none when the file is something else.
fn saved(path: &str) -> anyhow::Result<Option<Findings>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {path}"))?;
    let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(None) };
    if json["apiVersion"] != "ironhull.dev/v1" || json["kind"] != "Check" {
        return Ok(None);
    }
    let text = |finding: &serde_json::Value, field: &str| {
        finding[field].as_str().unwrap_or_default().to_owned()
    };
    let open = json["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["accepted"].is_null());
    Ok(Some(
        open.map(|finding| {
            (text(finding, "fingerprint"), (text(finding, "id"), text(finding, "message")))
        })
        .collect(),
    ))
}
