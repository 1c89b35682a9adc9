//! Explanations, as a good colleague gives them.

use std::fmt::Write;

use ironhull_controls::Control;
use ironhull_controls::control::{Mapping, Rule, Step};
use ironhull_model::{Evidence, Finding, Object, Place, RepairStep, Snapshot, ThingRef, Verdict};

use crate::repair;
use crate::text::{self, plain, shell_quoted, shell_word};

mod network;
mod pod;

/// A control: what must hold, why, and where it comes from.
pub fn control(control: &Control) -> String {
    let mut out = format!("{}  {}\n\n{}\n", control.id, control.title, control.why);
    _ = writeln!(out, "\nworst    {}", control.worst());
    let from = control.from.map_or_else(String::new, |minor| format!(" from Kubernetes {minor}"));
    let until = control.until.map_or_else(String::new, |minor| format!(" before {minor}"));
    _ = writeln!(out, "judges   {}{from}{until}", applies(control));
    if control.portable {
        out.push_str("native   can be installed as a ValidatingAdmissionPolicy\n");
    }
    standards(control, &mut out);
    if let Some(may) = &control.may
        && changes(control)
    {
        _ = writeln!(out, "repair   {}: {may}", repair::UNSAFE);
    }
    if control.params.len() > 2 {
        _ = writeln!(out, "params   {}", control.params);
    }
    out
}

/// Whether its repair changes anything; what a native rule does is not known here.
fn changes(control: &Control) -> bool {
    match &control.rule {
        Rule::Cel(rule) => rule.repair.iter().any(|step| !matches!(step, Step::Ask(_))),
        Rule::Native(_) => control.may.as_deref() != Some(ironhull_controls::UNSAID),
    }
}

fn applies(control: &Control) -> String {
    use ironhull_controls::control::Applies;
    match &control.applies {
        Applies::Pods => "every pod template".to_owned(),
        Applies::Any => "every object".to_owned(),
        Applies::Cluster => "the estate as a whole".to_owned(),
        Applies::Kinds(kinds) => {
            kinds.iter().map(|(_, kind)| &**kind).collect::<Vec<_>>().join(", ")
        }
    }
}

fn standards(control: &Control, out: &mut String) {
    let item = |mapping: &Mapping| match &mapping.part {
        None => mapping.item.to_string(),
        Some(part) => format!("{} (part: {part})", mapping.item),
    };
    for standard in &control.standards {
        let version =
            standard.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
        let items: Vec<String> = standard.items.iter().map(item).collect();
        _ = writeln!(out, "{:<8} {}", format!("{}{version}", standard.name), items.join(", "));
    }
    if !control.catalogue.is_empty() {
        let items: Vec<String> = control.catalogue.iter().map(item).collect();
        _ = writeln!(out, "rows     {}", items.join(", "));
    }
}

/// A finding: what, why, proof with lines, how to verify, the smallest fix.
/// `first_seen` is RFC 3339.
pub fn finding(
    number: usize,
    finding: &Finding,
    control: Option<&Control>,
    snapshot: &Snapshot,
    first_seen: Option<&str>,
) -> String {
    let mut out = format!(
        "{number}  {} · {}\n{}\n\n",
        finding.severity,
        plain(&finding.id()),
        plain(&finding.message)
    );
    if let Some(control) = control {
        _ = writeln!(out, "MUST HOLD  {}\nWHY        {}", control.title, control.why);
    }
    if finding.verdict == Verdict::Unknown {
        _ = writeln!(out, "UNKNOWN    it lacks {}", plain(&finding.missing.join(", ")));
    }
    out.push_str("\nPROOF\n");
    for evidence in &finding.evidence {
        _ = writeln!(out, "  {}", plain(&statement(evidence)));
        if let Some((place, line)) = line(evidence.place, snapshot) {
            _ = writeln!(out, "      {place} | {line}");
        }
    }
    let verify = verify(finding, snapshot);
    _ = writeln!(out, "\nVERIFY\n  {verify}");
    fix(number, finding, snapshot, &mut out);
    if let Some(day) = first_seen.and_then(|seen| seen.get(..10)) {
        _ = writeln!(out, "\nSINCE      {day}");
    }
    if let Some((owner, source)) = finding.owner.as_deref() {
        _ = writeln!(out, "\nOWNER      {owner} ({source})");
    }
    if !finding.assignment.is_empty() {
        _ = writeln!(out, "\nPOLICY     {} at rung {}", finding.assignment, finding.rung.as_str());
    }
    if let Some(accepted) = &finding.accepted {
        _ = writeln!(
            out,
            "\nACCEPTED   {} {}, until {}, {}: {}",
            accepted.kind, accepted.name, accepted.until, accepted.owner, accepted.reason
        );
    }
    if let Some(control) = control {
        out.push_str("\nSTANDARDS\n");
        let mut text = String::new();
        standards(control, &mut text);
        for line in text.lines() {
            _ = writeln!(out, "  {line}");
        }
    }
    out
}

