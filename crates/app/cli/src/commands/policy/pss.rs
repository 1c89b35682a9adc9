//! `ironhull policy pss`: what Pod Security admission says of each pod, and what
//! it would say if namespaces were stricter.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::bail;
use ironhull_dialects::guards::{Unlabelled, unlabelled};
use ironhull_model::{Minor, Object, Snapshot, SourceId, World};
use ironhull_pss::admission::{Configuration, Request};
use ironhull_pss::policy::LevelVersion;
use ironhull_pss::{Level, Pod, Version};
use ironhull_report::text::{few, plain};
use ironhull_schema::{POD_KINDS, Schema};

use crate::args::{Global, Pss};
use crate::commands::access::reach::Reach;
use crate::config::{self, Config};
use crate::estate;
use crate::exit::Exit;
use crate::printer;

/// How many namespaces are named.
const MOST_NAMED: usize = 4;

/// Runs the command: 0 nothing is denied, 1 something is.
pub(super) fn run(args: &Pss, global: &Global) -> anyhow::Result<Exit> {
    let Some(version) = Version::parse(&args.version) else {
        bail!("--version {:?} is neither latest nor v1.N", args.version)
    };
    let what_if =
        args.level.as_deref().and_then(Level::parse).map(|level| LevelVersion { level, version });
    let configuration = args.admission_config.as_deref().map(configuration).transpose()?;
    let configuration = configuration.unwrap_or_default();
    let minor = config::minor(args.kubernetes_version.as_deref(), &Config::default())?;
    let options = estate::Options::to_ask(minor, global);
    let snapshot = estate::read(&args.targets, &options).snapshot;
    super::super::check::print_diagnostics(&snapshot);
    // A cluster says itself which it is.
    let minor = snapshot.minor;
    let mut tally = Tally::default();
    let mut text = String::new();
    for object in &snapshot.objects {
        let namespace = &*object.thing.namespace;
        if args.namespace.as_deref().is_some_and(|wanted| wanted != namespace) {
            continue;
        }
        let Some(pod) = pod(object, minor) else { continue };
        let verdict = match what_if {
            Some(mode) => tally.what_if(&configuration, mode, object, pod, minor),
            None => tally.by_labels(&configuration, &snapshot, object, pod, minor),
        };
        text += &format!("{}: {verdict}\n", object.thing);
    }
    if let Some(mode) = what_if {
        for (namespace, pods) in &tally.pods {
            for line in configuration.tighten(namespace, mode, pods, minor) {
                text += &format!("{line}\n");
            }
        }
    }
    let (n_allowed, n_denied, n_unknown) = (tally.n_allowed, tally.n_denied, tally.n_unknown);
    text += &format!("{n_allowed} allowed, {n_denied} denied");
    if n_unknown > 0 {
        text += &format!(", {n_unknown} unknown → add the Namespaces, or ask with --level");
    }
    text.push('\n');
    printer::text(&text);
    if args.admission_config.is_none()
        && !tally.by_default.is_empty()
        && unlabelled(World::new(&snapshot)) == Unlabelled::Unread
    {
        let names: Vec<&str> = tally.by_default.iter().copied().collect();
        printer::error(&plain(&format!(
            "note: of {} no label says what is enforced; privileged holds there unless the API server is configured otherwise: --admission-config FILE",
            few(&names, MOST_NAMED)
        )));
    }
    let kinds: Vec<_> = POD_KINDS.iter().copied().chain([("", "Namespace")]).collect();
    let reach = Reach::of_kinds(&snapshot, &kinds, args.namespace.as_deref());
    reach.tell();
    let mut exit = reach.exit();
    if n_unknown > 0 {
        exit = exit.or(Exit::Unjudged);
    }
    Ok(if n_denied > 0 { exit.or(Exit::Findings) } else { exit })
}

fn configuration(path: &Path) -> anyhow::Result<Configuration> {
    let text = ironhull_manifests::read(path, &ironhull_manifests::Limits::default())
        .map_err(|diagnostic| anyhow::anyhow!("{} [{}]", diagnostic.message, diagnostic.code))?;
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let Some(document) = parsed.documents.first() else { bail!("{} is empty", path.display()) };
    Configuration::read(document.value.root())
        .map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))
}

