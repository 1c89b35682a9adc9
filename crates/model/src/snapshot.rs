//! Snapshots: everything that was read, and what was not.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::object::Object;
use crate::source::{Source, SourceId};
use crate::thing::ThingRef;
use crate::value::Value;
use crate::version::Minor;

/// Why a fact could not be had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// It is there but could not be read.
    Unreadable,
    /// We may not see it.
    Denied,
    /// What we have is too old.
    Stale,
    /// This kind of target does not hold it, or it was not asked for.
    NotAsked,
}

/// Something that could not be had.
#[derive(Clone, PartialEq, Debug)]
pub struct Gap {
    /// What is missing, such as `chart charts/redis`.
    pub what: String,
    /// Why.
    pub cause: Cause,
    /// Why, in words: `no helm on PATH`.
    pub reason: String,
    /// What would supply it, preferably a command.
    pub supply: String,
    /// The kind of fact that it is, when it is not an object; one of [`FACTS`].
    pub fact: Option<&'static str>,
    /// The kind whose objects are missing.
    pub kind: Option<Box<UnseenKind>>,
}

/// A kind of which not all objects were seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnseenKind {
    /// As [`kind_name`] says it.
    pub name: String,
    /// The namespaces in which its objects were seen all the same.
    pub seen_in: Vec<String>,
}

/// A statement about a thing that stands outside its document.
#[derive(Clone, Debug)]
pub struct Fact {
    /// About whom.
    pub thing: Arc<ThingRef>,
    /// One of [`FACTS`].
    pub name: &'static str,
    /// What.
    pub value: Value,
    /// Who says so: `annotation`, `CODEOWNERS:3`, `git`.
    pub source: String,
}

/// Whom a kind of fact is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// An object.
    Object,
    /// The cluster as a whole, so that it is a fact for every subject.
    Cluster,
}

/// A kind of fact that controls may need.
#[derive(Clone, Copy, Debug)]
pub struct FactDeclaration {
    /// Its name in `needs` and `helps`.
    pub name: &'static str,
    /// Whom it is about.
    pub about: About,
    /// What it says.
    pub text: &'static str,
    /// What supplies it.
    pub supply: &'static str,
}

impl FactDeclaration {
    /// What findings name as missing where it is not there.
    pub fn missing(&self) -> String {
        format!("fact {}", self.name)
    }
}

/// Every fact name; a control that names another one does not load.
pub const FACTS: &[FactDeclaration] = &[
    FactDeclaration {
        name: "owner",
        about: About::Object,
        text: "who owns the object, from an annotation, a label, CODEOWNERS or the configuration",
        supply: "the annotation ironhull.dev/owner, or a CODEOWNERS file",
    },
    FactDeclaration {
        name: "git",
        about: About::Object,
        text: "repository, commit and path of the file the object was read from",
        supply: "a Git checkout",
    },
    FactDeclaration {
        name: "secret",
        about: About::Object,
        text: "where the object holds a secret value, with a mark that equal values share",
        supply: "the object itself",
    },
    FactDeclaration {
        name: "image.user",
        about: About::Object,
        text: "the user and group that the image's configuration runs as",
        supply: "--images",
    },
    FactDeclaration {
        name: "node.ip-unprivileged-port-start",
        about: About::Object,
        text: "the lowest port that a process without capabilities may bind in a pod",
        supply: "a cluster target with node facts",
    },
    FactDeclaration {
        name: "registry.immutable-tags",
        about: About::Object,
        text: "whether the registry refuses to move a tag",
        supply: "a registry target",
    },
    FactDeclaration {
        name: "node.kubelet-config",
        about: About::Object,
        text: "a Node's kubelet configuration in force, as the kubelet says it (configz)",
        supply: "--read-kubelets",
    },
    FactDeclaration {
        name: "helm.release",
        about: About::Object,
        text: "of a Secret that holds a Helm release: name, revision, status, chart (name, \
               version, appVersion) and objects (apiVersion, kind, namespace, name)",
        supply: "--read-helm-releases",
    },
    FactDeclaration {
        name: "cluster.version",
        about: About::Cluster,
        text: "what the API server says it is: gitVersion, major, minor, platform, and emulated \
               where it behaves as an older minor",
        supply: "a cluster target",
    },
    FactDeclaration {
        name: "cluster.support",
        about: About::Cluster,
        text: "how long the Kubernetes project supports the cluster's minor: released, \
               maintenance and ends (dates), state (active, maintenance, ended), daysLeft",
        supply: "a cluster target that runs a minor whose dates are known",
    },
    FactDeclaration {
        name: "now",
        about: About::Cluster,
        text: "the moment that is judged as of (--at), RFC 3339",
        supply: "every check",
    },
];

/// The declaration of a fact by its name.
pub fn declared(name: &str) -> Option<&'static FactDeclaration> {
    FACTS.iter().find(|fact| fact.name == name)
}

/// What admission policies are about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    /// The kinds of their parameters: group and kind.
    pub kinds: BTreeSet<(String, String)>,
    /// What their rules name: group and plural resource.
    pub resources: BTreeSet<(String, String)>,
}

impl Named {
    /// Adds what another policy is about.
    pub fn add(&mut self, other: Named) {
        self.kinds.extend(other.kinds);
        self.resources.extend(other.resources);
    }

    /// Whether a policy is about objects of a kind, whose plural name is `resource`.
    pub fn has(&self, group: &str, kind: &str, resource: &str) -> bool {
        self.kinds.contains(&(group.to_owned(), kind.to_owned()))
            || self.resources.contains(&(group.to_owned(), resource.to_owned()))
    }
}

