//! What the admission plugin answers: configuration, exemptions, and the three
//! modes of a namespace for pods and for what makes pods.
//!
//! Source: `k8s.io/pod-security-admission/admission`. Only creation is answered;
//! an update is evaluated like one when it changes images or adds containers.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_model::{Kind, Minor, Node};

use crate::policy::{LevelVersion, Policy};
use crate::{Failure, Level, Pod, Version, describe, evaluate};

/// Who is let through without a look.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exemptions {
    /// Users who ask.
    pub usernames: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Runtime classes of pods.
    pub runtime_classes: Vec<String>,
}

/// `PodSecurityConfiguration`: what counts where namespaces say nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// The policy under the labels.
    pub defaults: Policy,
    /// Who is exempt.
    pub exemptions: Exemptions,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration { defaults: Policy::PRIVILEGED, exemptions: Exemptions::default() }
    }
}

/// Why a request is not evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exemption {
    /// Its namespace.
    Namespace,
    /// Its user.
    User,
    /// Its pod's runtime class.
    RuntimeClass,
}

impl Exemption {
    /// As in the audit annotation `exempt`.
    pub fn as_str(self) -> &'static str {
        match self {
            Exemption::Namespace => "namespace",
            Exemption::User => "user",
            Exemption::RuntimeClass => "runtimeClass",
        }
    }
}

/// The creation of a pod, or of an object that makes pods.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks; empty where nobody is known.
    pub user: &'a str,
    /// The namespace's name.
    pub namespace: &'a str,
    /// Its labels.
    pub labels: Option<Node<'a>>,
    /// The pod, or the template.
    pub pod: Pod<'a>,
    /// Whether the object is a Pod; only those are denied.
    pub is_pod: bool,
}

/// What the plugin answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Review {
    /// Not evaluated, and why.
    pub exempt: Option<Exemption>,
    /// Why it is denied, without `pods "NAME" is forbidden: ` before it.
    pub denied: Option<String>,
    /// What the client is told.
    pub warning: Option<String>,
    /// Audit annotations, without the prefix `pod-security.kubernetes.io/`.
    pub audit: BTreeMap<&'static str, String>,
}

const MODES: &[&str] =
    &["enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version"];
const EXEMPTIONS: &[&str] = &["usernames", "namespaces", "runtimeClasses"];

/// Refuses fields that the API server does not know, and what is no map.
fn known<'n>(node: impl Into<Option<Node<'n>>>, path: &str, fields: &[&str]) -> Result<(), String> {
    let Some(node) = node.into().filter(|node| !node.is_null()) else { return Ok(()) };
    if node.kind() != Kind::Map {
        return Err(format!("{path} is a {}, not a map", node.kind()));
    }
    let unknown = node.entries().find(|(name, _)| !fields.contains(name));
    unknown.map_or(Ok(()), |(name, _)| {
        let dot = if path.is_empty() { "" } else { "." };
        Err(format!("unknown field \"{path}{dot}{name}\""))
    })
}

/// A list of exempt names: texts, each once.
fn names(exemptions: Option<Node<'_>>, name: &str) -> Result<Vec<String>, String> {
    let list = exemptions.and_then(|exemptions| exemptions.get(name));
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for (at, item) in list.items().enumerate() {
        let text = item.as_str().ok_or(format!("exemptions.{name}[{at}] is no text"))?.to_owned();
        if names.contains(&text) {
            return Err(format!("exemptions.{name}[{at}]: {text:?} is there twice"));
        }
        names.push(text);
    }
    match list.kind() {
        Kind::List => Ok(names),
        kind => Err(format!("exemptions.{name} is a {kind}, not a list")),
    }
}

impl Configuration {
    /// Reads a `PodSecurityConfiguration`, alone or inside an
    /// `AdmissionConfiguration`; an error text says what is wrong in it.
    pub fn read(root: Node<'_>) -> Result<Configuration, String> {
        let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
        if kind == "AdmissionConfiguration" {
            let plugin =
                root.get("plugins").into_iter().flat_map(Node::items).find(|plugin| {
                    plugin.get("name").and_then(Node::as_str) == Some("PodSecurity")
                });
            let inner = plugin.and_then(|plugin| plugin.get("configuration"));
            let path = plugin.and_then(|plugin| plugin.get("path")?.as_str());
            if let (None, Some(path)) = (inner.filter(|inner| !inner.is_null()), path) {
                return Err(format!(
                    "the plugin PodSecurity is configured in {path:?}: name that file"
                ));
            }
            return Configuration::read(inner.ok_or("it configures no plugin PodSecurity")?);
        }
        if kind != "PodSecurityConfiguration" {
            return Err(format!("kind is {kind:?}, not PodSecurityConfiguration"));
        }
        // The API server reads this file strictly: what is misspelt is no exemption.
        known(root, "", &["apiVersion", "kind", "defaults", "exemptions"])?;
        let defaults = root.get("defaults");
        known(defaults, "defaults", MODES)?;
        known(root.get("exemptions"), "exemptions", EXEMPTIONS)?;
        let mode = |name: &str| -> Result<LevelVersion, String> {
            let text = |key: &str| defaults?.get(key)?.as_str().filter(|text| !text.is_empty());
            let level = text(name).unwrap_or("privileged");
            let key = format!("{name}-version");
            let version = text(&key).unwrap_or("latest");
            Ok(LevelVersion {
                level: Level::parse(level)
                    .ok_or(format!("defaults.{name}: {level:?} is no level"))?,
                version: Version::parse(version)
                    .ok_or(format!("defaults.{key}: {version:?} is no version"))?,
            })
        };
        let list = |name| names(root.get("exemptions"), name);
        Ok(Configuration {
            defaults: Policy {
                enforce: mode("enforce")?,
                audit: mode("audit")?,
                warn: mode("warn")?,
            },
            exemptions: Exemptions {
                usernames: list("usernames")?,
                namespaces: list("namespaces")?,
                runtime_classes: list("runtimeClasses")?,
            },
        })
    }