fn pod(object: &Object, minor: Minor) -> Option<Pod<'_>> {
    let (schema, thing) = (Schema::of(minor), &object.thing);
    let spec = schema.pod_spec(&thing.group, &thing.kind, object.root())?;
    Some(Pod { spec, meta: schema.pod_meta(&thing.group, &thing.kind, object.root()) })
}

/// What was said so far.
#[derive(Default)]
struct Tally<'s> {
    n_allowed: usize,
    n_denied: usize,
    /// Their namespaces' labels are not known.
    n_unknown: usize,
    /// The namespaces whose labels do not say what is enforced.
    by_default: BTreeSet<&'s str>,
    /// By namespace: names and pods, for the warnings of a change of labels.
    pods: BTreeMap<&'s str, Vec<(&'s str, Pod<'s>)>>,
}

impl<'s> Tally<'s> {
    fn count(&mut self, denied: bool) {
        if denied { self.n_denied += 1 } else { self.n_allowed += 1 }
    }

    /// As if the namespace enforced a level.
    fn what_if(
        &mut self,
        configuration: &Configuration,
        mode: LevelVersion,
        object: &'s Object,
        pod: Pod<'s>,
        minor: Minor,
    ) -> String {
        let (name, namespace) = (&*object.thing.name, &*object.thing.namespace);
        self.pods.entry(namespace).or_default().push((name, pod));
        let mut as_if = configuration.clone();
        as_if.defaults.enforce = mode;
        let request = Request { user: "", namespace, labels: None, pod, is_pod: true };
        let review = as_if.review(&request, minor);
        self.count(review.denied.is_some());
        match (review.exempt, review.denied) {
            (Some(exemption), _) => format!("allowed, its {} is exempt", exemption.as_str()),
            (None, None) => format!("allowed by {mode}"),
            (None, Some(denied)) => denied,
        }
    }

    /// As the labels of its namespace say. A workload is judged by the pods that
    /// it makes: they are what is denied.
    fn by_labels(
        &mut self,
        configuration: &Configuration,
        snapshot: &Snapshot,
        object: &'s Object,
        pod: Pod<'_>,
        minor: Minor,
    ) -> String {
        let namespace = &*object.thing.namespace;
        let found = snapshot
            .objects
            .iter()
            .find(|other| other.is("", "Namespace") && *other.thing.name == *namespace);
        let Some(found) = found else {
            self.n_unknown += 1;
            let which =
                if namespace.is_empty() { "it names none" } else { "it is not in the input" };
            return format!("unknown, as are the labels of its Namespace: {which}");
        };
        let labels = found.root().path(&["metadata", "labels"]);
        if labels.is_none_or(|labels| labels.get("pod-security.kubernetes.io/enforce").is_none()) {
            self.by_default.insert(namespace);
        }
        let request = Request { user: "", namespace, labels, pod, is_pod: true };
        let review = configuration.review(&request, minor);
        self.count(review.denied.is_some());
        let mut parts = Vec::new();
        if let Some(exemption) = review.exempt {
            parts.push(format!("allowed, its {} is exempt", exemption.as_str()));
        }
        if let Some(denied) = review.denied {
            let who = if object.is("", "Pod") { "forbidden" } else { "its pods are forbidden" };
            parts.push(format!("{who}: {denied}"));
        } else if review.exempt.is_none() {
            let mode = review.audit.get("enforce-policy").map_or("", String::as_str);
            parts.push(format!("allowed by {mode}"));
        }
        parts.extend(review.warning.map(|warning| format!("warning: {warning}")));
        let audit = review.audit.get("audit-violations");
        parts.extend(audit.map(|violations| format!("audit: {violations}")));
        let wrong = review.audit.get("error");
        parts.extend(wrong.map(|error| format!("wrong labels: {error}")));
        parts.join("; ")
    }
}
