//! Follows a running cluster: what [`read`](crate::read) reads once, and then every
//! change of it. One task per kind lists and watches it; one looks which kinds there
//! are. Nothing is kept here but where each watch is: who follows keeps the objects.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ironhull_kube::{Cluster, Error, Watcher};
use ironhull_model::{Coverage, Fact, Gap, Minor, Object, ThingRef};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use crate::discovery::{self, Resource};
use crate::list::{self, Extent};
use crate::version::{self, Server};
use crate::{Asked, Places, Seen, extent, helm, is_read, kubelets, places, stale};

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
        rights: tokio::sync::watch::Sender::new(()),
    });
    let mut kinds = Kinds { shared: shared.clone(), asked, known: HashMap::new(), found: None };
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
    kinds.known.into_values().for_each(|task| task.abort());
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
    known: HashMap<Resource, JoinHandle<()>>,
    found: Option<Found>,
}

/// What the server said last.
struct Found {
    server: Server,
    /// `group/version` of aggregated servers that do not answer.
    stale: Vec<String>,
    /// Nodes and Secrets, of which there are facts.
    with_facts: Vec<(Resource, Extent)>,
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
        let places = places(cluster, &discovered.resources).await;
        *lock(&self.shared.places) = places;
        let of_core = |kind: &str, extent| {
            let mut all = discovered.resources.iter();
            let found = all.find(|of| of.group.is_empty() && of.kind == kind);
            found.map(|resource| (resource.clone(), extent))
        };
        let with_facts = [of_core("Node", Extent::Metadata), of_core("Secret", Extent::Secrets)];
        let with_facts = with_facts.into_iter().flatten().collect();
        let stays: Vec<Resource> =
            self.known.keys().filter(|known| is_stale(known)).cloned().collect();
        let there = discovered.resources.into_iter().filter(is_read).chain(stays);
        let there: HashSet<Resource> = there.collect();
        self.known.retain(|_, task| !task.is_finished());
        let ends: Vec<Resource> = { self.known.keys() }
            .filter(|known| !there.contains(*known) || changed.contains(&known.group))
            .cloned()
            .collect();
        for ended in ends {
            if let Some(task) = self.known.remove(&ended) {
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
            let extent = extent(&resource.group, &resource.kind, &self.asked.wanted);
            let shared = self.shared.clone();
            let follower = follow::Follower::new(shared, resource.clone(), extent);
            self.known.insert(resource, tokio::spawn(follower.run()));
        }
        self.found = Some(Found { server, stale: discovered.stale, with_facts });
        Ok(())
    }

    /// Asks for what stands outside of objects.
    async fn facts(&self) {
        let cluster = &self.shared.cluster;
        let Some(found) = &self.found else { return };
        let mut seen = Seen {
            version: String::new(),
            minor: None,
            objects: Vec::new(),
            facts: vec![found.server.fact()],
            coverage: Coverage::Fragment,
            gaps: found.stale.iter().map(|version| stale(version)).collect(),
        };
        for (resource, extent) in &found.with_facts {
            // What may not be listed is told as a kind that cannot be seen.
            if let Ok(listed) = list::list(cluster, resource, None, *extent).await {
                seen.objects.extend(listed.objects);
            }
        }
        kubelets::read(cluster, self.asked.kubelets, &mut seen).await;
        helm::read(cluster, self.asked.helm_releases, &mut seen).await;
        self.shared.tell(Event::Facts { facts: seen.facts, gaps: seen.gaps }).await;
    }
}