    /// Answers a creation on a cluster of `minor`.
    pub fn review(&self, request: &Request<'_>, minor: Minor) -> Review {
        let exempt = |exemption| Review {
            exempt: Some(exemption),
            audit: BTreeMap::from([("exempt", Exemption::as_str(exemption).to_owned())]),
            ..Review::default()
        };
        if self.exemptions.namespaces.iter().any(|name| name == request.namespace) {
            return exempt(Exemption::Namespace);
        }
        if !request.user.is_empty()
            && self.exemptions.usernames.iter().any(|name| name == request.user)
        {
            return exempt(Exemption::User);
        }
        let (policy, wrong) = Policy::of_labels(request.labels, self.defaults);
        if wrong.is_empty() && looks_at_nothing(policy, request.is_pod) {
            let mut review = Review::default();
            if request.is_pod {
                review.audit.insert("enforce-policy", "privileged:latest".to_owned());
            }
            return review;
        }
        if self.is_exempt_class(&request.pod) {
            return exempt(Exemption::RuntimeClass);
        }
        evaluated(policy, &wrong, request, minor)
    }

    fn is_exempt_class(&self, pod: &Pod<'_>) -> bool {
        let class = pod.spec.get("runtimeClassName").and_then(Node::as_str).unwrap_or_default();
        !class.is_empty() && self.exemptions.runtime_classes.iter().any(|name| name == class)
    }

    /// The warnings of a change of a namespace's labels to a new enforce level:
    /// which pods that are there already violate it.
    pub fn tighten(
        &self,
        namespace: &str,
        enforce: LevelVersion,
        pods: &[(&str, Pod<'_>)],
        minor: Minor,
    ) -> Vec<String> {
        let mut by_reason: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (name, pod) in pods.iter().filter(|(_, pod)| !self.is_exempt_class(pod)) {
            let failures = evaluate(enforce.level, enforce.version.on(minor), pod);
            if !failures.is_empty() {
                by_reason.entry(reasons(&failures)).or_default().insert(name);
            }
        }
        let mut lines: Vec<String> = by_reason
            .iter()
            .map(|(reasons, names)| {
                let first = names.first().copied().unwrap_or_default();
                match names.len() {
                    1 => format!("{first}: {reasons}"),
                    2 => format!("{first} (and 1 other pod): {reasons}"),
                    n => format!("{first} (and {} other pods): {reasons}", n - 1),
                }
            })
            .collect();
        lines.sort();
        if !lines.is_empty() {
            let what = format!(
                "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level \"{enforce}\""
            );
            lines.insert(0, what);
        }
        lines
    }
}

fn looks_at_nothing(policy: Policy, is_pod: bool) -> bool {
    let privileged = |mode: LevelVersion| mode.level == Level::Privileged;
    (!is_pod || privileged(policy.enforce)) && privileged(policy.audit) && privileged(policy.warn)
}

fn reasons(failures: &[Failure<'_>]) -> String {
    failures.iter().map(|failure| failure.reason.as_str()).collect::<Vec<_>>().join(", ")
}

fn evaluated(policy: Policy, wrong: &[String], request: &Request<'_>, minor: Minor) -> Review {
    let violation = |mode: LevelVersion| {
        let failures = evaluate(mode.level, mode.version.on(minor), &request.pod);
        (!failures.is_empty()).then(|| format!("PodSecurity \"{mode}\": {}", describe(&failures)))
    };
    let mut review = Review::default();
    match wrong {
        [] => {}
        [one] => _ = review.audit.insert("error", format!("Failed to parse policy: {one}")),
        several => {
            let all = several.join(", ");
            review.audit.insert("error", format!("Failed to parse policy: [{all}]"));
        }
    }
    if request.is_pod {
        review.audit.insert("enforce-policy", policy.enforce.to_string());
        review.denied = violation(policy.enforce).map(|text| format!("violates {text}"));
    }
    if let Some(text) = violation(policy.audit) {
        review.audit.insert("audit-violations", format!("would violate {text}"));
    }
    // Who is refused is not warned too.
    if review.denied.is_none() {
        review.warning = violation(policy.warn).map(|text| format!("would violate {text}"));
    }
    review
}
