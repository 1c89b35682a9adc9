//! Follows a running cluster: what [`read`](crate::read) reads once, and then every
//! change of it. One task per kind lists and watches it; one looks which kinds there
//! are. Nothing is kept here but where each watch is: who follows keeps the objects.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ironhull_kube::{Cluster, Error, Watcher};
use ironhull_model::{Fact, Gap, Minor, Named, Object, ThingRef, Wanted};
use ironhull_schema::admission;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use crate::discovery::{self, Resource};
use crate::list::{self, Extent};
use crate::version::{self, Server};
use crate::{Asked, Places, extent_of, helm, is_read, kubelets, places, policies};

mod facts;
mod follow;
mod stream;

/// How often it is asked which kinds there are, where no definition changes, and what
/// stands outside of objects.
const EVERY: Duration = Duration::from_secs(300);
/// How long after a definition changed its kinds are looked for, and again: the API
/// server makes them known a moment later.
const AFTER_CHANGE: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(3)];

/// Objects of one kind: all, or those of one namespace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scope {
    /// Their group; empty for the core group.
    pub group: String,
    /// Their kind.
    pub kind: String,
    /// Their namespace; none is all.
    pub namespace: Option<String>,
}

impl Scope {
    /// Whether a thing is one of them.
    pub fn holds(&self, thing: &ThingRef) -> bool {
        let namespace = self.namespace.as_deref();
        (&*thing.group, &*thing.kind) == (self.group.as_str(), self.kind.as_str())
            && namespace.is_none_or(|namespace| *thing.namespace == *namespace)
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// What the server is; whenever that changed.
    Server {
        /// As it says it: `v1.37.1+k3s1`.
        version: String,
        /// The same as a minor; none when it is no version.
        minor: Option<Minor>,
    },
    /// What stands outside of objects, in place of what was told before.
    Facts {
        /// Facts.
        facts: Vec<Fact>,
        /// What could not be had of them, and kinds whose server does not answer.
        gaps: Vec<Gap>,
    },
    /// The kinds that there are: (group, kind). Of each it is told how far it can be
    /// seen, sooner or later. Objects of others are gone.
    Kinds(BTreeSet<(String, String)>),
    /// How far the objects of a kind can be seen.
    Seen {
        /// Its group.
        group: String,
        /// The kind.
        kind: String,
        /// Where they can be seen; none is everywhere. What is elsewhere is gone.
        namespaces: Option<Vec<String>>,
        /// What cannot be seen; none when all can.
        gap: Option<Gap>,
    },
    /// All objects of a scope come next; what does not is gone.
    Listing(Scope),
    /// They came.
    Listed(Scope),
    /// An object is as given.
    Put(Box<Object>),
    /// An object is gone.
    Remove(ThingRef),
    /// The server does not answer: what is told next may be late.
    Silent(String),
    /// It answers again.
    Back,
}

/// Follows a cluster until nobody listens any more.
///
/// # Errors
/// When the server does not answer at first, or not even discovery is allowed. What
/// fails later is told and tried again.
pub async fn watch(cluster: Cluster, asked: Asked, events: Sender<Event>) -> Result<(), Error> {
    let watcher = cluster.watcher()?;
    let shared = Arc::new(Shared {
        cluster,
        watcher,
        events,
        streams_lists: AtomicBool::new(true),
        places: Mutex::default(),
        silent: Mutex::default(),
        definitions: Mutex::default(),
        defined: Notify::new(),
        policies: Mutex::default(),
        rights: tokio::sync::watch::Sender::new(()),
    });
    let mut kinds = Kinds {
        shared: shared.clone(),
        asked,
        known: HashMap::new(),
        found: None,
        facts: Vec::new(),
        gaps: Vec::new(),
    };
    kinds.look(&HashSet::new()).await?;
    kinds.facts().await;
    let mut again = tokio::time::interval(EVERY);
    again.tick().await;
    loop {
        tokio::select! {
            () = shared.events.closed() => break,
            () = shared.defined.notified() => {
                for pause in AFTER_CHANGE {
                    tokio::time::sleep(pause).await;
                    let changed = std::mem::take(&mut *lock(&shared.definitions));
                    if kinds.look(&changed).await.is_err() {
                        lock(&shared.definitions).extend(changed);
                    }
                }
            }
            _ = again.tick() => {
                _ = kinds.look(&HashSet::new()).await;
                kinds.facts().await;
            }
        }
    }
    kinds.known.into_values().for_each(|known| known.task.abort());
    Ok(())
}

/// What all tasks share.
struct Shared {
    cluster: Cluster,
    watcher: Watcher,
    events: Sender<Event>,
    /// Whether the server gives lists as the beginnings of watches (KEP-3157).
    streams_lists: AtomicBool,
    places: Mutex<Places>,
    /// The kinds whose server does not answer.
    silent: Mutex<HashSet<String>>,
    /// Groups whose definitions changed, and whether anything did.
    definitions: Mutex<HashSet<String>>,
    defined: Notify,
    /// What each admission policy is about, by its name and kind.
    policies: Mutex<HashMap<ThingRef, Named>>,
    /// Told when one kind finds that what we may see is other than before.
    rights: tokio::sync::watch::Sender<()>,
}

impl Shared {
    /// Nobody listens any more when this fails, and then the task is ended.
    async fn tell(&self, event: Event) {
        _ = self.events.send(event).await;
    }

    /// The server did not answer about a kind: told once for all kinds.
    async fn silent(&self, kind: String, error: &Error) {
        let is_first = {
            let mut silent = lock(&self.silent);
            silent.insert(kind) && silent.len() == 1
        };
        if is_first {
            self.tell(Event::Silent(error.to_string())).await;
        }
    }

