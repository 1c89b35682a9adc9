//! A running cluster as an estate that changes: events of a watch make a snapshot and
//! keep it, so that at any moment it is what a check would read then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ironhull_cluster::{Event, Scope};
use ironhull_model::{
    Cause, Code, Coverage, Diagnostic, Fact, Gap, Level, Object, Snapshot, Standing, ThingRef,
    kind_name,
};
use ironhull_schema::crd;
use ironhull_secrets::Salt;
use rayon::prelude::*;

use super::live::{self, Defaults};
use super::{Estate, Options, add_policies, assume_roles, salt};

/// What an object's own document gives.
const OF_DOCUMENTS: [&str; 2] = ["owner", "secret"];

/// What stands outside of objects.
const OUTSIDE: [&str; 3] = ["cluster.version", "helm.release", "node.kubelet-config"];

/// How far a kind can be seen.
enum Reach {
    /// Nobody said yet.
    Waiting,
    /// But for the gap.
    Known(Option<Gap>),
}

/// What changed since the snapshot was settled last.
#[derive(Default)]
pub(crate) struct Changes {
    /// Objects as they were; those that are new are in `things` only.
    pub(crate) before: Vec<Arc<Object>>,
    /// The things that are new, others or gone.
    pub(crate) things: HashSet<ThingRef>,
    /// Whether more changed than objects.
    pub(crate) everything: bool,
}

impl Changes {
    /// Whether nothing did.
    pub(crate) fn is_empty(&self) -> bool {
        self.things.is_empty() && !self.everything
    }
}

/// A cluster that is followed.
pub(crate) struct Following {
    pub(crate) estate: Estate,
    owner: Option<String>,
    takes_minor: bool,
    salt: Salt,
    defaults: Defaults,
    kinds: BTreeMap<(String, String), Reach>,
    /// Gaps that are no kind's.
    gaps: Vec<Gap>,
    has_facts: bool,
    /// The scopes that are being listed, with what came of each.
    listing: HashMap<Scope, HashSet<ThingRef>>,
    /// Events that are not in the snapshot yet: the object, or none where it is gone.
    pending: HashMap<ThingRef, Option<Object>>,
    everything: bool,
}

impl Following {
    /// An estate of which nothing came yet.
    pub(crate) fn new(targets: &[String], options: &Options<'_>) -> Following {
        let mut snapshot = Snapshot::new(options.minor);
        snapshot.minor_assumed = options.minor_assumed;
        let mut estate = Estate {
            snapshot,
            own: Vec::new(),
            first_policy_file: ironhull_model::SourceId(0),
            targets: targets.to_vec(),
            cluster: None,
        };
        add_policies(&mut estate, options);
        Following {
            defaults: Defaults::of(options.minor),
            estate,
            owner: options.owner.map(str::to_owned),
            takes_minor: options.minor_assumed,
            salt: salt(),
            kinds: BTreeMap::new(),
            gaps: Vec::new(),
            has_facts: false,
            listing: HashMap::new(),
            pending: HashMap::new(),
            everything: true,
        }
    }