fn statement(evidence: &Evidence) -> String {
    let defaulted = if evidence.defaulted { " (the API server's default)" } else { "" };
    let fact = evidence.fact.map_or_else(String::new, |fact| format!(", {fact}:"));
    let at = format!("{}{fact} {}", evidence.thing, shown(evidence.pointer.as_str()));
    match (&evidence.absent, &evidence.value) {
        (Some(absent), _) => format!("{at} has no {absent}"),
        (None, Some(value)) => format!("{at} is {value}{defaulted}"),
        (None, None) => at,
    }
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "(the object)" } else { pointer }
}

fn line(place: Option<Place>, snapshot: &Snapshot) -> Option<(String, String)> {
    let place = place?;
    let source = snapshot.source(place.source)?;
    let path = &source.path;
    if source.rendered.is_none() {
        let at = source.position(place.start);
        return Some((
            format!("{path}:{}:{}", at.line, at.column),
            text::window(&text::masked_line(snapshot, place.source, at.line), at.column as usize).0,
        ));
    }
    let template = source.template_line(place.start)?;
    let value = template.value.as_ref();
    let value = value.map_or_else(String::new, |value| format!("   ← value {value}"));
    // A template that writes the secret itself shows it as its rendered line does.
    let rendered = source.line(source.position(place.start).line);
    let masked = text::masked_line(snapshot, place.source, source.position(place.start).line);
    let shown = if masked == rendered { &*template.text } else { masked.as_str() };
    Some((format!("{path}:{}", template.line), format!("{shown}{value}")))
}

/// A command that shows the decisive value without us.
pub fn verify(finding: &Finding, snapshot: &Snapshot) -> String {
    let pointer = finding.evidence.first().map_or(&finding.at, |evidence| &evidence.pointer);
    let subject = &finding.subject;
    let path = yq_path(pointer.as_str());
    let source = finding.place.and_then(|place| snapshot.source(place.source));
    let fact = finding.evidence.first().filter(|evidence| evidence.fact.is_some());
    if let Some(command) = fact.and_then(|evidence| verify_fact(evidence, &path)) {
        return command;
    }
    match source {
        Some(source) if source.path != "-" => {
            let program = format!("{} | {path}", selected(subject, snapshot));
            let query = format!("yq {}", shell_quoted(&program));
            match &source.rendered {
                None => format!("{query} {}", shell_word(&source.path)),
                Some(rendered) => format!("{} | {query}", rendered.command),
            }
        }
        _ => {
            let namespace = if subject.namespace.is_empty() {
                String::new()
            } else {
                format!(" -n {}", shell_word(&subject.namespace))
            };
            format!(
                "kubectl get {}{namespace} {} -o json | jq {}",
                shell_word(&subject.kind.to_lowercase()),
                shell_word(&subject.name),
                shell_quoted(&path)
            )
        }
    }
}

/// The part of a yq program that finds an object in its file.
fn selected(subject: &ThingRef, snapshot: &Snapshot) -> String {
    let object = snapshot.objects.iter().find(|object| *object.thing == *subject);
    let is_in_list = object.and_then(|object| object.origin?.item).is_some();
    let (kind, name) = (string(&subject.kind), string(&subject.name));
    let is_alike = |object: &&std::sync::Arc<Object>| {
        let thing = &object.thing;
        (&thing.kind, &thing.name) == (&subject.kind, &subject.name)
    };
    let mut which = format!(".metadata.name == {name}");
    if snapshot.objects.iter().filter(is_alike).count() > 1 && !subject.namespace.is_empty() {
        which += &format!(" and .metadata.namespace == {}", string(&subject.namespace));
    }
    // Items of a typed list need not say their kind.
    match is_in_list {
        true => format!(
            ".. | select(tag == \"!!map\" and (.kind == {kind} or .kind == null) and {which})"
        ),
        false => format!("select(.kind == {kind} and {which})"),
    }
}