    /// What we may see is other than before: all kinds ask again.
    fn rights_changed(&self) {
        self.rights.send_replace(());
    }

    /// Notes an admission policy. One that is about something else than before makes other
    /// kinds be read as a whole.
    fn policy(&self, object: &Object) {
        let named = admission::named(object);
        let before = lock(&self.policies).insert(ThingRef::clone(&object.thing), named.clone());
        if before.unwrap_or_default() != named {
            self.defined.notify_one();
        }
    }

    fn policy_gone(&self, thing: &ThingRef) {
        if lock(&self.policies).remove(thing).is_some_and(|named| named != Named::default()) {
            self.defined.notify_one();
        }
    }

    /// What all admission policies are about.
    fn named(&self) -> Named {
        let mut all = Named::default();
        lock(&self.policies).values().for_each(|named| all.add(named.clone()));
        all
    }

    async fn answers(&self, kind: &str) {
        let is_last = {
            let mut silent = lock(&self.silent);
            silent.remove(kind) && silent.is_empty()
        };
        if is_last {
            self.tell(Event::Back).await;
        }
    }
}

/// A lock that a panic left behind holds nothing that is half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kinds that there are, each with the task that follows it.
struct Kinds {
    shared: Arc<Shared>,
    asked: Asked,
    known: HashMap<Resource, Followed>,
    found: Option<Found>,
    /// What was told last of what stands outside of objects.
    facts: Vec<Fact>,
    gaps: Vec<Gap>,
}

/// A kind that is followed.
struct Followed {
    extent: Extent,
    task: JoinHandle<()>,
}

/// What the server said last.
struct Found {
    server: Server,
    /// `group/version` of aggregated servers that do not answer.
    stale: Vec<String>,
    /// Nodes and Secrets, with the fact that there is of them.
    with_facts: Vec<(Resource, Extent, &'static str)>,
    /// What admission policies are about and is not read.
    left_out: Vec<Gap>,
}

impl Kinds {
    /// Looks which kinds there are; those of `changed` groups are followed anew.
    async fn look(&mut self, changed: &HashSet<String>) -> Result<(), Error> {
        let cluster = &self.shared.cluster;
        let server = version::ask(cluster).await?;
        let discovered = discovery::discover(cluster).await?;
        // What an aggregated server served that does not answer now is not gone.
        let is_stale = |resource: &Resource| {
            let version = resource.api_version();
            discovered.stale.contains(&version)
        };
        if self.found.as_ref().is_none_or(|found| found.server != server) {
            let (version, minor) = (server.git_version.clone(), server.minor());
            self.shared.tell(Event::Server { version, minor }).await;
        }
        let places = places(cluster, &discovered.resources, &self.asked.namespaces).await;
        *lock(&self.shared.places) = places;
        let of_core = |kind: &str, extent, fact| {
            let mut all = discovered.resources.iter();
            let found = all.find(|of| of.group.is_empty() && of.kind == kind);
            found.map(|resource| (resource.clone(), extent, fact))
        };
        let with_facts = [
            of_core("Node", Extent::Metadata, kubelets::FACT),
            of_core("Secret", Extent::Secrets, helm::FACT),
        ];
        let with_facts = with_facts.into_iter().flatten().collect();
        if self.known.is_empty() {
            self.policies(&discovered.resources).await;
        }
        let named = self.shared.named();
        let left_out = policies::left_out(&discovered.resources, &named);
        let mut wanted = self.asked.wanted.clone();
        wanted.named.add(named);
        let stays: Vec<Resource> =
            self.known.keys().filter(|known| is_stale(known)).cloned().collect();
        let there = discovered.resources.into_iter().filter(is_read).chain(stays);
        let there: HashSet<Resource> = there.collect();
        self.known.retain(|_, known| !known.task.is_finished());
        let is_other = |of: &Resource, known: &Followed| {
            !there.contains(of)
                || changed.contains(&of.group)
                || known.extent != extent_of(of, &wanted)
        };
        let ends = self.known.iter().filter(|(of, known)| is_other(of, known));
        let ends: Vec<Resource> = ends.map(|(of, _)| of.clone()).collect();
        for ended in ends {
            if let Some(Followed { task, .. }) = self.known.remove(&ended) {
                task.abort();
                // What it tells last must not come after what is told next.
                _ = task.await;
                self.shared.answers(&ended.shown()).await;
            }
        }
        let kinds = there.iter().map(|known| (known.group.clone(), known.kind.clone()));
        self.shared.tell(Event::Kinds(kinds.collect())).await;
        for resource in there {
            if self.known.contains_key(&resource) {
                continue;
            }
            self.follow(resource, &wanted);
        }
        let others = self.found.as_ref().is_some_and(|found| found.left_out != left_out);
        self.found = Some(Found { server, stale: discovered.stale, with_facts, left_out });
        if others {
            self.facts().await;
        }
        Ok(())
    }

    fn follow(&mut self, resource: Resource, wanted: &Wanted) {
        let extent = extent_of(&resource, wanted);
        let follower = follow::Follower::new(self.shared.clone(), resource.clone(), extent);
        let task = tokio::spawn(follower.run());
        self.known.insert(resource, Followed { extent, task });
    }

    /// Reads the admission policies before anything is followed, so that what they are about
    /// is not listed twice. What fails is told by those who follow the policies.
    async fn policies(&self, resources: &[Resource]) {
        for resource in resources.iter().filter(|of| policies::is_policy(of)) {
            let listed = list::list(&self.shared.cluster, resource, None, Extent::Whole).await;
            let policies = listed.into_iter().flat_map(|listed| listed.objects);
            let mut known = lock(&self.shared.policies);
            known.extend(policies.map(|of| (ThingRef::clone(&of.thing), admission::named(&of))));
        }
    }
}