    /// Whether it is known of every kind how far it can be seen, and all of it came.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_facts
            && !self.kinds.is_empty()
            && self.listing.is_empty()
            && self.kinds.values().all(|reach| matches!(reach, Reach::Known(_)))
    }

    /// Whether more than objects is changing: what is seen in between, such as kinds that
    /// vanish one by one when rights are taken, would be false alarms.
    pub(crate) fn is_moving(&self) -> bool {
        self.everything || !self.is_whole()
    }

    /// Takes an event in.
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Server { version, minor } => {
                if self.takes_minor {
                    live::judge_as(minor, &version, &mut self.estate.snapshot);
                    self.defaults = Defaults::of(self.estate.snapshot.minor);
                }
                self.everything = true;
            }
            Event::Facts { facts, gaps } => self.outside(facts, gaps),
            Event::Kinds(kinds) => self.there_are(kinds),
            Event::Seen { group, kind, namespaces, gap } => {
                if let Some(namespaces) = namespaces {
                    self.listing.retain(|scope, _| {
                        (&scope.group, &scope.kind) != (&group, &kind)
                            || scope.namespace.as_ref().is_some_and(|of| namespaces.contains(of))
                    });
                    self.forget(|thing| {
                        (&*thing.group, &*thing.kind) == (group.as_str(), kind.as_str())
                            && !namespaces.iter().any(|seen| *thing.namespace == **seen)
                    });
                }
                self.seen(group, kind, gap);
            }
            Event::Listing(scope) => _ = self.listing.insert(scope, HashSet::new()),
            Event::Listed(scope) => self.listed(&scope),
            Event::Put(object) => {
                let thing = ThingRef::clone(&object.thing);
                for (scope, came) in &mut self.listing {
                    if scope.holds(&thing) {
                        came.insert(thing.clone());
                    }
                }
                self.pending.insert(thing, Some(*object));
            }
            Event::Remove(thing) => _ = self.pending.insert(thing, None),
            Event::Silent(_) | Event::Back => {}
        }
    }

    fn outside(&mut self, facts: Vec<Fact>, gaps: Vec<Gap>) {
        let known = &mut self.estate.snapshot.facts;
        let before: Vec<Fact> = known.extract_if(.., |fact| OUTSIDE.contains(&fact.name)).collect();
        let is_known = |fact: &Fact| {
            { before.iter() }.any(|other| {
                (&other.thing, other.name) == (&fact.thing, fact.name) && other.value == fact.value
            })
        };
        self.everything |=
            gaps != self.gaps || facts.len() != before.len() || !facts.iter().all(is_known);
        known.extend(facts);
        self.gaps = gaps;
        self.has_facts = true;
        self.estate.snapshot.seal();
    }

    fn there_are(&mut self, kinds: BTreeSet<(String, String)>) {
        let gone: Vec<_> =
            self.kinds.keys().filter(|known| !kinds.contains(*known)).cloned().collect();
        for (group, kind) in gone {
            self.kinds.remove(&(group.clone(), kind.clone()));
            self.listing.retain(|scope, _| (&scope.group, &scope.kind) != (&group, &kind));
            self.forget(|thing| (&*thing.group, &*thing.kind) == (group.as_str(), kind.as_str()));
            self.everything = true;
        }
        for kind in kinds {
            self.kinds.entry(kind).or_insert(Reach::Waiting);
        }
    }

    fn seen(&mut self, group: String, kind: String, gap: Option<Gap>) {
        // It may have gone in the meantime.
        let kind = (group, kind);
        let Some(reach) = self.kinds.get_mut(&kind) else { return };
        if gap.as_ref().is_some_and(|gap| gap.cause == Cause::Unreadable) {
            // Its list broke off, and may do so again.
            self.listing.retain(|scope, _| (&scope.group, &scope.kind) != (&kind.0, &kind.1));
        }
        if !matches!(reach, Reach::Known(known) if *known == gap) {
            *reach = Reach::Known(gap);
            self.everything = true;
        }
    }

    fn listed(&mut self, scope: &Scope) {
        let Some(came) = self.listing.remove(scope) else { return };
        self.forget(|thing| scope.holds(thing) && !came.contains(thing));
    }

    /// Objects of the cluster that are gone without an event of their own.
    fn forget(&mut self, is_gone: impl Fn(&ThingRef) -> bool) {
        let live = { self.estate.snapshot.objects.iter() }.filter(|object| is_own(object));
        let known = live.map(|object| ThingRef::clone(&object.thing));
        let pending: Vec<ThingRef> = self.pending.keys().cloned().collect();
        for thing in known.chain(pending).filter(|thing| is_gone(thing)) {
            self.pending.insert(thing, None);
        }
    }

    /// Brings the snapshot up to what was taken in.
    pub(crate) fn settle(&mut self) -> Changes {
        let mut changes =
            Changes { everything: std::mem::take(&mut self.everything), ..Changes::default() };
        let pending = std::mem::take(&mut self.pending);
        let snapshot = &mut self.estate.snapshot;
        let (salt, defaults) = (&self.salt, &self.defaults);
        snapshot.objects.retain(|object| {
            let stays = !(is_own(object) && pending.contains_key(&*object.thing));
            if !stays {
                changes.before.push(object.clone());
            }
            stays
        });
        snapshot.facts.retain(|fact| {
            !(OF_DOCUMENTS.contains(&fact.name) && pending.contains_key(&*fact.thing))
        });
        changes.things = pending.keys().cloned().collect();
        let came: Vec<Object> = pending.into_values().flatten().collect();
        let came: Vec<_> =
            came.into_par_iter().map(|object| defaults.prepare(object, salt)).collect();
        let mut objects = Vec::new();
        for (object, facts) in came {
            snapshot.facts.extend(facts);
            snapshot.facts.extend(ironhull_source::owner_of(&object, self.owner.as_deref()));
            objects.push(Arc::new(object));
        }
        defaulted(snapshot, &mut objects);
        snapshot.objects.extend(objects);
        if changes.everything {
            self.settle_reach();
        }
        self.say_what_is_unread();
        self.estate.snapshot.seal();
        changes
    }

    /// What is unread at this moment, in place of what was a moment ago.
    fn say_what_is_unread(&mut self) {
        let snapshot = &mut self.estate.snapshot;
        let is_told =
            |told: &Diagnostic| told.code == Code::ClusterUnread && told.level == Level::Error;
        snapshot.diagnostics.retain(|told| !is_told(told));
        let context = self.estate.targets.first().and_then(|of| of.strip_prefix("cluster:"));
        let has_objects = snapshot.objects.iter().any(|object| is_own(object));
        let told = live::unread_of(context.unwrap_or_default(), has_objects, &snapshot.gaps);
        snapshot.diagnostics.extend(told);
    }

    /// What is complete, what is missing, and what is assumed for it.
    fn settle_reach(&mut self) {
        let snapshot = &mut self.estate.snapshot;
        let complete = self.kinds.iter().filter(|(_, reach)| matches!(reach, Reach::Known(None)));
        let complete = complete.map(|((group, kind), _)| kind_name(group, kind));
        snapshot.coverage = Coverage::Kinds(complete.collect());
        let of_kinds = self.kinds.values().filter_map(|reach| match reach {
            Reach::Known(gap) => gap.clone(),
            Reach::Waiting => None,
        });
        let (stale, facts): (Vec<&Gap>, Vec<&Gap>) =
            self.gaps.iter().partition(|gap| gap.fact.is_none());
        snapshot.gaps = stale.into_iter().cloned().chain(of_kinds).collect();
        snapshot.gaps.extend(facts.into_iter().cloned());
        snapshot.objects.retain(|object| !is_ours(object));
        assume_roles(snapshot);
    }
}

/// Whether an object is one of the cluster's.
fn is_own(object: &Object) -> bool {
    object.origin.is_none() && !is_ours(object)
}

/// Whether an object was not read but assumed: it has not even a uid.
fn is_ours(object: &Object) -> bool {
    object.standing == Standing::Assumed && object.root().path(&["metadata", "uid"]).is_none()
}

/// Completes custom resources by the definitions that the snapshot has, or that come
/// with them.
fn defaulted(snapshot: &Snapshot, objects: &mut Vec<Arc<Object>>) {
    if !objects.iter().any(|object| crd::is_custom(&object.thing.group, &object.thing.kind)) {
        return;
    }
    let known = snapshot.objects.iter().filter(|object| object.is(crd::GROUP, crd::KIND));
    let known: Vec<_> = known.cloned().collect();
    let n_known = known.len();
    objects.splice(0..0, known);
    // Of what is not defined nothing is told: its definition may come next.
    _ = crd::complete(objects);
    objects.drain(..n_known);
}