/// A command that shows the decisive value of a fact, where one does.
fn verify_fact(evidence: &Evidence, path: &str) -> Option<String> {
    let (raw, program) = match evidence.fact? {
        "node.kubelet-config" => {
            let raw = format!("/api/v1/nodes/{}/proxy/configz", evidence.thing.name);
            (
                raw,
                if path == "." { ".kubeletconfig".into() } else { format!(".kubeletconfig{path}") },
            )
        }
        "cluster.version" => ("/version".to_owned(), path.to_owned()),
        "cluster.support" => ("/version".to_owned(), ".gitVersion".to_owned()),
        _ => return None,
    };
    Some(format!("kubectl get --raw {} | jq {}", shell_word(&raw), shell_quoted(&program)))
}

/// A string of jq and yq.
fn string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn yq_path(pointer: &str) -> String {
    if pointer.is_empty() {
        return ".".to_owned();
    }
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            _ = write!(path, "[{name}]");
        } else if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            _ = write!(path, ".{name}");
        } else {
            _ = write!(path, "[{}]", string(&name));
        }
    }
    if path.starts_with('[') { format!(".{path}") } else { path }
}

fn fix(number: usize, finding: &Finding, snapshot: &Snapshot, out: &mut String) {
    if finding.repair.steps.is_empty() {
        return;
    }
    out.push_str("\nFIX\n");
    for step in &finding.repair.steps {
        match step {
            RepairStep::Set { pointer, value } => {
                _ = writeln!(out, "  set {pointer} to {}", value.root().to_json())
            }
            RepairStep::Append { pointer, value } => {
                _ = writeln!(out, "  add {} to {pointer}", value.root().to_json())
            }
            RepairStep::Remove { pointer } => _ = writeln!(out, "  remove {pointer}"),
            RepairStep::Create { object } => {
                _ = writeln!(out, "  create {}", object.root().to_json())
            }
            RepairStep::Ask { question } => _ = writeln!(out, "  decide: {question}"),
        }
    }
    if let Some(may) = &finding.repair.may {
        _ = writeln!(out, "  {}: {may}", repair::UNSAFE);
    }
    if let Some(why) = ironhull_repair::uneditable(finding, snapshot) {
        _ = writeln!(out, "  {why}");
    } else if repair::is_automatic(&finding.repair) {
        _ = writeln!(
            out,
            "  ironhull fix {number}          prints the patch\n  ironhull fix {number} --write  edits the file"
        );
    }
}

/// An object: what it is, what is wrong with it, what runs it as whom.
pub fn object(object: &Object, findings: &[(usize, &Finding)], snapshot: &Snapshot) -> String {
    let mut out =
        format!("{}  {}\n", plain(&object.thing.to_string()), plain(&object.api_version()));
    if let Some(source) = object.origin.and_then(|origin| snapshot.source(origin.source)) {
        let at = object.root().span().and_then(|span| source.shown_position(span.start));
        let line = at.map_or_else(String::new, |at| format!(":{}", at.line));
        _ = writeln!(out, "read from {}{line}", source.path);
    }
    if let Some(fact) = snapshot.fact(&object.thing, "owner") {
        _ = writeln!(out, "owner     {} ({})", fact.value.root().display(), fact.source);
    }
    pod::write(object, snapshot, &mut out);
    network::write(object, snapshot, &mut out);
    _ = writeln!(out, "\n{}", crate::table::count(findings.len(), "finding"));
    let width = findings.iter().map(|(_, finding)| finding.control.len()).max().unwrap_or(0);
    for (number, finding) in findings {
        _ = writeln!(
            out,
            "{:>3}  {:<8} {:<width$} {}",
            number,
            match finding.verdict {
                Verdict::Unknown => "unknown",
                _ => finding.severity.as_str(),
            },
            finding.control,
            plain(&finding.message)
        );
    }
    out
}
