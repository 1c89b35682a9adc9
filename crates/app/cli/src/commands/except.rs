//! `ironhull except`: accept a finding, as a document for the repository.

use anyhow::{Context, bail};
use ironhull_controls::exceptions::WAIVER_DAYS;
use ironhull_model::{Finding, Node, Object, Pointer, SourceId};
use ironhull_repair::file_name;
use ironhull_schema::Schema;
use jiff::Span;
use jiff::civil::Date;

use super::last::{self, Named};
use crate::args::{Except, Global};
use crate::config;
use crate::exit::Exit;
use crate::printer;

/// Runs the command.
pub(crate) fn run(except: &Except, global: &Global) -> anyhow::Result<Exit> {
    for (name, text) in [("--reason", &except.reason), ("--owner", &except.owner)] {
        if text.trim().is_empty() {
            bail!("{name} is empty: whoever reviews the exception reads it");
        }
    }
    let (_, today) = config::now(global)?;
    let last = last::load(global)?;
    let Named::Finding(_, finding) = last.finding(&except.what) else {
        printer::error(&format!("error: {:?} is no single finding of the last check", except.what));
        return Ok(Exit::Usage);
    };
    let subject = &finding.subject;
    let name = format!("{}-{}", file_name(&subject.name), finding.control);
    let mut text = format!(
        "apiVersion: ironhull.dev/v1\nkind: Exception\nmetadata: {{name: {name}}}\nspec:\n  type: {}\n  controls: [{}]\n  subjects: [{{kind: {}, {}name: {}}}]\n",
        if except.by_design { "by-design" } else { "waiver" },
        finding.control,
        plain(&subject.kind),
        if subject.namespace.is_empty() {
            String::new()
        } else {
            format!("namespace: {}, ", plain(&subject.namespace))
        },
        plain(&subject.name),
    );
    if !finding.element.is_empty() {
        text += &format!("  elements: [{}]\n", quoted(&finding.element));
    }
    if except.by_design {
        text += &pins(&last, finding)?;
    }
    text += &format!("  reason: {}\n  owner: {}\n", quoted(&except.reason), quoted(&except.owner));
    text += &if except.by_design {
        format!("  reviewed: \"{today}\"\n")
    } else {
        format!("  expires: \"{}\"\n", until(except, today)?)
    };
    printer::data(&text);
    printer::error("commit this document beside the manifests; ironhull finds it there");
    Ok(Exit::Clean)
}

fn until(except: &Except, today: Date) -> anyhow::Result<Date> {
    let latest = today.checked_add(Span::new().days(WAIVER_DAYS))?;
    let Some(text) = &except.until else { return Ok(today.checked_add(Span::new().days(30))?) };
    let day: Date = text.parse().with_context(|| format!("--until {text:?} is not YYYY-MM-DD"))?;
    if day > latest || day < today {
        bail!(
            "a waiver ends between {today} and {latest} ({WAIVER_DAYS} days); what must stay is --by-design"
        );
    }
    Ok(day)
}

/// A by-design exception holds for one image repository and ServiceAccount.
fn pins(last: &last::Last, finding: &Finding) -> anyhow::Result<String> {
    let snapshot = &last.judged.snapshot;
    let object = snapshot
        .objects
        .iter()
        .find(|object| object.thing == finding.subject)
        .context("the object is gone")?;
    let thing = &object.thing;
    let pod = Schema::of(snapshot.minor)
        .pod_spec(&thing.group, &thing.kind, object.root())
        .context("only workloads can be by design; use a waiver")?;
    let account = pod.get("serviceAccountName").and_then(Node::as_str).unwrap_or("default");
    let image = container(object, finding)
        .or_else(|| pod.get("containers")?.item(0))
        .and_then(|container| container.get("image")?.as_str())
        .unwrap_or_default();
    let repository = ironhull_model::image::repository(image);
    Ok(format!("  image: {}\n  serviceAccount: {}\n", quoted(repository), plain(account)))
}

/// The container that a finding stands in; none for what is about the whole pod.
fn container<'o>(object: &'o Object, finding: &Finding) -> Option<Node<'o>> {
    let mut pointer = Pointer::root();
    let mut is_list = false;
    for segment in finding.at.segments() {
        pointer.push(&segment);
        if is_list {
            return object.value.at(&pointer);
        }
        is_list = matches!(&*segment, "containers" | "initContainers" | "ephemeralContainers");
    }
    None
}

/// A name as YAML text, in quotes where it would be something else without them.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let read = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    let is_itself =
        read.documents.first().is_some_and(|read| read.value.root().as_str() == Some(text));
    if is_itself && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