/// Of which kinds more than metadata is needed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Group and kind; `*` is any.
    pub whole: BTreeSet<(String, String)>,
    /// What admission policies are about, whoever makes such objects.
    pub named: Named,
}

impl Wanted {
    /// Whether the whole objects of a kind are needed.
    pub fn whole(&self, group: &str, kind: &str) -> bool {
        [(group, kind), ("*", kind), (group, "*")]
            .iter()
            .any(|(group, kind)| self.whole.contains(&((*group).to_owned(), (*kind).to_owned())))
    }

    /// Adds what somebody else needs.
    pub fn add(&mut self, other: Wanted) {
        self.whole.extend(other.whole);
        self.named.add(other.named);
    }
}

/// For which kinds an absence is a fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// A fragment of an estate: no absence is known.
    Fragment,
    /// Everything there is.
    Complete,
    /// Everything there is but objects of these kinds, which were left out.
    AllBut(Vec<String>),
    /// Complete for these kinds (`group/Kind`; `Kind` in the core group), in all namespaces.
    Kinds(Vec<String>),
}

impl Coverage {
    /// Whether "there is no other object of this kind" is known.
    pub fn is_complete(&self, group: &str, kind: &str) -> bool {
        let is_named = |kinds: &[String]| kinds.iter().any(|known| parts(known) == (group, kind));
        match self {
            Coverage::Fragment => false,
            Coverage::Complete => true,
            Coverage::AllBut(kinds) => !is_named(kinds),
            Coverage::Kinds(kinds) => is_named(kinds),
        }
    }
}

/// `group/Kind`; `Kind` in the core group.
pub fn kind_name(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{group}/{kind}") }
}

/// Group and kind of a [`kind_name`].
fn parts(kind: &str) -> (&str, &str) {
    kind.split_once('/').unwrap_or(("", kind))
}

/// Everything that was read of an estate. Plain data: equal snapshots and equal
/// controls give equal findings.
#[derive(Debug)]
pub struct Snapshot {
    /// The Kubernetes minor that objects are judged for.
    pub minor: Minor,
    /// Whether `minor` was assumed rather than said or seen.
    pub minor_assumed: bool,
    /// The texts that objects and diagnostics point into; a [`SourceId`] is an index.
    pub sources: Vec<Source>,
    /// Sorted by thing, then origin; see [`Snapshot::seal`].
    pub objects: Vec<Arc<Object>>,
    /// Facts outside documents, sorted by thing and name.
    pub facts: Vec<Fact>,
    /// What absence means.
    pub coverage: Coverage,
    /// What could not be had.
    pub gaps: Vec<Gap>,
    /// What was wrong with the inputs.
    pub diagnostics: Vec<Diagnostic>,
    /// Stands for the cluster itself where a rule judges that: an empty document.
    pub cluster: Object,
}

impl Snapshot {
    /// An empty fragment judged for `minor`.
    pub fn new(minor: Minor) -> Snapshot {
        Snapshot {
            minor,
            minor_assumed: false,
            sources: Vec::new(),
            objects: Vec::new(),
            facts: Vec::new(),
            coverage: Coverage::Fragment,
            gaps: Vec::new(),
            diagnostics: Vec::new(),
            cluster: Object::cluster(),
        }
    }

    /// Sorts what look-ups expect sorted. Call it once everything is added.
    pub fn seal(&mut self) {
        self.objects.sort_by(|a, b| (&a.thing, a.origin).cmp(&(&b.thing, b.origin)));
        self.facts.sort_by(|a, b| (&a.thing, a.name).cmp(&(&b.thing, b.name)));
    }

    /// Adds a fact to a sealed snapshot, in place of an older one of its name.
    pub fn put(&mut self, fact: Fact) {
        let order = |known: &Fact| (&known.thing, known.name).cmp(&(&fact.thing, fact.name));
        match self.facts.binary_search_by(order) {
            Ok(at) => self.facts[at] = fact,
            Err(at) => self.facts.insert(at, fact),
        }
    }

    /// The kinds (group, kind) of which no object was seen though there may be some.
    pub fn unseen(&self) -> impl Iterator<Item = (&str, &str)> {
        let kinds = self.gaps.iter().filter_map(|gap| gap.kind.as_ref());
        kinds.filter(|kind| kind.seen_in.is_empty()).map(|kind| parts(&kind.name))
    }

    /// The kinds that we may not see, or not in all namespaces.
    pub fn denied(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|gap| gap.cause == Cause::Denied && gap.fact.is_none())
    }

    /// A source by its id.
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// What counts for a thing. Finding it costs a search: whoever asks for several facts
    /// of a thing keeps it.
    pub fn facts_for(&self, thing: &ThingRef) -> Facts<'_> {
        Facts { own: self.facts_of(thing), of_cluster: self.facts_of(&self.cluster.thing) }
    }

    /// The fact of this name about a thing.
    pub fn fact(&self, thing: &ThingRef, name: &str) -> Option<&Fact> {
        find(self.facts_of(thing), name)
    }

    fn facts_of(&self, thing: &ThingRef) -> &[Fact] {
        let start = self.facts.partition_point(|fact| *fact.thing < *thing);
        let len = self.facts[start..].iter().take_while(|fact| *fact.thing == *thing).count();
        &self.facts[start..start + len]
    }
}

/// The facts that count for a thing: its own, and the cluster's.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    own: &'a [Fact],
    of_cluster: &'a [Fact],
}

impl<'a> Facts<'a> {
    /// The fact of this name.
    pub fn get(self, name: &str) -> Option<&'a Fact> {
        match declared(name)?.about {
            About::Object => find(self.own, name),
            About::Cluster => find(self.of_cluster, name),
        }
    }
}

fn find<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Fact> {
    facts.iter().find(|fact| fact.name == name)
}
